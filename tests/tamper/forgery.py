"""What a forged batch is: accesses that an operator makes, and the constraint that stops it."""

from collections.abc import Callable
from dataclasses import dataclass

from circuits.checker import check
from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from prover.traces.build import build_traces
from prover.traces.columns import Columns
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.transitions import Transition
from tests.proving import TEST_PARAMETERS, proof_is_accepted
from tests.tamper.forger import Forger

UNDER_MARGIN = "margin: a check fails for a reason"  # the comparison holds although it is to fail, or the reverse


def keep(traces: dict[str, Columns], statement: Statement) -> Statement:
    """Leave the columns as they are."""
    return statement


@dataclass
class Forgery:
    """What is tried: as a transition for the ledger, as accesses for the forger, and what must stop it."""

    name: str
    forge: Callable[[Forger], None]
    stopped_by: str  # a failing constraint "table: label", or "bus NAME"
    transition: Transition | None = None
    rule: Rule | None = None
    omit: tuple[int, ...] = ()
    edit: Callable[[dict[str, Columns], Statement], Statement] = keep
    ledger: Callable[[], Ledger] | None = None
    prepare: tuple[Transition, ...] = ()  # what the ledger applies before the transition


def forge(forgery: Forgery, ledger: Ledger, time: int) -> tuple[Statement, dict[str, Columns]]:
    """The forged statement and columns."""
    forger = Forger(ledger, forgery.omit, time=time)
    forgery.forge(forger)
    statement, witness = forger.close()
    traces = build_traces(solvent_circuit(), witness, TEST_PARAMETERS.random_rows)
    return forgery.edit(traces, statement), traces


def is_stopped(forgery: Forgery, ledger: Ledger, time: int) -> bool:
    """Whether the named constraint fails and no proof verifies."""
    statement, traces = forge(forgery, ledger, time)
    rows = {name: range(min(columns.used + 2, columns.active)) for name, columns in traces.items()}
    columns = {name: c.elements().tolist() for name, c in traces.items()}
    report = check(solvent_circuit(), columns, statement.messages(), rows)
    failing = {f"{f.table}: {f.label}" for f in report.failures} | {f"bus {i.bus}" for i in report.imbalances}
    return forgery.stopped_by in failing and not proof_is_accepted(statement, traces)


def is_refused(forgery: Forgery, ledger: Ledger, time: int) -> bool:
    """Whether the ledger refuses the transition for the rule, and nothing changes."""
    assert forgery.transition is not None
    ledger.begin_batch(time)
    for transition in forgery.prepare:
        ledger.apply(transition)
    before = ledger.records()
    try:
        ledger.apply(forgery.transition)
    except Refusal as refusal:
        return refusal.rule is forgery.rule and ledger.records() == before
    return False
