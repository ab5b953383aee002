"""Stale prices: what lets money out or adds risk is refused from the second after their last one; all else goes on."""

from dataclasses import replace

import pytest

from circuits.bounds import TIME_MAX
from circuits.records import PARAMETERS_STALENESS, Status, parameters_index
from circuits.steps import CONTINUATIONS, Kind
from state.audit import account_figures
from state.book import Reason, Removal, order_id
from state.errors import Refusal, Rule
from state.health import health
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.cancel import Cancel, CancelAll, Modify
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.set import SetStatus
from state.transitions.settle import SettleMarket
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, ETH_PERP, LATE, USDC
from tests.circuits.test_agreement import assert_agreed
from tests.state.worlds import DAVE, KEY, TIME, funded_ledger

LAST = 3_600  # the last second of the prices of genesis
MARKS = {ETH: 268_000, BTC_PERP: 6_170_000, ETH_PERP: 2_680_000}
NAMES = {ETH: "ETH", BTC_PERP: "BTC-PERP"}
ASK = Order(ALICE, BTC_PERP, False, MARKS[BTC_PERP], 100, LATE)
BUY = Order(BOB, BTC_PERP, True, MARKS[BTC_PERP], 100, LATE, Policy.IMMEDIATE_OR_CANCEL)
TRADED = (ASK, BUY)  # Alice is short, Bob is long; he also holds ETH
OUT: list[Transition] = [
    Withdraw(1, BOB, USDC, 1),
    Transfer(BOB, ALICE, USDC, 1),
    Transfer(BOB, ALICE, ETH, 1),
    Order(BOB, ETH_PERP, True, 1, 1, LATE),  # rests
    Order(BOB, ETH_PERP, False, 1, 1, LATE, Policy.IMMEDIATE_OR_CANCEL),  # trades with Carol
    replace(BUY, size=1, policy=Policy.GOOD_TILL_TIME),  # rests in a market in which he has a position
]
ON: list[Transition] = [
    Deposit(1, 1, BOB, USDC, 5),
    Deposit(2, 1, BOB, ETH, 5),
    Transfer(DAVE, BOB, USDC, 5),
    Register(DAVE + 1, KEY),
    Order(BOB, BTC_PERP, False, MARKS[BTC_PERP] + 9, 100, LATE, reduce_only=True),
    Cancel(BOB, order_id(BOB, 2)),
    CancelAll(BOB),
    Order(BOB, BTC_PERP, False, 1, 1, LATE, Policy.IMMEDIATE_OR_CANCEL),  # reduces
    Order(BOB, BTC_PERP, False, 1, 100, LATE, Policy.FILL_OR_KILL, reduce_only=True),
]


def aged(*before: Transition, time: int, fresh: tuple[int, ...] = ()) -> Ledger:
    """The funded ledger after a batch with these, in an open batch at that time, with new prices of `fresh`."""
    ledger = funded_ledger()
    ledger.begin_batch()
    money = [Deposit(0, number, account, USDC, 3_000_000_000) for number, account in ((1, CAROL), (2, DAVE))]
    setup: tuple[Transition, ...] = (Register(DAVE, KEY), *money, *before)
    for transition in setup:
        ledger.apply(transition)
    ledger.close_batch()
    ledger.begin_batch(time)
    for instrument in fresh:
        ledger.apply(SetPrice(instrument, MARKS[instrument], time))
    return ledger


def waiting(time: int, *fresh: int) -> Ledger:
    """Bob is long, and an ask of his rests. Carol would buy ETH-PERP, and Alice her position back."""
    orders = (
        Order(BOB, BTC_PERP, False, MARKS[BTC_PERP] + 1, 1, LATE),
        Order(CAROL, ETH_PERP, True, 2, 7, LATE),
        Order(ALICE, BTC_PERP, True, MARKS[BTC_PERP] - 1, 100, LATE, reduce_only=True),
    )
    return aged(*TRADED, *orders, time=time, fresh=fresh)


@pytest.mark.parametrize("stale", NAMES, ids=NAMES.get)
@pytest.mark.parametrize("transition", OUT, ids=repr)
def test_a_second_after_its_last_one_a_price_lets_nothing_out(transition: Transition, stale: int) -> None:
    fresh = set(MARKS) - {stale}
    waiting(LAST, *fresh).apply(transition)
    ledger = waiting(LAST + 1, *fresh)
    before = ledger.records()
    with pytest.raises(Refusal) as caught:
        ledger.apply(transition)
    assert caught.value.rule is Rule.STALE_PRICE
    expected = {"account": BOB, "instrument": NAMES[stale], "valid": LAST, "time": LAST + 1}
    assert caught.value.values == expected
    assert ledger.records() == before
    ledger.apply(SetPrice(stale, MARKS[stale], LAST + 1))
    ledger.apply(transition)
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("transition", ON, ids=repr)
def test_on_stale_prices_all_else_goes_on(transition: Transition) -> None:
    ledger = waiting(LATE)
    before = ledger.records()
    ledger.apply(transition)
    assert ledger.records() != before
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("buys", [True, False])
def test_a_maker_that_would_grow_on_a_stale_price_goes_and_one_that_reduces_trades(buys: bool) -> None:
    maker, taker = replace(ASK, buys=buys, size=60), replace(BUY, buys=not buys)
    ledger = aged(*TRADED, replace(maker, account=CAROL), replace(maker, account=CAROL), time=LAST + 1)
    party = ALICE if not buys else BOB  # the taker flattens what it has
    other = replace(taker, account=party, size=10, policy=Policy.GOOD_TILL_TIME, reduce_only=True)
    ledger.apply(other)
    assert [removal.reason for removal in ledger.removals] == [Reason.STALE] * 2
    assert ledger.trades == []
    statement, witness = ledger.close_batch()
    assert [kind for kind in witness.kinds if kind in CONTINUATIONS] == [Kind.FAIL, Kind.FAIL, Kind.REST]
    assert_agreed(statement, witness)


