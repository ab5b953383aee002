"""Take an order, or all orders of an account, out of the book, or put another in its place."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.buses import Tier
from circuits.records import (
    EMPTY,
    ORDER_ACCOUNT,
    ORDER_BOOK,
    ORDER_LEFT,
    ORDER_NEXT,
)
from circuits.steps import Kind, Step
from state.accounts import access_header, change_balance
from state.book import Reason, Removal
from state.errors import Refusal, Rule
from state.margin import check_below
from state.memory import Memory
from state.transitions.match import resting_change
from state.transitions.order import Order, Policy


@dataclass(frozen=True, slots=True)
class Cancel:
    """order: the number that `state.book.order_id` gives."""

    kind: ClassVar[Kind] = Kind.CANCEL
    account: int
    order: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses UNKNOWN_ORDER, NOT_THE_OWNER, and what `access_header` refuses."""
        _remove(memory, self.account, self.order, forced=False)
        return (self.account,)


@dataclass(frozen=True, slots=True)
class ForceCancel:
    """Take an order of an account below its maintenance requirement out of the book. Anyone may ask for it."""

    kind: ClassVar[Kind] = Kind.FORCE_CANCEL
    account: int
    order: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses what `check_below` refuses of the maintenance tier, and what Cancel refuses."""
        row = access_header(memory, Step.SEIZE_HEADER, self.account)
        check_below(memory, row, self.account, Tier.MAINTENANCE)
        _remove(memory, self.account, self.order, forced=True)
        return (self.account,)


@dataclass(frozen=True, slots=True)
class CancelAll:
    """Cancel every resting order of an account, each by a message of its own."""

    kind: ClassVar[Kind] = Kind.CANCEL
    account: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NO_ORDERS."""
        orders = memory.book.orders_of(self.account)
        if not orders:
            raise Refusal(Rule.NO_ORDERS, account=self.account)
        arguments = Cancel(self.account, orders[0]).apply(memory)
        for order in orders[1:]:
            memory.follow(Kind.CANCEL, *Cancel(self.account, order).apply(memory))
        return arguments


@dataclass(frozen=True, slots=True)
class Modify:
    """Cancel an order and place another one of the same account, both or neither; its place in the queue is lost.

    order: the one that goes; the rest as in Order.
    """

    kind: ClassVar[Kind] = Kind.CANCEL
    order: int
    account: int
    market: int
    buys: bool
    price: int
    size: int
    expiry: int
    policy: Policy = Policy.GOOD_TILL_TIME
    reduce_only: bool = False

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses what the two parts refuse."""
        arguments = Cancel(self.account, self.order).apply(memory)
        place = len(memory.followed)
        replacement = Order(
            self.account, self.market, self.buys, self.price, self.size, self.expiry, self.policy, self.reduce_only
        )
        placed = replacement.apply(memory)
        memory.followed.insert(place, (Kind.ORDER, placed))
        return arguments


def _remove(memory: Memory, account: int, number: int, *, forced: bool) -> None:
    leaf = memory.book.leaf(number)
    order = memory.read(leaf)
    if order[ORDER_ACCOUNT] != account:
        raise Refusal(Rule.NOT_THE_OWNER, order=number, account=account)
    market, buys = memory.venue.instruments[order[ORDER_BOOK] // 2], bool(order[ORDER_BOOK] % 2)
    access_header(memory, Step.CANCEL_HEADER, account, message=True, forced=forced, orders=-1)
    before = memory.book.predecessor(leaf)
    old = memory.read(before)
    memory.replace(Step.CANCEL_PREDECESSOR, before, old, (order[ORDER_NEXT], *old[1:]))
    memory.replace(Step.CANCEL_ORDER, leaf, order, EMPTY)
    memory.book.remove(leaf)
    resting = resting_change(buys, -order[ORDER_LEFT])
    change_balance(memory, Step.CANCEL_BASE, account, market, 0, resting=resting)
    memory.removals.append(Removal(number, Reason.CANCELLED))
