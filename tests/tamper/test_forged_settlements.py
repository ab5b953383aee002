"""Batches that settle a market or cash a position out against the rules: the checker names the constraint."""

from functools import partial

import pytest

from circuits.bounds import CAPPED_BIT
from state.errors import Rule
from state.transitions.cash_out import CashOut
from state.transitions.order import Order
from state.transitions.price import SetPrice
from state.transitions.settle import SettleMarket
from tests.batches import ALICE, BOB, BTC_PERP, ETH_PERP, LATE
from tests.mutation.execution_accesses import fill, set_price
from tests.mutation.execution_settlements import (
    MARKED,
    POOL,
    after_alice,
    cash_out,
    halted,
    position_of_alice,
    scripts,
    settle,
    settled,
    stale,
)
from tests.mutation.script import Script
from tests.mutation.stage import staged
from tests.mutation.world import report_of
from tests.proving import proof_is_accepted
from tests.tamper.forger import Forger
from tests.tamper.forgery import Forgery, is_refused, is_stopped

TIME = 100


def again(forger: Forger) -> None:
    """Alice's position is gone, and goes once more."""
    cash_out(forger)
    cash_out(forger, size=position_of_alice())


FORGERIES = [
    Forgery(
        "a market that is not halted is settled",
        settle,
        "execution: settle_rules: the market is halted",
        SettleMarket(BTC_PERP),
        Rule.NOT_HALTED,
    ),
    Forgery(
        "a market is settled at a stale mark",
        settle,
        "execution: settle_market: the mark is fresh",
        SettleMarket(BTC_PERP),
        Rule.STALE_MARK,
        ledger=partial(stale, 99),
    ),
    Forgery(
        "a market is settled at a capped mark",
        settle,
        "execution: settle_market: the mark is not capped",
        SettleMarket(BTC_PERP),
        Rule.STALE_MARK,
        ledger=partial(stale, CAPPED_BIT + 99),
    ),
    Forgery(
        "a settled market is settled again",
        settle,
        "execution: settle_rules: the market is halted",
        SettleMarket(BTC_PERP),
        Rule.SETTLED,
        ledger=settled,
    ),
    Forgery(
        "a price is set after settlement",
        partial(set_price, instrument=BTC_PERP, price=MARKED - 1, time=90),
        "execution: price_parameters: kind of record",
        SetPrice(BTC_PERP, MARKED - 1, 90),
        Rule.SETTLED,
        ledger=settled,
    ),
    Forgery(
        "an order trades after settlement",
        fill,
        "execution: order_rules: the market takes the order",
        Order(ALICE, BTC_PERP, True, MARKED, 1, LATE),
        Rule.MARKET_STATUS,
        ledger=settled,
    ),
    Forgery(
        "a position is cashed out for more than it is worth",
        partial(cash_out, worth=position_of_alice() * MARKED + 1),
        "execution: amount limb 0 grows by its change",
        ledger=settled,
    ),
    Forgery(
        "a position is cashed out in a market that is not settled",
        partial(cash_out, account=BOB, market=ETH_PERP),
        "execution: cash_out_rules: kind of record",
        CashOut(BOB, ETH_PERP),
        Rule.NOT_SETTLED,
        ledger=settled,
    ),
    Forgery(
        "a position is cashed out twice",
        again,
        "execution: cash_out_rules: there is a position",
        CashOut(ALICE, BTC_PERP),
        Rule.NO_POSITION,
        ledger=settled,
        prepare=(CashOut(ALICE, BTC_PERP),),
    ),
    Forgery(
        "the pool cashes out what it has taken over",
        after_alice,
        "execution: cash_out_header: the account is a trader or the fund",
        CashOut(POOL, BTC_PERP),
        Rule.SYSTEM_ACCOUNT,
        ledger=settled,
        prepare=(CashOut(ALICE, BTC_PERP),),
    ),
]


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery) -> None:
    assert is_refused(forgery, (forgery.ledger or staged)(), TIME)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery) -> None:
    assert is_stopped(forgery, (forgery.ledger or staged)(), TIME)


@pytest.mark.parametrize(
    "label",
    [
        "cash_out_market: index",  # at the mark of another market
        "swap_base: nothing is left",  # a part of the position
        "cash_out_rules: long is boolean",  # in a direction of 130,056
        "cash_out_market: size limb 0 in range",  # so many lots in one limb
    ],
)
def test_of_a_forged_worth_this_constraint_alone_fails(label: str) -> None:
    forged = scripts()[label]()()
    assert {f"{failure.table}: {failure.label}" for failure in report_of(forged).failures} == {f"execution: {label}"}
    assert not proof_is_accepted(forged.statement, forged.traces)


def test_what_the_forger_does_by_the_rules_is_proven() -> None:
    for script in (Script(settle, ledger=halted), Script(cash_out, ledger=settled)):
        honest = script()
        assert report_of(honest).ok
        assert proof_is_accepted(honest.statement, honest.traces)
