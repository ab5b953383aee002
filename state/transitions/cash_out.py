"""Turn a position in a settled market into quote, at the final mark."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.records import (
    MARKET_MARK,
    TAG,
    SystemAccount,
    Tag,
    balance_index,
    from_limbs,
    market_index,
    rules_index,
)
from circuits.steps import Kind, Step
from state.accounts import access_header, balance_amount, swap
from state.errors import Refusal, Rule
from state.memory import Memory
from state.transitions.order import find_market


@dataclass(frozen=True, slots=True)
class CashOut:
    """The whole position goes to the funding pool, which pays, or is paid, what it is worth. Anyone may ask for it,
    for a trader or the insurance fund."""

    kind: ClassVar[Kind] = Kind.CASH_OUT
    account: int
    market: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_MARKET, NOT_SETTLED, NO_POSITION, and what `access_header` and `swap`
        refuse."""
        market, pool = find_market(memory.venue, self.market), SystemAccount.FUNDING_POOL
        if memory.look(Step.CASH_OUT_RULES, rules_index(self.market))[TAG] != Tag.SETTLED:
            raise Refusal(Rule.NOT_SETTLED, market=market.name)
        record = memory.look(Step.CASH_OUT_MARKET, market_index(self.market))
        traders_only = self.account != SystemAccount.INSURANCE
        access_header(memory, Step.CASH_OUT_HEADER, self.account, traders_only=traders_only)
        position = balance_amount(memory.read(balance_index(self.account, self.market)))
        if not position:
            raise Refusal(Rule.NO_POSITION, account=self.account, market=market.name)
        worth = position * from_limbs(record[MARKET_MARK : MARKET_MARK + 2])
        swap(memory, self.account, pool, market, -position, worth)
        return (self.account, self.market)
