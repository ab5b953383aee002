"""Tapes come out exact and in order, or are refused with the file and line; whatever the bytes, nothing else."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits.bounds import AMOUNT_MAX, PRICE_MAX, SIZE_MAX
from state import tape as tape_module
from state.tape import Tape, TapeError, Trade, merge_tapes, open_tape
from tests.batches import BTC_PERP, ETH_PERP, default_venue

VENUE = default_venue()
BTC = VENUE.instruments[BTC_PERP]
START = 1_723_161_255  # Unix seconds
REAL = Path(__file__).parents[3] / "shared" / "data" / "binance_usdm"
HEADER = "time,price,size,side\n"
ROW = f"{START},61800.30,0.006,buy\n"
reuse_tmp_path = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)

trades_in_order = st.lists(
    st.builds(
        Trade,
        time=st.integers(START, START + 1000).map(lambda seconds: seconds * 10**9),
        market=st.just(BTC_PERP), price=st.integers(1, PRICE_MAX), size=st.integers(1, AMOUNT_MAX // PRICE_MAX),
        taker_buys=st.booleans(),
    ),
    max_size=20,
).map(lambda trades: sorted(trades, key=lambda trade: trade.time))  # fmt: skip


def iso(nanoseconds: int, offset: str = "+02:00") -> str:
    """The moment as ISO 8601 at an offset of two hours."""
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=nanoseconds // 10**9, hours=2)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09d}{offset}"


TIMES: dict[str, Callable[[int], str]] = {
    "seconds": lambda time: str(time // 10**9),
    "milliseconds": lambda time: str(time // 10**6),
    "microseconds": lambda time: str(time // 10**3),
    "nanoseconds": str,
    "iso": iso,
}


def write(path: Path, text: str | bytes) -> Path:
    """A file of that text, compressed if its name says so."""
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


def capture_line(trade: Trade, wrapped: bool = True) -> str:
    """The trade as an exchange's stream has it."""
    event = {
        "e": "trade", "T": trade.time // 10**6, "s": "BTCUSDT", "p": BTC.format_price(trade.price),
        "q": BTC.format_units(trade.size), "m": not trade.taker_buys,
    }  # fmt: skip
    return f"{trade.time + 7} {json.dumps({'stream': 'btcusdt@trade', 'data': event} if wrapped else event)}\n"


def failure(path: Path, text: str | bytes) -> TapeError:
    """The error that reading this file to its end raises."""
    with pytest.raises(TapeError) as caught:
        list(Tape(write(path, text), BTC))
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize("form", TIMES)
@pytest.mark.parametrize("name", ["tape.csv", "tape.csv.gz"])
@given(trades=trades_in_order)
@reuse_tmp_path
def test_csv_gives_the_trades_that_were_written(tmp_path: Path, form: str, name: str, trades: list[Trade]) -> None:
    lines = ["id,Side,size,price,time\n"]  # any order, any other columns
    for trade in trades:
        side = "BUY" if trade.taker_buys else "sell"
        price, size = BTC.format_price(trade.price), BTC.format_units(trade.size)
        lines.append(f'"a, b",{side},{size},{price},{TIMES[form](trade.time)}\n')
    tape = Tape(write(tmp_path / name, "".join(lines)), BTC)
    assert list(tape) == trades
    assert (tape.trades, tape.rounded, tape.cut, tape.skipped) == (len(trades), 0, 0, 0)


@given(trades=trades_in_order, wrapped=st.booleans())
@reuse_tmp_path
def test_capture_gives_its_trades_and_nothing_else(tmp_path: Path, trades: list[Trade], wrapped: bool) -> None:
    other = f'{START} {{"data":{{"e":"bookTicker","b":"1.5"}}}}\n{START} {{"e":"depth","note":"no trade","x":0.5}}\n'
    text = other + "".join(capture_line(trade, wrapped) + other for trade in trades)
    assert list(Tape(write(tmp_path / "tape.gz", text), BTC)) == trades


