"""Folding against the definition by coefficients."""

import random

from hypothesis import given
from hypothesis import strategies as st

from circuits.field import Extension, P, add, embed, horner, inverse, mul, reverse_bits, root_of_unity
from verifier.fri import evaluate, fold


def random_extensions(source: random.Random, count: int) -> list[Extension]:
    coordinates = [[source.randrange(P) for _ in range(5)] for _ in range(count)]
    return [(a, b, c, d, e) for a, b, c, d, e in coordinates]


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, P - 1))
def test_fold_combines_every_eighth_coefficient(seed: int, length: int, x: int) -> None:
    source = random.Random(seed)
    coefficients = random_extensions(source, length)
    weights = random_extensions(source, 8)
    root = root_of_unity(3)
    points = [x * pow(root, reverse_bits(i, 3), P) % P for i in range(8)]
    values = [horner(coefficients, embed(point)) for point in points]
    expected = (0, 0, 0, 0, 0)
    for k in range(8):
        part = horner(coefficients[k::8], embed(pow(x, 8, P)))
        expected = add(expected, mul(weights[k], part))
    assert fold(values, inverse(x), weights) == expected


@given(st.integers(0, 2**32), st.integers(1, 64), st.integers(0, P - 1))
def test_evaluate_is_horner(seed: int, length: int, x: int) -> None:
    coefficients = random_extensions(random.Random(seed), length)
    assert evaluate(list(zip(*coefficients, strict=True)), x) == horner(coefficients, embed(x))
