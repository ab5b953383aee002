"""Credit an account with a deposit that a chain's vault has received, in the order of the chain's queue."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import AMOUNT_MAX
from circuits.records import CHAIN_DEPOSITS, SystemAccount
from circuits.steps import Kind, Step
from state.accounts import access_header, change_balance
from state.backing import count_movement, find_asset, find_chain, move_backing, require_queued
from state.errors import Refusal, Rule, require_range
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Deposit:
    """Number `sequence` (from 0) of the chain's deposits; amount in base units. Any registered account may receive, but
    IN_TRANSIT."""

    kind: ClassVar[Kind] = Kind.DEPOSIT
    chain: int
    sequence: int
    account: int
    asset: int
    amount: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        chain, asset = find_chain(memory.venue, self.chain), find_asset(memory.venue, self.asset)
        require_range("amount", self.amount, 1, AMOUNT_MAX)
        if self.account == SystemAccount.IN_TRANSIT:
            raise Refusal(Rule.IN_TRANSIT, sequence=self.sequence, chain=chain)
        require_queued(memory, self.chain, self.sequence, self.account, self.asset, self.amount)
        count_movement(memory, Step.DEPOSIT_CHAIN, self.chain, CHAIN_DEPOSITS)
        move_backing(memory, Step.DEPOSIT_VAULT, Step.DEPOSIT_TOTAL, self.chain, asset, self.amount)
        access_header(memory, Step.DEPOSIT_HEADER, self.account, opens=asset.number, traders_only=False)
        change_balance(memory, Step.DEPOSIT_BALANCE, self.account, asset, self.amount, opens=True)
        return (self.chain, self.sequence, self.account, self.asset, self.amount)
