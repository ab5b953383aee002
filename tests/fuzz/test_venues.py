"""Damaged venue files: a venue that the genesis of a ledger takes, or a ConfigError."""

import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from state.errors import ConfigError
from state.genesis import genesis_records
from state.venue import load_venue, parse_venue
from tests.batches import VENUE_FILE, default_venue
from tests.fuzz.damage import VALUES, damaged, damaged_json
from tests.fuzz.exploring import depths, explore
from tests.fuzz.targets import one_line

SOURCE = VENUE_FILE.read_bytes()
TOML_VALUES = (
    "2024-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "12:00:00", "inf", "-nan", "0x" + "f" * 4_000, "[0x" + "f" * 2_900 + "]",
)  # fmt: skip


def is_venue(text: str) -> bool:
    """Whether it is a venue; one that is has names, amounts and a genesis, and its source says the same again."""
    try:
        venue = parse_venue(text)
    except ConfigError as error:
        one_line(error)
        return False
    for instrument in venue.instruments:
        assert instrument.units(instrument.format_units(12_345)) == 12_345
        assert instrument.price(instrument.format_price(12_345)) == 12_345
    assert genesis_records(venue)
    assert len(venue.id) == 32
    assert parse_venue(venue.source) == venue
    return True


def loaded(path: Path) -> Callable[[bytes], object]:
    """The same for a file of these bytes."""

    def check(data: bytes) -> None:
        path.write_bytes(data)
        try:
            venue = load_venue(path)
        except ConfigError as error:
            one_line(error)
            return
        assert is_venue(venue.source)

    return check


def toml(value: Any) -> str:
    """A value in TOML; what TOML does not have becomes something that it does not take."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str) and not value.startswith("\ud800"):
        return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\u{ord(c):04x}" for c in value) + '"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return hex(value) if value >= 0 else str(max(value, -(10**30)))  # no limit to the digits of hexadecimal numbers
    return value.isoformat() if isinstance(value, datetime) else str(value)


def document(content: Any) -> str:
    """A TOML document: one key a line."""
    if not isinstance(content, dict):
        return toml(content)
    return "".join(f"{toml(str(name))} = {toml(value)}\n" for name, value in content.items())


def test_the_venue_itself_is_read() -> None:
    assert is_venue(SOURCE.decode())
    assert parse_venue(document(tomllib.loads(SOURCE.decode()))) == default_venue()


@depths(300)
def test_damaged_bytes(tmp_path: Path, examples: int) -> None:
    explore(examples, damaged(SOURCE), loaded(tmp_path / "venue.toml"))


@depths(400)
def test_damaged_fields(examples: int) -> None:
    explore(examples, damaged_json(tomllib.loads(SOURCE.decode())).map(document), is_venue)


@depths(300)
def test_extreme_values(examples: int) -> None:
    """Any value of any type in place of one of the file's."""
    text = SOURCE.decode()
    values = [line.partition("=")[2].partition("#")[0].strip() for line in text.splitlines() if "=" in line]
    extremes = st.sampled_from([*map(toml, VALUES), *TOML_VALUES])
    numbers = st.decimals(min_value=0, max_value=10**10, allow_nan=False, places=6).map(lambda number: f'"{number:f}"')
    replaced = st.builds(lambda old, new: text.replace(old, new, 1), st.sampled_from(values), extremes | numbers)
    explore(examples, replaced, is_venue)


@pytest.mark.parametrize("text", ["x." * 100_000 + "x = 1", "x = [" * 100_000, '"' * 300_000, "[x]\n" * 100_000])
def test_long_files_take_no_longer_than_others(text: str) -> None:
    explore(1, st.just(text), is_venue)
