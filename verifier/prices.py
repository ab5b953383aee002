"""Signed prices: what an oracle's members sign, the file of bundles beside a proof, and when a price counts as signed.

The signatures themselves (BLS12-381, aggregated) are checked by a callable that the caller hands in.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from circuits.bounds import MAX_INSTRUMENTS, PRICE_MAX, TIME_MAX
from circuits.records import QUOTE_INSTRUMENT
from circuits.statement import VENUE_ID_SIZE, Price

DOMAIN = b"solvent-oracle-prices-v1"
MAGIC = b"SOLVPRC\x01"  # name and version
MAX_MEMBERS = 64
MAX_SECONDS = TIME_MAX  # of an oracle's drift and age
KEY_SIZE, SIGNATURE_SIZE = 48, 96  # compressed points of G1 and G2
MAX_FILE_BYTES = 1 << 26  # above the bundles of any batch; a larger file is not read
SUFFIX = ".prices"

# Whether the holders of all these public keys, and no others, signed the message with this aggregate signature.
SignatureCheck = Callable[[Sequence[bytes], bytes, bytes], bool]

_FILE_HEADER = struct.Struct(f">8s{VENUE_ID_SIZE}sI")
_BUNDLE_HEADER = struct.Struct(f">IQ{SIGNATURE_SIZE}sI")  # time, signers, signature, number of prices
_PRICE = struct.Struct(">II")


class PriceReason(StrEnum):
    """Why prices are refused. The value is what a user reads."""

    MALFORMED = "malformed bundles"
    VENUE = "bundles of another venue"
    UNSIGNED = "price not signed"
    TIME = "price signed for another time"
    UNKNOWN_SIGNER = "signer outside the committee"
    TOO_FEW_SIGNERS = "too few signers"
    SIGNATURE = "invalid signature"


class PriceRejection(Exception):  # noqa: N818 - an ordinary answer, like Rejection
    """The prices are not signed as they must be. `reason` is for programs; `detail` has the values."""

    def __init__(self, reason: PriceReason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Oracle:
    """Whose prices count: the members' public keys, of which `threshold` must sign; and how a clock bounds times.

    A batch may be `drift` seconds ahead of the clock, it and its prices `age` seconds behind. replay: whether a chain
    may go without a clock, because the venue plays a historic tape.
    """

    keys: tuple[bytes, ...]
    threshold: int
    drift: int
    age: int
    replay: bool

    def __post_init__(self) -> None:
        """Raises ValueError for a committee that cannot be."""
        if not 1 <= self.threshold <= len(self.keys) <= MAX_MEMBERS:
            problem = f"at most {MAX_MEMBERS} members, and a threshold of at least 1 and at most all of them"
            raise ValueError(f"{len(self.keys)} members and a threshold of {self.threshold}; there must be {problem}")
        if len(set(self.keys)) != len(self.keys) or any(len(key) != KEY_SIZE for key in self.keys):
            raise ValueError(f"the members' keys must be different and of {KEY_SIZE} bytes")
        if not (0 <= self.drift <= MAX_SECONDS and 0 <= self.age <= MAX_SECONDS):
            raise ValueError(f"a drift of {self.drift} and an age of {self.age} are not both in 0..{MAX_SECONDS}")


@dataclass(frozen=True)
class Bundle:
    """Prices of one time, and the aggregate of the signatures of the members whose bits are set in `signers`.

    prices: (instrument, quote base units a lot), instruments ascending. Raises ValueError for what cannot be encoded.
    """

    time: int
    prices: tuple[tuple[int, int], ...]
    signers: int
    signature: bytes

    def __post_init__(self) -> None:
        """See Bundle."""
        instruments = [instrument for instrument, _ in self.prices]
        if not instruments or any(low >= high for low, high in pairwise(instruments)):
            raise ValueError(f"instruments {instruments} are none, or not in strictly ascending order")
        if not QUOTE_INSTRUMENT < instruments[0] <= instruments[-1] < MAX_INSTRUMENTS:
            raise ValueError(f"instruments {instruments} are not all in {QUOTE_INSTRUMENT + 1}..{MAX_INSTRUMENTS - 1}")
        for name, low, value, high in (
            ("time", 0, self.time, TIME_MAX), ("signers", 0, self.signers, (1 << MAX_MEMBERS) - 1),
            *(("price", 1, price, PRICE_MAX) for _, price in self.prices),
            ("length of the signature", SIGNATURE_SIZE, len(self.signature), SIGNATURE_SIZE),
        ):  # fmt: skip
            if not low <= value <= high:
                raise ValueError(f"{name} {value} is outside {low}..{high}")

    @property
    def members(self) -> list[int]:
        """The numbers of those who signed, ascending."""
        return [member for member in range(MAX_MEMBERS) if self.signers >> member & 1]

    def encode(self) -> bytes:
        """As a file of bundles has it."""
        header = _BUNDLE_HEADER.pack(self.time, self.signers, self.signature, len(self.prices))
        return header + b"".join(_PRICE.pack(*pair) for pair in self.prices)


def price_message(venue_id: bytes, time: int, prices: Sequence[tuple[int, int]]) -> bytes:
    """What each member signs: domain, venue id (32 bytes), time, number of prices, then instrument and price of each.

    Integers have 4 bytes, big-endian.
    """
    head = DOMAIN + venue_id + struct.pack(">II", time, len(prices))
    return head + b"".join(_PRICE.pack(*pair) for pair in prices)


def encode_bundles(venue_id: bytes, bundles: Sequence[Bundle]) -> bytes:
    """The file of a batch's bundles, which must be in the order of `ordered`."""
    return _FILE_HEADER.pack(MAGIC, venue_id, len(bundles)) + b"".join(bundle.encode() for bundle in bundles)


