"""Liquidations: no further than needed, never worse than the zero price, and who may reduce below the initial tier."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.bounds import FEE_ONE, FUNDING_START, RATIO_ONE
from circuits.records import (
    HEADER_NONCE,
    MARKET_MARK,
    MARKET_WEIGHT,
    Role,
    SystemAccount,
    balance_index,
    from_limbs,
    header_index,
    market_index,
)
from state.accounts import balance_amount, balance_record, header_record
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.margin import Margin, assess, open_entries
from state.store import NO_SALT
from state.transitions.liquidate import Liquidate
from state.transitions.order import Order, Policy
from state.transitions.unwind import Unwind
from state.zero_price import zero_price
from tests.batches import ALICE, BOB, BTC_PERP, LATE, USDC, new_ledger, run_batch
from tests.circuits.test_agreement import assert_agreed
from tests.state.worlds import funded_ledger

SIZE, MARK, WEIGHT = 1_000, 6_170_000, 308_500
REQUIRED = SIZE * WEIGHT
RICH = 10**14


def world(equity: int, size: int = SIZE, account: int = ALICE) -> Ledger:
    """A ledger with an open batch; the account has so many lots of BTC-PERP and such equity. Bob is rich."""
    ledger = funded_ledger()
    role = Role.TRADER if account == ALICE else Role.SYSTEM
    ledger.store.load([
        (header_index(account), header_record(role, 0, 1 << BTC_PERP | 1), NO_SALT),
        (balance_index(account, BTC_PERP), balance_record(size, 0, 0, FUNDING_START), NO_SALT),
        (balance_index(account, USDC), balance_record(equity - size * MARK), NO_SALT),
        (balance_index(BOB, USDC), balance_record(RICH), NO_SALT),
    ])  # fmt: skip
    ledger.begin_batch()
    return ledger


def health(ledger: Ledger, account: int = ALICE) -> Margin:
    assert ledger._memory is not None
    return assess(ledger.venue, account, open_entries(ledger._memory.read, account))


def amount(ledger: Ledger, account: int, instrument: int) -> int:
    return balance_amount(ledger.records()[balance_index(account, instrument)])


def offer(ledger: Ledger, long: bool, *offers: tuple[int, int]) -> None:
    """Bob's orders that a liquidation of a long or short position meets: price and lots."""
    for price, lots in offers:
        ledger.apply(Order(BOB, BTC_PERP, long, price, lots, LATE))