def test_fractions_of_an_iso_second_are_kept_to_the_nanosecond(tmp_path: Path) -> None:
    written = ("2024-08-08T23:54:15Z", "2024-08-08 23:54:15.5+00:00", "2024-08-09T01:54:15.500000001+02:00")
    text = HEADER + "".join(f"{time},1,1,buy\n" for time in written)
    times = [trade.time for trade in Tape(write(tmp_path / "t.csv", text), BTC)]
    assert times == [START * 10**9, START * 10**9 + 5 * 10**8, START * 10**9 + 5 * 10**8 + 1]


def test_prices_and_sizes_round_down_and_what_vanishes_is_skipped(tmp_path: Path) -> None:
    rows = ("61800.309,0.00069,buy", "61800.30,0.00009,sell", "0.009,1,buy", "0,0,buy", "61800.30,0.0001,sell")
    tape = Tape(write(tmp_path / "t.csv", HEADER + "".join(f"{START},{row}\n" for row in rows)), BTC)
    assert [(trade.price, trade.size) for trade in tape] == [(6_180_030, 6), (6_180_030, 1)]
    assert (tape.trades, tape.rounded, tape.cut, tape.skipped) == (2, 1, 0, 3)


def test_sizes_that_no_fill_can_have_are_cut(tmp_path: Path) -> None:
    rows = f"{START},0.01,99999999,buy\n{START},{BTC.format_price(PRICE_MAX)},26000,buy\n"
    path = write(tmp_path / "t.csv", HEADER + rows)
    tape = Tape(path, BTC)
    assert [trade.size for trade in tape] == [SIZE_MAX, AMOUNT_MAX // PRICE_MAX]
    assert tape.cut == 2
    assert [trade.size for trade in Tape(path, BTC, max_size=50)] == [50, 50]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (f"{START}0,1,1,buy", "time"),  # 11 digits
        (f"{START}000,1,1,buy", "time"),  # milliseconds below seconds
        ("2024-08-08T23:54:15Z,1,1,buy", "time"),
        (f"-{START},1,1,buy", "time"),
        ("٠١٢٣٤٥٦٧٨٩,1,1,buy", "time"),
        (",1,1,buy", "time"),
        (f"{START - 1},1,1,buy", "time"),
        (f"{START},1e3,1,buy", "price"),
        (f"{START},-1,1,buy", "price"),
        (f"{START},nan,1,buy", "price"),
        (f"{START},99999999999,1,buy", "price"),
        (f"{START},1,+1,buy", "size"),
        (f"{START},1,,buy", "size"),
        (f"{START},1,1,b", "side"),
        (f"{START},1,1", None),
        (f"{START},1,1,buy,1", None),
        ("", None),
        (f'{START},1,1,"buy"x', None),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: str, field: str | None) -> None:
    error = failure(tmp_path / "t.csv", HEADER + ROW + row + "\n" + ROW)
    assert (error.line, error.field) == (3, field)


@pytest.mark.parametrize("time", ["2024-08-08T23:54:15", "2024-08-08", "2024-13-08T23:54:15Z", "1723161255.5", "noon"])
def test_a_first_time_of_no_known_form_is_refused(tmp_path: Path, time: str) -> None:
    error = failure(tmp_path / "t.csv", f"{HEADER}{time},1,1,buy\n")
    assert (error.line, error.field) == (2, "time")


