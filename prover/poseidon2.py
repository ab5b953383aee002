"""Poseidon2 of 16 states at a time on lanes: two-to-one compression and the columns of the permutation's table.

The state walks down a scratch area laid out as the table is: column c of the 16 rows at words 16 c to 16 c + 15. The
permutation of circuits.poseidon2 is what both kernels compute.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import ArrayLike

from circuits.poseidon2 import DIGEST_WIDTH, TRACE_WIDTH
from circuits.poseidon2_constants import (
    FINAL_FULL_ROUNDS,
    INITIAL_FULL_ROUNDS,
    INTERNAL_DIAGONAL,
    PARTIAL_ROUNDS,
    WIDTH,
)
from prover import lanes, montgomery, parallel
from prover.lanes import LANES, Builder, Value, Words

_GRANULARITY = 256
_FULL_ROUNDS, _PARTIAL_ROUNDS = len(INITIAL_FULL_ROUNDS), len(PARTIAL_ROUNDS)
_PARTIAL_COLUMN = WIDTH * (1 + _FULL_ROUNDS)
_FINAL_COLUMN = _PARTIAL_COLUMN + _PARTIAL_ROUNDS
_OUTPUT_COLUMN = TRACE_WIDTH - WIDTH
# After the columns: the running state of the partial rounds.
_STATE = TRACE_WIDTH * LANES
_SCRATCH = _STATE + WIDTH * LANES
_FULL_CONSTANTS = montgomery.to_montgomery([*INITIAL_FULL_ROUNDS, *FINAL_FULL_ROUNDS]).reshape(-1)
_PARTIAL_CONSTANTS = montgomery.to_montgomery(PARTIAL_ROUNDS)


def compress_many(inputs: ArrayLike) -> Words:
    """(n, 16) canonical -> (n, 8) canonical: the first half of permute(x) + x of every row."""
    source = _padded(inputs)
    target = lanes.empty((source.shape[0], DIGEST_WIDTH))
    flat, result = source.reshape(-1), target.reshape(-1)
    parallel.run_ranges(lambda start, stop: _compress(flat, result, start, stop), source.shape[0], _GRANULARITY)
    return target[: len(np.asarray(inputs))]


def trace_columns(inputs: ArrayLike) -> Words:
    """(n, 16) canonical -> (n, TRACE_WIDTH) in Montgomery form: circuits.poseidon2.trace_row of every row."""
    source = _padded(inputs)
    target = lanes.empty((source.shape[0], TRACE_WIDTH))
    flat, result = source.reshape(-1), target.reshape(-1)
    parallel.run_ranges(lambda start, stop: _trace(flat, result, start, stop), source.shape[0], _GRANULARITY)
    return target[: len(np.asarray(inputs))]


def _padded(inputs: ArrayLike) -> Words:
    source = np.ascontiguousarray(inputs, dtype=np.uint32)
    if source.ndim != 2 or source.shape[1] != WIDTH:
        raise ValueError(f"expected inputs of shape (n, {WIDTH}), got {source.shape}")
    missing = -source.shape[0] % LANES
    return np.pad(source, ((0, missing), (0, 0))) if missing else source


# ---------------------------------------------------------------------------------------------------------- rounds


def _emit_external_linear(b: Builder, state: list[Value]) -> list[Value]:
    """circuits.poseidon2.external_linear with the sums shared."""

    def add(x: Value, y: Value) -> Value:
        return lanes.emit_add(b, x, y)

    mixed: list[Value] = []
    for start in range(0, WIDTH, 4):
        x = state[start : start + 4]
        left, right = add(x[0], x[1]), add(x[2], x[3])
        total = add(left, right)
        with_b, with_d = add(total, x[1]), add(total, x[3])
        mixed += [add(with_b, left), add(with_b, add(x[2], x[2])), add(with_d, right), add(with_d, add(x[0], x[0]))]
    sums = [add(add(mixed[k], mixed[k + 4]), add(mixed[k + 8], mixed[k + 12])) for k in range(4)]
    return [add(value, sums[i % 4]) for i, value in enumerate(mixed)]


def _emit_internal_linear(b: Builder, state: list[Value]) -> list[Value]:
    """circuits.poseidon2.internal_linear; element 0, the last to be known, is added last."""
    partial = list(state[1:])
    while len(partial) > 1:
        pairs = zip(partial[::2], partial[1::2], strict=False)
        partial = [lanes.emit_add(b, x, y) for x, y in pairs] + partial[len(partial) & ~1 :]
    total = lanes.emit_add(b, partial[0], state[0])
    return [
        lanes.emit_add(b, total, _emit_times(b, x, factor)) for x, factor in zip(state, INTERNAL_DIAGONAL, strict=True)
    ]


def _emit_times(b: Builder, x: Value, factor: int) -> Value:
    """x times a canonical constant."""
    if factor == 1:
        return x
    if factor == 2:
        return lanes.emit_add(b, x, x)
    word = montgomery.to_montgomery_scalar(factor)
    return lanes.emit_mul_fixed(b, x, lanes.emit_constant(word), lanes.emit_constant(word * lanes.FOLD % 2**32))


def _emit_sbox(b: Builder, x: Value, constant: Value) -> Value:
    shifted = lanes.emit_add(b, x, constant)
    return lanes.emit_mul(b, lanes.emit_mul(b, shifted, shifted), shifted)


def _emit_external_layer(b: Builder, scratch: Value, source: Value, target: Value) -> None:
    """The external layer of the state at word `source` of the scratch area, stored at word `target`."""
    state = lanes.emit_load_many(b, scratch, source, WIDTH)
    lanes.emit_store_many(b, scratch, target, _emit_external_linear(b, state))


def _emit_full_round(b: Builder, scratch: Value, source: Value, target: Value, constants: Value, first: Value) -> None:
    """A full round of the state at word `source`, stored at word `target`; its constants start at `first`."""
    state = lanes.emit_load_many(b, scratch, source, WIDTH)
    words = [lanes.emit_load_splat(b, constants, b.add(first, lanes.I64(k))) for k in range(WIDTH)]
    outputs = [_emit_sbox(b, value, word) for value, word in zip(state, words, strict=True)]
    lanes.emit_store_many(b, scratch, target, _emit_external_linear(b, outputs))


def _emit_partial_round(b: Builder, scratch: Value, source: Value, target: Value, column: Value, word: Value) -> None:
    """A partial round with the constant `word`; the output of the S-box goes to word `column` as well."""
    state = lanes.emit_load_many(b, scratch, source, WIDTH)
    state[0] = _emit_sbox(b, state[0], lanes.emit_splat(b, word))
    lanes.emit_store(b, scratch, column, state[0])
    lanes.emit_store_many(b, scratch, target, _emit_internal_linear(b, state))


_external_layer = lanes.lane_intrinsic(_emit_external_layer, types.void)
_full_round = lanes.lane_intrinsic(_emit_full_round, types.void)
_partial_round = lanes.lane_intrinsic(_emit_partial_round, types.void)


# --------------------------------------------------------------------------------------------------------- kernels


def _emit_load_rows(b: Builder, source: Value, position: Value, scratch: Value) -> None:
    """16 canonical rows of 16 words to the first 16 columns, in Montgomery form."""
    columns = lanes.emit_transpose(b, lanes.emit_load_many(b, source, position, LANES))
    lanes.emit_store_many(b, scratch, 0, [lanes.emit_to_montgomery(b, column) for column in columns])


def _emit_digests(b: Builder, scratch: Value, target: Value, position: Value) -> None:
    """Output plus input, first half, canonical, to 16 rows of 8 words."""
    inputs = lanes.emit_load_many(b, scratch, 0, DIGEST_WIDTH)
    outputs = lanes.emit_load_many(b, scratch, _OUTPUT_COLUMN * LANES, DIGEST_WIDTH)
    sums = [lanes.emit_add(b, x, y) for x, y in zip(inputs, outputs, strict=True)]
    lanes.emit_store_digests(b, target, position, [lanes.emit_from_montgomery(b, value) for value in sums])


def _emit_store_rows(b: Builder, scratch: Value, column: Value, target: Value, position: Value) -> None:
    """16 columns from `column` on to 16 rows of TRACE_WIDTH words, the first of which starts at `position`."""
    columns = lanes.emit_load_many(b, scratch, b.mul(column, lanes.I64(LANES)), WIDTH)
    start = b.add(position, column)
    for k, row in enumerate(lanes.emit_transpose(b, columns)):
        lanes.emit_store(b, target, b.add(start, lanes.I64(k * TRACE_WIDTH)), row)


_load_rows = lanes.lane_intrinsic(_emit_load_rows, types.void)
_store_digests = lanes.lane_intrinsic(_emit_digests, types.void)
_store_rows = lanes.lane_intrinsic(_emit_store_rows, types.void)


@lanes.kernel
def _permute(source: Words, position: int, scratch: Words) -> None:
    """Fill the columns for the 16 rows from word `position` of `source` on."""
    _load_rows(source, position, scratch)
    _external_layer(scratch, 0, _STATE)
    state = _STATE
    for k in range(_FULL_ROUNDS):
        target = (k + 1) * WIDTH * LANES
        _full_round(scratch, state, target, _FULL_CONSTANTS, k * WIDTH)
        state = target
    for k in range(_PARTIAL_ROUNDS):
        _partial_round(scratch, state, _STATE, (_PARTIAL_COLUMN + k) * LANES, _PARTIAL_CONSTANTS[k])
        state = _STATE
    for k in range(_FULL_ROUNDS):
        target = (_FINAL_COLUMN + k * WIDTH) * LANES
        _full_round(scratch, state, target, _FULL_CONSTANTS, (_FULL_ROUNDS + k) * WIDTH)
        state = target


@lanes.kernel
def _compress(source: Words, target: Words, start: int, stop: int) -> None:
    scratch = np.empty(_SCRATCH, np.uint32)
    for row in range(start, stop, LANES):
        _permute(source, row * WIDTH, scratch)
        _store_digests(scratch, target, row * DIGEST_WIDTH)


@lanes.kernel
def _trace(source: Words, target: Words, start: int, stop: int) -> None:
    scratch = np.empty(_SCRATCH, np.uint32)
    for row in range(start, stop, LANES):
        _permute(source, row * WIDTH, scratch)
        # The last batch of partial columns runs into the final rounds, which come after and overwrite it.
        for column in range(0, _FINAL_COLUMN, WIDTH):
            _store_rows(scratch, column, target, row * TRACE_WIDTH)
        for column in range(_FINAL_COLUMN, TRACE_WIDTH, WIDTH):
            _store_rows(scratch, column, target, row * TRACE_WIDTH)
