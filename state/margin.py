"""The margin check: what an account's open instruments are worth, what they require, and whether that suffices.

    cash        = quote + sum over perpetuals of size * mark
    collateral  = sum over the other assets of whole lots, at most SIZE_MAX, * collateral value a lot
    requirement = sum over perpetuals of worst * initial requirement a lot
                  worst = max(|size + all resting bids|, |size - all resting asks|)
    equity      = cash + collateral

An account passes if equity >= requirement, and what is above covers borrow fraction * max(0, -cash); and if every
price that is read is valid at the batch's time, unless the position at hand can only shrink. Withdrawals, outgoing
transfers, fills and orders end with this check.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from circuits.bounds import AMOUNT_MAX, FRACTION_ONE, SIZE_MAX
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    HEADER_MASK,
    MARKET_LOT_UNITS,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    TAG,
    Record,
    Tag,
    balance_index,
    from_limbs,
    from_signed_limbs,
    header_index,
    market_index,
)
from state.errors import Refusal, Rule
from state.memory import Memory
from state.venue import Venue

Entry = tuple[int, Record, Record]  # instrument, balance record, market record


@dataclass
class Margin:
    """The sums of a margin check, in quote base units."""

    cash: int = 0
    collateral: int = 0
    requirement: int = 0  # initial
    borrow_fraction: int = 0  # in 1 / FRACTION_ONE
    stale: tuple[int, int] | None = None  # the first instrument whose price is too old, and that price's last second

    @property
    def equity(self) -> int:
        """Cash and the collateral value of the other assets."""
        return self.cash + self.collateral

    @property
    def shortfall(self) -> int:
        """The cash that is owed."""
        return max(0, -self.cash)

    @property
    def borrow_requirement(self) -> int:
        """What must stand above the requirement, for the shortfall; rounded up (the check itself is exact)."""
        return -(-self.borrow_fraction * self.shortfall // FRACTION_ONE)

    @property
    def suffices(self) -> bool:
        """Whether an account with these sums has the equity that the check demands."""
        slack = self.equity - self.requirement
        return slack >= 0 and FRACTION_ONE * slack >= self.borrow_fraction * self.shortfall

    @property
    def passes(self) -> bool:
        """Whether the account passes the check."""
        return self.stale is None and self.suffices


def check_margin(memory: Memory, row: int, account: int, *, reduces: bool = False) -> None:
    """Visit all open instruments of the account, for execution row `row`; reduces: prices may be stale.

    Refuses STALE_PRICE, INITIAL_MARGIN, BORROW_MARGIN, and what `assess` refuses.
    """
    margin = visit_all(memory, row, account, reduces=reduces)
    if margin.passes:
        return
    if margin.stale is not None:
        instrument, valid = margin.stale
        name = memory.venue.instruments[instrument].name
        raise Refusal(Rule.STALE_PRICE, account=account, instrument=name, valid=valid, time=memory.time)
    values = {"account": account, "equity": margin.equity, "requirement": margin.requirement}
    if margin.equity < margin.requirement:
        raise Refusal(Rule.INITIAL_MARGIN, **values)
    raise Refusal(
        Rule.BORROW_MARGIN, **values,
        shortfall=margin.shortfall, borrow_fraction=margin.borrow_fraction, fraction_one=FRACTION_ONE,
    )


def visit_all(memory: Memory, row: int, account: int, *, reduces: bool) -> Margin:
    """The sums of the check that execution row `row` asks for; reduces: prices may be stale. Refuses what `assess`
    refuses."""
    entries = open_entries(memory.read, account)
    for instrument, balance, market in entries:
        memory.visit(row, account, instrument, balance, market)
    return assess(memory.venue, account, entries, 0 if reduces else memory.time)


def open_entries(read: Callable[[int], Record], account: int) -> list[Entry]:
    """The open instruments of an account, ascending, as its header lists them."""
    mask = read(header_index(account))[HEADER_MASK]
    entries = []
    while mask:
        instrument = (mask & -mask).bit_length() - 1
        mask &= mask - 1
        entries.append((instrument, read(balance_index(account, instrument)), read(market_index(instrument))))
    return entries


def assess(venue: Venue, account: int, entries: Sequence[Entry], moment: int = 0) -> Margin:
    """The sums over the entries, whose prices are to be valid at the moment; at 0, all are.

    Refuses HOLDING_LIMIT and MARGIN_LIMIT, so that the circuit's limbs hold them all.
    """
    margin = Margin()
    for instrument, balance, market in entries:
        _add(venue, account, margin, instrument, balance, market)
        largest = max(abs(margin.cash), margin.collateral, margin.requirement, abs(margin.equity - margin.requirement))
        if largest > AMOUNT_MAX:
            raise Refusal(Rule.MARGIN_LIMIT, account=account, value=largest, limit=AMOUNT_MAX)
        if market[TAG] != Tag.QUOTE and market[MARKET_VALID] < moment and margin.stale is None:
            margin.stale = instrument, market[MARKET_VALID]
    return margin


def _add(venue: Venue, account: int, margin: Margin, instrument: int, balance: Record, market: Record) -> None:
    amount = from_signed_limbs(balance[:4])
    weight = from_limbs(market[MARKET_WEIGHT : MARKET_WEIGHT + 2])
    if market[TAG] == Tag.QUOTE:
        margin.cash += amount
        margin.borrow_fraction = weight
        return
    lots = amount // market[MARKET_LOT_UNITS]  # an asset's amount is never negative; a perpetual's lot is one unit
    if market[TAG] == Tag.ASSET:
        margin.collateral += min(lots, SIZE_MAX) * weight
    else:
        worst = max(abs(lots + balance[BALANCE_BIDS]), abs(lots - balance[BALANCE_ASKS]))
        if worst > SIZE_MAX:
            name = venue.instruments[instrument].name
            raise Refusal(Rule.HOLDING_LIMIT, account=account, lots=worst, instrument=name, limit=SIZE_MAX)
        margin.cash += lots * from_limbs(market[MARKET_MARK : MARKET_MARK + 2])
        margin.requirement += worst * weight
