"""Poseidon2 on lanes against the plain reference of circuits.poseidon2 (itself checked against a published vector)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import poseidon2 as reference
from circuits.field import P
from prover import montgomery, poseidon2
from prover.lanes import Words


def random_states(seed: int, rows: int) -> Words:
    states = np.random.default_rng(seed).integers(0, P, (rows, 16)).astype(np.uint32)
    edges = np.array([0, 1, P - 1, P // 2], dtype=np.uint32)
    states[0] = np.resize(edges, 16)
    return states


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 40))
def test_compress_many(seed: int, rows: int) -> None:
    states = random_states(seed, rows)
    assert poseidon2.compress_many(states).tolist() == [reference.compress(row) for row in states.tolist()]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 40))
def test_trace_columns(seed: int, rows: int) -> None:
    states = random_states(seed, rows)
    columns = poseidon2.trace_columns(states)
    assert montgomery.from_montgomery(columns).tolist() == [reference.trace_row(row) for row in states.tolist()]


def test_threaded_ranges_agree_with_the_reference() -> None:
    states = random_states(1, 5000)
    digests, columns = poseidon2.compress_many(states), montgomery.from_montgomery(poseidon2.trace_columns(states))
    for row in range(0, 5000, 61):
        assert digests[row].tolist() == reference.compress(states[row].tolist())
        assert columns[row].tolist() == reference.trace_row(states[row].tolist())


def test_no_rows() -> None:
    assert poseidon2.compress_many(np.zeros((0, 16), np.uint32)).shape == (0, 8)


def test_other_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        poseidon2.compress_many(np.zeros((4, 15), np.uint32))
