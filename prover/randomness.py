"""The cryptographic randomness that hides the witness: SHAKE-256 in counter mode over a secret seed."""

from __future__ import annotations

import hashlib
import secrets

import numpy as np

from circuits.field import P
from prover import lanes
from prover.lanes import Words

SEED_BYTES = 32
SALT_WORDS = 4
_DOMAIN = b"solvent/prover/randomness"
_CHUNK_WORDS = 1 << 16


class Randomness:
    """A stream of uniform words. No two draws of one object overlap; not to be shared between threads."""

    def __init__(self, seed: bytes | None = None) -> None:
        """Seeded by `secrets`; a seed of 32 bytes is for reproducible tests only."""
        self._seed = secrets.token_bytes(SEED_BYTES) if seed is None else seed
        if len(self._seed) != SEED_BYTES:
            raise ValueError(f"expected a seed of {SEED_BYTES} bytes, got {len(self._seed)}")
        self._counter = 0

    def words(self, shape: tuple[int, ...]) -> Words:
        """Uniform uint32, on a cache line."""
        result = lanes.empty(shape)
        flat = result.reshape(-1)
        for start in range(0, flat.size, _CHUNK_WORDS):
            flat[start : start + _CHUNK_WORDS] = self._chunk(min(_CHUNK_WORDS, flat.size - start))
        return result

    def elements(self, shape: tuple[int, ...]) -> Words:
        """Uniform field elements, uint32 below P, by rejection; uniform in Montgomery form as well."""
        result = lanes.empty(shape)
        flat, filled = result.reshape(-1), 0
        while filled < flat.size:
            # One in 128 candidates of 31 bits is rejected; the first chunk nearly always suffices for small draws.
            wanted = flat.size - filled
            candidates = self._chunk(min(_CHUNK_WORDS, wanted + wanted // 64 + 8)) >> np.uint32(1)
            accepted = candidates[candidates < P][:wanted]
            flat[filled : filled + accepted.size] = accepted
            filled += accepted.size
        return result

    def _chunk(self, words: int) -> Words:
        counter = self._counter.to_bytes(8, "big")
        self._counter += 1
        stream = hashlib.shake_256(_DOMAIN + self._seed + counter).digest(4 * words)
        return np.frombuffer(stream, dtype=np.uint32)


def random_salts(rows: int, source: Randomness) -> Words:
    """Salts of 128 bits for the leaves of a Merkle tree: uint32 (rows, 4)."""
    return source.words((rows, SALT_WORDS))
