"""Extension arithmetic on lanes against circuits.field, with words at the very bounds of the accumulators."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import field
from circuits.field import Extension, P
from prover import extension, lanes, montgomery
from prover.lanes import Words, kernel

COUNT = 32  # two vectors of lanes

# The accumulators are bounded for Montgomery words, so those are what has to reach the extremes.
words = st.one_of(st.sampled_from([0, 1, P - 1, P - 2]), st.integers(0, P - 1)).map(montgomery.from_montgomery_scalar)
elements = st.tuples(words, words, words, words, words)
columns = st.lists(elements, min_size=COUNT, max_size=COUNT)
LARGEST: Extension = (*[montgomery.from_montgomery_scalar(P - 1)] * 5,)  # type: ignore[assignment]


@kernel
def _each(x: Words, y: Words, sums: Words, differences: Words, products: Words, inverses: Words) -> None:
    for i in range(0, x.shape[1], 16):
        a, b = extension.load(x, i, x.shape[1]), extension.load(y, i, x.shape[1])
        extension.store(sums, i, x.shape[1], extension.add(a, b))
        extension.store(differences, i, x.shape[1], extension.sub(a, b))
        extension.store(products, i, x.shape[1], extension.mul(a, b))
        extension.store(inverses, i, x.shape[1], extension.invert(a))


@kernel
def _frobenius(x: Words, once: Words, twice: Words) -> None:
    n = x.shape[1]
    extension.store(once, 0, n, extension.frobenius(extension.load(x, 0, n)))
    extension.store(twice, 0, n, extension.frobenius2(extension.load(x, 0, n)))


@kernel
def _dot(values: Words, weights: Words, singly: Words, doubly: Words) -> None:
    one, two = extension.no_sums(), extension.no_sums()
    for i in range(0, values.shape[0], 2):
        x, y = lanes.load(values, 16 * i), lanes.load(values, 16 * (i + 1))
        v, w = extension.splat(weights, 5 * i, 1), extension.splat(weights, 5 * (i + 1), 1)
        one = extension.accumulate(extension.accumulate(one, x, v), y, w)
        two = extension.accumulate2(two, x, v, y, w)
    extension.store(singly, 0, 16, extension.reduce(one))
    extension.store(doubly, 0, 16, extension.reduce(two))


@settings(deadline=None, max_examples=40)
@given(columns, columns)
def test_arithmetic_is_that_of_the_field(x: list[Extension], y: list[Extension]) -> None:
    x[0] = y[0] = LARGEST
    results = [lanes.empty((5, COUNT)) for _ in range(4)]
    _each(extension.planar(x), extension.planar(y), *results)
    sums, differences, products, inverses = (extension.elements(result) for result in results)
    assert sums == [field.add(a, b) for a, b in zip(x, y, strict=True)]
    assert differences == [field.sub(a, b) for a, b in zip(x, y, strict=True)]
    assert products == [field.mul(a, b) for a, b in zip(x, y, strict=True)]
    assert inverses == [field.invert(a) if any(a) else field.ZERO for a in x]
    assert all((result < P).all() for result in results)


@settings(deadline=None, max_examples=20)
@given(st.lists(elements, min_size=16, max_size=16))
def test_frobenius_is_the_pth_power(x: list[Extension]) -> None:
    once, twice = lanes.empty((5, 16)), lanes.empty((5, 16))
    _frobenius(extension.planar(x), once, twice)
    powers = [field.power(a, P) for a in x]
    assert extension.elements(once) == powers
    assert extension.elements(twice) == [field.power(a, P) for a in powers]


@pytest.mark.parametrize("largest", [True, False])
def test_sums_of_many_products_do_not_overflow(largest: bool) -> None:
    terms, source = 1000, np.random.default_rng(3)
    values = np.full((terms, 16), P - 1, np.uint32) if largest else source.integers(0, P, (terms, 16), np.uint32)
    weights = np.full((terms, 5), P - 1, np.uint32) if largest else source.integers(0, P, (terms, 5), np.uint32)
    singly, doubly = lanes.empty((5, 16)), lanes.empty((5, 16))
    _dot(values, weights, singly, doubly)
    r_inverse = pow(2**32, -1, P)
    expected = [
        [
            sum(int(v) * int(w) for v, w in zip(values[:, lane], weights[:, j], strict=True)) * r_inverse % P
            for lane in range(16)
        ]
        for j in range(5)
    ]
    assert singly.tolist() == expected
    assert doubly.tolist() == expected


@settings(deadline=None, max_examples=10)
@given(elements, st.sampled_from([16, 64, 1024, 8192]))
def test_powers(point: Extension, count: int) -> None:
    powers = extension.elements(extension.powers(point, count))
    assert all(powers[k] == field.power(point, k) for k in (0, 1, 15, count // 2, count - 1))
    assert all(powers[k] == field.mul(powers[k - 1], point) for k in range(1, count, count // 16))
    assert extension.power_rows(point, 13).tolist() == extension.planar(powers[:13]).T.tolist()


@settings(deadline=None, max_examples=10)
@given(columns, columns, elements)
def test_sums_and_products_in_place(x: list[Extension], y: list[Extension], factor: Extension) -> None:
    target, short = extension.planar(x), extension.planar(y[:16])
    extension.add_product(target, short, factor)
    expected = [field.add(a, field.mul(b, factor)) for a, b in zip(x[:16], y[:16], strict=True)] + x[16:]
    assert extension.elements(target) == expected
    extension.add_to(target, short)
    expected = [field.add(a, b) for a, b in zip(expected[:16], y[:16], strict=True)] + x[16:]
    assert extension.elements(target) == expected
    difference = extension.subtract(target, extension.planar(y))
    assert extension.elements(difference) == [field.sub(a, b) for a, b in zip(expected, y, strict=True)]
