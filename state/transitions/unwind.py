"""Trade away some of a position of the insurance fund, near the mark. Anyone may ask for it."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import LIMIT_MAX, PRICE_MAX
from circuits.buses import Tier
from circuits.records import MARKET_MARK, MARKET_WEIGHT, SystemAccount, from_limbs, market_index
from circuits.steps import Kind, Step
from state.errors import Refusal, Rule, require_range
from state.memory import Memory
from state.transitions.match import Force
from state.transitions.order import Order, Policy, find_market


@dataclass(frozen=True, slots=True)
class Unwind:
    """A reduce-only, immediate-or-cancel order of the fund, without a fee, which ends after one fill.

    size: at most so many lots; price: the limit, worse than the mark by at most the requirement a lot.
    """

    kind: ClassVar[Kind] = Kind.UNWIND
    market: int
    buys: bool
    size: int
    price: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_MARKET, UNWIND_PRICE, FUND_SHORT, and what Order refuses."""
        require_range("price", self.price, 1, LIMIT_MAX)
        market = find_market(memory.venue, self.market)
        record = memory.look(Step.UNWIND_LIMIT, market_index(self.market))
        mark, weight = (from_limbs(record[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
        room = weight + (mark - self.price if self.buys else self.price - mark)
        if not 0 <= room <= PRICE_MAX:
            raise Refusal(Rule.UNWIND_PRICE, market=market.name, price=self.price, mark=mark, requirement=weight)
        order = Order(
            SystemAccount.INSURANCE, self.market, self.buys, self.price, self.size, memory.time,
            Policy.IMMEDIATE_OR_CANCEL, reduce_only=True,
        )  # fmt: skip
        return (order.follow(memory, Force(0, Tier.ZERO)),)
