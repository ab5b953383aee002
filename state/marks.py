"""When the prices of a tape become marks of the ledger."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from circuits.bounds import FRACTION_ONE
from circuits.records import (
    MARKET_MARK,
    PARAMETERS_STALENESS,
    PARAMETERS_TIME,
    Tag,
    from_limbs,
    market_index,
    parameters_index,
)
from state.depth import Terms
from state.ledger import Ledger
from state.margin import relied_until
from state.rehearsal import last_time
from state.tape import Trade
from state.transitions.price import SetPrice
from state.venue import Instrument


class Marks:
    """The price updates for one pass over a tape. An asset follows the first market named after it: ETH does ETH-PERP.

    ledger: in the open batch that takes the updates as they come. tape: trades or orders in order of time; the first of
    each market is what it opens with. price_move: in 1 / FRACTION_ONE; a trade further than this from the mark sets it
    anew, and so does, at the latest, the trade after price_interval of its market; but an instrument gets one price a
    second, because a second one could not move it.
    """

    def __init__(self, ledger: Ledger, tape: Sequence[Trade | Terms], price_move: int, price_interval: int) -> None:
        self._ledger, venue = ledger, ledger.venue
        self._firsts, self._start = {one.market: one.price for one in reversed(tape)}, tape[0].time
        self._price_move, self._price_interval = price_move, price_interval
        self._epoch, self._clock = venue.epoch, last_time(ledger)  # no price may be set behind it
        self._age = Counter[int]()  # trades of the market since its mark was set
        self._market = {market.number: market for market in venue.markets}
        self._followers: defaultdict[int, list[Instrument]] = defaultdict(list)
        for asset in venue.collateral:
            named = (market for market in venue.markets if market.name.partition("-")[0] == asset.name)
            for market in list(named)[: asset.tag == Tag.ASSET]:
                self._followers[market.number].append(asset)
        followers = [asset.number for market in self._firsts for asset in self._followers[market]]
        priced = {i.number for i in venue.instruments if i.tag != Tag.QUOTE}
        self._others = sorted(priced - {*self._firsts, *followers})  # the tape says nothing about them

    def opening(self) -> Iterator[SetPrice]:
        """Every market at its first price, at the time of the very first one, before all else: accounts may hold what
        only trades later.

        The marks that the tape says nothing about and that hold no more are set as they were.
        """
        stale = [other for other in self._others if not self._holds(other)]
        yield from [SetPrice(other, self._mark(other), self._ledger.time) for other in stale]
        for market, price in sorted(self._firsts.items()):
            yield from self._set(market, price, self._start)

    def again(self, market: int, price: int, time: int) -> Iterator[SetPrice]:
        """What has to be set before an order rests: a capped mark, because no order can rest, nor thus trade, by it."""
        if not self._holds(market):
            yield from self._set(market, price, time)

    def before(self, market: int, price: int, time: int) -> Iterator[SetPrice]:
        """What has to be set before a trade becomes a fill."""
        mark = self._mark(market)
        moved = abs(price - mark) * FRACTION_ONE > mark * self._price_move
        if moved or self._age[market] >= self._price_interval or not self._holds(market):
            yield from self._set(market, price, time)
        self._age[market] += 1

    def _set(self, market: int, price: int, time: int) -> Iterator[SetPrice]:
        # A tape older than the ledger's time is played at the ledger's time.
        self._clock, self._age[market] = max(self._clock, time // 10**9 - self._epoch), 0
        updates = [self._price(market, price)]
        for asset in self._followers[market]:
            updates.append(self._price(asset.number, price * asset.price_scale // self._market[market].price_scale))
        yield from (update for update in updates if update.time > self._parameter(update.instrument, PARAMETERS_TIME))

    def _price(self, instrument: int, price: int) -> SetPrice:
        """At the time of the tape, or, if that is longer than prices hold, so late that it holds."""
        oldest = self._ledger.time - self._parameter(instrument, PARAMETERS_STALENESS)
        return SetPrice(instrument, price, max(self._clock, oldest))

    def _mark(self, instrument: int) -> int:
        return from_limbs(self._ledger.read(market_index(instrument))[MARKET_MARK : MARKET_MARK + 2])

    def _holds(self, instrument: int) -> bool:
        return relied_until(self._ledger.read(market_index(instrument))) >= self._ledger.time

    def _parameter(self, instrument: int, element: int) -> int:
        return self._ledger.read(parameters_index(instrument))[element]
