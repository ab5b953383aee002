"""Batches in which stale prices let out money or risk, or take away an order that they should not: the checker names
the constraint, and no proof verifies."""

from collections.abc import Callable
from functools import partial

import pytest

from circuits.statement import Statement
from circuits.transitions.match import REDUCES_PORT
from prover.traces.columns import Columns
from state.errors import Rule
from state.transitions.order import Order, Policy
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, ETH, LATE, USDC
from tests.mutation.execution_freshness import STALE
from tests.mutation.matching import ASK
from tests.mutation.stage import DAVE, MARK, SIZE, staged
from tests.tamper.forger import Forger
from tests.tamper.forgery import Forgery, is_refused, is_stopped

PASSED = "margin: no check passes on a stale price or over the borrow cap"
UNFOUNDED = "margin: a check fails for a reason"
MOMENT, REDUCES = "execution: fill_base: moment of prices", "execution: fill_base: reduces or grows"
Edit = Callable[[dict[str, Columns], Statement], Statement]
reducing = partial(staged, Order(ALICE, BTC_PERP, False, ASK, SIZE, LATE))  # she holds 7655 lots


def take(forger: Forger) -> None:
    """Dave buys what Eve asks for; both grow."""
    forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade().filled()


def remove(forger: Forger) -> None:
    """Alice's order goes as if prices that her check needs were stale."""
    forger.order(DAVE, BTC_PERP, True, ASK, SIZE, policy=Policy.GOOD_TILL_TIME).fail().rest()


def asked_for(moment: int, *, reduces: int | None = None) -> Edit:
    """The checks of all fills ask for prices of that moment; reduces: what their positions are said to do."""

    def edit(traces: dict[str, Columns], statement: Statement) -> Statement:
        execution, margin = traces["execution"], traces["margin"]
        for step in ("header", "base", "quote", "fee"):
            execution["moment"][execution[f"is_fill_{step}"] == 1] = moment
        margin["moment"][: margin.used] = moment
        if reduces is not None:
            execution[f"port{REDUCES_PORT}"][execution["is_fill_base"] == 1] = reduces
        return statement

    return edit


FORGERIES = [
    Forgery(
        "a withdrawal on a stale price",
        lambda f: f.withdraw(1, BOB, USDC, 1),
        PASSED,
        Withdraw(1, BOB, USDC, 1),
        Rule.STALE_PRICE,
    ),
    Forgery(
        "a transfer of the very asset whose price is stale",
        lambda f: f.transfer(BOB, DAVE, ETH, 1),
        PASSED,
        Transfer(BOB, DAVE, ETH, 1),
        Rule.STALE_PRICE,
    ),
    Forgery(
        "an order comes to rest on a stale price",
        lambda f: f.order(DAVE, BTC_PERP, True, 5, SIZE, policy=Policy.GOOD_TILL_TIME).rest(),
        PASSED,
        Order(DAVE, BTC_PERP, True, 5, SIZE, LATE),
        Rule.STALE_PRICE,
    ),
    Forgery("positions grow on a stale price", take, PASSED),
    Forgery("positions grow, and no price need be valid", take, MOMENT, edit=asked_for(0)),
    Forgery("positions grow, and are said to be reduced", take, REDUCES, edit=asked_for(0, reduces=1)),
    Forgery("a maker that reduces goes", remove, UNFOUNDED, ledger=reducing),
    Forgery("a maker that reduces needs valid prices", remove, MOMENT, edit=asked_for(STALE), ledger=reducing),
    Forgery(
        "a maker that reduces is said to grow", remove, REDUCES, edit=asked_for(STALE, reduces=0), ledger=reducing
    ),
]


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery) -> None:
    assert is_refused(forgery, (forgery.ledger or staged)(), STALE)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery) -> None:
    assert is_stopped(forgery, (forgery.ledger or staged)(), STALE)
