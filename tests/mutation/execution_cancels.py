"""Forgeries of cancellations."""

from collections.abc import Callable
from functools import partial

from circuits.field import P
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    HEADER_MASK,
    HEADER_NONCE,
    HEADER_ORDERS,
    ORDER_NEXT,
    QUOTE_INSTRUMENT,
    Record,
    SystemAccount,
    balance_index,
    header_index,
    key_index,
    sentinel_index,
)
from circuits.steps import Kind, Step
from state.transitions.register import Register
from tests.batches import ALICE, BTC_PERP
from tests.mutation.execution_accounts import talkative
from tests.mutation.execution_registers import EVERY, setting
from tests.mutation.script import BentMemory, Hook, Hooks, Script, add, pointing, to, unchanged
from tests.mutation.stage import ALICES_ASK, ALICES_BID, EVE, EVES_ASK, EVES_BID, NOBODY, SIZE
from tests.tamper.forger import Forger

ASKS = sentinel_index(BTC_PERP, False)


def cancel(forger: Forger) -> None:
    """Eve's bid, which is first."""
    forger.cancel(EVE, EVES_BID)


def other_order() -> Script:
    """What the bids' sentinel points at is not what is removed."""
    hooks: Hooks = {Step.CANCEL_PREDECESSOR: pointing(sentinel_index(BTC_PERP, True))}
    return Script(lambda f: f.cancel(EVE, EVES_ASK), hooks)


def key_points() -> Script:
    """An account's key is taken for the predecessor, and the list goes on pointing at an empty leaf."""

    def act(forger: Forger) -> None:
        forger.apply(Register(NOBODY, (EVES_BID, 0, 0, 0, 0, 0, 0)))
        cancel(forger)

    return Script(act, {Step.CANCEL_PREDECESSOR: pointing(key_index(NOBODY))})


def points_elsewhere() -> Script:
    """An order of the other side is taken for the predecessor."""
    return Script(cancel, {Step.CANCEL_PREDECESSOR: pointing(EVES_ASK)}, setting(Kind.CANCEL, EVERY, head=EVES_BID))


def cancel_sentinel() -> Script:
    """The fee account removes the end of the bids."""

    def act(forger: Forger) -> None:
        forger.cancel(SystemAccount.FEE, ASKS, before=ALICES_BID)

    return Script(act, {Step.CANCEL_BASE: unchanged}, setting(Kind.CANCEL, EVERY, opened=0))


def resting(bids: int, asks: int, target: int | None = None) -> Hook:
    """Hook: the resting lots of the balance, or of the one at `target`, change by this."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        where = index if target is None else target
        record = memory.read(where)
        change = record[BALANCE_BIDS] + bids, record[BALANCE_ASKS] + asks
        return memory.access(step, where, (*record[:BALANCE_BIDS], *change, *record[BALANCE_ASKS + 1 :]))

    return hook


def wrong_side() -> Script:
    """A bid goes, and the lots of an ask."""
    return Script(cancel, {Step.CANCEL_BASE: resting(0, -SIZE)}, setting(Kind.CANCEL, EVERY, side=0))


def no_side() -> Script:
    """With a side of 5 the book's number is that of the quote's, whose lots do not matter."""
    hook = resting(P - 5 * SIZE, 4 * SIZE, balance_index(EVE, QUOTE_INSTRUMENT))
    hooks = {Step.CANCEL_BASE: hook}
    return Script(cancel, hooks, setting(Kind.CANCEL, EVERY, side=5, instrument=0))


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    header, bit = Step.CANCEL_HEADER, 1 << BTC_PERP
    table: dict[str, Callable[[], Script]] = {
        "cancel_header: index": lambda: Script(cancel, {header: to(header_index(ALICE))}),
        "cancel_header: nonce": lambda: Script(cancel, {header: add(HEADER_NONCE)}),
        "cancel_header: sender is a trader": cancel_sentinel,
        "cancel_header: nonce within its bound": lambda: Script(cancel, ledger=partial(talkative, EVE)),
        "cancel_header: resting orders are counted": lambda: Script(cancel, {header: add(HEADER_ORDERS)}),
        "cancel_header: nothing opens": lambda: Script(
            cancel, {header: add(HEADER_MASK, -bit)}, setting(Kind.CANCEL, EVERY, opened=-1, bit=bit)
        ),
        "cancel_header: open instruments": lambda: Script(cancel, {header: add(HEADER_MASK, -bit)}),
        "cancel_predecessor: the predecessor is an order": key_points,
        "cancel_predecessor: it points at the order": points_elsewhere,
        "cancel_predecessor: it points past the order": lambda: Script(
            cancel, {Step.CANCEL_PREDECESSOR: unchanged}, setting(Kind.CANCEL, EVERY, after=ALICES_BID)
        ),
        "cancel_order: index": other_order,
        "cancel_order: what follows": lambda: Script(
            cancel, {Step.CANCEL_PREDECESSOR: add(ORDER_NEXT, ALICES_ASK - ALICES_BID)}
        ),
        "cancel_order: the order is the sender's": lambda: Script(lambda f: f.cancel(ALICE, EVES_BID)),
        "cancel_order: side is boolean": no_side,
        "cancel_order: market and side": wrong_side,
        "cancel_order: lots of the order": lambda: Script(
            cancel, {Step.CANCEL_BASE: resting(-1, 0)}, setting(Kind.CANCEL, EVERY, maker_left=1)
        ),
        "cancel_base: index": lambda: Script(cancel, {Step.CANCEL_BASE: to(balance_index(ALICE, BTC_PERP))}),
        "cancel_base: resting bids": lambda: Script(cancel, {Step.CANCEL_BASE: add(BALANCE_BIDS)}),
        "cancel_base: resting asks": lambda: Script(cancel, {Step.CANCEL_BASE: add(BALANCE_ASKS)}),
    }
    for k in range(8):
        table[f"cancel_order: new element {k}"] = partial(Script, cancel, {Step.CANCEL_ORDER: add(k)})
    return table
