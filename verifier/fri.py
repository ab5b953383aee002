"""The FRI checks at the queried positions (docs/protocol.md, A8)."""

from collections.abc import Sequence
from operator import mul as multiply

from circuits.field import ZERO, Extension, P, add, inverse, mul, reverse_bits, root_of_unity, scale, sub
from verifier.elements import group_extensions
from verifier.errors import Reason, Rejection
from verifier.merkle import Opening
from verifier.params import ARITY, LOG_ARITY
from verifier.shape import Shape

FoldChallenges = tuple[list[Extension], Extension | None]  # the weights; iota where a class is injected

_HALF = inverse(2)


def _pair_factors(log_size: int) -> tuple[int, ...]:
    """1 / (2 u^bitrev(2i)) for the pairs i of 2^log_size values in bit-reversed order, u of order 2^log_size."""
    root = root_of_unity(log_size)
    exponents = (reverse_bits(2 * i, log_size) for i in range(1 << (log_size - 1)))
    return tuple(_HALF * inverse(pow(root, exponent, P)) % P for exponent in exponents)


_FACTORS = [_pair_factors(log_size) for log_size in range(LOG_ARITY, 0, -1)]


def fold(values: Sequence[Extension], x_inverse: int, weights: Sequence[Extension]) -> Extension:
    """sum over k of weight_k G_k(x^8) from the values of G = sum of X^k G_k(X^8) at x * u^bitrev(i), i = 0 .. 7.

    Three halvings: with a, b at y and -y, (a + b) / 2 is the even part at y^2 and (a - b) / 2y the odd one. The parts
    of parts come out with k in bit-reversed order.
    """
    streams = [list(values)]
    for factors in _FACTORS:
        streams = [part for stream in streams for part in _halves(stream, [f * x_inverse for f in factors])]
        x_inverse = x_inverse * x_inverse % P
    result = ZERO
    for number, (part,) in enumerate(streams):
        result = add(result, mul(weights[reverse_bits(number, LOG_ARITY)], part))
    return result


def _halves(values: Sequence[Extension], factors: Sequence[int]) -> tuple[list[Extension], list[Extension]]:
    """The even and the odd part of a polynomial, from its values at pairs of opposite points."""
    pairs = list(zip(values[::2], values[1::2], strict=True))
    even = [scale(add(a, b), _HALF) for a, b in pairs]
    odd = [scale(sub(a, b), factor) for (a, b), factor in zip(pairs, factors, strict=True)]
    return even, odd


def evaluate(coefficients_by_coordinate: Sequence[Sequence[int]], x: int) -> Extension:
    """A polynomial over the extension at the base point x; its coefficients are given coordinate by coordinate."""
    powers = [1]
    for _ in range(1, len(coefficients_by_coordinate[0])):
        powers.append(powers[-1] * x % P)
    a, b, c, d, e = (sum(map(multiply, powers, coefficients)) % P for coefficients in coefficients_by_coordinate)
    return (a, b, c, d, e)


def check_fri(
    shape: Shape,
    class_values: dict[int, dict[int, Extension]],
    layers: Sequence[Opening],
    challenges: Sequence[FoldChallenges],
    final: Sequence[Extension],
) -> None:
    """Raises Rejection unless the class values fold, layer by layer, to the final polynomial.

    class_values: by log class and row of its domain; challenges: by layer.
    """
    expected = class_values[shape.log_tallest]
    for layer, (opening, (weights, iota)) in enumerate(zip(layers, challenges, strict=True)):
        expected = _check_layer(shape, layer, expected, opening, weights)
        if iota is not None:
            injected = class_values[shape.layer_class(layer + 1)]
            expected = {row: add(value, mul(iota, injected[row])) for row, value in expected.items()}
    domain = shape.domain(shape.layer_class(shape.layers))
    by_coordinate = list(zip(*final, strict=True))
    for row, value in expected.items():
        at_row = evaluate(by_coordinate, domain.point(row))
        if at_row != value:
            detail = f"at row {row} of the last domain the folds give {value}, the final polynomial {at_row}"
            raise Rejection(Reason.FINAL_POLYNOMIAL, detail)


def _check_layer(
    shape: Shape, layer: int, expected: dict[int, Extension], opening: Opening, weights: Sequence[Extension]
) -> dict[int, Extension]:
    """Compare the expected values, by position, with the opened rows of a layer; return the folded rows."""
    domain = shape.domain(shape.layer_class(layer))
    rows = sorted({position >> LOG_ARITY for position in expected})
    opened = {row: group_extensions(elements) for row, elements in zip(rows, opening.classes[0].rows, strict=True)}
    for position, value in expected.items():
        entry = opened[position >> LOG_ARITY][position % ARITY]
        if entry != value:
            detail = f"layer {layer}, position {position}: opened is {entry}, the values before give {value}"
            raise Rejection(Reason.FRI_FOLD, detail)
    return {row: fold(values, inverse(domain.point(row << LOG_ARITY)), weights) for row, values in opened.items()}
