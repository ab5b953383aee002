"""The insurance fund takes over exactly what is below the close-out requirement, as long as it can pay."""

from contextlib import suppress
from random import Random

import pytest

from circuits.bounds import RATIO_ONE
from circuits.records import (
    FIRST_TRADER,
    RULES_INTEREST,
    RULES_STATUS,
    Status,
    SystemAccount,
    balance_index,
    header_index,
    rules_index,
)
from state.accounts import balance_amount
from state.audit import account_count
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.margin import Margin, assess, open_entries
from state.transitions.cancel import Cancel
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.settle import SettleMarket
from state.transitions.take_over import TakeOver
from tests.batches import BTC_PERP, DEBTOR, ETH, ETH_PERP, LATE, prompt_ledger, run_batch, with_rules
from tests.circuits.test_agreement import assert_agreed
from tests.crowd import MARKS, Crowd
from tests.mutation.stage import EVE, FRANK
from tests.mutation.standing import FUND, Standing, capped, standing

TIME = 100


def held(ledger: Ledger, account: int) -> list[int]:
    """All balances of an account."""
    numbers = (instrument.number for instrument in ledger.venue.instruments)
    return [balance_amount(ledger.read(balance_index(account, number))) for number in numbers]


def sums(ledger: Ledger) -> list[int]:
    """What all accounts together hold of each instrument."""
    return [sum(parts) for parts in zip(*(held(ledger, a) for a in range(account_count(ledger))), strict=True)]


def margin_of(ledger: Ledger, account: int) -> Margin:
    return assess(ledger.venue, account, open_entries(ledger.read, account))


def interest(ledger: Ledger, market: int) -> tuple[int, int]:
    """The open interest as it is counted, and the sum of all long positions but those that were cashed out."""
    accounts = [a for a in range(account_count(ledger)) if a != SystemAccount.FUNDING_POOL]
    long = sum(max(0, held(ledger, account)[market]) for account in accounts)
    return ledger.read(rules_index(market))[RULES_INTEREST], long


def refused(ledger: Ledger, account: int = DEBTOR) -> Rule | None:
    try:
        ledger.apply(TakeOver(account))
    except Refusal as refusal:
        return refusal.rule
    return None


@pytest.mark.parametrize("of_fund", [(0, 0), (0, 40), (0, -40), (7, -100), (0, -200)])
@pytest.mark.parametrize("btc", [100, -100])
def test_all_of_it_becomes_the_fund_s(btc: int, of_fund: tuple[int, int]) -> None:
    ledger = standing(Standing(btc=btc, fund_eth=of_fund[0], fund_btc=of_fund[1]))
    if btc < 0:
        ledger = standing(Standing(quote=-22_500_000_000, btc=btc, fund_eth=of_fund[0], fund_btc=of_fund[1]))
    before, fund, count = held(ledger, DEBTOR), held(ledger, FUND), interest(ledger, BTC_PERP)
    header = ledger.read(header_index(DEBTOR))
    ledger.begin_batch(TIME)
    ledger.apply(TakeOver(DEBTOR))
    assert held(ledger, DEBTOR) == [0] * len(before)
    assert held(ledger, FUND) == [a + b for a, b in zip(before, fund, strict=True)]
    assert ledger.read(header_index(DEBTOR)) == header
    after = interest(ledger, BTC_PERP)
    assert after[0] - count[0] == after[1] - count[1] <= 0
    assert refused(ledger) is Rule.HEALTHY
    assert_agreed(*ledger.close_batch())


def test_the_last_unit_decides() -> None:
    """The close-out requirement is the close-out ratio of the initial one and of the borrow fraction."""
    sums = margin_of(standing(Standing(quote=-21_000_000_000)), DEBTOR)
    needed, share = sums.close_out * sums.requirement, sums.close_out * sums.borrow_fraction // RATIO_ONE
    low, high = 0, 10_000_000_000  # taken away from the quote
    while high - low > 1:
        middle = (low + high) // 2
        cash = sums.cash - middle
        reaches = RATIO_ONE * (cash + sums.collateral) >= needed - share * cash
        low, high = (middle, high) if reaches else (low, middle)
    for less, rule in ((low, Rule.HEALTHY), (high, None)):
        ledger = standing(Standing(quote=-21_000_000_000 - less))
        ledger.begin_batch(TIME)
        assert refused(ledger) is rule


def test_the_fund_pays_with_its_last_unit() -> None:
    ledger = standing(Standing(fund_quote=0))
    missing = -margin_of(ledger, DEBTOR).equity
    for amount, rule in ((missing - 1, Rule.FUND_SHORT), (missing, None)):
        ledger = standing(Standing(fund_quote=amount))
        ledger.begin_batch(TIME)
        assert refused(ledger) is rule
        assert margin_of(ledger, FUND).equity in (0, amount)


def test_orders_come_first() -> None:
    ledger = standing(Standing(order=True))
    ledger.begin_batch(TIME)
    assert refused(ledger) is Rule.ORDERS_REST


