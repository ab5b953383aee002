"""Batches that take an account over or convert its assets against the rules: the checker names the constraint."""

from functools import partial

import pytest

from circuits.steps import Kind
from state.errors import Rule
from state.ledger import Ledger
from state.transitions.convert import Convert
from state.transitions.take_over import TakeOver
from tests.batches import BTC_PERP, DEBTOR, ETH, USDC
from tests.mutation.execution import forgeries
from tests.mutation.execution_accesses import Act
from tests.mutation.execution_conversions import FULL, LOW, MARK, OWED, SOLVENT, VALUE, worthless
from tests.mutation.execution_takeovers import RICH, at, flattered
from tests.mutation.script import Script
from tests.mutation.standing import Standing, capped, convert, standing, take_over
from tests.mutation.world import report_of
from tests.proving import proof_is_accepted
from tests.tamper.forgery import UNDER_MARGIN, Forgery, is_refused, is_stopped

TIME = 100
STALE = "margin: no check passes on a stale price or over the borrow cap"
healthy = at(quote=-20_000_000_000)
falling = partial(capped, ETH, 200_000, Standing(fund_quote=RICH))
buy = partial(convert, price=263_000)
FORGERIES = [
    Forgery(
        "an account above its close-out requirement is taken over",
        take_over,
        UNDER_MARGIN,
        TakeOver(DEBTOR),
        Rule.HEALTHY,
        ledger=healthy,
    ),
    Forgery(
        "a takeover bankrupts the fund",
        take_over,
        UNDER_MARGIN,
        TakeOver(DEBTOR),
        Rule.FUND_SHORT,
        ledger=at(fund_quote=0),
    ),
    Forgery(
        "a bankrupt borrower is taken over at a mark above the price",
        take_over,
        STALE,
        TakeOver(DEBTOR),
        Rule.STALE_PRICE,
        ledger=falling,
    ),
    Forgery(
        "a borrower's asset is converted at a mark above the price",
        buy,
        STALE,
        Convert(DEBTOR, ETH, 1_000, 263_000),
        Rule.STALE_PRICE,
        ledger=falling,
    ),
    Forgery(
        "an instrument is left out of a takeover",
        partial(take_over, taken=(ETH, BTC_PERP), remaining=(6, 4)),
        "execution: register head is kept",  # with what remains
        ledger=at(fund_quote=RICH),
    ),
    Forgery(
        "an account is taken over whose orders rest",
        take_over,
        "execution: take_header: no orders rest",
        TakeOver(DEBTOR),
        Rule.ORDERS_REST,
        ledger=at(order=True),
    ),
    Forgery(
        "more quote arrives than is taken",
        partial(take_over, more=1),
        "execution: amount limb 0 grows by its change",
    ),
    Forgery(
        "more is converted than is needed",
        partial(convert, lots=1_001, price=265_000),
        "execution: convert_worth: no more than needed, high half",
        Convert(DEBTOR, ETH, 1_001, 265_000),
        Rule.MORE_THAN_NEEDED,
        ledger=at(quote=-OWED - 100 * 6_180_030, eth=12_000_000),
    ),
    Forgery(
        "an asset is converted at a worse price",
        partial(convert, price=LOW - 1),
        "execution: convert: a lower price is of negative equity",
        Convert(DEBTOR, ETH, 1_000, LOW - 1),
        Rule.CONVERSION_PRICE,
        ledger=SOLVENT,
    ),
    Forgery(
        "an asset is converted above the mark",
        partial(convert, price=MARK + 1),
        "execution: convert_market: price not above the mark",
        Convert(DEBTOR, ETH, 1_000, MARK + 1),
        Rule.CONVERSION_PRICE,
    ),
    Forgery(
        "a fund that owes pays more than the collateral value",
        partial(convert, price=VALUE + 1, fund_fails=1),
        "execution: convert_market: the fund's check is waived at the collateral value, limb 0",
        Convert(DEBTOR, ETH, 1_000, VALUE + 1),
        Rule.FUND_SHORT,
        ledger=at(fund_quote=0),
    ),
    Forgery(
        "a fund that owes buys lots that do not count",
        partial(convert, price=VALUE, fund_fails=1),
        "execution: swap_other_base: where it is waived all lots count",
        Convert(DEBTOR, ETH, 1_000, VALUE),
        Rule.FUND_SHORT,
        ledger=FULL,
    ),
    Forgery(
        "an asset that counts nothing is converted for nothing",
        partial(convert, price=0),
        "execution: convert_market: a lower price has a value",
        Convert(DEBTOR, ETH, 1_000, 0),
        Rule.CONVERSION_PRICE,
        ledger=worthless,
    ),
    Forgery(
        "the quote is converted",
        partial(convert, asset=USDC, lots=1, price=6_500_000),
        "execution: convert_market: kind of record",
        Convert(DEBTOR, USDC, 1, 6_500_000),
        Rule.NOT_PRICED,
        ledger=at(quote=500_000_000, btc=-100, eth=3_000_000),
    ),
]


def ledger_of(forgery: Forgery) -> Ledger:
    return (forgery.ledger or standing)()


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery) -> None:
    assert is_refused(forgery, ledger_of(forgery), TIME)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery) -> None:
    assert is_stopped(forgery, ledger_of(forgery), TIME)


@pytest.mark.parametrize(
    "label",
    [
        "take_header: all of it is taken",  # all but its ether
        "take: instruments ascend",  # one balance three times, another one never
        "take: its bit leaves what remains",  # two bits for one balance
        "fund_header: nothing remains",  # the last balance stays
        "take_header: mask register",  # a check without an instrument
        "fund_header: mask register",  # a fund whose positions are not seen
        "fund_header: the fund",  # another account's equity
        "what leads to fund_header",  # nobody's equity
        "take_header: the fund's check is not waived",
        "fund_header: fails only if waived",
        "take_rules: open interest",
        "convert: cash is owed",
        "convert: shortfall, limb 0",
        "convert_market: price within the discount, high limb",
        "convert_market: price not above the mark",
        "convert_worth: no more than needed, high half",
        "convert_worth: carry is -1, 0 or 1",
        "convert_worth: lots limb 0 in range",
        "swap_base: no more than the account has",
        "convert_market: it follows a seizure",
    ],
)
def test_of_a_forged_rescue_this_constraint_alone_fails(label: str) -> None:
    forged = forgeries()[label]()()
    assert {f"{failure.table}: {failure.label}" for failure in report_of(forged).failures} == {f"execution: {label}"}
    assert not proof_is_accepted(forged.statement, forged.traces)


@pytest.mark.parametrize(("act", "kind"), [(take_over, Kind.TAKEN), (buy, Kind.CONVERT)])
def test_the_fund_asks_for_no_marks_in_its_favour(act: Act, kind: Kind) -> None:
    forged = flattered(act, kind)()
    assert {failure.label for failure in report_of(forged).failures} == {"fund_header: moment of prices"}
    assert not proof_is_accepted(forged.statement, forged.traces)


def test_what_the_forger_does_by_the_rules_is_proven() -> None:
    for act in (take_over, convert):
        honest = Script(act, ledger=standing)()
        assert report_of(honest).ok
        assert proof_is_accepted(honest.statement, honest.traces)
