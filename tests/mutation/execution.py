"""Every labelled constraint of the execution table: a forgery that shows it to be necessary, or why it is implied."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from circuits.execution import FIRST_STEPS
from tests.mutation import (
    execution_accesses,
    execution_accounts,
    execution_order,
    execution_registers,
    execution_trades,
)
from tests.mutation.script import Script
from tests.mutation.world import Forge

TABLE = "execution"
FILES = (execution_accesses, execution_accounts, execution_order, execution_registers, execution_trades)


@dataclass(frozen=True)
class Implied:
    """A constraint that follows from others, which are not implied by it, and is kept for the sake of the argument."""

    reason: str


@dataclass(frozen=True)
class Open:
    """A constraint for which neither a forgery nor a proof that it is implied is known."""

    note: str


IMPLIED = {
    "at most one step a row": Implied(
        "Selectors are 0 or 1 by themselves, so a row with k > 1 of them takes k copies of one record off the memory "
        "bus. The time in the message is that of a single access, which must then have put k copies there, and so on "
        "back to the tree, which opens each leaf once. It is kept because the bounds of multiplicities, amounts and "
        "public messages rest on it before any bus is looked at."
    ),
}
_SELECTOR = Open(
    "Beside other selectors only a negative one fits: a transition that runs backwards in rows of others. Where the "
    "sum is 0, no step may follow, so this is after the closing steps, and the public and margin buses leave nothing "
    "that would have an effect. Where the sum is 1, at least three steps would have to agree on index and changes of "
    "one access; no three that do are known, and that there are none is not proven."
)
OPEN = {f"is_{step.name.lower()} is boolean": _SELECTOR for step in sorted(FIRST_STEPS)}


@cache
def forgeries() -> dict[str, Callable[[], Script]]:
    """The scripts of all files by label. Raises ValueError if two files claim a label."""
    table: dict[str, Callable[[], Script]] = {}
    for file in FILES:
        scripts = file.scripts()
        if claimed := table.keys() & scripts.keys():
            raise ValueError(f"{file.__name__} forges {sorted(claimed)} once more")
        table |= scripts
    return table


def resolve(label: str) -> Forge | Implied | Open:
    """What there is to say about a labelled constraint. Raises KeyError for a label of which nobody has thought."""
    if label in IMPLIED:
        return IMPLIED[label]
    if label in OPEN:
        return OPEN[label]
    script = forgeries()[label]
    return lambda: script()()
