"""Sums of products on lanes whose Montgomery reduction is put off: 16 accumulators of 64 bits.

A product of two field elements is below P^2 < P R / 2 (R = 2^32), so a sum of two still lies below P R, the bound under
which every accumulator is kept and up to which one Montgomery reduction works. A sum of k products then costs k pairs
of multiplications and ONE reduction instead of k.

An accumulator is <16 x i64>: the products of the even lanes, then those of the odd lanes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import models, register_model

from circuits.field import P
from prover import lanes
from prover.lanes import I64, LANES, V64, Builder, Value

WIDE = ir.VectorType(I64, LANES)
BOUND = P << 32
_HALF = LANES // 2


class U64x16(types.Type):
    """The numba type of 16 accumulators of 64 bits."""

    def __init__(self) -> None:
        super().__init__(name="u64x16")


u64x16 = U64x16()


@register_model(U64x16)
class _U64x16Model(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, WIDE)  # type: ignore[no-untyped-call]


def emit_zero() -> Value:
    """Accumulators of 0."""
    return ir.Constant(WIDE, [0] * LANES)


def emit_product(b: Builder, x: Value, y: Value) -> Value:
    """x y, not reduced. x, y: <16 x i32> below P."""
    x_even, x_odd = lanes.emit_halves(b, x)
    y_even, y_odd = lanes.emit_halves(b, y)
    return _emit_halves_joined(b, b.mul(x_even, y_even), b.mul(x_odd, y_odd))


def emit_product_fixed(b: Builder, x: Value, factor: Value) -> Value:
    """x factor, not reduced, for a factor that is the same in all lanes."""
    x_even, x_odd = lanes.emit_halves(b, x)
    factor_even, _ = lanes.emit_halves(b, factor)
    return _emit_halves_joined(b, b.mul(x_even, factor_even), b.mul(x_odd, factor_even))


def emit_add(b: Builder, x: Value, y: Value) -> Value:
    """The sum of two accumulators."""
    total = b.add(x, y)
    lowered = b.sub(total, ir.Constant(WIDE, [BOUND] * LANES))
    return b.select(b.icmp_unsigned("<", total, lowered), total, lowered)


def emit_sum(b: Builder, products: list[Value]) -> Value:
    """The sum of one or more single products: two of them fit an accumulator as they are."""
    pairs = [b.add(*products[i : i + 2]) if i + 1 < len(products) else products[i] for i in range(0, len(products), 2)]
    total = pairs[0]
    for pair in pairs[1:]:
        total = emit_add(b, total, pair)
    return total


def emit_reduce(b: Builder, x: Value) -> Value:
    """The Montgomery reduction x / R mod P of accumulators: <16 x i32> below P."""
    fold, low = ir.Constant(V64, [lanes.FOLD] * _HALF), ir.Constant(V64, [0xFFFFFFFF] * _HALF)
    index = ir.VectorType(lanes.I32, _HALF)
    totals = []
    for first in (0, _HALF):
        half = b.shuffle_vector(x, x, ir.Constant(index, list(range(first, first + _HALF))))
        quotient = b.and_(b.mul(b.and_(half, low), fold), low)
        totals.append(lanes.emit_reduce(b, half, quotient))
    return lanes.emit_join(b, *totals)


def _emit_halves_joined(b: Builder, even: Value, odd: Value) -> Value:
    return b.shuffle_vector(even, odd, ir.Constant(lanes.V32, list(range(LANES))))
