"""Batch files: JSON Lines, a header, then a transition or a bundle of signed prices a line; strict and streamed.

The format is described by cli/batch.schema.json.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

from circuits.acts import Parameter
from circuits.bounds import (
    CAP_UNIT,
    COUNTER_MAX,
    FEE_ONE,
    FRACTION_ONE,
    MAX_ACCOUNTS,
    PRICE_MAX,
    RATIO_ONE,
    SIZE_MAX,
    TIME_MAX,
)
from circuits.field import P
from circuits.records import ChainStatus, Status
from state.book import order_id
from state.decimals import DecimalError, format_decimal, scale_exactly
from state.errors import BatchError, json_problem
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.apply_event import ApplyEvent
from state.transitions.apply_funding import ApplyFunding
from state.transitions.cancel import Cancel, CancelAll, ForceCancel, Modify
from state.transitions.cash_out import CashOut
from state.transitions.convert import Convert
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.enact import Enact
from state.transitions.liquidate import Liquidate
from state.transitions.order import Order, Policy
from state.transitions.pay_funding import PayFunding
from state.transitions.price import SetPrice
from state.transitions.receive import Receive
from state.transitions.register import KEY_ELEMENTS, Register
from state.transitions.sample_funding import SampleFunding
from state.transitions.send import Send
from state.transitions.set import SetCap, SetChain, SetStatus
from state.transitions.settle import SettleMarket
from state.transitions.socialise import Socialise
from state.transitions.take_over import TakeOver
from state.transitions.transfer import Transfer
from state.transitions.unwind import Unwind
from state.transitions.withdraw import Withdraw
from state.venue import Instrument, Venue
from verifier.files import replacing
from verifier.prices import MAX_MEMBERS, SIGNATURE_SIZE, Bundle

T = TypeVar("T")
FORMAT, VERSION = "solvent-batch", 1
MAX_LINE_BYTES = 4096
_KEY_DIGITS = 8 * KEY_ELEMENTS
_MAX_NUMBER_DIGITS = 18
_HEXADECIMAL = frozenset("0123456789abcdef")
_BUNDLE = "prices"  # the kind of a line that is a bundle


class _FieldError(ValueError):
    """A field's value is wrong."""


# A decoder turns a JSON value into an argument, an encoder an argument into a JSON value. The instrument is the one
# that the line names; fields that depend on it come after it.
Decoder = Callable[[Venue, Instrument | None, Any], Any]


@dataclass(frozen=True)
class _Codec:
    decode: Decoder
    encode: Decoder
    names_instrument: bool = False


def _integer(high: int) -> _Codec:
    def decode(venue: Venue, instrument: Instrument | None, value: object) -> int:
        if type(value) is not int or not 0 <= value <= high:
            raise _FieldError(f"must be an integer in 0..{high}")
        return value

    return _Codec(decode, _same)


def _same(venue: Venue, instrument: Instrument | None, value: object) -> object:
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _FieldError("must be a string")
    return value


def _decode_boolean(venue: Venue, instrument: Instrument | None, value: object) -> bool:
    if not isinstance(value, bool):
        raise _FieldError("must be true or false")
    return value


def _decode_chain(venue: Venue, instrument: Instrument | None, value: object) -> int:
    number = venue.chain_numbers.get(_text(value))
    if number is None:
        raise _FieldError(f"{value!r} is not a chain of this venue; it has {', '.join(venue.chains)}")
    return number


def _encode_chain(venue: Venue, instrument: Instrument | None, value: int) -> str:
    return venue.chains[value]


def _decode_instrument(venue: Venue, instrument: Instrument | None, value: object) -> int:
    found = venue.by_name.get(_text(value))
    if found is None:
        raise _FieldError(f"{value!r} is not an instrument of this venue; it has {', '.join(venue.by_name)}")
    return found.number


def _encode_instrument(venue: Venue, instrument: Instrument | None, value: int) -> str:
    return venue.instruments[value].name


def _decode_units(venue: Venue, instrument: Instrument, value: object) -> int:
    return instrument.units(_text(value))


def _encode_units(venue: Venue, instrument: Instrument, value: int) -> str:
    return instrument.format_units(value)


