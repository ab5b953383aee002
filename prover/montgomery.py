"""Between canonical KoalaBear integers and Montgomery form, R = 2^32."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from circuits.field import P
from prover import lanes, parallel
from prover.lanes import Words

R = 2**32 % P
_R_INVERSE = pow(2**32, -1, P)
# Below this many words a thread switch costs more than the conversion.
_GRANULARITY = 1 << 14


def to_montgomery_scalar(value: int) -> int:
    """value R mod P."""
    return value * R % P


def from_montgomery_scalar(value: int) -> int:
    """value / R mod P."""
    return value * _R_INVERSE % P


def to_montgomery(values: ArrayLike) -> Words:
    """A new uint32 array of the same shape holding values R mod P. values: integers in [0, 2^32)."""
    return _convert(values, _to_montgomery)


def from_montgomery(values: ArrayLike) -> Words:
    """A new uint32 array of the same shape holding the canonical values (below P) of Montgomery words."""
    return _convert(values, _from_montgomery)


def _convert(values: ArrayLike, convert: lanes.Kernel) -> Words:
    source = np.ascontiguousarray(values, dtype=np.uint32)
    words = source.size
    padded = -words % lanes.LANES
    flat = np.pad(source.reshape(-1), (0, padded)) if padded else source.reshape(-1)
    target = lanes.empty((words + padded,))
    parallel.run_ranges(lambda start, stop: convert(flat, target, start, stop), words + padded, _GRANULARITY)
    return target[:words].reshape(source.shape)


@lanes.kernel
def _to_montgomery(source: Words, target: Words, start: int, stop: int) -> None:
    for i in range(start, stop, lanes.LANES):
        lanes.store(target, i, lanes.to_montgomery(lanes.load(source, i)))


@lanes.kernel
def _from_montgomery(source: Words, target: Words, start: int, stop: int) -> None:
    for i in range(start, stop, lanes.LANES):
        lanes.store(target, i, lanes.from_montgomery(lanes.load(source, i)))
