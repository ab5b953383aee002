"""Trades of a tape as a batch: new accounts, their deposits on several chains, prices, and fills at the tape's prices.

A tape says what traded, not who: that is drawn. Every account keeps one side of each market, so positions are built up
rather than churned. The fills are first rehearsed on the ledger, whose rules thus hold for the batch, with ample
deposits; the margin checks of the rehearsal say what each account must have deposited, and its last state how much of
that is leverage.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from random import Random

from circuits.bounds import AMOUNT_MAX, FRACTION_ONE, PRICE_MAX, SIZE_MAX
from circuits.field import P
from circuits.records import (
    CHAIN_DEPOSITS,
    MARKET_TIME,
    MARKET_WEIGHT,
    QUOTE_INSTRUMENT,
    VENUE_INDEX,
    VENUE_TIME,
    Tag,
    balance_index,
    chain_index,
    from_limbs,
    market_index,
    total_index,
)
from circuits.statement import Movement
from state.accounts import balance_amount
from state.audit import account_count
from state.backing import held
from state.errors import Refusal
from state.ledger import Ledger
from state.margin import Margin, assess, open_entries
from state.tape import Trade
from state.transitions import Transition
from state.transitions.deposit import Deposit
from state.transitions.fill import Fill
from state.transitions.price import SetPrice
from state.transitions.register import KEY_ELEMENTS, Register
from state.venue import Instrument, Venue

_REDUCING = 8  # one trade in so many reduces both positions
_LIMIT_SLACK = 20  # in 1 / FRACTION_ONE of the price: the most by which a taker's limit is worse
_PERCENT = 100
_EQUITY = (125, 175)  # percent of the initial requirement, at the end
_ASSET_SHARE = (20, 110)  # percent of that equity from assets other than the quote; above 100 the account borrows quote


class ActivityError(ValueError):
    """No batch can be made of this: too few accounts, or no trades."""


@dataclass(frozen=True)
class Settings:
    """How to make a batch of a tape; the same settings, ledger and trades make the same batch."""

    accounts: int = 500  # to register
    seed: int = 0
    price_move: int = 5  # in 1 / FRACTION_ONE: a market is priced anew when a trade is further than this from its mark,
    price_interval: int = 256  # or after so many of its trades


@dataclass
class Report:
    """What became of the trades. Units are base units."""

    accounts: int = 0
    idle: int = 0  # accounts that did not trade in every market of the tape
    trades: int = 0
    fills: int = 0
    refused: list[tuple[int, Refusal]] = field(default_factory=list)  # trades left out, by position in the tape from 0
    prices: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))  # updates by instrument
    deposits: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))  # by chain and asset


@dataclass(frozen=True)
class Activity:
    """A batch, and the deposits that it consumes and the chains do not hold yet: to be queued in this order."""

    transitions: list[Transition]
    deposits: list[Movement]
    report: Report


@dataclass(frozen=True)
class _Check:
    """An account's margin check in the rehearsal, without its rehearsal deposit."""

    margin: Margin
    weights: tuple[int, ...]  # what a lot of each asset was worth as collateral then

    def collateral(self, lots: Sequence[int]) -> int:
        """The collateral value with so many more lots of each asset."""
        return self.margin.collateral + sum(count * weight for count, weight in zip(lots, self.weights, strict=True))

    def missing_quote(self, lots: Sequence[int]) -> int:
        """The least deposit of quote with which the check passes, beside these deposits of assets; may be negative."""
        return least_cash(self.margin.requirement, self.collateral(lots), self.margin.borrow_fraction) - self.margin.cash


def make_activity(
    ledger: Ledger, trades: Iterable[Trade], settings: Settings, pending: Sequence[Movement] = ()
) -> Activity:
    """A batch of the trades, in their order, for this ledger, which is only read.

    pending: the deposits that the chains hold and the ledger has not consumed yet; the batch starts with them.
    Raises ActivityError, Refusal if an account or a pending deposit is refused, BatchStateError inside a batch.
    """
    ledger.require_closed()
    tape, rng = list(trades), Random(settings.seed)
    if settings.accounts < 2:
        raise ActivityError(f"{settings.accounts} accounts cannot trade; at least 2 are needed")
    if not tape:
        raise ActivityError("the tapes hold no trades")
    rehearsal = _Rehearsal(ledger, settings.accounts, pending, rng)
    report = Report(accounts=settings.accounts, trades=len(tape))
    activity = list(_trade(rehearsal, tape, settings, report, rng))
    movements = _fund(rehearsal, rng)
    for movement in movements:
        report.deposits[movement.chain, movement.asset] += movement.amount
    deposits = [Deposit(*astuple(movement)) for movement in movements]
    return Activity([*rehearsal.opening, *deposits, *activity], movements, report)