@pytest.mark.parametrize("header", ["", "time,price,size\n", "time,price,size,side,Side\n", ROW])
def test_a_header_must_name_each_column_once(tmp_path: Path, header: str) -> None:
    assert failure(tmp_path / "t.csv", header + ROW).line == 1


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('{"e":"trade"}', None),
        ('x {"e":"trade"}', None),
        ('1 ["trade"]', None),
        ('1 {"e":"trade"', None),
        ("1 " + '["trade",' * 100_000, None),
        ('1 {"e":"trade","T":1723161256322.0,"p":"1","q":"1","m":true}', "T"),
        ('1 {"e":"trade","T":1723161256,"p":"1","q":"1","m":true}', "T"),
        ('1 {"e":"trade","T":-172316125632,"p":"1","q":"1","m":true}', "T"),
        ('1 {"e":"trade","T":1723161256322,"p":1,"q":"1","m":true}', "p"),
        ('1 {"e":"trade","T":1723161256322,"p":"1","m":true}', "q"),
        ('1 {"e":"trade","T":1723161256322,"p":"1","q":"1","m":0}', "m"),
        ('1 {"e":"trade","T":1723161256322,"p":"1","q":"x","m":true}', "size"),
    ],
)
def test_a_bad_event_is_named_with_its_line(tmp_path: Path, line: str, field: str | None) -> None:
    good = capture_line(Trade(START * 10**9, BTC_PERP, 1, 1, True))
    error = failure(tmp_path / "t.gz", good + line + "\n")
    assert (error.line, error.field) == (2, field)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(capture_line(Trade(START * 10**9, BTC_PERP, 1, 1, True)).encode())
    for data in (whole[:-9], whole[:12], b"not gzip at all", whole + b"x"):
        path = tmp_path / "t.gz"
        path.write_bytes(data)
        with pytest.raises(TapeError, match="gzip"):
            list(Tape(path, BTC))
    assert failure(tmp_path / "t.csv", HEADER.encode() + b"\xff\n").line == 2
    for unreadable in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(TapeError, match="cannot be read"):
            list(Tape(unreadable, BTC))


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_module, "MAX_LINE_BYTES", 100)
    assert failure(tmp_path / "t.csv", HEADER + ROW + "x" * 101).line == 3


@given(data=st.binary(max_size=300) | st.text(alphabet='0123456789.,"\n buysel{}:etradpTqm', max_size=300))
@reuse_tmp_path
def test_any_file_gives_trades_or_a_tape_error(tmp_path: Path, data: bytes | str) -> None:
    prefix = HEADER + ROW
    for name in ("t.csv", "t.gz"):
        body = prefix.encode() + data if isinstance(data, bytes) else prefix + data
        try:
            trades = list(Tape(write(tmp_path / name, body), BTC))
        except TapeError:
            continue
        assert all(trade.price > 0 and trade.size > 0 for trade in trades)


def test_tapes_stream(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", HEADER + ROW + ROW + "broken\n")
    assert len(list(islice(Tape(path, BTC), 2))) == 2
    assert len(list(merge_tapes([Tape(path, BTC)], limit=2))) == 2
    with pytest.raises(TapeError):
        list(merge_tapes([Tape(path, BTC)], limit=3))


@given(tapes=st.lists(trades_in_order, max_size=4), limit=st.none() | st.integers(0, 30))
def test_merging_keeps_the_clock_and_the_order_of_the_tapes(tapes: list[list[Trade]], limit: int | None) -> None:
    expected = sorted((trade for tape in tapes for trade in tape), key=lambda trade: trade.time)  # a stable sort
    assert list(merge_tapes(tapes, limit)) == expected[:limit]


def test_an_argument_names_a_market_and_a_file() -> None:
    tape = open_tape(VENUE, "ETH-PERP=dir/a=b.gz")
    assert (tape.market.number, tape.path) == (ETH_PERP, Path("dir/a=b.gz"))
    for argument in ("ETH-PERP", "ETH-PERP=", "ETH=a.csv", "=a.csv", "DOGE-PERP=a.csv"):
        with pytest.raises(TapeError, match="BTC-PERP, ETH-PERP"):
            open_tape(VENUE, argument)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real tapes are not part of a clone")
def test_real_tapes_hold_their_documented_trades() -> None:
    files = {"BTC-PERP": "usdm_btcusdt_20240808.gz", "ETH-PERP": "usdm_ethusdt_20240808.gz"}
    tapes = [open_tape(VENUE, f"{market}={REAL / file}") for market, file in files.items()]
    merged = list(merge_tapes(tapes))
    assert [tape.trades for tape in tapes] == [21_313, 14_076]
    assert all((tape.rounded, tape.cut, tape.skipped) == (0, 0, 0) for tape in tapes)
    first = Trade(1_723_161_256_322 * 10**6, BTC_PERP, 6_180_030, 60, True)
    assert merged[0] == first
    assert all(a.time <= b.time for a, b in pairwise(merged))
