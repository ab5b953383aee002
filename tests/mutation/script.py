"""Scripts of forged batches: an operator's accesses, bent by hooks, become columns, which are then edited."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

from circuits.bounds import AMOUNT_BITS, BIAS
from circuits.field import P
from circuits.records import EMPTY, ORDER_NEXT, Record, Tag, from_limbs, limbs
from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from circuits.steps import STEPS, Kind, Step
from circuits.witness import Witness
from prover.traces import build
from prover.traces.build import range_columns
from prover.traces.columns import Integers
from prover.traces.execution import ExecutionTrace
from state import ledger as ledger_module
from state.ledger import Ledger
from state.memory import Mark, Memory
from state.transitions import Transition
from state.transitions.close import closing as honest_closing
from state.venue import Venue
from tests.mutation.stage import staged
from tests.mutation.world import Forged, Traces, traced
from tests.proving import TEST_PARAMETERS
from tests.tamper.forger import Forger

SKIPPED = -1  # the row of an access that a hook left out
AMOUNTS = (Tag.VAULT, Tag.TOTAL, Tag.BALANCE)


class BentMemory(Memory):
    """A batch's memory whose accesses pass through hooks: by step, or by step and its number in the batch, from 0.

    slots: the execution row of each access in the order in which transitions made them, SKIPPED ones included.
    """

    def __init__(self, ledger: Ledger, hooks: "Hooks", time: int) -> None:
        super().__init__(ledger.venue, ledger.store, ledger.queue, time)
        self.hooks, self.slots, self._seen = hooks, list[int](), Counter[Step]()
        self._marked: dict[Mark, int] = {}

    def look(self, step: Step, index: int) -> Record:
        record = self.read(index)
        self.replace(step, index, record, record)
        return record

    def replace(self, step: Step, index: int, old: Record, new: Record) -> int:
        hook = self.hooks.get(step) or self.hooks.get((step, self._seen[step]))
        self._seen[step] += 1
        row = hook(self, step, index, tuple(old), tuple(new)) if hook else self.access(step, index, tuple(new))
        self.slots.append(row)
        return row

    def access(self, step: Step, index: int, new: Record) -> int:
        """The access itself, onto whatever stands there; returns its row."""
        return super().replace(step, index, self.read(index), new)

    def visit(self, row: int, account: int, instrument: int, balance: Any, market: Any) -> None:
        if row != SKIPPED:
            super().visit(row, account, instrument, balance, market)

    def mark(self) -> Mark:
        mark = super().mark()
        self._marked[mark] = len(self.slots)
        return mark

    def undo(self, mark: Mark) -> None:
        super().undo(mark)
        del self.slots[self._marked[mark] :]

    def touched(self) -> set[int]:
        return {index % P for index in super().touched()}


Hook = Callable[[BentMemory, Step, int, Record, Record], int]
Hooks = Mapping[Any, Hook]  # by Step, or by (Step, number)


def skip(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
    """Hook: leave the access out."""
    return SKIPPED


def to(target: int) -> Hook:
    """Hook: what would happen to a record happens to the one at `target`."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, target, moved(old, new, memory.read(target)))

    return hook


def pointing(target: int) -> Hook:
    """Hook: the order or sentinel at `target` points where another one would."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, target, (new[ORDER_NEXT], *memory.read(target)[1:]))

    return hook


def unchanged(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
    """Hook: the record stays as it is."""
    return memory.access(step, index, old)


def moved(old: Record, new: Record, onto: Record) -> Record:
    """The record `onto` after the change from old to new: as an amount if it is one, else element by element."""
    elements = tuple((o + b - a) % P for a, b, o in zip(old, new, onto, strict=True))
    if new[-1] in AMOUNTS and old != new:
        bias = BIAS if new[-1] == Tag.BALANCE else 0
        before, stands = (bias if record == EMPTY else from_limbs(record[:4]) for record in (old, onto))
        amount = limbs((stands + from_limbs(new[:4]) - before) % (1 << AMOUNT_BITS))
        return (*amount, *elements[4:7], onto[7] or (int(Tag.BALANCE) if bias else 0))
    return elements


def write(change: Callable[[list[int]], None]) -> Hook:
    """Hook: the new record is changed further, in place."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        record = list(new)
        change(record)
        return memory.access(step, index, tuple(element % P for element in record))

    return hook


