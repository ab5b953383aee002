"""Tables as tiles of 16 columns, uint32 (tiles, rows, 16) in Montgomery form, and frames, their transpose for kernels.

Column c of a table is column c % 16 of tile c // 16; the columns that fill up the last tile are zero.
A frame (groups, columns, 16) holds groups of 16 rows as one vector a column, so that a kernel works on 16 rows at once.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from llvmlite import ir
from numba import types
from numpy.typing import ArrayLike, NDArray

from circuits.field import reverse_bits
from prover import lanes, montgomery
from prover.lanes import LANES, Builder, Value, Words, kernel

Indices = NDArray[np.int64]


def tile_count(width: int) -> int:
    """The number of tiles of `width` columns."""
    return -(-width // LANES)


def from_columns(columns: ArrayLike, rows: int) -> Words:
    """Tiles of `rows` rows from canonical columns (width, m), then zeros. Raises ValueError if m > rows."""
    source = np.asarray(columns, dtype=np.uint32)
    width, filled = source.shape
    if filled > rows:
        raise ValueError(f"{filled} rows do not fit a table of {rows}: use the next power of two")
    tiles = lanes.empty((tile_count(width), rows, LANES))
    tiles[:] = 0
    words = montgomery.to_montgomery(source)
    for column in range(width):
        tiles[column // LANES, :filled, column % LANES] = words[column]
    return tiles


def to_columns(tiles: Words, width: int) -> Words:
    """The canonical columns (width, rows) of tiles."""
    columns = tiles.transpose(0, 2, 1).reshape(-1, tiles.shape[1])[:width]
    return montgomery.from_montgomery(columns)


def from_planar(arrays: list[Words]) -> Words:
    """Tiles whose columns are the rows of the given Montgomery arrays (k, n), one after the other."""
    columns = [column for array in arrays for column in array]
    tiles = lanes.empty((tile_count(len(columns)), len(columns[0]), LANES))
    tiles[-1] = 0
    for number, column in enumerate(columns):
        tiles[number // LANES, :, number % LANES] = column
    return tiles


def from_rows(rows: Words) -> Words:
    """Tiles of Montgomery rows (n, width)."""
    count, width = rows.shape
    padded = np.zeros((count, tile_count(width) * LANES), dtype=np.uint32)
    padded[:, :width] = rows
    tiles = lanes.empty((tile_count(width), count, LANES))
    tiles[:] = padded.reshape(count, -1, LANES).transpose(1, 0, 2)
    return tiles


# ------------------------------------------------------------------------------------------------------------ frames


@lru_cache(maxsize=32)
def block_groups(log_n: int) -> Indices:
    """First rows of the groups of 16 of a bit-reversed block of n = 2^log_n rows, in the order that makes neighbours.

    Lane j of entry i is the point g^(i + bitrev_4(j) n / 16): the next row of entry i, lane by lane, is entry i + 1.
    That of the last entry is entry 0, repeated as entry n / 16, with its lanes moved by one (`advance`).
    """
    groups = np.array([reverse_bits(i, log_n - 4) * LANES for i in range(1 << (log_n - 4))], dtype=np.int64)
    return np.append(groups, groups[0])


def _emit_transpose(b: Builder, source: Value, i: Value, target: Value, o: Value) -> None:
    """Transpose the 16 x 16 words from flat position i of source to flat position o of target."""
    steps = [lanes.I64(k * LANES) for k in range(LANES)]
    rows = [lanes.emit_load(b, source, b.add(i, step)) for step in steps]
    for step, column in zip(steps, lanes.emit_transpose(b, rows), strict=True):
        lanes.emit_store(b, target, b.add(o, step), column)


transpose = lanes.lane_intrinsic(_emit_transpose, types.void)


def _emit_advance(b: Builder, x: Value) -> Value:
    order = [reverse_bits((reverse_bits(j, 4) + 1) % LANES, 4) for j in range(LANES)]
    return b.shuffle_vector(x, x, ir.Constant(lanes.V32, order))


_advance = lanes.lane_intrinsic(_emit_advance)


@kernel
def gather(tiles: Words, first_rows: Indices, frame: Words, offset: int) -> None:
    """frame[g, offset + c] = 16 rows of column c of the tiles, from row first_rows[g] on, for every g and c."""
    count, rows, columns = tiles.shape[0], tiles.shape[1], frame.shape[1]
    source, target = tiles.reshape(-1), frame.reshape(-1)
    for g in range(first_rows.shape[0]):
        for t in range(count):
            position = (t * rows + first_rows[g]) * LANES
            transpose(source, position, target, (g * columns + offset + t * LANES) * LANES)


@kernel
def scatter(frame: Words, first_rows: Indices, tiles: Words) -> None:
    """The reverse of gather with offset 0, for a frame as wide as the tiles."""
    count, rows, columns = tiles.shape[0], tiles.shape[1], frame.shape[1]
    source, target = frame.reshape(-1), tiles.reshape(-1)
    for g in range(first_rows.shape[0]):
        for t in range(count):
            position = (t * rows + first_rows[g]) * LANES
            transpose(source, (g * columns + t * LANES) * LANES, target, position)


@kernel
def advance(frame: Words, group: int) -> None:
    """Move the lanes of the group that entry n / 16 of block_groups gathered, so that it follows the one before."""
    columns, flat = frame.shape[1], frame.reshape(-1)
    for i in range(group * columns * LANES, (group + 1) * columns * LANES, LANES):
        lanes.store(flat, i, _advance(lanes.load(flat, i)))
