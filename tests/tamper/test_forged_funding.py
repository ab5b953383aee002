"""Batches that pay, sample or apply funding against the rules: the checker names the constraint."""

from functools import partial

import pytest

from circuits.bounds import CAPPED_BIT
from state.errors import Rule
from state.transitions.apply_funding import ApplyFunding
from state.transitions.sample_funding import SampleFunding
from tests.batches import ALICE, BOB, BTC_PERP, HOUR, USDC
from tests.mutation.execution_funding import PREMIUM, apply, due, over, quoted, sample
from tests.mutation.execution_funding import scripts as funding_scripts
from tests.mutation.execution_payments import due as owed
from tests.mutation.execution_payments import lots_of, owing, pay
from tests.mutation.execution_payments import scripts as payment_scripts
from tests.mutation.script import Script
from tests.mutation.world import report_of
from tests.proving import proof_is_accepted
from tests.tamper.forger import Forger
from tests.tamper.forgery import Forgery, is_refused, is_stopped

AMOUNT = "execution: amount limb 0 grows by its change"
DUE = owed(lots_of(ALICE))


def twice(forger: Forger) -> None:
    """Alice pays, and pays once more."""
    pay(forger)
    pay(forger, payment=DUE)


FORGERIES = [
    Forgery("a payment is rounded for the account", partial(pay, payment=DUE - 1), AMOUNT, ledger=owing),
    Forgery("funding is paid twice", twice, AMOUNT, ledger=owing),
    Forgery("a position is settled without a payment", partial(pay, payment=0), AMOUNT, ledger=owing),
    Forgery(
        "a transfer skips the funding that is owed",
        lambda f: f.transfer(BOB, ALICE, USDC, 1),
        "margin: funding is settled",
        ledger=owing,
    ),
    Forgery(
        "a premium that the book does not show",
        partial(sample, premium=PREMIUM + 1),
        "execution: sample: the next premium",
        ledger=quoted,
    ),
    Forgery(
        "a sample at a mark that was kept from reaching its price",
        sample,
        "execution: sample_market: the mark is not capped",
        SampleFunding(BTC_PERP),
        Rule.STALE_MARK,
        ledger=partial(quoted, valid=CAPPED_BIT + HOUR - 1),
    ),
    Forgery(
        "a second sample in a minute",
        sample,
        "execution: sample_funding: not too soon",
        SampleFunding(BTC_PERP),
        Rule.SAMPLE_TOO_SOON,
        ledger=partial(quoted, sampled=HOUR - 59),
    ),
    Forgery(
        "an application in less than an hour",
        apply,
        "execution: apply_funding: an interval has passed",
        ApplyFunding(BTC_PERP),
        Rule.FUNDING_TOO_SOON,
        ledger=partial(due, applied=1),
    ),
    Forgery(
        "an application in a settled market",
        apply,
        "execution: apply_market: the market is not settled",
        ApplyFunding(BTC_PERP),
        Rule.SETTLED,
        ledger=over,
    ),
    Forgery(
        "an index that moves more than the premiums",
        partial(apply, change=4),
        "execution: apply_funding: index, limb 0",
        ledger=due,
    ),
]


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery) -> None:
    assert forgery.ledger is not None
    assert is_refused(forgery, forgery.ledger(), HOUR)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery) -> None:
    assert forgery.ledger is not None
    assert is_stopped(forgery, forgery.ledger(), HOUR)


@pytest.mark.parametrize(
    "label",
    [
        "pay_base: remainder below one",  # rounded up by one more
        "pay_base: size of the position",  # for another position
        "pay_market: index of the market",  # up to another index
        "pay_base: who pays",  # a long one is paid when the index rises
        "sample_order: expired or not",  # an order that is not expired is passed over
        "sample_order: the side ends at its sentinel",  # a side that ends early
        "sample_order: part within the weight",  # more than the clamp
        "sample: the next order",  # an order is left out
    ],
)
def test_of_a_forged_number_this_constraint_alone_fails(label: str) -> None:
    forged = {**payment_scripts(), **funding_scripts()}[label]()()
    assert {f"{failure.table}: {failure.label}" for failure in report_of(forged).failures} == {f"execution: {label}"}
    assert not proof_is_accepted(forged.statement, forged.traces)


def test_what_the_forger_does_by_the_rules_is_proven() -> None:
    for script in (Script(pay, ledger=owing), Script(sample, ledger=quoted), Script(apply, ledger=due, time=HOUR)):
        honest = script()
        assert report_of(honest).ok
        assert proof_is_accepted(honest.statement, honest.traces)
