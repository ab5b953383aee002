"""The audit accuses no honest batch of losing by force, and nobody else may."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from circuits.records import SystemAccount, balance_index
from state.accounts import balance_record
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.apply_event import ApplyEvent
from state.transitions.deleverage import Deleverage
from state.transitions.socialise import Socialise
from tests.batches import ALICE, BOB, BTC_PERP, USDC
from tests.deleveragings import ALICE as POOR
from tests.deleveragings import BOB as SHORT
from tests.deleveragings import ERIN as OWING
from tests.deleveragings import LATER, crash, opened
from tests.mutation.execution_deleveragings import borrowed, crashed, deleveraged
from tests.mutation.test_audit import audited, edited
from tests.tamper.test_forged_liquidations import GOOD, NEAR, TIME, healthy, poor

MUCH = 30_000_000_000
FORCED: dict[str, tuple[Callable[[], Ledger], list[Transition], int]] = {
    "a liquidation and an unwinding": (poor, [GOOD, replace(NEAR, size=5)], TIME),
    "a deleveraging": (crashed, [Deleverage(POOR, BTC_PERP)], LATER),
    "shares": (deleveraged, [ApplyEvent(account) for account in range(OWING)], LATER),
    "a crash": (opened, [crash(), Deleverage(POOR, BTC_PERP), ApplyEvent(SHORT)], LATER),
    "a loss": (borrowed, [Socialise(OWING)], LATER),
}


@pytest.mark.parametrize("name", FORCED)
def test_what_is_lost_by_force_breaks_no_rule(name: str) -> None:
    ledger, batch, time = FORCED[name]
    audit = audited(ledger(), batch, time)
    assert audit.broken_rule() is None
    assert audit.new != audit.old


def test_who_is_deleveraged_owes_more_than_the_fund_has() -> None:
    audit, fund = audited(crashed(), [Deleverage(POOR, BTC_PERP)], LATER), balance_index(SystemAccount.INSURANCE, USDC)
    old, new = ({**state, fund: balance_record(MUCH)} for state in (audit.old, audit.new))
    assert "the fund 30000000000, and 0 is lost" in next(replace(audit, old=old, new=new)._insolvent())


def test_a_loss_is_all_that_is_owed() -> None:
    audit = audited(borrowed(), [Socialise(OWING)], LATER)
    forged = edited(balance_index(SystemAccount.LOSS, USDC), 0, -1)(audit)
    assert "is lost" in next(forged._insolvent())


def test_who_is_healthy_is_not_liquidated() -> None:
    ledger, time, lost = healthy(), TIME, edited(balance_index(ALICE, BTC_PERP), 0, -5)
    found = edited(balance_index(BOB, BTC_PERP), 0, 5)(lost(audited(ledger, [], time)))
    assert "account 6 sends 0 secret messages" in next(found._messages())
