"""Values of columns, combinations of columns, and synthetic division, against Horner's rule on plain ints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import field
from circuits.field import Extension, P
from prover import extension, lanes, openings, tiles

coordinates = st.integers(0, P - 1)
points = st.tuples(coordinates, coordinates, coordinates, coordinates, coordinates)


def random_tiles(width: int, rows: int, seed: int) -> lanes.Words:
    return tiles.from_columns(np.random.default_rng(seed).integers(0, P, (width, rows), dtype=np.uint32), rows)


def values_at(coefficients: lanes.Words, point: Extension) -> list[Extension]:
    columns = tiles.to_columns(coefficients, coefficients.shape[0] * 16).tolist()
    return [field.horner([field.embed(c) for c in column], point) for column in columns]


@settings(deadline=None, max_examples=10)
@given(points, st.sampled_from([16, 64, 128]), st.integers(1, 40), st.integers(0, 2**32))
def test_columns_at_a_point(point: Extension, rows: int, width: int, seed: int) -> None:
    coefficients = random_tiles(width, rows, seed)
    longer = extension.powers(point, 2 * rows)
    assert extension.elements(openings.evaluate_columns(coefficients, longer).T) == values_at(coefficients, point)


@settings(deadline=None, max_examples=10)
@given(points, st.integers(1, 40), st.integers(0, 2**32))
def test_combined_columns(point: Extension, width: int, seed: int) -> None:
    coefficients, source = random_tiles(width, 64, seed), np.random.default_rng(seed)
    weights = source.integers(0, P, (coefficients.shape[0] * 16, 5), dtype=np.uint32)
    combined = extension.elements(openings.combine_columns(coefficients, weights))
    expected = field.ZERO
    for weight, value in zip(extension.elements(weights.T), values_at(coefficients, point), strict=True):
        expected = field.add(expected, field.mul(weight, value))
    assert field.horner(combined, point) == expected


@settings(deadline=None, max_examples=20)
@given(points, points, st.sampled_from([1, 2, 16, 100]), st.integers(0, 2**32))
def test_synthetic_division(point: Extension, elsewhere: Extension, size: int, seed: int) -> None:
    polynomial = np.random.default_rng(seed).integers(0, P, (5, size), dtype=np.uint32)
    quotient = openings.divide(polynomial, point)
    assert (quotient < P).all()
    assert not quotient[:, -1].any()
    coefficients = extension.elements(polynomial)
    # f(X) - f(y) = (X - y) q(X)
    product = field.mul(field.sub(elsewhere, point), field.horner(extension.elements(quotient), elsewhere))
    assert product == field.sub(field.horner(coefficients, elsewhere), field.horner(coefficients, point))


@pytest.mark.parametrize("largest", [[P - 1] * 5, [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]])
def test_division_at_the_bounds(largest: list[int]) -> None:
    a, b, c, d, e = largest
    polynomial = np.full((5, 50), P - 1, dtype=np.uint32)
    point, elsewhere = (a, b, c, d, e), (5, 6, 7, 8, 9)
    coefficients = extension.elements(polynomial)
    product = field.mul(
        field.sub(elsewhere, point), field.horner(extension.elements(openings.divide(polynomial, point)), elsewhere)
    )
    assert product == field.sub(field.horner(coefficients, elsewhere), field.horner(coefficients, point))
