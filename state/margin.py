"""The margin check: what an account's open instruments are worth, what they require, and whether that suffices.

    cash        = quote + sum over perpetuals of size * mark, less the funding owed (in a batch it is paid before)
    collateral  = sum over the other assets of whole lots, at most SIZE_MAX, * collateral value a lot
    requirement = sum over perpetuals of worst * initial requirement a lot
                  worst = max(|size + all resting bids|, |size - all resting asks|)
    equity      = cash + collateral
    shortfall   = max(0, -cash)

An account has a tier if equity >= ratio of the tier * requirement + borrow * shortfall, where borrow = ratio * borrow
fraction, rounded down. Withdrawals, outgoing transfers, fills and orders end with a check of the initial tier, whose
ratio is 1: it also asks that the shortfall be below the venue's borrow cap, and that every price on which something
depends be valid at the batch's time, unless the position at hand can only shrink.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from circuits.bounds import AMOUNT_MAX, CAP_UNIT, CAPPED_BIT, CONVERSION_DISCOUNT, RATIO_ONE, SIZE_MAX
from circuits.buses import Capped, Tier
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    HEADER_MASK,
    HEADER_ORDERS,
    MARKET_FUNDING,
    MARKET_LOT_UNITS,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    QUOTE_BORROW,
    QUOTE_BORROW_CAP,
    QUOTE_CLOSE_OUT,
    QUOTE_MAINTENANCE,
    TAG,
    Record,
    SystemAccount,
    Tag,
    balance_index,
    from_limbs,
    from_signed_limbs,
    header_index,
    market_index,
)
from circuits.steps import Step
from state.accounts import access_header
from state.errors import Refusal, Rule
from state.funding import owed, owes
from state.memory import Memory, Unsettled
from state.venue import Venue

Entry = tuple[int, Record, Record]  # instrument, balance record, market record


@dataclass
class Margin:
    """The sums of a margin check, in quote base units."""

    cash: int = 0
    collateral: int = 0
    requirement: int = 0  # initial
    borrow_fraction: int = 0  # in 1 / RATIO_ONE
    borrow_cap: int = AMOUNT_MAX  # the shortfall is below it, for the initial tier
    maintenance: int = RATIO_ONE  # ratios of the tiers, in 1 / RATIO_ONE
    close_out: int = RATIO_ONE
    # The first instrument whose price is too old, though something depends on it, and that price's last second, or -1
    # if its mark is capped.
    stale: tuple[int, int] | None = None

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
        return -(-self.borrow_fraction * self.shortfall // RATIO_ONE)

    @property
    def borrows_too_much(self) -> bool:
        """Whether the shortfall reaches the venue's cap."""
        return self.shortfall >= self.borrow_cap

    def ratio(self, tier: Tier) -> int:
        """The share of the requirement that the tier asks for, in 1 / RATIO_ONE."""
        ratios = {Tier.INITIAL: RATIO_ONE, Tier.MAINTENANCE: self.maintenance, Tier.CLOSE_OUT: self.close_out}
        return ratios.get(tier, 0)

    def borrow_share(self, tier: Tier) -> int:
        """The share of the shortfall that must stand above the tier's requirement, in 1 / RATIO_ONE; rounded down."""
        return self.ratio(tier) * self.borrow_fraction // RATIO_ONE

    @property
    def suffices(self) -> bool:
        """Whether an account with these sums has the equity that the initial tier demands."""
        return self.reaches(Tier.INITIAL)

    def reaches(self, tier: Tier) -> bool:
        """Whether an account with these sums has the equity that the tier demands."""
        borrowed = self.borrow_share(tier) * self.shortfall
        return RATIO_ONE * self.equity >= self.ratio(tier) * self.requirement + borrowed

    def passes(self, tier: Tier = Tier.INITIAL) -> bool:
        """Whether the account passes the check of the tier."""
        may_borrow = tier is not Tier.INITIAL or not self.borrows_too_much
        return self.stale is None and may_borrow and self.reaches(tier)


