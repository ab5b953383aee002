"""Captures of an exchange's book as exact integers on one clock: levels, trades and best prices, in order of time."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from circuits.bounds import AMOUNT_MAX, PRICE_MAX, SIZE_MAX
from state.decimals import DecimalError, scale_down
from state.tape import Tape, TapeError, Trade, capture_events, capture_row, event_time, event_value, open_tape
from state.venue import Venue

WINDOW = 250 * 10**6  # nanoseconds: streams are captured side by side, so that lines come late by up to this
_HELD = 1 << 12  # lines within the window, at most
_CACHED = 1 << 16  # decimal strings of which the units are remembered
_TRADE, _LEVELS, _TOUCH = range(3)  # the order at one time: an update already tells of the trades of its time


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels of a market's book, each a price and the size that now stands there, in the venue's units; 0 if none."""

    time: int  # Unix nanoseconds
    market: int
    whole: bool  # whether these are all levels, or those that changed
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Touch:
    """A market's best levels, each a price and the size that stands there."""

    time: int  # Unix nanoseconds
    market: int
    bid: tuple[int, int]
    ask: tuple[int, int]


Event = Levels | Trade | Touch


class Capture:
    """The book and trades of one capture from its first snapshot on, by the matching engine's time; it streams.

    tape: of a file of `<nanoseconds> <json>` lines with events "depthUpdate", "trade" and "bookTicker" (passed over
    unless touches), and snapshots with "lastUpdateId". Trades become what they do in the tape, which counts them;
    sizes of levels are rounded down to lots and cut to what an order can have. The counts are those of the last
    iteration.
    """

    def __init__(self, tape: Tape, touches: bool = True) -> None:
        self.tape, self.touches = tape, touches
        self.gaps = 0  # updates before which others are missing
        self.skipped = 0  # levels whose price is above the venue's highest or no whole number of units
        market = tape.market
        self._price = lru_cache(_CACHED)(lambda text: scale_down(text, market.price_scale))
        self._size = lru_cache(_CACHED)(lambda text: scale_down(text, market.units_per_one)[0])

    def __iter__(self) -> Iterator[Event]:
        """Raises TapeError."""
        self.gaps = self.skipped = 0
        self.tape.restart()
        known: int | None = None  # the number of the book's last update; none before the first snapshot
        latest = 0
        for number, event in self._in_order():
            found = self._event(number, event)
            if isinstance(found, Levels):
                update = event_value(self._file, number, event, "lastUpdateId" if found.whole else "u", int)
                if not found.whole:
                    if known is None or update <= known:
                        continue
                    self.gaps += self._previous(number, event) > known
                known = update
            if known is not None and found is not None:
                latest = max(latest, found.time)
                yield found if found.time == latest else replace(found, time=latest)
        if known is None:
            raise TapeError(self._file, "holds no snapshot of a book")

    @property
    def _file(self) -> str:
        return str(self.tape.path)

    def _in_order(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The lines by their time, as far as they are late by no more than the window."""
        held: list[tuple[int, int, int, dict[str, Any]]] = []
        newest = 0
        words = ("depthUpdate", "lastUpdateId", "trade", *(("bookTicker",) if self.touches else ()))
        for number, event in capture_events(self.tape.path, words):
            rank = self._rank(event)
            if rank is None:
                continue
            time = event_time(self._file, number, event)
            newest = max(newest, time)
            heapq.heappush(held, (time, rank, number, event))
            while held[0][0] < newest - WINDOW or len(held) > _HELD:
                yield heapq.heappop(held)[2:]
        while held:
            yield heapq.heappop(held)[2:]

    def _rank(self, event: dict[str, Any]) -> int | None:
        kind = event.get("e")
        if kind == "trade":
            return _TRADE
        if kind == "depthUpdate" or (kind is None and "lastUpdateId" in event):
            return _LEVELS
        return _TOUCH if kind == "bookTicker" and self.touches else None

    def _event(self, number: int, event: dict[str, Any]) -> Event | None:
        rank, market = self._rank(event), self.tape.market.number
        if rank == _TRADE:
            return self.tape.trade(capture_row(self._file, number, event))
        time = event_time(self._file, number, event)
        if rank == _TOUCH:
            best = [self._level(number, names, [event.get(name) for name in names]) for names in ("bB", "aA")]
            self.skipped += not all(price for price, _ in best)
            return Touch(time, market, *best) if all(price for price, _ in best) else None
        whole = "lastUpdateId" in event
        bids, asks = (self._levels(number, event, name) for name in (("bids", "asks") if whole else ("b", "a")))
        return Levels(time, market, whole, bids, asks)

    def _levels(self, number: int, event: dict[str, Any], name: str) -> tuple[tuple[int, int], ...]:
        levels = [self._level(number, name, row) for row in event_value(self._file, number, event, name, list)]
        kept = tuple(level for level in levels if level[0])
        self.skipped += len(levels) - len(kept)
        return kept

    def _level(self, number: int, name: str, row: object) -> tuple[int, int]:
        """Price and size of a level in units; price 0 if the venue has no such price."""
        if type(row) is not list or len(row) != 2 or type(row[0]) is not str or type(row[1]) is not str:
            raise TapeError(self._file, "must be a price and a size, both strings", number, name)
        try:
            (price, exact), size = self._price(row[0]), self._size(row[1])
        except DecimalError as error:
            raise TapeError(self._file, str(error), number, name) from error
        return (price, min(size, SIZE_MAX, AMOUNT_MAX // price)) if exact and 0 < price <= PRICE_MAX else (0, 0)

    def _previous(self, number: int, event: dict[str, Any]) -> int:
        """The number of the update that an update follows: futures name it, spot markets number without gaps."""
        if "pu" in event:
            return event_value(self._file, number, event, "pu", int)
        return event_value(self._file, number, event, "U", int) - 1


def open_capture(venue: Venue, argument: str, touches: bool = True) -> Capture:
    """The capture of an argument MARKET=FILE. Raises TapeError if it is not one."""
    return Capture(open_tape(venue, argument), touches)
