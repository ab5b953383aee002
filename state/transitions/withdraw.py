"""Release collateral of an account from a chain's vault, within the vault and the account's margin."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import AMOUNT_MAX
from circuits.records import CHAIN_WITHDRAWALS, chain_index
from circuits.steps import Kind, Step
from state.accounts import access_header, change_balance
from state.backing import count_movement, find_asset, find_chain, move_backing
from state.errors import require_range
from state.margin import check_margin
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Amount in base units. The ledger numbers the withdrawals of each chain itself."""

    kind: ClassVar[Kind] = Kind.WITHDRAW
    chain: int
    account: int
    asset: int
    amount: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        find_chain(memory.venue, self.chain)
        asset = find_asset(memory.venue, self.asset)
        require_range("amount", self.amount, 1, AMOUNT_MAX)
        sequence = memory.read(chain_index(self.chain))[CHAIN_WITHDRAWALS]
        count_movement(memory, Step.WITHDRAW_CHAIN, self.chain, CHAIN_WITHDRAWALS)
        move_backing(memory, Step.WITHDRAW_VAULT, Step.WITHDRAW_TOTAL, self.chain, asset, -self.amount)
        access_header(memory, Step.WITHDRAW_HEADER, self.account, message=True)
        row = change_balance(memory, Step.WITHDRAW_BALANCE, self.account, asset, -self.amount)
        check_margin(memory, row, self.account)
        return (self.chain, sequence, self.account, self.asset, self.amount)