@pytest.mark.parametrize("long", [True, False])
def test_it_goes_on_until_the_account_is_healthy(long: bool) -> None:
    sign = 1 if long else -1
    ledger = world(REQUIRED // 2, sign * SIZE)
    before, pot = health(ledger), amount(ledger, SystemAccount.INSURANCE, USDC)
    offer(ledger, long, (MARK, 100), (MARK - sign, 150), (MARK - 2 * sign, 400))
    price, fee = MARK - sign * 100_000, 1_000
    ledger.apply(Liquidate(ALICE, BTC_PERP, 900, price, fee))
    assert [(trade.price, trade.size) for trade in ledger.trades] == [(MARK, 100), (MARK - sign, 150)]
    paid = sum(-(-t.price * t.size * fee // FEE_ONE) for t in ledger.trades)
    assert amount(ledger, SystemAccount.INSURANCE, USDC) == pot + paid
    after = health(ledger)
    assert after.equity == before.equity - paid - 150
    assert RATIO_ONE * after.equity >= after.maintenance * after.requirement
    assert ledger.records()[header_index(ALICE)][HEADER_NONCE] == 0
    with pytest.raises(Refusal, match="healthy"):
        ledger.apply(Liquidate(ALICE, BTC_PERP, 1, price, fee))
    assert_agreed(*ledger.close_batch())


@settings(max_examples=25, deadline=None)
@given(st.booleans(), st.integers(0, REQUIRED * 6 // 10 - 1), st.integers(1, SIZE), st.integers(0, 10_000))
def test_no_fill_makes_the_account_worse_off(long: bool, equity: int, lots: int, fee: int) -> None:
    """At the worst limit that is taken, and one beyond it is refused."""
    sign = 1 if long else -1
    ledger = world(equity, sign * SIZE)
    zero = zero_price(equity, REQUIRED, MARK, WEIGHT, long=long)
    limit = -(-zero * FEE_ONE // (FEE_ONE - fee)) if long else zero * FEE_ONE // (FEE_ONE + fee)
    offer(ledger, long, (limit, lots))
    with pytest.raises(Refusal) as caught:
        ledger.apply(Liquidate(ALICE, BTC_PERP, lots, limit - sign, fee))
    assert caught.value.rule == Rule.BELOW_ZERO_PRICE
    ledger.apply(Liquidate(ALICE, BTC_PERP, lots, limit, fee))
    after = health(ledger)
    assert after.requirement == REQUIRED - lots * WEIGHT
    assert after.equity * REQUIRED >= equity * after.requirement
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("maker", [True, False])
@pytest.mark.parametrize("long", [True, False])
@pytest.mark.parametrize(("loss", "share", "passes"), [
    (WEIGHT // 4, 8, True), (WEIGHT // 4 + 1, 8, False), (0, 8, True), (-9, 8, True), (0, 5, False),
])  # fmt: skip
def test_a_fair_fill_that_reduces_needs_the_maintenance_tier_alone(
    maker: bool, long: bool, loss: int, share: int, passes: bool
) -> None:
    """share: tenths of the requirement that Alice's equity is; maintenance is six."""
    ledger = world(REQUIRED * share // 10, SIZE if long else -SIZE)
    price = MARK - loss if long else MARK + loss
    hers = Order(ALICE, BTC_PERP, not long, price, 100, LATE)
    his = Order(BOB, BTC_PERP, long, price, 100, LATE, Policy.IMMEDIATE_OR_CANCEL)
    if maker:  # her order was placed in better times
        ledger.abort_batch()
        quote = balance_index(ALICE, USDC)
        poor = ledger.read(quote)
        ledger.store.load([(quote, balance_record(RICH), NO_SALT)])
        run_batch(ledger, [hers], 100)
        ledger.store.load([(quote, poor, NO_SALT)])
        ledger.begin_batch()
        if passes:
            ledger.apply(his)
        else:  # her order would go, for nothing
            with pytest.raises(Refusal, match="nothing-achieved"):
                ledger.apply(his)
    else:
        ledger.apply(Order(BOB, BTC_PERP, long, price, 100, LATE))
        if passes:
            ledger.apply(Order(ALICE, BTC_PERP, not long, price, 100, LATE, Policy.IMMEDIATE_OR_CANCEL))
        else:
            with pytest.raises(Refusal, match="initial-margin"):
                ledger.apply(Order(ALICE, BTC_PERP, not long, price, 100, LATE, Policy.IMMEDIATE_OR_CANCEL))
    assert len(ledger.trades) == passes
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("long", [True, False])
def test_the_fund_unwinds_without_a_fee_one_fill_at_a_time(long: bool) -> None:
    fund, sign = SystemAccount.INSURANCE, 1 if long else -1
    ledger = world(300_000, sign * SIZE, fund)
    offer(ledger, long, (MARK, 100), (MARK - sign * 1_000, 400), (MARK - sign * 1_001, 400))
    for lots in (100, 300):
        ledger.apply(Unwind(BTC_PERP, not long, lots, MARK - sign * WEIGHT))
    assert [trade.size for trade in ledger.trades] == [100, 300]
    assert health(ledger, fund).equity == 0
    with pytest.raises(Refusal) as caught:
        ledger.apply(Unwind(BTC_PERP, not long, 1, MARK - sign * WEIGHT))
    assert caught.value.rule == Rule.FUND_SHORT
    assert_agreed(*ledger.close_batch())


def test_the_constants_are_those_of_the_venue() -> None:
    record = new_ledger().read(market_index(BTC_PERP))
    assert [from_limbs(record[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT)] == [MARK, WEIGHT]
