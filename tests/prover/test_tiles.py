"""Tiles and frames: nothing is lost on the way, and the next row of a group is the next group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.field import P, reverse_bits
from prover import lanes, montgomery, tiles


def random_columns(width: int, rows: int, seed: int) -> lanes.Words:
    return np.random.default_rng(seed).integers(0, P, (width, rows), dtype=np.uint32)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 50), st.integers(0, 64), st.integers(0, 2**32))
def test_columns_become_tiles_and_back(width: int, filled: int, seed: int) -> None:
    columns = random_columns(width, filled, seed)
    result = tiles.from_columns(columns, 64)
    assert result.shape == (tiles.tile_count(width), 64, 16)
    assert result.ctypes.data % 64 == 0
    back = tiles.to_columns(result, result.shape[0] * 16)
    assert (back[:width, :filled] == columns).all()
    assert not back[width:].any()
    assert not back[:, filled:].any()


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="65 rows do not fit a table of 64"):
        tiles.from_columns(np.zeros((3, 65), np.uint32), 64)


def test_tiles_from_rows_and_planar_arrays_agree() -> None:
    first, second = random_columns(5, 64, 1), random_columns(20, 64, 2)
    expected = tiles.from_columns(montgomery.from_montgomery(np.concatenate([first, second])), 64)
    assert (tiles.from_planar([first, second]) == expected).all()
    assert (tiles.from_rows(np.concatenate([first, second]).T) == expected).all()


@settings(deadline=None, max_examples=10)
@given(st.integers(6, 9), st.integers(1, 40), st.integers(0, 2**32))
def test_frames_hold_each_row_beside_the_next(log_n: int, width: int, seed: int) -> None:
    n, natural = 1 << log_n, random_columns(width, 1 << log_n, seed)
    reversed_rows = [reverse_bits(i, log_n) for i in range(n)]
    bit_reversed = tiles.from_columns(natural[:, reversed_rows], n)
    groups = tiles.block_groups(log_n)
    frame = lanes.empty((len(groups), bit_reversed.shape[0] * 16, 16))
    tiles.gather(bit_reversed, groups, frame, 0)
    tiles.advance(frame, len(groups) - 1)
    values = montgomery.from_montgomery(frame)
    seen = set()
    for group in range(n // 16):
        for lane in range(16):
            row = reversed_rows[groups[group] + lane]
            seen.add(row)
            assert (values[group, :width, lane] == natural[:, row]).all()
            assert (values[group + 1, :width, lane] == natural[:, (row + 1) % n]).all()
    assert seen == set(range(n))


def test_scatter_undoes_gather() -> None:
    source = tiles.from_columns(random_columns(30, 128, 5), 128)
    rows = np.array([64, 0, 32, 112, 16, 96, 48, 80])
    frame, back = lanes.empty((8, 32, 16)), lanes.empty(source.shape)
    tiles.gather(source, rows, frame, 0)
    tiles.scatter(frame, rows, back)
    assert (back == source).all()


def test_gather_leaves_the_other_columns_of_a_frame_alone() -> None:
    source = tiles.from_columns(random_columns(16, 64, 5), 64)
    frame = np.full((2, 48, 16), 7, dtype=np.uint32)
    tiles.gather(source, np.array([0, 48]), frame, 16)
    assert (frame[:, :16] == 7).all()
    assert (frame[:, 32:] == 7).all()
    assert (frame[1, 16:32] == source[0, 48:64].T).all()
