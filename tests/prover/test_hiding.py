"""Hiding: what is made random, what stays, and that masks cancel."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.field import P
from prover import extension, hiding, tiles
from prover.randomness import Randomness
from tests import small_circuit
from verifier.params import STANDARD
from verifier.shape import shape_of


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 40), st.integers(0, 63))
def test_random_rows_replace_exactly_the_last_rows(width: int, first: int) -> None:
    before = tiles.from_columns(np.full((width, 64), 7, np.uint32), 64)
    after, again = before.copy(), before.copy()
    hiding.randomise_rows(after, width, first, Randomness())
    hiding.randomise_rows(again, width, first, Randomness())
    assert (after[:, :first] == before[:, :first]).all()
    columns = [(c // 16, c % 16) for c in range(width)]
    changed = [(after[t, first:, lane] != again[t, first:, lane]).mean() for t, lane in columns]
    assert min(changed) > 0.9 or 64 - first < 10
    assert (after[:, first:] < P).all()
    padding = after.transpose(0, 2, 1).reshape(-1, 64)[width:]
    assert not padding.any()


def test_the_running_sum_keeps_its_total() -> None:
    table = shape_of(small_circuit.circuit(), STANDARD, small_circuit.LOG_HEIGHTS).tables[0]
    before = tiles.from_columns(np.full((10, table.height), 9, np.uint32), table.height)
    after = before.copy()
    hiding.randomise_auxiliary(after, table, Randomness())
    assert (after[:, : table.active_rows] == before[:, : table.active_rows]).all()
    assert (after[0, table.active_rows, 5:10] == before[0, table.active_rows, 5:10]).all()
    assert (after[0, table.active_rows, :5] != before[0, table.active_rows, :5]).any()
    assert (after[0, table.active_rows + 1 :, :10] != before[0, table.active_rows + 1 :, :10]).mean() > 0.9


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 9))
def test_masks_cancel_and_are_fresh(count: int) -> None:
    masks, others = (hiding.terminal_masks(count, Randomness()) for _ in range(2))
    assert (masks < P).all()
    assert not (masks.sum(axis=0, dtype=np.int64) % P).any()
    assert len(extension.elements(masks.T)) == count
    assert count == 1 or (masks != others).any(axis=1).all()
