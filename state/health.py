"""How an account stands: its positions, what each tier asks of it, and how far it is from being liquidated."""

from dataclasses import dataclass

from circuits.bounds import RATIO_ONE
from circuits.buses import Capped, Tier
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    MARKET_FUNDING,
    MARKET_MARK,
    MARKET_WEIGHT,
    TAG,
    Tag,
    from_limbs,
)
from state.accounts import balance_amount
from state.funding import owed
from state.ledger import Ledger
from state.margin import Entry, Margin, assess, open_entries

PERCENT = 100


@dataclass(frozen=True)
class Position:
    """What an account holds of a market, and has resting there. Lots; amounts in quote base units."""

    market: int
    size: int  # below 0 if short
    bids: int
    asks: int
    mark: int  # a lot
    weight: int  # initial requirement a lot
    funding: int  # owed since it was last settled, rounded up; below 0 if the account is owed

    @property
    def worth(self) -> int:
        """The position at the mark."""
        return self.size * self.mark


@dataclass(frozen=True)
class Health:
    """An account's sums, with what it owes of funding, and its positions."""

    account: int
    margin: Margin
    positions: tuple[Position, ...]

    @property
    def gross(self) -> int:
        """The worth of all positions, whatever their side."""
        return sum(abs(position.worth) for position in self.positions)

    @property
    def distance(self) -> int:
        """The equity above what the maintenance tier asks for; below 0 if the account may be liquidated."""
        return self.margin.equity - self.asked(Tier.MAINTENANCE)

    def asked(self, tier: Tier) -> int:
        """The least equity with which the account has the tier."""
        ratio, margin = self.margin.ratio(tier), self.margin
        borrowed = margin.borrow_share(tier) * margin.shortfall
        return -(-(ratio * margin.requirement + borrowed) // RATIO_ONE)

    def percent(self, scale: int = 1) -> int | None:
        """The equity in percent of the initial requirement, times scale and rounded down; None if nothing is required.
        """
        asked = self.asked(Tier.INITIAL)
        return PERCENT * scale * self.margin.equity // asked if asked else None


def health(ledger: Ledger, account: int, moment: int | None = None) -> Health:
    """An account's health; its margin notes what price is not valid at the moment, if one is given, as who would seize
    the account must know.

    Refuses what `assess` refuses.
    """
    entries = open_entries(ledger.read, account)
    margin = assess(ledger.venue, account, entries, moment, capped=Capped.ADVERSE)
    positions = tuple(_position(entry) for entry in entries if entry[2][TAG] == Tag.PERPETUAL)
    return Health(account, margin, positions)


def _position(entry: Entry) -> Position:
    market, balance, record = entry
    size = balance_amount(balance)
    return Position(
        market, size, balance[BALANCE_BIDS], balance[BALANCE_ASKS],
        mark=from_limbs(record[MARKET_MARK : MARKET_MARK + 2]),
        weight=from_limbs(record[MARKET_WEIGHT : MARKET_WEIGHT + 2]),
        funding=owed(balance, record[MARKET_FUNDING]),
    )  # fmt: skip
