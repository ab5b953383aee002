"""The book is an index of the lists in the records, whatever was applied, refused, closed, rolled back or reloaded."""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits.bounds import LIMIT_MAX, PRICE_MAX
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    EMPTY,
    HEADER_ORDERS,
    ORDER_ACCOUNT,
    ORDER_BASE,
    ORDER_BOOK,
    ORDER_LEFT,
    ORDER_NEXT,
    ORDER_NONCE,
    ORDER_PRICE,
    TAG,
    Record,
    Tag,
    balance_index,
    book_number,
    header_index,
    sentinel_index,
)
from solvent import LaneHasher
from state import persist
from state.audit import account_count
from state.book import Book, Reason, Removal, Trade, order_id, order_record, sentinel_records
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.rehearsal import last_time
from state.transitions.order import Order, Policy
from state.venue import Venue
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH_PERP, default_venue, new_ledger, run_batch
from tests.crowd import Crowd

VENUE = default_venue()
SIDES = [(market, buys) for market in (BTC_PERP, ETH_PERP) for buys in (True, False)]
Waiting = tuple[int, int]  # an order's number and what is left of it
crowds = st.integers(0, 2**32)
attempts = st.integers(1, 60)
slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def listed(ledger: Ledger, market: int, buys: bool) -> Iterator[tuple[int, Record]]:
    """A side as the records have it: leaf and record of each order, in the order of the list."""
    leaf = ledger.read(sentinel_index(market, buys))[ORDER_NEXT]
    while leaf != sentinel_index(market, not buys):
        yield leaf, (found := ledger.read(leaf))
        leaf = found[ORDER_NEXT]


def number_of(order: Record) -> int:
    return order_id(order[ORDER_ACCOUNT], order[ORDER_NONCE])


def waiting(ledger: Ledger) -> dict[tuple[int, bool], list[Waiting]]:
    """What waits on each side, best first."""
    return {side: [(number_of(order), order[ORDER_LEFT]) for _, order in listed(ledger, *side)] for side in SIDES}


def assert_indexed(ledger: Ledger) -> None:
    """The index is that of the lists, these hold every order there is, and the accounts know of theirs."""
    book, leaves = ledger.book, set[int]()
    orders: Counter[int] = Counter()
    resting: Counter[tuple[int, int, bool]] = Counter()
    for market, buys in SIDES:
        side = list(listed(ledger, market, buys))
        assert book.orders(market, buys) == [leaf for leaf, _ in side]
        assert book.head(market, buys) == (side[0][0] if side else sentinel_index(market, not buys))
        prices = [order[ORDER_PRICE] for _, order in side]
        assert prices == sorted(prices, reverse=buys)
        before = sentinel_index(market, buys)
        for leaf, order in side:
            assert (book.leaf(number_of(order)), book.predecessor(leaf), order[ORDER_BOOK]) == (
                leaf, before, book_number(market, buys),
            )  # fmt: skip
            before = leaf
            orders[order[ORDER_ACCOUNT]] += 1
            resting[order[ORDER_ACCOUNT], market, buys] += order[ORDER_LEFT]
        leaves |= {leaf for leaf, _ in side}
    assert leaves == {index for index, found in ledger.records().items() if index >= ORDER_BASE and found != EMPTY}
    assert book.free_leaf() == next(leaf for leaf in range(ORDER_BASE, 2**30) if leaf not in leaves)
    for account in range(account_count(ledger)):
        assert ledger.read(header_index(account))[HEADER_ORDERS] == orders[account]
        assert book.orders_of(account) == sorted(
            number_of(ledger.read(leaf)) for leaf in leaves if ledger.read(leaf)[ORDER_ACCOUNT] == account
        )
        for market in (BTC_PERP, ETH_PERP):
            balance = ledger.read(balance_index(account, market))
            assert (balance[BALANCE_BIDS], balance[BALANCE_ASKS]) == (
                resting[account, market, True], resting[account, market, False],
            )  # fmt: skip


def place_of_everything(ledger: Ledger) -> object:
    """The whole index, for comparison."""
    return waiting(ledger), [ledger.book.orders(*side) for side in SIDES], ledger.book.free_leaf()


def crowded(seed: int) -> tuple[Ledger, Crowd]:
    """A crowd's ledger after its opening."""
    crowd, ledger = Crowd(Random(seed), accounts=5), new_ledger()
    run_batch(ledger, crowd.opening(), time=1)
    return ledger, crowd