class _Rehearsal:
    """The ledger in a batch that is never closed: accounts registered, pending deposits consumed, ample quote for all.

    opening: the transitions so far but for the ample deposits. checks: those of each account, in order.
    """

    def __init__(self, ledger: Ledger, accounts: int, pending: Sequence[Movement], rng: Random) -> None:
        self.venue = ledger.venue
        self.ledger = Ledger(ledger.venue, ledger.store)
        self.ledger.begin_batch()
        first = account_count(self.ledger)
        self.accounts = range(first, first + accounts)
        keys = (tuple(rng.randrange(P) for _ in range(KEY_ELEMENTS)) for _ in self.accounts)
        self.opening: list[Transition] = [Register(*pair) for pair in zip(self.accounts, keys, strict=True)]
        self.opening += [Deposit(*astuple(movement)) for movement in pending]
        for transition in self.opening:
            self.ledger.apply(transition)
        self.deposit_counts = [self._deposit_count(chain) for chain in range(len(self.venue.chains))]
        self.checks: dict[int, list[_Check]] = {account: [] for account in self.accounts}
        self._weights = self._asset_weights()
        # Half of what the totals can still hold, so that fees and other deposits find room.
        self._ample = (AMOUNT_MAX - held(self.ledger.read(total_index(QUOTE_INSTRUMENT)))) // (2 * accounts)
        for sequence, account in enumerate(self.accounts, self.deposit_counts[0]):
            self.ledger.apply(Deposit(0, sequence, account, QUOTE_INSTRUMENT, self._ample))

    def price(self, update: SetPrice) -> None:
        """Set a mark."""
        self.ledger.apply(update)
        self._weights = self._asset_weights()

    def fill(self, fill: Fill) -> None:
        """Apply a fill and note the margin checks of both parties. Raises Refusal."""
        self.ledger.apply(fill)
        for account in (fill.maker, fill.taker):
            self.checks[account].append(self.check(account))

    def check(self, account: int) -> _Check:
        """The account's margin as it stands, without its rehearsal deposit."""
        margin = assess(self.venue, account, open_entries(self.ledger.read, account))
        margin.cash -= self._ample
        return _Check(margin, self._weights)

    def position(self, account: int, instrument: int) -> int:
        """The account's balance."""
        return balance_amount(self.ledger.read(balance_index(account, instrument)))

    def clock(self) -> int:
        """The time behind which no price may be set."""
        times = (self.ledger.read(market_index(i.number))[MARKET_TIME] for i in self.venue.instruments)
        return max(self.ledger.read(VENUE_INDEX)[VENUE_TIME], *times)

    def _deposit_count(self, chain: int) -> int:
        return self.ledger.read(chain_index(chain))[CHAIN_DEPOSITS]

    def _asset_weights(self) -> tuple[int, ...]:
        markets = (self.ledger.read(market_index(asset.number)) for asset in _assets(self.venue))
        return tuple(from_limbs(market[MARKET_WEIGHT : MARKET_WEIGHT + 2]) for market in markets)


