"""The parameter sets: what they derive, what they encode, what they refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.params import COMPACT, PARAMETERS, STANDARD, Parameters, Site


def test_the_two_sets_are_those_of_the_protocol() -> None:
    assert (STANDARD.log_blowup, STANDARD.queries, STANDARD.grinding_bits) == (2, 116, (8, 8, 20, 20, 20))
    assert (COMPACT.log_blowup, COMPACT.queries, COMPACT.grinding_bits) == (4, 58, (8, 8, 20, 20, 20))
    assert PARAMETERS == {"standard": STANDARD, "compact": COMPACT}


def test_derived_counts() -> None:
    assert (STANDARD.random_rows, STANDARD.blinding) == (243, 122)


def test_bits_follow_the_order_of_the_sites() -> None:
    parameters = Parameters("test", 2, 4, (1, 2, 3, 4, 5))
    assert [parameters.bits(site) for site in Site] == [1, 2, 3, 4, 5]
    assert parameters.bits(Site.FOLD) == 4


def test_encoding_is_the_documented_layout() -> None:
    numbers = bytes.fromhex("00000002 00000074 00000003 00000008 00000008 00000008 00000014 00000014 00000014")
    assert STANDARD.encode() == b"\x08standard" + numbers


sets = st.builds(
    Parameters,
    name=st.text(st.characters(codec="ascii"), min_size=1, max_size=12),
    log_blowup=st.integers(1, 4),
    queries=st.integers(1, 164),
    grinding_bits=st.tuples(*[st.integers(0, 64)] * 5),
)


@given(sets, sets)
def test_different_sets_have_different_encodings(one: Parameters, other: Parameters) -> None:
    assert (one == other) == (one.encode() == other.encode())


@pytest.mark.parametrize(
    "arguments",
    [
        ("", 2, 4, (0, 0, 0, 0, 0)),
        ("ü", 2, 4, (0, 0, 0, 0, 0)),
        ("a" * 256, 2, 4, (0, 0, 0, 0, 0)),
        ("test", 0, 4, (0, 0, 0, 0, 0)),
        ("test", 5, 4, (0, 0, 0, 0, 0)),  # a table of 2^20 rows would have no domain
        ("test", 2, 0, (0, 0, 0, 0, 0)),
        ("test", 2, 200, (0, 0, 0, 0, 0)),  # the quotient of a table of 2^10 rows would not fit its chunks
        ("test", 2, 4, (0, 0, 0, 0, 65)),
        ("test", 2, 4, (-1, 0, 0, 0, 0)),
    ],
)
def test_sets_that_cannot_work_are_refused(arguments: tuple[str, int, int, tuple[int, int, int, int, int]]) -> None:
    with pytest.raises(ValueError, match=r"is not|are not|leave no room|check nothing|must be"):
        Parameters(*arguments)