def decode_bundles(data: bytes) -> tuple[bytes, list[Bundle]]:
    """The venue id and the bundles of a file. Raises PriceRejection (MALFORMED) for any but the one encoding."""
    try:
        magic, venue_id, count = _FILE_HEADER.unpack_from(data)
        if magic != MAGIC:
            raise ValueError("not a file of bundles of this version")
        bundles, position = [], _FILE_HEADER.size
        for _ in range(count):
            bundle, position = _read_bundle(data, position)
            bundles.append(bundle)
        if position != len(data):
            raise ValueError(f"{len(data) - position} bytes after the last bundle")
        if any(_key(low) >= _key(high) for low, high in pairwise(bundles)):
            raise ValueError("bundles are not in strictly ascending order")
    except (ValueError, struct.error) as error:
        raise PriceRejection(PriceReason.MALFORMED, str(error)) from error
    return venue_id, bundles


def ordered(bundles: Iterable[Bundle]) -> list[Bundle]:
    """The bundles by time, then by prices: the order of a file, which has each once."""
    return sorted(bundles, key=_key)


def read_bundles(path: Path) -> bytes | None:
    """The bytes of a file of bundles; None if there is none. Raises PriceRejection if it is too large, OSError."""
    if not path.exists():
        return None
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise PriceRejection(PriceReason.MALFORMED, f"{path} is larger than {MAX_FILE_BYTES} bytes")
    return data


def bundles_path(proof: Path) -> Path:
    """Where a proof's bundles are: beside it, under its name with .prices appended."""
    return proof.with_name(proof.name + SUFFIX)


def check_prices(
    oracle: Oracle, venue_id: bytes, prices: Sequence[Price], data: bytes | None, check: SignatureCheck
) -> list[Bundle]:
    """The bundles of a file, if every price stands in one of its own time and all are signed. Raises PriceRejection.

    data: the file; None if there is none, which is right for a batch without prices.
    """
    found_id, bundles = (venue_id, list[Bundle]()) if data is None else decode_bundles(data)
    if found_id != venue_id:
        raise PriceRejection(PriceReason.VENUE, f"{found_id.hex()}, not {venue_id.hex()}")
    # One for each price at most: nobody can make a verifier check signatures without end.
    if len(bundles) > len(prices):
        raise PriceRejection(PriceReason.MALFORMED, f"{len(bundles)} bundles for {len(prices)} prices")
    _check_cover(prices, bundles)
    for bundle in bundles:
        check_bundle(oracle, venue_id, bundle, check)
    return bundles


def check_bundle(oracle: Oracle, venue_id: bytes, bundle: Bundle, check: SignatureCheck) -> None:
    """Whether enough members of the committee, and nobody else, signed the bundle. Raises PriceRejection."""
    place, members = f"bundle of time {bundle.time}", bundle.members
    if members and members[-1] >= len(oracle.keys):
        detail = f"{place}: member {members[-1]} of {len(oracle.keys)}, who are numbered from 0"
        raise PriceRejection(PriceReason.UNKNOWN_SIGNER, detail)
    if len(members) < oracle.threshold:
        detail = f"{place}: {len(members)} signed, {oracle.threshold} of {len(oracle.keys)} must"
        raise PriceRejection(PriceReason.TOO_FEW_SIGNERS, detail)
    keys = tuple(oracle.keys[member] for member in members)
    if not check(keys, price_message(venue_id, bundle.time, bundle.prices), bundle.signature):
        raise PriceRejection(PriceReason.SIGNATURE, f"{place}: not that of members {members} for this venue")


def no_signatures(keys: Sequence[bytes], message: bytes, signature: bytes) -> bool:
    """The SignatureCheck of those who were handed none: nothing counts as signed."""
    return False


def _check_cover(prices: Sequence[Price], bundles: Sequence[Bundle]) -> None:
    """Each price stands in a bundle of its own time."""
    times: dict[tuple[int, int], set[int]] = {}
    for bundle in bundles:
        for pair in bundle.prices:
            times.setdefault(pair, set()).add(bundle.time)
    for price in prices:
        signed = times.get((price.instrument, price.price), set())
        if price.time not in signed:
            detail = f"instrument {price.instrument} at {price.price}, time {price.time}"
            if signed:
                raise PriceRejection(PriceReason.TIME, f"{detail}; it is signed for {min(signed)}")
            raise PriceRejection(PriceReason.UNSIGNED, detail)


def _key(bundle: Bundle) -> tuple[int, tuple[tuple[int, int], ...]]:
    return bundle.time, bundle.prices


def _read_bundle(data: bytes, position: int) -> tuple[Bundle, int]:
    time, signers, signature, count = _BUNDLE_HEADER.unpack_from(data, position)
    start = position + _BUNDLE_HEADER.size
    end = start + count * _PRICE.size
    if end > len(data):
        raise ValueError(f"{count} prices at byte {start} run past the end")
    return Bundle(time, tuple(_PRICE.iter_unpack(data[start:end])), signers, signature), end