def _decode_price(venue: Venue, instrument: Instrument, value: object) -> int:
    return instrument.price(_text(value))


def _encode_price(venue: Venue, instrument: Instrument, value: int) -> str:
    return instrument.format_price(value)


def _decode_key(venue: Venue, instrument: Instrument | None, value: object) -> tuple[int, ...]:
    text = _text(value)
    _require_hexadecimal(text, _KEY_DIGITS)
    key = tuple(int(text[start : start + 8], 16) for start in range(0, _KEY_DIGITS, 8))
    if max(key) >= P:
        raise _FieldError(f"each 8 digits must be below {P:08x}")
    return key


def _encode_key(venue: Venue, instrument: Instrument | None, value: tuple[int, ...]) -> str:
    return "".join(f"{element:08x}" for element in value)


def _require_hexadecimal(text: str, digits: int) -> None:
    if len(text) != digits or set(text) - _HEXADECIMAL:
        raise _FieldError(f"must be {digits} hexadecimal digits, lower case")


def _decode_signature(venue: Venue, instrument: Instrument | None, value: object) -> bytes:
    text = _text(value)
    _require_hexadecimal(text, 2 * SIGNATURE_SIZE)
    return bytes.fromhex(text)


def _encode_signature(venue: Venue, instrument: Instrument | None, value: bytes) -> str:
    return value.hex()


def _decode_signers(venue: Venue, instrument: Instrument | None, value: object) -> int:
    if not isinstance(value, list) or any(type(member) is not int for member in value):
        raise _FieldError("must be a list of integers, the members' numbers")
    if value != sorted(set(value)) or not set(value) <= set(range(MAX_MEMBERS)):
        raise _FieldError(f"must hold different numbers in 0..{MAX_MEMBERS - 1}, ascending")
    return sum(1 << member for member in value)


def _encode_signers(venue: Venue, instrument: Instrument | None, value: int) -> list[int]:
    return [member for member in range(MAX_MEMBERS) if value >> member & 1]


def _decode_prices(venue: Venue, instrument: Instrument | None, value: object) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, dict) or not value:
        raise _FieldError("must be an object of at least one price, by instrument")
    return tuple(sorted(_decode_pair(venue, name, text) for name, text in value.items()))


def _decode_pair(venue: Venue, name: str, text: object) -> tuple[int, int]:
    number = _decode_instrument(venue, None, name)
    if number == venue.quote.number:
        raise _FieldError(f"{name} is the quote and has no price")
    price = venue.instruments[number].price(_text(text))
    if not 1 <= price <= PRICE_MAX:
        raise _FieldError(f"{name}: {text} is outside the prices that the venue's units can hold")
    return number, price


def _encode_prices(
    venue: Venue, instrument: Instrument | None, value: tuple[tuple[int, int], ...]
) -> dict[str, str]:
    return {venue.instruments[number].name: venue.instruments[number].format_price(price) for number, price in value}


def _decode_word(words: Mapping[str, T], value: object) -> T:
    found = words.get(_text(value))
    if found is None:
        raise _FieldError(f"must be one of {', '.join(words)}")
    return found


def _words(words: Mapping[str, T]) -> _Codec:
    """One of these words, each for a value."""
    return _Codec(
        lambda venue, instrument, value: _decode_word(words, value),
        lambda venue, instrument, value: next(word for word, meaning in words.items() if meaning == value),
    )


def _decode_cap(venue: Venue, instrument: Instrument, value: object) -> int:
    return instrument.units(_text(value)) // CAP_UNIT


def _encode_cap(venue: Venue, instrument: Instrument, value: int) -> str:
    return instrument.format_units(value * CAP_UNIT)


def _decode_change(venue: Venue, instrument: Instrument, value: object) -> tuple[Parameter, int]:
    if not isinstance(value, dict) or len(value) != 1:
        raise _FieldError("must be an object of one parameter and its new value")
    ((name, text),) = value.items()
    parameter = _decode_word(_PARAMETERS, name)
    if parameter in _SECONDS:
        return parameter, int(_TIME.decode(venue, instrument, text))
    if parameter is Parameter.BORROW_CAP:
        return parameter, _decode_cap(venue, venue.quote, text)
    number = scale_exactly(_text(text), _scale(venue, instrument, parameter))
    return parameter, FRACTION_ONE - number if parameter is Parameter.HAIRCUT else number


