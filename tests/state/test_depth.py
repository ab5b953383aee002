"""The flow's book follows the captures: played through the plain book, nothing is refused and the levels agree."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.bounds import AMOUNT_MAX, PRICE_MAX, SIZE_MAX
from state import depth as depth_module
from state.capture import Event, Levels, Touch, open_capture
from state.depth import Cancel, FlowSettings, FlowStatistics, Modify, OrderEvent, OrderFlow, Place, Take
from state.tape import TapeError, Trade
from tests.batches import BTC_PERP, ETH_PERP, default_venue
from tests.state.captures import REAL, START, levels, plain_book, play, send, snapshot, write_capture
from tests.state.plain_book import PlainBook, PlainMargin, PlainMarket, PlainPrice, Reason

VENUE = default_venue()
MARKETS = (BTC_PERP, ETH_PERP)
FILES = {"BTC-PERP": "usdm_btcusdt_20240808.gz", "ETH-PERP": "usdm_ethusdt_20240808.gz"}
TICK = 10  # price units, of both files
needs_data = pytest.mark.skipif(not REAL.is_dir(), reason="the real captures are not part of a clone")

slow_machines = settings(deadline=None, max_examples=60)
ROOMY = FlowSettings(accounts=300, levels=100)


@st.composite
def captures(draw: st.DrawFn, market: int = BTC_PERP) -> list[Event]:
    """A book around 100 that moves, never crossed, with trades of either side."""
    events: list[Event] = []
    for time in range(draw(st.integers(1, 12))):
        middle = draw(st.integers(90, 110))
        sizes = st.integers(0, 30)
        bids = tuple((price, draw(sizes)) for price in range(middle - 4, middle))
        asks = tuple((price, draw(sizes)) for price in range(middle + 1, middle + 5))
        events.append(Levels(time, market, True, bids, asks))
        for _ in range(draw(st.integers(0, 4))):
            trade = Trade(time, market, draw(st.integers(85, 115)), draw(st.integers(1, 40)), draw(st.booleans()))
            events.append(trade)
            price = draw(st.integers(85, 115))
            events.append(Touch(time, market, (price, draw(sizes)), (price + draw(st.integers(-1, 9)), draw(sizes))))
        moved = draw(st.lists(st.tuples(st.integers(middle - 4, middle - 1), sizes), max_size=3))
        events.append(Levels(time, market, False, tuple(dict(moved).items()), ()))
    return events


def test_a_level_becomes_orders_and_a_trade_takes_the_earliest() -> None:
    events: list[Event] = [
        Levels(1, BTC_PERP, True, ((99, 10),), ((101, 10), (102, 5))),
        Trade(2, BTC_PERP, 101, 8, True),
        Trade(2, BTC_PERP, 101, 2, True),
        Trade(2, BTC_PERP, 102, 1, True),
        Levels(3, BTC_PERP, False, ((99, 0), (98, 7)), ((101, 0), (102, 3))),
    ]
    limits = FlowSettings(accounts=50, pieces=1)
    assert [describe(event) for event in OrderFlow([events], limits)] == [
        (Place, 0, True, 99, 10), (Place, 1, False, 101, 10), (Place, 2, False, 102, 5),
        (Take, 3, True, 102, 11),
        (Cancel, 0), (Modify, 4, False, 102, 3), (Place, 5, True, 98, 7),
    ]  # fmt: skip


def describe(event: OrderEvent) -> tuple[object, ...]:
    """Without times and accounts."""
    if isinstance(event, Cancel):
        return Cancel, event.number
    return type(event), event.number, event.buys, event.price, event.size


def test_the_last_orders_of_a_level_go_first_and_keep_their_place() -> None:
    events: list[Event] = [
        Levels(1, BTC_PERP, True, ((99, 10),), ()),
        Levels(2, BTC_PERP, False, ((99, 20),), ()),
        Levels(3, BTC_PERP, False, ((99, 30),), ()),
        Levels(4, BTC_PERP, False, ((99, 13),), ()),
        Trade(5, BTC_PERP, 99, 12, False),
    ]
    book = plain_book(MARKETS)
    found = []
    for event in OrderFlow([events], FlowSettings(pieces=1)):
        found.append(describe(event))
        play(book, event)
    assert found[3:] == [(Cancel, 2), (Modify, 3, True, 99, 3), (Take, 4, False, 99, 12)]
    assert [(trade.maker_order, trade.size) for trade in book.trades] == [(0, 10), (3, 2)]


def test_trades_show_what_came_and_went_between_two_updates() -> None:
    events: list[Event] = [
        Levels(1, BTC_PERP, True, ((99, 10), (98, 10)), ((101, 10), (102, 5))),
        Trade(2, BTC_PERP, 99, 4, True),  # no bid of 99 and no offer below 99, but four lots offered at 99
    ]
    found = [describe(event) for event in OrderFlow([events], FlowSettings(pieces=1))]
    assert found[4:] == [(Cancel, 0), (Place, 4, False, 99, 4), (Take, 5, True, 99, 4)]


@slow_machines
@given(first=captures(), second=captures(ETH_PERP), seed=st.integers(0, 9))
def test_the_plain_book_agrees_with_the_flow_and_the_captures(
    first: list[Event], second: list[Event], seed: int
) -> None:
    flow = OrderFlow([first, second], FlowSettings(accounts=300, levels=100, seed=seed))
    book, partial = plain_book(MARKETS), 0
    for event in flow:
        trades = len(book.trades)
        play(book, event)  # raises if refused
        partial += count_partial(book, trades)
    told = flow.statistics
    assert (told.fills, told.partial_fills) == (len(book.trades), partial)
    assert told.taken == sum(trade.size for trade in book.trades)
    assert told.taken + told.not_taken == sum(e.size for e in (*first, *second) if isinstance(e, Trade))
    assert told.not_taken == 0
    assert told.crossed == sum(isinstance(e, Touch) and e.bid[0] >= e.ask[0] for e in (*first, *second))
    assert book.removals == []
    for market, events in ((BTC_PERP, first), (ETH_PERP, second)):
        assert [levels(book, market, buys) for buys in (True, False)] == captured(events)


def captured(events: Iterable[Event]) -> list[dict[int, int]]:
    """The levels at the end of a capture, in which a last update follows all trades."""
    sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for event in events:
        if isinstance(event, Levels):
            for side, changes in zip(sides, (event.bids, event.asks), strict=True):
                if event.whole:
                    side.clear()
                side.update(changes)
    return [{price: size for price, size in side.items() if size} for side in sides]


def count_partial(book: PlainBook, trades: int) -> int:
    """How many of the trades from that one on left something of the maker's order; only the last of a taker can."""
    last = book.trades[trades:][-1:]
    return sum(
        any(entry.order.number == trade.maker_order for entry in book.queue(trade.market, not trade.taker_buys))
        for trade in last
    )


