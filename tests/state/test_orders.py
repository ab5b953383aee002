"""What each policy, option and end of an order does, and cancelling and modifying: in book, events and balances."""

from dataclasses import replace

import pytest

from circuits.records import HEADER_ORDERS, ORDER_ACCOUNT, ORDER_LEFT, ORDER_NONCE, ORDER_PRICE, header_index
from circuits.steps import Kind
from state.audit import account_figures, invariant
from state.book import Reason, Removal, Trade, order_id
from state.errors import Refusal
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.cancel import Cancel, CancelAll, Modify
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH_PERP, USDC
from tests.state.worlds import TIME, funded_ledger

MARK = 6_170_000
ASK = Order(ALICE, BTC_PERP, False, MARK, 100, TIME)
BID = replace(ASK, buys=True)
BUY = Order(BOB, BTC_PERP, True, MARK, 60, TIME)
SELL = replace(BUY, buys=False)
FIRST, SECOND, THIRD = (order_id(ALICE, nonce) for nonce in (1, 2, 3))
TAKER = order_id(BOB, 1)
WAITING = [Policy.GOOD_TILL_TIME, Policy.POST_ONLY]


def now(order: Order) -> Order:
    """The same, but it does not wait."""
    return replace(order, policy=Policy.IMMEDIATE_OR_CANCEL)


def applied(*transitions: Transition, time: int = TIME) -> Ledger:
    """The funded ledger with an open batch in which these are applied; Carol has money too."""
    ledger = funded_ledger()
    ledger.begin_batch(time)
    for transition in (Deposit(0, 1, CAROL, USDC, 1_000_000_000), *transitions):
        ledger.apply(transition)
    return ledger


def closed_until(ledger: Ledger, time: int) -> Ledger:
    """The same with this batch closed and another one open."""
    ledger.close_batch()
    ledger.begin_batch(time)
    return ledger


def side(ledger: Ledger, buys: bool, market: int = BTC_PERP) -> list[tuple[int, int, int]]:
    """The orders of a side, best first: number, price, lots left."""
    records = [ledger.read(leaf) for leaf in ledger.book.orders(market, buys)]
    return [(order_id(r[ORDER_ACCOUNT], r[ORDER_NONCE]), r[ORDER_PRICE], r[ORDER_LEFT]) for r in records]


def kinds(ledger: Ledger) -> list[Kind]:
    """What the witness has of the last order, after ORDER itself."""
    found = [Kind(kind) for kind in ledger._opened().witness.kinds]
    return found[len(found) - found[::-1].index(Kind.ORDER) :]


def position(ledger: Ledger, account: int) -> int:
    """Lots of BTC-PERP."""
    return account_figures(ledger, account).balances.get(BTC_PERP, 0)


def trade(maker_order: int, size: int, price: int = MARK, taker_buys: bool = True, taker_order: int = TAKER) -> Trade:
    """A trade in BTC-PERP."""
    return Trade(BTC_PERP, maker_order, taker_order, price, size, taker_buys)


@pytest.mark.parametrize("reduce_only", [False, True])
@pytest.mark.parametrize("policy", WAITING)
def test_what_meets_no_price_waits(policy: Policy, reduce_only: bool) -> None:
    bid = replace(BUY, price=MARK - 1, policy=policy, reduce_only=reduce_only)
    ledger = applied(ASK, bid)
    assert kinds(ledger) == [Kind.REST]
    assert side(ledger, False) == [(FIRST, MARK, 100)]
    assert side(ledger, True) == [(TAKER, MARK - 1, 60)]
    assert ledger.read(header_index(BOB))[HEADER_ORDERS] == 1
    assert (ledger.trades, ledger.removals, position(ledger, BOB)) == ([], [], 0)


