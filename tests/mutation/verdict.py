"""What was found out about each constraint: reported under its name, and necessary or implied by others."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context

from circuits.solvent import solvent_circuit
from tests.mutation.killed import killing
from tests.mutation.world import Implied, is_necessary

PROCESSES = 2
MODULES = {"execution": "execution", "margin": "margin", "tree": "tree", "range": "range_table"}
NECESSARY, IMPLIED, OPEN = "necessary", "implied", "OPEN"


@dataclass(frozen=True)
class Verdict:
    """What was found out about a constraint; `detail` says why it is implied or open."""

    table: str
    label: str
    killed: bool
    kind: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is reported by name, and necessary or implied."""
        return self.killed and self.kind != OPEN

    def __str__(self) -> str:
        kind = self.kind if self.killed else f"NOT KILLED, {self.kind}"
        return f"{self.table}: {self.label}: {kind}" + (f" ({self.detail})" if self.detail else "")


def selected(table: str | None = None, part: str = "") -> list[tuple[str, str]]:
    """Table and label of the constraints, in the circuit's order."""
    tables = [t for t in solvent_circuit().tables if table in (None, t.name)]
    return [(t.name, c.label) for t in tables for c in t.constraints if part in c.label]


def verdicts(constraints: Sequence[tuple[str, str]], processes: int = PROCESSES) -> Iterable[Verdict]:
    """The verdicts in order; with more than one process, each works on some of the constraints."""
    if processes == 1:
        yield from map(judge, constraints)
        return
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(judge, constraints, chunksize=4)


def judge(constraint: tuple[str, str]) -> Verdict:
    """Both tests of one constraint."""
    table, label = constraint
    killed = killing(table, label)
    is_killed = killed is not None and killed.label == label
    try:
        resolved = import_module(f"tests.mutation.{MODULES[table]}").resolve(label)
        if isinstance(resolved, Implied):
            return Verdict(table, label, is_killed, IMPLIED, resolved.reason)
        objection = is_necessary(table, label, resolved())
    except Exception as error:  # a forgery that cannot be made shows nothing; the run goes on and says so
        objection = f"{type(error).__name__}: {error}"
    return Verdict(table, label, is_killed, OPEN if objection else NECESSARY, objection or "")


def summary(found: Sequence[Verdict]) -> str:
    """The last line."""
    kinds = Counter(verdict.kind for verdict in found)
    killed = sum(verdict.killed for verdict in found)
    return f"constraints: {len(found)} total, {killed} killed, {kinds[NECESSARY]} necessary, {kinds[IMPLIED]} implied"
