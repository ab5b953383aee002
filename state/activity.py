"""Trades of a tape as a batch: new accounts, their deposits on several chains, prices, and orders that trade as it did.

A tape says what traded, not who: that is drawn. Every account keeps one side of each market, so positions are built up
rather than churned. The orders are first rehearsed on the ledger, whose rules thus hold for the batch, with ample
deposits; the margin checks of the rehearsal say what each account must have deposited, and its last state how much of
that is leverage.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from random import Random
from typing import ClassVar

from circuits.bounds import FRACTION_ONE, LIMIT_MAX, SIZE_MAX, TIME_MAX
from circuits.statement import Movement
from state.errors import Refusal
from state.ledger import Ledger
from state.marks import Marks
from state.rehearsal import Rehearsal, last_time
from state.tape import Trade
from state.transitions import Transition
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice

_REDUCING = 8  # one trade in so many reduces both positions
_LIMIT_SLACK = 20  # in 1 / FRACTION_ONE of the price: the most by which a taker's limit is worse
_GOOD_FOR = 24 * 3600  # seconds after the batch
_PERCENT = 100
_EQUITY = (125, 175)  # percent of the initial requirement, at the end
_THIN = (50, 95)  # percent of what it needs that a thin account deposits
_SPARE = 200  # the same of the others, where there are thin ones
_ASSET_SHARE = (20, 110)  # percent of that equity from assets other than the quote; above 100 the account borrows quote


class ActivityError(ValueError):
    """No batch can be made of this: too few accounts, or no trades."""


@dataclass(frozen=True)
class Settings:
    """How to make a batch of a tape; the same settings, ledger and trades make the same batch. Raises ActivityError."""

    accounts: int = 500  # to register
    seed: int = 0
    price_move: int = 5  # in 1 / FRACTION_ONE: a trade further than this from the mark sets it anew
    price_interval: int = 256  # and so does, at the latest, the trade after so many of its market

    def __post_init__(self) -> None:
        if self.accounts < 2:
            raise ActivityError(f"{self.accounts} accounts cannot trade; at least 2 are needed")


@dataclass
class Report:
    """What became of the trades. Units are base units."""

    unit: ClassVar[str] = "trade"  # what is refused
    accounts: int = 0
    idle: int = 0  # accounts that did not trade in every market of the tape
    trades: int = 0
    fills: int = 0
    refused: list[tuple[int, Refusal]] = field(default_factory=list)  # trades left out, by position in the tape from 0
    prices: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))  # updates by instrument
    deposits: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))  # by chain and asset


@dataclass(frozen=True)
class Activity:
    """A batch, its time, and the deposits that it consumes and the chains do not hold yet: to be queued in this
    order."""

    transitions: list[Transition]
    time: int
    deposits: list[Movement]
    report: Report


def make_activity(
    ledger: Ledger, trades: Iterable[Trade], settings: Settings, pending: Sequence[Movement] = ()
) -> Activity:
    """A batch of the trades, in their order, for this ledger, which is only read.

    pending: the deposits that the chains hold and the ledger has not consumed yet; the batch starts with them.
    Raises ActivityError, Refusal if an account or a pending deposit is refused, BatchStateError inside a batch.
    """
    ledger.require_closed()
    tape, rng = list(trades), Random(settings.seed)
    if not tape:
        raise ActivityError("the tapes hold no trades")
    time = max(last_time(ledger), *(trade.time // 10**9 - ledger.venue.epoch for trade in tape))
    rehearsal = Rehearsal(ledger, time, settings.accounts, pending, rng)
    report = Report(accounts=settings.accounts, trades=len(tape))
    activity = list(_trade(rehearsal, tape, settings, report, rng))
    movements = fund(rehearsal, rng, report)
    deposits = [Deposit(*astuple(movement)) for movement in movements]
    return Activity([*rehearsal.opening, *deposits, *activity], time, movements, report)


class _Deck:
    """Accounts in a random order; all are drawn before one is drawn again."""

    def __init__(self, accounts: Sequence[int], rng: Random) -> None:
        self._accounts, self._rng, self._left = accounts, rng, list[int]()

    def draw(self) -> int:
        """The next account."""
        if not self._left:
            self._left = list(self._accounts)
            self._rng.shuffle(self._left)
        return self._left.pop()


class _Crowd:
    """Who trades in a market: half of the accounts are long, half short, for good."""

    def __init__(self, rehearsal: Rehearsal, market: int, rng: Random) -> None:
        self._rehearsal, self._market, self._rng = rehearsal, market, rng
        order = list(rehearsal.accounts)
        rng.shuffle(order)
        half = len(order) // 2
        self._longs, self._shorts = _Deck(order[:half], rng), _Deck(order[half:], rng)

    def pair(self, size: int) -> tuple[int, int]:
        """Buyer and seller: both build up their positions, or now and then reduce them, but not below half."""
        long, short = self._longs.draw(), self._shorts.draw()
        held_by_both = min(abs(self._rehearsal.position(account, self._market)) for account in (long, short))
        reduce = self._rng.randrange(_REDUCING) == 0 and held_by_both >= 2 * size
        return (short, long) if reduce else (long, short)


def _trade(
    rehearsal: Rehearsal, tape: Sequence[Trade], settings: Settings, report: Report, rng: Random
) -> Iterator[Transition]:
    """The prices and orders of the tape, each rehearsed."""
    marks = Marks(rehearsal.ledger, tape, settings.price_move, settings.price_interval)
    for update in marks.opening():
        yield _priced(rehearsal, update, report)
    crowds = {number: _Crowd(rehearsal, number, rng) for number in sorted({trade.market for trade in tape})}
    for position, trade in enumerate(tape):
        for update in marks.before(trade.market, trade.price, trade.time):
            yield _priced(rehearsal, update, report)
        orders = _orders(trade, *crowds[trade.market].pair(trade.size), rng, rehearsal.ledger.time)
        try:
            rehearsal.trade(*orders)
        except Refusal as refusal:
            report.refused.append((position, refusal))
            continue
        report.fills += 1
        yield from orders
    report.idle = sum(not all(rehearsal.position(a, market) for market in crowds) for a in rehearsal.accounts)


def _priced(rehearsal: Rehearsal, update: SetPrice, report: Report) -> SetPrice:
    rehearsal.apply(update)
    report.prices[update.instrument] += 1
    return update


def _orders(trade: Trade, buyer: int, seller: int, rng: Random, time: int) -> tuple[Order, Order]:
    """The maker's order rests at the price of the trade; the taker would have gone a little further."""
    slack = trade.price * rng.randint(0, _LIMIT_SLACK) // FRACTION_ONE
    limit = min(trade.price + slack, LIMIT_MAX) if trade.taker_buys else max(trade.price - slack, 1)
    maker, taker = (seller, buyer) if trade.taker_buys else (buyer, seller)
    expiry = good_until(time)
    price = min(trade.price, LIMIT_MAX)
    return (
        Order(maker, trade.market, not trade.taker_buys, price, trade.size, expiry, Policy.POST_ONLY),
        Order(taker, trade.market, trade.taker_buys, limit, trade.size, expiry, Policy.IMMEDIATE_OR_CANCEL),
    )


