"""A forgery in the last row of a table that is full: nothing follows there, whatever would have to."""

from collections.abc import Callable, Iterator
from unittest.mock import patch

from circuits.air import MIN_LOG_HEIGHT
from circuits.bounds import LIMB
from circuits.field import P
from circuits.records import BIDS_SLOT, FIRST_TRADER, INSTRUMENT_BASE, VENUE_ACCOUNTS
from circuits.steps import STEPS, Kind, Step
from circuits.transitions.match import BUYS
from state import ledger as ledger_module
from state.transitions import Transition
from state.transitions.close import closing
from state.transitions.deposit import Deposit
from state.transitions.register import Register
from state.venue import Venue
from tests.batches import USDC, new_ledger
from tests.mutation.script import BentMemory, Script, add, recount
from tests.mutation.world import Forged, traced
from tests.proving import TEST_PARAMETERS
from tests.tamper.forger import Forger


def venue_last(venue: Venue, time: int) -> Iterator[Transition]:
    """The closing steps in another order."""
    first, *others = closing(venue, time)
    yield from others
    yield first


def fill_up(forger: Forger, rows: int) -> None:
    """Accounts, and a few deposits, take up so many rows."""
    length = len(STEPS[Kind.REGISTER])
    deposits = next(n for n in range(length) if (rows - n * len(STEPS[Kind.DEPOSIT])) % length == 0)
    accounts = (rows - deposits * len(STEPS[Kind.DEPOSIT])) // length
    forger.apply(*(Register(FIRST_TRADER + number, (9,) * 7) for number in range(accounts)))
    forger.apply(*(Deposit(0, number, FIRST_TRADER, USDC, 1) for number in range(deposits)))


class CountChanges(Script):
    """The venue's first batch counts an account too many.

    CLOSE_VENUE keeps that count; beside it MATCH_HEAD once, which does not, and BEST_HEAD -1 times, which would, leave
    it free. `sequence`, the number of the batch, is 1 as lots that are left, and the time 2^14 as a product.
    """

    def __call__(self) -> Forged:
        ledger = new_ledger()
        forger = Forger(ledger, memory=BentMemory(ledger, {Step.CLOSE_VENUE: add(VENUE_ACCOUNTS)}, LIMB), time=LIMB)
        ending = sum(len(STEPS[t.kind]) for t in closing(ledger.venue, LIMB))
        fill_up(forger, (1 << MIN_LOG_HEIGHT) - TEST_PARAMETERS.random_rows - ending)
        with patch.object(ledger_module, "closing", venue_last):
            statement, witness = forger.close()
        forged = traced(ledger, statement, witness)
        execution = forged.traces["execution"]
        row = execution.used - 1
        values = {"is_match_head": 1, "is_best_head": -1, "scratch": 1, "price": LIMB, "mark": LIMB}
        assert execution.used == execution.active
        values |= {BUYS: -(INSTRUMENT_BASE + BIDS_SLOT), "port3": 1, "size0": 1 + LIMB * LIMB, "size1": P - LIMB}
        values |= {"head": execution[f"old{VENUE_ACCOUNTS}"][row], "after": execution[f"new{VENUE_ACCOUNTS}"][row]}
        for name, value in values.items():
            execution[name][row] = value
        recount(forged.traces)
        return forged


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return {"is_best_head is boolean": CountChanges}
