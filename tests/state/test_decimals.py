"""Decimal strings against the standard library's exact decimals."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.decimals import DecimalError, format_decimal, is_terminating, parse_decimal, scale_down, scale_exactly

plain = st.from_regex(r"(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?", fullmatch=True).filter(str.isascii)


@given(plain)
def test_value_is_exact(text: str) -> None:
    assert parse_decimal(text) == Fraction(Decimal(text))


@given(plain, st.integers(0, 12))
def test_scaling_is_exact_or_refused(text: str, places: int) -> None:
    exact = Fraction(Decimal(text)) * 10**places
    if exact.denominator == 1:
        assert scale_exactly(text, 10**places) == exact
    else:
        with pytest.raises(DecimalError, match="multiple of"):
            scale_exactly(text, 10**places)
    assert scale_down(text, 10**places) == (exact // 1, exact.denominator == 1)


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_format_is_exact_and_shortest(digits: int, places: int) -> None:
    value = Fraction(digits, 10**places)
    text = format_decimal(value)
    assert Fraction(Decimal(text)) == value
    assert "." not in text or not text.endswith("0")


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "+1", "-1", "01", "1.", ".5", "1e3", "1_000", "1,000", "٣", "0x1", "NaN", "9" * 29, "1/2"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DecimalError, match="plain decimal"):
        scale_exactly(text, 1)


def test_terminating() -> None:
    assert is_terminating(Fraction(7, 40))
    assert not is_terminating(Fraction(1, 3))
    assert format_decimal(Fraction(1, 3)) == "1/3"
