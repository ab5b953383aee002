"""Turn what an account owes and nobody can pay into a loss that the venue states."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.records import SystemAccount
from circuits.steps import Kind, Step
from state.accounts import change_balance
from state.errors import Refusal, Rule
from state.insolvency import count_event, require_insolvent
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Socialise:
    """The equity of an account with nothing but debt becomes 0; LOSS owes the difference. Anyone may ask for it."""

    kind: ClassVar[Kind] = Kind.SOCIALISE
    account: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses HAS_POSITIONS, and what `require_insolvent` and `change_balance` refuse."""
        margin, fund_fails = require_insolvent(memory, self.account)
        if margin.requirement:
            raise Refusal(Rule.HAS_POSITIONS, account=self.account, requirement=margin.requirement)
        count_event(memory, 0)
        change_balance(memory, Step.SWAP_QUOTE, self.account, memory.venue.quote, -margin.equity)
        change_balance(memory, Step.SWAP_OTHER_QUOTE, SystemAccount.LOSS, memory.venue.quote, margin.equity)
        return (self.account, fund_fails)
