"""Who is on the venue: market makers, traders with leverage on both sides, and borrowers against an asset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from circuits.bounds import FRACTION_ONE
from circuits.field import P
from circuits.records import QUOTE_INSTRUMENT, SystemAccount
from circuits.statement import Movement
from state.transitions.register import KEY_ELEMENTS
from state.venue import Instrument, Venue

TENTHS = 10  # of leverage
_MAKERS_PART, _FEWEST_MAKERS = 50, 2  # one account in so many makes the market
_BORROWERS_PART = 8
_MAKER_EQUITY = 2_000_000  # whole quote
_EQUITY, _DOUBLINGS = (500, 1_500), 4  # of the others: doubled up to so many times
_LEVERAGE = (20, 180)  # of traders, in 1 / TENTHS; the less of two draws
_BORROWER_LEVERAGE = (20, 60)
_BORROWED = (20, 60)  # percent of what an asset counts for


class Role(StrEnum):
    """What an account is there for."""

    MAKER = "maker"
    TRADER = "trader"
    BORROWER = "borrower"  # deposits an asset, and owes quote that it has withdrawn, or lost


@dataclass(frozen=True)
class Member:
    """An account. Amounts in base units; leverage in 1 / TENTHS."""

    account: int
    role: Role
    key: tuple[int, ...]
    chain: int
    asset: int
    deposit: int
    buys: bool = True
    leverage: int = 0
    borrows: int = 0


def populate(
    venue: Venue, asset: Instrument | None, price: int, accounts: Sequence[int], rng: Random
) -> list[Member]:
    """A member for each account. asset: what borrowers deposit, if the venue has such a thing, at that price a lot."""
    makers = max(_FEWEST_MAKERS, len(accounts) // _MAKERS_PART)
    members, unit = [], int(venue.quote.units_per_one)
    for place, account in enumerate(accounts):
        key, chain = tuple(rng.randrange(P) for _ in range(KEY_ELEMENTS)), account % len(venue.chains)
        equity = rng.randint(*_EQUITY) * unit << rng.randint(0, _DOUBLINGS)
        buys = bool(rng.getrandbits(1))
        if place < makers:
            member = Member(account, Role.MAKER, key, chain, venue.quote.number, _MAKER_EQUITY * unit)
        elif asset is not None and place % _BORROWERS_PART == 0:
            lots = equity // price + 1
            value = lots * (price * asset.fraction // FRACTION_ONE)
            # Every other one borrows by withdrawing, the rest by trading.
            borrows = value * rng.randint(*_BORROWED) // 100 if place // _BORROWERS_PART % 2 else 0
            leverage = 0 if borrows else rng.randint(*_BORROWER_LEVERAGE)
            units = lots * asset.lot_units
            member = Member(account, Role.BORROWER, key, chain, asset.number, units, buys, leverage, borrows)
        else:
            leverage = min(rng.randint(*_LEVERAGE), rng.randint(*_LEVERAGE))
            member = Member(account, Role.TRADER, key, chain, venue.quote.number, equity, buys, leverage)
        members.append(member)
    return members


def deposits(members: Sequence[Member], fund: int, counts: Sequence[int]) -> Iterator[Movement]:
    """What the insurance fund gets, in base units of the quote, and the members' deposits. counts: how many each chain
    has received before."""
    numbers = list(counts)
    yield Movement(0, numbers[0], SystemAccount.INSURANCE, QUOTE_INSTRUMENT, fund)
    numbers[0] += 1
    for member in members:
        yield Movement(member.chain, numbers[member.chain], member.account, member.asset, member.deposit)
        numbers[member.chain] += 1
