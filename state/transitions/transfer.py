"""Move collateral from one trader to another, within the sender's margin."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import AMOUNT_MAX
from circuits.records import total_index
from circuits.steps import Kind, Step
from state.accounts import access_header, change_balance
from state.backing import find_asset
from state.errors import Refusal, Rule, require_range
from state.margin import check_margin
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Transfer:
    """Amount in base units."""

    kind: ClassVar[Kind] = Kind.TRANSFER
    sender: int
    receiver: int
    asset: int
    amount: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        asset = find_asset(memory.venue, self.asset)
        require_range("amount", self.amount, 1, AMOUNT_MAX)
        if self.sender == self.receiver:
            raise Refusal(Rule.SAME_ACCOUNT, account=self.sender)
        memory.look(Step.TRANSFER_TOTAL, total_index(asset.number))
        access_header(memory, Step.TRANSFER_FROM_HEADER, self.sender, message=True)
        row = change_balance(memory, Step.TRANSFER_FROM_BALANCE, self.sender, asset, -self.amount)
        check_margin(memory, row, self.sender)
        access_header(memory, Step.TRANSFER_TO_HEADER, self.receiver, opens=asset.number)
        change_balance(memory, Step.TRANSFER_TO_BALANCE, self.receiver, asset, self.amount, opens=True)
        return (self.sender, self.receiver, self.asset, self.amount)
