"""Add the premium of a market's order book over its mark to the sum of its premiums."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import FUNDING_INTERVAL, SAMPLE_TIME
from circuits.records import (
    FUNDING_APPLIED,
    FUNDING_IMPACT,
    FUNDING_SAMPLED,
    MARKET_MARK,
    MARKET_WEIGHT,
    ORDER_EXPIRY,
    ORDER_LEFT,
    ORDER_NEXT,
    ORDER_PRICE,
    from_limbs,
    funding_index,
    market_index,
    sentinel_index,
)
from circuits.steps import Kind, Step
from state.errors import Refusal, Rule
from state.funding import funding_record, premium_sum, require_unsettled
from state.margin import relied_until
from state.memory import Memory
from state.transitions.order import find_market


@dataclass(frozen=True, slots=True)
class SampleFunding:
    """Anyone may ask for it, once in SAMPLE_TIME.

    premium = min(max(0, impact bid - mark), weight) - min(max(0, mark - impact ask), weight): see
    `circuits.transitions.sample_funding`.
    """

    kind: ClassVar[Kind] = Kind.SAMPLE_FUNDING
    market: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_MARKET, SETTLED, STALE_MARK, SAMPLE_TOO_SOON, FUNDING_DUE."""
        name = find_market(memory.venue, self.market).name
        require_unsettled(memory, self.market)
        market = memory.look(Step.SAMPLE_MARKET, market_index(self.market))
        if relied_until(market) < memory.time:
            raise Refusal(Rule.STALE_MARK, market=name, valid=relied_until(market), time=memory.time)
        leaf, number = funding_index(self.market), memory.sample_count()
        funding = memory.read(leaf)
        sampled, applied, impact = (funding[k] for k in (FUNDING_SAMPLED, FUNDING_APPLIED, FUNDING_IMPACT))
        if memory.time < sampled + SAMPLE_TIME:
            raise Refusal(Rule.SAMPLE_TOO_SOON, market=name, time=memory.time, due=sampled + SAMPLE_TIME)
        if memory.time > applied + FUNDING_INTERVAL:
            raise Refusal(Rule.FUNDING_DUE, market=name, time=memory.time, due=applied + FUNDING_INTERVAL)
        mark, weight = (from_limbs(market[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
        premium = 0
        for sign in (1, -1):
            price = self._impact(memory, sign > 0, impact, number, premium)
            premium += sign * min(max(0, sign * (price - mark)), weight)
        memory.follow(Kind.SAMPLE_END, number, premium)
        new = funding_record(premium_sum(funding) + premium, memory.time, applied, impact)
        memory.replace(Step.SAMPLE_FUNDING, leaf, funding, new)
        return (self.market,)

    def _impact(self, memory: Memory, buys: bool, impact: int, number: int, premium: int) -> int:
        """The impact price of a side; premium: so far."""
        leaf, end, seen = sentinel_index(self.market, buys), sentinel_index(self.market, not buys), 0
        while True:
            memory.follow(Kind.SAMPLE_ORDER, number, int(buys), seen, premium)
            order = memory.look(Step.SAMPLE_ORDER, leaf)
            seen += order[ORDER_LEFT] if order[ORDER_EXPIRY] >= memory.time else 0
            if leaf == end or seen >= impact:
                return order[ORDER_PRICE]
            leaf = order[ORDER_NEXT]
