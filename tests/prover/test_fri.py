"""FRI on coefficients against its definition on values: folding, and what a layer commits to."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import field
from circuits.field import EXTENSION_DEGREE, Extension, P, inverse, root_of_unity
from prover import extension, fri
from prover.lanes import Words
from prover.randomness import Randomness
from verifier.shape import Domain

coordinates = st.integers(0, P - 1)
points = st.tuples(coordinates, coordinates, coordinates, coordinates, coordinates)


def random_polynomial(size: int, seed: int) -> Words:
    return np.random.default_rng(seed).integers(0, P, (EXTENSION_DEGREE, size), dtype=np.uint32)


@settings(deadline=None, max_examples=10)
@given(
    st.lists(points, min_size=8, max_size=8), st.integers(1, P - 1), st.sampled_from([128, 256]), st.integers(0, 2**32)
)
def test_a_fold_combines_eight_values(weights: list[Extension], x: int, size: int, seed: int) -> None:
    """G_k(x^8) = 1/8 sum over i of (x u^i)^-k G(x u^i), u of order 8."""
    polynomial, u = random_polynomial(size, seed), root_of_unity(3)
    folded = extension.elements(fri.fold(polynomial, weights))
    assert len(folded) == size // 8
    ring = [x * pow(u, i, P) % P for i in range(8)]
    values = [field.horner(extension.elements(polynomial), field.embed(point)) for point in ring]
    expected = field.ZERO
    for k in range(8):
        part = field.ZERO
        for point, value in zip(ring, values, strict=True):
            part = field.add(part, field.scale(value, inverse(pow(point, k, P) * 8)))
        expected = field.add(expected, field.mul(weights[k], part))
    assert field.horner(folded, field.embed(pow(x, 8, P))) == expected


def test_a_layer_holds_eight_neighbouring_values_a_leaf() -> None:
    polynomial, domain = random_polynomial(256, 3), Domain(10, 27)
    tree = fri.commit_layer(polynomial, domain, Randomness(bytes(32)))
    positions = [0, 1, 77, 127]
    (opened,) = tree.open(positions).groups
    coefficients = extension.elements(polynomial)
    for position, row in zip(positions, opened.rows, strict=True):
        points = [domain.point(8 * position + i) for i in range(8)]
        assert row == [c for point in points for c in field.horner(coefficients, field.embed(point))]
    assert len({*opened.salts}) == len(positions)
