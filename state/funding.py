"""What a position owes of funding, and the record of a market's premiums."""

from circuits.bounds import FUNDING_ONE, PREMIUM_BIAS, PREMIUM_LIMBS
from circuits.records import (
    BALANCE_FUNDING,
    EMPTY,
    MARKET_FUNDING,
    TAG,
    Record,
    Tag,
    from_limbs,
    from_signed_limbs,
    limbs,
    record,
    rules_index,
)
from state.errors import Refusal, Rule
from state.memory import Memory


def owes(balance: Record, market: Record) -> bool:
    """Whether a balance of a perpetual is not settled up to the market's index."""
    return balance != EMPTY and balance[BALANCE_FUNDING] != market[MARKET_FUNDING]


def owed(balance: Record, index: int) -> int:
    """What a balance pays up to the index, in quote base units, rounded against the account; negative if it is paid."""
    return -(-from_signed_limbs(balance[:4]) * (index - balance[BALANCE_FUNDING]) // FUNDING_ONE)


def require_unsettled(memory: Memory, market: int) -> None:
    """Refuse (SETTLED) a market whose mark is final: no funding comes together there any more."""
    if memory.read(rules_index(market))[TAG] == Tag.SETTLED:
        raise Refusal(Rule.SETTLED, market=memory.venue.instruments[market].name)


def funding_record(premiums: int, sampled: int, applied: int, impact: int) -> Record:
    """premiums: their sum, in quote base units; sampled, applied: seconds of the last time; impact: lots."""
    return record(Tag.FUNDING, *limbs(premiums + PREMIUM_BIAS, PREMIUM_LIMBS), sampled, applied, impact)


def premium_sum(funding: Record) -> int:
    """The sum of premiums in a record."""
    return from_limbs(funding[:PREMIUM_LIMBS]) - PREMIUM_BIAS
