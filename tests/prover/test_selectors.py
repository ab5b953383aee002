"""The selectors on the quotient domain against their definition in docs/protocol.md, A3, on plain ints."""

from __future__ import annotations

import pytest

from circuits.air import Where
from circuits.field import P, inverse, reverse_bits, root_of_unity
from prover import lanes, montgomery, tiles
from prover.selectors import ORDER, SELECTORS, TERMINAL, QuotientDomain
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


@pytest.mark.parametrize(("number", "block", "first"), [(0, 0, 0), (0, 3, 16), (1, 1, 240), (2, 2, 48)])
def test_selectors(number: int, block: int, first: int) -> None:
    shape = shape_of(small_circuit.circuit(), PARAMETERS, small_circuit.LOG_HEIGHTS)
    table = shape.tables[number]
    domain = shape.domain(table.log_class)
    selectors = lanes.empty((16, SELECTORS, 16))
    QuotientDomain(table, domain.shift).fill(selectors, block, first)
    values = montgomery.from_montgomery(selectors)
    for group in (0, 7, 15):
        row = block * table.height + int(tiles.block_groups(table.log_height)[first + group])
        for lane in (0, 1, 11, 15):
            expected = definition(table, domain.point(row + lane))
            assert {where: int(values[group, i, lane]) for i, where in enumerate(ORDER)} == {
                where: expected[where] for where in ORDER
            }
            assert int(values[group, TERMINAL, lane]) == expected["terminal"]


def test_the_quotient_domain_is_the_start_of_every_evaluation_domain() -> None:
    shape = shape_of(small_circuit.circuit(), PARAMETERS, small_circuit.LOG_HEIGHTS)
    for table in shape.tables:
        domain, root = shape.domain(table.log_class), root_of_unity(table.log_height + 2)
        for row in (0, 1, table.height - 1, table.height, 3 * table.height + 5):
            assert domain.point(row) == domain.shift * pow(root, reverse_bits(row, table.log_height + 2), P) % P
