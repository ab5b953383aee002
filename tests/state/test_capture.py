"""Captures come out exact and in order of the engine's time, from the first snapshot on, or are refused by line."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits.bounds import SIZE_MAX
from state import capture as capture_module
from state.capture import Capture, Levels, Touch, open_capture
from state.tape import Tape, TapeError, Trade
from tests.batches import BTC_PERP, default_venue
from tests.state.captures import REAL, START, snapshot, touch, trade, update, write_capture

VENUE = default_venue()
BTC = VENUE.instruments[BTC_PERP]
OPENING = snapshot(0, [("61800.20", "2.5")], [("61800.30", "1.001"), ("61800.4", "1")])


def read(path: Path, events: Sequence[dict[str, Any] | str], touches: bool = False) -> tuple[list[Any], Capture]:
    """What a capture of these events gives."""
    capture = Capture(Tape(write_capture(path / "c.gz", events), BTC), touches)
    return list(capture), capture


def at(milliseconds: int) -> int:
    return (START + milliseconds) * 10**6


def test_levels_trades_and_touches_become_units(tmp_path: Path) -> None:
    events = [
        OPENING,
        {"stream": "x", "data": update(5, 1, [("61800.20", "0.000")], [("61800.30", "0.00019")])},
        trade(6, "61800.30", "0.006", buyer_is_maker=False),
        touch(7, "61800.10", "61800.30"),
    ]
    found, _ = read(tmp_path, events, touches=True)
    assert found == [
        Levels(at(0), BTC_PERP, True, ((6_180_020, 25_000),), ((6_180_030, 10_010), (6_180_040, 10_000))),
        Levels(at(5), BTC_PERP, False, ((6_180_020, 0),), ((6_180_030, 1),)),
        Trade(at(6), BTC_PERP, 6_180_030, 60, True),
        Touch(at(7), BTC_PERP, (6_180_010, 10_000), (6_180_030, 10_000)),
    ]
    assert read(tmp_path, events)[0] == found[:3]


def test_nothing_comes_before_the_snapshot_and_nothing_twice(tmp_path: Path) -> None:
    events = [
        update(0, 8), trade(1, "1", "1", True), snapshot(2, [], [], update=10), update(3, 9, previous=8),
        update(4, 10, previous=9), update(5, 12, previous=9), update(6, 13), update(7, 15), update(8, 16),
    ]  # fmt: skip
    found, capture = read(tmp_path, events)
    assert [event.time for event in found] == [at(time) for time in (2, 5, 6, 7, 8)]
    assert capture.gaps == 1  # 14 is missing
    spot = [{key: value for key, value in event.items() if key != "pu"} for event in events]
    assert read(tmp_path, spot)[1].gaps == 2  # 11 as well


def test_late_lines_find_their_place_and_very_late_ones_do_not_turn_the_clock_back(tmp_path: Path) -> None:
    events = [
        OPENING, update(100, 1), trade(100, "1", "1", True), trade(40, "2", "1", True), update(1000, 2),
        trade(500, "3", "1", True),
    ]  # fmt: skip
    found, _ = read(tmp_path, events)
    assert [(event.time, isinstance(event, Trade)) for event in found] == [
        (at(0), False), (at(40), True), (at(100), True), (at(100), False), (at(500), True), (at(1000), False),
    ]  # fmt: skip
    later, _ = read(tmp_path, [*events[:-1], update(1300, 3), trade(700, "3", "1", True)])
    assert [event.time for event in later][-3:] == [at(1000), at(1000), at(1300)]


def test_what_no_venue_price_or_order_can_be_is_left_out_or_cut(tmp_path: Path) -> None:
    rows = [("0.00", "1"), ("61800.201", "1"), ("2684354.55", "1"), ("2684354.56", "1"), ("1", "99999999")]
    found, capture = read(tmp_path, [snapshot(0, rows, [])])
    assert found[0].bids == ((268_435_455, 10_000), (100, SIZE_MAX))
    assert capture.skipped == 3
    found, capture = read(tmp_path, [snapshot(0, [], []), touch(1, "1.001", "2")], touches=True)
    assert (len(found), capture.skipped) == (1, 1)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (f'{START} {{"trade"', None),
        (update(1, 1) | {"T": "x"}, "T"),
        (update(1, 1) | {"T": 5}, "T"),
        (update(1, 1) | {"b": {}}, "b"),
        (update(1, 1) | {"a": [["1"]]}, "a"),
        (update(1, 1) | {"a": [["1", 2]]}, "a"),
        (update(1, 1) | {"a": ["12"]}, "a"),
        (update(1, 1) | {"a": [["1", [1]]]}, "a"),
        (update(1, 1) | {"a": [["1", "-1"]]}, "a"),
        (update(1, 1) | {"u": "1"}, "u"),
        (update(1, 1) | {"pu": None}, "pu"),
        ({key: value for key, value in update(1, 1).items() if key not in ("U", "pu")}, "U"),
        (snapshot(1, [], []) | {"lastUpdateId": 1.5}, "lastUpdateId"),
        ({"lastUpdateId": 1, "T": START}, "bids"),
        (trade(1, "1", "x", True), "size"),
        (touch(1, "1", "x"), "aA"),
        (touch(1, "1", "2") | {"B": None}, "bB"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, event: dict[str, Any] | str, field: str | None) -> None:
    with pytest.raises(TapeError) as caught:
        read(tmp_path, [OPENING, event], touches=True)
    assert (caught.value.line, caught.value.field) == (2, field)
    assert "\n" not in str(caught.value)


names = st.sampled_from(["e", "T", "u", "U", "pu", "b", "a", "B", "A", "p", "q", "m", "bids", "asks", "lastUpdateId"])
values = st.recursive(
    st.sampled_from(["depthUpdate", "trade", "bookTicker", START, "1", "0.5", "x", -1, 1.5, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.just("data"), inner, max_size=5),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(names, values, max_size=9), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_any_lines_give_events_or_a_tape_error(tmp_path: Path, events: list[dict[str, Any]]) -> None:
    lines = [OPENING, *({"e": "depthUpdate", "T": START} | event for event in events)]
    try:
        found, _ = read(tmp_path, lines, touches=True)
    except TapeError as error:
        found = [error.line or 0]
    assert isinstance(found[0], Levels) or 1 < found[0] <= len(lines)


def test_a_file_without_a_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="no snapshot"):
        read(tmp_path, [update(0, 1), trade(1, "1", "1", True)])
    csv = tmp_path / "t.csv"
    csv.write_text("time,price,size,side\n1723161255,1,1,buy\n")
    with pytest.raises(TapeError, match="no snapshot"):
        list(open_capture(VENUE, f"BTC-PERP={csv}"))


def test_captures_stream_and_hold_few_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "_HELD", 3)
    path = write_capture(tmp_path / "c.gz", [OPENING, *(update(0, number) for number in range(1, 9)), "1 trade"])
    capture = Capture(Tape(path, BTC))
    assert len(list(islice(capture, 6))) == 6
    with pytest.raises(TapeError):
        list(capture)


def test_counts_are_those_of_one_iteration(tmp_path: Path) -> None:
    _, capture = read(tmp_path, [OPENING, trade(1, "1", "1", True), trade(2, "1", "0.00001", True)])
    list(capture)
    assert (capture.tape.trades, capture.tape.skipped) == (1, 1)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real captures are not part of a clone")
def test_a_real_capture_is_in_order_and_its_book_never_crossed() -> None:
    capture = open_capture(VENUE, f"BTC-PERP={REAL / 'usdm_btcusdt_20240808.gz'}", touches=True)
    book: dict[bool, dict[int, int]] = {True: {}, False: {}}
    kinds: Counter[str] = Counter()
    events = list(islice(capture, 20_000))
    assert all(a.time <= b.time for a, b in pairwise(events))
    for event in events:
        kinds[type(event).__name__] += 1
        if isinstance(event, Touch):
            assert event.bid[0] < event.ask[0]
        elif isinstance(event, Levels):
            for side, changes in ((True, event.bids), (False, event.asks)):
                book[side] = {p: s for p, s in ({} if event.whole else book[side] | dict(changes)).items() if s}
                book[side] |= dict(changes) if event.whole else {}
            assert max(book[True]) < min(book[False])
    assert min(kinds.values()) > 1_000
    assert (capture.gaps, capture.skipped) == (0, 0)