@slow_machines
@given(first=captures(), second=captures(ETH_PERP), least=st.integers(0, 2_000))
def test_the_limits_hold_and_nothing_is_refused_within_them(
    first: list[Event], second: list[Event], least: int
) -> None:
    limits = FlowSettings(
        accounts=5, levels=2, orders_per_account=2, orders=7, pieces=3, least_notionals={BTC_PERP: least}
    )  # fmt: skip
    book = plain_book(MARKETS)
    book.order_limit = 2
    flow = OrderFlow([first, second], limits)
    for event in flow:
        play(book, event)
        assert len(book.resting()) <= 7
        assert isinstance(event, Cancel) or event.market != BTC_PERP or event.price * event.size >= least
        assert 0 <= event.account < 5
    assert flow.statistics.most_orders <= 7
    for market in MARKETS:
        assert all(len(levels(book, market, buys)) <= 4 + 8 for buys in (True, False))


@slow_machines
@given(events=captures(), seed=st.integers(0, 99), careless=st.integers(0, 5), poor=st.integers(0, 5))
def test_a_venue_that_removes_and_refuses_orders_keeps_in_step_by_forget(
    events: list[Event], seed: int, careless: int, poor: int
) -> None:
    """One account's makers never trade, and another's orders are all refused."""
    book = plain_book(MARKETS)

    def objection(account: int, market: int, size: int, price: int, fee: int, risks: bool) -> Reason | None:
        return Reason.MARGIN if account == (careless if size else poor) else None

    book.objection = objection
    flow = OrderFlow([events], FlowSettings(accounts=6, orders_per_account=99, levels=100, seed=seed))
    for event in flow:
        accepted = send(book, flow, event) or event.account in (careless, poor)
        assert accepted or isinstance(event, Take)  # one that would clear the book for nothing
    assert flow.statistics.taken == sum(trade.size for trade in book.trades)
    assert standing(book) == expected(flow)


def standing(book: PlainBook) -> dict[int, int]:
    """What is left of each order in the book."""
    return {entry.order.number: entry.left for entry in book.resting()}


def expected(flow: OrderFlow) -> dict[int, int]:
    """The same, as the flow sees it."""
    queues = (queue for side in flow._sides.values() for queue in side.queues.values())
    return {order.number: order.size for queue in queues for order in queue}


@slow_machines
@given(events=captures())
def test_the_same_seed_gives_the_same_flow(events: list[Event]) -> None:
    flow = OrderFlow([events], ROOMY)
    found = list(flow)
    told = flow.statistics
    assert list(flow) == found
    assert (flow.statistics, told.places) == (told, sum(type(event) is Place for event in found))
    numbers = [event.number for event in found if not isinstance(event, Cancel)]
    assert numbers == list(range(len(numbers)))


