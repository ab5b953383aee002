"""A day of minute bars: a zip archive with one CSV file, named after its day, without a header line.

A row is: milliseconds of the day, then open, high, low and close as decimal prices, then the volume, which is not used.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from circuits.bounds import PRICE_MAX
from state.decimals import DecimalError, scale_down
from state.errors import FileError
from state.venue import Instrument

MINUTE = 60
DAY = 24 * 3600
MAX_SIZE = 1 << 22  # bytes of a CSV file: several times what a day needs
_COLUMNS = 6
_DAY_NAME = re.compile(r"(?:.*[^0-9])?(20[0-9]{6})(?:[^0-9].*)?", re.ASCII)


class MinutePriceError(FileError):
    """A file that is no day of minute bars."""


@dataclass(frozen=True)
class MinuteBar:
    """second: of the day, at which the minute ends; the prices are the decimal texts of the file."""

    line: int
    second: int
    open: str
    close: str


@dataclass(frozen=True)
class MinuteDay:
    """A day's bars, in order of time. start: Unix seconds of its first moment (UTC)."""

    file: str
    start: int
    bars: tuple[MinuteBar, ...]

    def closes(self, instrument: Instrument) -> list[tuple[int, int]]:
        """Second of the day and closing price a lot, rounded down, of each minute. Raises MinutePriceError."""
        return [(bar.second, self._price(instrument, bar, "close")) for bar in self.bars]

    def opening(self, instrument: Instrument) -> int:
        """The first price a lot. Raises MinutePriceError."""
        return self._price(instrument, self.bars[0], "open")

    def _price(self, instrument: Instrument, bar: MinuteBar, field: str) -> int:
        try:
            price, _ = scale_down(getattr(bar, field), instrument.price_scale)
        except DecimalError as error:
            raise MinutePriceError(self.file, str(error), bar.line, field) from error
        if not 1 <= price <= PRICE_MAX:
            problem = f"{getattr(bar, field)} is outside the prices that {instrument.name} can have"
            raise MinutePriceError(self.file, problem, bar.line, field)
        return price


def read_minutes(path: Path) -> MinuteDay:
    """The day of an archive. Raises MinutePriceError, which names the line."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry for entry in archive.infolist() if entry.filename.endswith(".csv")]
            if len(names) != 1:
                raise MinutePriceError(str(path), f"holds {len(names)} CSV files; it must hold one")
            if names[0].file_size > MAX_SIZE:
                raise MinutePriceError(str(path), f"{names[0].filename} is larger than {MAX_SIZE} bytes")
            name, text = names[0].filename, archive.read(names[0]).decode()
    except OSError as error:
        raise MinutePriceError(str(path), f"cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:  # encrypted ones among them
        raise MinutePriceError(str(path), f"is not a zip archive that can be read: {error}") from error
    except UnicodeDecodeError as error:
        raise MinutePriceError(str(path), "does not hold UTF-8 text") from error
    bars = tuple(_bars(str(path), text))
    if not bars:
        raise MinutePriceError(str(path), f"{name} is empty")
    return MinuteDay(str(path), _day(path, name), bars)


def _day(path: Path, name: str) -> int:
    found = _DAY_NAME.fullmatch(name)
    try:
        day = date.fromisoformat(found[1]) if found else None
    except ValueError:
        day = None
    if day is None:
        raise MinutePriceError(str(path), f"{name} does not say which day it is, like 20240131_ethusd.csv")
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _bars(file: str, text: str) -> Iterator[MinuteBar]:
    last = 0
    try:
        for line, row in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
            if len(row) != _COLUMNS:
                raise MinutePriceError(file, f"has {len(row)} columns instead of {_COLUMNS}", line)
            if not re.fullmatch(r"[0-9]{1,8}", row[0], re.ASCII) or int(row[0]) % (1000 * MINUTE):
                raise MinutePriceError(file, f"{row[0][:20]!r} is not the first millisecond of a minute", line, "time")
            second = int(row[0]) // 1000 + MINUTE
            if not last < second <= DAY:
                problem = f"{row[0]} is not after the line before" if second <= DAY else f"{row[0]} is after the day"
                raise MinutePriceError(file, problem, line, "time")
            last = second
            yield MinuteBar(line, second, open=row[1], close=row[4])
    except csv.Error as error:
        raise MinutePriceError(file, f"is not CSV: {error}") from error
