"""Close a position of an account that nobody can pay for, against all that are on the other side of the market."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import MAX_EVENTS
from circuits.records import (
    EMPTY,
    MARKET_FUNDING,
    RULES_INTEREST,
    VENUE_EVENTS,
    VENUE_INDEX,
    Record,
    SystemAccount,
    Tag,
    book_number,
    event_index,
    limbs,
    market_index,
    record,
    rules_index,
)
from circuits.steps import Kind, Step
from state.accounts import next_count, position_of, swap
from state.insolvency import count_event, require_insolvent
from state.margin import refuse_orders
from state.memory import Memory
from state.transitions.order import find_market
from state.zero_price import find_zero_price


@dataclass(frozen=True, slots=True)
class Deleverage:
    """The whole position goes to the account ROUNDING at its zero price. Everybody on the other side gives its share of
    its own at that price when it sees the event (`state.transitions.apply_event`). Anyone may ask for it."""

    kind: ClassVar[Kind] = Kind.DELEVERAGE
    account: int
    market: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_MARKET, ORDERS_REST, COUNTER_LIMIT, and what
        `require_insolvent`, `find_zero_price` and `swap` refuse."""
        market = find_market(memory.venue, self.market)
        margin, fund_fails = require_insolvent(memory, self.account)
        refuse_orders(memory, self.account)
        price = find_zero_price(memory, self.account, self.market, margin)
        position = position_of(memory, self.account, self.market)
        next_count("event", memory.read(VENUE_INDEX)[VENUE_EVENTS], MAX_EVENTS)
        number = count_event(memory, 1)
        old = memory.read(rules_index(self.market))
        interest, lots = old[RULES_INTEREST], abs(position)
        new = list(old)
        new[RULES_INTEREST] = interest - lots
        memory.replace(Step.DELEVERAGE_RULES, rules_index(self.market), old, tuple(new))
        funding = memory.read(market_index(self.market))[MARKET_FUNDING]
        event = event_record(self.market, position < 0, lots, interest, price, funding)
        memory.replace(Step.DELEVERAGE_EVENT, event_index(number), EMPTY, event)
        swap(memory, self.account, SystemAccount.ROUNDING, market, -position, position * price)
        return (self.account, self.market, fund_fails)


def event_record(market: int, longs: bool, lots: int, interest: int, price: int, funding: int) -> Record:
    """A deleveraging: lots closed, of an open interest before; longs: whether long positions give their shares."""
    return record(Tag.EVENT, book_number(market, longs), *limbs(lots, 2), *limbs(interest, 2), price, funding)