def trade_on(ledger: Ledger, crowd: Crowd, count: int) -> None:
    """A batch of the crowd's, closed."""
    ledger.begin_batch(last_time(ledger) + 10)
    for _ in range(count):
        try:
            ledger.apply(crowd.next(ledger))
        except Refusal:
            continue
    ledger.close_batch()


@slow
@given(crowds, attempts)
def test_the_index_is_that_of_the_records(seed: int, count: int) -> None:
    ledger, crowd = crowded(seed)
    for _ in range(2):
        ledger.begin_batch(last_time(ledger) + 10)
        for _ in range(count):
            before, events = place_of_everything(ledger), (list(ledger.trades), list(ledger.removals))
            try:
                ledger.apply(crowd.next(ledger))
            except Refusal:
                assert place_of_everything(ledger) == before
                assert (ledger.trades, ledger.removals) == events
            assert_indexed(ledger)
        ledger.close_batch()
        assert_indexed(ledger)


@slow
@given(crowds, st.lists(attempts, min_size=1, max_size=3), st.data())
def test_rollback_abort_and_reload_bring_the_index_back(
    tmp_path_factory: pytest.TempPathFactory, seed: int, counts: list[int], data: st.DataObject
) -> None:
    ledger, crowd = crowded(seed)
    versions = {ledger.root: place_of_everything(ledger)}
    for count in counts:
        trade_on(ledger, crowd, count)
        versions[ledger.root] = place_of_everything(ledger)
    ledger.begin_batch()
    for _ in range(20):
        try:
            ledger.apply(crowd.next(ledger))
        except Refusal:
            continue
    ledger.abort_batch()
    assert place_of_everything(ledger) == versions[ledger.root]
    directory = tmp_path_factory.mktemp("book")
    persist.save(ledger, directory)
    loaded = persist.load(directory, LaneHasher())
    root = data.draw(st.sampled_from(list(versions)))
    for one in (ledger, loaded):
        one.rollback(root)
        assert place_of_everything(one) == versions[root]
        assert_indexed(one)
        trade_on(one, crowd, 10)
        assert_indexed(one)


@slow
@given(crowds, attempts)
def test_trades_and_removals_tell_what_left_the_book_and_keep_its_priority(seed: int, count: int) -> None:
    """A model of the book that follows the events alone: new orders go behind all that are not worse."""
    ledger, crowd = crowded(seed)
    ledger.begin_batch(last_time(ledger) + 10)
    prices: dict[int, int] = {}
    model: dict[tuple[int, bool], list[Waiting]] = {side: [] for side in SIDES}
    for _ in range(2 * count):
        trades, removals = len(ledger.trades), len(ledger.removals)
        try:
            ledger.apply(crowd.next(ledger))
        except Refusal:
            continue
        follow(model, ledger.trades[trades:], ledger.removals[removals:])
        for side, orders in waiting(ledger).items():
            for order, left in orders:
                if order not in prices:
                    prices[order] = price = ledger.read(ledger.book.leaf(order))[ORDER_PRICE]
                    sign = -1 if side[1] else 1
                    behind = [k for k, (other, _) in enumerate(model[side], 1) if sign * prices[other] <= sign * price]
                    model[side].insert(max(behind, default=0), (order, left))
        assert waiting(ledger) == model


def follow(model: dict[tuple[int, bool], list[Waiting]], trades: list[Trade], removals: list[Removal]) -> None:
    """Take what traded and what was removed out of the model; what an order met stood before all that it did not."""
    met = {trade.maker_order for trade in trades}
    met |= {removal.order for removal in removals if removal.reason != Reason.CANCELLED}
    gone = {removal.order for removal in removals}
    cancelled = gone - met
    for trade in trades:
        assert any(order == trade.maker_order for order, _ in model[trade.market, not trade.taker_buys])
    for side, orders in model.items():
        left = {order: lots for order, lots in orders if order not in cancelled}
        first = [order for order in left if order in met]
        assert first == list(left)[: len(first)]
        for trade in trades:
            if trade.maker_order in left:
                left[trade.maker_order] -= trade.size
        assert all(not left[order] for order in first[:-1] if order not in gone)  # only the last one keeps a rest
        model[side] = [(order, lots) for order, lots in left.items() if lots and order not in gone]


