"""Register an account: the next id, an empty header, an authorisation key root, and a quote balance of 0."""

from circuits.bounds import ACCOUNT_SLOTS, BIAS_TOP_LIMB, LIMB, MAX_ACCOUNTS
from circuits.execution import Execution
from circuits.expression import Expression
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_SLOT,
    EMPTY,
    KEY_SLOT,
    QUOTE_INSTRUMENT,
    TAG,
    VENUE_ACCOUNTS,
    VENUE_INDEX,
    Role,
    Tag,
    record,
)
from circuits.steps import Step


def constrain(execution: Execution) -> None:
    """Ids are handed out densely, and nothing else touches an account without a header, so the new leaves are empty."""
    account, old, new = execution.register("account"), execution.old, execution.new
    venue = Step.REGISTER_VENUE
    execution.access(venue, VENUE_INDEX, None, [VENUE_ACCOUNTS])
    execution.require(venue, "account is the next id", account - old[VENUE_ACCOUNTS])
    execution.require(venue, "accounts are counted", new[VENUE_ACCOUNTS] - old[VENUE_ACCOUNTS] - 1)
    room = (execution.ports[0] + execution.ports[1] * LIMB).expression
    execution.require(venue, "room for the account", room + account - (MAX_ACCOUNTS - 1))
    base = ACCOUNT_BASE + ACCOUNT_SLOTS * account
    begins = int(Role.TRADER), 0, 1 << QUOTE_INSTRUMENT, 0, 1
    header: list[Expression | int | None] = [*begins, execution.events, 0, int(Tag.HEADER)]
    execution.create(Step.REGISTER_HEADER, base, header)
    execution.create(Step.REGISTER_KEY, base + KEY_SLOT, [None] * len(EMPTY[:TAG]) + [int(Tag.KEY)])
    zero = record(Tag.BALANCE, 0, 0, 0, BIAS_TOP_LIMB)
    execution.create(Step.REGISTER_QUOTE, base + BALANCE_SLOT + QUOTE_INSTRUMENT, zero)
