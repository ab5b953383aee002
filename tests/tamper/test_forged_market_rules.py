"""Batches whose orders break their market's rules: the checker names the constraint, and no proof verifies."""

from functools import partial

import pytest

from circuits.records import RULES_CAP, RULES_MINIMUM, RULES_STATUS, Status
from state.errors import Rule
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from tests.batches import BTC_PERP, ETH, LATE
from tests.mutation.execution_rules import WORTH, diverse, ruled, uncounted
from tests.mutation.script import Script
from tests.mutation.stage import BID, DAVE, EVE, MARK, SIZE, staged
from tests.mutation.world import report_of
from tests.proving import proof_is_accepted
from tests.tamper.forger import Forger
from tests.tamper.forgery import Forgery, is_refused, is_stopped

TIME = 100
TAKES = "execution: order_rules: the market takes the order"
MINIMUM = "execution: order_rules: the order is worth the minimum"
CAP = "execution: order_rules: open interest within its cap"
buy = partial(Order, DAVE, BTC_PERP, True, MARK, SIZE, LATE)
restricted = partial(ruled, {RULES_STATUS: Status.REDUCE_ONLY})


def take(forger: Forger, *, reduce_only: bool = False) -> None:
    """Dave buys what Eve sells; both come to hold a position."""
    forger.order(DAVE, BTC_PERP, True, MARK, SIZE, reduce_only=reduce_only).trade().filled()


def rest(forger: Forger) -> None:
    """Eve's order joins the book."""
    forger.order(EVE, BTC_PERP, True, BID - 1, SIZE, policy=Policy.GOOD_TILL_TIME).rest()


FORGERIES = [
    *(
        Forgery(
            f"an order trades in a market that is {status.name}",
            partial(take, reduce_only=reduces),
            TAKES,
            buy(reduce_only=reduces),
            Rule.MARKET_STATUS,
            ledger=partial(ruled, {RULES_STATUS: status}),
        )
        for status in (Status.HALTED, Status.SETTLED)
        for reduces in (False, True)
    ),
    Forgery(
        "an order rests in a market that only reduces",
        rest,
        TAKES,
        Order(EVE, BTC_PERP, True, BID - 1, SIZE, LATE),
        Rule.MARKET_STATUS,
        ledger=restricted,
    ),
    Forgery(
        "a position grows in a market that only reduces",
        partial(take, reduce_only=True),
        "execution: fill_base: a reduce-only order does not grow",
        ledger=restricted,
    ),
    Forgery(
        "an order is worth less than the minimum",
        rest,
        MINIMUM,
        Order(EVE, BTC_PERP, True, BID - 1, SIZE, LATE),
        Rule.MINIMUM_NOTIONAL,
        ledger=partial(ruled, {RULES_MINIMUM: WORTH + 1}),
    ),
    Forgery(
        "open interest grows beyond its cap",
        take,
        CAP,
        buy(),
        Rule.INTEREST_LIMIT,
        ledger=partial(ruled, {RULES_CAP: 7_655 + SIZE - 1}),
    ),
    Forgery(
        "an account opens a seventeenth instrument",
        lambda f: f.deposit(2, 3, DAVE, ETH, 7),
        "bus range",  # there are -1 more that it may open
        Deposit(2, 3, DAVE, ETH, 7),
        Rule.INSTRUMENT_LIMIT,
        ledger=diverse,
    ),
]


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery) -> None:
    assert is_refused(forgery, (forgery.ledger or staged)(), TIME)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery) -> None:
    assert is_stopped(forgery, (forgery.ledger or staged)(), TIME)


def test_open_interest_that_is_not_counted_is_noticed_at_the_end() -> None:
    forged = uncounted()()
    failing = {f"{failure.table}: {failure.label}" for failure in report_of(forged).failures}
    assert failing == {"execution: end_header: open interest is counted"}
    assert not proof_is_accepted(forged.statement, forged.traces)


def test_just_at_the_cap_and_the_minimum_it_is_proven() -> None:
    honest = Script(take, ledger=partial(ruled, {RULES_CAP: 7_655 + SIZE, RULES_MINIMUM: WORTH}))()
    assert report_of(honest).ok
    assert proof_is_accepted(honest.statement, honest.traces)
