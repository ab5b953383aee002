"""Funding: premiums against a plain model of the book, payments exact to the unit, settlement before what needs it."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits.bounds import (
    FUNDING_DIVISOR,
    FUNDING_INTERVAL,
    FUNDING_MAX,
    FUNDING_ONE,
    FUNDING_START,
    PRICE_MAX,
    SAMPLE_TIME,
    SIZE_MAX,
)
from circuits.records import (
    BALANCE_FUNDING,
    EMPTY,
    FUNDING_APPLIED,
    FUNDING_SAMPLED,
    MARKET_FUNDING,
    MARKET_MARK,
    MARKET_WEIGHT,
    ORDER_EXPIRY,
    ORDER_LEFT,
    ORDER_PRICE,
    RULES_STATUS,
    Status,
    SystemAccount,
    balance_index,
    from_limbs,
    funding_index,
    market_index,
)
from circuits.steps import Kind
from state.accounts import balance_amount, balance_record
from state.audit import account_figures, invariant
from state.errors import Refusal, Rule
from state.funding import owed, premium_sum
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.apply_funding import ApplyFunding
from state.transitions.cash_out import CashOut
from state.transitions.deleverage import Deleverage
from state.transitions.order import Order, Policy
from state.transitions.pay_funding import PayFunding
from state.transitions.price import SetPrice
from state.transitions.sample_funding import SampleFunding
from state.transitions.settle import SettleMarket
from state.transitions.transfer import Transfer
from tests.batches import (
    ALICE,
    BOB,
    BTC_PERP,
    CAROL,
    ETH_PERP,
    HOUR,
    LATE,
    USDC,
    every_kind,
    new_ledger,
    prompt_ledger,
    run_batch,
    with_funding,
    with_rules,
)
from tests.circuits.test_agreement import accepted, assert_agreed
from tests.crowd import Crowd

POOL, MARK, WEIGHT = SystemAccount.FUNDING_POOL, 6_180_030, 309_002
IMPACT = 1_000  # lots


def traded() -> Ledger:
    """Alice is long 7,655 lots of BTC-PERP and Bob short; the book is empty."""
    ledger = new_ledger()
    run_batch(ledger, every_kind())
    return ledger


def halted() -> Ledger:
    """The same, and BTC-PERP is halted."""
    return with_rules(traded(), BTC_PERP, {RULES_STATUS: Status.HALTED})


def quote(ledger: Ledger, account: int) -> int:
    return balance_amount(ledger.read(balance_index(account, USDC)))


def index_of(ledger: Ledger, market: int = BTC_PERP) -> int:
    return ledger.read(market_index(market))[MARKET_FUNDING] - FUNDING_START


def premium_of(ledger: Ledger, market: int = BTC_PERP) -> int:
    return premium_sum(ledger.read(funding_index(market)))


def post(account: int, buys: bool, price: int, size: int, expiry: int = LATE) -> Order:
    return Order(account, BTC_PERP, buys, price, size, expiry, Policy.POST_ONLY)


def refusal(ledger: Ledger, transition: Transition) -> Rule | None:
    """The rule that the open batch's ledger says is broken."""
    try:
        ledger.apply(transition)
    except Refusal as refused:
        return refused.rule
    return None


BOOKS: list[tuple[str, list[Order], int]] = [
    ("nothing", [], 0),
    ("bids above the mark", [post(BOB, True, MARK + 70, IMPACT)], 70),
    ("asks below the mark", [post(BOB, False, MARK - 70, IMPACT)], -70),
    ("around the mark", [post(BOB, True, MARK - 1, IMPACT), post(BOB, False, MARK + 1, IMPACT)], 0),
    ("one lot too little", [post(BOB, True, MARK + 70, IMPACT - 1)], 0),
    ("the last lot is elsewhere", [post(BOB, True, MARK + 70, IMPACT - 1), post(ALICE, True, MARK + 7, 1)], 7),
    ("more than the weight", [post(BOB, True, MARK + WEIGHT + 1, IMPACT)], WEIGHT),
    ("less than the weight's opposite", [post(BOB, False, MARK - WEIGHT - 1, IMPACT)], -WEIGHT),
]  # fmt: skip