def test_what_meets_no_price_now_is_dropped() -> None:
    ledger = applied(ASK, now(replace(BUY, price=MARK - 1)))
    assert kinds(ledger) == [Kind.DISCARD]
    assert side(ledger, True) == []
    assert ledger.read(header_index(BOB))[HEADER_ORDERS] == 0
    assert account_figures(ledger, BOB).nonce == 1


@pytest.mark.parametrize("policy", [Policy.GOOD_TILL_TIME, Policy.IMMEDIATE_OR_CANCEL, Policy.FILL_OR_KILL])
@pytest.mark.parametrize("buys", [True, False])
def test_what_can_trade_whole_does(policy: Policy, buys: bool) -> None:
    ledger = applied(replace(ASK, buys=not buys), replace(BUY, buys=buys, policy=policy))
    assert kinds(ledger) == [Kind.MATCH, Kind.FILLED]
    assert ledger.trades == [trade(FIRST, 60, taker_buys=buys)]
    assert side(ledger, not buys) == [(FIRST, MARK, 40)]
    assert side(ledger, buys) == []
    assert (position(ledger, ALICE), position(ledger, BOB)) == ((-60, 60) if buys else (60, -60))
    assert all(backing.holds for backing in invariant(ledger))


def test_the_rest_waits_or_is_dropped() -> None:
    for policy, end in ((Policy.GOOD_TILL_TIME, Kind.REST), (Policy.IMMEDIATE_OR_CANCEL, Kind.DISCARD)):
        ledger = applied(ASK, replace(BUY, size=130, price=MARK + 5, policy=policy))
        assert kinds(ledger) == [Kind.MATCH, end]
        assert ledger.trades == [trade(FIRST, 100)]
        assert side(ledger, False) == []
        assert side(ledger, True) == ([(TAKER, MARK + 5, 30)] if end is Kind.REST else [])
        assert ledger.read(header_index(ALICE))[HEADER_ORDERS] == 0


@pytest.mark.parametrize("buys", [True, False])
def test_best_price_first_and_at_one_price_the_earliest(buys: bool) -> None:
    worse = 1 if buys else -1
    makers = [replace(ASK, buys=not buys, price=MARK + worse * k, size=10) for k in (1, 0, 0, 2)]
    ledger = applied(*makers, replace(BUY, buys=buys, price=MARK + worse, size=35, policy=Policy.GOOD_TILL_TIME))
    best = [trade(order, 10, price, buys) for order, price in ((SECOND, MARK), (THIRD, MARK), (FIRST, MARK + worse))]
    assert ledger.trades == best
    assert side(ledger, not buys) == [(order_id(ALICE, 4), MARK + 2 * worse, 10)]
    assert side(ledger, buys) == [(TAKER, MARK + worse, 5)]


def test_fill_or_kill_may_meet_many() -> None:
    makers = [replace(ASK, size=20), replace(ASK, size=20, price=MARK + 1), replace(ASK, size=20, price=MARK + 2)]
    ledger = applied(*makers, replace(BUY, price=MARK + 2, policy=Policy.FILL_OR_KILL))
    assert kinds(ledger) == [Kind.MATCH] * 3 + [Kind.FILLED]


def test_an_order_is_live_until_its_expiry_and_gone_after_it() -> None:
    ledger = closed_until(applied(replace(ASK, expiry=TIME + 5), replace(ASK, expiry=TIME + 4)), TIME + 5)
    ledger.apply(now(replace(BUY, size=200, expiry=TIME + 5)))
    assert kinds(ledger) == [Kind.MATCH, Kind.SKIP, Kind.DISCARD]
    assert ledger.trades == [trade(FIRST, 100)]
    assert ledger.removals == [Removal(SECOND, Reason.EXPIRED)]
    assert ledger.read(header_index(ALICE))[HEADER_ORDERS] == 0


def test_a_post_only_order_is_refused_by_a_dead_one() -> None:
    ledger = closed_until(applied(ASK), TIME + 1)
    with pytest.raises(Refusal, match="post-only"):
        ledger.apply(replace(BUY, expiry=TIME + 1, policy=Policy.POST_ONLY))
    assert side(ledger, False) == [(FIRST, MARK, 100)]


