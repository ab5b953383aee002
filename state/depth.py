"""Order flow of many accounts out of captures: a book that follows the captures' levels near the best prices.

A capture says how much stands at a price, not whose orders those are: that is drawn. A level that grows gets new
orders, one that shrinks by more than was traded loses its last ones, and what was traded is taken by a marketable
order. The flow keeps the book that results if every order is accepted and every maker can trade; a venue that removes
an order says so with `forget`.
"""

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from random import Random

from circuits.bounds import AMOUNT_MAX, PRICE_MAX, SIZE_MAX
from state.capture import Event, Levels, Touch
from state.tape import Trade

_MOST_LEVELS = 1 << 13  # of one side of a captured book that are remembered
_NOWHERE = PRICE_MAX + 1
_TYPICAL_WEIGHT = 16  # the typical growth of a level is an average over about so many


@dataclass(frozen=True, slots=True)
class Terms:
    """An order. Orders are numbered from 0 in the order of their events, accounts from 0."""

    time: int  # Unix nanoseconds, as of all events
    number: int
    account: int
    market: int
    buys: bool
    price: int  # quote base units a lot
    size: int  # lots


@dataclass(frozen=True, slots=True)
class Place(Terms):
    """A limit order that rests."""


@dataclass(frozen=True, slots=True)
class Take(Terms):
    """An immediate-or-cancel order that crosses the book; the price is its worst."""


@dataclass(frozen=True, slots=True)
class Modify(Terms):
    """A limit order in the place of another one of the same account, market and side, which goes."""

    replaces: int  # its number


@dataclass(frozen=True, slots=True)
class Cancel:
    """An account takes its order of that number out of the book."""

    time: int
    number: int
    account: int


OrderEvent = Place | Take | Modify | Cancel


@dataclass(frozen=True)
class FlowSettings:
    """How to make orders of captures; the same settings and captures make the same flow."""

    accounts: int = 500
    seed: int = 0
    levels: int = 20  # nearest the touch on each side that are followed; orders are kept up to twice as far
    orders_per_account: int = 16  # resting at a time, in all markets
    orders: int = 2_048  # resting at a time, of all accounts
    pieces: int = 4  # orders that one growth of a level is split into, at most
    least_notionals: Mapping[int, int] = field(default_factory=dict)  # by market, quote base units: no order is smaller


@dataclass
class FlowStatistics:
    """What a flow has come to so far."""

    places: int = 0
    takes: int = 0
    cancels: int = 0
    modifies: int = 0
    trades: int = 0  # of the captures
    fills: int = 0
    partial_fills: int = 0  # those that left something of the maker's order
    queues: int = 0  # times that a second order joined one that stood alone at its price
    longest_queue: int = 0
    most_orders: int = 0  # that rested at a time
    taken: int = 0  # lots
    not_taken: int = 0  # lots of the captures' trades: no room for makers, no taker, too small, or refused
    no_room: int = 0  # growths left out, or in part, because the accounts or the book held as many orders as may be
    crossed: int = 0  # growths and best prices left out because they would have crossed the book


@dataclass(slots=True)
class _Standing:
    """A resting order of the flow."""

    number: int
    account: int
    size: int


class _Side:
    """One side of one market: the levels of the capture, and the orders that follow them.

    Levels are named by their rank, the price or, of bids, its negative: the best is the least.
    """

    def __init__(self, market: int, buys: bool) -> None:
        self.market, self.buys = market, buys
        self.typical = 0  # lots that a level grows by
        self.queues: dict[int, list[_Standing]] = {}
        self._sizes: dict[int, int] = {}
        self._ranks: list[int] = []

    def rank(self, price: int) -> int:
        """The name of a level; also the inverse."""
        return -price if self.buys else price

    def update(self, levels: Iterable[tuple[int, int]], whole: bool) -> None:
        """The capture's levels change; if whole, no others are left."""
        if whole:
            self._sizes, self._ranks = {}, []
        for price, size in levels:
            rank = self.rank(price)
            if size and rank not in self._sizes:
                insort(self._ranks, rank)
            if size:
                self._sizes[rank] = size
            elif self._sizes.pop(rank, 0):
                del self._ranks[bisect_left(self._ranks, rank)]
        while len(self._ranks) > _MOST_LEVELS:
            del self._sizes[self._ranks.pop()]

    def nearest(self, count: int) -> list[tuple[int, int]]:
        """Rank and size of the best levels of the capture."""
        return [(rank, self._sizes[rank]) for rank in self._ranks[:count]]

    def excess(self, count: int) -> list[tuple[int, int]]:
        """Rank and lots of what stands in the queues, but not in that many best levels of the capture."""
        last = self._ranks[min(count, len(self._ranks)) - 1] if self._ranks else None
        found = []
        for rank, queue in self.queues.items():
            theirs = self._sizes.get(rank, 0) if last is not None and rank <= last else 0
            lots = _lots(queue) - theirs
            if lots > 0:
                found.append((rank, lots))
        return found


