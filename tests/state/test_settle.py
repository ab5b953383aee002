"""Settlement: a halted market's mark becomes final, and positions there become quote at that mark, no unit lost."""

import pytest

from circuits.acts import Parameter
from circuits.bounds import TIME_MAX
from circuits.records import (
    MARKET_VALID,
    RULES_STATUS,
    TAG,
    Status,
    SystemAccount,
    Tag,
    balance_index,
    market_index,
    parameters_index,
    rules_index,
    signed_limbs,
)
from state.audit import account_figures, invariant
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.cash_out import CashOut
from state.transitions.enact import Enact
from state.transitions.order import Order
from state.transitions.price import SetPrice
from state.transitions.set import SetStatus
from state.transitions.settle import SettleMarket
from tests.batches import (
    ALICE,
    BOB,
    BTC_PERP,
    CAROL,
    ETH,
    ETH_PERP,
    LATE,
    USDC,
    every_kind,
    new_ledger,
    run_batch,
    with_rules,
)
from tests.circuits.test_agreement import assert_agreed

POOL, TIME = SystemAccount.FUNDING_POOL, 70
SETTLEMENT: list[Transition] = [SettleMarket(BTC_PERP), CashOut(ALICE, BTC_PERP), CashOut(BOB, BTC_PERP)]


def halted(market: int = BTC_PERP, notice: int | None = None) -> Ledger:
    """Alice and Bob have positions in both markets, of which one is halted."""
    ledger = new_ledger(notice=notice)
    run_batch(ledger, every_kind())
    return with_rules(ledger, market, {RULES_STATUS: Status.HALTED})


def test_cashing_out_moves_the_position_at_the_final_mark() -> None:
    ledger = halted()
    before = {account: account_figures(ledger, account) for account in (ALICE, BOB, POOL)}
    run_batch(ledger, SETTLEMENT, TIME)
    after = {account: account_figures(ledger, account) for account in (ALICE, BOB, POOL)}
    position = before[ALICE].balances[BTC_PERP]
    assert position
    assert before[BOB].balances[BTC_PERP] == -position
    for account, lots in ((ALICE, position), (BOB, -position)):
        assert after[account].balances[BTC_PERP] == 0
        assert after[account].balances[USDC] == before[account].balances[USDC] + lots * 6_180_030
        assert after[account].margin.equity == before[account].margin.equity
        assert after[account].nonce == before[account].nonce
    assert after[POOL].balances == before[POOL].balances  # both sides have been cashed out
    assert all(backing.holds for backing in invariant(ledger))


@pytest.mark.parametrize("account", [ALICE, BOB])
def test_until_the_other_side_is_cashed_out_the_pool_holds_the_position(account: int) -> None:
    ledger = halted()
    position = account_figures(ledger, account).balances[BTC_PERP]
    statement, witness = run_batch(ledger, [SettleMarket(BTC_PERP), CashOut(account, BTC_PERP)], TIME)
    pool = account_figures(ledger, POOL).balances
    assert (pool[BTC_PERP], pool[USDC]) == (position, -position * 6_180_030)
    assert_agreed(statement, witness)


def test_a_settled_market_has_a_final_mark_and_takes_neither_price_nor_order() -> None:
    ledger = halted(notice=0)
    run_batch(ledger, [Announce(BTC_PERP, (Parameter.INITIAL_MARGIN, 600)), SettleMarket(BTC_PERP)], TIME)
    assert ledger.read(market_index(BTC_PERP))[MARKET_VALID] == TIME_MAX
    assert ledger.read(rules_index(BTC_PERP))[RULES_STATUS] == Status.SETTLED
    assert {ledger.read(index(BTC_PERP))[TAG] for index in (rules_index, parameters_index)} == {Tag.SETTLED}
    ledger.begin_batch(TIME + 1)
    refusals: list[tuple[Transition, Rule]] = [
        (SetPrice(BTC_PERP, 6_180_030, TIME), Rule.SETTLED),
        (Order(ALICE, BTC_PERP, True, 6_000_000, 1, LATE), Rule.MARKET_STATUS),
        (SetStatus(BTC_PERP, Status.ACTIVE), Rule.NOT_A_MARKET),
        (Announce(BTC_PERP, (Parameter.TAKER_FEE, 400)), Rule.NOT_A_PARAMETER),
        (Enact(BTC_PERP), Rule.SETTLED),
    ]
    for refused, rule in refusals:
        with pytest.raises(Refusal) as caught:
            ledger.apply(refused)
        assert caught.value.rule is rule
    ledger.apply(SetPrice(ETH_PERP, 2_681_620, TIME))


@pytest.mark.parametrize(
    ("before", "refused", "rule"),
    [
        ([], SettleMarket(ETH), Rule.NOT_A_MARKET),
        ([], SettleMarket(-1), Rule.NOT_A_MARKET),
        ([], SettleMarket(ETH_PERP), Rule.NOT_HALTED),
        ([SetPrice(BTC_PERP, 1, TIME)], SettleMarket(BTC_PERP), Rule.STALE_MARK),
        (SETTLEMENT, SettleMarket(BTC_PERP), Rule.SETTLED),
        ([], CashOut(ALICE, USDC), Rule.NOT_A_MARKET),
        ([], CashOut(ALICE, BTC_PERP), Rule.NOT_SETTLED),
        (SETTLEMENT, CashOut(ALICE, BTC_PERP), Rule.NO_POSITION),
        (SETTLEMENT, CashOut(CAROL, BTC_PERP), Rule.NO_POSITION),
        (SETTLEMENT, CashOut(POOL, BTC_PERP), Rule.SYSTEM_ACCOUNT),
        (SETTLEMENT, CashOut(99, BTC_PERP), Rule.UNKNOWN_ACCOUNT),
    ],
)
def test_what_settlement_refuses(before: list[Transition], refused: Transition, rule: Rule) -> None:
    made = halted()
    made.begin_batch(TIME)
    for transition in before:
        made.apply(transition)
    records = made.records()
    with pytest.raises(Refusal) as caught:
        made.apply(refused)
    assert caught.value.rule is rule
    assert made.records() == records


def test_the_circuit_accepts_a_settlement() -> None:
    assert_agreed(*run_batch(halted(), SETTLEMENT, TIME))


def test_a_cash_out_leaves_equity_and_requirement_as_they_are() -> None:
    """Also if the position offset orders that still rest there."""
    ledger = halted()
    ledger.begin_batch(TIME)
    ledger.apply(SettleMarket(BTC_PERP))
    before = account_figures(ledger, ALICE).margin
    ledger.apply(CashOut(ALICE, BTC_PERP))
    after = account_figures(ledger, ALICE).margin
    assert (after.equity, after.requirement) == (before.equity, before.requirement)


def test_the_insurance_fund_is_cashed_out_like_a_trader() -> None:
    ledger, fund = halted(), SystemAccount.INSURANCE
    lots = {fund: account_figures(ledger, ALICE).balances[BTC_PERP], ALICE: 0}  # as if it had taken Alice over
    leaves = {account: balance_index(account, BTC_PERP) for account in lots}
    ledger.store.load(
        (leaf, (*signed_limbs(lots[account]), *ledger.read(leaf)[4:]), NO_SALT) for account, leaf in leaves.items()
    )
    assert_agreed(*run_batch(ledger, [SettleMarket(BTC_PERP), CashOut(fund, BTC_PERP)], TIME))
    assert account_figures(ledger, fund).balances[BTC_PERP] == 0
