"""Receive in the vault of a chain what another one sent: the next deposit of its queue, which the bridge paid in."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import AMOUNT_MAX, TRANSIT
from circuits.records import CHAIN_DEPOSITS, SystemAccount
from circuits.steps import Kind, Step
from state.backing import count_movement, find_asset, find_chain, move_vault, require_queued
from state.errors import require_range
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Receive:
    """Number `sequence` (from 0) of the chain's deposits, of the account IN_TRANSIT; amount in base units."""

    kind: ClassVar[Kind] = Kind.RECEIVE
    chain: int
    sequence: int
    asset: int
    amount: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses VAULT_SHORT for more than is under way; no cap applies, as nothing is paid in."""
        find_chain(memory.venue, self.chain)
        asset = find_asset(memory.venue, self.asset)
        require_range("amount", self.amount, 1, AMOUNT_MAX)
        arguments = (self.chain, self.sequence, int(SystemAccount.IN_TRANSIT), self.asset, self.amount)
        require_queued(memory, *arguments)
        count_movement(memory, Step.RECEIVE_CHAIN, self.chain, CHAIN_DEPOSITS)
        move_vault(memory, Step.RECEIVE_VAULT, self.chain, asset, self.amount)
        move_vault(memory, Step.RECEIVE_TRANSIT, TRANSIT, asset, -self.amount)
        return arguments
