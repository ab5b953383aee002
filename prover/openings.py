"""Columns at points outside the domain, and the batched DEEP quotients G_c of each class (docs/protocol.md, A7).

Everything happens on coefficients: (f(X) - f(y)) / (X - y) is a synthetic division: no inverses on a domain.
Polynomials over the extension are planar, uint32 (5, n), natural order, Montgomery.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from circuits.field import EXTENSION_DEGREE, ONE, ZERO, Extension, P, add, mul, scale
from prover import extension, lanes, parallel
from prover.lanes import LANES, Words, kernel
from prover.tiles import transpose
from verifier.constraints import BASIS
from verifier.shape import Opened, Round, Shape

# The coefficients of each committed matrix, tiles (T, n, 16), by round and table number (or QUOTIENT_TABLE).
Coefficients = dict[tuple[Round, int], Words]

_GRANULARITY = 1 << 12


def opened_values(shape: Shape, coefficients: Coefficients, z: Extension) -> list[Extension]:
    """All opened values, in the order of shape.openings."""
    powers = {point: extension.powers(point, size) for point, size in _points(shape, z).items()}
    columns: dict[tuple[Round, int, bool], list[Extension]] = {}
    values = []
    for opened in shape.openings:
        key = opened.round, opened.table, opened.next
        if key not in columns:
            at_point = powers[_point(shape, opened, z)]
            columns[key] = extension.elements(evaluate_columns(coefficients[key[:2]], at_point).T)
        value = ZERO
        for column, basis in _base_columns(opened):
            value = add(value, mul(basis, columns[key][column]))
        values.append(value)
    return values


def class_quotients(
    shape: Shape, coefficients: Coefficients, z: Extension, lambdas: Sequence[Extension]
) -> dict[int, Words]:
    """G_c, (5, 2^c), of each log class c that has tables."""
    weights: dict[tuple[Round, int], dict[tuple[int, Extension], list[Extension]]] = {}
    for opened, coefficient in zip(shape.openings, lambdas, strict=True):
        matrix = opened.round, opened.table
        no_weights = [ZERO] * (coefficients[matrix].shape[0] * LANES)
        batch = _log_class(shape, opened), _point(shape, opened, z)
        own = weights.setdefault(matrix, {}).setdefault(batch, no_weights)
        for column, basis in _base_columns(opened):
            own[column] = mul(coefficient, basis)
    numerators: dict[tuple[int, Extension], Words] = {}
    for matrix, by_batch in weights.items():
        for batch, own in by_batch.items():
            total = numerators.setdefault(batch, _zeros(batch[0]))
            extension.add_to(total, combine_columns(coefficients[matrix], extension.rows(own)))
    quotients = {log_class: _zeros(log_class) for log_class in shape.classes}
    for (log_class, point), numerator in numerators.items():
        extension.add_to(quotients[log_class], divide(numerator, point))
    return quotients


def _zeros(log_size: int) -> Words:
    return np.zeros((EXTENSION_DEGREE, 1 << log_size), dtype=np.uint32)


def _points(shape: Shape, z: Extension) -> dict[Extension, int]:
    """z and each g_t z, with the number of coefficients of the longest polynomial that is opened there."""
    points = {scale(z, table.generator): table.height for table in shape.tables}
    return {**points, z: 1 << shape.log_tallest}


def _point(shape: Shape, opened: Opened, z: Extension) -> Extension:
    return scale(z, shape.tables[opened.table].generator) if opened.next else z


def _log_class(shape: Shape, opened: Opened) -> int:
    return shape.log_tallest if opened.round is Round.QUOTIENT else shape.tables[opened.table].log_class


def _base_columns(opened: Opened) -> list[tuple[int, Extension]]:
    """The base columns of an opened column, and what each is multiplied by."""
    if opened.round is Round.MAIN:
        return [(opened.column, ONE)]
    return [(EXTENSION_DEGREE * opened.column + j, basis) for j, basis in enumerate(BASIS)]


def evaluate_columns(coefficients: Words, powers: Words) -> Words:
    """Every column at one point: (16 T, 5). coefficients: tiles (T, n, 16); powers: the point's, (5, at least n)."""
    result = lanes.empty((coefficients.shape[0], EXTENSION_DEGREE, LANES))
    parallel.run_all(partial(_evaluate_tile, coefficients, tile, powers, result) for tile in range(len(result)))
    return np.ascontiguousarray(result.transpose(0, 2, 1).reshape(-1, EXTENSION_DEGREE))


