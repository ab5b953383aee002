"""Make the mark of a halted market final: an act of the operator."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.acts import settlement
from circuits.bounds import TIME_MAX
from circuits.records import (
    MARKET_WEIGHT,
    RULES_STATUS,
    TAG,
    Status,
    Tag,
    market_index,
    parameters_index,
    rules_index,
)
from circuits.steps import Kind, Step
from state.acts import count_act
from state.errors import Refusal, Rule
from state.margin import relied_until
from state.memory import Memory
from state.transitions.order import find_market


@dataclass(frozen=True, slots=True)
class SettleMarket:
    """From now on no order is taken there and no price set; positions are worth the mark, and can be cashed out."""

    kind: ClassVar[Kind] = Kind.SETTLE
    market: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_MARKET, SETTLED, NOT_HALTED, STALE_MARK, COUNTER_LIMIT."""
        name = find_market(memory.venue, self.market).name
        rules, parameters, market = (
            memory.read(index(self.market)) for index in (rules_index, parameters_index, market_index)
        )
        if rules[TAG] == Tag.SETTLED:
            raise Refusal(Rule.SETTLED, market=name)
        if rules[RULES_STATUS] != Status.HALTED:
            raise Refusal(Rule.NOT_HALTED, market=name)
        if relied_until(market) < memory.time:
            raise Refusal(Rule.STALE_MARK, market=name, valid=relied_until(market), time=memory.time)
        number, act = count_act(memory, Step.SETTLE_VENUE), settlement(self.market)
        settled = (int(Status.SETTLED), *rules[RULES_STATUS + 1 : TAG], int(Tag.SETTLED))
        memory.replace(Step.SETTLE_RULES, rules_index(self.market), rules, settled)
        final = (*parameters[:TAG], int(Tag.SETTLED))
        memory.replace(Step.SETTLE_PARAMETERS, parameters_index(self.market), parameters, final)
        marked = (*market[:MARKET_WEIGHT], 0, 0, TIME_MAX, market[TAG])  # without a price to move it requires nothing
        memory.replace(Step.SETTLE_MARKET, market_index(self.market), market, marked)
        return (number, act.leaf, act.tag, act.position, int(Status.SETTLED), self.market)
