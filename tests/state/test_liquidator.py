"""The waterfall: which transitions are chosen, with which arguments, and in which order."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.bounds import CONVERSION_DISCOUNT, FEE_ONE
from circuits.buses import Tier
from circuits.records import MARKET_MARK, MARKET_WEIGHT, Status, SystemAccount, market_index
from circuits.steps import Step
from state.accounts import change_balance, swap
from state.errors import Refusal, Rule
from state.health import health
from state.ledger import Ledger
from state.liquidator import FEE, Liquidator
from state.transitions import Transition
from state.transitions.apply_event import ApplyEvent
from state.transitions.cancel import CancelAll, ForceCancel
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.set import SetStatus
from state.transitions.settle import SettleMarket
from tests.batches import ALICE, BOB, BTC_PERP, ETH, ETH_PERP, USDC, new_ledger, run_batch
from tests.deleveragings import CAROL, FRANK, LATER, crash, opened

MARK, SIZE, TIME = 2_680_000, 1_000, 60
OTHERS = ("Convert", "Liquidate", "TakeOver", "Deleverage", "Socialise", "Unwind")
Attempt = tuple[Any, ...]


def world(mark: int, *, quote: int = 150_000_000, eth: int = 0, long: bool = True, bids: int = 0) -> Ledger:
    """Alice has 1 ETH-PERP, long or short, at 2680 and so many bids for 0.02; Bob has the other side. In the open batch
    this is the mark."""
    ledger = new_ledger()
    ledger.begin_batch(TIME)
    deposits = [(ALICE, USDC, quote), (BOB, USDC, 9_000_000_000), *[(ALICE, ETH, eth)] * bool(eth)]
    setup: tuple[Transition, ...] = (
        Register(ALICE, (1,) * 7), Register(BOB, (2,) * 7),
        *(Deposit(0, number, *deposit) for number, deposit in enumerate(deposits)),
        Order(BOB, ETH_PERP, not long, MARK, SIZE, 9_999, Policy.POST_ONLY),
        Order(ALICE, ETH_PERP, long, MARK, SIZE, 9_999, Policy.IMMEDIATE_OR_CANCEL),
        *(Order(ALICE, ETH_PERP, True, 2_500_000 - bid, 20, 9_999) for bid in range(bids)),
        SetPrice(ETH_PERP, mark, TIME),
    )  # fmt: skip
    for transition in setup:
        ledger.apply(transition)
    return ledger


def watched(ledger: Ledger) -> tuple[Liquidator, list[Attempt]]:
    """A liquidator whose attempts are noted; the ledger sees forced cancels only, all else is refused."""
    attempts: list[Attempt] = []

    def apply(transition: Any) -> None:
        if isinstance(transition, ForceCancel):
            attempts.append(("ForceCancel", transition.account, transition.order))
            ledger.apply(transition)
            return
        attempts.append(transition)
        raise Refusal(Rule.HEALTHY, account=0, equity=0, requirement=0, tier="close-out")

    def build(name: str) -> Callable[..., Transition]:
        return lambda *arguments: (name, *arguments)  # type: ignore[return-value]

    return Liquidator(ledger, apply, {"ForceCancel": ForceCancel, **{name: build(name) for name in OTHERS}}), attempts


def test_the_healthy_are_left_alone() -> None:
    liquidator, attempts = watched(world(MARK))
    liquidator.relieve_all()
    assert attempts == []


def test_orders_are_cancelled_until_that_suffices() -> None:
    """Equity 80.66; the position asks for 78.36 of maintenance, each bid for 1.57 more."""
    ledger = world(2_612_000, bids=3)
    liquidator, attempts = watched(ledger)
    assert liquidator.below_maintenance() == [ALICE]
    liquidator.relieve_all()
    assert [attempt[0] for attempt in attempts] == ["ForceCancel"] * 3
    assert liquidator.counts["ForceCancel"] == 2
    assert liquidator.refused["ForceCancel", Rule.HEALTHY] == 1
    assert len(ledger.book.orders_of(ALICE)) == 1


@pytest.mark.parametrize(("mark", "expected"), [
    (2_600_000, []),  # below maintenance, not close-out; nobody bids
    (2_580_000, [("TakeOver", ALICE)]),
    (2_500_000, [("TakeOver", ALICE), ("Deleverage", ALICE, ETH_PERP)]),
])  # fmt: skip
def test_how_far_it_goes_depends_on_the_mark(mark: int, expected: list[Attempt]) -> None:
    liquidator, attempts = watched(world(mark))
    liquidator.relieve_all()
    assert attempts == expected


def test_who_has_no_position_and_owes_is_shared_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = world(2_500_000)
    ledger.apply(Order(BOB, ETH_PERP, True, 2_500_000, SIZE, 9_999))
    monkeypatch.setattr("state.transitions.match.check_margin", lambda *arguments, **options: None)
    ledger.apply(Order(ALICE, ETH_PERP, False, 2_500_000, SIZE, 9_999, Policy.IMMEDIATE_OR_CANCEL, True))
    liquidator, attempts = watched(ledger)
    liquidator.relieve_all()
    assert attempts == [("TakeOver", ALICE), ("Socialise", ALICE)]


@pytest.mark.parametrize("payable", [0, 300, 10_000])
def test_assets_are_converted_while_cash_is_owed(payable: int) -> None:
    """As many lots near the mark as the fund can pay for, and then the others at what they count as collateral."""
    ledger = world(2_480_000, quote=2_000_000, eth=8_000_000)  # 0.08 ETH; cash is 2 - 1.34 - 200
    price, value = 268_000 - 268_000 // CONVERSION_DISCOUNT, 268_000 * 85 // 100
    ledger.apply(Deposit(0, 3, SystemAccount.INSURANCE, USDC, (price - value) * payable + 1))
    liquidator, attempts = watched(ledger)
    liquidator.relieve_all()
    needed = -(-health(ledger, ALICE).margin.shortfall // price)
    near = [("Convert", ALICE, ETH, min(payable, needed), price)] * bool(payable)
    assert attempts == [
        *near, ("Convert", ALICE, ETH, 800, value), ("TakeOver", ALICE), ("Deleverage", ALICE, ETH_PERP),
    ]  # fmt: skip


def test_assets_that_count_in_full_are_not_converted_for_less() -> None:
    ledger = world(2_520_000, quote=2_000_000, eth=8_000_000)
    assert ledger._memory is not None
    old = ledger.read(market_index(ETH))
    counts = (*old[:MARKET_WEIGHT], *old[MARKET_MARK:MARKET_WEIGHT], *old[MARKET_WEIGHT + 2 :])
    ledger._memory.replace(Step.PRICE_STEP, market_index(ETH), old, counts)
    liquidator, attempts = watched(ledger)
    liquidator.relieve_all()
    assert [attempt[4] for attempt in attempts if attempt[0] == "Convert"] == [268_000]


def test_who_has_assets_is_deleveraged_without_them_though_the_fund_owes() -> None:
    ledger = world(2_280_000, quote=2_000_000, eth=8_000_000)
    assert ledger._memory is not None
    quote = ledger.venue.instruments[USDC]
    change_balance(ledger._memory, Step.SWAP_QUOTE, SystemAccount.INSURANCE, quote, -1)
    liquidator = Liquidator(ledger)
    liquidator.relieve_all()
    assert [type(transition).__name__ for transition in liquidator.applied] == ["Convert", "Deleverage", "Socialise"]
    state, fund = (health(ledger, account).margin for account in (ALICE, SystemAccount.INSURANCE))
    assert (state.equity, state.collateral, fund.equity) == (0, 0, -1)


def test_a_position_in_a_settled_market_keeps_no_loss_from_being_shared() -> None:
    ledger = world(2_380_000)
    for transition in (SetStatus(ETH_PERP, Status.HALTED), SettleMarket(ETH_PERP)):
        ledger.apply(transition)
    liquidator, attempts = watched(ledger)
    liquidator.relieve_all()
    assert attempts == [("TakeOver", ALICE), ("Socialise", ALICE)]


def test_who_is_deleveraged_is_seen() -> None:
    """Frank has not seen yet what he gives; Carol still owes what is beyond her zero price."""
    ledger = opened({CAROL: 9_999, FRANK: -9_999}, (CAROL,), money=8_000_000_000)
    run_batch(ledger, [crash(), Deleverage(CAROL, BTC_PERP)], LATER)
    ledger.begin_batch(LATER)
    liquidator = Liquidator(ledger)
    assert liquidator.below_maintenance() == [CAROL]
    assert liquidator.applied == [ApplyEvent(FRANK)]


@settings(max_examples=40, deadline=None)
@given(st.integers(2_538_000, 2_600_000), st.integers(0, 70_000), st.integers(1, 2 * SIZE), st.booleans())
def test_liquidations_are_no_worse_than_the_zero_price(mark: int, away: int, depth: int, long: bool) -> None:
    mark = mark if long else 2 * MARK - mark
    ledger = world(mark, long=long)
    best = mark - away if long else mark + away
    ledger.apply(Order(BOB, ETH_PERP, long, best, depth, 9_999))
    liquidator, attempts = watched(ledger)
    liquidator.relieve_all()
    state = health(ledger, ALICE)
    sign, margin = 1 if long else -1, state.margin
    # The only position: equity is lost when it closes there; but no more than half of what is required.
    exact = mark - sign * min(Fraction(margin.equity, SIZE), Fraction(state.positions[0].weight // 2))
    reach = exact * FEE_ONE / (FEE_ONE - sign * FEE)
    orders = [attempt for attempt in attempts if attempt[0] == "Liquidate"]
    if not margin.equity >= 0 or margin.reaches(Tier.MAINTENANCE):
        assert orders == []
        return
    assert bool(orders) == (sign * best >= sign * reach)
    for _, account, market, size, limit, fee in orders:
        assert (account, market, fee) == (ALICE, ETH_PERP, FEE)
        assert 1 <= size <= min(SIZE, depth)
        assert 0 <= sign * (limit - reach) < 2


def test_the_fund_trades_away_what_it_took_over() -> None:
    ledger = world(2_600_000)
    assert ledger._memory is not None
    swap(ledger._memory, SystemAccount.INSURANCE, SystemAccount.ROUNDING, ledger.venue.instruments[ETH_PERP], 10, 0)
    ledger.apply(Order(BOB, ETH_PERP, True, 2_470_001, SIZE, 9_999))
    liquidator, attempts = watched(ledger)
    liquidator.unwind()
    assert attempts == [("Unwind", ETH_PERP, False, 10, 2_470_000)]
    ledger.apply(CancelAll(BOB))
    liquidator.unwind()
    assert len(attempts) == 1
