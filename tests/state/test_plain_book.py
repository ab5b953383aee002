"""The plain book against examples worked by hand, and against what must hold of any book."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.state.plain_book import (
    PlainBook,
    PlainMargin,
    PlainMarket,
    PlainOrder,
    PlainPolicy,
    PlainPrice,
    Reason,
    Refused,
    Resting,
    reduces,
)

GTT, IOC, FOK, POST = PlainPolicy
slow_machines = settings(deadline=None)
BTC, ETH = 2, 3
ALICE, BOB, CAROL, DAVE = 10, 11, 12, 13


class Desk:
    """A book of one batch at time 100, with orders numbered 0, 1, 2 ... as they are sent."""

    def __init__(self, **options: Any) -> None:
        self.book = PlainBook({BTC: PlainMarket(), ETH: PlainMarket()}, **options)
        self.book.begin_batch(100)
        self.sent = 0

    def order(self, account: int, buys: bool, size: int, price: int, policy: PlainPolicy, **more: Any) -> PlainOrder:
        terms = {"market": BTC, "expiry": 1000} | more
        self.sent += 1
        return PlainOrder(self.sent - 1, account, buys=buys, price=price, size=size, policy=policy, **terms)

    def buy(self, account: int, size: int, price: int, policy: PlainPolicy = GTT, **more: Any) -> None:
        self.book.place(self.order(account, True, size, price, policy, **more))

    def sell(self, account: int, size: int, price: int, policy: PlainPolicy = GTT, **more: Any) -> None:
        self.book.place(self.order(account, False, size, price, policy, **more))

    def side(self, buys: bool, market: int = BTC) -> list[tuple[int, int]]:
        """Order numbers and what is left of them, best first."""
        return [(entry.order.number, entry.left) for entry in self.book.queue(market, buys)]

    def fills(self) -> list[tuple[int, int, int, int]]:
        """Maker order, taker order, price, size."""
        return [(trade.maker_order, trade.taker_order, trade.price, trade.size) for trade in self.book.trades]

    def removals(self) -> list[tuple[int, Reason]]:
        return [(removal.order, removal.reason) for removal in self.book.removals]


def test_the_best_price_trades_first_then_the_earliest_and_at_the_makers_price() -> None:
    desk = Desk()
    desk.sell(ALICE, 5, 102)
    desk.sell(BOB, 3, 101)
    desk.sell(CAROL, 4, 101)
    desk.buy(DAVE, 9, 103)
    assert desk.fills() == [(1, 3, 101, 3), (2, 3, 101, 4), (0, 3, 102, 2)]
    assert desk.side(buys=False) == [(0, 3)]
    assert desk.side(buys=True) == []
    assert desk.book.positions == {(BOB, BTC): -3, (CAROL, BTC): -4, (ALICE, BTC): -2, (DAVE, BTC): 9}
    assert desk.book.quote[DAVE] == -(3 * 101 + 4 * 101 + 2 * 102)


def test_a_remainder_rests_behind_its_price_and_a_partial_fill_keeps_its_place() -> None:
    desk = Desk()
    desk.buy(ALICE, 5, 100)
    desk.buy(BOB, 5, 100)
    desk.sell(CAROL, 2, 100)
    assert desk.side(buys=True) == [(0, 3), (1, 5)]
    desk.sell(CAROL, 9, 100)
    assert desk.side(buys=True) == []
    assert desk.side(buys=False) == [(3, 1)]
    desk.sell(DAVE, 1, 99)
    desk.sell(DAVE, 1, 100)
    assert desk.side(buys=False) == [(4, 1), (3, 1), (5, 1)]


def test_a_market_order_stops_at_its_worst_price_and_drops_the_rest() -> None:
    desk = Desk()
    desk.buy(ALICE, 1, 100)
    desk.buy(BOB, 1, 98)
    desk.sell(CAROL, 5, 99, IOC)
    assert desk.fills() == [(0, 2, 100, 1)]
    assert (desk.side(buys=True), desk.side(buys=False)) == ([(1, 1)], [])


def test_fill_or_kill_takes_all_or_leaves_all_as_it_was() -> None:
    desk = Desk()
    desk.sell(ALICE, 2, 100)
    desk.sell(DAVE, 2, 100, expiry=100)
    desk.sell(BOB, 2, 101)
    desk.book.begin_batch(101)
    with pytest.raises(Refused):
        desk.buy(CAROL, 5, 101, FOK)
    assert (desk.fills(), desk.removals()) == ([], [])
    assert desk.side(buys=False) == [(0, 2), (1, 2), (2, 2)]
    desk.buy(CAROL, 4, 101, FOK)
    assert desk.fills() == [(0, 4, 100, 2), (2, 4, 101, 2)]
    assert desk.removals() == [(1, Reason.EXPIRED)]


def test_post_only_rests_or_is_refused_even_by_a_dead_head() -> None:
    desk = Desk()
    desk.sell(ALICE, 2, 100, expiry=100)
    desk.buy(BOB, 1, 99, POST)
    desk.book.begin_batch(101)
    with pytest.raises(Refused):
        desk.buy(BOB, 1, 100, POST)
    assert (desk.side(buys=True), desk.side(buys=False)) == ([(1, 1)], [(0, 2)])


def test_heads_that_cannot_trade_go_with_their_reason() -> None:
    desk = Desk(
        objection=lambda account, market, size, price, fee, risks: Reason.STALE if size and account == DAVE else None
    )
    desk.sell(ALICE, 1, 100, expiry=100)
    desk.sell(CAROL, 1, 101)
    desk.sell(BOB, 1, 102, reduce_only=True)
    desk.sell(DAVE, 1, 103)
    desk.sell(BOB, 1, 104)
    desk.book.begin_batch(101)
    desk.buy(CAROL, 2, 105)
    assert desk.removals() == [
        (0, Reason.EXPIRED), (1, Reason.SELF_TRADE), (2, Reason.REDUCE_ONLY), (3, Reason.STALE),
    ]  # fmt: skip
    assert desk.fills() == [(4, 5, 104, 1)]
    assert (desk.side(buys=True), desk.side(buys=False)) == ([(5, 1)], [])


def test_a_head_goes_as_a_whole_even_if_the_taker_is_smaller() -> None:
    desk = Desk()
    desk.sell(ALICE, 9, 100)
    desk.sell(BOB, 9, 100)
    desk.buy(ALICE, 2, 100)
    assert desk.removals() == [(0, Reason.SELF_TRADE)]
    assert desk.side(buys=False) == [(1, 7)]


def test_an_expired_order_of_the_taker_itself_counts_as_expired() -> None:
    desk = Desk()
    desk.sell(ALICE, 1, 100, expiry=100)
    desk.book.begin_batch(101)
    desk.buy(ALICE, 1, 100, IOC)
    assert desk.removals() == [(0, Reason.EXPIRED)]


def test_an_order_lives_through_the_time_of_its_expiry() -> None:
    desk = Desk()
    desk.sell(ALICE, 1, 100, expiry=100)
    desk.buy(BOB, 1, 100)
    assert desk.fills() == [(0, 1, 100, 1)]
    with pytest.raises(Refused):
        desk.buy(BOB, 1, 100, expiry=99)


def test_reduce_only_makers_fill_up_to_their_position_and_takers_are_refused_beyond_it() -> None:
    desk = Desk()
    desk.buy(ALICE, 5, 100)
    desk.sell(BOB, 5, 100)  # Alice 5, Bob -5
    desk.sell(ALICE, 5, 101, reduce_only=True)
    desk.buy(CAROL, 3, 101)
    assert desk.side(buys=False) == [(2, 2)]
    desk.sell(ALICE, 2, 90, IOC)  # nothing crosses; Alice still has 2
    desk.buy(DAVE, 1, 90)
    desk.sell(ALICE, 1, 90)  # Alice 1, with 2 to sell
    desk.buy(DAVE, 2, 101)
    assert desk.removals() == [(2, Reason.REDUCE_ONLY)]
    with pytest.raises(Refused):
        desk.sell(ALICE, 2, 101, reduce_only=True)
    desk.sell(ALICE, 1, 101, reduce_only=True)
    assert desk.book.positions[ALICE, BTC] == 0


@pytest.mark.parametrize(
    ("position", "size", "expected"),
    [(5, -5, True), (5, -6, False), (5, 1, False), (-3, 3, True), (-3, 4, False), (0, 1, False), (0, -1, False)],
)
def test_what_reduces(position: int, size: int, expected: bool) -> None:
    assert reduces(position, size) is expected


def test_cancel_and_modify() -> None:
    desk = Desk()
    desk.buy(ALICE, 5, 100)
    desk.buy(BOB, 5, 100)
    desk.buy(ALICE, 5, 99, market=ETH)
    with pytest.raises(Refused):
        desk.book.cancel(BOB, 0)
    desk.book.modify(0, desk.order(ALICE, True, 4, 100, GTT))
    assert desk.side(buys=True) == [(1, 5), (3, 4)]
    with pytest.raises(Refused):  # the new order is refused, so the old one stays
        desk.book.modify(3, desk.order(ALICE, True, 4, 100, GTT, expiry=99))
    assert desk.side(buys=True) == [(1, 5), (3, 4)]
    desk.book.cancel_all(ALICE)
    assert (desk.side(buys=True), desk.side(buys=True, market=ETH)) == ([(1, 5)], [])
    desk.book.cancel(BOB, 1)
    for gone in (0, 1, 3):
        with pytest.raises(Refused):
            desk.book.cancel(BOB, gone)


def test_the_limits_of_a_market_and_of_an_account() -> None:
    desk = Desk(order_limit=2)
    desk.buy(ALICE, 5, 100)
    desk.buy(ALICE, 5, 100, market=ETH)
    with pytest.raises(Refused):
        desk.buy(ALICE, 5, 99)
    desk.book.modify(0, desk.order(ALICE, True, 5, 99, GTT))
    desk.book.markets[BTC], desk.book.prices[BTC] = PlainMarket(least_notional=500), PlainPrice(100)
    desk.buy(BOB, 5, 99)
    with pytest.raises(Refused):
        desk.buy(BOB, 4, 200)
    desk.buy(BOB, 4, 99, reduce_only=True)
    desk.book.cancel(BOB, 6)
    desk.book.markets[BTC] = PlainMarket(active=False)
    with pytest.raises(Refused):
        desk.buy(BOB, 5, 100)
    desk.book.cancel(BOB, 4)
    with pytest.raises(ValueError, match="before"):
        desk.book.begin_batch(99)


def test_fees_round_up_for_each_fill() -> None:
    desk = Desk()
    desk.book.markets[BTC] = PlainMarket(maker_fee=200, taker_fee=500)
    desk.sell(ALICE, 1, 10_001)
    desk.sell(BOB, 1, 10_000)
    desk.buy(CAROL, 2, 10_001)
    assert desk.book.quote == {ALICE: 10_001 - 3, BOB: 10_000 - 2, CAROL: -20_001 - 5 - 6}
    assert desk.book.fees == 16


def funded(**quote: int) -> tuple[Desk, PlainMargin]:
    """A desk whose accounts hold this much; marks 100 and 10, a tenth of which is the initial margin."""
    desk = Desk()
    desk.book.prices = {BTC: PlainPrice(100), ETH: PlainPrice(10)}
    margin = PlainMargin(desk.book, fractions={BTC: 1_000, ETH: 1_000})
    desk.book.objection = margin.objection
    for name, amount in quote.items():
        desk.book.quote[{"alice": ALICE, "bob": BOB, "carol": CAROL, "dave": DAVE}[name]] = amount
    return desk, margin


def test_resting_orders_need_margin_for_the_worse_side() -> None:
    desk, _ = funded(alice=100)
    desk.buy(ALICE, 10, 100)
    desk.sell(ALICE, 10, 101)
    with pytest.raises(Refused):
        desk.buy(ALICE, 1, 100)
    with pytest.raises(Refused):
        desk.buy(ALICE, 1, 10, market=ETH)
    desk.book.cancel(ALICE, 0)
    with pytest.raises(Refused):
        desk.sell(ALICE, 1, 101)
    desk.buy(ALICE, 10, 100)


def test_a_maker_out_of_margin_goes_and_the_taker_goes_on() -> None:
    desk, _ = funded(alice=100, bob=200, carol=1_000)
    desk.sell(ALICE, 10, 99)
    desk.sell(BOB, 10, 100)
    desk.buy(CAROL, 20, 100)  # a lot sold at 99 costs Alice 1: she would have 90, and need 100 for what else rests
    assert desk.removals() == [(0, Reason.MARGIN)]
    assert desk.fills() == [(1, 2, 100, 10)]


def test_a_fill_at_the_mark_leaves_the_margin_of_its_maker_and_its_fee_does_not() -> None:
    for fee, removed in ((0, []), (1, [(0, Reason.MARGIN)])):
        desk, _ = funded(alice=100, carol=1_000)
        desk.book.markets[BTC] = PlainMarket(maker_fee=fee)
        desk.sell(ALICE, 10, 100)
        desk.buy(CAROL, 3, 100)
        assert desk.removals() == removed


def test_a_taker_out_of_margin_is_refused_as_a_whole() -> None:
    desk, _ = funded(alice=1_000, carol=50)
    desk.sell(ALICE, 5, 100)
    desk.sell(ALICE, 5, 100)
    with pytest.raises(Refused):
        desk.buy(CAROL, 6, 100)
    assert desk.fills() == []
    desk.buy(CAROL, 1, 10, market=ETH)
    with pytest.raises(Refused):  # 50 is enough for five lots alone, but an order rests
        desk.buy(CAROL, 5, 100)
    desk.book.cancel_all(CAROL)
    desk.buy(CAROL, 5, 100)


def test_an_order_that_neither_trades_nor_rests_needs_no_margin() -> None:
    desk, _ = funded(alice=10)
    desk.buy(ALICE, 1, 100)
    desk.book.prices[BTC].mark = 500  # what rests would not be accepted any more
    desk.buy(ALICE, 1, 100, IOC)
    desk.book.cancel(ALICE, 0)
    with pytest.raises(Refused):
        desk.buy(ALICE, 1, 100)


def test_other_collateral_counts_by_whole_lots_and_borrowing_needs_more() -> None:
    desk, margin = funded(bob=1_000)
    desk.book.prices[1] = PlainPrice(33)
    margin.assets, margin.holdings = {1: 8_500}, {(ALICE, 1): 5}  # 5 * floor(28.05)
    desk.sell(BOB, 100, 100)
    desk.buy(ALICE, 14, 100, FOK)
    assert desk.book.quote[ALICE] == -1_400  # cash with the position at the mark is 0
    with pytest.raises(Refused):
        desk.buy(ALICE, 1, 100, FOK)
    desk.book.prices[BTC].mark = 99  # cash -14, requirement 14 * 10 still (9.9 rounded up)
    assert margin.objection(ALICE, BTC, 0, 0, 0, True) is Reason.MARGIN
    margin.holdings[ALICE, 1] = 6  # 168 - 14 - 140 = 14: as much as is owed
    margin.borrow_fraction = 1_000
    assert margin.objection(ALICE, BTC, 0, 0, 0, True) is None
    margin.borrow_fraction = 1_001
    assert margin.objection(ALICE, BTC, 0, 0, 0, True) is Reason.MARGIN


def test_stale_prices_stop_growth_only_and_of_those_who_have_something_there() -> None:
    desk, _ = funded(alice=1_000, bob=1_000, carol=1_000, dave=1_000)
    desk.buy(ALICE, 5, 10, market=ETH)
    desk.sell(BOB, 5, 10, market=ETH)
    desk.sell(ALICE, 1, 100)
    desk.sell(CAROL, 1, 101)
    desk.sell(ALICE, 2, 10, market=ETH)
    desk.buy(CAROL, 1, 1, market=ETH)
    desk.book.prices[ETH].last = 99
    with pytest.raises(Refused):  # Carol has no position in the stale market, but an order
        desk.sell(CAROL, 1, 102)
    desk.sell(CAROL, 1, 102, reduce_only=True)
    desk.buy(DAVE, 1, 101)
    assert desk.removals() == [(2, Reason.STALE), (3, Reason.STALE)]
    with pytest.raises(Refused):  # Dave would come to hold it
        desk.buy(DAVE, 1, 10, IOC, market=ETH)
    desk.buy(BOB, 1, 10, IOC, market=ETH)  # both reduce
    assert desk.book.positions[ALICE, ETH] == 4
    with pytest.raises(Refused):
        desk.sell(CAROL, 1, 101, IOC)
    desk.book.cancel(CAROL, 5)
    desk.sell(CAROL, 1, 101, IOC)
    assert desk.book.positions[CAROL, BTC] == -1


def test_open_interest_may_grow_up_to_its_cap_and_else_only_change_hands() -> None:
    desk = Desk()
    desk.book.markets[BTC] = PlainMarket(interest_cap=10)
    desk.sell(ALICE, 11, 100)
    with pytest.raises(Refused):
        desk.buy(BOB, 11, 100)
    desk.buy(BOB, 10, 100)
    assert (desk.book.interest(BTC), desk.side(buys=False)) == (10, [(0, 1)])
    with pytest.raises(Refused):
        desk.buy(CAROL, 1, 100, IOC)
    desk.book.markets[BTC] = PlainMarket(interest_cap=5)
    desk.buy(CAROL, 4, 90)
    desk.sell(BOB, 4, 90)  # Bob's lots become Carol's
    assert desk.book.interest(BTC) == 10
    desk.buy(ALICE, 3, 90)
    desk.sell(BOB, 3, 90)
    assert desk.book.interest(BTC) == 7


@given(
    mark=st.integers(1, 2**28), elapsed=st.integers(0, 50), step_time=st.integers(2, 30), price=st.integers(1, 2**28),
    near=st.integers(-3, 3),
)  # fmt: skip
def test_a_mark_follows_as_far_as_time_allows(mark: int, elapsed: int, step_time: int, price: int, near: int) -> None:
    """Whatever is published, and at the very edge of what the time allows."""
    reach = ceil(mark * Fraction(min(elapsed, step_time - 1), step_time))
    for wanted in (price, max(1, mark + reach + near), max(1, mark - reach + near)):
        moved = PlainPrice(mark, staleness=9, step_time=step_time, time=7)
        moved.publish(wanted, 7 + elapsed)
        within = abs(wanted - mark) <= reach
        assert (moved.mark == wanted, moved.last, moved.time) == (within, 16 + elapsed if within else 0, 7 + elapsed)
        assert within or abs(moved.mark - mark) == reach
        assert moved.mark >= 1


def test_prices_come_in_order_and_not_from_the_future() -> None:
    desk, _ = funded()
    desk.book.publish(BTC, 101, 60)
    for time in (59, 101):
        with pytest.raises(Refused):
            desk.book.publish(BTC, 101, time)
    desk.book.publish(BTC, 102, 100)
    assert (desk.book.prices[BTC].mark, desk.book.prices[ETH].mark) == (102, 10)


PlainAction = tuple[str, PlainOrder | int, int]
numbers = st.integers(0, 40)
orders = st.builds(
    PlainOrder,
    number=st.just(0), account=st.integers(0, 4), market=st.sampled_from([BTC, ETH]), buys=st.booleans(),
    price=st.integers(1, 8), size=st.integers(1, 9), expiry=st.integers(0, 6),
    policy=st.sampled_from([GTT, GTT, GTT, *PlainPolicy]), reduce_only=st.sampled_from([False, False, False, True]),
)  # fmt: skip
actions = st.lists(
    st.tuples(st.just("place"), orders, numbers)
    | st.tuples(st.just("modify"), orders, numbers)
    | st.tuples(st.sampled_from(["cancel", "cancel all", "next batch"]), st.integers(0, 4), numbers),
    max_size=40,
)


def act(book: PlainBook, action: PlainAction, number: int) -> PlainOrder | None:
    """Do it; the order, if one was accepted, gets this number."""
    kind, subject, other = action
    try:
        if isinstance(subject, PlainOrder):
            order = replace(subject, number=number)
            book.place(order) if kind == "place" else book.modify(other, order)
            return order
        if kind == "cancel":
            book.cancel(subject, other)
        elif kind == "cancel all":
            book.cancel_all(subject)
        else:
            book.begin_batch(book.time + subject // 2)
    except Refused:
        pass
    return None


def make_book(margined: bool) -> PlainBook:
    book = PlainBook({BTC: PlainMarket(100_000, 200_000, 4, 9), ETH: PlainMarket()}, order_limit=5)
    book.prices = {BTC: PlainPrice(4), ETH: PlainPrice(5, staleness=3), 1: PlainPrice(3)}
    if margined:
        margin = PlainMargin(book, {BTC: 3_000, ETH: 5_000}, 1_000, {1: 9_000})
        margin.holdings = {(account, 1): 5 * account for account in range(5)}
        book.objection = margin.objection
        for account in range(5):
            book.quote[account] = 10
    return book


def snapshot(book: PlainBook) -> object:
    """What a refusal must leave alone."""
    return (
        {(m, b): list(book.queue(m, b)) for m in book.markets for b in (True, False)},
        +Counter(book.quote), {k: v for k, v in book.positions.items() if v}, book.fees, book.trades[:],
        book.removals[:], set(book.opened),
    )  # fmt: skip


@slow_machines
@given(todo=actions, margined=st.booleans())
def test_a_book_is_sorted_uncrossed_and_within_its_limits(todo: list[PlainAction], margined: bool) -> None:
    book = make_book(margined)
    for number, action in enumerate(todo):
        act(book, action, number)
        for market in book.markets:
            bids, asks = book.queue(market, True), book.queue(market, False)
            assert not bids or not asks or bids[0].order.price < asks[0].order.price
            for queue in (bids, asks):
                assert queue == sorted(queue, key=lambda entry: entry.priority)
                assert all(1 <= entry.left <= entry.order.size for entry in queue)
        assert max(Counter(entry.order.account for entry in book.resting()).values(), default=0) <= 5


@slow_machines
@given(todo=actions, margined=st.booleans())
def test_money_and_positions_are_conserved(todo: list[PlainAction], margined: bool) -> None:
    book = make_book(margined)
    total = sum(book.quote.values())
    for number, action in enumerate(todo):
        act(book, action, number)
        assert sum(book.quote.values()) + book.fees == total
        assert book.interest(BTC) <= 9
        for market in book.markets:
            assert sum(position for (_, one), position in book.positions.items() if one == market) == 0


@slow_machines
@given(todo=actions)
def test_each_order_is_filled_rests_or_is_gone_for_a_reason(todo: list[PlainAction]) -> None:
    book = make_book(margined=False)
    accepted: dict[int, PlainOrder] = {}
    filled: Counter[int] = Counter()
    removed: set[int] = set()
    for number, action in enumerate(todo):
        before, trades, removals = {entry.order.number for entry in book.resting()}, book.trades, book.removals
        seen, gone = len(trades), len(removals)
        order = act(book, action, number)
        if order is not None:
            accepted[number] = order
        if book.trades is trades:  # no new batch
            for trade in trades[seen:]:
                filled[trade.maker_order] += trade.size
                filled[trade.taker_order] += trade.size
            removed |= {removal.order for removal in removals[gone:]}
        left = {entry.order.number: entry.left for entry in book.resting()}
        if action[0] != "place":
            removed |= before - set(left)  # cancelled
        for one, known in accepted.items():
            if one in left:
                assert filled[one] + left[one] == known.size
            elif one in removed or known.policy is IOC:
                assert filled[one] <= known.size
            else:
                assert filled[one] == known.size


@slow_machines
@given(todo=actions, last=orders, margined=st.booleans())
def test_a_taker_goes_through_the_queue_in_order(todo: list[PlainAction], last: PlainOrder, margined: bool) -> None:
    book = make_book(margined)
    for number, action in enumerate(todo):
        act(book, action, number)
    book.begin_batch(book.time)
    queue: list[Resting] = list(book.queue(last.market, not last.buys))
    by_number = {entry.order.number: entry for entry in queue}
    if act(book, ("place", last, 0), len(todo)) is None:
        assert (book.trades, book.removals) == ([], [])
        return
    traded = [trade.maker_order for trade in book.trades]
    dropped = [removal.order for removal in book.removals]
    reached = [entry.order.number for entry in queue[: len(traded) + len(dropped)]]
    assert sorted(traded + dropped) == sorted(reached)  # the front of the queue, and nothing behind it
    assert traded == [number for number in reached if number in traded]
    assert dropped == [number for number in reached if number in dropped]
    for trade in book.trades[:-1]:
        assert trade.size == by_number[trade.maker_order].left
    for trade in book.trades:
        assert trade.price == by_number[trade.maker_order].order.price
        assert trade.price <= last.price if last.buys else trade.price >= last.price
        assert by_number[trade.maker_order].order.expiry >= book.time


@slow_machines
@given(todo=actions, margined=st.booleans())
def test_a_refused_order_changes_nothing(todo: list[PlainAction], margined: bool) -> None:
    book = make_book(margined)
    for number, action in enumerate(todo):
        before = snapshot(book)
        if act(book, action, number) is None and isinstance(action[1], PlainOrder):
            assert snapshot(book) == before
