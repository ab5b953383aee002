"""Proof of work: the smallest nonce whose hash with the transcript's state starts with enough zero bits."""

from __future__ import annotations

from functools import partial

import numpy as np
from llvmlite import ir
from numba import types

from prover import lanes, parallel
from prover.lanes import LANES, Builder, Value, Words
from prover.sha256 import DIGEST_WORDS, emit_compress, emit_initial_state

STATE_BYTES = 32
MAXIMUM_BITS = 32
_LABEL = int.from_bytes(b"grind", "big")
# state || "grind" || nonce is 45 bytes; its padding starts within word 11.
_MESSAGE_BITS = 8 * (STATE_BYTES + 5 + 8)
_CHUNK = 1 << 14


def grind(state: bytes, bits: int) -> int:
    """The smallest nonce such that SHA256(state || b"grind" || nonce, 8 bytes big-endian) starts with `bits` zero bits.

    state: 32 bytes; 0 <= bits <= 32. Raises ValueError otherwise.
    """
    if len(state) != STATE_BYTES or not 0 <= bits <= MAXIMUM_BITS:
        raise ValueError(f"expected {STATE_BYTES} bytes and 0 to {MAXIMUM_BITS} bits, got {len(state)} and {bits}")
    words = state_words(state)
    bound, round_size = 2 ** (MAXIMUM_BITS - bits) - 1, parallel.THREADS * _CHUNK
    for base in range(0, 2**63, round_size):
        found: list[int] = parallel.run_all(
            partial(search, words, start, start + _CHUNK, bound) for start in range(base, base + round_size, _CHUNK)
        )
        nonces = [nonce for nonce in found if nonce >= 0]
        if nonces:
            return min(nonces)
    raise AssertionError("2^63 nonces cannot be exhausted")


def state_words(state: bytes) -> Words:
    """The eight big-endian words of the state."""
    return np.frombuffer(state, dtype=">u4").astype(np.uint32)


def _emit_first_success(b: Builder, words: Value, nonce: Value, bound: Value) -> Value:
    """The first lane k whose nonce `nonce` + k gives a leading digest word up to `bound`; 16 if none does.

    nonce: an i64, a multiple of 16; bound: an i32.
    """

    def splat(value: Value) -> Value:
        return lanes.emit_splat(b, b.trunc(value, lanes.I32))

    block = [lanes.emit_load_splat(b, words, k) for k in range(DIGEST_WORDS)]
    lowest = b.add(splat(b.shl(nonce, lanes.I64(24))), ir.Constant(lanes.V32, [k << 24 for k in range(LANES)]))
    block += [
        lanes.emit_constant(_LABEL >> 8),
        splat(b.or_(b.lshr(nonce, lanes.I64(40)), lanes.I64((_LABEL & 0xFF) << 24))),
        splat(b.lshr(nonce, lanes.I64(8))),
        b.or_(lowest, lanes.emit_constant(1 << 23)),
        *[lanes.emit_constant(0)] * 3,
        lanes.emit_constant(_MESSAGE_BITS),
    ]
    leading = emit_compress(b, emit_initial_state(), block)[0]
    successes = b.bitcast(b.icmp_unsigned("<=", leading, lanes.emit_splat(b, bound)), ir.IntType(LANES))
    sentinel = b.or_(b.zext(successes, lanes.I64), lanes.I64(1 << LANES))
    return b.cttz(sentinel, ir.IntType(1)(0))


_first_success = lanes.lane_intrinsic(_emit_first_success, types.int64)


@lanes.kernel
def search(words: Words, start: int, stop: int, bound: int) -> int:
    """The smallest successful nonce in [start, stop), -1 if there is none."""
    for nonce in range(start, stop, LANES):
        lane = _first_success(words, nonce, np.uint32(bound))
        if lane < LANES:
            return int(nonce + lane)
    return -1