def _encode_change(venue: Venue, instrument: Instrument, value: tuple[Parameter, int]) -> dict[str, str | int]:
    parameter, number = value
    if parameter in _SECONDS:
        return {parameter.value: number}
    if parameter is Parameter.BORROW_CAP:
        return {parameter.value: _encode_cap(venue, venue.quote, number)}
    number = FRACTION_ONE - number if parameter is Parameter.HAIRCUT else number
    return {parameter.value: format_decimal(number / Fraction(_scale(venue, instrument, parameter)))}


def _scale(venue: Venue, instrument: Instrument, parameter: Parameter) -> Fraction | int:
    """What a parameter's decimal number counts, of whatever instrument it is said."""
    if parameter in (Parameter.MAKER_FEE, Parameter.TAKER_FEE):
        return FEE_ONE
    if parameter is Parameter.MINIMUM_NOTIONAL:
        return venue.quote.units_per_one
    if parameter in (Parameter.MAINTENANCE, Parameter.CLOSE_OUT, Parameter.BORROW_FRACTION):
        return RATIO_ONE
    return instrument.units_per_one if parameter in (Parameter.INTEREST_CAP, Parameter.IMPACT) else FRACTION_ONE


_SECONDS = (Parameter.STALENESS, Parameter.STEP_TIME)
_PARAMETERS = {parameter.value: parameter for parameter in Parameter}
_MARKET_STATUS = {status.name.lower().replace("_", "-"): status for status in Status if status is not Status.SETTLED}
_CHAIN_STATUS = {status.name.lower(): status for status in ChainStatus}
_POLICIES = {policy.name.lower().replace("_", "-"): policy for policy in Policy}
_ACCOUNT, _SEQUENCE, _TIME = _integer(MAX_ACCOUNTS - 1), _integer(COUNTER_MAX), _integer(TIME_MAX)
_INSTRUMENT = _Codec(_decode_instrument, _encode_instrument, names_instrument=True)
_CHAIN = _Codec(_decode_chain, _encode_chain)
_UNITS: _Codec = _Codec(_decode_units, _encode_units)  # type: ignore[arg-type]  # comes after the instrument
_PRICE: _Codec = _Codec(_decode_price, _encode_price)  # type: ignore[arg-type]
_BOOLEAN, _KEY = _Codec(_decode_boolean, _same), _Codec(_decode_key, _encode_key)

_FEE = _Codec(
    lambda venue, instrument, value: scale_exactly(_text(value), FEE_ONE),
    lambda venue, instrument, value: format_decimal(value / Fraction(FEE_ONE)),
)
_CAP: _Codec = _Codec(_decode_cap, _encode_cap)  # type: ignore[arg-type]
_CHANGE: _Codec = _Codec(_decode_change, _encode_change)  # type: ignore[arg-type]
_ORDER_NUMBER = _integer(order_id(MAX_ACCOUNTS, 0) - 1)
_ORDER: dict[str, _Codec] = {
    "account": _ACCOUNT, "market": _INSTRUMENT, "buys": _BOOLEAN, "price": _PRICE, "size": _UNITS, "expiry": _TIME,
    "policy": _words(_POLICIES), "reduce_only": _BOOLEAN,
}  # fmt: skip

