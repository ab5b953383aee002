"""Move a market's funding index by an hour's premiums."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import FUNDING_DIVISOR, FUNDING_INTERVAL, FUNDING_MAX, FUNDING_START
from circuits.records import (
    FUNDING_APPLIED,
    FUNDING_IMPACT,
    FUNDING_SAMPLED,
    MARKET_FUNDING,
    funding_index,
    market_index,
)
from circuits.steps import Kind, Step
from state.acts import write_element
from state.errors import Refusal, Rule
from state.funding import funding_record, premium_sum, require_unsettled
from state.memory import Memory
from state.transitions.order import find_market


@dataclass(frozen=True, slots=True)
class ApplyFunding:
    """The index grows by floor(sum of premiums / FUNDING_DIVISOR), and the remainder stays in the sum. Anyone may ask
    for it, once in FUNDING_INTERVAL."""

    kind: ClassVar[Kind] = Kind.APPLY_FUNDING
    market: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_MARKET, SETTLED, FUNDING_TOO_SOON, FUNDING_LIMIT."""
        name = find_market(memory.venue, self.market).name
        require_unsettled(memory, self.market)
        funding, market = memory.read(funding_index(self.market)), memory.read(market_index(self.market))
        due = funding[FUNDING_APPLIED] + FUNDING_INTERVAL
        if memory.time < due:
            raise Refusal(Rule.FUNDING_TOO_SOON, market=name, time=memory.time, due=due)
        change, left = divmod(premium_sum(funding), FUNDING_DIVISOR)
        index = market[MARKET_FUNDING] + change
        if not 0 <= index <= FUNDING_MAX or not -FUNDING_START <= change < FUNDING_START:
            raise Refusal(Rule.FUNDING_LIMIT, market=name, would=index, limit=FUNDING_MAX)
        new = funding_record(left, funding[FUNDING_SAMPLED], memory.time, funding[FUNDING_IMPACT])
        memory.replace(Step.APPLY_FUNDING, funding_index(self.market), funding, new)
        write_element(memory, Step.APPLY_MARKET, market_index(self.market), MARKET_FUNDING, index)
        return (self.market,)
