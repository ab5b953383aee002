"""Files of bundles have one encoding; every way in which a price may not be signed is rejected with its reason."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.statement import Price
from tests.verifier.toy_oracle import KEYS, toy_bundle, toy_check
from verifier.prices import (
    Bundle,
    Oracle,
    PriceReason,
    PriceRejection,
    check_prices,
    decode_bundles,
    encode_bundles,
    no_signatures,
    ordered,
    price_message,
)

VENUE, OTHER = bytes(range(32)), bytes(32)
ORACLE = Oracle(KEYS, threshold=3, drift=60, age=600, replay=False)

prices = st.dictionaries(st.integers(1, 27), st.integers(1, 2**28 - 1), min_size=1, max_size=4).map(
    lambda one: tuple(sorted(one.items()))
)
bundles = st.builds(
    Bundle, st.integers(0, 2**28 - 1), prices, st.integers(0, 2**64 - 1), st.binary(min_size=96, max_size=96)
)
files = st.lists(bundles, max_size=5, unique_by=lambda one: (one.time, one.prices)).map(ordered)


def reason(
    wanted: Sequence[Price], signed: Sequence[Bundle] | bytes | None, venue_id: bytes = VENUE, oracle: Oracle = ORACLE
) -> PriceReason | None:
    """Why the prices do not count as signed, if they do not."""
    data = signed if signed is None or isinstance(signed, bytes) else encode_bundles(venue_id, ordered(signed))
    try:
        check_prices(oracle, VENUE, wanted, data, toy_check)
    except PriceRejection as rejection:
        return rejection.reason
    return None


@given(files)
def test_a_file_says_what_was_written(written: list[Bundle]) -> None:
    assert decode_bundles(encode_bundles(VENUE, written)) == (VENUE, written)


@given(files.filter(bool), st.data())
def test_a_file_has_one_encoding(written: list[Bundle], data: st.DataObject) -> None:
    """Whatever byte is changed, cut off or added, the file is refused or says something else."""
    encoded = encode_bundles(VENUE, written)
    place = data.draw(st.integers(0, len(encoded) - 1))
    flipped = encoded[:place] + bytes([encoded[place] ^ 1]) + encoded[place + 1 :]
    for changed in (encoded[:place], encoded + b"\0", flipped):
        try:
            found = decode_bundles(changed)
        except PriceRejection:
            continue
        assert changed == flipped
        assert found != (VENUE, written)
        assert encode_bundles(*found) == changed


@given(prices, prices, st.integers(0, 2**28 - 1), st.integers(0, 2**28 - 1))
def test_what_is_signed_tells_everything_apart(
    first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]], time: int, later: int
) -> None:
    contents = list(product((VENUE, OTHER), sorted({time, later}), sorted({tuple(first), tuple(second)})))
    assert len({price_message(*content) for content in contents}) == len(contents)


def test_the_signed_bytes_are_as_documented() -> None:
    expected = b"solvent-oracle-prices-v1" + VENUE + struct.pack(">IIIIII", 7, 2, 1, 100, 3, 200)
    assert price_message(VENUE, 7, ((1, 100), (3, 200))) == expected


@pytest.mark.parametrize("change", [
    {"time": -1}, {"time": 2**28}, {"prices": ()}, {"prices": ((0, 5),)}, {"prices": ((28, 5),)}, {"prices": ((1, 0),)},
    {"prices": ((1, 2**28),)}, {"prices": ((1, 5), (1, 6))}, {"prices": ((2, 5), (1, 6))}, {"signers": -1},
    {"signers": 2**64}, {"signature": bytes(95)},
])  # fmt: skip
def test_what_no_bundle_can_be(change: dict[str, Any]) -> None:
    good = Bundle(5, ((1, 5),), 7, bytes(96))
    with pytest.raises(ValueError, match=r"outside|order|not all"):
        replace(good, **change)


def test_bundles_twice_or_out_of_order_are_malformed() -> None:
    early, late = toy_bundle(VENUE, 5, [(1, 100)]), toy_bundle(VENUE, 6, [(1, 100)])
    wanted = [Price(1, 0, 100, 5), Price(1, 1, 100, 6)]
    assert reason(wanted, [late, early]) is None
    for wrong in ([late, early], [early, early]):
        assert reason(wanted, encode_bundles(VENUE, wrong)) == PriceReason.MALFORMED


def test_signed_prices_pass() -> None:
    signed = [toy_bundle(VENUE, 5, [(1, 100), (3, 300)]), toy_bundle(VENUE, 9, [(1, 101)], (0, 1, 3))]
    wanted = [Price(1, 0, 100, 5), Price(1, 1, 101, 9), Price(3, 0, 300, 5)]
    assert reason(wanted, signed) is None
    assert reason([*wanted, Price(3, 1, 300, 5)], signed) is None  # a price may be set anew
    assert reason([], None) is None
    assert reason([], []) is None


GOOD = toy_bundle(VENUE, 5, [(1, 100), (3, 300)])
WANTED = [Price(1, 0, 100, 5), Price(3, 0, 300, 5)]


@pytest.mark.parametrize(("expected", "wanted", "signed"), [
    (PriceReason.UNSIGNED, WANTED, None),
    (PriceReason.UNSIGNED, WANTED, []),
    (PriceReason.UNSIGNED, [Price(1, 0, 101, 5)], [GOOD]),
    (PriceReason.UNSIGNED, [Price(3, 0, 100, 5)], [GOOD]),
    (PriceReason.UNSIGNED, [*WANTED, Price(2, 0, 200, 5)], [GOOD]),
    (PriceReason.TIME, [Price(1, 0, 100, 4)], [GOOD]),
    (PriceReason.TIME, [Price(1, 0, 100, 6)], [GOOD]),
    (PriceReason.TOO_FEW_SIGNERS, WANTED, [toy_bundle(VENUE, 5, GOOD.prices, (0, 1))]),
    (PriceReason.TOO_FEW_SIGNERS, WANTED, [toy_bundle(VENUE, 5, GOOD.prices, ())]),
    (PriceReason.UNKNOWN_SIGNER, WANTED, [replace(GOOD, signers=0b10111)]),
    (PriceReason.UNKNOWN_SIGNER, WANTED, [replace(GOOD, signers=1 << 63)]),
    (PriceReason.SIGNATURE, WANTED, [replace(GOOD, signers=0b1111)]),
    (PriceReason.SIGNATURE, WANTED, [replace(GOOD, signers=0b1110)]),
    (PriceReason.SIGNATURE, WANTED, [replace(GOOD, signature=bytes(96))]),
    (PriceReason.SIGNATURE, [Price(1, 0, 100, 6)], [replace(GOOD, time=6)]),
    (PriceReason.SIGNATURE, [Price(1, 0, 100, 5)], [replace(GOOD, prices=GOOD.prices[:1])]),
    (PriceReason.SIGNATURE, WANTED, [toy_bundle(OTHER, 5, GOOD.prices)]),  # signed for another venue
    (PriceReason.VENUE, WANTED, encode_bundles(OTHER, [toy_bundle(OTHER, 5, GOOD.prices)])),
    (PriceReason.MALFORMED, WANTED, b""),
    (PriceReason.MALFORMED, WANTED, encode_bundles(VENUE, [GOOD])[:-1]),
    (PriceReason.MALFORMED, WANTED, encode_bundles(VENUE, [GOOD]) + b"\0"),
    (PriceReason.MALFORMED, WANTED, b"x" + encode_bundles(VENUE, [GOOD])[1:]),
    (PriceReason.MALFORMED, [], [GOOD]),  # more bundles than prices could need
])  # fmt: skip
def test_each_rejection(expected: PriceReason, wanted: Sequence[Price], signed: Any) -> None:
    assert reason(WANTED, [GOOD]) is None
    assert reason(wanted, signed) == expected


def test_no_bundle_passes_unchecked() -> None:
    """One valid bundle does not vouch for another."""
    forged = replace(toy_bundle(VENUE, 9, [(1, 101)]), signature=GOOD.signature)
    wanted = [*WANTED, Price(1, 1, 101, 9)]
    assert reason(wanted, [GOOD, forged]) == PriceReason.SIGNATURE
    assert reason(WANTED, [GOOD, forged]) == PriceReason.SIGNATURE  # though no price rests on it


def test_without_a_check_nothing_is_signed() -> None:
    with pytest.raises(PriceRejection) as caught:
        check_prices(ORACLE, VENUE, WANTED, encode_bundles(VENUE, [GOOD]), no_signatures)
    assert caught.value.reason == PriceReason.SIGNATURE


def test_a_huge_count_is_refused_at_once() -> None:
    for count in (1, 2**32 - 1):
        header = struct.pack(">8s32sI", b"SOLVPRC\x01", VENUE, count)
        assert reason([], header) == PriceReason.MALFORMED
        assert reason([], header + struct.pack(">IQ96sI", 5, 7, bytes(96), 2**32 - 1)) == PriceReason.MALFORMED


@pytest.mark.parametrize("change", [
    {"threshold": 0}, {"threshold": 5}, {"keys": ()}, {"keys": (*KEYS[:2], *KEYS[:2])}, {"keys": (b"short",)},
    {"keys": tuple(bytes([number]) * 48 for number in range(65)), "threshold": 1}, {"drift": -1}, {"age": 2**28},
])  # fmt: skip
def test_what_no_oracle_can_be(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"members|different|drift"):
        replace(ORACLE, **change)
