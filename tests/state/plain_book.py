"""An order book in plain sorted lists, its prices, and the margin of its accounts: what the ledger is compared with.

It shares no code with the product, not even records or bounds, and prefers the obvious way to the fast one: a refused
order is undone by going back to a copy of everything.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, auto

FEE_PARTS = 1_000_000  # a fee is so many millionths of the notional, rounded up
MARGIN_PARTS = 10_000
GROWTH_LOTS = 1 << 14
RATIO_PARTS = 1_000
FOREVER = 1 << 40  # seconds


class PlainPolicy(Enum):
    """What becomes of an order that cannot trade at once."""

    GOOD_TILL_TIME = auto()  # the remainder rests
    IMMEDIATE_OR_CANCEL = auto()  # the remainder is dropped
    FILL_OR_KILL = auto()  # a remainder is refused
    POST_ONLY = auto()  # a trade is refused


class Reason(Enum):
    """Why the head of a queue was removed instead of traded with."""

    EXPIRED = auto()
    SELF_TRADE = auto()
    REDUCE_ONLY = auto()
    MARGIN = auto()
    STALE = auto()


# Why an account may not have this fill, if it may not: account, market, signed size (bought is positive), price, fee,
# whether it adds risk. It is asked before the account is changed, but after the maker's order has shrunk by the fill;
# and once more about the taker, with size and fee 0, when its order has come to its end and what is left of it rests.
Objection = Callable[[int, int, int, int, int, bool], Reason | None]


class Refused(Exception):  # noqa: N818 - what the venue says, not a fault
    """The request broke a rule, and nothing has changed."""


@dataclass(frozen=True)
class PlainOrder:
    """A request to trade. The price is a limit; that of a market order is its worst price."""

    number: int  # its name; the caller's choice, never used twice
    account: int
    market: int
    buys: bool
    price: int
    size: int
    expiry: int
    policy: PlainPolicy = PlainPolicy.GOOD_TILL_TIME
    reduce_only: bool = False


@dataclass(frozen=True)
class PlainTrade:
    """A fill, at the maker's price."""

    market: int
    maker_order: int
    taker_order: int
    price: int
    size: int
    taker_buys: bool


@dataclass(frozen=True)
class PlainRemoval:
    """The head of a queue that was removed without a trade."""

    order: int
    reason: Reason


@dataclass(frozen=True)
class PlainMarket:
    """The terms of a market."""

    maker_fee: int = 0  # in 1 / FEE_PARTS
    taker_fee: int = 0
    least_notional: int = 0  # of an order, at the mark
    interest_cap: int | None = None  # lots of all long positions together
    active: bool = True


@dataclass
class PlainPrice:
    """A mark, which follows the prices that are published only so fast, and until when it may be relied on."""

    mark: int
    staleness: int = FOREVER  # seconds
    step_time: int = 2  # seconds
    time: int = 0  # of the last price
    interest: int = 0  # lots of all long positions together, then
    last: int = field(init=False)  # the last second

    def __post_init__(self) -> None:
        self.last = self.staleness

    def publish(self, price: int, time: int) -> None:
        """The mark moves to the price, or, if that is too far for the time since the last one, as far as it can."""
        reach, left = divmod(self.mark * min(time - self.time, self.step_time - 1), self.step_time)
        reach += left > 0
        capped = abs(price - self.mark) > reach
        self.mark = min(price, self.mark + reach) if price > self.mark else max(price, self.mark - reach)
        self.time, self.last = time, 0 if capped else time + self.staleness


@dataclass(frozen=True)
class Resting:
    """What is left of an order in the book."""

    order: PlainOrder
    left: int
    arrival: int

    @property
    def priority(self) -> tuple[int, int]:
        """Best price first, then the earliest."""
        return (-self.order.price if self.order.buys else self.order.price, self.arrival)


