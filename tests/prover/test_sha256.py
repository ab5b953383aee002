"""SHA-256 on lanes against hashlib."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.field import P
from prover import montgomery, sha256
from prover.lanes import Words

seeds = st.integers(0, 2**32 - 1)


def words(seed: int, *shape: int) -> Words:
    return np.random.default_rng(seed).integers(0, 2**32, shape, dtype=np.uint64).astype(np.uint32)


def big_endian(row: Words) -> bytes:
    return row.astype(">u4").tobytes()


def test_constants_are_those_of_the_standard() -> None:
    assert sha256.INITIAL_STATE[:2] == (0x6A09E667, 0xBB67AE85)
    assert sha256.ROUND_CONSTANTS[0] == 0x428A2F98
    assert sha256.ROUND_CONSTANTS[-1] == 0xC67178F2
    assert len(sha256.ROUND_CONSTANTS) == 64


@settings(max_examples=20, deadline=None)
@given(seed=seeds, rows=st.integers(1, 70), counts=st.lists(st.integers(0, 3), max_size=3))
def test_leaves(seed: int, rows: int, counts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    canonical = [rng.integers(0, P, (count, rows, 16)).astype(np.uint32) for count in counts]
    salts = words(seed, rows, 4)
    digests = sha256.hash_leaves([montgomery.to_montgomery(tiles) for tiles in canonical], salts)
    assert digests.shape == (rows, 8)
    for r in range(rows):
        message = b"".join(big_endian(tile[r]) for tiles in canonical for tile in tiles) + big_endian(salts[r])
        assert sha256.digest_bytes(digests[r]) == hashlib.sha256(message).digest()


@settings(max_examples=20, deadline=None)
@given(seed=seeds, nodes=st.integers(1, 70))
def test_nodes(seed: int, nodes: int) -> None:
    children, rows = words(seed, 2 * nodes, 8), words(seed + 1, nodes, 8)
    plain, injected = sha256.hash_nodes(children), sha256.hash_nodes_injected(children, rows)
    assert plain.shape == injected.shape == (nodes, 8)
    for k in range(nodes):
        pair = big_endian(children[2 * k : 2 * k + 2])
        assert sha256.digest_bytes(plain[k]) == hashlib.sha256(pair).digest()
        assert sha256.digest_bytes(injected[k]) == hashlib.sha256(pair + big_endian(rows[k])).digest()


def test_threaded_ranges() -> None:
    rows = 1 << 13
    tiles = np.random.default_rng(3).integers(0, P, (2, rows, 16)).astype(np.uint32)
    salts = words(3, rows, 4)
    digests = sha256.hash_leaves([montgomery.to_montgomery(tiles)], salts)
    for r in range(0, rows, 101):
        message = big_endian(tiles[0, r]) + big_endian(tiles[1, r]) + big_endian(salts[r])
        assert sha256.digest_bytes(digests[r]) == hashlib.sha256(message).digest()


def test_disagreeing_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="go with tiles"):
        sha256.hash_leaves([np.zeros((1, 32, 16), np.uint32)], words(0, 16, 4))
    with pytest.raises(ValueError, match="expected salts"):
        sha256.hash_leaves([], words(0, 16, 3))
    with pytest.raises(ValueError, match="half as many"):
        sha256.hash_nodes_injected(words(0, 16, 8), words(0, 7, 8))