def test_another_seed_is_another_flow() -> None:
    events: list[Event] = [Levels(1, BTC_PERP, True, ((99, 10), (98, 70)), ())]
    flows = {tuple(OrderFlow([events], FlowSettings(seed=seed))) for seed in range(5)}
    assert len(flows) == 5


def test_a_flow_streams_and_passes_the_capture_s_errors_on(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "c.gz", [snapshot(0, [("9", "1"), ("8", "1")], []), "1 depthUpdate"])
    flow = OrderFlow([open_capture(VENUE, f"BTC-PERP={path}")], ROOMY)
    with pytest.raises(TapeError) as caught:
        list(flow)
    assert caught.value.line == 2
    with pytest.raises(ValueError, match="at least 2"):
        OrderFlow([], FlowSettings(accounts=1))


def test_orders_stay_until_they_are_twice_as_far_as_those_that_are_placed() -> None:
    events: list[Event] = [
        Levels(1, BTC_PERP, True, ((99, 1), (98, 1)), ()),
        Levels(2, BTC_PERP, False, ((100, 1), (101, 1)), ()),
        Levels(3, BTC_PERP, False, ((102, 1),), ()),
        Levels(4, BTC_PERP, False, ((102, 0), (101, 0)), ()),
    ]
    found = [describe(event) for event in OrderFlow([events], FlowSettings(levels=2))]
    assert found[:4] == [(Place, number, True, price, 1) for number, price in enumerate((99, 98, 101, 100))]
    assert found[4:] == [(Cancel, 1), (Place, 4, True, 102, 1), (Cancel, 2), (Cancel, 4)]


