"""Damaged tapes: trades in order of time and within their bounds, or a TapeError."""

import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from circuits.bounds import AMOUNT_MAX, PRICE_MAX, SIZE_MAX
from state.tape import Tape, TapeError, Trade
from tests.batches import BTC_PERP, default_venue
from tests.fuzz.damage import damaged, damaged_json, json_bytes
from tests.fuzz.exploring import depths, explore
from tests.fuzz.targets import one_line
from tests.state.test_tape import HEADER, START, capture_line, iso

MARKET = default_venue().instruments[BTC_PERP]
TRADES = [Trade((START + second) * 10**9, BTC_PERP, 6_180_030 + second, 60, second % 3 == 0) for second in range(4)]
CAPTURE = "".join(capture_line(trade, wrapped=trade.time % 2 == 0) for trade in TRADES).encode()
ROWS = "".join(f'{iso(trade.time)},61800.30,0.006,"buy"\n' for trade in TRADES)
TABLES = ((HEADER + ROWS).encode(), (HEADER + f"{START},61800.30,0.006,sell\n{START},1,1,buy\n").encode())


def is_tape(path: Path, data: bytes) -> bool:
    """Whether the file is a tape; if so, its trades are in order and in bounds."""
    path.write_bytes(data)
    try:
        trades = list(Tape(path, MARKET))
    except TapeError as error:
        one_line(error)
        return False
    assert [trade.time for trade in trades] == sorted(trade.time for trade in trades)
    for trade in trades:
        assert 0 < trade.price <= PRICE_MAX
        assert 0 < trade.size <= SIZE_MAX
        assert trade.price * trade.size <= AMOUNT_MAX
    return True


def test_the_tapes_themselves_are_read(tmp_path: Path) -> None:
    assert is_tape(tmp_path / "t.gz", gzip.compress(CAPTURE))
    for table in TABLES:
        assert is_tape(tmp_path / "t.csv", table)


@depths(300)
def test_damaged_tables(tmp_path: Path, examples: int) -> None:
    tables = st.sampled_from(TABLES).flatmap(lambda table: damaged(table, TABLES))
    explore(examples, tables, lambda data: is_tape(tmp_path / "t.csv", data))


@depths(200)
def test_damaged_captures(tmp_path: Path, examples: int) -> None:
    explore(examples, damaged(CAPTURE), lambda data: is_tape(tmp_path / "t.gz", gzip.compress(data, 1)))


@depths(200)
def test_damaged_compression(tmp_path: Path, examples: int) -> None:
    explore(examples, damaged(gzip.compress(CAPTURE)), lambda data: is_tape(tmp_path / "t.gz", data))
    explore(examples, damaged(gzip.compress(TABLES[0])), lambda data: is_tape(tmp_path / "t.csv.gz", data))


@depths(300)
def test_damaged_events(tmp_path: Path, examples: int) -> None:
    """Any JSON in place of a part of a trade."""

    def check(event: Any) -> None:
        is_tape(tmp_path / "t.gz", gzip.compress(CAPTURE + b"1 " + json_bytes(event) + b"\n", 1))

    explore(examples, damaged_json(json.loads(capture_line(TRADES[-1]).partition(" ")[2])), check)
