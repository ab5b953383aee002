"""The audit accuses no honest batch, whatever its transitions are, and names each rule that is broken."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.records import (
    EMPTY,
    HEADER_OPEN,
    MARKET_MARK,
    MARKET_VALID,
    RULES_GROWTH,
    RULES_INTEREST,
    VENUE_INDEX,
    SystemAccount,
    Tag,
    balance_index,
    header_index,
    key_index,
    market_index,
    parameters_index,
    record,
    rules_index,
    signed_limbs,
    vault_index,
)
from circuits.statement import Movement
from state.accounts import balance_amount, balance_record
from state.errors import Refusal
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.cash_out import CashOut
from state.transitions.convert import Convert
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.settle import SettleMarket
from state.transitions.socialise import Socialise
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import (
    ALICE,
    BOB,
    BTC_PERP,
    CAROL,
    DEBTOR,
    ETH,
    USDC,
    every_kind,
    every_settlement,
    new_ledger,
    trade,
)
from tests.deleveragings import ERIN, FRANK, KEY, LATER
from tests.mutation.audit import Audit
from tests.mutation.execution_conversions import VALUE
from tests.mutation.execution_deleverage_checks import headless
from tests.mutation.execution_deleveragings import borrowed
from tests.mutation.execution_settlements import MARKED, halted, settled
from tests.mutation.execution_takeovers import at
from tests.mutation.replay import falsehood
from tests.mutation.stage import DAVE, MARK, NOBODY, staged
from tests.mutation.world import ledger_with_history
from tests.state.worlds import transitions


def audited(ledger: Ledger, batch: list[Transition], time: int = 100) -> Audit:
    """The batch as the audit sees it, without the transitions that the ledger refuses."""
    old = dict(ledger.store.leaves)
    ledger.begin_batch(time)
    for transition in batch:
        with suppress(Refusal):
            ledger.apply(transition)
    statement, _ = ledger.close_batch()
    return Audit(ledger.venue, old, dict(ledger.store.leaves), statement)


@settings(deadline=None, max_examples=60)
@given(st.lists(transitions, max_size=12))
def test_an_honest_batch_breaks_no_rule(batch: list[Transition]) -> None:
    assert audited(staged(), batch).broken_rule() is None


def test_a_first_batch_breaks_no_rule() -> None:
    assert audited(new_ledger(), every_kind()).broken_rule() is None


def edited(index: int, element: int, change: int) -> Callable[[Audit], Audit]:
    """One element of one new record is off."""

    def edit(audit: Audit) -> Audit:
        record = list(audit.new.get(index, EMPTY))
        record[element] += change
        return replace(audit, new={**audit.new, index: tuple(record)})

    return edit


def stated(**values: object) -> Callable[[Audit], Audit]:
    """The statement says something else."""
    return lambda audit: replace(audit, statement=replace(audit.statement, **values))  # type: ignore[arg-type]


BATCH: list[Transition] = [
    Register(NOBODY, (9,) * 7),
    Deposit(0, 2, ALICE, USDC, 7_000_000),
    Withdraw(0, DAVE, USDC, 1_000_000),
    Transfer(BOB, ALICE, USDC, 5),
    SetPrice(BTC_PERP, MARK, 90),
]
FALSE = {
    "batch 4 follows": stated(batch=4),
    "time 99 follows": stated(time=99),
    "chain 0 counts deposits": stated(deposits=()),
    "chain 0 counts withdrawals": stated(withdrawals=(Movement(0, 1, DAVE, USDC, 1_000_000),)),
    "vault 0, 0 said": edited(vault_index(0, USDC), 0, 1),
    "instrument 2 counts prices": edited(parameters_index(BTC_PERP), 1, 1),
    "account 12 of 12 has header": edited(VENUE_INDEX, 0, -1),
    "account 6 of 13 has header": edited(header_index(ALICE), 2, 16),
    "account 6 counts 4 open instruments, not 3": edited(header_index(ALICE), HEADER_OPEN, 1),
    "the open interest in 2 changes": edited(rules_index(BTC_PERP), RULES_INTEREST, 1),
    f"element ({rules_index(BTC_PERP)}, {RULES_GROWTH}) is 2": edited(rules_index(BTC_PERP), RULES_GROWTH, 1),
    "account 12 of 13 has key": edited(key_index(NOBODY), 7, -1),
    "balances in 1 change by 1": edited(balance_index(CAROL, ETH), 0, 1),
    "account 6 sends -1 secret messages": edited(header_index(ALICE), 1, -1),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_broken_rule_is_named(name: str) -> None:
    audit = audited(staged(), BATCH)
    assert audit.broken_rule() is None
    assert name in (FALSE[name](audit).broken_rule() or "")


def test_a_position_has_two_sides_and_both_have_agreed() -> None:
    audit = audited(ledger_with_history(), trade(BTC_PERP, BOB, ALICE, MARK, 5, True))
    assert audit.broken_rule() is None
    silent = edited(header_index(BOB), 1, -1)(audit)
    assert "account 6 trades alone" in (silent.broken_rule() or "")


def test_nothing_opens_by_itself() -> None:
    audit = audited(staged(), [])
    opened = {balance_index(DAVE, ETH): record(Tag.BALANCE, *signed_limbs(0))}
    counted = edited(header_index(DAVE), HEADER_OPEN, 1)(replace(audit, new={**audit.new, **opened}))
    forged = edited(header_index(DAVE), 2, 1 << ETH)(counted)
    assert forged.broken_rule() == f"account {DAVE} opens {{{ETH}}} though nobody sends it anything"


def both(*edits: Callable[[Audit], Audit]) -> Callable[[Audit], Audit]:
    """One after the other."""

    def edit(audit: Audit) -> Audit:
        for one in edits:
            audit = one(audit)
        return audit

    return edit


def test_a_loss_that_the_fund_could_pay_breaks_a_rule() -> None:
    assert audited(borrowed(), [Register(FRANK + 1, KEY), Socialise(ERIN)], LATER).broken_rule() is None
    forged = headless()()
    forged.ledger.rollback(forged.old_root)
    found = falsehood(forged.ledger, forged.statement, forged.traces["execution"], forged.traces["tree"])
    assert "15000000000 is lost, though the insurance fund has equity 15000000000" in (found or "")


def test_a_fund_that_owes_may_buy_at_the_collateral_value_and_no_higher() -> None:
    audit = audited(at(fund_quote=-7)(), [Convert(DEBTOR, ETH, 1_000, VALUE)])
    assert audit.broken_rule() is None
    places = {balance_index(SystemAccount.INSURANCE, USDC): 1, balance_index(DEBTOR, USDC): -1}
    before = {place: balance_record(balance_amount(audit.old[place]) + more) for place, more in places.items()}
    dearer = replace(audit, old={**audit.old, **before})
    assert dearer.broken_rule() == "the insurance fund has equity -7, before -6"


POOL = SystemAccount.FUNDING_POOL
SETTLING: list[Transition] = [SettleMarket(BTC_PERP), CashOut(ALICE, BTC_PERP)]
CASHING: list[Transition] = [CashOut(ALICE, BTC_PERP), CashOut(BOB, BTC_PERP)]
CASHED_FALSELY = {
    "account 6 is cashed out in 2 and keeps 1": both(
        edited(balance_index(ALICE, BTC_PERP), 0, 1),
        edited(balance_index(POOL, BTC_PERP), 0, -1),
        edited(balance_index(ALICE, USDC), 0, -MARKED),
        edited(balance_index(POOL, USDC), 0, MARKED),
    ),
    "account 2 sends 0 secret messages, and gains [-1": both(
        edited(balance_index(ALICE, USDC), 0, 1), edited(balance_index(POOL, USDC), 0, -1)
    ),
}


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("settles what is not halted", lambda audit: replace(audit, old=dict(staged().store.leaves))),
        ("market 2 is settled with", edited(market_index(BTC_PERP), MARKET_VALID, -1)),
        ("market 2 is settled with", edited(market_index(BTC_PERP), MARKET_MARK, 1)),
        ("the venue counts acts", stated(acts=())),
        ("is 14, and by the acts 15", edited(rules_index(BTC_PERP), 7, -1)),
        ("is 7, and by the acts 15", edited(parameters_index(BTC_PERP), 7, -8)),
        *CASHED_FALSELY.items(),
    ],
)
def test_a_settlement_that_breaks_a_rule_is_named(name: str, edit: Callable[[Audit], Audit]) -> None:
    audit = audited(halted(), SETTLING)
    assert audit.broken_rule() is None
    assert name in (edit(audit).broken_rule() or "")


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("settled market 2 changes", edited(market_index(BTC_PERP), MARKET_MARK, 1)),
        ("the open interest in 2, which is settled", edited(rules_index(BTC_PERP), RULES_INTEREST, 1)),
        *CASHED_FALSELY.items(),
    ],
)
def test_a_cash_out_that_breaks_a_rule_is_named(name: str, edit: Callable[[Audit], Audit]) -> None:
    audit = audited(settled(), CASHING)
    assert audit.broken_rule() is None
    assert name in (edit(audit).broken_rule() or "")


def test_an_honest_settlement_amid_trades_breaks_no_rule() -> None:
    ledger, (halt, settle, first, second) = new_ledger(), every_settlement()
    assert audited(ledger, [*every_kind(), halt, settle, first]).broken_rule() is None
    later = audited(ledger, [second, *trade(BTC_PERP, BOB, ALICE, MARK, 5, True), Transfer(BOB, ALICE, USDC, 5)])
    assert later.broken_rule() is None
    assert later.new != later.old
