"""Grinding against a plain search with hashlib."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prover import grinding


def leading_zero_bits(state: bytes, nonce: int) -> int:
    digest = hashlib.sha256(state + b"grind" + nonce.to_bytes(8, "big")).digest()
    return 256 - int.from_bytes(digest, "big").bit_length()


@settings(max_examples=30, deadline=None)
@given(state=st.binary(min_size=32, max_size=32), bits=st.integers(0, 12))
def test_the_smallest_nonce_is_found(state: bytes, bits: int) -> None:
    expected = next(nonce for nonce in range(1 << 20) if leading_zero_bits(state, nonce) >= bits)
    assert grinding.grind(state, bits) == expected


@pytest.mark.parametrize("seed", range(3))
def test_twenty_bits(seed: int) -> None:
    state = hashlib.sha256(bytes([seed])).digest()
    assert leading_zero_bits(state, grinding.grind(state, 20)) >= 20


def test_nonces_beyond_the_low_words() -> None:
    """The three message words that hold the nonce, each with bits of its own."""
    state = hashlib.sha256(b"high nonces").digest()
    words = grinding.state_words(state)
    for base in (0x0123456789ABCD00, 0x00FF00FF00FF0FF0, 1 << 62):
        found = grinding.search(words, base, base + 4096, 2**24 - 1)
        successes = [nonce for nonce in range(base, base + 4096) if leading_zero_bits(state, nonce) >= 8]
        assert found == successes[0]


def test_an_empty_range_has_no_nonce() -> None:
    words = grinding.state_words(bytes(32))
    assert grinding.search(words, 0, 16, 0) == -1


@pytest.mark.parametrize(("state", "bits"), [(bytes(31), 1), (bytes(32), 33), (bytes(32), -1)])
def test_other_arguments_are_refused(state: bytes, bits: int) -> None:
    with pytest.raises(ValueError, match="expected 32 bytes"):
        grinding.grind(state, bits)
