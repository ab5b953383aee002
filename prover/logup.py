"""LogUp on lanes, driven by tables: fingerprints, the auxiliary columns, and their constraints (docs/protocol.md, A4).

Unrolled, a circuit's fingerprints would be tens of thousands of operations; they are all sums of coefficient * column,
so one kernel runs them from a list of terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from circuits.air import Interaction, Table
from circuits.expression import affine
from circuits.field import EXTENSION_DEGREE, ZERO, Extension, P, add, embed, mul, scale
from prover import extension, lanes, montgomery, parallel
from prover.errors import VanishingDenominator
from prover.lanes import LANES, Words, kernel
from prover.selectors import ACTIVE, FIRST, TERMINAL
from prover.tiles import Indices, gather, scatter, tile_count
from verifier.shape import TableShape

_STRIP = 8  # groups of 16 rows that share one inversion
_ELEMENT = EXTENSION_DEGREE * LANES  # words of 16 extension elements
Weight = TypeVar("Weight")


class Interactions(NamedTuple):
    """The interactions of a table as lists of terms, all in Montgomery form.

    The denominator of interaction i is constants[i] + the sum of weights[k] * column columns[k] over starts[i] <= k <
    starts[i + 1], an extension element; its multiplicity is the same of the `count` arrays, a base element. LogUp group
    k holds the interactions groups[k] .. groups[k + 1] - 1.
    """

    groups: Indices
    constants: Words  # (interactions, 5)
    starts: Indices
    columns: Indices
    weights: Words  # (terms, 5)
    count_constants: Words  # (interactions,)
    count_starts: Indices
    count_columns: Indices
    count_weights: Words  # (terms,)


def interactions_of(table: Table, beta: Extension, gamma: Extension) -> Interactions:
    """The interactions of a table under the lookup challenges."""
    denominators = [_denominator(interaction, beta, gamma) for interaction in table.interactions]
    counts = [affine(interaction.multiplicity) for interaction in table.interactions]
    starts, columns, weights = _terms([sorted(coefficients.items()) for _, coefficients in denominators])
    count_starts, count_columns, count_weights = _terms([count.terms for count in counts])
    return Interactions(
        groups=np.cumsum([0, *(len(group) for group in table.groups())]),
        constants=extension.rows(constant for constant, _ in denominators),
        starts=starts,
        columns=columns,
        weights=extension.rows(weights),
        count_constants=montgomery.to_montgomery([count.constant for count in counts]),
        count_starts=count_starts,
        count_columns=count_columns,
        count_weights=montgomery.to_montgomery(count_weights),
    )


def _denominator(interaction: Interaction, beta: Extension, gamma: Extension) -> tuple[Extension, dict[int, Extension]]:
    """beta + bus number + sum of gamma^j v_j, as its constant and its coefficient of each column."""
    constant, coefficients, power = add(beta, embed(interaction.bus.number)), dict[int, Extension](), gamma
    for form in interaction.affine_values():
        constant = add(constant, scale(power, form.constant))
        for column, coefficient in form.terms:
            coefficients[column] = add(coefficients.get(column, ZERO), scale(power, coefficient))
        power = mul(power, gamma)
    return constant, coefficients


def _terms(sums: Sequence[Sequence[tuple[int, Weight]]]) -> tuple[Indices, Indices, list[Weight]]:
    """Where the terms of each sum start, and the columns and weights of all terms."""
    flat = [term for terms in sums for term in terms]
    starts = np.cumsum([0, *(len(terms) for terms in sums)])
    return starts, np.array([column for column, _ in flat], dtype=np.int64), [weight for _, weight in flat]


# ----------------------------------------------------------------------------------------------------------- kernels


@kernel
def _denominator_at(frame, base, table, i):  # type: ignore[no-untyped-def]
    """The denominator of interaction i in the 16 rows of the group at flat position `base` of a frame."""
    sums, k, stop = extension.no_sums(), table.starts[i], table.starts[i + 1]
    while k + 1 < stop:
        sums = extension.accumulate2(
            sums,
            lanes.load(frame, base + table.columns[k] * LANES),
            extension.splat(table.weights, EXTENSION_DEGREE * k, 1),
            lanes.load(frame, base + table.columns[k + 1] * LANES),
            extension.splat(table.weights, EXTENSION_DEGREE * (k + 1), 1),
        )
        k += 2
    if k < stop:
        column = lanes.load(frame, base + table.columns[k] * LANES)
        sums = extension.accumulate(sums, column, extension.splat(table.weights, EXTENSION_DEGREE * k, 1))
    return extension.add(extension.reduce(sums), extension.splat(table.constants, EXTENSION_DEGREE * i, 1))


@kernel
def _count_at(frame, base, table, i):  # type: ignore[no-untyped-def]
    """The multiplicity of interaction i in 16 rows."""
    count = lanes.splat(table.count_constants[i])
    for k in range(table.count_starts[i], table.count_starts[i + 1]):
        column = lanes.load(frame, base + table.count_columns[k] * LANES)
        count = lanes.add(count, lanes.mul(column, lanes.splat(table.count_weights[k])))
    return count


@kernel
def _fraction_at(frame, base, table, group):  # type: ignore[no-untyped-def]
    """M and D of a group in 16 rows: the sum of its multiplicity / denominator is M / D."""
    first, stop = table.groups[group], table.groups[group + 1]
    denominator = _denominator_at(frame, base, table, first)
    numerator = extension.embed(_count_at(frame, base, table, first))
    for i in range(first + 1, stop):
        d, m = _denominator_at(frame, base, table, i), _count_at(frame, base, table, i)
        numerator = extension.add(extension.mul(numerator, d), extension.scale(denominator, m))
        denominator = extension.mul(denominator, d)
    return numerator, denominator


@kernel
def _add_constraints(totals, frame, offset, table, weights, terminal, selectors):  # type: ignore[no-untyped-def]
    """totals += the LogUp constraints, each times its weight and selector. The auxiliary columns start at `offset`."""
    count, columns = table.groups.shape[0] - 1, frame.shape[1]
    running_sum = (offset + EXTENSION_DEGREE * (count - 1)) * LANES
    for g in range(totals.shape[0]):
        base = g * columns * LANES
        s = extension.load(frame, base + running_sum, LANES)
        value = extension.sub(extension.load(frame, base + columns * LANES + running_sum, LANES), s)
        active = extension.zero()
        for k in range(count):
            own = value
            if k < count - 1:
                own = extension.load(frame, base + (offset + EXTENSION_DEGREE * k) * LANES, LANES)
                value = extension.sub(value, own)
            numerator, denominator = _fraction_at(frame, base, table, k)
            constraint = extension.sub(extension.mul(own, denominator), numerator)
            weight = extension.splat(weights, EXTENSION_DEGREE * k, 1)
            active = extension.add(active, extension.mul(constraint, weight))
        mask = extension.load(frame, base, LANES)
        ends = extension.sub(extension.add(s, mask), extension.splat(terminal, 0, 1))
        first_weight = extension.splat(weights, EXTENSION_DEGREE * count, 1)
        end_weight = extension.splat(weights, EXTENSION_DEGREE * (count + 1), 1)
        position = g * LANES * LANES
        on_active = lanes.load(selectors, position + ACTIVE * LANES)
        on_first = lanes.load(selectors, position + FIRST * LANES)
        on_terminal = lanes.load(selectors, position + TERMINAL * LANES)
        total = extension.add(extension.load(totals, position, LANES), extension.scale(active, on_active))
        total = extension.add(total, extension.scale(extension.mul(s, first_weight), on_first))
        total = extension.add(total, extension.scale(extension.mul(ends, end_weight), on_terminal))
        extension.store(totals, position, LANES, total)


@kernel
def _fill_fractions(frame, table, work, out, product):  # type: ignore[no-untyped-def]
    """out[g] = the fraction of each group but the last, then that of ALL groups, 5 columns each; one inversion in all.

    work: the denominators and their running products, uint32 (2, groups of rows, LogUp groups, 5, 16).
    product: uint32 (5, 16), the product of all denominators, for the caller to see whether it is 0.
    """
    count, rows = table.groups.shape[0] - 1, frame.shape[0]
    prefixes = rows * count * _ELEMENT
    running = extension.embed(lanes.splat(np.uint32(montgomery.R)))
    for g in range(rows):
        for k in range(count):
            numerator, denominator = _fraction_at(frame, g * frame.shape[1] * LANES, table, k)
            at = (g * count + k) * _ELEMENT
            extension.store(out, g * out.shape[1] * LANES + k * _ELEMENT, LANES, numerator)
            extension.store(work, at, LANES, denominator)
            extension.store(work, prefixes + at, LANES, running)
            running = extension.mul(running, denominator)
    extension.store(product, 0, LANES, running)
    inverse = extension.invert(running)
    for g in range(rows - 1, -1, -1):
        row, total = g * out.shape[1] * LANES, extension.zero()
        for k in range(count - 1, -1, -1):
            at = (g * count + k) * _ELEMENT
            own = extension.mul(inverse, extension.load(work, prefixes + at, LANES))
            fraction = extension.mul(extension.load(out, row + k * _ELEMENT, LANES), own)
            extension.store(out, row + k * _ELEMENT, LANES, fraction)
            total = extension.add(total, fraction)
            inverse = extension.mul(inverse, extension.load(work, at, LANES))
        extension.store(out, row + (count - 1) * _ELEMENT, LANES, total)


# -------------------------------------------------------------------------------------------------------------- use


def auxiliary_columns(shape: TableShape, main: Words, interactions: Interactions) -> tuple[Words, Extension]:
    """The auxiliary columns as tiles (T, n, 16), and the total of the running sum, which row N holds.

    main: tiles (T, n, 16). The rows from N on, but for the running sum at N, mean nothing and are to be randomised.
    Raises VanishingDenominator.
    """
    width, rows = EXTENSION_DEGREE * shape.table.auxiliary_width, main.shape[1]
    result = lanes.empty((tile_count(width), rows, LANES))
    parallel.run_ranges(_fraction_job(shape, main, interactions, result), rows // LANES, _STRIP)
    total = _accumulate(result, width - EXTENSION_DEGREE, shape.active_rows)
    return result, total


def _fraction_job(
    shape: TableShape, main: Words, interactions: Interactions, result: Words
) -> Callable[[int, int], None]:
    """The job that fills groups start .. stop - 1 of the result, the last column with the fraction of all groups."""

    def job(start: int, stop: int) -> None:
        frame = lanes.empty((_STRIP, main.shape[0] * LANES, LANES))
        out = lanes.empty((_STRIP, result.shape[0] * LANES, LANES))
        out[:] = 0
        work = lanes.empty((2, _STRIP, shape.table.auxiliary_width, EXTENSION_DEGREE, LANES))
        product = lanes.empty((EXTENSION_DEGREE, LANES))
        for group in range(start, stop, _STRIP):
            first_rows = np.arange(group, group + _STRIP) * LANES
            gather(main, first_rows, frame, 0)
            _fill_fractions(frame, interactions, work, out, product)
            if not product.any(axis=0).all():
                raise VanishingDenominator(shape.table.name)
            scatter(out, first_rows, result)

    return job


def _accumulate(tiles: Words, first_column: int, active_rows: int) -> Extension:
    """Replace the fractions of the rows 0 .. N-1 in five columns by their running sum, which starts at 0; the total."""
    total = []
    for column in range(first_column, first_column + EXTENSION_DEGREE):
        values = tiles[column // LANES, :, column % LANES]
        sums = np.cumsum(values[:active_rows], dtype=np.uint64) % P
        values[0] = 0
        values[1 : active_rows + 1] = sums
        total.append(sums[-1])
    return extension.elements(np.array(total, dtype=np.uint32).reshape(-1, 1))[0]


def add_constraints(
    totals: Words, frame: Words, interactions: Interactions, weights: Words, terminal: Words, selectors: Words
) -> None:
    """totals += the sum of A4.1 to A4.4, each times its weight and the selector of its rows.

    Arrays as in ConstraintKernel.add_to; weights: (LogUp groups + 2, 5); terminal: (5,). The auxiliary columns fill the
    last tiles of the frame.
    """
    width = EXTENSION_DEGREE * (len(interactions.groups) - 1)
    offset = frame.shape[1] - tile_count(width) * LANES
    _add_constraints(totals, frame, offset, interactions, weights, terminal, selectors)
