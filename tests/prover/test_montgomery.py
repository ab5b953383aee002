"""Conversions to and from Montgomery form against Python's integers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.field import P
from prover import montgomery

R = 2**32


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from([0, 1, P - 1, P, 2**32 - 1]), st.integers(0, 2**32 - 1)), max_size=70))
def test_arrays_of_any_length(values: list[int]) -> None:
    assert montgomery.to_montgomery(values).tolist() == [value * R % P for value in values]
    assert montgomery.from_montgomery(values).tolist() == [value * pow(R, -1, P) % P for value in values]


@given(st.integers(0, P - 1))
def test_scalars(value: int) -> None:
    assert montgomery.to_montgomery_scalar(value) == value * R % P
    assert montgomery.from_montgomery_scalar(montgomery.to_montgomery_scalar(value)) == value


def test_large_arrays_and_shapes() -> None:
    values = np.random.default_rng(1).integers(0, P, (3, 20_001, 5))
    words = montgomery.to_montgomery(values)
    assert words.shape == values.shape
    assert words.dtype == np.uint32
    assert np.array_equal(words.astype(object)[1, ::999], values.astype(object)[1, ::999] * R % P)
    assert np.array_equal(montgomery.from_montgomery(words), values)


def test_strided_views() -> None:
    values = np.arange(200, dtype=np.uint32)[::3]
    assert montgomery.to_montgomery(values).tolist() == [int(value) * R % P for value in values]
