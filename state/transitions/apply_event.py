"""Let an account see the next deleveraging: a position on the side that was reduced gives its share."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import SIZE_MAX
from circuits.records import (
    EVENT_BOOK,
    EVENT_FUNDING,
    EVENT_INTEREST,
    EVENT_LOTS,
    EVENT_PRICE,
    HEADER_EVENTS,
    VENUE_EVENTS,
    VENUE_INDEX,
    SystemAccount,
    balance_index,
    event_index,
    from_limbs,
    header_index,
)
from circuits.steps import Kind, Step
from state.accounts import pay_funding, position_of, read_header, swap
from state.errors import Refusal, Rule
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class ApplyEvent:
    """Of a position of k lots go ceil(k * lots closed / open interest), at the event's price, to ROUNDING; before, its
    funding is settled up to the event. Anyone may ask for it."""

    kind: ClassVar[Kind] = Kind.EVENT
    account: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses UNKNOWN_ACCOUNT, NOTHING_TO_SEE, HOLDING_LIMIT (of ROUNDING and FUNDING_POOL, on
        whichever side they are), and what `pay_funding` and `swap` refuse."""
        header, events = read_header(memory, self.account), memory.read(VENUE_INDEX)[VENUE_EVENTS]
        number = header[HEADER_EVENTS]
        if number == events:
            raise Refusal(Rule.NOTHING_TO_SEE, account=self.account, events=events)
        event = memory.read(event_index(number))
        market, longs = memory.venue.instruments[event[EVENT_BOOK] // 2], bool(event[EVENT_BOOK] % 2)
        memory.look(Step.EVENT_BALANCE, balance_index(self.account, market.number))
        sign = 1 if longs else -1
        lots = sign * position_of(memory, self.account, market.number)
        if abs(lots) > SIZE_MAX:
            raise Refusal(
                Rule.HOLDING_LIMIT, account=self.account, lots=lots, instrument=market.name, limit=SIZE_MAX
            )
        memory.follow(Kind.REDUCE if lots > 0 else Kind.UNMOVED, self.account)
        if lots > 0:
            pay_funding(memory, self.account, market, event[EVENT_FUNDING], SystemAccount.FUNDING_POOL)
        memory.look(Step.EVENT_RECORD, event_index(number))
        seen = list(header)
        seen[HEADER_EVENTS] = number + 1
        memory.replace(Step.EVENT_HEADER, header_index(self.account), header, tuple(seen))
        if lots > 0:
            closed, interest = (from_limbs(event[at : at + 2]) for at in (EVENT_LOTS, EVENT_INTEREST))
            given = -(-lots * closed // interest)
            worth = sign * given * event[EVENT_PRICE]
            swap(memory, self.account, SystemAccount.ROUNDING, market, -sign * given, worth, past=True)
        return (self.account,)
