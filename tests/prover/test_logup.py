"""LogUp columns and constraints on lanes against their definition on plain ints (docs/protocol.md, A4)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import field
from circuits.air import Bus, Interaction, Table
from circuits.bounded import unsound_bounded
from circuits.expression import Expression
from circuits.field import Extension, P
from prover import extension, lanes, logup, montgomery, tiles
from prover.errors import VanishingDenominator
from prover.selectors import ACTIVE, FIRST, TERMINAL
from verifier.params import Parameters
from verifier.shape import TableShape

PARAMETERS = Parameters("test", log_blowup=2, queries=10, grinding_bits=(0, 0, 0, 0, 0))
LONG, SHORT = Bus("long", 3, 4), Bus("short", P - 1, 1)
LOG_HEIGHT = 10


def table_with(interactions: int) -> Table:
    """Interactions with constants, repeated columns, no columns at all, and all sorts of multiplicities."""
    table = Table(f"{interactions} interactions")
    a, b, c, d, e, f = table.columns("c", 6)
    free = unsound_bounded(a - b + 1, 0, P - 1, "only a test")
    choices: list[tuple[Bus, list[Expression | int], object, int]] = [
        (LONG, [a, b + 1, 2 * a - c, 7], 1, 1),
        (SHORT, [5], unsound_bounded(f, 0, P - 1, "only a test"), -1),
        (LONG, [d, d, d, d - a], free, 1),
        (SHORT, [e - e + b], free, -1),
        (LONG, [1, 2, 3, 4 * f], 3, -1),
    ]
    for i in range(interactions):
        bus, values, multiplicity, sign = choices[i % len(choices)]
        interact = table.send if sign > 0 else table.receive
        interact(bus, f"interaction {i}", values, multiplicity)  # type: ignore[arg-type]
    return table


def shape_of_table(table: Table) -> TableShape:
    return TableShape(0, table, table.program(), LOG_HEIGHT, LOG_HEIGHT, PARAMETERS.random_rows, 0)


def fraction(interactions: list[Interaction], row: list[int], beta: Extension, gamma: Extension) -> Extension:
    """The sum of multiplicity / denominator, one division each."""

    def read(expression: Expression) -> int:
        if expression.operation in ("constant", "column"):
            return expression.value if expression.operation == "constant" else row[expression.index]
        left, right = read(expression.left), read(expression.right)
        return {"+": left + right, "-": left - right, "*": left * right}[expression.operation] % P

    total = field.ZERO
    for interaction in interactions:
        denominator = field.add(beta, field.embed(interaction.bus.number))
        for j, value in enumerate(interaction.values):
            denominator = field.add(denominator, field.scale(field.power(gamma, j + 1), read(value)))
        total = field.add(total, field.scale(field.invert(denominator), read(interaction.multiplicity)))
    return total


def random_elements(seed: int, count: int) -> list[Extension]:
    return extension.elements(np.random.default_rng(seed).integers(0, P, (5, count), dtype=np.uint32))


def auxiliary_values(columns: lanes.Words, width: int) -> list[list[Extension]]:
    """The extension columns of tiles."""
    plain = tiles.to_columns(columns, 5 * width).astype(object)
    return [list(zip(*plain[5 * k : 5 * k + 5].tolist(), strict=True)) for k in range(width)]


@pytest.mark.parametrize("interactions", [1, 2, 3, 4, 11])
def test_auxiliary_columns(interactions: int) -> None:
    table = table_with(interactions)
    shape, (beta, gamma) = shape_of_table(table), random_elements(interactions, 2)
    rows = np.random.default_rng(5).integers(0, P, (table.width, shape.height), dtype=np.uint32)
    main = tiles.from_columns(rows, shape.height)
    result, total = logup.auxiliary_columns(shape, main, logup.interactions_of(table, beta, gamma))
    assert result.shape == (tiles.tile_count(5 * table.auxiliary_width), shape.height, 16)
    assert not result[-1, :, (5 * table.auxiliary_width - 1) % 16 + 1 :].any()
    *partial, running_sum = auxiliary_values(result, table.auxiliary_width)
    expected_sum = field.ZERO
    for row in range(shape.active_rows):
        values = [int(value) for value in rows[:, row]]
        assert running_sum[row] == expected_sum
        for group, column in zip(table.groups(), partial, strict=False):
            if row % 61 == 0:
                assert column[row] == fraction(group, values, beta, gamma)
        expected_sum = field.add(expected_sum, fraction(table.interactions, values, beta, gamma))
    assert running_sum[shape.active_rows] == total == expected_sum


def test_a_vanishing_denominator_is_an_error() -> None:
    table = table_with(2)
    beta, gamma = random_elements(1, 2)
    beta = field.sub(field.neg(field.embed(SHORT.number)), field.scale(gamma, 5))
    main = tiles.from_columns(np.zeros((6, 1 << LOG_HEIGHT), np.uint32), 1 << LOG_HEIGHT)
    with pytest.raises(VanishingDenominator, match="2 interactions"):
        logup.auxiliary_columns(shape_of_table(table), main, logup.interactions_of(table, beta, gamma))


@settings(deadline=None, max_examples=6)
@given(st.sampled_from([1, 2, 3, 4, 11]), st.integers(0, 2**32))
def test_constraints(interactions: int, seed: int) -> None:
    table, groups, source = table_with(interactions), 2, np.random.default_rng(seed)
    width = table.auxiliary_width
    beta, gamma, terminal, *weights = random_elements(seed, 3 + width + 2)
    frame = source.integers(0, P, (groups + 1, 16 + 16 * tiles.tile_count(5 * width), 16), dtype=np.uint32)
    selectors = source.integers(0, P, (groups, 16, 16), dtype=np.uint32)
    totals = source.integers(0, P, (groups, 16, 16), dtype=np.uint32)
    before = totals.copy()
    arguments = logup.interactions_of(table, beta, gamma), extension.rows(weights), extension.words(terminal)
    logup.add_constraints(totals, frame, *arguments, selectors)
    plain = montgomery.from_montgomery(frame)

    def read(group: int, lane: int, k: int) -> Extension:
        a, b, c, d, e = (int(value) for value in plain[group, 16 + 5 * k : 21 + 5 * k, lane])
        return (a, b, c, d, e)

    for group, lane in [(0, 0), (0, 13), (1, 15)]:
        row = [int(value) for value in plain[group, : table.width, lane]]
        columns, s = [read(group, lane, k) for k in range(width - 1)], read(group, lane, width - 1)
        increment = field.sub(read(group + 1, lane, width - 1), s)
        for column in columns:
            increment = field.sub(increment, column)
        on = {i: int(montgomery.from_montgomery(selectors)[group, i, lane]) for i in (ACTIVE, FIRST, TERMINAL)}
        expected = extension.elements(before[group, :5, lane].reshape(5, 1))[0]
        for k, (own, column) in enumerate(zip(table.groups(), [*columns, increment], strict=True)):
            # a D - M = (a - M / D) D
            value = field.sub(column, fraction(own, row, beta, gamma))
            for interaction in own:
                denominator = field.invert(fraction([unit(interaction)], row, beta, gamma))
                value = field.mul(value, denominator)
            expected = field.add(expected, field.scale(field.mul(value, weights[k]), on[ACTIVE]))
        end = field.sub(field.add(s, (row[0], row[1], row[2], row[3], row[4])), terminal)
        expected = field.add(expected, field.scale(field.mul(s, weights[width]), on[FIRST]))
        expected = field.add(expected, field.scale(field.mul(end, weights[width + 1]), on[TERMINAL]))
        assert extension.elements(totals[group, :5, lane].reshape(5, 1))[0] == expected
    assert (totals[:, 5:] == before[:, 5:]).all()


def unit(interaction: Interaction) -> Interaction:
    """The same message once: its fraction is 1 / denominator."""
    table = Table("unit")
    table.send(interaction.bus, "once", interaction.values)
    return table.interactions[0]
