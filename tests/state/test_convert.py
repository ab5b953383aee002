"""The insurance fund buys an asset of an account that owes cash: within the price band, and no more than is owed."""

import pytest

from circuits.bounds import CONVERSION_DISCOUNT, SIZE_MAX
from circuits.records import MARKET_MARK, balance_index, from_limbs, market_index
from state.accounts import balance_amount
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.transitions.convert import Convert
from tests.batches import BTC_PERP, DEBTOR, ETH, USDC
from tests.circuits.test_agreement import assert_agreed
from tests.mutation.execution_conversions import worthless
from tests.mutation.standing import FUND, Standing, standing
from tests.state.test_take_over import TIME, held, margin_of

MARK = 268_162  # of ETH, a lot of 10,000 units
LOW = MARK - MARK // CONVERSION_DISCOUNT
VALUE = MARK * 85 // 100  # as collateral
SOLVENT = Standing(quote=-23_411_000_000)  # with hardly any equity


def opened(said: Standing | None = None) -> Ledger:
    ledger = standing(said)
    ledger.begin_batch(TIME)
    assert from_limbs(ledger.read(market_index(ETH))[MARKET_MARK : MARKET_MARK + 2]) == MARK
    return ledger


def refused(ledger: Ledger, lots: int = 1, price: int = MARK, asset: int = ETH, account: int = DEBTOR) -> Rule | None:
    try:
        ledger.apply(Convert(account, asset, lots, price))
    except Refusal as refusal:
        return refusal.rule
    return None


@pytest.mark.parametrize("price", [LOW, LOW + 1, MARK - 1, MARK])
@pytest.mark.parametrize("lots", [1, 2, 16_383, 16_384, 80_000])
def test_lots_go_to_the_fund_for_quote(lots: int, price: int) -> None:
    ledger = opened(Standing(fund_quote=30_000_000_000))
    before, fund, equity = held(ledger, DEBTOR), held(ledger, FUND), margin_of(ledger, DEBTOR).equity
    ledger.apply(Convert(DEBTOR, ETH, lots, price))
    assert held(ledger, DEBTOR) == [before[0] + lots * price, before[1] - lots * 10_000, *before[2:]]
    assert held(ledger, FUND) == [fund[0] - lots * price, fund[1] + lots * 10_000, *fund[2:]]
    assert margin_of(ledger, DEBTOR).equity > equity  # the haircut is 15 %, the discount at most 2 %
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("price", [LOW - 1, MARK + 1, 0, -1])
def test_the_price_is_near_the_mark(price: int) -> None:
    ledger = opened(SOLVENT)
    assert 0 <= margin_of(ledger, DEBTOR).equity < 10_000_000
    assert refused(ledger, price=price) is Rule.CONVERSION_PRICE


@pytest.mark.parametrize("owed", [0, 1, 10_000_000_000])
def test_of_negative_equity_a_fund_without_any_buys_at_the_collateral_value(owed: int) -> None:
    ledger = opened(Standing(fund_quote=-owed))
    assert margin_of(ledger, DEBTOR).equity < 0
    assert refused(ledger, 100_000, VALUE - 1) is Rule.CONVERSION_PRICE
    assert refused(ledger, 100_000, VALUE + 1) is Rule.FUND_SHORT
    equity = margin_of(ledger, DEBTOR).equity
    assert refused(ledger, 100_000, VALUE) is None
    assert (margin_of(ledger, DEBTOR).equity, margin_of(ledger, FUND).equity) == (equity, -owed)
    assert margin_of(ledger, DEBTOR).collateral == 0
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize(("beyond", "rule"), [(0, None), (1, Rule.FUND_SHORT)])
def test_a_fund_that_owes_buys_as_many_lots_as_count(beyond: int, rule: Rule | None) -> None:
    lots = SIZE_MAX - 5 + beyond
    ledger = opened(Standing(fund_eth=lots * 10_000 + 9_999, fund_quote=-lots * VALUE - 7))
    assert margin_of(ledger, FUND).equity == -7
    assert refused(ledger, 5, VALUE) is rule
    assert margin_of(ledger, FUND).equity == -7
    assert_agreed(*ledger.close_batch())


def test_what_counts_nothing_is_not_taken_for_less() -> None:
    ledger = worthless()
    ledger.begin_batch(TIME)
    assert margin_of(ledger, DEBTOR).equity < 0
    for price in (0, 1, LOW - 1):
        assert refused(ledger, price=price) is Rule.CONVERSION_PRICE
    assert refused(ledger, price=LOW) is None
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("lots", [0, -1, 1 << 28])
def test_lots_are_a_positive_number(lots: int) -> None:
    assert refused(opened(), lots) is Rule.OUT_OF_RANGE


@pytest.mark.parametrize("over", [0, 1, 1 << 14, (1 << 28) - 1, 1 << 28])
def test_the_last_lot_is_needed(over: int) -> None:
    """With `over` more than that many lots bring, one more is allowed; without, not."""
    lots = 90_000
    quote = -lots * MARK - over - 100 * 6_180_030
    for less in (0, 1):
        ledger = opened(Standing(quote=quote - less, fund_quote=30_000_000_000))
        needed = -(-margin_of(ledger, DEBTOR).shortfall // MARK)
        assert refused(ledger, needed + 1) is Rule.MORE_THAN_NEEDED
        assert refused(ledger, needed) is None
        assert_agreed(*ledger.close_batch())


def test_who_owes_no_cash_keeps_its_assets() -> None:
    assert refused(opened(Standing(quote=-9_000_000_000, btc=-1_000, eth=10_000_000))) is None
    thin = Standing(quote=-617_000_000 * 10, btc=1_000, eth=10_000)
    assert refused(opened(thin)) is Rule.NO_SHORTFALL


def test_a_healthy_account_keeps_its_assets() -> None:
    assert refused(opened(Standing(quote=-20_000_000_000))) is Rule.HEALTHY


def test_orders_go_first() -> None:
    assert refused(opened(Standing(order=True))) is Rule.ORDERS_REST


def test_only_assets_are_converted() -> None:
    assert refused(opened(), asset=USDC) is Rule.NOT_PRICED
    assert refused(opened(), asset=BTC_PERP) is Rule.NOT_COLLATERAL


def test_no_more_than_there_is() -> None:
    ledger = opened(Standing(eth=25_000))
    assert refused(ledger, 3) is Rule.NEGATIVE_COLLATERAL
    assert refused(ledger, 2) is None
    assert balance_amount(ledger.read(balance_index(DEBTOR, ETH))) == 5_000


def test_the_fund_keeps_its_equity() -> None:
    """What it pays beyond the collateral value is its loss."""
    loss = 100 * (MARK - MARK * 85 // 100)
    assert refused(opened(Standing(fund_quote=loss - 1)), 100) is Rule.FUND_SHORT
    assert refused(opened(Standing(fund_quote=loss)), 100) is None
