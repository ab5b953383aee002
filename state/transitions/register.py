"""Register an account: the next free number, an authorisation key root, and an open quote balance of 0."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import MAX_ACCOUNTS
from circuits.field import P
from circuits.records import (
    EMPTY,
    QUOTE_INSTRUMENT,
    VENUE_ACCOUNTS,
    VENUE_EVENTS,
    VENUE_INDEX,
    Role,
    Tag,
    balance_index,
    header_index,
    key_index,
    record,
)
from circuits.steps import Kind, Step
from state.accounts import balance_record, header_record, next_count
from state.errors import Refusal, Rule, require_range
from state.memory import Memory

KEY_ELEMENTS = 7


@dataclass(frozen=True, slots=True)
class Register:
    """key: the root of the account's authorisation keys, 7 field elements (nothing is signed yet)."""

    kind: ClassVar[Kind] = Kind.REGISTER
    account: int
    key: tuple[int, ...]

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        account = self.account
        require_range("number of key elements", len(self.key), KEY_ELEMENTS, KEY_ELEMENTS)
        for element in self.key:
            require_range("key element", element, 0, P - 1)
        venue = memory.read(VENUE_INDEX)
        count = venue[VENUE_ACCOUNTS]
        if account != count:
            raise Refusal(Rule.ACCOUNT_NUMBER, account=account, expected=count)
        new = list(venue)
        new[VENUE_ACCOUNTS] = next_count("account", count, MAX_ACCOUNTS)
        memory.replace(Step.REGISTER_VENUE, VENUE_INDEX, venue, tuple(new))
        header = header_record(Role.TRADER, 0, 1 << QUOTE_INSTRUMENT, events=venue[VENUE_EVENTS])
        memory.replace(Step.REGISTER_HEADER, header_index(account), EMPTY, header)
        memory.replace(Step.REGISTER_KEY, key_index(account), EMPTY, record(Tag.KEY, *self.key))
        memory.replace(Step.REGISTER_QUOTE, balance_index(account, QUOTE_INSTRUMENT), EMPTY, balance_record(0))
        return (account,)
