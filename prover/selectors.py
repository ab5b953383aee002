"""The selectors of a table's constraints, divided by Z, on its quotient domain (docs/protocol.md, A3).

Times Z / Z they all are polynomials of less than n coefficients, so their values come from one transform:
Z / (X - a) is the sum of a^(n-1-i) X^i for a in the trace domain, and V is a product of few factors.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from circuits.air import Where
from circuits.field import P, inverse, reverse_bits, root_of_unity
from prover import lanes, montgomery, ntt, tiles
from prover.lanes import LANES, Words, kernel
from verifier.params import CHUNKS
from verifier.shape import TableShape

# The columns of the selectors: one for each kind of rows, and one for row N, where the LogUp terminal is checked.
ORDER = tuple(Where)
ACTIVE, TRANSITION, FIRST, LAST = (ORDER.index(where) for where in Where)
TERMINAL = len(ORDER)
LOG_CHUNKS = CHUNKS.bit_length() - 1


def selectors_over_vanishing(table: TableShape, shift: int) -> Words:
    """The selectors over Z on the first 4n points of the table's evaluation domain: a tile (1, 4n, 16)."""
    coefficients = _coefficients(table.log_height, table.active_rows)
    log_size = table.log_height + LOG_CHUNKS
    values = ntt.evaluate(coefficients, log_size, shift)
    for block in range(CHUNKS):
        # Z is constant on a block, a coset of the trace domain.
        point = shift * pow(root_of_unity(log_size), reverse_bits(block, LOG_CHUNKS), P) % P
        over_vanishing = montgomery.to_montgomery_scalar(inverse(pow(point, table.height, P) - 1))
        start = block * table.height * LANES
        _scale(values, start, start + table.height * LANES, np.uint32(over_vanishing))
    return values


@lru_cache(maxsize=8)
def _coefficients(log_height: int, active_rows: int) -> Words:
    """The coefficients of the selectors: a tile (1, n, 16)."""
    n, g = 1 << log_height, root_of_unity(log_height)
    last, terminal = pow(g, active_rows - 1, P), pow(g, active_rows, P)
    active, point = [1], last
    for _ in range(n - active_rows):
        point = point * g % P
        active = _times_linear(active, point)
    columns = np.zeros((TERMINAL + 1, n), dtype=np.uint32)
    columns[ACTIVE, : len(active)] = active
    columns[TRANSITION, : len(active) + 1] = _times_linear(active, last)
    for column, root in ((FIRST, 1), (LAST, last), (TERMINAL, terminal)):
        columns[column] = _powers(root, n)[::-1]
    return tiles.from_columns(columns, n)


def _times_linear(polynomial: list[int], root: int) -> list[int]:
    """polynomial * (X - root), lowest coefficient first."""
    return [(a - root * b) % P for a, b in zip([0, *polynomial], [*polynomial, 0], strict=True)]


def _powers(base: int, count: int) -> Words:
    """base^0 .. base^(count - 1), canonical; count is a power of two."""
    powers = np.ones(1, dtype=np.uint64)
    while len(powers) < count:
        powers = np.concatenate([powers, powers * np.uint64(pow(base, len(powers), P)) % np.uint64(P)])
    return powers.astype(np.uint32)


@kernel
def _scale(values: Words, start: int, stop: int, factor: np.uint32) -> None:
    """Multiply the words start .. stop - 1, in place."""
    scalar = lanes.splat(factor)
    for i in range(start, stop, LANES):
        lanes.store(values, i, lanes.mul(lanes.load(values, i), scalar))
