"""The checker against galois: on honest, corrupted and arbitrary rows, and with wrong constraints."""

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from circuits.air import Constraint, Message, Table, Where
from circuits.checker import check_buses, check_table
from circuits.expression import Expression
from circuits.solvent import solvent_circuit
from prover.traces.build import build_traces
from tests.batches import every_act, every_kind, every_order, prompt_ledger, run_batch
from tests.oracle.faults import KINDS, Fault, faults
from tests.oracle.fields import Base, BaseArray, P
from tests.oracle.rows import evaluate_rows, failures, imbalances
from tests.oracle.trees import columns_read
from tests.proving import TEST_PARAMETERS

CIRCUIT = solvent_circuit()
NAMES = [table.name for table in CIRCUIT.tables]
MOST_FAULTS = 40  # of a kind and table; the constraints of the tree table are large
MOST_ROOTS = 3  # of a factor
Trace = NDArray[np.uint32]
# The first, the middle and the last of each table.
INTERACTIONS = [
    (table.name, number)
    for table in CIRCUIT.tables
    for count in [len(table.interactions)]
    for number in (0, count // 2, count - 1)
]


class Batch(NamedTuple):
    """The verifier's messages and the active rows of each table, with how many of them are in use."""

    messages: list[Message]
    columns: dict[str, Trace]
    used: dict[str, int]


@pytest.fixture(scope="module")
def batch() -> Batch:
    statement, witness = run_batch(prompt_ledger(), [*every_kind(), *every_order(), *every_act()])
    traces = build_traces(CIRCUIT, witness, TEST_PARAMETERS.random_rows)
    columns = {name: trace.elements() for name, trace in traces.items()}
    return Batch(statement.messages(), columns, {name: trace.used for name, trace in traces.items()})


def checker_agrees(table: Table, columns: Trace, checked: Table | None = None) -> bool:
    """Whether the checker names what the oracle names; it may be given another table to check."""
    return check_table(checked or table, columns.tolist()) == failures(table, columns)


# ------------------------------------------------------------------------------------------------------------- honest


@pytest.mark.parametrize("name", NAMES)
def test_an_honest_trace_breaks_nothing(batch: Batch, name: str) -> None:
    table, columns = CIRCUIT.table(name), batch.columns[name]
    assert failures(table, columns) == []
    assert checker_agrees(table, columns)


def test_an_honest_batch_balances(batch: Batch) -> None:
    assert imbalances(CIRCUIT, batch.columns, batch.messages) == []


@pytest.mark.parametrize(("name", "number"), INTERACTIONS)
def test_a_missing_interaction_is_noticed(batch: Batch, name: str, number: int) -> None:
    table = CIRCUIT.table(name)
    others = [interaction for i, interaction in enumerate(table.interactions) if i != number]
    tables = tuple(replace(t, interactions=others) if t is table else t for t in CIRCUIT.tables)
    counts = evaluate_rows(Base(batch.columns[name])).of(table.interactions[number].multiplicity)
    assert np.any(counts), "the batch has no such message"
    found = imbalances(replace(CIRCUIT, tables=tables), batch.columns, batch.messages)
    assert {imbalance.bus for imbalance in found} == {table.interactions[number].bus.name}


# ---------------------------------------------------------------------------------------------------------- corrupted

CELLS = st.tuples(st.sampled_from(NAMES), st.integers(0, 2**16), st.integers(-3, 2**16), st.booleans())
VALUES = st.one_of(st.integers(0, 3), st.just(P - 1), st.integers(0, P - 1))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, VALUES), min_size=1, max_size=3))
def test_corrupted_batches_fail_alike(batch: Batch, changes: list[tuple[tuple[str, int, int, bool], int]]) -> None:
    columns = {name: trace.copy() for name, trace in batch.columns.items()}
    for (name, column, row, add), value in changes:
        # Mostly rows in use, but also the last three active rows.
        cell = column % len(columns[name]), row % (batch.used[name] + 2) if row >= 0 else row
        columns[name][cell] = (int(columns[name][cell]) * add + value) % P
    for name in sorted({name for (name, *_), _ in changes}):
        assert checker_agrees(CIRCUIT.table(name), columns[name])
    plain = {name: trace.tolist() for name, trace in columns.items()}
    assert check_buses(CIRCUIT, plain, batch.messages) == imbalances(CIRCUIT, columns, batch.messages)


def test_corruption_is_noticed(batch: Batch) -> None:
    columns = dict(batch.columns)
    columns["margin"] = columns["margin"].copy()
    columns["margin"][:, 3] = (columns["margin"][:, 3].astype(np.int64) + 1) % P
    assert {failure.row for failure in failures(CIRCUIT.table("margin"), columns["margin"])} == {2, 3}
    assert imbalances(CIRCUIT, columns, batch.messages)


