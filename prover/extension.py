"""The quintic extension on lanes: 16 elements as five vectors of coordinates, and planar arrays (5, n) of elements.

`lanes` values are numba tuples of five u32x16; `sums` are tuples of five accumulators (prover/wide.py).
All words are in Montgomery form. Elements outside of kernels are circuits.field.Extension tuples of canonical ints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from circuits import field
from circuits.field import EXTENSION_DEGREE, Extension, P
from prover import lanes, montgomery, parallel, wide
from prover.lanes import I64, LANES, Builder, Value, Words, kernel, u32x16

DEGREE = EXTENSION_DEGREE
element_lanes: Any = types.UniTuple(u32x16, DEGREE)  # type: ignore[no-untyped-call]
element_sums: Any = types.UniTuple(wide.u64x16, DEGREE)  # type: ignore[no-untyped-call]
_GRANULARITY = 1 << 12


# ---------------------------------------------------------------------------------------------------------- emitters


def emit_add(b: Builder, x: list[Value], y: list[Value]) -> list[Value]:
    """x + y."""
    return [lanes.emit_add(b, p, q) for p, q in zip(x, y, strict=True)]


def emit_sub(b: Builder, x: list[Value], y: list[Value]) -> list[Value]:
    """x - y."""
    return [lanes.emit_sub(b, p, q) for p, q in zip(x, y, strict=True)]


def emit_mul(b: Builder, x: list[Value], y: list[Value]) -> list[Value]:
    """x y: 25 products and one reduction a coordinate. The terms of x^5 .. x^8 are folded into differences of y."""
    y0, y1, y2, y3, y4 = y
    y14, y03, y42 = lanes.emit_sub(b, y1, y4), lanes.emit_sub(b, y0, y3), lanes.emit_sub(b, y4, y2)
    y314 = lanes.emit_sub(b, y3, y14)
    rows = (
        (y0, y4, y3, y2, y14),
        (y1, y0, y4, y3, y2),
        (y2, y14, y03, y42, y314),
        (y3, y2, y14, y03, y42),
        (y4, y3, y2, y14, y03),
    )
    return [_emit_dot(b, x, row) for row in rows]


def emit_scale(b: Builder, x: list[Value], factor: Value) -> list[Value]:
    """x factor, for one base element a lane."""
    return [lanes.emit_mul(b, coordinate, factor) for coordinate in x]


def emit_frobenius(b: Builder, x: list[Value], repeat: int) -> list[Value]:
    """x^(P^repeat), a linear map over the base field."""
    basis: list[Extension] = [(1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, 0, 1)]
    for _ in range(repeat):
        basis = [field.frobenius(image) for image in basis]
    images = [[lanes.emit_constant(montgomery.to_montgomery_scalar(c)) for c in image] for image in basis]
    return [_emit_dot(b, x, [image[j] for image in images]) for j in range(DEGREE)]


def emit_load(b: Builder, pointer: Value, index: Value, stride: Value) -> list[Value]:
    """16 elements whose coordinate vectors start at words index, index + stride, ... of an i32 pointer."""
    return [lanes.emit_load(b, pointer, position) for position in _positions(b, index, stride)]


def emit_store(b: Builder, pointer: Value, index: Value, stride: Value, x: list[Value]) -> None:
    """Store 16 elements to where emit_load would read them."""
    for position, coordinate in zip(_positions(b, index, stride), x, strict=True):
        lanes.emit_store(b, pointer, position, coordinate)


def emit_load_splat(b: Builder, pointer: Value, index: Value, stride: Value) -> list[Value]:
    """The element whose coordinates are words index, index + stride, ... of an i32 pointer, in all lanes."""
    return [lanes.emit_load_splat(b, pointer, position) for position in _positions(b, index, stride)]


def _positions(b: Builder, index: Value, stride: Value) -> list[Value]:
    return [b.add(index, b.mul(stride, I64(j))) for j in range(DEGREE)]


def emit_accumulate(b: Builder, sums: list[Value], x: Value, weights: list[Value]) -> list[Value]:
    """sums + x weights, for a base element x a lane and weights that are the same in all lanes."""
    return [wide.emit_add(b, s, wide.emit_product_fixed(b, x, weight)) for s, weight in zip(sums, weights, strict=True)]


def emit_accumulate2(
    b: Builder, sums: list[Value], x: Value, x_weights: list[Value], y: Value, y_weights: list[Value]
) -> list[Value]:
    """sums + x x_weights + y y_weights, cheaper than two calls of emit_accumulate."""
    result = []
    for s, v, w in zip(sums, x_weights, y_weights, strict=True):
        both = wide.emit_sum(b, [wide.emit_product_fixed(b, x, v), wide.emit_product_fixed(b, y, w)])
        result.append(wide.emit_add(b, s, both))
    return result


def emit_reduce(b: Builder, sums: list[Value]) -> list[Value]:
    """The elements that sums stand for."""
    return [wide.emit_reduce(b, s) for s in sums]


def _emit_dot(b: Builder, x: list[Value], y: Iterable[Value]) -> Value:
    products = [wide.emit_product(b, p, q) for p, q in zip(x, y, strict=True)]
    return wide.emit_reduce(b, wide.emit_sum(b, products))


# -------------------------------------------------------------------------------------------------------- intrinsics


def element_intrinsic(emit: Callable[..., list[Value] | None], result: Any = element_lanes) -> Any:
    """Like lanes.lane_intrinsic, for an emitter that takes and returns tuples as lists of their parts."""

    @wraps(emit)
    def emit_packed(b: Builder, *arguments: Value) -> Value | None:
        values = emit(b, *(_unpacked(b, x) if isinstance(x.type, ir.ArrayType) else x for x in arguments))
        return None if values is None else _packed(b, values)

    return lanes.lane_intrinsic(emit_packed, result)


def _unpacked(b: Builder, packed: Value) -> list[Value]:
    return [b.extract_value(packed, j) for j in range(packed.type.count)]


def _packed(b: Builder, values: list[Value]) -> Value:
    packed = ir.Constant(ir.ArrayType(values[0].type, len(values)), ir.Undefined)
    for j, value in enumerate(values):
        packed = b.insert_value(packed, value, j)
    return packed


add = element_intrinsic(emit_add)
sub = element_intrinsic(emit_sub)
mul = element_intrinsic(emit_mul)
scale = element_intrinsic(emit_scale)
frobenius = element_intrinsic(lambda b, x: emit_frobenius(b, x, 1))
frobenius2 = element_intrinsic(lambda b, x: emit_frobenius(b, x, 2))
load = element_intrinsic(emit_load)
store = element_intrinsic(emit_store, types.void)
splat = element_intrinsic(emit_load_splat)
no_sums = element_intrinsic(lambda b: [wide.emit_zero()] * DEGREE, element_sums)
embed = element_intrinsic(lambda b, x: [x, *[lanes.emit_constant(0)] * (DEGREE - 1)])
zero = element_intrinsic(lambda b: [lanes.emit_constant(0)] * DEGREE)
accumulate = element_intrinsic(emit_accumulate, element_sums)
accumulate2 = element_intrinsic(emit_accumulate2, element_sums)
reduce = element_intrinsic(emit_reduce)


# ----------------------------------------------------------------------------------------------------------- kernels


@kernel
def invert_base(x):  # type: ignore[no-untyped-def]
    """1 / x of base elements on lanes, by exponentiation; 0 for 0."""
    result = x
    for k in range(29, -1, -1):
        result = lanes.mul(result, result)
        if ((P - 2) >> k) & 1:
            result = lanes.mul(result, x)
    return result


@kernel
def invert(x):  # type: ignore[no-untyped-def]
    """1 / x of elements on lanes, by Itoh and Tsujii: the product of the other conjugates over the norm; 0 for 0."""
    first = frobenius(x)
    pair = mul(first, frobenius(first))
    others = mul(pair, frobenius2(pair))
    norm = mul(x, others)[0]
    return scale(others, invert_base(norm))


@kernel
def _multiply(source: Words, factor: Words, target: Words, offset: int, n: int, start: int, stop: int) -> None:
    """target[:, offset + start : offset + stop] = source[:, start : stop] factor, rows of length n."""
    scalar = splat(factor, 0, 1)
    for i in range(start, stop, LANES):
        store(target, offset + i, n, mul(load(source, i, n), scalar))


@kernel
def _add_product(target: Words, n: int, source: Words, m: int, factor: Words, start: int, stop: int) -> None:
    """target[:, start : stop] += source[:, start : stop] factor, rows of length n and m."""
    scalar = splat(factor, 0, 1)
    for i in range(start, stop, LANES):
        store(target, i, n, add(load(target, i, n), mul(load(source, i, m), scalar)))


# ----------------------------------------------------------------------------------------------------- planar arrays


def words(value: Extension) -> Words:
    """One element as uint32 (5,)."""
    return np.array([montgomery.to_montgomery_scalar(c) for c in value], dtype=np.uint32)


def rows(values: Iterable[Extension]) -> Words:
    """Elements as uint32 (n, 5)."""
    return montgomery.to_montgomery(np.array(list(values), dtype=np.uint32).reshape(-1, DEGREE))


def planar(values: Iterable[Extension]) -> Words:
    """Elements as uint32 (5, n)."""
    return np.ascontiguousarray(rows(values).T)


def elements(array: Words) -> list[Extension]:
    """The elements of a planar array (5, n)."""
    return [(a, b, c, d, e) for a, b, c, d, e in montgomery.from_montgomery(array).T.tolist()]


def powers(point: Extension, count: int) -> Words:
    """point^0 .. point^(count - 1) as uint32 (5, count); count is a power of two, at least 16."""
    result = lanes.empty((DEGREE, count))
    first = [field.ONE]
    for _ in range(LANES - 1):
        first.append(field.mul(first[-1], point))
    result[:, :LANES] = planar(first)
    flat, done = result.reshape(-1), LANES
    while done < count:
        factor = words(field.power(point, done))
        parallel.run_ranges(partial(_multiply, flat, factor, flat, done, count), done, _GRANULARITY)
        done *= 2
    return result


def power_rows(point: Extension, count: int) -> Words:
    """point^0 .. point^(count - 1) as uint32 (count, 5), for any count."""
    size = max(LANES, 1 << (count - 1).bit_length())
    return np.ascontiguousarray(powers(point, size)[:, :count].T)


def add_to(target: Words, source: Words) -> None:
    """target[:, : m] += source, in place. target: (5, n), source: (5, m), m at most n."""
    part = target[:, : source.shape[1]]
    total = part + source
    np.minimum(total, total - np.uint32(P), out=part)  # below P the difference wraps to something larger


def subtract(x: Words, y: Words) -> Words:
    """x - y, word by word, for arrays of one shape."""
    difference = x - y
    lifted: Words = np.minimum(difference, difference + np.uint32(P))  # a negative difference has wrapped to above P
    return lifted


def add_product(target: Words, source: Words, factor: Extension) -> None:
    """target[:, : m] += source factor, in place. target: (5, n), source: (5, m), m a multiple of 16 and at most n."""
    n, m = target.shape[1], source.shape[1]
    flat, other, scalar = target.reshape(-1), np.ascontiguousarray(source).reshape(-1), words(factor)
    parallel.run_ranges(partial(_add_product, flat, n, other, m, scalar), m, _GRANULARITY)
