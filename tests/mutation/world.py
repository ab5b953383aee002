"""The batch that mutations start from, and the verdicts of checker, weakened verifier and whole verifier."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np

from circuits.checker import Report, check
from circuits.field import ZERO, Extension
from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from circuits.witness import Witness
from prover import extension
from prover.traces.build import build_traces
from prover.traces.columns import Columns
from state.ledger import Ledger
from state.transitions import Transition
from tests.batches import every_kind, new_ledger, run_batch
from tests.mutation.replay import falsehood
from tests.proving import TEST_PARAMETERS, proof_is_accepted
from verifier import constraints

Traces = dict[str, Columns]


@dataclass
class Forged:
    """Columns and the statement that they are to prove, and the ledger from which they were made."""

    statement: Statement
    traces: Traces
    ledger: Ledger
    old_root: tuple[int, ...]


def ledger_with_history() -> Ledger:
    """A ledger after one batch: three funded accounts with positions in both markets."""
    ledger = new_ledger()
    run_batch(ledger, every_kind())
    return ledger


def honest(transitions: list[Transition] | None = None, ledger: Ledger | None = None, time: int = 100) -> Forged:
    """The columns of an honest batch on that ledger."""
    ledger = ledger or ledger_with_history()
    return traced(ledger, *run_batch(ledger, transitions or [], time))


def traced(ledger: Ledger, statement: Statement, witness: Witness) -> Forged:
    """The columns of a witness, however it came about; `ledger` has just closed the batch."""
    traces = build_traces(solvent_circuit(), witness, TEST_PARAMETERS.random_rows)
    return Forged(statement, traces, ledger, ledger.roots()[-2])


@cache
def first_constraint() -> dict[str, int]:
    """The number of each table's first constraint in the order of docs/protocol.md, A5."""
    numbers, count = {}, 0
    for table in solvent_circuit().tables:
        numbers[table.name] = count
        count += len(table.constraints) + len(table.groups()) + 2
    return numbers


def report_of(forged: Forged) -> Report:
    """What the checker finds. Idle rows beyond the first two are alike and left out."""
    rows = {name: range(min(c.used + 2, c.active)) for name, c in forged.traces.items()}
    columns = {name: c.elements().tolist() for name, c in forged.traces.items()}
    return check(solvent_circuit(), columns, forged.statement.messages(), rows)


@contextmanager
def dropped(table: str, label: str) -> Iterator[None]:
    """Prover and verifier both leave out one constraint: its weight in the composition is 0."""
    position = [c.label for c in solvent_circuit().table(table).constraints].index(label)
    number = first_constraint()[table] + position
    honest_rows, honest_terms = extension.power_rows, constraints.table_terms

    def rows_without(base: Extension, count: int) -> Any:
        rows = honest_rows(base, count)
        rows[number] = 0
        return rows

    def terms_without(shape: Any, *rest: Any) -> list[Extension]:
        terms = honest_terms(shape, *rest)
        if shape.table.name == table:
            terms[position] = ZERO
        return terms

    with patch.object(extension, "power_rows", rows_without), patch.object(constraints, "table_terms", terms_without):
        yield


def is_necessary(table: str, label: str, forged: Forged) -> str | None:
    """None if a false statement passes the verifier once exactly that constraint is dropped; else what is wrong."""
    forged.ledger.rollback(forged.old_root)
    traces = forged.traces
    if falsehood(forged.ledger, forged.statement, traces["execution"], traces["tree"]) is None:
        return "the statement is true"
    report = report_of(forged)
    failing = {(f.table, f.label) for f in report.failures}
    if failing != {(table, label)} or report.imbalances:
        others = sorted(failing - {(table, label)})
        return f"violates also {others[:4]} and {[(i.bus, i.values[:4], i.net) for i in report.imbalances[:3]]}"
    if proof_is_accepted(forged.statement, forged.traces):
        return "the whole verifier accepts it"
    with dropped(table, label):
        if not proof_is_accepted(forged.statement, forged.traces):
            return "the weakened verifier rejects it"
    return None


@dataclass(frozen=True)
class Implied:
    """A constraint that follows from others, which are not implied by it, and is kept for the sake of the argument."""

    reason: str


Forge = Callable[[], Forged]


def rows_where(columns: Columns, **values: int) -> list[int]:
    """The used rows on which these columns have these values."""
    match = np.ones(columns.used, dtype=bool)
    for name, value in values.items():
        match &= columns[name][: columns.used] == value
    return [int(row) for row in np.flatnonzero(match)]