class _Marks:
    """When a tape's prices become marks. An asset follows the first market named after it: ETH follows ETH-PERP."""

    def __init__(self, rehearsal: _Rehearsal, settings: Settings) -> None:
        venue = rehearsal.venue
        self._settings, self._epoch, self._clock = settings, venue.epoch, rehearsal.clock()
        self._mark: dict[int, int] = {}
        self._age: dict[int, int] = {}
        self._market = {market.number: market for market in venue.markets}
        self._followers: defaultdict[int, list[Instrument]] = defaultdict(list)
        for asset in _assets(venue):
            named = (market for market in venue.markets if market.name.partition("-")[0] == asset.name)
            for market in list(named)[:1]:
                self._followers[market.number].append(asset)

    def opening(self, tape: Sequence[Trade]) -> Iterator[SetPrice]:
        """Every market at its first trade's price, at the time of the very first trade."""
        for trade in tape:
            if trade.market not in self._mark:
                yield from self._set(trade, tape[0].time)

    def before(self, trade: Trade) -> Iterator[SetPrice]:
        """What has to be set before the trade becomes a fill."""
        mark = self._mark[trade.market]
        self._age[trade.market] += 1
        moved = abs(trade.price - mark) * FRACTION_ONE > mark * self._settings.price_move
        if moved or self._age[trade.market] > self._settings.price_interval:
            yield from self._set(trade, trade.time)

    def _set(self, trade: Trade, time: int) -> Iterator[SetPrice]:
        self._mark[trade.market], self._age[trade.market] = trade.price, 0
        # A tape older than the ledger's time is played at the ledger's time.
        self._clock = max(self._clock, time // 10**9 - self._epoch)
        yield SetPrice(trade.market, trade.price, self._clock)
        for asset in self._followers[trade.market]:
            price = trade.price * asset.price_scale // self._market[trade.market].price_scale
            yield SetPrice(asset.number, price, self._clock)


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

    def __init__(self, rehearsal: _Rehearsal, market: int, rng: Random) -> None:
        self._rehearsal, self._market, self._rng = rehearsal, market, rng
        order = list(rehearsal.accounts)
        rng.shuffle(order)
        half = len(order) // 2
        self._longs, self._shorts = _Deck(order[:half], rng), _Deck(order[half:], rng)

    def pair(self, size: int) -> tuple[int, int]:
        """Buyer and seller: both build up their positions, or now and then reduce them, but never to nothing."""
        long, short = self._longs.draw(), self._shorts.draw()
        held_by_both = min(abs(self._rehearsal.position(account, self._market)) for account in (long, short))
        return (short, long) if self._rng.randrange(_REDUCING) == 0 and held_by_both > size else (long, short)


def least_cash(requirement: int, collateral: int, borrow_fraction: int) -> int:
    """The least cash with which a margin check passes (see Margin.suffices): negative if the collateral allows."""
    missing = requirement - collateral
    return missing if missing >= 0 else -(-missing * FRACTION_ONE // (FRACTION_ONE + borrow_fraction))


def _trade(
    rehearsal: _Rehearsal, tape: Sequence[Trade], settings: Settings, report: Report, rng: Random
) -> Iterator[Transition]:
    """The prices and fills of the tape, each rehearsed."""
    marks = _Marks(rehearsal, settings)
    for update in marks.opening(tape):
        yield _priced(rehearsal, update, report)
    crowds = {number: _Crowd(rehearsal, number, rng) for number in sorted({trade.market for trade in tape})}
    for position, trade in enumerate(tape):
        for update in marks.before(trade):
            yield _priced(rehearsal, update, report)
        fill = _fill(trade, *crowds[trade.market].pair(trade.size), rng)
        try:
            rehearsal.fill(fill)
        except Refusal as refusal:
            report.refused.append((position, refusal))
            continue
        report.fills += 1
        yield fill
    report.idle = sum(not all(rehearsal.position(a, market) for market in crowds) for a in rehearsal.accounts)


def _priced(rehearsal: _Rehearsal, update: SetPrice, report: Report) -> SetPrice:
    rehearsal.price(update)
    report.prices[update.instrument] += 1
    return update


def _fill(trade: Trade, buyer: int, seller: int, rng: Random) -> Fill:
    """The maker's order rests at the price of the trade; the taker would have gone a little further."""
    slack = trade.price * rng.randint(0, _LIMIT_SLACK) // FRACTION_ONE
    taker_limit = min(trade.price + slack, PRICE_MAX) if trade.taker_buys else trade.price - slack
    maker, taker = (seller, buyer) if trade.taker_buys else (buyer, seller)
    return Fill(
        trade.market, maker, taker, trade.price, trade.size, trade.taker_buys,
        maker_limit=trade.price, taker_limit=taker_limit,
    )  # fmt: skip


def _fund(rehearsal: _Rehearsal, rng: Random) -> list[Movement]:
    """The deposits of all accounts: quote on one chain, each asset on the next, spread over the chains."""
    counts, movements = list(rehearsal.deposit_counts), []
    for account in rehearsal.accounts:
        for asset, amount in enumerate(_amounts(rehearsal, account, rng)):
            chain = (account + asset) % len(counts)
            movements.append(Movement(chain, counts[chain], account, asset, amount))
            counts[chain] += 1
    return movements


def _amounts(rehearsal: _Rehearsal, account: int, rng: Random) -> list[int]:
    """What an account deposits of each collateral asset, in base units.

    With it the account passes each of its margin checks, and ends with the drawn leverage where they leave the choice.
    """
    venue, last = rehearsal.venue, rehearsal.check(account)
    assets = _assets(venue)
    equity = last.margin.requirement * rng.randint(*_EQUITY) // _PERCENT
    share = equity * rng.randint(*_ASSET_SHARE) // _PERCENT // max(1, len(assets))
    lots = [min(max(1, share // max(1, weight)), SIZE_MAX // 2) for weight in last.weights]
    quote = max(
        int(venue.quote.units_per_one),
        equity - last.collateral(lots) - last.margin.cash,
        *(check.missing_quote(lots) for check in rehearsal.checks[account]),
    )
    return [quote, *(count * asset.lot_units for count, asset in zip(lots, assets, strict=True))]


def _assets(venue: Venue) -> list[Instrument]:
    return [asset for asset in venue.collateral if asset.tag == Tag.ASSET]
