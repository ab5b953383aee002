"""What a market's rules do to its orders: status, minimum notional, open interest and its cap, open instruments."""

from dataclasses import replace
from random import Random

import pytest

from circuits.bounds import SIZE_MAX
from circuits.records import (
    HEADER_MASK,
    HEADER_OPEN,
    RULES_CAP,
    RULES_INTEREST,
    RULES_MINIMUM,
    RULES_STATUS,
    Status,
    SystemAccount,
    header_index,
    rules_index,
)
from state.audit import account_count, account_figures
from state.book import Reason, Removal, Trade, order_id
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.cancel import Cancel
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, ETH_PERP, USDC, new_ledger, run_batch, with_rules
from tests.crowd import FUNDS, Crowd
from tests.state.worlds import TIME, funded_ledger

MARK = 6_170_000
ASK = Order(ALICE, BTC_PERP, False, MARK, 100, TIME)
BUY = Order(BOB, BTC_PERP, True, MARK, 100, TIME, Policy.IMMEDIATE_OR_CANCEL)
FIRST = order_id(ALICE, 1)


def opened(rules: dict[int, int], *before: Transition) -> Ledger:
    """An open batch; the transitions came before it, and before the rules were these."""
    ledger = funded_ledger()
    run_batch(ledger, [Deposit(0, 1, CAROL, USDC, 1_000_000_000), *before], TIME)
    with_rules(ledger, BTC_PERP, rules).begin_batch(TIME)
    return ledger


def refused(ledger: Ledger, transition: Transition) -> Rule:
    """The rule for which the ledger refuses it."""
    with pytest.raises(Refusal) as caught:
        ledger.apply(transition)
    return caught.value.rule


def interest(ledger: Ledger, market: int = BTC_PERP) -> int:
    return ledger.read(rules_index(market))[RULES_INTEREST]


def longs(ledger: Ledger, market: int) -> int:
    """What open interest means."""
    accounts = range(account_count(ledger))
    return sum(max(0, account_figures(ledger, account).balances.get(market, 0)) for account in accounts)


def test_in_a_restricted_market_positions_only_shrink() -> None:
    ledger = opened({RULES_STATUS: Status.REDUCE_ONLY}, ASK, BUY)
    assert refused(ledger, replace(BUY, buys=False)) == Rule.MARKET_STATUS
    ledger.apply(replace(ASK, buys=True, reduce_only=True, size=60))
    ledger.apply(replace(BUY, buys=False, reduce_only=True, size=60))
    assert (interest(ledger), longs(ledger, BTC_PERP)) == (40, 40)
    ledger.close_batch()


def test_in_a_restricted_market_a_maker_that_would_grow_goes() -> None:
    """Alice's first order closes her position; Carol's would open one, so it goes."""
    bid = replace(ASK, buys=True, price=MARK - 2)
    carols = replace(bid, account=CAROL, size=10, price=MARK - 1)
    ledger = opened({RULES_STATUS: Status.REDUCE_ONLY}, ASK, BUY, carols, bid)
    ledger.apply(replace(BUY, buys=False, price=1, reduce_only=True))
    assert ledger.removals == [Removal(order_id(CAROL, 1), Reason.GROWING)]
    assert ledger.trades == [Trade(BTC_PERP, order_id(ALICE, 2), order_id(BOB, 2), MARK - 2, 100, False)]
    assert (interest(ledger), longs(ledger, BTC_PERP)) == (0, 0)


@pytest.mark.parametrize("status", [Status.REDUCE_ONLY, Status.HALTED, Status.SETTLED])
def test_cancels_always_work(status: Status) -> None:
    ledger = opened({RULES_STATUS: status}, ASK)
    ledger.apply(Cancel(ALICE, FIRST))
    assert ledger.book.orders(BTC_PERP, False) == []


def test_the_smallest_order() -> None:
    ledger = opened({RULES_MINIMUM: 2 * MARK})
    assert refused(ledger, replace(ASK, size=1)) == Rule.MINIMUM_NOTIONAL
    ledger.apply(replace(ASK, size=2))
    ledger.apply(replace(ASK, size=1, reduce_only=True))


