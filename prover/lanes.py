"""Explicit SIMD: a numba type of 16 uint32 lanes, its operations, and the LLVM IR emitters behind them.

numba's auto-vectoriser is not dependable, so kernels are written on `u32x16`, whose LLVM representation is <16 x i32>;
LLVM splits it into whatever registers the processor has. Every `emit_*` function appends instructions to an llvmlite
IRBuilder and returns the resulting value, so kernels can also be generated as IR without any numba front end.

Field elements are KoalaBear in Montgomery form (R = 2^32), below P.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

from circuits.field import P

LANES = 16
FOLD = -pow(P, -1, 2**32) % 2**32  # -1 / P mod R, for Montgomery reduction

I32, I64 = ir.IntType(32), ir.IntType(64)
V32 = ir.VectorType(I32, LANES)
V64 = ir.VectorType(I64, LANES // 2)
_LOW_HALVES = ir.Constant(V64, [0xFFFFFFFF] * (LANES // 2))

Builder: TypeAlias = "ir.IRBuilder"
Value: TypeAlias = Any  # an llvmlite value: <16 x i32> unless said otherwise
Words = NDArray[np.uint32]

Kernel = Callable[..., Any]


def _shared_code() -> str:
    """A digest of all files whose emitters and constants can end up inside the kernels of other files."""
    here = Path(__file__).parent
    constants = [here.parent / "circuits" / name for name in ("field.py", "poseidon2_constants.py")]
    sources = [*constants, *sorted(here.glob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


SHARED_CODE = _shared_code()


def kernel(function: Kernel) -> Kernel:
    """Decorator of every hand-written kernel: compiled without the GIL and kept on disk.

    numba trusts what it finds on disk while the kernel's own file is unchanged; here SHARED_CODE must match as well.
    """
    dispatcher: Any = njit(nogil=True, cache=True, boundscheck=False)(function)
    cache_file = dispatcher._cache._cache_file
    cache_file._source_stamp = (cache_file._source_stamp, SHARED_CODE)
    compiled: Kernel = dispatcher
    return compiled


class U32x16(types.Type):
    """The numba type of 16 lanes of uint32."""

    def __init__(self) -> None:
        super().__init__(name="u32x16")


u32x16 = U32x16()


@register_model(U32x16)
class _U32x16Model(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, V32)  # type: ignore[no-untyped-call]


def empty(shape: tuple[int, ...]) -> Words:
    """An uninitialised uint32 array that starts on a cache line, so that no row of 16 straddles two."""
    words = int(np.prod(shape))
    buffer = np.empty(words + LANES, dtype=np.uint32)
    skip = (-buffer.ctypes.data % (4 * LANES)) // 4
    return buffer[skip : skip + words].reshape(shape)


# ------------------------------------------------------------------------------------------------- emitters: memory


def emit_constant(value: int) -> Value:
    """The same integer in all lanes, as it stands (not converted to Montgomery form)."""
    return ir.Constant(V32, [value] * LANES)


def emit_load(b: Builder, pointer: Value, index: Value | int) -> Value:
    """16 consecutive words from element `index` of an i32 pointer; any alignment."""
    value = b.load(_vector_pointer(b, pointer, index))
    value.align = 4
    return value


def emit_store(b: Builder, pointer: Value, index: Value | int, value: Value) -> None:
    """Store 16 consecutive words at element `index` of an i32 pointer; any alignment."""
    b.store(value, _vector_pointer(b, pointer, index)).align = 4


def emit_load_many(b: Builder, pointer: Value, index: Value | int, count: int) -> list[Value]:
    """`count` vectors that follow each other from element `index` on."""
    base = _position(index)
    return [emit_load(b, pointer, b.add(base, I64(LANES * k))) for k in range(count)]


def emit_store_many(b: Builder, pointer: Value, index: Value | int, values: Sequence[Value]) -> None:
    """Store vectors one after the other from element `index` on."""
    base = _position(index)
    for k, value in enumerate(values):
        emit_store(b, pointer, b.add(base, I64(LANES * k)), value)


def emit_splat(b: Builder, scalar: Value) -> Value:
    """An i32 in all lanes."""
    undefined = ir.Constant(V32, ir.Undefined)
    return b.shuffle_vector(b.insert_element(undefined, scalar, I32(0)), undefined, emit_constant(0))


def emit_load_splat(b: Builder, pointer: Value, index: Value | int) -> Value:
    """Element `index` of an i32 pointer in all lanes."""
    return emit_splat(b, b.load(b.gep(pointer, [_position(index)])))


def _position(index: Value | int) -> Value:
    return I64(index) if isinstance(index, int) else index


def _vector_pointer(b: Builder, pointer: Value, index: Value | int) -> Value:
    return b.bitcast(b.gep(pointer, [_position(index)]), V32.as_pointer())


# -------------------------------------------------------------------------------------------------- emitters: field


def emit_add(b: Builder, x: Value, y: Value) -> Value:
    """x + y mod P."""
    return _emit_lower(b, b.add(x, y))


def emit_sub(b: Builder, x: Value, y: Value) -> Value:
    """x - y mod P."""
    difference = b.sub(x, y)
    return _emit_min(b, difference, b.add(difference, emit_constant(P)))


def emit_mul(b: Builder, x: Value, y: Value) -> Value:
    """x y / R mod P, the Montgomery product. One of the factors may be any uint32, the other is below P."""
    x_even, x_odd = emit_halves(b, x)
    y_even, y_odd = emit_halves(b, y)
    fold = ir.Constant(V64, [FOLD] * V64.count)
    reduced = []
    for product in (b.mul(x_even, y_even), b.mul(x_odd, y_odd)):
        quotient = b.and_(b.mul(b.and_(product, _LOW_HALVES), fold), _LOW_HALVES)
        reduced.append(emit_reduce(b, product, quotient))
    return emit_join(b, *reduced)


def emit_mul_fixed(b: Builder, x: Value, factor: Value, folded: Value) -> Value:
    """x factor / R mod P for a factor that is the same in all lanes, and folded = -factor / P mod R.

    Cheaper than emit_mul where one factor serves many products. x may be any uint32.
    """
    x_even, x_odd = emit_halves(b, x)
    factor_even, _ = emit_halves(b, factor)
    quotient_even, quotient_odd = emit_halves(b, b.mul(x, folded))
    even = emit_reduce(b, b.mul(x_even, factor_even), quotient_even)
    odd = emit_reduce(b, b.mul(x_odd, factor_even), quotient_odd)
    return emit_join(b, even, odd)


def emit_from_montgomery(b: Builder, x: Value) -> Value:
    """x / R mod P: the canonical value of x."""
    return emit_mul(b, x, emit_constant(1))


def emit_to_montgomery(b: Builder, x: Value) -> Value:
    """x R mod P, for any uint32 x."""
    square = pow(2, 64, P)
    return emit_mul_fixed(b, x, emit_constant(square), emit_constant(square * FOLD % 2**32))


def _emit_min(b: Builder, x: Value, y: Value) -> Value:
    return b.select(b.icmp_unsigned("<", x, y), x, y)


def _emit_lower(b: Builder, total: Value) -> Value:
    # Below P the difference wraps to something larger.
    return _emit_min(b, total, b.sub(total, emit_constant(P)))


def emit_halves(b: Builder, x: Value) -> tuple[Value, Value]:
    """The even and the odd lanes as two <8 x i64>: their 64-bit products take half the instructions of widening."""
    pairs = b.bitcast(x, V64)
    return b.and_(pairs, _LOW_HALVES), b.lshr(pairs, ir.Constant(V64, [32] * V64.count))


def emit_reduce(b: Builder, product: Value, quotient: Value) -> Value:
    """product + quotient P, a multiple of R whose upper half is product / R mod P, below 2 P. All <8 x i64>.

    quotient: FOLD product mod R. (Subtracting instead makes LLVM multiply by -P, a full 64-bit product.)
    """
    return b.add(product, b.mul(quotient, ir.Constant(V64, [P] * V64.count)))


def emit_join(b: Builder, even: Value, odd: Value) -> Value:
    """The upper halves of the even and the odd lanes, below 2 P, as one vector below P."""
    upper_halves = ir.Constant(V32, [i + 1 if i % 2 == 0 else LANES + i for i in range(LANES)])
    return _emit_lower(b, b.shuffle_vector(b.bitcast(even, V32), b.bitcast(odd, V32), upper_halves))


# -------------------------------------------------------------------------------------------- emitters: words, shape


def emit_rotate_right(b: Builder, x: Value, amount: int) -> Value:
    """Each lane rotated right by 0 < amount < 32 bits."""
    return b.or_(b.lshr(x, emit_constant(amount)), b.shl(x, emit_constant(32 - amount)))


def emit_transpose(b: Builder, rows: Sequence[Value]) -> list[Value]:
    """16 vectors to 16 vectors: lane i of result j is lane j of vector i."""
    vectors = list(rows)
    distance = LANES // 2
    while distance:
        upper = [i if not i & distance else LANES + i - distance for i in range(LANES)]
        lower = [i + distance if not i & distance else LANES + i for i in range(LANES)]
        for i in range(LANES):
            if not i & distance:
                pair = vectors[i], vectors[i + distance]
                vectors[i] = b.shuffle_vector(*pair, ir.Constant(V32, upper))
                vectors[i + distance] = b.shuffle_vector(*pair, ir.Constant(V32, lower))
        distance //= 2
    return vectors


def emit_load_digests(b: Builder, pointer: Value, index: Value | int) -> list[Value]:
    """16 consecutive rows of 8 words from element `index`, transposed: 8 vectors of 16 lanes."""
    pairs = emit_load_many(b, pointer, index, LANES // 2)
    rotated = [b.shuffle_vector(v, v, ir.Constant(V32, [(i + 8) % LANES for i in range(LANES)])) for v in pairs]
    return emit_transpose(b, [v for k in range(LANES // 2) for v in (pairs[k], rotated[k])])[: LANES // 2]


def emit_store_digests(b: Builder, pointer: Value, index: Value | int, columns: Sequence[Value]) -> None:
    """The reverse of emit_load_digests: 8 vectors of 16 lanes to 16 consecutive rows of 8 words."""
    rows = emit_transpose(b, [*columns, *[ir.Constant(V32, ir.Undefined)] * (LANES // 2)])
    two_rows = ir.Constant(V32, [*range(LANES // 2), *range(LANES, LANES + LANES // 2)])
    pairs = [b.shuffle_vector(rows[k], rows[k + 1], two_rows) for k in range(0, LANES, 2)]
    emit_store_many(b, pointer, index, pairs)


# ------------------------------------------------------------------------------------------------------- intrinsics


def _data_pointer(context: Any, b: Builder, array_type: Any, array: Value) -> Value:
    """The i32 pointer behind a numba array argument of an intrinsic."""
    return context.make_array(array_type)(context, b, array).data


def lane_intrinsic(emit: Callable[..., Value], result: Any = u32x16) -> Any:
    """What `emit(builder, *arguments)` emits, as an intrinsic that returns the numba type `result`.

    Arrays arrive as i32 pointers, numpy scalars as themselves, every other integer as an i64; result types.void is for
    emitters that return nothing. `emit` must have a fixed number of parameters.
    """

    def codegen(context: Any, b: Builder, signature: Any, args: Any) -> Value:
        arguments = [
            _data_pointer(context, b, kind, value) if isinstance(kind, types.Array) else value
            for kind, value in zip(signature.args, args, strict=True)
        ]
        value = emit(b, *arguments)
        return context.get_dummy_value() if value is None else value

    def definition(typing: Any, *operands: Any) -> Any:
        kinds = [types.intp if isinstance(x, types.Integer) and x != types.uint32 else x for x in operands]
        return result(*kinds), codegen

    # numba folds arguments by the signature, in which the builder's place is that of the typing context.
    definition.__signature__ = inspect.signature(emit)  # type: ignore[attr-defined]
    return intrinsic(definition)


load = lane_intrinsic(emit_load)
store = lane_intrinsic(emit_store, types.void)
splat = lane_intrinsic(emit_splat)
add = lane_intrinsic(emit_add)
sub = lane_intrinsic(emit_sub)
mul = lane_intrinsic(emit_mul)
mul_fixed = lane_intrinsic(emit_mul_fixed)
to_montgomery = lane_intrinsic(emit_to_montgomery)
from_montgomery = lane_intrinsic(emit_from_montgomery)
word_mul = lane_intrinsic(lambda b, x, y: b.mul(x, y))
