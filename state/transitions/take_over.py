"""Let the insurance fund take over an account that is too far below its requirement to be liquidated."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.buses import Tier
from circuits.records import (
    EMPTY,
    HEADER_MASK,
    RULES_INTEREST,
    SystemAccount,
    balance_index,
    header_index,
    market_index,
    rules_index,
)
from circuits.steps import Kind, Step
from state.accounts import access_header, balance_amount, change_balance
from state.acts import write_element
from state.margin import check_below, check_fund, refuse_orders
from state.memory import Memory
from state.venue import Instrument


@dataclass(frozen=True, slots=True)
class TakeOver:
    """All balances of an account below its close-out requirement become the insurance fund's. Anyone may ask for it.

    The fund must not owe more than it has afterwards.
    """

    kind: ClassVar[Kind] = Kind.TAKE_OVER
    account: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses ORDERS_REST, and what `access_header`, `check_below` (of the close-out tier),
        `change_balance` and `check_fund` refuse."""
        row = access_header(memory, Step.TAKE_HEADER, self.account)
        refuse_orders(memory, self.account)
        check_below(memory, row, self.account, Tier.CLOSE_OUT)
        remaining = memory.read(header_index(self.account))[HEADER_MASK]
        for instrument in memory.venue.instruments:
            if remaining >> instrument.number & 1:
                memory.follow(Kind.TAKE, self.account, instrument.number, remaining)
                _take(memory, self.account, instrument)
                remaining -= 1 << instrument.number
        memory.follow(Kind.TAKEN)
        check_fund(memory)
        return (self.account,)


def _take(memory: Memory, account: int, instrument: Instrument) -> None:
    """One balance goes to the fund; a market's open interest changes by what both change of it."""
    number, fund = instrument.number, SystemAccount.INSURANCE
    memory.look(Step.TAKE_MARKET, market_index(number))
    places = balance_index(account, number), balance_index(fund, number)
    amount, held = (balance_amount(memory.read(place)) for place in places)
    change_balance(memory, Step.TAKE_BASE, account, instrument, -amount)
    change_balance(memory, Step.TAKE_FUND_BASE, fund, instrument, amount)
    rules = memory.read(rules_index(number))
    grown = 0 if rules == EMPTY else max(held + amount, 0) - max(held, 0) - max(amount, 0)
    write_element(memory, Step.TAKE_RULES, rules_index(number), RULES_INTEREST, rules[RULES_INTEREST] + grown)
