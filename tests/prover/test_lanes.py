"""Every lane operation against Python's integers, edge values included."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit, types

from circuits.field import P
from prover import lanes
from prover.lanes import Builder, Value, Words

R_INVERSE = pow(2**32, -1, P)
EDGES = [0, 1, 2, P - 1, P - 2, P // 2, 2**30, 2**24, 2**24 - 1]

elements = st.lists(st.one_of(st.sampled_from(EDGES), st.integers(0, P - 1)), min_size=16, max_size=16)
words = st.lists(st.one_of(st.sampled_from([0, 1, P, 2**32 - 1]), st.integers(0, 2**32 - 1)), min_size=16, max_size=16)


def runner(operation: Any) -> Any:
    @njit
    def run(x: Words, y: Words, out: Words) -> None:
        lanes.store(out, 0, operation(lanes.load(x, 0), lanes.load(y, 0)))

    return run


def apply(run: Any, x: list[int], y: list[int]) -> list[int]:
    out = lanes.empty((16,))
    run(np.array(x, dtype=np.uint32), np.array(y, dtype=np.uint32), out)
    return [int(value) for value in out]


add, sub, mul = runner(lanes.add), runner(lanes.sub), runner(lanes.mul)


@settings(deadline=None)
@given(elements, elements)
def test_addition_and_subtraction(x: list[int], y: list[int]) -> None:
    assert apply(add, x, y) == [(a + b) % P for a, b in zip(x, y, strict=True)]
    assert apply(sub, x, y) == [(a - b) % P for a, b in zip(x, y, strict=True)]


@settings(deadline=None)
@given(words, elements)
def test_product_with_one_factor_unreduced(x: list[int], y: list[int]) -> None:
    expected = [a * b * R_INVERSE % P for a, b in zip(x, y, strict=True)]
    assert apply(mul, x, y) == expected
    assert apply(mul, y, x) == expected


@njit
def _fixed(x: Words, factor: Words, out: Words) -> None:
    splat = lanes.splat(factor[0])
    folded = lanes.word_mul(splat, lanes.splat(np.uint32(lanes.FOLD)))
    lanes.store(out, 0, lanes.mul_fixed(lanes.load(x, 0), splat, folded))


@settings(deadline=None)
@given(words, st.one_of(st.sampled_from([0, 1, P - 1]), st.integers(0, P - 1)))
def test_product_with_a_fixed_factor(x: list[int], factor: int) -> None:
    assert apply(_fixed, x, [factor]) == [a * factor * R_INVERSE % P for a in x]


def emitted(emit: Callable[[Builder, Value, Value], None]) -> Any:
    """A compiled function of two arrays from an emitter of two pointers."""
    intrinsic = lanes.lane_intrinsic(emit, types.void)

    @njit
    def run(x: Words, y: Words) -> None:
        intrinsic(x, y)

    return run


def test_transpose() -> None:
    def emit(b: Builder, x: Value, y: Value) -> None:
        lanes.emit_store_many(b, y, 0, lanes.emit_transpose(b, lanes.emit_load_many(b, x, 0, 16)))

    matrix, result = np.arange(256, dtype=np.uint32).reshape(16, 16), lanes.empty((16, 16))
    emitted(emit)(matrix.reshape(-1), result.reshape(-1))
    assert np.array_equal(result, matrix.T)


def test_digests_to_lanes_and_back() -> None:
    def emit_to_lanes(b: Builder, x: Value, y: Value) -> None:
        lanes.emit_store_many(b, y, 0, lanes.emit_load_digests(b, x, 0))

    def emit_to_rows(b: Builder, x: Value, y: Value) -> None:
        lanes.emit_store_digests(b, y, 0, lanes.emit_load_many(b, x, 0, 8))

    digests, columns, again = np.arange(128, dtype=np.uint32).reshape(16, 8), lanes.empty((8, 16)), lanes.empty((16, 8))
    emitted(emit_to_lanes)(digests.reshape(-1), columns.reshape(-1))
    assert np.array_equal(columns, digests.T)
    emitted(emit_to_rows)(columns.reshape(-1), again.reshape(-1))
    assert np.array_equal(again, digests)


@pytest.mark.parametrize("amount", [1, 7, 16, 31])
def test_rotation(amount: int) -> None:
    def emit(b: Builder, x: Value, y: Value) -> None:
        lanes.emit_store(b, y, 0, lanes.emit_rotate_right(b, lanes.emit_load(b, x, 0), amount))

    x, out = np.arange(16, dtype=np.uint32) * np.uint32(0x12345679), lanes.empty((16,))
    emitted(emit)(x, out)
    assert out.tolist() == [(v >> amount | v << (32 - amount)) % 2**32 for v in x.tolist()]


@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 1000, 16), (0, 16)])
def test_arrays_start_on_a_cache_line(shape: tuple[int, ...]) -> None:
    array = lanes.empty(shape)
    assert array.shape == shape
    assert array.dtype == np.uint32
    assert array.flags["C_CONTIGUOUS"]
    assert array.ctypes.data % 64 == 0 or not array.size


KERNEL_MODULE = """
from prover import lanes

@lanes.kernel
def double(x):
    lanes.store(x, 0, lanes.add(lanes.load(x, 0), lanes.load(x, 0)))
"""


def test_cached_code_is_dropped_when_shared_code_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cached_kernel.py"
    path.write_text(KERNEL_MODULE)

    def cache_hits() -> int:
        spec = importlib.util.spec_from_file_location("cached_kernel", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        x = np.arange(16, dtype=np.uint32)
        module.double(x)
        assert x.tolist() == list(range(0, 32, 2))
        return sum(module.double.stats.cache_hits.values())

    assert cache_hits() == 0
    assert cache_hits() == 1
    monkeypatch.setattr(lanes, "SHARED_CODE", "other code")
    assert cache_hits() == 0
