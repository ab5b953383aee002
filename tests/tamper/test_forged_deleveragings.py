"""Batches that deleverage, socialise, or hide it, against the rules: the checker names the constraint."""

from collections.abc import Callable
from functools import partial

import pytest

from circuits.records import MARKET_WEIGHT, SystemAccount, from_limbs
from circuits.statement import Statement
from prover.traces import zero_price as trace
from prover.traces.columns import Columns
from state import zero_price as rule
from state.audit import account_figures
from state.errors import Rule
from state.ledger import Ledger
from state.transitions.apply_event import ApplyEvent
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice
from state.transitions.socialise import Socialise
from tests.batches import BTC_PERP, ETH_PERP, USDC, run_batch
from tests.deleveragings import ALICE, BOB, CAROL, ERIN, FRANK, LATER, crash, opened
from tests.mutation.deleveraging import deleverage, see, socialise
from tests.mutation.execution_deleveragings import borrowed, provided
from tests.mutation.script import Script
from tests.mutation.world import report_of
from tests.proving import proof_is_accepted
from tests.tamper.forger import Forger
from tests.tamper.forgery import UNDER_MARGIN, Forgery, is_refused, is_stopped, keep


def crashed(sign: int = 1) -> Ledger:
    """Alice cannot be paid for."""
    ledger = opened(sign=sign)
    run_batch(ledger, [crash(sign)], LATER)
    return ledger


def capped(change: int) -> Ledger:
    """The mark is kept from following a price."""
    ledger = crashed()
    run_batch(ledger, [SetPrice(BTC_PERP, crash().price + change, LATER)], LATER)
    return ledger


def insured(ledger: Ledger, account: int) -> Ledger:
    """The fund has just enough to take the account over."""
    equity = account_figures(ledger, account).margin.equity
    run_batch(ledger, [Deposit(1, 0, SystemAccount.INSURANCE, USDC, -equity)], LATER)
    return ledger


def deleveraged(sign: int = 1) -> Ledger:
    """Nobody has seen it yet but Alice."""
    ledger = crashed(sign)
    run_batch(ledger, [Deleverage(ALICE, BTC_PERP), ApplyEvent(ALICE)], LATER)
    return ledger


def twice(forger: Forger) -> None:
    """Bob sees the same event again."""
    see(forger, BOB)
    see(forger, BOB, number=0)


def unseen(forger: Forger) -> None:
    """Erin sends money before she has seen the event."""
    forger.transfer(ERIN, BOB, USDC, 0)


