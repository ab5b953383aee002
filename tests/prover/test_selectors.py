"""The selectors on the quotient domain against their definition in docs/protocol.md, A3, on plain ints."""

from __future__ import annotations

import pytest

from circuits.air import Where
from circuits.field import P, inverse, reverse_bits, root_of_unity
from prover import tiles
from prover.selectors import ORDER, TERMINAL, selectors_over_vanishing
from tests import small_circuit
from verifier.params import Parameters
from verifier.shape import TableShape, shape_of

PARAMETERS = Parameters("test", log_blowup=2, queries=3, grinding_bits=(0, 0, 0, 0, 0))


def definition(table: TableShape, x: int) -> dict[object, int]:
    """selector / Z at a base point outside the trace domain."""
    g, n, active = table.generator, table.height, table.active_rows
    z, v = pow(x, n, P) - 1, 1
    for i in range(active, n):
        v = v * (x - pow(g, i, P)) % P
    on_one_row = {Where.FIRST: 0, Where.LAST: active - 1, "terminal": active}
    values: dict[object, int] = {where: inverse(x - pow(g, row, P)) for where, row in on_one_row.items()}
    values[Where.ACTIVE] = v * inverse(z) % P
    values[Where.TRANSITION] = v * (x - pow(g, active - 1, P)) * inverse(z) % P
    return values


@pytest.mark.parametrize("number", [0, 1, 2])
def test_selectors(number: int) -> None:
    shape = shape_of(small_circuit.circuit(), PARAMETERS, small_circuit.LOG_HEIGHTS)
    table = shape.tables[number]
    domain = shape.domain(table.log_class)
    values = tiles.to_columns(selectors_over_vanishing(table, domain.shift), 16)
    assert values.shape == (16, 4 * table.height)
    assert not values[TERMINAL + 1 :].any()
    for row in (0, 1, 2, 77, table.height - 1, table.height, 2 * table.height + 5, 4 * table.height - 1):
        expected = definition(table, domain.point(row))
        assert {where: int(values[i, row]) for i, where in enumerate((*ORDER, "terminal"))} == expected


def test_the_quotient_domain_is_the_start_of_every_evaluation_domain() -> None:
    shape = shape_of(small_circuit.circuit(), PARAMETERS, small_circuit.LOG_HEIGHTS)
    for table in shape.tables:
        domain, root = shape.domain(table.log_class), root_of_unity(table.log_height + 2)
        for row in (0, 1, table.height - 1, table.height, 3 * table.height + 5):
            assert domain.point(row) == domain.shift * pow(root, reverse_bits(row, table.log_height + 2), P) % P
