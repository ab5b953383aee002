"""Cancel: an account takes one of its orders out of the book, or loses it when it is below its maintenance
requirement."""

from circuits.accounts import RESTING, fresh_prices, header
from circuits.bounds import ACCOUNT_SLOTS
from circuits.buses import Tier
from circuits.execution import Execution
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_SLOT,
    HEADER_ROLE,
    ORDER_ACCOUNT,
    ORDER_BOOK,
    ORDER_LEFT,
    ORDER_NEXT,
    RECORD_SIZE,
    TAG,
    Role,
    Tag,
)
from circuits.steps import Step
from circuits.transitions.match import BUYS


def constrain(execution: Execution) -> None:
    """What points at the order points past it, its leaf is free, and its lots rest no longer.

    A list points at nothing but orders and sentinels, and no sentinel is of a trader's account. The sender has an
    order, so it has a header. With a side that is not the order's, the instrument would be no number below
    MAX_INSTRUMENTS, and the balance's index no leaf.
    """
    _seize(execution)
    old, new, buys = execution.old, execution.new, execution.register(BUYS)
    account, instrument = execution.register("account"), execution.register("instrument")
    forced = execution.register("forced")
    header(execution, Step.CANCEL_HEADER, message=True, may_open=False, orders=-1, tag=None, forced=forced)
    step = Step.CANCEL_PREDECESSOR
    execution.access(step, None, None, [ORDER_NEXT])
    kind = (old[TAG] - int(Tag.ORDER)) * (old[TAG] - int(Tag.REDUCE_ORDER))
    execution.require(step, "the predecessor is an order", kind)
    execution.require(step, "it points at the order", execution.register("head") - old[ORDER_NEXT])
    execution.require(step, "it points past the order", new[ORDER_NEXT] - execution.register("after"))
    step = Step.CANCEL_ORDER
    execution.create(step, execution.register("head"), [0] * RECORD_SIZE)
    execution.require(step, "what follows", execution.register("after") - old[ORDER_NEXT])
    execution.require(step, "the order is the sender's", old[ORDER_ACCOUNT] - account)
    execution.require(step, "side is boolean", buys * (buys - 1))
    execution.require(step, "market and side", old[ORDER_BOOK] - 2 * instrument - buys)
    execution.require(step, "lots of the order", execution.register("maker_left") - old[ORDER_LEFT])
    step, left = Step.CANCEL_BASE, execution.register("maker_left")
    execution.access(step, ACCOUNT_BASE + BALANCE_SLOT + instrument + ACCOUNT_SLOTS * account, None, RESTING)
    for label, position, change in (
        ("resting bids", RESTING[0], buys * left),
        ("resting asks", RESTING[1], (1 - buys) * left),
    ):
        execution.require(step, label, new[position] - old[position] + change)


def _seize(execution: Execution) -> None:
    """The account does not meet its maintenance requirement at prices that are valid now. Nobody need ask for it."""
    step = Step.SEIZE_HEADER
    header(execution, step, message=False, may_open=False, checked=True)
    execution.require(step, "the account is a trader", execution.old[HEADER_ROLE] - int(Role.TRADER))
    execution.ask(step, int(Tier.MAINTENANCE))
    fresh_prices(execution, step)
    execution.release(step, "mask", "fails", "moment")
