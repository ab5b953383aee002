"""The venue: its chains, collateral assets, perpetual markets and oracle, as read from the venue file (TOML)."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from circuits.bounds import (
    ACCOUNT_INSTRUMENTS,
    AMOUNT_MAX,
    BORROW_MAX,
    CAP_UNIT,
    FEE_MAX,
    FEE_ONE,
    FRACTION_ONE,
    LIMB,
    LOT_UNITS_MAX,
    MAINTENANCE_MIN,
    MAX_INSTRUMENTS,
    PRICE_MAX,
    RATIO_ONE,
    SIZE_MAX,
    STALENESS_MAX,
    TIME_MAX,
    TRANSIT,
)
from circuits.records import QUOTE_INSTRUMENT, Tag
from state.decimals import DecimalError, format_decimal, is_terminating, parse_decimal, scale_exactly
from state.errors import ConfigError
from verifier.prices import KEY_SIZE, MAX_MEMBERS, MAX_SECONDS, SIGNATURE_SIZE, Oracle

T = TypeVar("T")
_KINDS = {
    str: 'a string in "quotes"', int: "an integer", list: "a list", dict: "a table",
    datetime: "a time with an offset, such as 2024-01-01T00:00:00Z",
}  # fmt: skip
FORMAT, VERSION = "solvent-venue", 1
MAX_DECIMALS = 18
# Characters. The memory that reading TOML takes grows with the square of a line: a key may have thousands of parts. And
# an integer in a line this short is one that Python prints.
MAX_LENGTH, MAX_LINE = 1 << 16, 3_000
MAX_SEED = 64  # characters
_CLOCKS = ("host", "replay")  # by Oracle.replay
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Instrument:
    """The quote, a collateral asset or a perpetual market.

    Balances count `units`: base units of an asset, lots of a perpetual.
    """

    number: int
    name: str
    tag: Tag  # QUOTE, ASSET or PERPETUAL
    units_per_one: Fraction  # units in one whole
    lot_units: int  # units in one lot
    price_scale: Fraction  # quote base units a lot, for a price of 1 quote per whole
    fraction: int  # in 1 / FRACTION_ONE: initial margin of a perpetual, 1 - haircut of an asset; 0 for the quote
    maker_fee: int  # in 1 / FEE_ONE
    taker_fee: int
    initial_price: int  # quote base units a lot; 0 for the quote
    staleness: int = 0  # seconds for which a price may be relied on
    step_time: int = 0  # seconds; a price moves the mark by at most elapsed / step_time of it
    minimum_notional: int = 0  # quote base units, of an order
    interest_cap: int = 0  # lots, of all long positions together

    def units(self, text: str) -> int:
        """The units of a decimal amount in wholes. Raises DecimalError if it is not exact."""
        return scale_exactly(text, self.units_per_one)

    def price(self, text: str) -> int:
        """The price a lot, in quote base units, of a decimal price per whole. Raises DecimalError if not exact."""
        return scale_exactly(text, self.price_scale)

    def format_units(self, units: int) -> str:
        """The inverse of `units`."""
        return format_decimal(units / self.units_per_one)

    def format_price(self, price: int) -> str:
        """The inverse of `price`."""
        return format_decimal(price / self.price_scale)


@dataclass(frozen=True)
class Venue:
    """A venue. Instruments are numbered: the quote 0, then the other assets, then the markets, in file order."""

    name: str
    epoch: int  # Unix seconds
    chains: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    borrow_fraction: int  # in 1 / RATIO_ONE
    borrow_cap: int  # of an account, in CAP_UNIT quote base units
    maintenance: int  # of the initial requirement, in 1 / RATIO_ONE
    close_out: int
    notice: int  # seconds between the announcement of a parameter and its change
    oracle: Oracle
    possession: tuple[bytes, ...]  # of each oracle member: the proof that it holds its secret key
    simulated_seed: str | None  # from which the members' secret keys follow, if they are made up
    source: str = field(compare=False, repr=False)  # the file's text

    @cached_property
    def id(self) -> bytes:
        """SHA-256 of the canonical encoding: JSON with sorted keys, no spaces, integers only."""
        return hashlib.sha256(self._canonical().encode()).digest()

    @cached_property
    def collateral(self) -> tuple[Instrument, ...]:
        """The quote and the other assets."""
        return tuple(i for i in self.instruments if i.tag != Tag.PERPETUAL)

    @cached_property
    def markets(self) -> tuple[Instrument, ...]:
        """The perpetual markets."""
        return tuple(i for i in self.instruments if i.tag == Tag.PERPETUAL)

    @cached_property
    def by_name(self) -> Mapping[str, Instrument]:
        """The instruments by name."""
        return {instrument.name: instrument for instrument in self.instruments}

    @cached_property
    def chain_numbers(self) -> Mapping[str, int]:
        """The chains' numbers by name."""
        return {name: number for number, name in enumerate(self.chains)}

    @property
    def quote(self) -> Instrument:
        """The quote."""
        return self.instruments[QUOTE_INSTRUMENT]

    def _canonical(self) -> str:
        instruments = [
            {
                "name": i.name, "tag": i.tag.name, "units_per_one": str(i.units_per_one), "lot_units": i.lot_units,
                "fraction": i.fraction, "maker_fee": i.maker_fee, "taker_fee": i.taker_fee, "price": i.initial_price,
                "staleness": i.staleness, "step_time": i.step_time, "minimum_notional": i.minimum_notional,
                "interest_cap": i.interest_cap,
            }
            for i in self.instruments
        ]
        content = {
            "format": FORMAT, "version": VERSION, "name": self.name, "epoch": self.epoch, "chains": self.chains,
            "instruments": instruments, "borrow_fraction": self.borrow_fraction, "borrow_cap": self.borrow_cap,
            "maintenance": self.maintenance, "close_out": self.close_out, "notice": self.notice,
            "oracle": {
                "threshold": self.oracle.threshold, "drift": self.oracle.drift, "age": self.oracle.age,
                "clock": _CLOCKS[self.oracle.replay], "simulated_seed": self.simulated_seed,
                "members": [
                    [key.hex(), proof.hex()] for key, proof in zip(self.oracle.keys, self.possession, strict=True)
                ],
            },
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"))


def is_seed(text: str) -> bool:
    """Whether a simulated oracle's keys can follow from the text."""
    return 1 <= len(text) <= MAX_SEED and text.isascii() and text.isprintable()


def load_venue(path: Path) -> Venue:
    """The venue of a file. Raises ConfigError."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            text = stream.read(MAX_LENGTH + 1)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), "cannot be read: it is not UTF-8 text") from error
    return parse_venue(text, str(path))


def parse_venue(text: str, file: str = "venue.toml") -> Venue:
    """The venue of a venue file's text; `file` is its name in errors. Raises ConfigError."""
    _check_size(text, file)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the latter for tables in tables in tables
        line = re.search(r"line (\d+)", str(error))
        raise ConfigError(file, f"is not TOML: {error}", int(line[1]) if line else None) from error
    root = _Table(file, "", content)
    _check_format(root)
    name, epoch, chains = root.name("name"), root.moment("epoch"), root.names("chains", TRANSIT)
    maintenance = root.scaled("maintenance", RATIO_ONE, MAINTENANCE_MIN, RATIO_ONE - 1)
    close_out = root.scaled("close_out", RATIO_ONE, 1, MAINTENANCE_MIN - 1)
    borrow_fraction = root.scaled("borrow_fraction", RATIO_ONE, 0, BORROW_MAX)
    notice = root.integer("notice", 0, TIME_MAX)
    quote = _read_quote(root.table("quote"))
    borrow_cap = root.scaled("borrow_cap", quote.units_per_one, CAP_UNIT, AMOUNT_MAX) // CAP_UNIT
    instruments = [quote]
    for table in root.tables("asset"):
        instruments.append(_read_asset(table, len(instruments), quote))
    for table in root.tables("market"):
        instruments.append(_read_market(table, len(instruments), quote))
    oracle = _read_oracle(root.table("oracle"))
    _check_notice(root, notice, oracle[0])
    root.finish()
    _check_instruments(file, instruments)
    ratios = borrow_fraction, borrow_cap, maintenance, close_out
    return Venue(name, epoch, chains, tuple(instruments), *ratios, notice, *oracle, text)


def _check_size(text: str, file: str) -> None:
    if len(text) > MAX_LENGTH:
        raise ConfigError(file, f"is longer than {MAX_LENGTH} characters")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise ConfigError(file, f"is longer than {MAX_LINE} characters; break the line", number)


def _check_format(root: "_Table") -> None:
    found, version = root.take("format", str), root.take("version", int)
    if (found, version) != (FORMAT, VERSION):
        raise root.error("format", f"is {found!r} version {version}; this program reads {FORMAT!r} version {VERSION}")


def _read_quote(table: "_Table") -> Instrument:
    name, units = table.name("name"), Fraction(10 ** table.integer("decimals", 0, MAX_DECIMALS))
    table.finish()
    return Instrument(QUOTE_INSTRUMENT, name, Tag.QUOTE, units, 1, Fraction(1), 0, 0, 0, 0)


def _read_asset(table: "_Table", number: int, quote: Instrument) -> Instrument:
    name, units = table.name("name"), Fraction(10 ** table.integer("decimals", 0, MAX_DECIMALS))
    lot_units = table.scaled("lot", units, 1, LOT_UNITS_MAX)
    fraction = FRACTION_ONE - table.scaled("haircut", FRACTION_ONE, 0, FRACTION_ONE)
    _check_lot(table, lot_units / units)
    scale = quote.units_per_one * lot_units / units
    price, times = table.scaled("price", scale, 1, PRICE_MAX), _read_times(table)
    table.finish()
    return Instrument(number, name, Tag.ASSET, units, lot_units, scale, fraction, 0, 0, price, *times)


def _read_market(table: "_Table", number: int, quote: Instrument) -> Instrument:
    name, lot = table.name("name"), table.decimal("lot")
    _check_lot(table, lot)
    fraction = table.scaled("initial_margin", FRACTION_ONE, 1, FRACTION_ONE)
    maker_fee, taker_fee = (table.scaled(f"{side}_fee", FEE_ONE, 0, FEE_MAX) for side in ("maker", "taker"))
    scale = quote.units_per_one * lot
    price, times = table.scaled("price", scale, 1, PRICE_MAX), _read_times(table)
    least = table.scaled("minimum_notional", quote.units_per_one, 0, PRICE_MAX)
    cap = table.scaled("open_interest_cap", 1 / lot, 0, SIZE_MAX)
    table.finish()
    rates = fraction, maker_fee, taker_fee
    return Instrument(number, name, Tag.PERPETUAL, 1 / lot, 1, scale, *rates, price, *times, least, cap)


def _read_times(table: "_Table") -> tuple[int, int]:
    return table.integer("staleness", 0, STALENESS_MAX), table.integer("step_time", 2, LIMB - 1)


def _check_lot(table: "_Table", lot: Fraction) -> None:
    """Amounts and prices that are whole numbers must be decimal numbers too, so that they can be written."""
    if lot == 0 or not is_terminating(1 / lot):
        raise table.error("lot", "must divide a power of ten, such as 0.001 or 0.25")


def _read_oracle(table: "_Table") -> tuple[Oracle, tuple[bytes, ...], str | None]:
    """The committee, the proofs of possession, and the seed of a simulated committee."""
    threshold = table.integer("threshold", 1, MAX_MEMBERS)
    drift, age = (table.integer(name, 0, MAX_SECONDS) for name in ("drift", "age"))
    clock = table.name("clock")
    if clock not in _CLOCKS:
        raise table.error("clock", f"{clock!r} is neither of {', '.join(_CLOCKS)}")
    seed = table.take("simulated_seed", str) if "simulated_seed" in table.content else None
    if seed is not None and not is_seed(seed):
        raise table.error("simulated_seed", f"is not 1 to {MAX_SEED} printable ASCII characters")
    members = []
    for member in table.tables("member"):
        members.append((member.hexadecimal("key", KEY_SIZE), member.hexadecimal("proof", SIGNATURE_SIZE)))
        member.finish()
    table.finish()
    try:
        oracle = Oracle(tuple(key for key, _ in members), threshold, drift, age, replay=clock == "replay")
    except ValueError as error:
        raise table.error("member", str(error)) from error
    return oracle, tuple(proof for _, proof in members), seed


def _check_notice(root: "_Table", notice: int, oracle: Oracle) -> None:
    """A chain takes batches whose time is `age` behind its clock or `drift` ahead: only what is longer is a notice."""
    if 0 < notice <= oracle.age + oracle.drift:
        raise root.error("notice", f"{notice} is within the oracle's age and drift, {oracle.age} + {oracle.drift}")


def _check_instruments(file: str, instruments: list[Instrument]) -> None:
    if len(instruments) > MAX_INSTRUMENTS:
        raise ConfigError(file, f"{len(instruments)} instruments; at most {MAX_INSTRUMENTS} are possible")
    collateral = sum(instrument.tag != Tag.PERPETUAL for instrument in instruments)
    if collateral > ACCOUNT_INSTRUMENTS:  # the venue's own accounts hold all of it
        raise ConfigError(file, f"{collateral} collateral assets; at most {ACCOUNT_INSTRUMENTS} are possible")
    if instruments[-1].tag != Tag.PERPETUAL:
        raise ConfigError(file, "a venue needs at least one market", field="market")
    for number, instrument in enumerate(instruments):
        if instrument.name in [other.name for other in instruments[:number]]:
            raise ConfigError(file, f"two instruments are named {instrument.name}", field="name")


class _Table:
    """A TOML table being read: each field is taken once, checked, and what is left at the end is refused."""

    def __init__(self, file: str, path: str, content: object) -> None:
        self.file, self.path = file, path
        if not isinstance(content, dict):
            raise ConfigError(file, "must be a table", field=path)
        self.content = dict(content)

    def error(self, name: str, problem: str) -> ConfigError:
        return ConfigError(self.file, problem, field=f"{self.path}.{name}" if self.path else name)

    def take(self, name: str, kind: type[T]) -> T:
        if name not in self.content:
            raise self.error(name, "is missing")
        value = self.content.pop(name)
        if type(value) is not kind:
            raise self.error(name, f"must be {_KINDS[kind]}; it is {value!r}"[:200])
        return value

    def name(self, name: str) -> str:
        return self._check_name(name, self.take(name, str))

    def names(self, name: str, limit: int) -> tuple[str, ...]:
        values = self.take(name, list)
        for value in values:
            self._check_name(name, value)
        if not 1 <= len(values) <= limit or len(set(values)) != len(values):
            raise self.error(name, f"must hold 1..{limit} different names")
        return tuple(values)

    def _check_name(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self.error(name, f"{value!r} is not a name of up to 32 letters, digits, dots, dashes, underscores")
        return value

    def moment(self, name: str) -> int:
        value = self.take(name, datetime)
        if value.tzinfo is None or value.microsecond:
            raise self.error(name, "must be whole seconds with an offset, such as 2024-01-01T00:00:00Z")
        return (value - _UNIX_EPOCH) // timedelta(seconds=1)

    def hexadecimal(self, name: str, size: int) -> bytes:
        value = self.take(name, str)
        if not re.fullmatch(f"[0-9a-f]{{{2 * size}}}", value, re.ASCII):
            raise self.error(name, f"must be {2 * size} hexadecimal digits, lower case")
        return bytes.fromhex(value)

    def integer(self, name: str, low: int, high: int) -> int:
        return self._within(name, self.take(name, int), 1, low, high)

    def decimal(self, name: str) -> Fraction:
        try:
            return parse_decimal(self.take(name, str))
        except DecimalError as error:
            raise self.error(name, str(error)) from error

    def scaled(self, name: str, scale: Fraction | int, low: int, high: int) -> int:
        """A decimal string times scale; must be whole and inside low..high."""
        try:
            return self._within(name, scale_exactly(self.take(name, str), scale), scale, low, high)
        except DecimalError as error:
            raise self.error(name, str(error)) from error

    def _within(self, name: str, value: int, scale: Fraction | int, low: int, high: int) -> int:
        if not low <= value <= high:
            found, least, most = (format_decimal(Fraction(number) / scale) for number in (value, low, high))
            raise self.error(name, f"{found} is outside {least}..{most}")
        return value

    def table(self, name: str) -> "_Table":
        return _Table(self.file, name, self.take(name, dict))

    def tables(self, name: str) -> list["_Table"]:
        entries = self.take(name, list) if name in self.content else []
        path = f"{self.path}.{name}" if self.path else name
        return [_Table(self.file, f"{path}[{number}]", entry) for number, entry in enumerate(entries)]

    def finish(self) -> None:
        for name in self.content:
            raise self.error(name, "is not a field of a venue file")