def add(element: int, value: int = 1) -> Hook:
    """Hook: one element of the new record is off by `value`."""

    def change(record: list[int]) -> None:
        record[element] += value

    return write(change)


class ScriptedTrace(ExecutionTrace):
    """An execution trace whose transitions lie where the slots say.

    `believe` may falsify the records that registers and ports are derived from (`old` and `new`, not their columns);
    `amend` has the last word on registers and changes.

    What is set for a skipped row goes to a spare row, which is wiped at the end.
    """

    def __init__(self, slots: list[int], believe: "Amend", amend: "Amend", *arguments: Any) -> None:
        witness: Witness = arguments[1]
        self._amend, self._spare = amend, witness.row_count()
        self._slots = np.array([self._spare if row == SKIPPED else row for row in slots], dtype=np.int64)
        super().__init__(*arguments)
        self.old, self.new, self._change = (np.pad(a, ((0, 0), (0, 1))) for a in (self.old, self.new, self._change))
        self._changed = np.append(self._changed, False)
        believe(self)

    def starts(self, kind: Kind) -> Integers:
        return self.rows(kind)[0]

    def rows(self, kind: Kind) -> list[Integers]:
        first = super().starts(kind)
        return [self._slots[first + offset] for offset in range(len(STEPS[kind]))]

    def at(self, step: Step, number: int = 0) -> Integers:
        """The row of a step, the number-th of the batch, as an array of one."""
        return np.flatnonzero(self.step == step)[number : number + 1]

    def finish(self) -> Any:
        self._amend(self)
        columns = super().finish()
        kept = {name: columns[name][self._spare] for name in ("clock", "time", "events")}
        columns.values[:, self._spare] = 0
        for name, value in kept.items():
            columns[name][self._spare] = value
        return columns


Amend = Callable[[ScriptedTrace], None]
Edit = Callable[[Traces], None]
Restate = Callable[[Statement], Statement]


def nothing(_: Any) -> None:
    """Change nothing."""


def same(statement: Statement) -> Statement:
    """The statement as it is."""
    return statement


@dataclass
class Script:
    """A forged batch: what the operator does, how its accesses are bent, and what is edited afterwards.

    believe, amend: the execution trace before and after registers and ports are derived; the ports of amount sums
    follow. edit: all columns. after: what the operator does after the closing steps.
    """

    act: Callable[[Forger], None] = nothing
    hooks: Hooks = field(default_factory=dict)
    amend: Amend = nothing
    believe: Amend = nothing
    edit: Edit = nothing
    restate: Restate = same
    omit: Collection[int] = ()
    after: Callable[[Forger], None] = nothing
    ledger: Callable[[], Ledger] = staged
    time: int = 100

    def __call__(self) -> Forged:
        """The columns and the statement."""
        ledger = self.ledger()
        memory = BentMemory(ledger, self.hooks, self.time)
        forger = Forger(ledger, self.omit, memory, self.time)
        self.act(forger)

        def closing(venue: Venue, time: int) -> Iterator[Transition]:
            yield from honest_closing(venue, time)
            self.after(forger)

        with patch.object(ledger_module, "closing", closing):
            statement, witness = forger.close()
        with patch.object(build, "ExecutionTrace", partial(ScriptedTrace, memory.slots, self.believe, self.amend)):
            forged = traced(ledger, self.restate(statement), witness)
        self.edit(forged.traces)
        recount(forged.traces)
        return forged


def recount(traces: Traces) -> None:
    """Count the looked-up limbs anew, after an edit of columns."""
    others = {name: columns for name, columns in traces.items() if name != "range"}
    traces["range"] = range_columns(solvent_circuit(), others, TEST_PARAMETERS.random_rows)


def inverse(value: int) -> int:
    """1 / value mod P, for `scratch`."""
    return pow(value, P - 2, P)