@dataclass
class _State:
    """Everything that an order can change, but for what is only ever appended to."""

    queues: dict[tuple[int, bool], list[Resting]]  # by market and side (True: bids), best first
    positions: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))  # account, market
    quote: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    opened: set[tuple[int, int]] = field(default_factory=set)  # account and instrument
    fees: int = 0
    arrivals: int = 0

    def copy(self) -> "_State":
        queues = {key: list(queue) for key, queue in self.queues.items()}
        opened = self.opened.copy()
        return _State(queues, self.positions.copy(), self.quote.copy(), opened, self.fees, self.arrivals)


class PlainBook:
    """The books of several markets, and the positions and quote of the accounts that trade in them."""

    def __init__(
        self, markets: Mapping[int, PlainMarket], objection: Objection | None = None, order_limit: int | None = None
    ) -> None:
        """order_limit: the most orders of one account that may rest. objection: None allows everything."""
        self.markets = dict(markets)
        self.prices: dict[int, PlainPrice] = {}  # of markets that have a least notional or margin, and of assets
        self.objection: Objection = objection or (lambda account, market, size, price, fee, risks: None)
        self.order_limit = order_limit
        self.time = 0
        self.trades: list[PlainTrade] = []  # since begin_batch
        self.removals: list[PlainRemoval] = []
        self._state = _State({(market, buys): [] for market in markets for buys in (True, False)})

    @property
    def positions(self) -> defaultdict[tuple[int, int], int]:
        """By account and market; signed."""
        return self._state.positions

    @property
    def quote(self) -> defaultdict[int, int]:
        """By account: deposits (the caller's to write), less what was paid, plus what was received."""
        return self._state.quote

    @property
    def opened(self) -> set[tuple[int, int]]:
        """Account and instrument of every deposit (the caller's to write), position and order that there ever was."""
        return self._state.opened

    @property
    def fees(self) -> int:
        """All that was paid."""
        return self._state.fees

    def interest(self, market: int) -> int:
        """Lots of all long positions."""
        return sum(max(0, position) for (_, one), position in self.positions.items() if one == market)

    def queue(self, market: int, buys: bool) -> list[Resting]:
        """One side, best first."""
        return self._state.queues[market, buys]

    def resting(self, account: int | None = None) -> list[Resting]:
        """All resting orders, or those of one account."""
        return [
            entry for queue in self._state.queues.values() for entry in queue
            if account is None or entry.order.account == account
        ]  # fmt: skip

    def begin_batch(self, time: int) -> None:
        """A new batch, all of it at this time."""
        if time < self.time:
            raise ValueError(f"time {time} is before {self.time}")
        self.time = time
        self.trades, self.removals = [], []

    def publish(self, instrument: int, price: int, time: int) -> None:
        """A new price of a market or asset. Raises Refused."""
        if not self.prices[instrument].time <= time <= self.time:
            raise Refused("the price is older than the last one, or of the future")
        self.prices[instrument].publish(price, time)
        self.prices[instrument].interest = self.interest(instrument)

    def place(self, order: PlainOrder) -> None:
        """Match an order, and let the remainder rest if its policy says so. Raises Refused."""
        with self._all_or_nothing():
            self._check(order)
            cap = self.markets[order.market].interest_cap
            before, seen = self.interest(order.market), len(self.removals)
            left = self._match(order)
            rests = left > 0 and order.policy in (PlainPolicy.GOOD_TILL_TIME, PlainPolicy.POST_ONLY)
            harsh = {removal.reason for removal in self.removals[seen:]} - {Reason.EXPIRED, Reason.SELF_TRADE}
            if harsh and left == order.size and not rests:
                raise Refused("others' orders would go for nothing")
            if cap is not None and self.interest(order.market) > max(cap, before):
                raise Refused("open interest grows beyond its cap")
            if left and order.policy is PlainPolicy.FILL_OR_KILL:
                raise Refused("a remainder is left")
            if left and order.policy is not PlainPolicy.IMMEDIATE_OR_CANCEL:
                self._rest(order, left)
                if self.objection(order.account, order.market, 0, order.price, 0, not order.reduce_only):
                    raise Refused("the margin of what rests")

    def cancel(self, account: int, number: int) -> None:
        """Take a resting order out. Raises Refused if the account has none of that number."""
        for queue in self._state.queues.values():
            for place, entry in enumerate(queue):
                if entry.order.number == number and entry.order.account == account:
                    del queue[place]
                    return
        raise Refused("no such order rests")

    def cancel_all(self, account: int) -> None:
        """Take all resting orders of an account out."""
        for queue in self._state.queues.values():
            queue[:] = [entry for entry in queue if entry.order.account != account]

    def modify(self, number: int, order: PlainOrder) -> None:
        """Cancel a resting order of the same account, market and side, and place another one. Raises Refused."""
        with self._all_or_nothing():
            if all(entry.order.number != number for entry in self.queue(order.market, order.buys)):
                raise Refused("no such order rests on this side of the market")
            self.cancel(order.account, number)
            self.place(order)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        before, trades, removals = self._state.copy(), len(self.trades), len(self.removals)
        try:
            yield
        except Refused:
            self._state = before
            del self.trades[trades:], self.removals[removals:]
            raise

    def _check(self, order: PlainOrder) -> None:
        market = self.markets.get(order.market)
        if market is None or not market.active:
            raise Refused("the market is not active")
        if order.price < 1 or order.size < 1:
            raise Refused("no price or no size")
        least = 0 if order.reduce_only else market.least_notional
        if least and self.prices[order.market].mark * order.size < least:
            raise Refused("too small")
        if order.expiry < self.time:
            raise Refused("expired")

    def _match(self, taker: PlainOrder) -> int:
        """Trade with the other side as far as the limit goes; the size that is left."""
        queue, left = self.queue(taker.market, not taker.buys), taker.size
        while left and queue and _crosses(taker, queue[0].order.price):
            if taker.policy is PlainPolicy.POST_ONLY:
                raise Refused("a post-only order would cross")
            head = queue[0]
            size = min(left, head.left)
            remainder = [replace(head, left=head.left - size)] if size < head.left else []
            queue[:1] = remainder
            reason = self._obstacle(taker, head.order, size)
            if reason is None:
                self._trade(taker, head.order, size)
                left -= size
            else:
                del queue[: len(remainder)]
                self.removals.append(PlainRemoval(head.order.number, reason))
        return left

    def _obstacle(self, taker: PlainOrder, maker: PlainOrder, size: int) -> Reason | None:
        """Why this maker cannot trade."""
        signed = size if maker.buys else -size
        risks = not reduces(self.positions[maker.account, maker.market], signed)
        if maker.expiry < self.time:
            return Reason.EXPIRED
        if maker.account == taker.account:
            return Reason.SELF_TRADE
        if maker.reduce_only and risks:
            return Reason.REDUCE_ONLY
        fee = _fee(maker.price * size, self.markets[maker.market].maker_fee)
        return self.objection(maker.account, maker.market, signed, maker.price, fee, risks)

    def _trade(self, taker: PlainOrder, maker: PlainOrder, size: int) -> None:
        signed, notional = (size if taker.buys else -size), maker.price * size
        terms = self.markets[maker.market]
        fee = _fee(notional, terms.taker_fee)
        risks = not reduces(self.positions[taker.account, taker.market], signed)
        if taker.reduce_only and risks:
            raise Refused("a reduce-only order would grow or flip the taker's position")
        if self.objection(taker.account, taker.market, signed, maker.price, fee, risks):
            raise Refused("the taker's margin after a fill")
        self._settle(maker.account, maker.market, -signed, maker.price, _fee(notional, terms.maker_fee))
        self._settle(taker.account, maker.market, signed, maker.price, fee)
        self.trades.append(PlainTrade(maker.market, maker.number, taker.number, maker.price, size, taker.buys))

    def _settle(self, account: int, market: int, signed: int, price: int, fee: int) -> None:
        self.positions[account, market] += signed
        self.quote[account] -= signed * price + fee
        self.opened.add((account, market))
        self._state.fees += fee

    def _rest(self, order: PlainOrder, left: int) -> None:
        if self.order_limit is not None and len(self.resting(order.account)) >= self.order_limit:
            raise Refused("too many orders rest")
        self.opened.add((order.account, order.market))
        entry = Resting(order, left, self._state.arrivals)
        self._state.arrivals += 1
        insort(self.queue(order.market, order.buys), entry, key=lambda resting: resting.priority)


