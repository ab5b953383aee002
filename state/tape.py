"""Public trade tapes as exact integers on one clock: CSV files, and captures of an exchange's streams."""

import csv
import gzip
import heapq
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from circuits.bounds import AMOUNT_MAX, PRICE_MAX, SIZE_MAX
from state.decimals import DecimalError, scale_down
from state.errors import FileError, json_problem
from state.venue import Instrument, Venue

T = TypeVar("T")
MAX_LINE_BYTES = 1 << 20  # a capture's depth snapshots take tens of thousands
COLUMNS = ("time", "price", "size", "side")
_KINDS = {int: "an integer", str: "a string", bool: "true or false", list: "a list"}
_SIDES = {"buy": True, "sell": False}
# Nanoseconds in a unit of Unix time, by the digits that a time between 2001 and 2286 has in it.
_NANOSECONDS = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}
_MILLISECONDS = 10**6
_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TapeError(FileError):
    """A malformed tape."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of a perpetual market, in the venue's units."""

    time: int  # Unix nanoseconds
    market: int
    price: int  # quote base units a lot
    size: int  # lots
    taker_buys: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A trade as the file has it."""

    line: int
    time: int  # Unix nanoseconds
    price: str  # quote per whole
    size: str  # wholes
    taker_buys: bool


class Tape:
    """The trades of one file, all in one market, in order of time; an iterable that streams.

    A name that ends in .gz, but not in .csv.gz, is a capture, any other a CSV file. Prices are rounded down to the
    venue's units and sizes to its lots; sizes above max_size are cut. The counts are those of the last iteration, as
    far as it has come: trades handed out, those among them that were rounded or cut, and trades skipped because nothing
    was left after rounding.
    """

    def __init__(self, path: Path, market: Instrument, max_size: int = SIZE_MAX) -> None:
        self.path, self.market, self.max_size = path, market, max_size
        self.restart()

    def __iter__(self) -> Iterator[Trade]:
        """Raises TapeError."""
        self.restart()
        earliest: int | None = None
        for row in _read(self.path):
            if earliest is not None and row.time < earliest:
                raise TapeError(str(self.path), "is before the trade above it; sort the file by time", row.line, "time")
            earliest = row.time
            trade = self.trade(row)
            if trade is not None:
                yield trade

    def restart(self) -> None:
        """Count from 0."""
        self.trades = self.rounded = self.cut = self.skipped = 0

    def trade(self, row: Row) -> Trade | None:
        """The row in the venue's units; None if nothing is left of it. It is counted. Raises TapeError."""
        price, price_exact = self._floor(row, "price", row.price)
        size, size_exact = self._floor(row, "size", row.size)
        if price > PRICE_MAX:
            problem = f"{row.price} is above {self.market.format_price(PRICE_MAX)}, {self.market.name}'s highest"
            raise TapeError(str(self.path), problem, row.line, "price")
        if not price or not size:
            self.skipped += 1
            return None
        most = min(self.max_size, AMOUNT_MAX // price)
        self.trades += 1
        self.rounded += not (price_exact and size_exact)
        self.cut += size > most
        return Trade(row.time, self.market.number, price, min(size, most), row.taker_buys)

    def _floor(self, row: Row, field: str, text: str) -> tuple[int, bool]:
        """A price or size in units, rounded down, and whether it was exact."""
        scale = self.market.price_scale if field == "price" else self.market.units_per_one
        try:
            return scale_down(text, scale)
        except DecimalError as error:
            raise TapeError(str(self.path), str(error), row.line, field) from error


def open_tape(venue: Venue, argument: str) -> Tape:
    """The tape of an argument MARKET=FILE. Raises TapeError if it is not one."""
    name, _, file = argument.partition("=")
    market = next((market for market in venue.markets if market.name == name), None)
    if market is None or not file:
        markets = ", ".join(market.name for market in venue.markets)
        raise TapeError(argument, f"is not MARKET=FILE with a market of this venue; it has {markets}")
    return Tape(Path(file), market)


def merge_tapes(tapes: Iterable[Iterable[Trade]], limit: int | None = None) -> Iterator[Trade]:
    """The trades of all tapes in order of time, the first `limit` of them; at equal times in the order of the tapes."""
    return islice(heapq.merge(*tapes, key=lambda trade: trade.time), limit)


def _read(path: Path) -> Iterator[Row]:
    return _read_capture(path) if path.suffix == ".gz" and path.suffixes[-2:-1] != [".csv"] else _read_csv(path)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file, compressed or not, numbered from 1."""
    file, number = str(path), 0
    try:
        with path.open("rb") as raw:
            stream = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise TapeError(file, f"is longer than {MAX_LINE_BYTES} bytes", number)
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise TapeError(file, "is not UTF-8 text", number) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TapeError(file, f"is not a whole gzip file: {error}", number + 1) from error
    except OSError as error:
        raise TapeError(file, f"cannot be read: {error.strerror or error}") from error


def _read_csv(path: Path) -> Iterator[Row]:
    """The rows below a header that names COLUMNS once each, in any order and among any others."""
    file = str(path)
    reader = csv.reader((line for _, line in _lines(path)), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        for name in COLUMNS:
            if header.count(name) != 1:
                raise TapeError(file, f"must stand once in the header, among {', '.join(COLUMNS)}", 1, name)
        places = [header.index(name) for name in COLUMNS]
        read_time: Callable[[str], int] | None = None
        for cells in reader:
            if len(cells) != len(header):
                raise TapeError(file, f"has {len(cells)} cells, the header {len(header)}", reader.line_num)
            time, price, size, side = (cells[place].strip() for place in places)
            try:
                read_time = read_time or _time_format(time)
                nanoseconds = read_time(time)
            except ValueError as error:
                raise TapeError(file, str(error), reader.line_num, "time") from error
            buys = _SIDES.get(side.lower())
            if buys is None:
                raise TapeError(file, f"{side[:40]!r} is neither buy nor sell", reader.line_num, "side")
            yield Row(reader.line_num, nanoseconds, price, size, buys)
    except csv.Error as error:
        raise TapeError(file, f"is not CSV: {error}", reader.line_num) from error


def _time_format(first: str) -> Callable[[str], int]:
    """How to read a tape's times, from the first of them; raises ValueError for a time that is written otherwise."""
    digits = len(first)
    if not first.isdecimal():
        return _iso_time
    if digits not in _NANOSECONDS:
        units = "Unix seconds have 10, milliseconds 13, microseconds 16, nanoseconds 19"
        raise ValueError(f"{first[:40]} has {digits} digits; {units}")

    def read(text: str) -> int:
        if len(text) != digits or not text.isascii() or not text.isdecimal():
            raise ValueError(f"{text[:40]!r} is not an integer of {digits} digits, as the first time is")
        return int(text) * _NANOSECONDS[digits]

    return read


def _iso_time(text: str) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        example = "2024-08-08T23:54:15.123Z, with an offset"
        raise ValueError(f"{text[:40]!r} is neither an integer of Unix time nor like {example}")
    try:
        seconds = (datetime.fromisoformat(match[1] + match[3]) - _UNIX_EPOCH) // timedelta(seconds=1)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time of the calendar") from error
    return seconds * 10**9 + int((match[2] or "").ljust(9, "0"))


def _read_capture(path: Path) -> Iterator[Row]:
    for number, event in capture_events(path, ("trade",)):
        if event.get("e") == "trade":
            yield capture_row(str(path), number, event)


def capture_events(path: Path, words: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a capture's `<nanoseconds> <json>` lines, bare or under "data", with the numbers of the lines.

    A line without any of the words is passed over unread. Raises TapeError.
    """
    file, has_word = str(path), re.compile("|".join(map(re.escape, words))).search
    for number, line in _lines(path):
        if not has_word(line):
            continue
        received, _, content = line.partition(" ")
        try:
            message = _JSON.decode(content)
        except (ValueError, RecursionError) as error:
            raise TapeError(file, f"is not `<nanoseconds> <json>`: {json_problem(error)}", number) from error
        if not received.isdecimal() or not isinstance(message, dict):
            raise TapeError(file, "is not `<nanoseconds> <json>`", number)
        event = message.get("data", message)
        if isinstance(event, dict):
            yield number, event


def capture_row(file: str, number: int, event: dict[str, Any]) -> Row:
    """The trade of a capture's trade event. Raises TapeError."""
    time = event_time(file, number, event)
    price, size = event_value(file, number, event, "p", str), event_value(file, number, event, "q", str)
    return Row(number, time, price, size, not event_value(file, number, event, "m", bool))


def event_time(file: str, number: int, event: dict[str, Any]) -> int:
    """The time of the matching engine that an event of a capture names, in Unix nanoseconds. Raises TapeError."""
    time = event_value(file, number, event, "T", int)
    if time < 0 or _NANOSECONDS.get(len(str(time))) != _MILLISECONDS:
        raise TapeError(file, f"{str(time)[:40]} is not in Unix milliseconds", number, "T")
    return time * _MILLISECONDS


def event_value(file: str, number: int, event: dict[str, Any], name: str, kind: type[T]) -> T:
    """A field of an event, of that type and no other. Raises TapeError."""
    value = event.get(name)
    if type(value) is not kind:
        raise TapeError(file, f"must be {_KINDS[kind]}", number, name)
    return value


_JSON = json.JSONDecoder(parse_float=str, parse_constant=str)  # no number that is read here has a fraction
