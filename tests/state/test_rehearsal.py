"""What the rehearsal says an account needs is exactly what the margin check wants; the ledger itself is only read."""

import random

from hypothesis import given
from hypothesis import strategies as st

from circuits.bounds import BORROW_MAX
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
    sale = Order(maker, BTC_PERP, False, 6_170_000, size, 60)
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