def test_an_account_s_own_order_goes_and_the_next_one_trades() -> None:
    ledger = applied(replace(SELL, size=10), ASK, now(BUY))
    assert kinds(ledger) == [Kind.SKIP, Kind.MATCH, Kind.FILLED]
    assert ledger.removals == [Removal(TAKER, Reason.OWN)]
    assert ledger.trades == [trade(FIRST, 60, taker_order=order_id(BOB, 2))]


@pytest.mark.parametrize("buys", [True, False])
def test_a_reduce_only_maker_trades_while_it_reduces_and_goes_when_it_would_not(buys: bool) -> None:
    sign, maker, taker = -1 if buys else 1, replace(ASK, size=150, buys=buys), replace(BUY, buys=not buys)
    entry = replace(maker, account=CAROL, size=100), replace(maker, size=100, buys=not buys)
    for size, fits in ((60, True), (100, True), (101, False)):
        ledger = applied(*entry, replace(maker, reduce_only=True), replace(taker, size=size))
        assert position(ledger, ALICE) == sign * (100 - size if fits else 100)
        assert side(ledger, buys) == ([(SECOND, MARK, 150 - size)] if fits else [])
        assert ledger.removals == ([] if fits else [Removal(SECOND, Reason.GROWING)])
    ledger = applied(replace(maker, reduce_only=True), taker)  # it has no position at all
    assert ledger.removals == [Removal(FIRST, Reason.GROWING)]


@pytest.mark.parametrize("buys", [True, False])
@pytest.mark.parametrize("size", [59, 60])
def test_a_reduce_only_taker_reduces(buys: bool, size: int) -> None:
    maker, taker = replace(ASK, buys=not buys), replace(BUY, buys=buys)
    back = replace(taker, buys=not buys, size=size, policy=Policy.FILL_OR_KILL, reduce_only=True)
    before = maker, taker, Cancel(ALICE, FIRST), replace(maker, account=CAROL, buys=buys)
    ledger = applied(*before, back)
    assert kinds(ledger) == [Kind.MATCH, Kind.FILLED]
    assert position(ledger, BOB) == (60 - size) * (1 if buys else -1)
    with pytest.raises(Refusal, match="reduce-only"):
        applied(*before, replace(back, size=61))


def test_a_maker_without_margin_loses_its_order_and_the_taker_goes_on() -> None:
    good = replace(ASK, account=CAROL, price=MARK + 1, size=10)
    ledger = applied(
        replace(ASK, size=30_000), good, Withdraw(0, ALICE, USDC, 740_000_000),
        now(replace(BUY, price=MARK + 1, size=30_000)),
    )  # fmt: skip
    assert kinds(ledger) == [Kind.FAIL, Kind.MATCH, Kind.DISCARD]  # Alice keeps too little for the fee
    assert ledger.removals == [Removal(FIRST, Reason.MARGIN)]
    assert ledger.trades == [trade(order_id(CAROL, 1), 10, MARK + 1)]
    assert account_figures(ledger, ALICE).balances == {USDC: 9_260_000_000, BTC_PERP: 0}
    assert ledger.read(header_index(ALICE))[HEADER_ORDERS] == 0


def test_a_price_move_takes_the_margin_of_orders_that_wait() -> None:
    later, dearer = TIME + 60, MARK + MARK // 5
    ask, buy = (replace(order, expiry=later) for order in (replace(ASK, size=30_000), replace(BUY, size=1)))
    ledger = applied(ask, SetPrice(BTC_PERP, dearer, later), buy, time=later)
    assert kinds(ledger) == [Kind.FAIL, Kind.REST]