def test_open_interest_is_what_is_long() -> None:
    """Bob opens, hands his lots to Carol, and both shrink."""
    ledger = opened({}, ASK)
    for transition, expected in (
        (BUY, 100),
        (replace(ASK, account=CAROL, buys=True, size=40, price=MARK - 1), 100),
        (replace(BUY, buys=False, size=40, price=1), 100),
        (replace(ASK, buys=True, size=70, price=MARK - 2), 100),
        (replace(BUY, buys=False, size=90, price=1), 40),  # 60 to Alice, who closes; then 10 of his own opening
    ):
        ledger.apply(transition)
        assert interest(ledger) == longs(ledger, BTC_PERP) == expected, transition


def test_the_cap_binds_what_grows() -> None:
    ledger = opened({RULES_CAP: 100}, ASK)
    ledger.apply(BUY)
    ledger.apply(replace(ASK, size=1))
    assert refused(ledger, replace(BUY, size=1)) == Rule.INTEREST_LIMIT
    assert refused(ledger, replace(BUY, account=CAROL, size=1)) == Rule.INTEREST_LIMIT
    ledger.apply(replace(BUY, buys=False, size=1, price=MARK + 1, policy=Policy.GOOD_TILL_TIME))
    ledger.apply(Cancel(ALICE, order_id(ALICE, 2)))
    ledger.apply(replace(ASK, account=CAROL, buys=True, size=1, price=MARK + 1))  # Bob's lot becomes hers
    assert interest(ledger) == longs(ledger, BTC_PERP) == 100


def test_above_the_cap_it_may_shrink_or_stay() -> None:
    ledger = opened({RULES_CAP: 50}, ASK, BUY)
    ledger.apply(replace(ASK, buys=True, size=30, price=MARK - 1))
    ledger.apply(replace(BUY, buys=False, size=30, price=1))
    assert interest(ledger) == 70
    ledger.apply(replace(ASK, account=CAROL, buys=True, size=10, price=MARK - 1))
    ledger.apply(replace(BUY, buys=False, size=10, price=1))
    assert interest(ledger) == longs(ledger, BTC_PERP) == 70
    ledger.apply(replace(ASK, size=1))
    assert refused(ledger, replace(BUY, size=1)) == Rule.INTEREST_LIMIT


def test_a_refused_order_leaves_the_interest() -> None:
    ledger = opened({RULES_CAP: SIZE_MAX}, ASK)
    assert refused(ledger, replace(BUY, size=101, policy=Policy.FILL_OR_KILL)) == Rule.FILL_OR_KILL
    assert interest(ledger) == 0


def test_headers_count_open_instruments() -> None:
    ledger = opened({}, ASK, BUY, replace(ASK, market=ETH_PERP, price=MARK))
    ledger.apply(Deposit(2, 1, ALICE, ETH, 1))
    headers = [ledger.read(header_index(account)) for account in range(account_count(ledger))]
    assert all(header[HEADER_OPEN] == header[HEADER_MASK].bit_count() for header in headers)
    counts = {account: headers[account][HEADER_OPEN] for account in (SystemAccount.FEE, ALICE, BOB, CAROL)}
    assert counts == {SystemAccount.FEE: 2, ALICE: 4, BOB: 3, CAROL: 1}


@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_s_open_interest(seed: int) -> None:
    ledger, crowd = new_ledger(), Crowd(Random(seed), fund=max(FUNDS))
    run_batch(ledger, crowd.opening(), 1)
    ledger.begin_batch(11)
    most = 0
    for _ in range(600):
        try:
            ledger.apply(crowd.next(ledger))
        except Refusal:
            continue
        for market in (BTC_PERP, ETH_PERP):
            settled = ledger.read(rules_index(market))[RULES_STATUS] == Status.SETTLED  # nobody counts any more
            assert settled or interest(ledger, market) == longs(ledger, market)
        most = max(most, interest(ledger))
    assert most