def check_margin(
    memory: Memory, row: int, account: int, *, reduces: bool = False, tier: Tier = Tier.INITIAL
) -> None:
    """Visit all open instruments of the account, for execution row `row`; reduces: prices may be stale.

    Refuses STALE_PRICE, INITIAL_MARGIN, BORROW_MARGIN, BORROW_LIMIT, and what `assess` refuses.
    """
    margin = visit_all(memory, row, account, reduces=reduces)
    if margin.passes(tier):
        return
    refuse_stale(memory, account, margin)
    if margin.suffices:
        raise Refusal(
            Rule.BORROW_LIMIT, account=account, shortfall=margin.shortfall, limit=margin.borrow_cap - 1
        )
    values = {"account": account, "equity": margin.equity, "requirement": margin.requirement}
    if margin.equity < margin.requirement:
        raise Refusal(Rule.INITIAL_MARGIN, **values)
    raise Refusal(
        Rule.BORROW_MARGIN, **values,
        shortfall=margin.shortfall, borrow_fraction=margin.borrow_fraction, ratio_one=RATIO_ONE,
    )


def refuse_stale(memory: Memory, account: int, margin: Margin) -> None:
    """Refuse (STALE_PRICE) if a price was too old."""
    if margin.stale is not None:
        instrument, valid = margin.stale
        name = memory.venue.instruments[instrument].name
        raise Refusal(Rule.STALE_PRICE, account=account, instrument=name, valid=valid, time=memory.time)


def judge(memory: Memory, row: int, account: int, *, capped: Capped = Capped.ADVERSE) -> Margin:
    """The sums of an account, at fresh prices, where marks that are `capped` so are not, for execution row `row`.

    Refuses STALE_PRICE, and what `assess` refuses.
    """
    margin = visit_all(memory, row, account, reduces=False, capped=capped)
    refuse_stale(memory, account, margin)
    return margin


def check_below(memory: Memory, row: int, account: int, tier: Tier) -> Margin:
    """The sums of an account that does not have the tier, at fresh prices that are not capped against it, for execution
    row `row`.

    Refuses STALE_PRICE, HEALTHY, and what `assess` refuses.
    """
    margin = judge(memory, row, account)
    if margin.reaches(tier):
        raise Refusal(
            Rule.HEALTHY, account=account, equity=margin.equity, requirement=margin.requirement,
            tier=tier.name.lower().replace("_", "-"),
        )
    return margin


def check_fund(memory: Memory, *, waived: bool = False) -> int:
    """The last step of what the insurance fund takes over: its equity is not negative, at fresh prices that are not
    capped in its favour, or that is waived. Returns 1 if it is negative, else 0.

    Refuses STALE_PRICE, FUND_SHORT, and what `assess` refuses.
    """
    fund = SystemAccount.INSURANCE
    row = access_header(memory, Step.FUND_HEADER, fund, traders_only=False)
    margin = judge(memory, row, fund, capped=Capped.FAVOURABLE)
    fails = not margin.reaches(Tier.ZERO)
    if fails and not waived:
        raise Refusal(Rule.FUND_SHORT, equity=margin.equity)
    return int(fails)


def refuse_orders(memory: Memory, account: int) -> None:
    """Refuse (ORDERS_REST) if orders of the account rest in the book."""
    if orders := memory.read(header_index(account))[HEADER_ORDERS]:
        raise Refusal(Rule.ORDERS_REST, account=account, orders=orders)


def visit_all(
    memory: Memory, row: int, account: int, *, reduces: bool, capped: Capped = Capped.ALL
) -> Margin:
    """The sums of the check that execution row `row` asks for; reduces: prices may be stale; if not, marks that are
    `capped` so are stale too. Refuses what `assess` refuses. Raises Unsettled."""
    entries = open_entries(memory.read, account)
    for instrument, balance, market in entries:
        if market[TAG] == Tag.PERPETUAL and owes(balance, market):
            raise Unsettled(account, instrument)
        memory.visit(row, account, instrument, balance, market)
    return assess(memory.venue, account, entries, None if reduces else memory.time, capped=capped)


