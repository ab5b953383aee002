"""When the prices of a tape become marks of the ledger."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from circuits.bounds import FRACTION_ONE
from circuits.records import Tag
from state.ledger import Ledger
from state.rehearsal import last_time
from state.tape import Trade
from state.transitions.price import SetPrice
from state.venue import Instrument


class Marks:
    """The price updates for one pass over a tape. An asset follows the first market named after it: ETH does ETH-PERP.

    price_move: in 1 / FRACTION_ONE; a trade further than this from the mark sets it anew, and so does, at the latest,
    the trade after price_interval of its market.
    """

    def __init__(self, ledger: Ledger, price_move: int, price_interval: int) -> None:
        venue = ledger.venue
        self._price_move, self._price_interval = price_move, price_interval
        self._epoch, self._clock = venue.epoch, last_time(ledger)  # no price may be set behind it
        self._mark: dict[int, int] = {}
        self._age: dict[int, int] = {}  # trades of the market since its mark was set
        self._market = {market.number: market for market in venue.markets}
        self._followers: defaultdict[int, list[Instrument]] = defaultdict(list)
        for asset in venue.collateral:
            named = (market for market in venue.markets if market.name.partition("-")[0] == asset.name)
            for market in list(named)[: asset.tag == Tag.ASSET]:
                self._followers[market.number].append(asset)

    def opening(self, tape: Sequence[Trade]) -> Iterator[SetPrice]:
        """Every market at its first trade's price, at the time of the very first trade."""
        for trade in tape:
            yield from self.first(trade.market, trade.price, tape[0].time)

    def first(self, market: int, price: int, time: int) -> Iterator[SetPrice]:
        """What has to be set before an order at that price if it is the first of its market. time: Unix nanoseconds."""
        if market not in self._mark:
            yield from self._set(market, price, time)

    def before(self, market: int, price: int, time: int) -> Iterator[SetPrice]:
        """What has to be set before a trade becomes a fill."""
        mark = self._mark[market]
        moved = abs(price - mark) * FRACTION_ONE > mark * self._price_move
        if moved or self._age[market] >= self._price_interval:
            yield from self._set(market, price, time)
        self._age[market] += 1

    def _set(self, market: int, price: int, time: int) -> Iterator[SetPrice]:
        self._mark[market], self._age[market] = price, 0
        # A tape older than the ledger's time is played at the ledger's time.
        self._clock = max(self._clock, time // 10**9 - self._epoch)
        yield SetPrice(market, price, self._clock)
        for asset in self._followers[market]:
            yield SetPrice(asset.number, price * asset.price_scale // self._market[market].price_scale, self._clock)