def test_prices_must_be_valid() -> None:
    ledger = standing()
    ledger.begin_batch(5_000)
    assert refused(ledger) is Rule.STALE_PRICE
    for instrument, price in ((ETH, 268_162), (BTC_PERP, 6_180_030)):
        ledger.apply(SetPrice(instrument, price, 5_000))
    assert refused(ledger) is None  # of ETH-PERP, which the fund has open, nobody has a position


UP, DOWN = 200_000_000, 1  # prices that are over their step


@pytest.mark.parametrize(
    ("fund_btc", "btc", "price", "rule"),
    [
        (0, -100, UP, Rule.STALE_PRICE),  # the fund would be short, at a mark below the price
        (0, 100, DOWN, Rule.STALE_PRICE),
        (-100, 100, DOWN, None),  # it has no position then, nor any more than it had
        (-101, 100, DOWN, None),
        (-99, 100, DOWN, Rule.STALE_PRICE),
        (0, 100, UP, Rule.STALE_PRICE),  # of the account: its lots are worth more
        (0, -100, DOWN, Rule.STALE_PRICE),
        (5, 0, UP, None),  # the fund's are worth more than the mark says
        (5, 0, DOWN, Rule.STALE_PRICE),
        (-5, 0, UP, Rule.STALE_PRICE),
        (-5, 0, DOWN, None),
    ],
)
def test_nothing_is_taken_over_at_a_mark_that_is_capped_in_favour_of_the_fund_or_against_the_account(
    fund_btc: int, btc: int, price: int, rule: Rule | None
) -> None:
    cash = -1_000_000_000 - btc * 6_180_030
    ledger = capped(BTC_PERP, price, Standing(cash, 0, btc, fund_btc=fund_btc, fund_quote=20_000_000_000))
    ledger.begin_batch(TIME)
    assert refused(ledger) is rule
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize(("price", "rule"), [(UP, None), (DOWN, Rule.STALE_PRICE)])
def test_a_lot_given_to_the_fund_does_not_stop_takeovers_while_its_price_rises(price: int, rule: Rule | None) -> None:
    ledger = capped(ETH, price, Standing(-1_000_000_000, 0, 0, fund_eth=10_000))
    ledger.begin_batch(TIME)
    assert refused(ledger) is rule
    assert_agreed(*ledger.close_batch())


def test_a_settled_position_is_taken_over_too() -> None:
    ledger = with_rules(standing(), BTC_PERP, {RULES_STATUS: Status.HALTED})
    run_batch(ledger, [SettleMarket(BTC_PERP)], 80)
    ledger.begin_batch(TIME)
    ledger.apply(TakeOver(DEBTOR))
    assert held(ledger, DEBTOR) == [0] * 4
    assert_agreed(*ledger.close_batch())


def test_system_accounts_and_strangers_are_refused() -> None:
    ledger = standing()
    ledger.begin_batch(TIME)
    assert refused(ledger, FUND) is Rule.SYSTEM_ACCOUNT
    assert refused(ledger, 99) is Rule.UNKNOWN_ACCOUNT
    assert {refused(ledger, account) for account in (EVE, FRANK)} == {Rule.ORDERS_REST, Rule.HEALTHY}


def falling(ledger: Ledger, crowd: Crowd, random: Random) -> int:
    """A batch of orders, takeovers and prices far apart; how many takeovers."""
    taken = 0
    for _ in range(60):
        account, market = crowd._account(), random.choice([BTC_PERP, ETH_PERP])
        price, size = MARKS[market] + random.randint(-9, 9), random.randint(1, 300)
        policy = random.choice([Policy.IMMEDIATE_OR_CANCEL, Policy.GOOD_TILL_TIME])
        order = Order(account, market, random.random() < 0.5, price, size, LATE, policy)
        with suppress(Refusal):
            ledger.apply(TakeOver(account) if random.random() < 0.3 else order)
    for account in range(FIRST_TRADER, account_count(ledger)):
        for number in list(ledger.book.orders_of(account)):
            ledger.apply(Cancel(account, number))
    for market in (BTC_PERP, ETH_PERP):
        ledger.apply(SetPrice(market, MARKS[market] * random.randint(70, 130) // 100, ledger.time))
    for account in range(FIRST_TRADER, account_count(ledger)):
        taken += refused(ledger, account) is None
    return taken


def test_in_a_falling_market_open_interest_stays_the_sum_of_longs_and_nothing_is_lost() -> None:
    taken = []
    for seed in range(3):
        random = Random(seed)
        ledger, crowd = prompt_ledger(), Crowd(random)
        run_batch(ledger, crowd.opening(), time=1)
        total = sums(ledger)
        for time in range(60, 241, 60):
            ledger.begin_batch(time)
            taken.append(falling(ledger, crowd, random))
            assert total == sums(ledger)
            for market in (BTC_PERP, ETH_PERP):
                counted, long = interest(ledger, market)
                assert counted == long
            assert_agreed(*ledger.close_batch())
    assert sum(taken) > 9
