"""The reading of columns: what honest orders spell out is true, wherever they rest, and what forged ones do is not."""

from collections.abc import Callable

import pytest

from state.ledger import Ledger
from state.transitions.cancel import Cancel
from state.transitions.order import Order, Policy
from tests.batches import ALICE, BTC_PERP, LATE
from tests.mutation.execution_matches import trade_expired
from tests.mutation.matching import ASK, expiring, failing, growing
from tests.mutation.replay import falsehood
from tests.mutation.script import Script
from tests.mutation.stage import ALICES_BID, BID, DAVE, EVE, FREE, MARK, SIZE
from tests.mutation.world import report_of
from tests.tamper.forger import Forger


def what_is_false(script: Script) -> str | None:
    """Of columns that break no constraint."""
    forged = script()
    assert report_of(forged).ok
    forged.ledger.rollback(forged.old_root)
    return falsehood(forged.ledger, forged.statement, forged.traces["execution"], forged.traces["tree"])


def everything(forger: Forger) -> None:
    """Orders that trade, rest, are dropped and cancelled, under the ledger's rules."""
    forger.apply(
        Order(DAVE, BTC_PERP, True, MARK, 20, LATE),
        Order(EVE, BTC_PERP, False, MARK, 3, LATE, Policy.IMMEDIATE_OR_CANCEL),
        Order(EVE, BTC_PERP, True, 5, 3, LATE, Policy.POST_ONLY, True),
        Order(DAVE, BTC_PERP, False, BID, SIZE, LATE, Policy.FILL_OR_KILL, True),
    )
    forger.apply(Cancel(ALICE, forger.memory.book.orders_of(ALICE)[0]))


@pytest.mark.parametrize("ledger", [expiring, failing, growing])
def test_what_the_ledger_does_is_true(ledger: Callable[[], Ledger]) -> None:
    act = Order(DAVE, BTC_PERP, True, ASK, SIZE, LATE)
    assert what_is_false(Script(lambda forger: forger.apply(act), ledger=ledger)) is None


def test_all_ends_of_orders_are_read() -> None:
    assert what_is_false(Script(everything)) is None


def test_an_order_may_rest_at_any_free_leaf() -> None:
    def act(forger: Forger) -> None:
        for leaf in (FREE + 7, FREE + 2):
            forger.order(DAVE, BTC_PERP, True, 5, 3, policy=Policy.GOOD_TILL_TIME).rest(leaf=leaf)
        forger.cancel(ALICE, ALICES_BID)

    assert what_is_false(Script(act)) is None


def test_the_trade_of_an_expired_order_is_false() -> None:
    forged = trade_expired(lambda trace: None)()
    forged.ledger.rollback(forged.old_root)
    assert falsehood(forged.ledger, forged.statement, forged.traces["execution"], forged.traces["tree"])