@pytest.mark.parametrize(
    ("second", "sizes"),
    [
        (Trade(2, BTC_PERP, 101, 3, True), [5]),
        (Trade(2, BTC_PERP, 102, 3, True), [5]),
        (Trade(2, BTC_PERP, 100, 3, True), [2, 3]),  # a taker goes from better to worse prices
        (Trade(2, BTC_PERP, 101, 3, False), [2, 3]),
        (Trade(3, BTC_PERP, 101, 3, True), [2, 3]),
        (Trade(2, BTC_PERP, 101, SIZE_MAX - 2, True), [SIZE_MAX]),
        (Trade(2, BTC_PERP, 101, SIZE_MAX - 1, True), [2, SIZE_MAX - 1]),
        (Trade(2, BTC_PERP, PRICE_MAX, AMOUNT_MAX // PRICE_MAX - 2, True), [AMOUNT_MAX // PRICE_MAX]),
        (Trade(2, BTC_PERP, PRICE_MAX, AMOUNT_MAX // PRICE_MAX - 1, True), [2, AMOUNT_MAX // PRICE_MAX - 1]),
    ],
)
def test_trades_of_one_taker_are_one_order(second: Trade, sizes: list[int]) -> None:
    events: list[Event] = [Levels(1, BTC_PERP, True, (), ()), Trade(2, BTC_PERP, 101, 2, True), second]
    flow = OrderFlow([events], FlowSettings())
    assert [event.size for event in flow if isinstance(event, Take)] == sizes
    assert flow.statistics.trades == 2


def test_queues_are_counted_when_a_second_order_joins() -> None:
    events: list[Event] = [Levels(time, BTC_PERP, False, ((99, time), (98, 5)), ()) for time in range(1, 5)]
    flow = OrderFlow([events], FlowSettings(pieces=1))
    assert len(list(flow)) == 5
    assert (flow.statistics.queues, flow.statistics.longest_queue, flow.statistics.most_orders) == (1, 4, 5)


def test_a_captured_book_is_remembered_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth_module, "_MOST_LEVELS", 3)
    events: list[Event] = [
        Levels(1, BTC_PERP, True, tuple((price, 1) for price in range(1, 9)), ()),
        Levels(2, BTC_PERP, False, ((8, 0), (7, 0)), ()),
    ]
    flow = OrderFlow([events], FlowSettings(levels=2))
    assert [event.price for event in flow if isinstance(event, Place)] == [8, 7, 6]  # 5 is forgotten


def test_the_best_prices_tell_what_went_and_what_came_in_front() -> None:
    events: list[Event] = [
        Levels(1, BTC_PERP, True, ((99, 10), (98, 10)), ((101, 10),)),
        Touch(2, BTC_PERP, (98, 3), (100, 7)),  # the size at a price that is known waits for the next update
        Touch(3, BTC_PERP, (98, 3), (100, 9)),
        Touch(4, BTC_PERP, (98, 3), (101, 9)),
    ]
    found = [describe(event) for event in OrderFlow([events], FlowSettings(pieces=1))]
    assert found[3:] == [(Cancel, 0), (Place, 3, False, 100, 7), (Cancel, 3)]


def test_a_crossed_capture_does_not_cross_the_book() -> None:
    events: list[Event] = [Levels(1, BTC_PERP, True, ((99, 10), (101, 10)), ((100, 10), (102, 5)))]
    book, flow = plain_book(MARKETS), OrderFlow([events], FlowSettings(pieces=1))
    for event in flow:
        play(book, event)
    assert (levels(book, BTC_PERP, True), levels(book, BTC_PERP, False)) == ({101: 10, 99: 10}, {102: 5})
    assert flow.statistics.crossed == 1


def follow(
    book: PlainBook, flow: Iterable[OrderEvent], touches: Iterable[Iterable[Event]]
) -> Iterator[tuple[Touch, int, int]]:
    """The best prices of captures while the flow lasts, with by how much those of the book differ at the time."""
    events: Iterable[OrderEvent | Event] = merge(flow, *touches, key=lambda event: event.time)
    for event in events:
        if isinstance(event, Touch):
            bids, asks = book.queue(event.market, True), book.queue(event.market, False)
            if bids and asks:
                bid, ask = bids[0].order.price, asks[0].order.price
                yield event, abs(bid - event.bid[0]), abs(ask - event.ask[0])
        elif not isinstance(event, Levels | Trade):
            play(book, event)


def real_captures(touches: bool, seconds: int) -> list[Iterable[Event]]:
    """What the real captures tell up to so many seconds after START."""
    end = START * 10**6 + seconds * 10**9
    found = [open_capture(VENUE, f"{name}={REAL / file}", touches) for name, file in FILES.items()]
    return [takewhile(lambda event: event.time <= end, capture) for capture in found]


def replay_real_captures(touches: bool, seconds: int) -> tuple[FlowStatistics, dict[int, int]]:
    """Play the flow of the real captures; its statistics and the percentage of best prices within so many ticks.

    touches: whether the flow, too, is told the best prices.
    """
    flow = OrderFlow(real_captures(touches, seconds), FlowSettings())
    book, seen, within = plain_book(MARKETS), 0, dict.fromkeys((0, 1, 5, 10, 50), 0)
    for _, bid, ask in follow(book, flow, real_captures(True, seconds)):
        seen += 2
        for ticks in within:
            within[ticks] += (bid <= ticks * TICK) + (ask <= ticks * TICK)
    assert flow.statistics.fills == len(book.trades)
    assert book.removals == []
    return flow.statistics, {ticks: 100 * count // seen for ticks, count in within.items()}


def check_replay(told: FlowStatistics) -> None:
    assert told.places >= 10_000
    assert told.cancels >= 3_000
    assert told.partial_fills >= 1_000
    assert told.queues >= 500
    assert (told.not_taken, told.no_room, told.crossed) == (0, 0, 0)


@needs_data
def test_the_beginning_of_real_captures_makes_a_lively_book() -> None:
    told, within = replay_real_captures(touches=True, seconds=50)
    check_replay(told)
    assert within[0] >= 96


@needs_data
def test_a_book_with_margin_stays_in_step_with_the_flow_of_real_captures() -> None:
    book = plain_book(MARKETS)
    book.markets = {market: PlainMarket(maker_fee=200, taker_fee=500) for market in MARKETS}
    book.prices = {market: PlainPrice(VENUE.instruments[market].initial_price) for market in MARKETS}
    margin = PlainMargin(book, dict.fromkeys(MARKETS, 500), borrow_fraction=100)
    book.objection = margin.objection
    limits = FlowSettings(accounts=100)
    for account in range(limits.accounts):
        book.quote[account] = 5_000 * 10**6
    flow = OrderFlow(real_captures(touches=True, seconds=25), limits)
    refused = 0
    for event in flow:
        refused += not send(book, flow, event)
        # The venue asks for more and less by turns, and orders that were placed before it asks for more go.
        margin.fractions = dict.fromkeys(MARKETS, 400 + 400 * (len(book.trades) // 10 % 2))
    assert refused > 50
    assert len(book.removals) > 20
    assert {removal.reason for removal in book.removals} == {Reason.MARGIN}
    assert len(book.trades) > 500
    assert standing(book) == expected(flow)


@needs_data
@pytest.mark.long
@pytest.mark.parametrize(("touches", "exact", "near"), [(True, 96, 98), (False, 70, 84)])
def test_real_captures_are_followed_to_their_end(touches: bool, exact: int, near: int) -> None:
    told, within = replay_real_captures(touches, seconds=3_600)
    check_replay(told)
    assert told.trades == 21_313 + 14_076 - 5  # so many come before the first snapshots
    assert (within[0] >= exact, within[10] >= near) == (True, True)