def open_entries(read: Callable[[int], Record], account: int) -> list[Entry]:
    """The open instruments of an account, ascending, as its header lists them."""
    mask = read(header_index(account))[HEADER_MASK]
    entries = []
    while mask:
        instrument = (mask & -mask).bit_length() - 1
        mask &= mask - 1
        entries.append((instrument, read(balance_index(account, instrument)), read(market_index(instrument))))
    return entries


def relied_until(market: Record, *, capped: Capped = Capped.ALL, amount: int = 0) -> int:
    """The last second at which a mark may be relied on: none, -1, if it was kept from reaching its price and marks that
    are `capped` so do not count. That is against who has the amount if the price is above the mark, or below it and the
    amount is negative."""
    times, last = divmod(market[MARKET_VALID], CAPPED_BIT)
    side = Capped.ADVERSE if times == (2 if amount < 0 else 1) else Capped.FAVOURABLE
    return -1 if times and capped in (Capped.ALL, side) else last


def conversion_prices(asset: Record, margin: Margin) -> tuple[int, int]:
    """The lowest and highest price a lot at which the insurance fund buys an asset of an account with these sums: near
    the mark, or, of negative equity, from what a lot counts as collateral on, if that is anything."""
    mark, value = (from_limbs(asset[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
    low = mark - mark // CONVERSION_DISCOUNT
    return (min(low, value) if margin.equity < 0 and value else low), mark


def assess(
    venue: Venue,
    account: int,
    entries: Sequence[Entry],
    moment: int | None = None,
    *,
    capped: Capped = Capped.ALL,
) -> Margin:
    """The sums over the entries, whose prices are to be fresh at the moment, if one is given, where marks that are
    `capped` so are not.

    Refuses HOLDING_LIMIT and MARGIN_LIMIT, so that the circuit's limbs hold them all.
    """
    margin = Margin()
    for instrument, balance, market in entries:
        lots = _add(venue, account, margin, instrument, balance, market)
        largest = max(abs(margin.cash), margin.collateral, margin.requirement, abs(margin.equity))
        if largest > AMOUNT_MAX:
            raise Refusal(Rule.MARGIN_LIMIT, account=account, value=largest, limit=AMOUNT_MAX)
        until = relied_until(market, capped=capped, amount=from_signed_limbs(balance[:4]))
        if lots and moment is not None and until < moment and margin.stale is None:
            margin.stale = instrument, until
    return margin


def _add(venue: Venue, account: int, margin: Margin, instrument: int, balance: Record, market: Record) -> int:
    """Add an entry to the sums; returns how many lots its price counts for, 0 for the quote."""
    amount = from_signed_limbs(balance[:4])
    if market[TAG] == Tag.QUOTE:
        margin.cash += amount
        margin.borrow_fraction, margin.borrow_cap = market[QUOTE_BORROW], CAP_UNIT * market[QUOTE_BORROW_CAP]
        margin.maintenance, margin.close_out = market[QUOTE_MAINTENANCE], market[QUOTE_CLOSE_OUT]
        return 0
    weight = from_limbs(market[MARKET_WEIGHT : MARKET_WEIGHT + 2])
    if market[TAG] == Tag.ASSET:
        lots = min(amount // market[MARKET_LOT_UNITS], SIZE_MAX)
        margin.collateral += lots * weight
        return lots
    worst = max(abs(amount + balance[BALANCE_BIDS]), abs(amount - balance[BALANCE_ASKS]))
    if worst > SIZE_MAX:
        name = venue.instruments[instrument].name
        raise Refusal(Rule.HOLDING_LIMIT, account=account, lots=worst, instrument=name, limit=SIZE_MAX)
    margin.cash += amount * from_limbs(market[MARKET_MARK : MARKET_MARK + 2])
    margin.cash -= owed(balance, market[MARKET_FUNDING])
    margin.requirement += worst * weight
    return worst