# The fields of each kind, in the order of reading and writing; a field has the name of the argument.
_FIELDS: dict[str, tuple[Callable[..., Transition | Bundle], dict[str, _Codec]]] = {
    "register": (Register, {"account": _ACCOUNT, "key": _KEY}),
    "deposit": (Deposit, {
        "chain": _CHAIN, "sequence": _SEQUENCE, "account": _ACCOUNT, "asset": _INSTRUMENT, "amount": _UNITS,
    }),
    "withdraw": (Withdraw, {"chain": _CHAIN, "account": _ACCOUNT, "asset": _INSTRUMENT, "amount": _UNITS}),
    "transfer": (Transfer, {"sender": _ACCOUNT, "receiver": _ACCOUNT, "asset": _INSTRUMENT, "amount": _UNITS}),
    "price": (SetPrice, {"instrument": _INSTRUMENT, "price": _PRICE, "time": _TIME}),
    "order": (Order, _ORDER),
    "cancel": (Cancel, {"account": _ACCOUNT, "order": _ORDER_NUMBER}),
    "force_cancel": (ForceCancel, {"account": _ACCOUNT, "order": _ORDER_NUMBER}),
    "liquidate": (Liquidate, {
        "account": _ACCOUNT, "market": _INSTRUMENT, "size": _UNITS, "price": _PRICE, "fee": _FEE,
    }),
    "unwind": (Unwind, {"market": _INSTRUMENT, "buys": _BOOLEAN, "size": _UNITS, "price": _PRICE}),
    "cancel_all": (CancelAll, {"account": _ACCOUNT}),
    "modify": (Modify, {"order": _ORDER_NUMBER, **_ORDER}),
    "set_status": (SetStatus, {"market": _INSTRUMENT, "status": _words(_MARKET_STATUS)}),
    "set_chain": (SetChain, {"chain": _CHAIN, "status": _words(_CHAIN_STATUS)}),
    "set_cap": (SetCap, {"chain": _CHAIN, "asset": _INSTRUMENT, "cap": _CAP}),
    "announce": (Announce, {"instrument": _INSTRUMENT, "change": _CHANGE}),
    "enact": (Enact, {"instrument": _INSTRUMENT}),
    "settle": (SettleMarket, {"market": _INSTRUMENT}),
    "cash_out": (CashOut, {"account": _ACCOUNT, "market": _INSTRUMENT}),
    "pay_funding": (PayFunding, {"account": _ACCOUNT, "market": _INSTRUMENT}),
    "sample_funding": (SampleFunding, {"market": _INSTRUMENT}),
    "apply_funding": (ApplyFunding, {"market": _INSTRUMENT}),
    "take_over": (TakeOver, {"account": _ACCOUNT}),
    "convert": (Convert, {"account": _ACCOUNT, "asset": _INSTRUMENT, "lots": _integer(SIZE_MAX), "price": _PRICE}),
    "deleverage": (Deleverage, {"account": _ACCOUNT, "market": _INSTRUMENT}),
    "apply_event": (ApplyEvent, {"account": _ACCOUNT}),
    "socialise": (Socialise, {"account": _ACCOUNT}),
    "send": (Send, {"chain": _CHAIN, "asset": _INSTRUMENT, "amount": _UNITS}),
    "receive": (Receive, {"chain": _CHAIN, "sequence": _SEQUENCE, "asset": _INSTRUMENT, "amount": _UNITS}),
    _BUNDLE: (Bundle, {
        "time": _TIME, "prices": _Codec(_decode_prices, _encode_prices),
        "signers": _Codec(_decode_signers, _encode_signers),
        "signature": _Codec(_decode_signature, _encode_signature),
    }),
}  # fmt: skip
_NAMES: dict[object, str] = {build: name for name, (build, _) in _FIELDS.items()}


def kind_name(transition: Transition) -> str:
    """What a batch file calls the transition's kind; that of a closing transition is its kind's name."""
    return _NAMES.get(type(transition), transition.kind.name.lower())