FUND = "execution: deleverage_venue: the fund cannot take it over, high half"
FORGERIES = [
    Forgery("a position is closed though the fund could pay", deleverage, FUND, Deleverage(ALICE, BTC_PERP),
            Rule.FUND_CAN_PAY, ledger=lambda: insured(crashed(), ALICE)),
    Forgery("a position of a solvent account is closed", partial(deleverage, account=FRANK),
            UNDER_MARGIN, Deleverage(FRANK, BTC_PERP), Rule.SOLVENT, ledger=crashed),
    Forgery("a position is closed above its zero price", partial(deleverage, worse=1),
            "execution: register price is kept", ledger=crashed),
    Forgery("a part of a position is closed", partial(deleverage, lots=9_998),
            "execution: swap_base: nothing is left", ledger=crashed),
    Forgery("an event says that more was closed", partial(deleverage, closed=10_000),
            "execution: deleverage_event: new element 1", ledger=crashed),
    Forgery("an event says that it was of a smaller open interest", partial(deleverage, interest=9_999),
            "execution: deleverage_event: new element 3", ledger=crashed),
    Forgery("a share is larger than it should be", partial(see, account=BOB, share=7_000),
            "execution: amount limb 0 grows by its change", ledger=deleveraged),
    Forgery("a share is given at another price", partial(see, account=BOB, worse=1),
            "execution: amount limb 0 grows by its change", ledger=deleveraged),
    Forgery("an event is passed over as if it were of no concern", partial(see, account=BOB, concerned=False),
            "execution: event_balance: lots on the side", ledger=deleveraged),
    Forgery("an event is passed over as if it were of another market",
            partial(see, account=BOB, market=ETH_PERP, concerned=False),
            "execution: event_balance: index", ledger=deleveraged),
    Forgery("an event is seen twice", twice, "execution: event_header: it is the next event",
            ApplyEvent(BOB), Rule.NOTHING_TO_SEE, ledger=deleveraged, prepare=(ApplyEvent(BOB),)),
    Forgery("an event is seen, and not counted", partial(see, account=BOB, counts=0),
            "execution: event_header: events are counted", ledger=deleveraged),
    Forgery("an account acts before it has seen an event", unseen,
            "execution: transfer_from_header: events are seen", ledger=deleveraged),
    Forgery("a loss is socialised that the fund could pay", socialise, FUND, Socialise(ERIN), Rule.FUND_CAN_PAY,
            ledger=lambda: insured(borrowed(), ERIN)),
    Forgery("a loss of an account with a position is socialised", partial(socialise, account=ALICE),
            "execution: deleverage_venue: a loss is of one that requires nothing", Socialise(ALICE),
            Rule.HAS_POSITIONS, ledger=crashed),
    Forgery("a loss of an account with collateral is socialised", socialise,
            "execution: deleverage_header: no collateral is left, or no carry", Socialise(ERIN), Rule.HAS_COLLATERAL,
            ledger=partial(borrowed, 100_000)),
    Forgery("a position of an account with collateral is closed", deleverage,
            "execution: deleverage_header: no collateral is left, or no carry", Deleverage(ALICE, BTC_PERP),
            Rule.HAS_COLLATERAL, ledger=provided),
    *(Forgery(f"a position is closed at a mark that is capped {name}", deleverage,
              "margin: only the initial tier has checks on stale prices", Deleverage(ALICE, BTC_PERP),
              Rule.STALE_PRICE, ledger=partial(capped, change))
      for name, change in (("in its favour", -1), ("against it", 1))),
    Forgery("more than a loss is socialised", lambda forger: socialise(forger, loss=10**10),
            "execution: deleverage_venue: limb 0 of the loss", ledger=borrowed),
]


def oddly(traces: dict[str, Columns], statement: Statement) -> Statement:
    """What a price lies beyond half the requirement is said to be what the requirement is above an even number."""
    columns = traces["execution"]
    row = columns["is_zero_price"].argmax()
    columns["scratch"][row] = -from_limbs([int(columns[f"old{MARKET_WEIGHT + k}"][row]) for k in range(2)])
    return statement


@pytest.mark.parametrize(("label", "edit"), [
    ("no further from the mark than half the requirement", keep), ("oddness is boolean", oddly),
])  # fmt: skip
def test_no_position_is_closed_beyond_half_the_requirement(
    label: str, edit: Callable[[dict[str, Columns], Statement], Statement], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the price that keeps the ratio, whatever that takes from those opposite."""
    for module in (rule, trace):
        monkeypatch.setattr(module, "ZERO_SHARE", 1)
    assert is_stopped(Forgery(label, deleverage, f"execution: zero_price: {label}", edit=edit), crashed(), LATER)


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery) -> None:
    assert forgery.ledger is not None
    assert is_refused(forgery, forgery.ledger(), LATER)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery) -> None:
    assert forgery.ledger is not None
    assert is_stopped(forgery, forgery.ledger(), LATER)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_the_forger_does_by_the_rules_is_proven(sign: int) -> None:
    def by_the_rules(forger: Forger) -> None:
        deleverage(forger)
        for account in (ALICE, BOB, CAROL, ERIN):
            see(forger, account)

    for script in (
        Script(by_the_rules, ledger=lambda: crashed(sign), time=LATER),
        Script(socialise, ledger=borrowed, time=LATER),
    ):
        honest = script()
        assert report_of(honest).ok
        assert proof_is_accepted(honest.statement, honest.traces)