def test_waiting_orders_count_in_margin_until_they_go() -> None:
    whole = Withdraw(0, ALICE, USDC, 10_000_000_000)
    for end in (Cancel(ALICE, FIRST), CancelAll(ALICE), now(replace(SELL, account=ALICE))):
        ledger = applied(BID)
        with pytest.raises(Refusal, match="initial-margin"):
            ledger.apply(whole)
        ledger.apply(end)
        ledger.apply(whole)


def test_cancel() -> None:
    ledger = applied(ASK, replace(ASK, price=MARK + 1), Cancel(ALICE, FIRST))
    assert side(ledger, False) == [(SECOND, MARK + 1, 100)]
    assert ledger.removals == [Removal(FIRST, Reason.CANCELLED)]
    assert ledger.read(header_index(ALICE))[HEADER_ORDERS] == 1
    assert account_figures(ledger, ALICE).nonce == 3


def test_cancel_after_expiry_and_of_what_is_left() -> None:
    ledger = closed_until(applied(ASK, now(BUY)), TIME + 9)
    ledger.apply(Cancel(ALICE, FIRST))
    assert (side(ledger, False), ledger.removals) == ([], [Removal(FIRST, Reason.CANCELLED)])


def test_cancel_all_takes_the_orders_of_all_markets_and_of_nobody_else() -> None:
    other = replace(BUY, price=MARK - 1)
    ledger = applied(ASK, other, Order(ALICE, ETH_PERP, True, 1, 7, TIME), replace(BID, price=MARK - 2))
    ledger.apply(CancelAll(ALICE))
    assert ledger.book.orders_of(ALICE) == []
    assert side(ledger, True) == [(TAKER, MARK - 1, 60)]
    assert ledger.removals == [Removal(order, Reason.CANCELLED) for order in (FIRST, SECOND, THIRD)]
    assert account_figures(ledger, ALICE).nonce == 6  # each cancellation is a message


@pytest.mark.parametrize("policy", list(Policy))
def test_modify_places_another_order_behind_the_others(policy: Policy) -> None:
    crosses = policy in (Policy.IMMEDIATE_OR_CANCEL, Policy.FILL_OR_KILL)
    ledger = applied(ASK, replace(BUY, price=MARK - 5), replace(ASK, account=CAROL, price=MARK - 1, size=10))
    price = MARK - 5 if crosses else MARK - 1
    ledger.apply(Modify(FIRST, ALICE, BTC_PERP, False, price, 50, TIME, policy))
    carol = (order_id(CAROL, 1), MARK - 1, 10)
    assert side(ledger, False) == ([carol] if crosses else [carol, (THIRD, MARK - 1, 50)])
    assert ledger.trades == ([trade(TAKER, 50, MARK - 5, False, THIRD)] if crosses else [])
    assert ledger.removals == [Removal(FIRST, Reason.CANCELLED)]


def test_modify_may_change_side_and_market() -> None:
    ledger = applied(ASK, Modify(FIRST, ALICE, ETH_PERP, True, 5, 50, TIME, Policy.GOOD_TILL_TIME, True))
    assert side(ledger, False) == []
    assert side(ledger, True, ETH_PERP) == [(THIRD, 5, 50)]


def test_a_refused_modify_leaves_the_order_in_its_place() -> None:
    ledger = applied(ASK, replace(ASK, account=CAROL), replace(BUY, price=MARK - 1))
    with pytest.raises(Refusal, match="post-only"):
        ledger.apply(Modify(FIRST, ALICE, BTC_PERP, False, MARK - 1, 50, TIME, Policy.POST_ONLY))
    assert side(ledger, False) == [(FIRST, MARK, 100), (order_id(CAROL, 1), MARK, 100)]
    assert ledger.removals == []


def test_each_market_has_its_own_book() -> None:
    ledger = applied(ASK, Order(BOB, ETH_PERP, True, MARK, 60, TIME))
    assert kinds(ledger) == [Kind.REST]
    assert side(ledger, True, ETH_PERP) == [(TAKER, MARK, 60)]
