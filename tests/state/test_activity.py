"""A tape becomes a batch that the ledger takes whole: all accounts trade, leveraged, and funded from several chains."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median_low
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.bounds import FRACTION_ONE, SIZE_MAX, TIME_MAX
from circuits.records import FIRST_TRADER, MARKET_MARK, from_limbs, market_index
from circuits.statement import Movement
from state.activity import Activity, ActivityError, Settings, make_activity
from state.audit import AccountFigures, account_count, account_figures, invariant
from state.batch import BatchReader, BatchWriter
from state.book import owner
from state.errors import Refusal, Rule
from state.ledger import BatchStateError, Ledger
from state.synthetic import synthetic_trades
from state.tape import Trade, merge_tapes, open_tape
from state.transitions import Transition
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.register import Register
from tests.batches import BTC_PERP, ETH, ETH_PERP, USDC, default_venue, new_ledger

VENUE = default_venue()
REAL = Path(__file__).parents[3] / "shared" / "data" / "binance_usdm"
DAY = 86_400
T = TypeVar("T", bound=Transition)


class Queue:
    """Chains that hold exactly these deposits."""

    def __init__(self, deposits: list[Movement]) -> None:
        self._deposits = set(deposits)

    def holds(self, deposit: Movement, /) -> bool:
        """See DepositQueue."""
        return deposit in self._deposits


def small(accounts: int = 10, count: int = 200, seed: int = 0) -> tuple[Ledger, list[Trade], Activity]:
    """A fresh ledger, a made-up tape, and the batch of both."""
    ledger, trades = new_ledger(), list(synthetic_trades(VENUE, count, seed))
    return ledger, trades, make_activity(ledger, trades, Settings(accounts, seed))


def apply_all(ledger: Ledger, activity: Activity, waiting: Sequence[Movement] = ()) -> list[AccountFigures]:
    """Apply the batch, with chains that hold just its deposits and those that wait; the figures of its new accounts."""
    first = account_count(ledger)
    ledger.queue = Queue([*waiting, *activity.deposits])
    ledger.begin_batch(activity.time)
    for transition in activity.transitions:
        ledger.apply(transition)  # a refusal fails the test
    assert not ledger.removals
    assert all(backing.holds for backing in invariant(ledger))
    return [account_figures(ledger, account) for account in range(first, account_count(ledger))]


def of_kind(activity: Activity, kind: type[T]) -> list[T]:
    """The transitions of that class."""
    return [transition for transition in activity.transitions if isinstance(transition, kind)]


@given(accounts=st.integers(2, 25), count=st.integers(1, 150), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_the_ledger_takes_the_batch_whole(accounts: int, count: int, seed: int) -> None:
    ledger, trades, activity = small(accounts, count, seed)
    figures = apply_all(ledger, activity)
    assert len(figures) == accounts
    assert activity.report.fills == len(trades)
    assert not activity.report.refused
    assert all(account.margin.suffices for account in figures)
    traded = {trade.market for trade in trades}
    idle = [account for account in figures if not all(account.balances.get(market) for market in traded)]
    assert len(idle) == activity.report.idle


def test_every_account_trades_both_markets_with_leverage_on_several_chains() -> None:
    ledger, _, activity = small(accounts=40, count=640)
    figures = apply_all(ledger, activity)
    assert activity.report.idle == 0
    for account in figures:
        assert set(account.balances) == {USDC, ETH, BTC_PERP, ETH_PERP}
        assert all(account.balances.values())
        assert account.margin.equity >= account.margin.requirement
    assert sum(account.margin.equity <= 2 * account.margin.requirement for account in figures) >= 36
    assert any(account.margin.shortfall for account in figures)  # some borrow quote
    assert any(not account.margin.shortfall for account in figures)
    for account in figures:
        assert len({movement.chain for movement in activity.deposits if movement.account == account.account}) == 2
    assert {movement.chain for movement in activity.deposits} == {0, 1, 2}


def pairs(activity: Activity) -> list[tuple[Order, Order]]:
    """The maker's order and the taker's, for each trade."""
    orders = of_kind(activity, Order)
    return list(zip(orders[::2], orders[1::2], strict=True))


def test_orders_trade_as_the_tape_did_within_sensible_limits() -> None:
    ledger, trades, activity = small()
    apply_all(ledger, activity)
    assert [(t.market, t.price, t.size, t.taker_buys) for t in ledger.trades] == [
        (t.market, t.price, t.size, t.taker_buys) for t in trades
    ]
    for (maker, taker), trade in zip(pairs(activity), ledger.trades, strict=True):
        assert (owner(trade.maker_order), owner(trade.taker_order)) == (maker.account, taker.account)
        assert maker.account != taker.account
        assert (maker.price, maker.policy) == (trade.price, Policy.POST_ONLY)
        room = (taker.price - trade.price) * (1 if taker.buys else -1)
        assert 0 <= room * FRACTION_ONE <= 20 * trade.price
        assert taker.policy is Policy.IMMEDIATE_OR_CANCEL
        assert min(maker.expiry, taker.expiry) >= activity.time
    assert all(not ledger.book.orders(market.number, buys) for market in VENUE.markets for buys in (True, False))
    sides = Counter(order.account for order in of_kind(activity, Order))
    assert max(sides.values()) - min(sides.values()) <= 4  # each market deals all in before anybody twice


def test_marks_follow_the_tape() -> None:
    price_move, price_interval = 3, 20
    synthetic = enumerate(synthetic_trades(VENUE, 400, 5), 1)
    trades = [replace(trade, time=(VENUE.epoch + second) * 10**9) for second, trade in synthetic]
    activity = make_activity(new_ledger(), trades, Settings(10, 5, price_move, price_interval))
    first_price = {trade.market: trade.price for trade in reversed(trades)}
    marks: dict[int, int] = {}
    age: Counter[int] = Counter()
    for transition in activity.transitions:
        if isinstance(transition, SetPrice):
            marks[transition.instrument], age[transition.instrument] = transition.price, 0
        elif isinstance(transition, Order) and transition.policy is Policy.POST_ONLY:
            if not age.total():  # before any trade
                assert {market: marks[market] for market in first_price} == first_price
            age[transition.market] += 1
            mark = marks[transition.market]
            assert abs(transition.price - mark) * FRACTION_ONE <= price_move * mark
            assert age[transition.market] <= price_interval
            assert marks[ETH] == marks[ETH_PERP] // 10  # a lot of 0.0001 ETH beside one of 0.001
    times = [update.time for update in of_kind(activity, SetPrice)]
    assert all(a <= b for a, b in pairwise(times))
    assert Counter(update.instrument for update in of_kind(activity, SetPrice)) == activity.report.prices
    assert activity.report.prices[BTC_PERP] > 5


def test_an_instrument_gets_one_price_a_second() -> None:
    prices = (6_170_000, 6_172_000, 6_171_000, 6_174_000)
    times = [VENUE.epoch * 10**9 + k * 6 * 10**8 for k in range(2, 6)]
    trades = [Trade(time, BTC_PERP, price, 10, True) for time, price in zip(times, prices, strict=True)]
    activity = make_activity(new_ledger(), trades, Settings(2, price_move=1))
    assert [(update.price, update.time) for update in of_kind(activity, SetPrice)] == [
        (6_170_000, 1), (6_171_000, 2), (6_174_000, 3)
    ]  # fmt: skip


def test_prices_come_no_more_often_than_asked() -> None:
    trades = [Trade((VENUE.epoch + k) * 10**9, BTC_PERP, 6_170_000, 10, True) for k in range(1, 51)]
    for price_interval, updates in ((50, 1), (49, 2), (10, 5)):
        activity = make_activity(new_ledger(), trades, Settings(2, price_interval=price_interval))
        assert activity.report.prices == {BTC_PERP: updates}  # and none for ETH, whose market does not trade


def test_deposits_are_numbered_by_chain_and_stand_before_what_needs_them() -> None:
    _, _, activity = small()
    deposits = of_kind(activity, Deposit)
    assert [Movement(*astuple(deposit)) for deposit in deposits] == activity.deposits
    for chain in range(3):
        numbers = [deposit.sequence for deposit in deposits if deposit.chain == chain]
        assert numbers == list(range(len(numbers)))
    kinds = [transition.kind.name for transition in activity.transitions]
    assert kinds.index("ORDER") > max(k for k, kind in enumerate(kinds) if kind in ("REGISTER", "DEPOSIT"))
    totals: Counter[tuple[int, int]] = Counter()
    for deposit in deposits:
        totals[deposit.chain, deposit.asset] += deposit.amount
    assert totals == activity.report.deposits


def test_the_same_seed_makes_the_same_batch_and_leaves_the_ledger_alone() -> None:
    ledger, trades, activity = small()
    root, records = ledger.root, ledger.records()
    again = make_activity(ledger, iter(trades), Settings(10, 0))
    assert again == activity
    assert make_activity(ledger, trades, Settings(10, 1)).transitions != activity.transitions
    assert (ledger.root, ledger.records(), ledger.in_batch) == (root, records, False)


def test_a_second_tape_continues_the_ledger_with_deposits_that_wait_on_the_chains() -> None:
    ledger, trades, first = small()
    apply_all(ledger, first)
    ledger.close_batch()
    ledger.begin_batch(DAY)  # later than the tape, which is played at the ledger's time
    ledger.close_batch()
    counts = Counter(movement.chain for movement in first.deposits)
    waiting = [Movement(0, counts[0], FIRST_TRADER, USDC, 5), Movement(0, counts[0] + 1, FIRST_TRADER + 10, ETH, 7)]
    second = make_activity(ledger, trades, Settings(4, 1), waiting)
    new_accounts = [register.account for register in of_kind(second, Register)]
    assert new_accounts == list(range(FIRST_TRADER + 10, FIRST_TRADER + 14))
    assert not set(waiting) & set(second.deposits)
    assert min(m.sequence for m in second.deposits if m.chain == 0) == counts[0] + 2
    assert {update.time for update in of_kind(second, SetPrice)} == {DAY}
    figures = apply_all(ledger, second, waiting)
    assert all(account.margin.suffices for account in figures)


def test_deposits_carry_an_account_through_a_crash_and_not_a_unit_further() -> None:
    tape = [(6_000_000, 1_000), (5_100_000, 1), (6_000_000, 1)]  # down 15 percent and up again, traded at the bottom
    trades = [
        Trade((VENUE.epoch + 20 * k) * 10**9, BTC_PERP, price, size, True)
        for k, (price, size) in enumerate(tape, start=1)
    ]
    for seed in range(10):
        activity = make_activity(new_ledger(), trades, Settings(2, seed))
        figures = apply_all(new_ledger(), activity)
        long = next(account for account in figures if account.balances[BTC_PERP] > 0)
        assert long.margin.equity > 3 * long.margin.requirement
        place, deposit = next(
            (k, t) for k, t in enumerate(activity.transitions)
            if isinstance(t, Deposit) and (t.account, t.asset) == (long.account, USDC)
        )  # fmt: skip
        activity.transitions[place] = short = replace(deposit, amount=deposit.amount - 1)
        with pytest.raises(Refusal) as caught:
            apply_all(new_ledger(), activity, [Movement(*astuple(short))])
        assert caught.value.rule in (Rule.INITIAL_MARGIN, Rule.BORROW_MARGIN)
        assert caught.value.values["account"] == long.account


def test_trades_that_no_account_can_make_are_left_out_and_reported() -> None:
    ledger, trades = new_ledger(), list(synthetic_trades(VENUE, 50, 0))
    whale = Trade(trades[20].time, BTC_PERP, 6_170_000, SIZE_MAX - 10**6, True)
    activity = make_activity(ledger, [*trades[:20], whale, *trades[21:]], Settings(400))
    ((position, refusal),) = activity.report.refused
    assert (position, activity.report.fills, activity.report.trades) == (20, 49, 50)
    assert refusal.rule == Rule.INITIAL_MARGIN  # beyond what deposits of 400 accounts could ever hold
    apply_all(ledger, activity)


def test_what_cannot_be_made_into_a_batch_is_refused() -> None:
    ledger, trades = new_ledger(), list(synthetic_trades(VENUE, 5, 0))
    with pytest.raises(ActivityError, match="1 accounts"):
        make_activity(ledger, trades, Settings(1))
    with pytest.raises(ActivityError, match="no trades"):
        make_activity(ledger, [], Settings())
    with pytest.raises(Refusal, match="deposit-order"):
        make_activity(ledger, trades, Settings(2), [Movement(0, 1, FIRST_TRADER, USDC, 5)])
    ledger.begin_batch()
    with pytest.raises(BatchStateError):
        make_activity(ledger, trades, Settings(2))


def test_the_batch_survives_its_file(tmp_path: Path) -> None:
    _, _, activity = small()
    with BatchWriter(tmp_path / "batch.jsonl", VENUE) as writer:
        for transition in activity.transitions:
            writer.write(transition)
    with BatchReader(tmp_path / "batch.jsonl", VENUE) as reader:
        assert [transition for _, transition in reader] == activity.transitions


@pytest.mark.skipif(not REAL.is_dir(), reason="the real tapes are not part of a clone")
def test_real_tapes_make_500_leveraged_accounts() -> None:
    files = {"BTC-PERP": "usdm_btcusdt_20240808.gz", "ETH-PERP": "usdm_ethusdt_20240808.gz"}
    tapes = [open_tape(VENUE, f"{market}={REAL / file}") for market, file in files.items()]
    ledger = new_ledger()
    activity = make_activity(ledger, merge_tapes(tapes, 4_096), Settings(accounts=500, seed=1))
    figures = apply_all(ledger, activity)
    kinds = Counter(transition.kind.name for transition in activity.transitions)
    assert (kinds["REGISTER"], kinds["DEPOSIT"], kinds["ORDER"]) == (500, 1_000, 2 * 4_096)
    assert not activity.report.refused
    sides = Counter(order.account for order in of_kind(activity, Order))
    assert len(sides) == 500
    assert min(sides.values()) >= 15
    assert all(sum(amount != 0 for amount in account.balances.values()) >= 4 for account in figures)
    middle = median_low(account.margin.equity * FRACTION_ONE // account.margin.requirement for account in figures)
    assert FRACTION_ONE <= middle <= 2 * FRACTION_ONE
    assert all(account.margin.suffices for account in figures)
    for market in VENUE.markets:  # the marks are the tape's
        mark = from_limbs(ledger.read(market_index(market.number))[MARKET_MARK : MARKET_MARK + 2])
        last = [maker.price for maker, _ in pairs(activity) if maker.market == market.number][-1]
        assert abs(last - mark) * FRACTION_ONE <= 5 * mark


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_a_tape_meets_orders_that_others_left_in_the_book(seed: int) -> None:
    ledger, rng = new_ledger(), Random(seed)
    trades = list(synthetic_trades(VENUE, 60, seed))
    key, others = (1,) * 7, range(FIRST_TRADER, FIRST_TRADER + 4)
    ledger.begin_batch()
    for number, account in enumerate(others):
        ledger.apply(Register(account, key))
        ledger.apply(Deposit(0, number, account, USDC, rng.choice([10**9, 10**12])))
    for trade in rng.sample(trades, 20):
        with suppress(Refusal):
            order = Order(rng.choice(others), trade.market, rng.random() < 0.5, trade.price, trade.size, TIME_MAX)
            ledger.apply(replace(order, reduce_only=rng.random() < 0.3))
    ledger.close_batch()
    activity = make_activity(ledger, trades, Settings(6, seed))
    first = account_count(ledger)
    ledger.begin_batch(activity.time)
    for transition in activity.transitions:
        ledger.apply(transition)  # a refusal fails the test
    assert all(account_figures(ledger, account).margin.suffices for account in range(first, account_count(ledger)))
    assert all(backing.holds for backing in invariant(ledger))
    assert activity.report.fills + len(activity.report.refused) == len(trades)


def test_of_a_tape_longer_than_prices_hold_all_trades_count() -> None:
    """A batch has one time: earlier prices are set as late as they hold then."""
    start, lasts = VENUE.epoch + DAY, VENUE.instruments[BTC_PERP].staleness
    slow = [replace(trade, time=(start + 200 * k) * 10**9) for k, trade in enumerate(synthetic_trades(VENUE, 60, 3))]
    ledger = new_ledger()
    activity = make_activity(ledger, slow, Settings(accounts=6, price_interval=8))
    apply_all(ledger, activity)
    assert activity.report.fills == len(slow)
    times = [update.time for update in of_kind(activity, SetPrice)]
    assert activity.time == DAY + 200 * 59
    assert min(times) == activity.time - lasts > DAY
    assert max(times) > min(times)


def test_marks_that_a_tape_says_nothing_about_are_set_anew_once_they_are_stale() -> None:
    for late, expected in ((0, set()), (DAY, {(ETH, DAY), (ETH_PERP, DAY)})):
        ledger = new_ledger()
        trades = [
            replace(trade, market=BTC_PERP, price=6_180_000, time=(VENUE.epoch + late) * 10**9)
            for trade in synthetic_trades(VENUE, 5, 1)
        ]
        marks = [ledger.read(market_index(number))[MARKET_MARK : MARKET_MARK + 2] for number in (ETH, ETH_PERP)]
        activity = make_activity(ledger, trades, Settings(accounts=4))
        updates = {(update.instrument, update.time) for update in of_kind(activity, SetPrice)}
        assert updates - {(BTC_PERP, late)} == expected
        apply_all(ledger, activity)
        after = [ledger.read(market_index(number))[MARKET_MARK : MARKET_MARK + 2] for number in (ETH, ETH_PERP)]
        assert after == marks
