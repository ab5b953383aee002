"""Ways to damage a file, as hypothesis strategies: its bytes, its fields, its text, its JSON."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from circuits.field import P

COUNTS = st.sampled_from((1, 1, 1, 2, 4))  # how much is damaged
HEAD = 600  # bytes at the start of a file, where its lengths stand: every second damage is done there
DIGITS = 4_300  # Python reads and prints no decimal integer of more digits, but makes them
LARGEST = 10**DIGITS - 1

TOKENS = (
    b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"=", b".", b"-", b"\n", b"\r", b"\0", b"\xff", b"\x1b[31m",
    b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b"\xd9\xa1", b"null", b"true", b"NaN", b"-0", b"1e400", b"0.", b"00",
    b"0x" + b"f" * DIGITS, b"9" * 19, b"9" * 29, b"9" * DIGITS, b"[" * 3_000, b'{"a":' * 1_000, b"a." * 1_000,
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**28, 2**31, 2**63, 2**64, LARGEST, -LARGEST, 1.5, "", "0", "-1", "1", "x",
    "9" * 28, "0." + "0" * 17 + "1", "\ud800", "\0", "\n", "x" * 5_000, [], {}, [[]], [None], {"": None},
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, original: bytes, donors: Sequence[bytes] = (), tokens: Sequence[bytes] = TOKENS) -> bytes:
    """The original after one damage or more; donors are further files, of which pieces are put into it."""
    data = original
    for _ in range(draw(COUNTS)):
        data = draw(st.sampled_from(DAMAGES))(draw, data, [original, *donors], tokens)
    return data


def _position(draw: st.DrawFn, length: int) -> int:
    """A position in 0 .. length."""
    position: int = draw(st.integers(0, length) | st.integers(0, min(length, HEAD)))
    return position


def _span(draw: st.DrawFn, data: bytes) -> tuple[int, int]:
    """Start and end of a piece."""
    start = _position(draw, len(data))
    return start, start + draw(st.integers(0, min(64, len(data) - start)) | st.integers(0, len(data) - start))


def _flip(draw: st.DrawFn, data: bytes, donors: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    if not data:
        return data
    position = min(_position(draw, len(data)), len(data) - 1)
    return data[:position] + bytes([data[position] ^ 1 << draw(st.integers(0, 7))]) + data[position + 1 :]


def _truncate(draw: st.DrawFn, data: bytes, donors: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    return data[: _position(draw, len(data))]


def _insert(draw: st.DrawFn, data: bytes, donors: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    position = _position(draw, len(data))
    return data[:position] + draw(st.sampled_from(tokens) | st.binary(max_size=40)) + data[position:]


def _remove(draw: st.DrawFn, data: bytes, donors: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    start, end = _span(draw, data)
    return data[:start] + data[end:]


def _splice(draw: st.DrawFn, data: bytes, donors: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """A piece of a donor in place of a piece."""
    start, end = _span(draw, data)
    donor = draw(st.sampled_from(donors))
    first, last = _span(draw, donor)
    return data[:start] + donor[first:last] + data[end:]


def _extreme(draw: st.DrawFn, data: bytes, donors: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """An integer field of 1, 2, 4 or 8 bytes takes a value at an end of its range, or next to the field's P."""
    width = draw(st.sampled_from((1, 2, 4, 8)))
    top = 1 << 8 * width
    value = draw(st.sampled_from((0, 1, top - 1, top - 2, top >> 1, (top >> 1) - 1, P - 1, P, P + 1))) % top
    start = _position(draw, max(0, len(data) - width))
    return data[:start] + value.to_bytes(width, draw(st.sampled_from(("big", "little")))) + data[start + width :]


def _add_to_word(draw: st.DrawFn, data: bytes, donors: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """A word of 4 bytes grows by P, so that it stands for the same field element, or by something small."""
    if len(data) < 4:
        return data
    start = draw(st.integers(0, len(data) - 4))
    value = int.from_bytes(data[start : start + 4], "big") + draw(st.sampled_from((P, P, 1, -1)))
    return data[:start] + (value % (1 << 32)).to_bytes(4, "big") + data[start + 4 :]


Damage = Callable[[st.DrawFn, bytes, Sequence[bytes], Sequence[bytes]], bytes]
DAMAGES: tuple[Damage, ...] = (_flip, _truncate, _insert, _remove, _splice, _extreme, _add_to_word)


@st.composite
def damaged_json(draw: st.DrawFn, original: Any) -> Any:
    """The JSON value after one damage or more: a part replaced, dropped, doubled, renamed or moved."""
    root = [copy.deepcopy(original)]
    for _ in range(draw(COUNTS)):
        places = list(_places(root))
        container, key = draw(st.sampled_from(places))
        change = draw(st.sampled_from(("replace", "move", "drop", "double", "rename")))
        if container is root or change == "replace":
            container[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        elif change == "move":
            other, place = draw(st.sampled_from(places))
            container[key] = copy.deepcopy(other[place])
        elif change == "drop":
            del container[key]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        else:
            container[draw(st.text(max_size=3))] = container[key] if change == "double" else container.pop(key)
    return root[0]


def _places(container: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    for key in list(container) if isinstance(container, dict) else range(len(container)):
        yield container, key
        if isinstance(container[key], dict | list):
            yield from _places(container[key])


def json_bytes(value: Any) -> bytes:
    """The value as a file; lone surrogates are escaped."""
    return json.dumps(value).encode()
