"""For every labelled constraint a change of one cell that the checker reports under that very label."""

from collections.abc import Iterator
from copy import copy
from functools import cache
from itertools import product

from circuits.air import Constraint, Table, Where
from circuits.checker import Failure, check_table
from circuits.expression import Program, compile_program
from circuits.field import P
from circuits.solvent import solvent_circuit
from state.transitions.cancel import Cancel
from state.transitions.order import Order, Policy
from tests.batches import (
    ALICE,
    BTC_PERP,
    CAROL,
    HOUR,
    LATE,
    every_act,
    every_funding,
    every_kind,
    every_liquidation,
    every_loss,
    every_rescue,
    every_settlement,
    prompt_ledger,
)
from tests.mutation.world import traced

CHANGES = (1, 3)  # 3 takes a carry of 0, 1 or 2 out of range
Cells = list[list[int]]  # by column, then row
PRICE = 6_180_000
# Alice, who is long, has a bid that only reduces, which Carol's order removes; Carol's rests, and another one of hers
# meets nothing; and Alice has a bid that rests.
BOOK = [
    Order(ALICE, BTC_PERP, True, PRICE, 3, LATE, reduce_only=True),
    Order(CAROL, BTC_PERP, False, PRICE, 3, LATE),
    Order(CAROL, BTC_PERP, False, PRICE, 3, LATE, Policy.IMMEDIATE_OR_CANCEL),
    Order(ALICE, BTC_PERP, True, 100, 3, LATE),
]


class ModularArithmetic:
    """Runs programs on plain integers mod P."""

    @staticmethod
    def constant(value: int) -> int:
        return value

    @staticmethod
    def add(a: int, b: int) -> int:
        return (a + b) % P

    @staticmethod
    def sub(a: int, b: int) -> int:
        return (a - b) % P

    @staticmethod
    def mul(a: int, b: int) -> int:
        return a * b % P


BATCHES = (
    ((*every_kind(), *every_act(), *every_funding(), *BOOK), (*every_rescue(), *every_loss()), HOUR),
    ((*every_kind(), *every_act(), *BOOK), (*every_settlement(), *every_liquidation()), 60),
)  # every kind of transition occurs in one or the other; between their parts Alice cancels her order


@cache
def honest_cells(table: str, batch: int) -> tuple[Cells, int]:
    """The columns of a batch, and how many rows are used; idle ones follow."""
    ledger, (first, second, time) = prompt_ledger(), BATCHES[batch]
    ledger.begin_batch(time)
    for transition in first:
        ledger.apply(transition)
    ledger.apply(Cancel(ALICE, *ledger.book.orders_of(ALICE)))
    for transition in second:
        ledger.apply(transition)
    columns = traced(ledger, *ledger.close_batch()).traces[table]
    return columns.elements().tolist(), columns.used


def killing(table: str, label: str) -> Failure | None:
    """What the checker reports of the constraint once one cell is changed; None if no change of one cell breaks it."""
    whole = solvent_circuit().table(table)
    constraint = next(c for c in whole.constraints if c.label == label)
    for batch in range(len(BATCHES)):
        cells, used = honest_cells(table, batch)
        for column, row, value, at in breaking(constraint, cells, used):
            changed = copy(cells)
            changed[column] = [*cells[column][:row], value, *cells[column][row + 1 :]]
            return next(iter(check_table(only(whole, constraint), changed, [at])), None)
    return None


def only(table: Table, constraint: Constraint) -> Table:
    """The table with no other constraint."""
    reduced = Table(table.name, column_names=table.column_names)
    reduced.constraints = [constraint]
    return reduced


def breaking(constraint: Constraint, cells: Cells, used: int) -> Iterator[tuple[int, int, int, int]]:
    """Column, row and new value of cells that break the constraint, and the row on which it then fails."""
    program, height = compile_program([constraint.expression]), len(cells[0])
    rows = {Where.FIRST: range(1), Where.LAST: range(height - 1, height)}.get(constraint.where, range(used + 1))
    for at, (column, offset), change in product(rows, program.inputs, CHANGES):
        value = (cells[column][at + offset] + change) % P
        if evaluate(program, cells, at, {(column, offset): value}) % P:
            yield column, at + offset, value, at


def evaluate(program: Program, cells: Cells, at: int, changed: dict[tuple[int, int], int]) -> int:
    """The value of the program's expression on a row, some of whose inputs are changed."""

    def read(column: int, offset: int) -> int:
        return changed.get((column, offset), cells[column][at + offset])

    return program.run(read, ModularArithmetic())[0]