class BatchReader:
    """A batch file, as an iterable of (line number, transition or bundle). time: of the batch; None: of the one before.

    A context manager. Raises BatchError.
    """

    def __init__(self, path: Path, venue: Venue) -> None:
        self._file, self._venue = str(path), venue
        try:
            self._stream = path.open("rb")
        except OSError as error:
            raise BatchError(self._file, f"cannot be read: {error.strerror}") from error
        self._line = 0
        try:
            self.time = self._read_header()
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[tuple[int, Transition | Bundle]]:
        while (content := self._next_line()) is not None:
            yield self._line, self._entry(content)

    def _read_header(self) -> int | None:
        content = self._next_line()
        if content is None:
            raise BatchError(self._file, "is empty; the first line must be the header")
        expected = {"format": FORMAT, "version": VERSION}
        for field, value in expected.items():
            found = content.pop(field, None)
            if type(found) is not type(value) or found != value:
                raise self._error(f"must be {value!r} in the header", field)
        venue = content.pop("venue", None)
        if venue not in (self._venue.name, self._venue.id.hex()):
            raise self._error(f"must be {self._venue.name!r}, the ledger's venue, or its id; it is {venue!r}", "venue")
        time = self._decode("time", _TIME, None, content.pop("time")) if "time" in content else None
        for field in content:
            raise self._error("is not a field of the header", field)
        return time

    def _next_line(self) -> dict[str, Any] | None:
        """The next line's object; None at the end."""
        line = self._stream.readline(MAX_LINE_BYTES + 1)
        if not line:
            return None
        self._line += 1
        if len(line) > MAX_LINE_BYTES:
            raise self._error(f"is longer than {MAX_LINE_BYTES} bytes")
        try:
            content = _JSON.decode(line.decode("utf-8-sig" if self._line == 1 else "utf-8"))
        except _FieldError as error:
            raise self._error(str(error)) from error
        except (ValueError, RecursionError) as error:
            raise self._error(f"is not one JSON object: {json_problem(error)}") from error
        if not isinstance(content, dict):
            raise self._error("is not one JSON object")
        return content

    def _entry(self, content: dict[str, Any]) -> Transition | Bundle:
        kind = content.pop("kind", None)
        if not isinstance(kind, str) or kind not in _FIELDS:
            raise self._error(f"must be one of {', '.join(_FIELDS)}", "kind")
        build, fields = _FIELDS[kind]
        arguments: dict[str, Any] = {}
        instrument: Instrument | None = None
        for name, codec in fields.items():
            if name not in content:
                raise self._error("is missing", name)
            value = arguments[name] = self._decode(name, codec, instrument, content.pop(name))
            if codec.names_instrument:
                instrument = self._venue.instruments[value]
        for name in content:
            raise self._error(f"is not a field of a {kind}", name)
        return build(**arguments)

    def _decode(self, name: str, codec: _Codec, instrument: Instrument | None, value: object) -> Any:
        try:
            return codec.decode(self._venue, instrument, value)
        except (_FieldError, DecimalError) as error:
            raise self._error(str(error), name) from error

    def _error(self, problem: str, field: str | None = None) -> BatchError:
        return BatchError(self._file, problem, self._line, field)


class BatchWriter(AbstractContextManager["BatchWriter"]):
    """Writes a batch file; it appears under its name when the block ends without an exception."""

    def __init__(self, path: Path, venue: Venue, time: int | None = None) -> None:
        self._venue, self._file = venue, replacing(path)
        self._header = {"format": FORMAT, "version": VERSION, "venue": venue.name}
        if time is not None:
            self._header["time"] = time

    def __enter__(self) -> "BatchWriter":
        self._stream: BinaryIO = self._file.__enter__()
        self._write(self._header)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def write(self, entry: Transition | Bundle) -> None:
        """Append a transition of a batch file's kinds, or the bundle on which later price updates rest."""
        kind = _BUNDLE if isinstance(entry, Bundle) else kind_name(entry)
        content: dict[str, Any] = {"kind": kind}
        instrument: Instrument | None = None
        for name, codec in _FIELDS[kind][1].items():
            value = getattr(entry, name)
            if codec.names_instrument:
                instrument = self._venue.instruments[value]
            content[name] = codec.encode(self._venue, instrument, value)
        self._write(content)

    def _write(self, content: dict[str, Any]) -> None:
        self._stream.write(json.dumps(content, separators=(",", ":")).encode() + b"\n")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise _FieldError(f"field {name!r} stands twice in one object")
        content[name] = value
    return content


def _small_integer(text: str) -> int:
    if len(text) > _MAX_NUMBER_DIGITS:
        raise _FieldError(f"a number of {len(text)} digits is out of every range")
    return int(text)


def _refuse_number(text: str) -> float:
    raise _FieldError(f"number {text[:20]} is not an integer; amounts and prices are decimal strings")


_JSON = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_small_integer, parse_float=_refuse_number, parse_constant=_refuse_number
)