@dataclass
class PlainMargin:
    """Initial margin of the accounts of a book, by its prices. Its `objection` is to be given to the book."""

    book: PlainBook
    fractions: dict[int, int]  # initial margin by market, in 1 / MARGIN_PARTS of the notional at the mark
    borrow_fraction: int = 0  # in 1 / RATIO_PARTS of negative cash, to be held above the requirement
    assets: dict[int, int] = field(default_factory=dict)  # 1 - haircut, in 1 / MARGIN_PARTS
    holdings: dict[tuple[int, int], int] = field(default_factory=dict)  # whole lots by account and asset
    growths: dict[int, int] = field(default_factory=dict)  # of a market's fraction, for each GROWTH_LOTS of interest
    borrow_cap: int | None = None  # negative cash must be less than that

    def objection(self, account: int, market: int, size: int, price: int, fee: int, risks: bool) -> Reason | None:
        """Why the account may not have this fill: a stale price if it adds risk, or too little margin with it."""
        positions = {one: self.book.positions[account, one] for one in self.fractions}
        positions[market] += size
        stale = [one for one, known in self.book.prices.items() if known.last < self.book.time]
        if risks and any(self._depends(account, one, positions) for one in stale):
            return Reason.STALE
        cash = self.book.quote[account] - price * size - fee
        cash += sum(position * self.book.prices[one].mark for one, position in positions.items())
        slack = cash + self._collateral(account) - self._requirement(account, positions)
        owed = max(0, -cash)
        if self.borrow_cap is not None and owed >= self.borrow_cap:
            return Reason.MARGIN
        return None if RATIO_PARTS * slack >= self.borrow_fraction * owed else Reason.MARGIN

    def _collateral(self, account: int) -> int:
        """The value of the other assets; that of a lot is rounded down."""
        return sum(
            self.holdings.get((account, asset), 0) * (self.book.prices[asset].mark * fraction // MARGIN_PARTS)
            for asset, fraction in self.assets.items()
        )

    def _requirement(self, account: int, positions: dict[int, int]) -> int:
        """For the worst that the resting orders can make of each position; that of a lot is rounded up."""
        return sum(
            self._worst(account, market, position)
            * -(-self.book.prices[market].mark * self._fraction(market) // MARGIN_PARTS)
            for market, position in positions.items()
        )

    def _worst(self, account: int, market: int, position: int) -> int:
        bids, asks = (
            sum(entry.left for entry in self.book.queue(market, buys) if entry.order.account == account)
            for buys in (True, False)
        )
        return max(abs(position + bids), abs(position - asks))

    def _depends(self, account: int, one: int, positions: dict[int, int]) -> bool:
        """Whether the account has anything that the price of the market or asset bears on."""
        if one in positions:
            return self._worst(account, one, positions[one]) > 0
        return self.holdings.get((account, one), 0) > 0

    def _fraction(self, market: int) -> int:
        """What the open interest at the last price has made of the initial margin; never more than the notional."""
        steps = self.book.prices[market].interest // GROWTH_LOTS
        return min(MARGIN_PARTS, self.fractions[market] + steps * self.growths.get(market, 0))


def reduces(position: int, size: int) -> bool:
    """Whether a signed size brings a position towards zero, and not beyond."""
    return position * size < 0 and abs(size) <= abs(position)


def _crosses(taker: PlainOrder, price: int) -> bool:
    return price <= taker.price if taker.buys else price >= taker.price


def _fee(notional: int, rate: int) -> int:
    return -(-notional * rate // FEE_PARTS)
