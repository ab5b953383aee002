"""SHA-256 (FIPS 180-4) of 16 messages at a time on lanes: Merkle leaves and nodes.

Digests are uint32 arrays (rows, 8): the eight big-endian words of a digest as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from llvmlite import ir
from numba import types

from prover import lanes, parallel
from prover.lanes import LANES, Builder, Value, Words

DIGEST_WORDS = 8
SALT_WORDS = 4
_BLOCK_WORDS = 16
_ROUNDS = 64
_WORD = 2**32
_GRANULARITY = 256


def _fraction_of_root(number: int, degree: int) -> int:
    """The first 32 bits of the fractional part of a square (degree 2) or cube (degree 3) root."""
    scaled = number << (32 * degree)
    root = math.isqrt(scaled)
    if degree == 3:
        low, high = 0, 1 << 36
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if middle**3 <= scaled else (low, middle)
        root = low
    return root % _WORD


_PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, math.isqrt(n) + 1))]
INITIAL_STATE = tuple(_fraction_of_root(p, 2) for p in _PRIMES[:DIGEST_WORDS])
ROUND_CONSTANTS = tuple(_fraction_of_root(p, 3) for p in _PRIMES[:_ROUNDS])


# ------------------------------------------------------------------------------------------------ the compression


def emit_compress(b: Builder, state: Sequence[Value], block: Sequence[Value]) -> list[Value]:
    """The compression function: 8 state vectors and 16 message vectors to 8 state vectors.

    Vectors that are constants fold away: the message schedule of a constant block costs nothing.
    """
    schedule = list(block)
    a, b_, c, d, e, f, g, h = state
    for k in range(_ROUNDS):
        if k >= _BLOCK_WORDS:
            schedule.append(_emit_schedule_word(b, schedule))
        choice = b.xor(g, b.and_(e, b.xor(f, g)))
        majority = b.or_(b.and_(a, b_), b.and_(c, b.or_(a, b_)))
        word = b.add(schedule[k], lanes.emit_constant(ROUND_CONSTANTS[k]))
        first = b.add(b.add(h, word), b.add(_emit_rotations(b, e, 6, 11, 25), choice))
        second = b.add(_emit_rotations(b, a, 2, 13, 22), majority)
        a, b_, c, d, e, f, g, h = b.add(first, second), a, b_, c, b.add(d, first), e, f, g
    return [b.add(x, y) for x, y in zip(state, (a, b_, c, d, e, f, g, h), strict=True)]


def _emit_rotations(b: Builder, x: Value, *amounts: int) -> Value:
    first, second, third = (lanes.emit_rotate_right(b, x, amount) for amount in amounts)
    return b.xor(b.xor(first, second), third)


def _emit_schedule_word(b: Builder, schedule: Sequence[Value]) -> Value:
    def sigma(x: Value, first: int, second: int, shift: int) -> Value:
        rotated = b.xor(lanes.emit_rotate_right(b, x, first), lanes.emit_rotate_right(b, x, second))
        return b.xor(rotated, b.lshr(x, lanes.emit_constant(shift)))

    old = b.add(schedule[-16], sigma(schedule[-15], 7, 18, 3))
    return b.add(b.add(old, schedule[-7]), sigma(schedule[-2], 17, 19, 10))


def emit_initial_state() -> list[Value]:
    """The state before the first block."""
    return [lanes.emit_constant(word) for word in INITIAL_STATE]


def emit_padding(message_words: int) -> list[Value]:
    """The vectors that complete the last block of a message of so many words."""
    zeros = (-message_words - 3) % _BLOCK_WORDS
    return [lanes.emit_constant(word) for word in (1 << 31, *[0] * zeros, 0, 32 * message_words)]


# ------------------------------------------------------------------------------------------------------ public face


def hash_leaves(tile_list: Sequence[Words], salts: Words) -> Words:
    """SHA-256 of every row: its elements as canonical big-endian words, all matrices in order, then its salt.

    tile_list: Montgomery arrays (T_i, rows, 16), T_i >= 0; salts: uint32 (rows, 4). Returns uint32 (rows, 8).
    Raises ValueError where the shapes disagree.
    """
    rows = salts.shape[0]
    for tiles in tile_list:
        if tiles.ndim != 3 or tiles.shape[1:] != (rows, LANES):
            raise ValueError(f"{rows} salts go with tiles of shape (T, {rows}, {LANES}), got {tiles.shape}")
    if salts.shape[1:] != (SALT_WORDS,):
        raise ValueError(f"expected salts of shape ({rows}, {SALT_WORDS}), got {salts.shape}")
    padded = rows + -rows % LANES
    states = lanes.empty((padded // LANES, DIGEST_WORDS, LANES))
    states[:] = np.array(INITIAL_STATE, dtype=np.uint32)[:, None]
    sources = [_whole_groups(tiles, 1) for tiles in tile_list]
    final_salts, digests = _whole_groups(salts, 0), lanes.empty((padded, DIGEST_WORDS))
    bits = 32 * (sum(tiles.shape[0] for tiles in tile_list) * LANES + SALT_WORDS)

    def run(start: int, stop: int) -> None:
        for tiles in sources:
            _absorb_tiles(states.reshape(-1), tiles.reshape(-1), tiles.shape[0], padded, start, stop)
        _finish_leaves(states.reshape(-1), final_salts.reshape(-1), bits, digests.reshape(-1), start, stop)

    parallel.run_ranges(run, padded, _GRANULARITY)
    return digests[:rows]


def hash_nodes(children: Words) -> Words:
    """SHA256(left || right) of neighbouring digests: uint32 (2 n, 8) -> (n, 8)."""
    return _hash_pairs(children, [])


def hash_nodes_injected(children: Words, row_digests: Words) -> Words:
    """SHA256(left || right || row digest): uint32 (2 n, 8) and (n, 8) -> (n, 8)."""
    if len(children) != 2 * len(row_digests):
        raise ValueError(f"{len(children)} children need half as many row digests, got {len(row_digests)}")
    return _hash_pairs(children, [row_digests])


def digest_bytes(digest: Words) -> bytes:
    """One digest of eight words as its 32 bytes."""
    return digest.astype(">u4").tobytes()


def _hash_pairs(children: Words, injected: Sequence[Words]) -> Words:
    nodes = children.shape[0] // 2
    sources = [_whole_groups(words, 0).reshape(-1) for words in (children.reshape(nodes, 2 * DIGEST_WORDS), *injected)]
    digests = lanes.empty((nodes + -nodes % LANES, DIGEST_WORDS))
    kernel = _hash_nodes_injected if injected else _hash_nodes
    parallel.run_ranges(
        lambda start, stop: kernel(*sources, digests.reshape(-1), start, stop), digests.shape[0], _GRANULARITY
    )
    return digests[:nodes]


def _whole_groups(words: Words, axis: int) -> Words:
    """C-contiguous, with zero rows up to a multiple of 16 along `axis`."""
    missing = -words.shape[axis] % LANES
    if not missing:
        return np.ascontiguousarray(words)
    return np.pad(words, [(0, missing if k == axis else 0) for k in range(words.ndim)])


# --------------------------------------------------------------------------------------------------------- kernels


def _emit_salts(b: Builder, pointer: Value, position: Value) -> list[Value]:
    """16 rows of 4 words, transposed."""
    vectors = lanes.emit_load_many(b, pointer, position, SALT_WORDS)
    halves = ir.Constant(lanes.V32, [*range(8), *range(LANES, LANES + 8)])
    columns = []
    for k in range(SALT_WORDS):
        every_fourth = ir.Constant(lanes.V32, [(4 * i + k) % (2 * LANES) for i in range(LANES)])
        upper, lower = (b.shuffle_vector(x, y, every_fourth) for x, y in (vectors[:2], vectors[2:]))
        columns.append(b.shuffle_vector(upper, lower, halves))
    return columns


def _emit_absorb(b: Builder, states: Value, state: Value, tiles: Value, position: Value) -> None:
    """One more block, 16 rows of a tile, into the states of 16 messages."""
    block = lanes.emit_transpose(b, lanes.emit_load_many(b, tiles, position, LANES))
    canonical = [lanes.emit_from_montgomery(b, column) for column in block]
    before = lanes.emit_load_many(b, states, state, DIGEST_WORDS)
    lanes.emit_store_many(b, states, state, emit_compress(b, before, canonical))


def _emit_finish(
    b: Builder, states: Value, state: Value, salts: Value, salt: Value, bits: Value, digests: Value, digest: Value
) -> None:
    """The last block: salts and padding of messages of `bits` bits."""
    block = [*_emit_salts(b, salts, salt), *emit_padding(SALT_WORDS)]
    block[-1] = lanes.emit_splat(b, bits)
    before = lanes.emit_load_many(b, states, state, DIGEST_WORDS)
    lanes.emit_store_digests(b, digests, digest, emit_compress(b, before, block))


def _emit_node(b: Builder, children: Value, child: Value, digests: Value, digest: Value) -> None:
    block = lanes.emit_transpose(b, lanes.emit_load_many(b, children, child, LANES))
    middle = emit_compress(b, emit_initial_state(), block)
    lanes.emit_store_digests(b, digests, digest, emit_compress(b, middle, emit_padding(_BLOCK_WORDS)))


def _emit_injected_node(
    b: Builder, children: Value, child: Value, rows: Value, row: Value, digests: Value, digest: Value
) -> None:
    block = lanes.emit_transpose(b, lanes.emit_load_many(b, children, child, LANES))
    middle = emit_compress(b, emit_initial_state(), block)
    last = [*lanes.emit_load_digests(b, rows, row), *emit_padding(_BLOCK_WORDS + DIGEST_WORDS)]
    lanes.emit_store_digests(b, digests, digest, emit_compress(b, middle, last))


_absorb = lanes.lane_intrinsic(_emit_absorb, types.void)
_finish = lanes.lane_intrinsic(_emit_finish, types.void)
_node = lanes.lane_intrinsic(_emit_node, types.void)
_injected_node = lanes.lane_intrinsic(_emit_injected_node, types.void)


@lanes.kernel
def _absorb_tiles(states: Words, tiles: Words, count: int, rows: int, start: int, stop: int) -> None:
    for row in range(start, stop, LANES):
        for tile in range(count):
            _absorb(states, row * DIGEST_WORDS, tiles, (tile * rows + row) * LANES)


@lanes.kernel
def _finish_leaves(states: Words, salts: Words, bits: int, digests: Words, start: int, stop: int) -> None:
    for row in range(start, stop, LANES):
        state = row * DIGEST_WORDS
        _finish(states, state, salts, row * SALT_WORDS, np.uint32(bits), digests, state)


@lanes.kernel
def _hash_nodes(children: Words, digests: Words, start: int, stop: int) -> None:
    for row in range(start, stop, LANES):
        _node(children, row * _BLOCK_WORDS, digests, row * DIGEST_WORDS)


@lanes.kernel
def _hash_nodes_injected(children: Words, rows: Words, digests: Words, start: int, stop: int) -> None:
    for row in range(start, stop, LANES):
        _injected_node(children, row * _BLOCK_WORDS, rows, row * DIGEST_WORDS, digests, row * DIGEST_WORDS)
