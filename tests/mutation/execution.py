"""Every labelled constraint of the execution table: a forgery that shows it to be necessary, or why it is implied."""

from collections.abc import Callable
from functools import cache

from circuits.execution import FIRST_STEPS
from circuits.steps import Step
from tests.mutation import (
    execution_accesses,
    execution_accounts,
    execution_order,
    execution_registers,
    execution_trades,
)
from tests.mutation.script import Script
from tests.mutation.world import Forge, Implied

TABLE = "execution"
FILES = (execution_accesses, execution_accounts, execution_order, execution_registers, execution_trades)


IMPLIED = {
    "at most one step a row": Implied(
        "Selectors are 0 or 1 by themselves, so a row with k > 1 of them takes k copies of one record off the memory "
        "bus. The time in the message is that of a single access, which must then have put k copies there, and so on "
        "back to the tree, which opens each leaf once. It is kept because the bounds of multiplicities, amounts and "
        "public messages rest on it before any bus is looked at."
    ),
}
_BESIDE = (
    "A selector other than 0 and 1 needs others on its row, so that they add up to 0 or 1; and every step demands its "
    "own index of the row. "
)
_ALONE = (
    "No other first step has this index. So it is -1 beside the one step under way, and the sum is 0. Then no step "
    "accesses memory any more; yet no transition is under way after the closing steps. They cannot be left out: the "
    "statement takes their messages."
)
_RIVAL = {
    Step.REGISTER_VENUE: "Only CLOSE_VENUE has this index too, and each of the two keeps what the other one changes.",
    Step.CLOSE_VENUE: "Only REGISTER_VENUE has this index too, and each of the two keeps what the other one changes.",
    Step.DEPOSIT_CHAIN: "Only WITHDRAW_CHAIN has this index too, and with it the sum is 0: memory is not accessed any "
    "more, the two messages have 0 copies, and no other row asks for margin at the same clock.",
    Step.WITHDRAW_CHAIN: "Only DEPOSIT_CHAIN has this index too, and with it the sum is 0: memory is not accessed any "
    "more, the two messages have 0 copies, and no other row asks for margin at the same clock.",
    Step.CLOSE_TOTAL: "The message is then of a kind, -TOTAL or another multiple, that nobody takes.",
}
IMPLIED |= {
    f"is_{step.name.lower()} is boolean": Implied(
        _BESIDE + _RIVAL.get(step, _ALONE) + " It is kept because the bounds of multiplicities rest on it."
    )
    for step in FIRST_STEPS - {Step.TRANSFER_TOTAL}
}


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


def resolve(label: str) -> Forge | Implied:
    """What there is to say about a labelled constraint. Raises KeyError for a label of which nobody has thought."""
    if label in IMPLIED:
        return IMPLIED[label]
    script = forgeries()[label]
    return lambda: script()()
