"""What the rehearsal says an account needs is exactly what the margin check wants; the ledger itself is only read."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.bounds import BORROW_MAX
from state.errors import Refusal
from state.margin import Margin
from state.rehearsal import Rehearsal, least_cash
from state.transitions.order import Order, Policy
from tests.batches import BTC_PERP, ETH, new_ledger

amounts = st.integers(0, 10**6) | st.integers(0, 10**15)


@given(requirement=amounts, collateral=amounts, borrow_fraction=st.integers(0, BORROW_MAX))
def test_least_cash_is_the_edge_of_the_margin_check(requirement: int, collateral: int, borrow_fraction: int) -> None:
    cash = least_cash(requirement, collateral, borrow_fraction)
    assert Margin(cash, collateral, requirement, borrow_fraction).suffices
    assert not Margin(cash - 1, collateral, requirement, borrow_fraction).suffices


def orders(maker: int, taker: int, size: int) -> tuple[Order, Order]:
    """A sale and what takes it."""
    sale = Order(maker, BTC_PERP, False, 6_170_000, size, 60, Policy.POST_ONLY)
    return sale, Order(taker, BTC_PERP, True, 6_170_000, size, 60, Policy.IMMEDIATE_OR_CANCEL)


def test_a_rehearsal_reads_the_ledger_and_knows_what_is_missing() -> None:
    ledger = new_ledger()
    root, records = ledger.root, ledger.records()
    rehearsal = Rehearsal(ledger, 60, 2, (), random.Random(0))
    buyer, seller = rehearsal.accounts
    rehearsal.trade(*orders(seller, buyer, 1_000))
    notional = 6_170_000 * 1_000
    (check,) = rehearsal.checks[buyer]
    assert check.missing_quote([0]) == notional // 20 + notional // 2_000  # initial margin, taker fee
    assert check.weights == (268_000 * 85 // 100,)  # the haircut off the price of a lot of ETH
    assert check.missing_quote([1_000]) == check.missing_quote([0]) - 1_000 * check.weights[0]
    assert rehearsal.position(seller, BTC_PERP) == -1_000
    assert rehearsal.position(seller, ETH) == 0
    assert (ledger.root, ledger.records(), ledger.in_batch) == (root, records, False)


def test_a_refused_trade_leaves_no_order_behind() -> None:
    ledger = new_ledger()
    rehearsal = Rehearsal(ledger, 60, 2, (), random.Random(0))
    buyer, seller = rehearsal.accounts
    sale, purchase = orders(seller, buyer, 1_000)
    with pytest.raises(Refusal, match="order-expired"):
        rehearsal.trade(sale, replace(purchase, expiry=59))
    assert rehearsal.ledger.book.orders(BTC_PERP, False) == []
    assert rehearsal.checks == {buyer: [], seller: []}


def test_whoever_trades_is_checked_even_if_it_waited_since_another_trade() -> None:
    rehearsal = Rehearsal(new_ledger(), 60, 3, (), random.Random(0))
    first, second, buyer = rehearsal.accounts
    sale, purchase = orders(first, buyer, 1_000)
    rehearsal.trade(sale, replace(purchase, size=400))
    rehearsal.trade(*orders(second, buyer, 500))
    assert rehearsal.position(first, BTC_PERP) == -900
    counts = [len(rehearsal.checks[account]) for account in (first, second, buyer)]
    assert counts == [3, 1, 2]  # the second seller still waits
    assert rehearsal.checks[first][-1] == rehearsal.check(first)