def combine_columns(coefficients: Words, weights: Words) -> Words:
    """The polynomial sum of weights[c] * column c: (5, n). coefficients: tiles (T, n, 16); weights: (16 T, 5)."""
    result = lanes.empty((EXTENSION_DEGREE, coefficients.shape[1]))
    parallel.run_ranges(partial(_combine, coefficients, weights, result), coefficients.shape[1], _GRANULARITY)
    return result


def divide(polynomial: Words, point: Extension) -> Words:
    """(f(X) - f(point)) / (X - point), (5, n). polynomial: (5, n)."""
    result = lanes.empty(polynomial.shape)
    _divide(np.ascontiguousarray(polynomial), np.array(point, dtype=np.uint64), result)
    return result


@kernel
def _evaluate_tile(coefficients: Words, tile: int, powers: Words, result: Words) -> None:
    rows, stride = coefficients.shape[1], powers.shape[1]
    position, sums = tile * rows * LANES, extension.no_sums()
    for row in range(0, rows, 2):
        sums = extension.accumulate2(
            sums,
            lanes.load(coefficients, position + row * LANES),
            extension.splat(powers, row, stride),
            lanes.load(coefficients, position + (row + 1) * LANES),
            extension.splat(powers, row + 1, stride),
        )
    extension.store(result, tile * EXTENSION_DEGREE * LANES, LANES, extension.reduce(sums))


@kernel
def _combine(coefficients: Words, weights: Words, result: Words, start: int, stop: int) -> None:
    """Rows start .. stop - 1 of the combination."""
    count, rows = coefficients.shape[0], coefficients.shape[1]
    columns = np.empty(LANES * LANES, dtype=np.uint32)
    for row in range(start, stop, LANES):
        sums = extension.no_sums()
        for tile in range(count):
            transpose(coefficients, (tile * rows + row) * LANES, columns, 0)
            for c in range(0, LANES, 2):
                weight = EXTENSION_DEGREE * (tile * LANES + c)
                sums = extension.accumulate2(
                    sums,
                    lanes.load(columns, c * LANES),
                    extension.splat(weights, weight, 1),
                    lanes.load(columns, (c + 1) * LANES),
                    extension.splat(weights, weight + EXTENSION_DEGREE, 1),
                )
        extension.store(result, row, rows, extension.reduce(sums))


@kernel
def _divide(polynomial: Words, point: Words, result: Words) -> None:
    """Synthetic division from the top, q_(i-1) = f_i + point q_i; the point is canonical, so words stay Montgomery."""
    p, n = np.uint64(P), polynomial.shape[1]
    y0, y1, y2, y3, y4 = point[0], point[1], point[2], point[3], point[4]
    y14, y03, y42 = (y1 + p - y4) % p, (y0 + p - y3) % p, (y4 + p - y2) % p
    y314 = (y3 + p - y14) % p
    q0 = q1 = q2 = q3 = q4 = np.uint64(0)
    for i in range(n - 1, -1, -1):
        result[0, i], result[1, i], result[2, i], result[3, i], result[4, i] = q0, q1, q2, q3, q4
        t0 = q0 * y0 % p + q1 * y4 % p + q2 * y3 % p + q3 * y2 % p + q4 * y14 % p + polynomial[0, i]
        t1 = q0 * y1 % p + q1 * y0 % p + q2 * y4 % p + q3 * y3 % p + q4 * y2 % p + polynomial[1, i]
        t2 = q0 * y2 % p + q1 * y14 % p + q2 * y03 % p + q3 * y42 % p + q4 * y314 % p + polynomial[2, i]
        t3 = q0 * y3 % p + q1 * y2 % p + q2 * y14 % p + q3 * y03 % p + q4 * y42 % p + polynomial[3, i]
        t4 = q0 * y4 % p + q1 * y3 % p + q2 * y2 % p + q3 * y14 % p + q4 * y03 % p + polynomial[4, i]
        q0, q1, q2, q3, q4 = t0 % p, t1 % p, t2 % p, t3 % p, t4 % p
