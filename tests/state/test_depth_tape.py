"""The order flow of captures as a batch: the ledger takes it whole, and fills and removes as a plain book does."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.records import FIRST_TRADER
from state.activity import Activity, ActivityError
from state.audit import account_count, invariant
from state.batch import kind_name
from state.book import Reason, owner
from state.capture import Event, Levels, Touch, open_capture
from state.depth import OrderFlow
from state.depth_tape import (
    Apply,
    DepthPlayer,
    DepthReport,
    DepthSettings,
    make_depth_activity,
    make_flow_settings,
    read_events,
)
from state.errors import Refusal, Rule
from state.ledger import BatchStateError, Ledger
from state.marks import Marks
from state.memory import Memory
from state.tape import Trade
from state.transitions import Transition
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.venue import Venue
from tests.batches import BTC_PERP, ETH, ETH_PERP, brisk_venue, default_venue, new_ledger
from tests.state.captures import REAL
from tests.state.side_by_side import SideBySide

VENUE = default_venue()
FILES = {"BTC-PERP": "usdm_btcusdt_20240808.gz", "ETH-PERP": "usdm_ethusdt_20240808.gz"}
LEAST, CAP = 250 * 10**6, 600  # of BTC-PERP at the strict venue: the value of about 40 lots, and lots
SMALL = DepthSettings(accounts=12, seed=3, thin=1)
needs_data = pytest.mark.skipif(not REAL.is_dir(), reason="the real captures are not part of a clone")


def made_up(
    seed: int, market: int = BTC_PERP, steps: int = 40, move: int = 3, lots: int = 4_000, start: int = 0
) -> list[Event]:
    """A book of five levels of up to so many lots a side that jumps by up to `move` percent, and trades at its best
    prices. start: seconds after the venue's epoch."""
    random, middle, events = Random(seed), VENUE.instruments[market].initial_price, list[Event]()
    for step in range(1, steps + 1):
        time = (VENUE.epoch + start + 2 * step) * 10**9  # in which the brisk venue's marks move by 3 percent
        middle = middle * random.randint(1_000 - 10 * move, 1_000 + 10 * move) // 1_000
        bids = tuple((middle - 1_000 * k, random.randint(0, lots)) for k in range(1, 6))
        asks = tuple((middle + 1_000 * k, random.randint(0, lots)) for k in range(1, 6))
        events.append(Levels(time, market, True, bids, asks))
        if random.random() < 0.8:
            buys = random.random() < 0.5
            price = middle + (1_000 if buys else -1_000) * random.randint(1, 2)
            events.append(Trade(time + 10**8, market, price, random.randint(1, lots * 3 // 2), buys))
        events.append(Touch(time + 2 * 10**8, market, (middle - 1_000, 0), (middle + 1_000, 0)))
    return events


def report_of(activity: Activity) -> DepthReport:
    assert isinstance(activity.report, DepthReport)
    return activity.report


def opened(ledger: Ledger, time: int) -> Ledger:
    ledger.begin_batch(time)
    return ledger


def venue_with(numbers: Collection[int], **terms: Any) -> Venue:
    """The brisk venue, but with these terms of those instruments."""
    venue = brisk_venue()
    return replace(
        venue, instruments=tuple(replace(i, **terms) if i.number in numbers else i for i in venue.instruments)
    )


STRICT = venue_with([BTC_PERP], minimum_notional=LEAST, interest_cap=CAP)
SWIFT = venue_with([ETH, BTC_PERP, ETH_PERP], step_time=2)


def is_opening(transition: Transition) -> bool:
    """Whether it comes before all prices and orders."""
    return isinstance(transition, Register | Deposit)


class Swing:
    """Sends prices on that swing by 10 percent around the tape's, so that accounts fall below their margin."""

    def __init__(self, apply: Apply) -> None:
        self._apply, self._count = apply, 0

    def __call__(self, transition: Transition) -> None:
        if isinstance(transition, SetPrice):
            self._count += 1
            transition = replace(transition, price=transition.price * (90 if self._count & 2 else 110) // 100)
        self._apply(transition)


def replay(
    activity: Activity,
    captures: Sequence[Iterable[Event]],
    used: DepthSettings,
    venue: Venue | None = None,
    limit: int | None = None,
    swing: bool = False,
) -> tuple[SideBySide, DepthReport, list[Transition]]:
    """Play the flow of the captures once more, after the activity's accounts and deposits, on ledger and plain book."""
    both = SideBySide(opened(new_ledger(venue=venue), activity.time))
    for transition in filter(is_opening, activity.transitions):
        both.apply(transition)
    flow_settings = make_flow_settings(both.ledger, used)
    events, firsts = read_events(captures, flow_settings, limit)
    flow = OrderFlow(events, flow_settings)
    accounts = range(FIRST_TRADER, FIRST_TRADER + used.accounts)
    marks, report = Marks(both.ledger, firsts, used.price_move, used.price_interval), DepthReport()
    player = DepthPlayer(both.ledger, flow, accounts, marks, Swing(both.apply) if swing else both.apply)
    played = list(player.play(report, limit))
    assert flow.statistics.fills == len(both.book.trades) == report.fills
    assert flow.statistics.partial_fills == report.partial_fills
    assert both.refused == len(report.refused)
    both.compare_books()
    return both, report, played


@given(
    seed=st.integers(0, 10**6), accounts=st.integers(6, 30), both_markets=st.booleans(), strict=st.booleans(),
    move=st.sampled_from([3, 12]), lots=st.sampled_from([100, 4_000]),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_the_ledger_takes_the_batch_whole_and_fills_like_the_plain_book(
    seed: int, accounts: int, both_markets: bool, strict: bool, move: int, lots: int
) -> None:
    """Also where the market binds orders, and where marks are capped, which a move of 12 percent is too fast for."""
    captures = [made_up(seed, steps=20, move=move, lots=lots)]
    if both_markets:
        captures.append(made_up(seed + 1, ETH_PERP, steps=20, move=move))
    used, venue = DepthSettings(accounts, seed, thin=2), STRICT if strict else brisk_venue()
    activity = make_depth_activity(new_ledger(venue=venue), captures, used)
    both, report, played = replay(activity, captures, used, venue)
    assert played == [transition for transition in activity.transitions if not is_opening(transition)]
    told = report_of(activity)
    assert (told.removed, told.fills, told.prices) == (report.removed, report.fills, report.prices)
    assert [(place, str(why)) for place, why in told.refused] == [(place, str(why)) for place, why in report.refused]
    assert all(backing.holds for backing in invariant(both.ledger))


def test_orders_are_as_large_as_the_market_demands_and_fill_like_the_plain_book_up_to_its_cap() -> None:
    captures, used = [made_up(5, lots=100)], DepthSettings(accounts=30, seed=3, thin=0)
    activity = make_depth_activity(new_ledger(venue=STRICT), captures, used)
    both, report, _ = replay(activity, captures, used, STRICT)
    found = Counter(why.rule for _, why in report.refused)
    assert found[Rule.INTEREST_LIMIT] >= 3
    assert found[Rule.MINIMUM_NOTIONAL] < report.events // 50
    terms = [t for t in activity.transitions if isinstance(t, Order)]
    assert LEAST <= min(order.price * order.size for order in terms) < 2 * LEAST
    assert CAP - 50 < both.book.interest(BTC_PERP) <= CAP


def test_capped_marks_refuse_on_both_sides() -> None:
    captures, used = [made_up(5, move=8), made_up(6, ETH_PERP, move=8)], DepthSettings(accounts=30, seed=3)
    activity = make_depth_activity(new_ledger(), captures, used)
    _, report, _ = replay(activity, captures, used)
    refused = Counter(why.rule for _, why in report.refused)
    assert refused[Rule.STALE_PRICE] >= 100
    assert refused[Rule.NOTHING_ACHIEVED] >= 10  # who would remove orders at a capped mark, and not trade
    assert report.fills >= 20  # in the seconds between


def test_some_orders_are_refused_some_are_removed_and_all_is_counted() -> None:
    captures = [made_up(4), made_up(5, ETH_PERP)]
    activity = make_depth_activity(new_ledger(), captures, SMALL)
    report, both = report_of(activity), SideBySide(opened(new_ledger(), activity.time))
    for transition in activity.transitions:
        both.apply(transition)  # a refusal fails the test
    kinds = Counter(kind_name(transition) for transition in activity.transitions)
    assert report.places + report.takes == kinds["order"]
    assert (report.modifies, report.cancels) == (kinds["modify"], kinds["cancel"])
    assert report.fills == len(both.book.trades) > report.partial_fills > 0
    assert sum(report.removed.values()) == len(both.book.removals) > 0
    assert set(report.removed) == {Reason.MARGIN}
    assert {why.rule for _, why in report.refused} <= {Rule.INITIAL_MARGIN, Rule.BORROW_MARGIN}
    assert 0 < len(report.refused) < report.events // 4
    accepted = kinds["order"] + kinds["modify"] + kinds["cancel"]
    assert report.events - len(report.refused) <= accepted <= report.events  # a refused modification still cancels
    assert report.prices == Counter(t.instrument for t in activity.transitions if isinstance(t, SetPrice))
    traders = {(owner(n), t.market) for t in both.ledger.trades for n in (t.maker_order, t.taker_order)}
    assert report.idle == SMALL.accounts - sum(
        {(a, BTC_PERP), (a, ETH_PERP)} <= traders for a in range(FIRST_TRADER, FIRST_TRADER + SMALL.accounts)
    )


def test_orders_rest_post_only_and_take_now_and_marks_follow() -> None:
    activity = make_depth_activity(new_ledger(), [made_up(1), made_up(2, ETH_PERP)], SMALL)
    marks: dict[int, int] = {}
    near: Counter[bool] = Counter()
    times = [t.time for t in activity.transitions if isinstance(t, SetPrice)]
    assert all(before <= after for before, after in pairwise(times))
    assert times[-1] <= activity.time
    for transition in activity.transitions:
        if isinstance(transition, SetPrice):
            marks[transition.instrument] = transition.price
        elif isinstance(transition, Order):
            assert transition.policy in (Policy.POST_ONLY, Policy.IMMEDIATE_OR_CANCEL)
            assert transition.expiry >= activity.time
            if transition.policy is Policy.IMMEDIATE_OR_CANCEL:
                off = abs(transition.price - marks[transition.market])
                near[off * 2_000 <= marks[transition.market]] += 1
    assert near[True] > 4 * near[False]  # those within a second of the last price
    assert set(marks) == {BTC_PERP, ETH_PERP, ETH}


def test_the_same_seed_makes_the_same_batch_and_leaves_the_ledger_alone() -> None:
    ledger, captures = new_ledger(), [made_up(1)]
    root, records = ledger.root, ledger.records()
    first = make_depth_activity(ledger, captures, SMALL)
    again = make_depth_activity(ledger, [iter(made_up(1))], SMALL)  # one reading is enough
    assert first.transitions == again.transitions
    assert make_depth_activity(ledger, captures, replace(SMALL, seed=4)).transitions != first.transitions
    assert (ledger.root, ledger.records(), ledger.in_batch) == (root, records, False)


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_a_limit_counts_events(limit: int) -> None:
    activity = make_depth_activity(new_ledger(), [made_up(1), made_up(2, ETH_PERP)], SMALL, limit=limit)
    assert report_of(activity).events == limit


def test_accounts_that_are_not_thin_are_never_refused() -> None:
    activity = make_depth_activity(new_ledger(), [made_up(1)], replace(SMALL, thin=0))
    assert report_of(activity).refused == []


def test_accounts_trade_in_one_market_before_the_other_and_what_follows_it_have_a_price_of_their_day() -> None:
    captures = [made_up(1, start=86_400), made_up(2, ETH_PERP, start=86_410)]
    activity = make_depth_activity(new_ledger(), captures, replace(SMALL, thin=0))
    assert activity.report.refused == []
    assert activity.report.fills >= 50


def test_a_second_capture_meets_the_orders_of_the_first() -> None:
    """Orders that wait from another batch trade, too, or keep new ones out; the ledger still takes the batch whole."""
    ledger = new_ledger()
    for seed in (1, 2):
        activity = make_depth_activity(ledger, [made_up(seed)], replace(SMALL, seed=seed))
        ledger.begin_batch(activity.time)
        for transition in activity.transitions:
            ledger.apply(transition)  # a refusal fails the test
        ledger.close_batch()
    assert account_count(ledger) == FIRST_TRADER + 2 * SMALL.accounts
    assert any(why.rule is Rule.POST_ONLY for _, why in activity.report.refused)


def test_a_full_batch_ends_the_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_depth_activity(new_ledger(), [made_up(1)], replace(SMALL, thin=0))
    room = Memory.require_room

    def less(memory: Memory) -> None:
        room(memory)
        if memory.witness.row_count() > 900:
            raise Refusal(Rule.BATCH_FULL, rows=memory.witness.row_count(), table="execution", limit=900)

    monkeypatch.setattr(Memory, "require_room", less)
    activity = make_depth_activity(new_ledger(), [made_up(1)], replace(SMALL, thin=0))
    ((position, refusal),) = activity.report.refused
    assert (position, refusal.rule) == (report_of(activity).events - 1, Rule.BATCH_FULL)
    orders = [transition for transition in activity.transitions if not is_opening(transition)]
    assert 50 < len(orders) < len(whole.transitions)
    assert orders == [transition for transition in whole.transitions if not is_opening(transition)][: len(orders)]


def test_what_cannot_be_made_into_a_batch_is_refused() -> None:
    ledger = new_ledger()
    with pytest.raises(ActivityError, match="1 accounts"):
        make_depth_activity(ledger, [made_up(1)], DepthSettings(1))
    nothing: list[list[Event]] = [[], [], [Levels(1, BTC_PERP, True, (), ())]]
    for count in range(4):
        with pytest.raises(ActivityError, match="no orders"):
            make_depth_activity(ledger, nothing[:count], SMALL)
    ledger.begin_batch()
    with pytest.raises(BatchStateError):
        make_depth_activity(ledger, [made_up(1)], SMALL)


def real_captures() -> list[Iterable[Event]]:
    return [open_capture(VENUE, f"{name}={REAL / file}") for name, file in FILES.items()]


@needs_data
def test_real_captures_fill_like_the_plain_book() -> None:
    used, limit = DepthSettings(), 32_000
    activity = make_depth_activity(new_ledger(venue=VENUE), real_captures(), used, limit=limit)
    both, _, played = replay(activity, real_captures(), used, VENUE, limit)
    assert played == [transition for transition in activity.transitions if not is_opening(transition)]
    report = report_of(activity)
    assert report.places + report.takes >= 10_000
    assert report.cancels >= 3_000
    assert report.partial_fills >= 1_000
    assert report.queues >= 500
    assert len(both.book.trades) >= 2_000
    assert 0 < len(report.refused) <= report.events // 20
    assert {why.rule for _, why in report.refused} <= {Rule.INITIAL_MARGIN, Rule.BORROW_MARGIN}  # no mark is capped


@needs_data
def test_real_captures_with_swinging_marks_fill_like_the_plain_book() -> None:
    used, limit = DepthSettings(price_move=0, accounts=100, thin=1), 8_000
    activity = make_depth_activity(new_ledger(venue=SWIFT), real_captures(), used, limit=limit)
    both, report, _ = replay(activity, real_captures(), used, SWIFT, limit, swing=True)
    assert {why.rule for _, why in report.refused} <= {Rule.INITIAL_MARGIN, Rule.BORROW_MARGIN, Rule.NOTHING_ACHIEVED}
    assert len(report.refused) >= 50
    assert report.removed[Reason.MARGIN] >= 20
    assert len(both.book.trades) >= 300