def test_a_maker_that_only_reduces_trades_on_stale_prices() -> None:
    """Bob, who is long, asks for more than he holds: the first hundred lots reduce, what would turn him does not."""
    bobs = replace(ASK, account=BOB, size=101)
    for size, left in ((99, [2]), (100, [1]), (101, [])):
        ledger = aged(*TRADED, bobs, time=LAST + 1)
        ledger.apply(replace(BUY, account=ALICE, size=min(size, 100)))
        if size > 100:
            ledger.apply(SetPrice(BTC_PERP, MARKS[BTC_PERP], LAST + 1))
            ledger.apply(replace(BUY, account=CAROL, size=1, policy=Policy.GOOD_TILL_TIME))
            assert ledger.removals == [Removal(order_id(BOB, 2), Reason.STALE)]  # his ETH has no valid price
        assert [ledger.read(leaf)[2] for leaf in ledger.book.orders(BTC_PERP, False)] == left
        assert account_figures(ledger, BOB).balances[BTC_PERP] == 100 - min(size, 100)
        assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("size", [100, 101])
def test_a_taker_that_turns_its_position_needs_valid_prices(size: int) -> None:
    alices = replace(ASK, buys=True, size=101)
    ledger = aged(*TRADED, alices, time=LAST + 1, fresh=(BTC_PERP,))
    sell = Order(BOB, BTC_PERP, False, 1, size, LATE, Policy.IMMEDIATE_OR_CANCEL)
    if size == 100:
        ledger.apply(sell)
        assert account_figures(ledger, BOB).balances[BTC_PERP] == 0
        return
    with pytest.raises(Refusal, match=r"stale-price.* ETH holds until 3600, not at 3601"):
        ledger.apply(sell)


def test_modify_on_stale_prices_changes_nothing() -> None:
    ledger = aged(*TRADED, replace(ASK, account=BOB, price=MARKS[BTC_PERP] + 1), time=LAST + 1)
    before = ledger.records()
    with pytest.raises(Refusal, match="stale-price"):
        ledger.apply(Modify(order_id(BOB, 2), BOB, BTC_PERP, False, MARKS[BTC_PERP] + 2, 100, LATE))
    assert ledger.records() == before


def test_quote_has_no_price() -> None:
    ledger = aged(time=TIME_MAX)
    ledger.apply(Withdraw(0, ALICE, USDC, 10_000_000_000))
    assert_agreed(*ledger.close_batch())


def test_a_price_lasts_no_longer_than_time_does() -> None:
    lasts = aged(time=TIME).read(parameters_index(BTC_PERP))[PARAMETERS_STALENESS]
    ledger = aged(time=TIME_MAX)
    ledger.apply(SetPrice(BTC_PERP, MARKS[BTC_PERP], TIME_MAX - lasts))
    with pytest.raises(Refusal, match="last second"):
        ledger.apply(SetPrice(BTC_PERP, MARKS[BTC_PERP], TIME_MAX - lasts + 1))


def at_once(*transitions: Transition) -> Ledger:
    """A new ledger in a batch at second 0. A price of then moves no mark: that is capped unless it is the mark."""
    ledger = funded_ledger(time=0)
    ledger.begin_batch(0)
    for transition in transitions:
        ledger.apply(transition)
    return ledger


@pytest.mark.parametrize(("price", "rule"), [(MARKS[ETH], None), (300_000, Rule.STALE_PRICE), (1, Rule.STALE_PRICE)])
def test_at_second_0_a_capped_mark_lets_nothing_out(price: int, rule: Rule | None) -> None:
    for transition in (Withdraw(2, BOB, ETH, 1), Withdraw(1, BOB, USDC, 1), Transfer(BOB, ALICE, ETH, 1), ASK):
        ledger = at_once(Deposit(2, 1, ALICE, ETH, 100_000), SetPrice(ETH, price, 0))
        assert refused(ledger, transition) is rule
        assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("change", [-1, 0, 1])
def test_at_second_0_a_capped_mark_is_not_made_final(change: int) -> None:
    ledger = at_once(SetPrice(BTC_PERP, MARKS[BTC_PERP] + change, 0), SetStatus(BTC_PERP, Status.HALTED))
    assert refused(ledger, SettleMarket(BTC_PERP)) is (Rule.STALE_MARK if change else None)
    assert_agreed(*ledger.close_batch())


def test_at_second_0_nobody_is_judged_by_a_mark_that_is_capped_against_it() -> None:
    ledger = at_once(SetPrice(ETH, 300_000, 0))
    assert health(ledger, BOB).margin.stale is None
    assert health(ledger, BOB, ledger.time).margin.stale == (ETH, -1)


def refused(ledger: Ledger, transition: Transition) -> Rule | None:
    """The rule by which it is refused, if it is."""
    try:
        ledger.apply(transition)
    except Refusal as refusal:
        return refusal.rule
    return None
