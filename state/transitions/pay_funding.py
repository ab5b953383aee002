"""Settle a position's funding up to the market's present index."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.records import MARKET_FUNDING, SystemAccount, market_index
from circuits.steps import Kind, Step
from state.accounts import pay_funding, read_header
from state.errors import Refusal, Rule
from state.memory import Memory
from state.transitions.order import find_market


@dataclass(frozen=True, slots=True)
class PayFunding:
    """The position pays the funding pool, or is paid by it, what has come together since it last was. Anyone may ask
    for it."""

    kind: ClassVar[Kind] = Kind.PAY_FUNDING
    account: int
    market: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_MARKET, UNKNOWN_ACCOUNT, SYSTEM_ACCOUNT (of ROUNDING), and what `pay_funding`
        refuses."""
        market = find_market(memory.venue, self.market)
        read_header(memory, self.account)
        if self.account == SystemAccount.ROUNDING:  # the circuit would not mind: it is between two of the venue's own
            raise Refusal(Rule.SYSTEM_ACCOUNT, account=self.account)
        index = memory.look(Step.PAY_MARKET, market_index(self.market))[MARKET_FUNDING]
        pay_funding(memory, self.account, market, index, SystemAccount.FUNDING_POOL)
        return (self.account, self.market)