@pytest.mark.parametrize("name", NAMES)
def test_arbitrary_rows_break_every_constraint_alike(name: str) -> None:
    table, source = CIRCUIT.table(name), np.random.default_rng(1)
    columns = source.integers(0, P, (table.width, 5), dtype=np.uint32)
    found = failures(table, columns)
    assert check_table(table, columns.tolist()) == found
    rows = {Where.ACTIVE: 5, Where.TRANSITION: 4, Where.FIRST: 1, Where.LAST: 1}
    assert len(found) == sum(rows[constraint.where] for constraint in table.constraints)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 2**32), st.sampled_from([2, 3, 5]))
def test_rows_of_small_values_break_constraints_alike(name: str, seed: int, values: int) -> None:
    table = CIRCUIT.table(name)
    columns = np.random.default_rng(seed).integers(0, values, (table.width, 8), dtype=np.uint32)
    assert checker_agrees(table, columns)


# ---------------------------------------------------------------------------------------------------- wrong constraints


def factors(expression: Expression) -> list[Expression]:
    """The expressions whose product it is."""
    if expression.operation != "*":
        return [expression]
    return [factor for operand in expression.operands for factor in factors(operand)]


def roots(table: Table, factor: Expression, source: np.random.Generator) -> BaseArray:
    """Pairs of arbitrary rows, (width, 2 k), on the first of which the factor is 0, as one cell in which it is linear
    makes it; the first pair is arbitrary altogether."""
    cells = np.array(columns_read([factor]))
    columns, rows = cells[:, 0], 2 * np.arange(len(cells)) + cells[:, 1]
    pair = source.integers(0, P, (table.width, 2), dtype=np.uint32)

    def factor_with(values: BaseArray) -> tuple[BaseArray, BaseArray]:
        trace = Base(np.tile(pair, len(cells)))
        trace[columns, rows] = values
        return trace, evaluate_rows(trace).of(factor)[::2]

    (_, at_zero), (_, at_one) = (factor_with(Base(np.full(len(cells), value))) for value in (0, 1))
    slope = at_one - at_zero
    slope[slope == 0] = 1
    trace, value = factor_with(-at_zero / slope)
    found = np.flatnonzero(value == 0)[:MOST_ROOTS]
    return np.concatenate([Base(pair), *(trace[:, 2 * k : 2 * k + 2] for k in found)], axis=1)


def edges(table: Table, constraint: Constraint, source: np.random.Generator) -> Trace:
    """Arbitrary pairs of rows, on the first of most of which a factor of the constraint, and hardly anything else, is
    0."""
    tried = [factor for factor in factors(constraint.expression) if factor.operation != "constant"]
    return np.asarray(np.concatenate([roots(table, factor, source) for factor in tried], axis=1))


@pytest.mark.parametrize("name", NAMES)
def test_rows_that_satisfy_hardly_any_constraint_fail_alike(name: str) -> None:
    table, source = CIRCUIT.table(name), np.random.default_rng(3)
    # The second pair: on its first row the constraint holds.
    trace = np.concatenate([edges(table, constraint, source)[:, 2:4] for constraint in table.constraints], axis=1)
    found = failures(table, trace)
    assert check_table(table, trace.tolist()) == found
    counts = Counter(failure.label for failure in found)
    rows = {Where.ACTIVE: trace.shape[1], Where.TRANSITION: trace.shape[1] - 1}
    assert all(0 < counts[c.label] < rows[c.where] for c in table.constraints if c.where in rows)


def noticed(fault: Fault, source: np.random.Generator) -> bool:
    """Whether the oracle and a checker with the fault disagree on rows where the constraint just holds or just not."""
    right, wrong = (
        replace(fault.table, constraints=[replace(constraint, where=Where.TRANSITION)])
        for constraint in (fault.right, fault.wrong)
    )
    trace = edges(fault.table, fault.right, source)
    assert checker_agrees(right, trace)
    return not checker_agrees(right, trace, wrong)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_checker_with_a_wrong_constraint_is_noticed(name: str, kind: str) -> None:
    source = np.random.default_rng(2)
    found = faults(CIRCUIT.table(name), kind)
    assert found or (name, kind) == ("tree", "rotation")
    chosen = found if len(found) <= MOST_FAULTS else source.choice(np.array(found), MOST_FAULTS, replace=False).tolist()
    missed = [fault.right.label for fault in chosen if not noticed(fault, source)]
    assert missed == []
