"""Columns, constraints and LogUp at points of the extension field, by the definitions of docs/protocol.md, A3 to A5."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import mul

import numpy as np

from circuits.air import Interaction, Table, Where
from tests.oracle.fields import (
    DEGREE,
    Base,
    BaseArray,
    Quintic,
    QuinticArray,
    X,
    coordinates,
    elements,
    embedded,
    subgroup,
)
from tests.oracle.trees import Evaluation

GROUP = 3  # interactions in a LogUp column


def columns_at(columns: BaseArray, point: QuinticArray) -> QuinticArray:
    """The polynomials that take the columns' values on the subgroup, at a point outside it: (w, n) to (w,).

    The barycentric formula: f(y) = (y^n - 1) / n * sum over i of f(g^i) g^i / (y - g^i).
    """
    order = columns.shape[1]
    weights = _inverse_differences(point, order) * subgroup(order)
    sums = [np.add.reduce(columns * weight, axis=1) for weight in weights]
    return elements(sums) * (point**order - Quintic(1)) / Quintic(order)


def _inverse_differences(point: QuinticArray, order: int) -> BaseArray:
    """The coordinates of 1 / (point - node) for all nodes of the subgroup: (5, order).

    Inverses are slow in the extension, so: the point's minimal polynomial m is (X - point) q(X), hence 1 / (point -
    node) is -q(node) / m(node), with q from synthetic division.
    """
    nodes, minimal = subgroup(order), point.minimal_poly().coeffs  # highest first
    quotient, quotient_at, minimal_at = Quintic(0), Base.Zeros((DEGREE, order)), Base.Zeros(order)
    for coefficient in minimal[:-1]:
        quotient = quotient * point + Quintic(int(coefficient))
        quotient_at = quotient_at * nodes + Base(coordinates(quotient))[:, np.newaxis]
    for coefficient in minimal:
        minimal_at = minimal_at * nodes + coefficient
    return -quotient_at / minimal_at


def combined(base_columns: QuinticArray) -> QuinticArray:
    """Extension columns from their coordinate columns, each five side by side: (5 k, ...) to (k, ...)."""
    parts = base_columns.reshape(-1, DEGREE, *base_columns.shape[1:])
    return reduce(np.add, (parts[:, j] * Quintic(X) ** j for j in range(DEGREE)))


@dataclass(frozen=True)
class Committed:
    """What is committed of one table, random rows included: main (width, n) and auxiliary (5 k, n)."""

    table: Table
    random_rows: int
    main: BaseArray
    auxiliary: BaseArray

    @property
    def height(self) -> int:
        """n; the active rows are those before the last random_rows."""
        return int(self.main.shape[1])


@dataclass(frozen=True)
class Challenges:
    """beta and gamma of A4 and the table's published terminal."""

    beta: QuinticArray
    gamma: QuinticArray
    terminal: QuinticArray


class Point:
    """One table at one point y outside its rows: columns there and at the next point, selectors, constraints."""

    def __init__(self, committed: Committed, y: QuinticArray) -> None:
        self.y, self.table = y, committed.table
        self._nodes = embedded(subgroup(committed.height))
        self._committed = committed
        following = y * self._nodes[1]
        self.main, self.next_main = (columns_at(committed.main, point) for point in (y, following))
        self.auxiliary = combined(columns_at(committed.auxiliary, y))
        self.next_sum = combined(columns_at(committed.auxiliary[-DEGREE:], following))[0]
        self._own = Evaluation(Quintic, lambda index, offset: (self.next_main if offset else self.main)[index])

    @cached_property
    def vanishing(self) -> QuinticArray:
        """Z(y) = y^n - 1."""
        return self.y**self._committed.height - Quintic(1)

    @cached_property
    def selectors(self) -> dict[Where, QuinticArray]:
        """The selectors at y."""
        active, n = self._active, self._committed.height
        others = reduce(mul, (self.y - self._nodes[i] for i in range(active, n)))
        return {
            Where.ACTIVE: others,
            Where.TRANSITION: others * (self.y - self._nodes[active - 1]),
            Where.FIRST: self._only(0),
            Where.LAST: self._only(active - 1),
        }

    @property
    def _active(self) -> int:
        return self._committed.height - self._committed.random_rows

    def _only(self, row: int) -> QuinticArray:
        """The selector of a single row."""
        return self.vanishing / (self.y - self._nodes[row])

    def constraint_terms(self, table: Table) -> list[QuinticArray]:
        """selector * C of every constraint. table: this one, or another over the same columns."""
        return [self.selectors[c.where] * self._own.of(c.expression) for c in table.constraints]

    def logup_terms(self, table: Table, challenges: Challenges) -> list[QuinticArray]:
        """selector * C of A4.1 to A4.4. table: this one, or another over the same columns."""
        *partial, running_sum = self.auxiliary
        increment = self.next_sum - running_sum - reduce(np.add, partial, Quintic(0))
        starts = range(0, len(table.interactions), GROUP)
        terms = []
        for start, fraction in zip(starts, (*partial, increment), strict=True):
            numerator, denominator = self._fraction(table.interactions[start : start + GROUP], challenges)
            terms.append(self.selectors[Where.ACTIVE] * (fraction * denominator - numerator))
        mask = combined(self.main[:DEGREE])[0]
        ends = running_sum + mask - challenges.terminal
        return [*terms, self.selectors[Where.FIRST] * running_sum, self._only(self._active) * ends]

    def _fraction(self, group: Sequence[Interaction], challenges: Challenges) -> tuple[QuinticArray, QuinticArray]:
        """M and D of a group."""
        denominators = [self._denominator(interaction, challenges) for interaction in group]
        products = [
            reduce(mul, denominators[:i] + denominators[i + 1 :], self._own.of(interaction.multiplicity))
            for i, interaction in enumerate(group)
        ]
        return reduce(np.add, products), reduce(mul, denominators)

    def _denominator(self, interaction: Interaction, challenges: Challenges) -> QuinticArray:
        values = [self._own.of(value) for value in interaction.values]
        terms = [challenges.gamma ** (j + 1) * value for j, value in enumerate(values)]
        return reduce(np.add, terms, challenges.beta + Quintic(interaction.bus.number))

    def composition(self, table: Table, weights: Sequence[QuinticArray], challenges: Challenges) -> QuinticArray:
        """The table's share of Q(y): the sum of weight * selector * C / Z. table: as for constraint_terms."""
        terms = self.constraint_terms(table) + self.logup_terms(table, challenges)
        total = reduce(np.add, (weight * term for weight, term in zip(weights, terms, strict=True)))
        return total / self.vanishing


def powers(base: QuinticArray, count: int) -> list[QuinticArray]:
    """1, base, base^2, ...: `count` of them."""
    found = [Quintic(1)]
    for _ in range(count - 1):
        found.append(found[-1] * base)
    return found
