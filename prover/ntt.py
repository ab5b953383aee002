"""Number-theoretic transforms of 16 columns side by side: interpolation and low-degree extension.

A transform walks a binary tree of moduli. Node i at depth t stands for X^(N / 2^t) - z_i; node 1, the root, for
X^N - s^N; the children of node i are 2i and 2i + 1, for X^h - w_i and X^h + w_i, w_i^2 = z_i. The leaves are the
points of the coset s <Omega> in bit-reversed order. A forward step reduces a polynomial (low, high) modulo both
children, low + w high and low - w high; an inverse step undoes it. The shift s enters through the w_i alone, and a
smaller polynomial simply starts at a deeper node, so low-degree extension needs neither scaling nor padding.

Tiles are uint32 arrays (tiles, rows, 16), C-contiguous, in Montgomery form.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from circuits.field import P, root_of_unity
from prover import lanes, montgomery, parallel
from prover.lanes import FOLD, LANES, Words

Indices = NDArray[np.int64]

# Up to 2^_LOG_CACHED rows (16 KiB) are transformed pass by pass, more by splitting first.
_LOG_CACHED = 8
# From 2^_LOG_SPLIT rows on, one tile is worth several threads.
_LOG_SPLIT = 12


def evaluate(coefficients: Words, log_domain: int, shift: int) -> Words:
    """Values on shift <Omega_log_domain>, bit-reversed: (tiles, 2^log_domain, 16).

    coefficients: (tiles, n, 16) in natural order, n a power of two up to 2^log_domain; shift: canonical, not 0.
    Raises ValueError where the coefficients do not fit the domain.
    """
    source = np.ascontiguousarray(coefficients)
    log_n = _log_rows(source)
    if log_n > log_domain:
        raise ValueError(f"2^{log_n} coefficients do not fit a domain of 2^{log_domain} points: use a larger domain")
    tiles, n, cosets = source.shape[0], 1 << log_n, 1 << (log_domain - log_n)
    target = lanes.empty((tiles, n * cosets, LANES))
    moduli = _moduli(log_domain, shift % P)
    flat, result = source.reshape(-1), target.reshape(-1)
    parallel.run_all(
        partial(_forward, flat, tile * n, result, (tile * cosets + coset) * n, moduli, cosets + coset, log_n)
        for tile in range(tiles)
        for coset in range(cosets)
    )
    return target


def interpolate(values: Words, log_n: int) -> Words:
    """Coefficients (tiles, 2^log_n, 16) in natural order, from values on <Omega_log_n> in natural order."""
    return _run_inverse(values, log_n, 1, _reversed_indices(log_n))


def interpolate_domain(values: Words, shift: int) -> Words:
    """Coefficients in natural order, from values on shift <Omega> in bit-reversed order; same shape."""
    log_n = _log_rows(values)
    return _run_inverse(values, log_n, shift, np.arange(1 << log_n))


def _run_inverse(values: Words, log_n: int, shift: int, order: Indices) -> Words:
    source = np.ascontiguousarray(values)
    if _log_rows(source) != log_n:
        raise ValueError(f"got {source.shape[1]} rows, expected 2^{log_n}")
    tiles, n = source.shape[0], 1 << log_n
    target = lanes.empty(source.shape)
    moduli, scale = _inverse_moduli(log_n, shift % P), montgomery.to_montgomery_scalar(pow(n, -1, P))
    flat, result = source.reshape(-1), target.reshape(-1)
    log_parts = 2 if log_n >= _LOG_SPLIT else 0
    parts, log_rows = 1 << log_parts, log_n - log_parts
    parallel.run_all(
        partial(_inverse, flat, tile * n, order, result, part << log_rows, log_rows, moduli, parts + part, scale)
        for tile in range(tiles)
        for part in range(parts)
    )
    if log_parts:
        step = n * LANES // 4
        spans = [(span * step // 4, (span + 1) * step // 4) for span in range(4)]
        parallel.run_all(
            partial(_join4, result, tile * n * LANES, step, moduli, 1, *span) for tile in range(tiles) for span in spans
        )
    return target


def _log_rows(tiles: Words) -> int:
    rows = int(tiles.shape[1])
    if tiles.ndim != 3 or tiles.shape[2] != LANES or rows & (rows - 1) or not rows:
        raise ValueError(f"expected tiles of shape (tiles, power of two, {LANES}), got {tiles.shape}")
    return rows.bit_length() - 1


# ---------------------------------------------------------------------------------------------------------- tables


@lru_cache(maxsize=32)
def _reversed_indices(bits: int) -> Indices:
    """The bit-reversal of every index below 2^bits."""
    indices = np.zeros(1, dtype=np.int64)
    for _ in range(bits):
        indices = np.concatenate([2 * indices, 2 * indices + 1])
    return indices


@lru_cache(maxsize=32)
def _moduli(log_size: int, shift: int) -> Words:
    """w_i of every inner node i of the tree over shift <Omega_log_size>, Montgomery; entry 0 is not used."""
    return _tree(shift, [root_of_unity(depth + 2) for depth in range(log_size - 1)])


@lru_cache(maxsize=32)
def _inverse_moduli(log_size: int, shift: int) -> Words:
    """1 / w_i of every inner node i, Montgomery; entry 0 is not used."""
    return _tree(pow(shift, -1, P), [pow(root_of_unity(depth + 2), -1, P) for depth in range(log_size - 1)])


def _tree(shift: int, roots: list[int]) -> Words:
    log_size = len(roots) + 1
    tree = np.zeros(1 << log_size, dtype=np.uint32)
    # Up to a factor per level, the w of a level are a prefix of those of the next.
    level = montgomery.to_montgomery([1])
    for depth in range(log_size):
        if depth:
            level = np.concatenate([level, _scaled(level, roots[depth - 1])])
        tree[1 << depth : 2 << depth] = _scaled(level, pow(shift, 1 << (log_size - 1 - depth), P))
    return tree


def _scaled(words: Words, factor: int) -> Words:
    """Montgomery words times a canonical factor."""
    product = words.astype(np.uint64) * np.uint64(factor) % np.uint64(P)
    return product.astype(np.uint32)


# --------------------------------------------------------------------------------------------------------- forward


@lanes.kernel
def _factor(word):  # type: ignore[no-untyped-def]
    """A Montgomery word as the two operands that mul_fixed asks for."""
    factor = lanes.splat(word)
    return factor, lanes.word_mul(factor, lanes.splat(np.uint32(FOLD)))


@lanes.kernel
def _split(low, high, factor):  # type: ignore[no-untyped-def]
    product = lanes.mul_fixed(high, factor[0], factor[1])
    return lanes.add(low, product), lanes.sub(low, product)


@lanes.kernel
def _split2(source: Words, i: int, target: Words, o: int, moduli: Words, node: int) -> None:
    """Two rows at flat positions i (source) and o (target)."""
    a, b = _split(lanes.load(source, i), lanes.load(source, i + LANES), _factor(moduli[node]))
    lanes.store(target, o, a)
    lanes.store(target, o + LANES, b)


@lanes.kernel
def _split4(source: Words, i: int, target: Words, o: int, step: int, moduli: Words, node: int) -> None:
    """Two levels below `node`: four stretches of `step` words from flat positions i (source) and o (target)."""
    upper, left, right = _factor(moduli[node]), _factor(moduli[2 * node]), _factor(moduli[2 * node + 1])
    for k in range(0, step, LANES):
        j = i + k
        a, c = _split(lanes.load(source, j), lanes.load(source, j + 2 * step), upper)
        b, d = _split(lanes.load(source, j + step), lanes.load(source, j + 3 * step), upper)
        a, b = _split(a, b, left)
        c, d = _split(c, d, right)
        j = o + k
        lanes.store(target, j, a)
        lanes.store(target, j + step, b)
        lanes.store(target, j + 2 * step, c)
        lanes.store(target, j + 3 * step, d)


@lanes.kernel
def _forward(
    source: Words, source_row: int, target: Words, target_row: int, moduli: Words, node: int, log_rows: int
) -> None:
    """All levels below `node`, 2^log_rows rows; source and target may be the same rows of one array."""
    i, o = source_row * LANES, target_row * LANES
    if log_rows == 0:
        lanes.store(target, o, lanes.load(source, i))
    elif log_rows == 1:
        _split2(source, i, target, o, moduli, node)
    else:
        log_rows -= 2
        _split4(source, i, target, o, LANES << log_rows, moduli, node)
        if log_rows > _LOG_CACHED:
            for k in range(4):
                row = target_row + (k << log_rows)
                _forward(target, row, target, row, moduli, 4 * node + k, log_rows)
        else:
            _forward_cached(target, o, moduli, 4 * node, 4, log_rows)


@lanes.kernel
def _forward_cached(target: Words, o: int, moduli: Words, node: int, nodes: int, log_rows: int) -> None:
    """All levels below `nodes` neighbouring nodes of 2^log_rows rows each, pass by pass."""
    while log_rows >= 2:
        step = LANES << (log_rows - 2)
        for k in range(nodes):
            p = o + 4 * k * step
            _split4(target, p, target, p, step, moduli, node + k)
        node, nodes, log_rows = 4 * node, 4 * nodes, log_rows - 2
    if log_rows == 1:
        for k in range(nodes):
            p = o + 2 * k * LANES
            _split2(target, p, target, p, moduli, node + k)


# --------------------------------------------------------------------------------------------------------- inverse


@lanes.kernel
def _join(low, high, factor):  # type: ignore[no-untyped-def]
    return lanes.add(low, high), lanes.mul_fixed(lanes.sub(low, high), factor[0], factor[1])


@lanes.kernel
def _join4(target: Words, o: int, step: int, moduli: Words, node: int, start: int, stop: int) -> None:
    """Undo _split4 in place, for words start to stop of each stretch."""
    upper, left, right = _factor(moduli[node]), _factor(moduli[2 * node]), _factor(moduli[2 * node + 1])
    for j in range(o + start, o + stop, LANES):
        a, b = _join(lanes.load(target, j), lanes.load(target, j + step), left)
        c, d = _join(lanes.load(target, j + 2 * step), lanes.load(target, j + 3 * step), right)
        a, c = _join(a, c, upper)
        b, d = _join(b, d, upper)
        lanes.store(target, j, a)
        lanes.store(target, j + step, b)
        lanes.store(target, j + 2 * step, c)
        lanes.store(target, j + 3 * step, d)


@lanes.kernel
def _join2(target: Words, o: int, moduli: Words, node: int) -> None:
    """Undo _split2 in place."""
    a, b = _join(lanes.load(target, o), lanes.load(target, o + LANES), _factor(moduli[node]))
    lanes.store(target, o, a)
    lanes.store(target, o + LANES, b)


@lanes.kernel
def _inverse(
    source: Words, row: int, order: Indices, target: Words, first: int, log_rows: int, moduli: Words, node: int,
    scale: int,
) -> None:  # fmt: skip
    """All levels below `node`: rows `first` to `first` + 2^log_rows of the tile whose row 0 is `row`.

    Row r of the source is read from where order[r] says, and multiplied by `scale`.
    """
    o = (row + first) * LANES
    if log_rows > _LOG_CACHED:
        for k in range(4):
            part = first + (k << (log_rows - 2))
            _inverse(source, row, order, target, part, log_rows - 2, moduli, 4 * node + k, scale)
        step = LANES << (log_rows - 2)
        _join4(target, o, step, moduli, node, 0, step)
    else:
        # Gathering into the cache first is far cheaper than computing on rows that all fall into one cache set.
        factor = _factor(np.uint32(scale))
        for r in range(first, first + (1 << log_rows)):
            value = lanes.mul_fixed(lanes.load(source, (row + order[r]) * LANES), factor[0], factor[1])
            lanes.store(target, (row + r) * LANES, value)
        _inverse_cached(target, o, moduli, node, log_rows)


@lanes.kernel
def _inverse_cached(target: Words, o: int, moduli: Words, node: int, log_rows: int) -> None:
    """All levels below `node` in place, pass by pass from the lowest."""
    done = log_rows % 2
    if done:
        levels = log_rows - 1
        for k in range(1 << levels):
            _join2(target, o + 2 * k * LANES, moduli, (node << levels) + k)
    while done < log_rows:
        step, levels = LANES << done, log_rows - done - 2
        for k in range(1 << levels):
            _join4(target, o + 4 * k * step, step, moduli, (node << levels) + k, 0, step)
        done += 2
