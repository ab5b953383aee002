"""The stream is that of SHAKE-256, never repeats, is uniform below P, and is seeded from the system by default."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from circuits.field import P
from prover.randomness import Randomness, random_salts


def test_words_are_the_first_bytes_of_the_domain_separated_stream() -> None:
    seed = bytes(range(32))
    stream = hashlib.shake_256(b"solvent/prover/randomness" + seed + (0).to_bytes(8, "big")).digest(40)
    assert Randomness(seed).words((2, 5)).tobytes() == stream


def test_successive_draws_differ_and_are_reproducible() -> None:
    first, second = Randomness(bytes(32)), Randomness(bytes(32))
    draws = [first.words((1000,)) for _ in range(3)] + [first.elements((1000,))]
    again = [second.words((1000,)) for _ in range(3)] + [second.elements((1000,))]
    assert all(np.array_equal(a, b) for a, b in zip(draws, again, strict=True))
    assert len({draw.tobytes() for draw in draws}) == len(draws)


def test_default_seeds_differ() -> None:
    assert Randomness().words((8,)).tobytes() != Randomness().words((8,)).tobytes()


def test_chunks_of_a_large_draw_do_not_repeat() -> None:
    words = Randomness(bytes(32)).words((1 << 18,))
    chunks = words.reshape(-1, 1 << 16)
    assert len({chunk.tobytes() for chunk in chunks}) == len(chunks)


def test_elements_are_uniform_below_p() -> None:
    elements = Randomness(bytes(32)).elements((200_003,))
    assert elements.shape == (200_003,)
    assert int(elements.max()) < P
    # 64 equal buckets; chi-square with 63 degrees of freedom exceeds 130 with probability below 10^-6.
    counts = np.bincount((elements.astype(np.uint64) * 64 // P).astype(np.int64), minlength=64)
    expected = elements.size / 64
    assert float(((counts - expected) ** 2 / expected).sum()) < 130


def test_every_bit_of_a_word_is_balanced() -> None:
    words = Randomness(bytes(32)).words((100_000,))
    for bit in range(32):
        assert abs(int(((words >> np.uint32(bit)) & 1).sum()) - 50_000) < 1000


def test_shapes() -> None:
    source = Randomness(bytes(32))
    assert source.elements((3, 4, 16)).shape == (3, 4, 16)
    assert source.elements((0,)).shape == (0,)
    assert random_salts(10, source).shape == (10, 4)


def test_short_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Randomness(b"short")
