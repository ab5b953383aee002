"""Send an amount from the vault of a chain on its way to another chain; until it is received it is in transit."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import AMOUNT_MAX, TRANSIT
from circuits.records import CHAIN_WITHDRAWALS, SystemAccount, chain_index
from circuits.steps import Kind, Step
from state.backing import count_movement, find_asset, find_chain, move_vault
from state.errors import require_range
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Send:
    """Amount in base units. For the chain it is a withdrawal of the account IN_TRANSIT, numbered by the ledger."""

    kind: ClassVar[Kind] = Kind.SEND
    chain: int
    asset: int
    amount: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        find_chain(memory.venue, self.chain)
        asset = find_asset(memory.venue, self.asset)
        require_range("amount", self.amount, 1, AMOUNT_MAX)
        sequence = memory.read(chain_index(self.chain))[CHAIN_WITHDRAWALS]
        count_movement(memory, Step.SEND_CHAIN, self.chain, CHAIN_WITHDRAWALS)
        move_vault(memory, Step.SEND_VAULT, self.chain, asset, -self.amount)
        move_vault(memory, Step.SEND_TRANSIT, TRANSIT, asset, self.amount)
        return (self.chain, sequence, SystemAccount.IN_TRANSIT, self.asset, self.amount)