def good_until(time: int) -> int:
    """The expiry of the orders of a batch at that time."""
    return min(time + _GOOD_FOR, TIME_MAX)


def fund(rehearsal: Rehearsal, rng: Random, report: Report, thin: int = 0) -> list[Movement]:
    """The deposits of all accounts: quote on one chain, each asset on the next, spread over the chains.

    thin: one account in so many, drawn, deposits less than the rehearsal says it must, and the others more, because
    what is refused makes the flow another one; 0: all deposit just enough.
    """
    counts, movements = list(rehearsal.deposit_counts), []
    for account in rehearsal.accounts:
        percent = _share(rng, thin)
        for asset, amount in enumerate(_amounts(rehearsal, account, rng)):
            chain, amount = (account + asset) % len(counts), max(1, amount * percent // _PERCENT)
            movements.append(Movement(chain, counts[chain], account, asset, amount))
            report.deposits[chain, asset] += amount
            counts[chain] += 1
    return movements


def _share(rng: Random, thin: int) -> int:
    """Percent of what it must have that an account deposits."""
    if not thin:
        return _PERCENT
    return rng.randint(*_THIN) if rng.randrange(thin) == 0 else _SPARE


def _amounts(rehearsal: Rehearsal, account: int, rng: Random) -> list[int]:
    """What an account deposits of each collateral asset, in base units.

    With it the account passes each of its margin checks, and ends with the drawn leverage where they leave the choice.
    """
    assets, last = rehearsal.assets, rehearsal.check(account)
    equity = last.margin.requirement * rng.randint(*_EQUITY) // _PERCENT
    share = equity * rng.randint(*_ASSET_SHARE) // _PERCENT // max(1, len(assets))
    lots = [min(max(1, share // max(1, weight)), SIZE_MAX // 2) for weight in last.weights]
    quote = max(
        int(rehearsal.venue.quote.units_per_one),
        equity - last.collateral(lots) - last.margin.cash,
        *(check.missing_quote(lots) for check in rehearsal.checks[account]),
    )
    return [quote, *(count * asset.lot_units for count, asset in zip(lots, assets, strict=True))]
