"""The checker: silent on valid traces, and naming what is wrong with others."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.air import Message
from circuits.checker import Failure, Imbalance, check, check_table
from circuits.field import P
from tests import small_circuit
from tests.small_circuit import DIGIT, ENDS, Columns

CIRCUIT = small_circuit.circuit()
HEIGHTS = (10, 10, 10)
RANDOM_ROWS = 15
LAST = 1024 - RANDOM_ROWS - 1


def witness(seed: int = 1) -> tuple[small_circuit.Walk, dict[str, Columns]]:
    return small_circuit.witness(HEIGHTS, RANDOM_ROWS, seed)


class IntegerArithmetic:
    """Programs on plain ints."""

    def constant(self, value: int) -> int:
        return value

    def add(self, a: int, b: int) -> int:
        return (a + b) % P

    def sub(self, a: int, b: int) -> int:
        return (a - b) % P

    def mul(self, a: int, b: int) -> int:
        return a * b % P


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32))
def test_valid_traces_have_nothing_to_report(seed: int) -> None:
    statement, columns = witness(seed)
    report = check(CIRCUIT, columns, statement.messages())
    assert report.ok
    assert str(report) == "all constraints hold and all buses balance"


# (table, column, row, what to add, the failures)
MUTATIONS = [
    ("squares", 1, 40, 1, {(40, "square"), (40, "spare is a product")}),
    ("walk", 1, 40, 1, {(39, "value grows by the fourth power"), (40, "value grows by the fourth power")}),
    ("walk", 0, 0, 1, {(0, "clock starts"), (0, "clock ticks")}),
    ("walk", 5, 0, -1, {(0, "starts on the first row")}),
    ("walk", 6, LAST, -1, {(LAST, "ends on the last row")}),
    ("walk", 6, 5, 1, {(5, "ends once")}),
    ("walk", 6, 5, 2, {(5, "ends once"), (5, "ends is boolean")}),
    ("digits", 0, LAST, 1, {(LAST, "digits end")}),
    ("digits", 4, LAST, 1, {(LAST, "spare is a fourth power")}),
]


@pytest.mark.parametrize(("table", "column", "row", "change", "expected"), MUTATIONS)
def test_broken_constraints_are_named(
    table: str, column: int, row: int, change: int, expected: set[tuple[int, str]]
) -> None:
    statement, columns = witness()
    columns[table][column][row] += change
    report = check(CIRCUIT, columns, statement.messages())
    assert set(report.failures) == {Failure(table, failed, label) for failed, label in expected}
    assert all(f"{table}, row {failed}: {label}" in str(report) for failed, label in expected)
    only_this = check(CIRCUIT, columns, statement.messages(), rows={table: [row]})
    assert set(only_this.failures) == {Failure(table, failed, label) for failed, label in expected if failed == row}
    assert not check(CIRCUIT, columns, statement.messages(), rows={}).failures


def test_unbalanced_messages_are_named_with_their_net_multiplicity() -> None:
    statement, columns = witness()
    columns["digits"][1][7] += 2
    columns["digits"][1][9] -= 1
    messages = [*statement.messages(), Message(ENDS, (3, 4), -5), Message(DIGIT, (9,), 0)]
    report = check(CIRCUIT, columns, messages)
    assert not report.failures
    assert report.imbalances == [
        Imbalance("ends", (3, 4), -5),
        Imbalance("digit", (7,), -2),
        Imbalance("digit", (9,), 1),
    ]
    assert "bus digit: (7,) is -2 times on the bus" in str(report)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32))
def test_agrees_with_the_program_on_random_rows(seed: int) -> None:
    source = random.Random(seed)
    for table in CIRCUIT.tables:
        columns = [[source.choice((0, 1, source.randrange(P))) for _ in range(3)] for _ in range(table.width)]
        program = table.program()
        found = set(check_table(table, columns, rows=[1]))
        values = program.run(lambda i, offset, columns=columns: columns[i][1 + offset], IntegerArithmetic())  # type: ignore[misc]
        expected = {
            Failure(table.name, 1, constraint.label)
            for constraint, value in zip(table.constraints, values, strict=True)
            if value and constraint.where in ("active", "transition")
        }
        assert found == expected


def test_columns_must_fit_the_table() -> None:
    statement, columns = witness()
    columns["walk"].pop()
    with pytest.raises(ValueError, match="table walk has 7 columns"):
        check(CIRCUIT, columns, statement.messages())
    with pytest.raises(ValueError, match="table digits has rows 0"):
        check_table(CIRCUIT.table("digits"), columns["digits"], [1024])