def test_leaves_are_used_again_the_lowest_first() -> None:
    ledger = new_ledger()
    run_batch(ledger, Crowd(Random(0)).opening(), time=1)
    ledger.begin_batch()
    for k in range(4):
        ledger.apply(Order(ALICE, BTC_PERP, True, 1_000 + k, 1, 1))
    assert ledger.book.orders(BTC_PERP, True) == [ORDER_BASE + k for k in (3, 2, 1, 0)]
    book = ledger.book
    for leaf in (ORDER_BASE + 2, ORDER_BASE + 1):  # as if they had been cancelled
        book.remove(leaf)
    moment = book.moment()
    assert book.free_leaf() == ORDER_BASE + 1
    book.insert(ORDER_BASE + 1)
    assert book.free_leaf() == ORDER_BASE + 2
    book.insert(ORDER_BASE + 2)
    assert book.free_leaf() == ORDER_BASE + 4
    book.remove(ORDER_BASE + 3)
    assert book.free_leaf() == ORDER_BASE + 3
    book.undo(moment)
    assert book.free_leaf() == ORDER_BASE + 1
    assert book.orders(BTC_PERP, True) == [ORDER_BASE + 3, ORDER_BASE]
    book.undo(0)
    assert book.orders(BTC_PERP, True) == []
    assert book.free_leaf() == ORDER_BASE


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=40), st.data())
def test_any_insertions_and_removals_can_be_taken_back(changes: list[tuple[bool, int]], data: st.DataObject) -> None:
    records: dict[int, Record] = {}
    book = Book(VENUE, lambda index: records.get(index) or sentinels(VENUE)[index])
    moments: list[tuple[int, object]] = []

    def present() -> object:
        return [book.orders(*side) for side in SIDES], book.orders_of(ALICE), book.free_leaf()

    for nonce, (insert, value) in enumerate(changes):
        moments.append((book.moment(), present()))
        leaves = book.orders(BTC_PERP, True)
        if insert:
            leaf = book.free_leaf()
            records[leaf] = order_record(
                0, 1 + value, 1, ALICE, 0, book_number(BTC_PERP, True), nonce, reduce_only=False
            )
            book.insert(leaf)
        elif leaves:
            book.remove(leaves[value % len(leaves)])
        if nonce % 3 == 2:
            moment, then = moments.pop(data.draw(st.integers(0, len(moments) - 1)))
            moments = [pair for pair in moments if pair[0] < moment]
            book.undo(moment)
            assert present() == then


def sentinels(venue: Venue) -> dict[int, Record]:
    return {index: found for market in venue.markets for index, found in sentinel_records(market.number).items()}


def test_an_empty_book_is_two_sentinels_that_nothing_crosses() -> None:
    ledger = new_ledger()
    for market in (BTC_PERP, ETH_PERP):
        bids, asks = (ledger.read(sentinel_index(market, buys)) for buys in (True, False))
        assert (bids[TAG], bids[ORDER_PRICE], asks[TAG], asks[ORDER_PRICE]) == (Tag.ORDER, PRICE_MAX, Tag.ORDER, 0)
    assert PRICE_MAX > LIMIT_MAX
    assert_indexed(ledger)


def test_unknown_orders() -> None:
    ledger, _ = crowded(0)
    for order in (-1, 0, order_id(ALICE, 1)):
        with pytest.raises(Refusal) as caught:
            ledger.book.leaf(order)
        assert caught.value.rule == Rule.UNKNOWN_ORDER


def test_orders_of_one_price_stand_in_the_order_of_their_coming() -> None:
    ledger, _ = crowded(1)
    ledger.begin_batch()
    for account in (CAROL, ALICE, BOB):
        ledger.apply(Order(account, BTC_PERP, True, 100, 1, 99, Policy.POST_ONLY))
    expected = [(order_id(account, 1), 1) for account in (CAROL, ALICE, BOB)]
    assert waiting(ledger)[BTC_PERP, True] == expected
    ledger.close_batch()
    ledger.begin_batch()
    ledger.apply(Order(CAROL, BTC_PERP, True, 100, 2, 99))
    assert waiting(ledger)[BTC_PERP, True] == [*expected, (order_id(CAROL, 2), 2)]
