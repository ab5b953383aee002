"""The selectors of a table's constraints, divided by Z, on groups of 16 points of the quotient domain (A3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuits.air import Where
from circuits.field import P, inverse, reverse_bits, root_of_unity
from prover import lanes, montgomery
from prover.extension import invert_base
from prover.lanes import LANES, Words, kernel
from verifier.params import CHUNKS
from verifier.shape import TableShape

# The vectors of a group of points: one for each kind of rows, and one for row N, where the LogUp terminal is checked.
ORDER = tuple(Where)
ACTIVE, TRANSITION, FIRST, LAST = (ORDER.index(where) for where in Where)
TERMINAL = len(ORDER)
SELECTORS = len(ORDER) + 1
_LOG_CHUNKS = CHUNKS.bit_length() - 1


@dataclass(frozen=True)
class QuotientDomain:
    """The first 4n points of a table's evaluation domain: four blocks of n rows, each a coset of the trace domain."""

    table: TableShape
    shift: int

    def block_start(self, block: int) -> int:
        """The first point of a block, canonical."""
        root = root_of_unity(self.table.log_height + _LOG_CHUNKS)
        return self.shift * pow(root, reverse_bits(block, _LOG_CHUNKS), P) % P

    def fill(self, selectors: Words, block: int, first_group: int) -> None:
        """selectors[g] = the selectors over Z in the groups of 16 rows from first_group on, in block_groups' order.

        selectors: uint32 (groups, SELECTORS, 16).
        """
        start, generator = self.block_start(block), self.table.generator
        vanishing = (pow(start, self.table.height, P) - 1) % P
        words = montgomery.to_montgomery(
            [start * pow(generator, first_group, P) % P, generator, inverse(vanishing), self._last]
        )
        _fill(selectors, words, self._lane_points, self._random_points)

    @cached_property
    def _last(self) -> int:
        """g^(N-1), the last active row."""
        return pow(self.table.generator, self.table.active_rows - 1, P)

    @cached_property
    def _lane_points(self) -> Words:
        """What lane j's point is to that of lane 0: a power of the root of order 16."""
        root = root_of_unity(4)
        return montgomery.to_montgomery([pow(root, reverse_bits(j, 4), P) for j in range(LANES)])

    @cached_property
    def _random_points(self) -> Words:
        """g^N .. g^(n-1), the random rows."""
        points = [self._last]
        for _ in range(self.table.random_rows):
            points.append(points[-1] * self.table.generator % P)
        return montgomery.to_montgomery(points[1:])


@kernel
def _fill(selectors: Words, words: Words, lane_points: Words, random_points: Words) -> None:
    """words: the first point, the step from group to group, 1 / Z and g^(N-1)."""
    one, step = lanes.splat(np.uint32(montgomery.R)), lanes.splat(words[1])
    over_vanishing, last = lanes.splat(words[2]), lanes.splat(words[3])
    x = lanes.mul(lanes.splat(words[0]), lanes.load(lane_points, 0))
    for g in range(selectors.shape[0]):
        active = over_vanishing
        for i in range(random_points.shape[0]):
            active = lanes.mul(active, lanes.sub(x, lanes.splat(random_points[i])))
        position = g * SELECTORS * LANES
        from_last, from_terminal = lanes.sub(x, last), lanes.sub(x, lanes.splat(random_points[0]))
        lanes.store(selectors, position + ACTIVE * LANES, active)
        lanes.store(selectors, position + TRANSITION * LANES, lanes.mul(active, from_last))
        lanes.store(selectors, position + FIRST * LANES, invert_base(lanes.sub(x, one)))
        lanes.store(selectors, position + LAST * LANES, invert_base(from_last))
        lanes.store(selectors, position + TERMINAL * LANES, invert_base(from_terminal))
        x = lanes.mul(x, step)