@pytest.mark.parametrize(("orders", "premium"), [book[1:] for book in BOOKS], ids=[book[0] for book in BOOKS])
def test_a_sample_is_the_premium_at_the_impact_size(orders: list[Order], premium: int) -> None:
    ledger = traded()
    assert from_limbs(ledger.read(market_index(BTC_PERP))[MARKET_WEIGHT:][:2]) == WEIGHT
    assert_agreed(*run_batch(ledger, [*orders, SampleFunding(BTC_PERP)], HOUR))
    assert premium_of(ledger) == premium
    assert ledger.read(funding_index(BTC_PERP))[FUNDING_SAMPLED] == HOUR


def test_expired_orders_are_passed_over() -> None:
    ledger = traded()
    best, next_best = post(BOB, True, MARK + 90, IMPACT, 1_000), post(BOB, True, MARK + 70, IMPACT, 1_001)
    run_batch(ledger, [best, next_best], 1_000)
    assert_agreed(*run_batch(ledger, [SampleFunding(BTC_PERP)], 1_001))
    assert premium_of(ledger) == 70


def modelled(ledger: Ledger, market: int, impact: int) -> int:
    """The premium by the definition, from a list of lots."""
    record = ledger.read(market_index(market))
    mark, weight = (from_limbs(record[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
    prices = []
    for buys, worst in ((True, 0), (False, 2**28 - 1)):
        orders = [ledger.read(leaf) for leaf in ledger.book.orders(market, buys)]
        live = [order for order in orders if order[ORDER_EXPIRY] >= ledger.time]
        each_lot = [order[ORDER_PRICE] for order in live for _ in range(order[ORDER_LEFT])]
        prices.append(each_lot[impact - 1] if len(each_lot) >= impact else worst)
    bid, ask = prices
    return max(-weight, min(weight, max(0, bid - mark) - max(0, mark - ask)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(1, 2_000))
def test_samples_of_a_crowd_s_book_are_as_defined(seed: int, attempts: int, impact: int) -> None:
    ledger, crowd = prompt_ledger(), Crowd(Random(seed))
    run_batch(ledger, crowd.opening(), time=1)
    for market in (BTC_PERP, ETH_PERP):
        with_funding(ledger, market, impact=impact)
    for time in (90, 100):
        ledger.begin_batch(time)
        for _ in range(attempts):
            accepted(ledger, crowd.next(ledger))
        ledger.close_batch()
    ledger.begin_batch(200)
    for market in (BTC_PERP, ETH_PERP):
        before, expected = premium_of(ledger, market), modelled(ledger, market, impact)
        if accepted(ledger, SampleFunding(market)):
            assert premium_of(ledger, market) == before + expected


@pytest.mark.parametrize("time", [HOUR, FUNDING_INTERVAL + 3_000])
def test_a_mark_that_may_not_be_relied_on_is_not_sampled(time: int) -> None:
    ledger = with_funding(traded(), BTC_PERP, applied=time - FUNDING_INTERVAL, sampled=time - FUNDING_INTERVAL)
    run_batch(ledger, [SetPrice(BTC_PERP, PRICE_MAX, 70)], 70)
    ledger.begin_batch(time)
    assert refusal(ledger, SampleFunding(BTC_PERP)) is Rule.STALE_MARK
    ledger.apply(SetPrice(BTC_PERP, MARK, time))
    ledger.apply(SampleFunding(BTC_PERP))
    assert_agreed(*ledger.close_batch())


def test_samples_and_applications_have_their_times() -> None:
    ledger = traded()
    first = HOUR - SAMPLE_TIME + 1
    run_batch(ledger, [SampleFunding(BTC_PERP)], first)
    ledger.begin_batch(first)
    assert refusal(ledger, SampleFunding(BTC_PERP)) is Rule.SAMPLE_TOO_SOON
    assert refusal(ledger, ApplyFunding(BTC_PERP)) is Rule.FUNDING_TOO_SOON
    ledger.abort_batch()
    ledger.begin_batch(first + SAMPLE_TIME)
    assert refusal(ledger, SampleFunding(BTC_PERP)) is Rule.FUNDING_DUE
    assert refusal(ledger, ApplyFunding(BTC_PERP)) is None
    assert refusal(ledger, SampleFunding(BTC_PERP)) is None
    assert ledger.read(funding_index(BTC_PERP))[FUNDING_APPLIED] == first + SAMPLE_TIME
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("total", [0, 1, 29, 30, 31, -1, -29, -30, -31, 2**34, -(2**34), 12_345_678_901])
def test_an_application_loses_nothing(total: int) -> None:
    ledger = with_funding(traded(), BTC_PERP, premiums=total)
    if abs(total) > FUNDING_START * FUNDING_DIVISOR - FUNDING_DIVISOR:
        ledger.begin_batch(HOUR)
        assert refusal(ledger, ApplyFunding(BTC_PERP)) is Rule.FUNDING_LIMIT
        return
    assert_agreed(*run_batch(ledger, [ApplyFunding(BTC_PERP)], HOUR))
    assert 0 <= premium_of(ledger) < FUNDING_DIVISOR
    assert FUNDING_DIVISOR * index_of(ledger) + premium_of(ledger) == total


@pytest.mark.parametrize(
    ("index", "total", "fits"),
    [
        (FUNDING_MAX, 29, True), (FUNDING_MAX, 30, False), (0, 0, True), (0, -1, False), (1, -30, True),
        (0, FUNDING_START * 30 - 1, True), (0, FUNDING_START * 30, False),
        (FUNDING_MAX, -FUNDING_START * 30, True), (FUNDING_MAX, -FUNDING_START * 30 - 1, False),
    ],
)  # fmt: skip
def test_the_index_stays_within_its_bounds(index: int, total: int, fits: bool) -> None:
    ledger = with_funding(traded(), BTC_PERP, index - FUNDING_START, premiums=total)
    ledger.begin_batch(HOUR)
    assert refusal(ledger, ApplyFunding(BTC_PERP)) is (None if fits else Rule.FUNDING_LIMIT)
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("change", [1, -1, 16, -16, 17, -17, 100_003, -100_003])
def test_longs_pay_shorts_and_the_pool_keeps_what_rounding_leaves(change: int) -> None:
    ledger = with_funding(traded(), BTC_PERP, change)
    before = [quote(ledger, account) for account in (ALICE, BOB, POOL)]
    pays = [PayFunding(account, BTC_PERP) for account in (ALICE, BOB, SystemAccount.INSURANCE, ALICE, BOB)]
    assert_agreed(*run_batch(ledger, list(pays), 70))
    alice, bob, pool = (quote(ledger, a) - b for a, b in zip((ALICE, BOB, POOL), before, strict=True))
    assert (alice, bob) == tuple(-ceil(Fraction(lots * change, FUNDING_ONE)) for lots in (7_655, -7_655))
    assert alice + bob + pool == 0
    assert pool == (7_655 * change % FUNDING_ONE != 0)
    assert all(backing.holds for backing in invariant(ledger))


@settings(max_examples=40, deadline=None)
@given(st.integers(-SIZE_MAX, SIZE_MAX), st.integers(0, FUNDING_MAX), st.integers(0, FUNDING_MAX))
def test_any_position_pays_for_any_change(lots: int, before: int, after: int) -> None:
    ledger = with_funding(traded(), BTC_PERP, after - FUNDING_START)
    leaf, old = balance_index(ALICE, BTC_PERP), quote(ledger, ALICE)
    ledger.store.load([(leaf, balance_record(lots, funding=before), (0, 0, 0, 0))])
    assert_agreed(*run_batch(ledger, [PayFunding(ALICE, BTC_PERP)], 70))
    assert quote(ledger, ALICE) == old - ceil(Fraction(lots * (after - before), FUNDING_ONE))
    assert ledger.read(leaf)[BALANCE_FUNDING] == after


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 100), st.integers(-5_000, 5_000))
def test_what_a_crowd_pays_and_is_paid_adds_up(seed: int, attempts: int, change: int) -> None:
    """The pool's quote and what it is owed: never below 0, and less than one unit an account and market.

    Without deleveragings: what accounts owe that have not seen one follows from its event, not from their balance.
    """
    ledger, crowd = prompt_ledger(), Crowd(Random(seed))
    run_batch(ledger, crowd.opening(), time=1)
    dust = 0
    for step in range(3):
        for market in (BTC_PERP, ETH_PERP):
            with_funding(ledger, market, step * change)
        ledger.begin_batch(10 + step)
        for _ in range(attempts):
            transition = crowd.next(ledger)
            if not isinstance(transition, SettleMarket | Deleverage):
                accepted(ledger, transition)
        ledger.close_batch()
        assert all(backing.holds for backing in invariant(ledger))
        balances = [
            (ledger.read(balance_index(account, market)), ledger.read(market_index(market))[MARKET_FUNDING])
            for account in range(ALICE + 8) for market in (BTC_PERP, ETH_PERP)
        ]  # fmt: skip
        due = sum(owed(balance, index) for balance, index in balances if balance != EMPTY)
        dust = quote(ledger, POOL) + due
        assert 0 <= dust <= (step + 1) * 2 * 8


def neediest() -> list[tuple[str, Callable[[], Ledger], list[Transition], int]]:
    """What needs a position settled: name, ledger, transitions, and how many positions are settled for it."""
    return [
        ("a transfer", traded, [Transfer(BOB, ALICE, USDC, 1)], 1),
        ("an order that rests", traded, [post(ALICE, True, MARK - 9, 5)], 1),
        ("a fill, of both parties", traded, [post(ALICE, True, MARK, 5),
         Order(BOB, BTC_PERP, False, MARK, 5, LATE, Policy.IMMEDIATE_OR_CANCEL)], 2),
        ("a cash-out", halted, [SettleMarket(BTC_PERP), CashOut(BOB, BTC_PERP)], 1),
        ("a settlement does not", halted, [SettleMarket(BTC_PERP)], 0),
    ]  # fmt: skip


@pytest.mark.parametrize(("made", "transitions", "count"), [n[1:] for n in neediest()], ids=[n[0] for n in neediest()])
def test_the_ledger_settles_what_needs_it(
    made: Callable[[], Ledger], transitions: list[Transition], count: int
) -> None:
    ledger = with_funding(made(), BTC_PERP, 33)
    statement, witness = run_batch(ledger, transitions, 70)
    assert list(witness.kinds).count(Kind.PAY_FUNDING) == count
    assert_agreed(statement, witness)


def test_a_refused_transition_leaves_its_settlements() -> None:
    ledger = with_funding(traded(), BTC_PERP, 33)
    before = quote(ledger, ALICE)
    ledger.begin_batch(70)
    assert refusal(ledger, Transfer(ALICE, CAROL, USDC, 30 * before)) is Rule.INITIAL_MARGIN
    assert quote(ledger, ALICE) == before - ceil(Fraction(33 * 7_655, FUNDING_ONE))
    assert_agreed(*ledger.close_batch())


def test_figures_count_what_is_owed() -> None:
    ledger = traded()
    before = [account_figures(ledger, account).margin.cash for account in (ALICE, BOB)]
    with_funding(ledger, BTC_PERP, 33)
    owes = [ceil(Fraction(33 * lots, FUNDING_ONE)) for lots in (7_655, -7_655)]
    expected = [cash - debt for cash, debt in zip(before, owes, strict=True)]
    assert [account_figures(ledger, account).margin.cash for account in (ALICE, BOB)] == expected
    run_batch(ledger, [PayFunding(account, BTC_PERP) for account in (ALICE, BOB)], 70)
    assert [account_figures(ledger, account).margin.cash for account in (ALICE, BOB)] == expected


def test_a_settled_market_has_no_more_funding() -> None:
    ledger = with_funding(halted(), BTC_PERP, 5, premiums=3_000)
    run_batch(ledger, [SettleMarket(BTC_PERP)], FUNDING_INTERVAL)
    ledger.begin_batch(2 * FUNDING_INTERVAL)
    for refused in (SampleFunding(BTC_PERP), ApplyFunding(BTC_PERP)):
        assert refusal(ledger, refused) is Rule.SETTLED
    for account in (ALICE, BOB):
        ledger.apply(CashOut(account, BTC_PERP))
    assert_agreed(*ledger.close_batch())
    assert quote(ledger, POOL) == 1  # dust: what Alice pays and Bob gets, rounded against both