class _Sweep:
    """Trades of one moment and side, from better to worse prices: what one taker did."""

    def __init__(self, first: Trade) -> None:
        self.time, self.market, self.taker_buys = first.time, first.market, first.taker_buys
        self.lots = {first.price: first.size}  # by price, best first
        self.size, self.trades, self.first, self.last = first.size, 1, first.price, first.price

    def join(self, trade: Trade) -> bool:
        """Add one more trade, if it belongs to the sweep."""
        same = (self.time, self.market, self.taker_buys) == (trade.time, trade.market, trade.taker_buys)
        worse = trade.price >= self.last if self.taker_buys else trade.price <= self.last
        size = self.size + trade.size
        if not same or not worse or size > SIZE_MAX or size * max(trade.price, self.first) > AMOUNT_MAX:
            return False
        self.lots[trade.price] = self.lots.get(trade.price, 0) + trade.size
        self.size, self.last, self.trades = size, trade.price, self.trades + 1
        return True


class OrderFlow:
    """The orders of accounts that make a book like those of the captures, as an iterable of events that streams.

    captures: of different markets. The flow runs on one clock; at equal times in the order of the captures. The
    statistics are those of the last iteration, as far as it has come. Memory is bounded by the settings and what the
    captures hold.
    """

    def __init__(self, captures: Sequence[Iterable[Event]], settings: FlowSettings) -> None:
        if settings.accounts < 2:
            raise ValueError(f"{settings.accounts} accounts cannot trade; at least 2 are needed")
        self._captures, self._settings = captures, settings
        self._start()

    def _start(self) -> None:
        self.statistics = FlowStatistics()
        self._rng = Random(self._settings.seed)
        self._resting = [0] * self._settings.accounts  # orders of each account
        self._levels: dict[int, tuple[_Side, int]] = {}  # where each resting order stands
        self._sides: dict[tuple[int, bool], _Side] = {}
        self._next = 0
        self._taking: int | None = None  # the taker that is at the venue

    def __iter__(self) -> Iterator[OrderEvent]:
        """Raises what the captures raise."""
        self._start()
        for event in heapq.merge(*map(_sweeps, self._captures), key=lambda event: event.time):
            if isinstance(event, Levels):
                yield from self._follow(event)
            else:
                yield from self._touch(event) if isinstance(event, Touch) else self._take(event)

    def forget(self, number: int) -> None:
        """The order of that number is not in the book: it was refused, or removed without a trade.

        To be said before the next event is asked for. For a refused Modify, the order that it replaces has to be
        cancelled at the venue as well.
        """
        if number == self._taking:
            self._taking = None
        found = self._levels.get(number)
        if found is not None:
            side, rank = found
            self._remove(side, rank, next(order for order in side.queues[rank] if order.number == number))

    def _side(self, market: int, buys: bool) -> _Side:
        return self._sides.setdefault((market, buys), _Side(market, buys))

    def _follow(self, levels: Levels) -> Iterator[OrderEvent]:
        """Bring the book to the levels of the capture: first what goes, so that nothing new crosses it."""
        sides = self._side(levels.market, True), self._side(levels.market, False)
        for side, changes in zip(sides, (levels.bids, levels.asks), strict=True):
            side.update(changes, levels.whole)
        for side in sides:
            for rank, lots in side.excess(2 * self._settings.levels):
                yield from self._shrink(levels.time, side, rank, lots)
        for side, opposite in (sides, sides[::-1]):
            crossing = -min(opposite.queues, default=_NOWHERE)  # the rank here of the best price there
            for rank, lots in side.nearest(self._settings.levels):
                growth = lots - _lots(side.queues.get(rank, ()))
                if growth > 0 and rank <= crossing:
                    self.statistics.crossed += 1
                elif growth > 0:
                    yield from self._grow(levels.time, side, rank, growth)

    def _touch(self, touch: Touch) -> Iterator[OrderEvent]:
        """Between two updates of levels, the best prices tell what has gone, and which better level has come."""
        if touch.bid[0] >= touch.ask[0]:
            self.statistics.crossed += 1
            return
        best = [(self._side(touch.market, buys), *(touch.bid if buys else touch.ask)) for buys in (True, False)]
        for side, price, _ in best:
            yield from self._clear(touch.time, side, side.rank(price) - 1)
        for side, price, size in best:
            if size and side.rank(price) not in side.queues:
                yield from self._grow(touch.time, side, side.rank(price), size)

    def _shrink(self, time: int, side: _Side, rank: int, lots: int) -> Iterator[OrderEvent]:
        """Take lots out of a level, from the last order on; what is left of one that is too large stays last."""
        while lots > 0 and rank in side.queues:
            last = side.queues[rank][-1]
            left = last.size - lots
            lots -= last.size
            self._remove(side, rank, last)
            if left > 0 and left * abs(rank) >= self._least(side.market):
                order = self._add(side, rank, last.account, left)
                self.statistics.modifies += 1
                yield Modify(
                    time, order.number, order.account, side.market, side.buys, abs(rank), left, replaces=last.number
                )  # fmt: skip
            else:
                self.statistics.cancels += 1
                yield Cancel(time, last.number, last.account)

    def _grow(self, time: int, side: _Side, rank: int, lots: int) -> Iterator[OrderEvent]:
        """Put lots into a level, as orders of several accounts if they are many."""
        side.typical += (lots - side.typical) // _TYPICAL_WEIGHT if side.typical else lots
        for size in self._split(lots, -(-self._least(side.market) // abs(rank)), max(1, side.typical)):
            account = self._draw_maker()
            if account is None:
                self.statistics.no_room += 1
                return
            order = self._add(side, rank, account, size)
            self.statistics.places += 1
            self.statistics.queues += len(side.queues[rank]) == 2
            self.statistics.longest_queue = max(self.statistics.longest_queue, len(side.queues[rank]))
            yield Place(time, order.number, account, side.market, side.buys, abs(rank), size)

    def _split(self, lots: int, least: int, typical: int) -> list[int]:
        """The sizes of the orders that make up a growth; none if even one would have less than the least size."""
        count = min(self._settings.pieces, 1 + lots // typical, lots)
        cuts = [0, *sorted(self._rng.sample(range(1, lots), count - 1)), lots]
        sizes = [cuts[place + 1] - cuts[place] for place in range(count)]
        if min(sizes) < least:
            sizes = [lots] if lots >= least else []
        return sizes

    def _least(self, market: int) -> int:
        return self._settings.least_notionals.get(market, 0)

    def _take(self, sweep: _Sweep) -> Iterator[OrderEvent]:
        """One order for what was traded, after the orders that the trades show to have gone or come meanwhile."""
        side, opposite = (self._side(sweep.market, buys) for buys in (not sweep.taker_buys, sweep.taker_buys))
        first, last = side.rank(sweep.first), side.rank(sweep.last)
        yield from self._clear(sweep.time, side, first - 1)
        yield from self._clear(sweep.time, opposite, -first)
        for price, lots in sweep.lots.items():
            missing = lots - _lots(side.queues.get(side.rank(price), ()))
            if missing > 0:
                yield from self._grow(sweep.time, side, side.rank(price), missing)
        reach = sorted(rank for rank in side.queues if rank <= last)
        makers = {order.account for rank in reach for order in side.queues[rank]}
        taker = self._draw(lambda account: account not in makers)
        self.statistics.trades += sweep.trades
        left = sweep.size
        if reach and taker is not None and sweep.size * sweep.last >= self._least(sweep.market):
            number = self._taking = self._number()
            self.statistics.takes += 1
            yield Take(sweep.time, number, taker, sweep.market, sweep.taker_buys, sweep.last, sweep.size)
            for rank in reach:
                while left and self._taking is not None and rank in side.queues:
                    left -= self._fill(side, rank, side.queues[rank][0], left)
        self.statistics.taken += sweep.size - left
        self.statistics.not_taken += left

    def _clear(self, time: int, side: _Side, last: int) -> Iterator[OrderEvent]:
        """Cancel the orders up to a rank."""
        for rank in sorted(rank for rank in side.queues if rank <= last):
            yield from self._shrink(time, side, rank, _lots(side.queues.get(rank, ())))

    def _fill(self, side: _Side, rank: int, maker: _Standing, most: int) -> int:
        """Trade with a maker; the lots."""
        lots = min(maker.size, most)
        maker.size -= lots
        self.statistics.fills += 1
        if maker.size:
            self.statistics.partial_fills += 1
        else:
            self._remove(side, rank, maker)
        return lots

    def _add(self, side: _Side, rank: int, account: int, size: int) -> _Standing:
        """A new order, last in its queue."""
        order = _Standing(self._number(), account, size)
        side.queues.setdefault(rank, []).append(order)
        self._levels[order.number] = side, rank
        self._resting[account] += 1
        self.statistics.most_orders = max(self.statistics.most_orders, len(self._levels))
        return order

    def _remove(self, side: _Side, rank: int, order: _Standing) -> None:
        side.queues[rank].remove(order)
        if not side.queues[rank]:
            del side.queues[rank]
        del self._levels[order.number]
        self._resting[order.account] -= 1

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def _draw_maker(self) -> int | None:
        """An account that may have one more order; None if there is none, or the book is full."""
        if len(self._levels) >= self._settings.orders:
            return None
        return self._draw(lambda account: self._resting[account] < self._settings.orders_per_account)

    def _draw(self, fits: Callable[[int], bool]) -> int | None:
        """An account that fits: one drawn, or the next one after it that does."""
        start = self._rng.randrange(self._settings.accounts)
        around = chain(range(start, self._settings.accounts), range(start))
        return next((account for account in around if fits(account)), None)


def _sweeps(events: Iterable[Event]) -> Iterator[Levels | Touch | _Sweep]:
    """What a capture tells, with its trades joined to sweeps."""
    sweep: _Sweep | None = None
    for event in events:
        if sweep is not None and isinstance(event, Trade) and sweep.join(event):
            continue
        if sweep is not None:
            yield sweep
        sweep = None
        if isinstance(event, Trade):
            sweep = _Sweep(event)
        else:
            yield event
    if sweep is not None:
        yield sweep


def _lots(queue: Iterable[_Standing]) -> int:
    return sum(order.size for order in queue)
