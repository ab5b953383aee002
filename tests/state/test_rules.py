"""Every rule of the ledger refuses what it forbids, says so with values, and changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from state.transitions.fill import Fill

from circuits.bounds import AMOUNT_MAX, COUNTER_MAX, FRACTION_ONE, MAX_ACCOUNTS, PRICE_MAX, SIZE_MAX, TIME_MAX
from circuits.field import P
from circuits.records import (
    FIRST_TRADER,
    VENUE_INDEX,
    Record,
    Role,
    SystemAccount,
    Tag,
    balance_index,
    chain_index,
    header_index,
    market_index,
    record,
)
from circuits.statement import Movement
from state.accounts import balance_record, header_record
from state.audit import account_figures, invariant
from state.errors import MESSAGES, Refusal, Rule
from state.ledger import BatchStateError, Ledger
from state.transitions import Transition
from state.transitions.close import CloseVenue
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice, market_record
from state.transitions.register import Register
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, ETH_PERP, USDC
from tests.state.worlds import DAVE, KEY, funded_ledger

FILL = Fill(BTC_PERP, ALICE, BOB, 6_170_000, 100, True, 6_170_000, 6_170_000)
MOST = AMOUNT_MAX // PRICE_MAX


class EmptyQueue:
    """Chains that hold nothing."""

    def holds(self, deposit: Movement, /) -> bool:
        return False


class SilentOracle:
    """An oracle that signed nothing."""

    def objection(self, instrument: int, price: int, time: int, /) -> str | None:
        return "nobody signed it"


@dataclass(frozen=True)
class Case:
    """A transition that the funded ledger refuses, once these records are put there."""

    rule: Rule
    transition: Transition
    records: dict[int, Record] | None = None
    empty_queue: bool = False
    unsigned: bool = False


def mark(instrument: int, price: int) -> dict[int, Record]:
    return {market_index(instrument): market_record(Tag.PERPETUAL, 1 << instrument, 1, price, 500, 0)}


def position(account: int, size: int) -> dict[int, Record]:
    return {
        header_index(account): header_record(Role.TRADER, 0, 1 << BTC_PERP | 1 << ETH | 1),
        balance_index(account, BTC_PERP): balance_record(size),
    }


CASES = [
    Case(Rule.OUT_OF_RANGE, Transfer(ALICE, BOB, USDC, 0)),
    Case(Rule.OUT_OF_RANGE, Transfer(ALICE, BOB, USDC, -5)),
    Case(Rule.OUT_OF_RANGE, Transfer(ALICE, BOB, USDC, AMOUNT_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, Deposit(0, 1, ALICE, USDC, 0)),
    Case(Rule.OUT_OF_RANGE, Deposit(0, 1, ALICE, USDC, AMOUNT_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, Withdraw(0, ALICE, USDC, -1)),
    Case(Rule.OUT_OF_RANGE, SetPrice(ETH, 0, 10)),
    Case(Rule.OUT_OF_RANGE, SetPrice(ETH, PRICE_MAX + 1, 10)),
    Case(Rule.OUT_OF_RANGE, SetPrice(ETH, 1, TIME_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, replace(FILL, size=0)),
    Case(Rule.OUT_OF_RANGE, replace(FILL, size=-1)),
    Case(Rule.OUT_OF_RANGE, replace(FILL, size=SIZE_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, replace(FILL, price=0)),
    Case(Rule.OUT_OF_RANGE, replace(FILL, taker_limit=PRICE_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, replace(FILL, maker_limit=-1)),
    Case(Rule.OUT_OF_RANGE, Register(DAVE, KEY[:6])),
    Case(Rule.OUT_OF_RANGE, Register(DAVE, (*KEY[:6], P))),
    Case(Rule.OUT_OF_RANGE, CloseVenue(TIME_MAX + 1)),
    Case(Rule.UNKNOWN_ACCOUNT, Deposit(0, 1, DAVE, USDC, 1)),
    Case(Rule.UNKNOWN_ACCOUNT, Deposit(0, 1, -1, USDC, 1)),
    Case(Rule.UNKNOWN_ACCOUNT, Deposit(0, 1, MAX_ACCOUNTS, USDC, 1)),
    Case(Rule.UNKNOWN_ACCOUNT, Transfer(ALICE, DAVE, USDC, 1)),
    Case(Rule.UNKNOWN_ACCOUNT, replace(FILL, taker=DAVE)),
    Case(Rule.UNKNOWN_CHAIN, Deposit(3, 0, ALICE, USDC, 1)),
    Case(Rule.UNKNOWN_CHAIN, Withdraw(-1, ALICE, USDC, 1)),
    Case(Rule.NOT_COLLATERAL, Deposit(0, 1, ALICE, BTC_PERP, 1)),
    Case(Rule.NOT_COLLATERAL, Withdraw(0, ALICE, 99, 1)),
    Case(Rule.NOT_COLLATERAL, Transfer(ALICE, BOB, -1, 1)),
    Case(Rule.NOT_A_MARKET, replace(FILL, market=ETH)),
    Case(Rule.NOT_A_MARKET, replace(FILL, market=4)),
    Case(Rule.NOT_A_MARKET, replace(FILL, market=-1)),
    Case(Rule.NOT_PRICED, SetPrice(USDC, 1, 10)),
    Case(Rule.NOT_PRICED, SetPrice(4, 1, 10)),
    Case(Rule.SYSTEM_ACCOUNT, Transfer(SystemAccount.FEE, ALICE, USDC, 1)),
    Case(Rule.SYSTEM_ACCOUNT, Transfer(ALICE, SystemAccount.INSURANCE, USDC, 1)),
    Case(Rule.SYSTEM_ACCOUNT, Withdraw(0, SystemAccount.FEE, USDC, 1)),
    Case(Rule.SYSTEM_ACCOUNT, replace(FILL, maker=SystemAccount.FEE)),
    Case(Rule.SAME_ACCOUNT, Transfer(ALICE, ALICE, USDC, 1)),
    Case(Rule.SAME_ACCOUNT, replace(FILL, taker=ALICE)),
    Case(Rule.ACCOUNT_NUMBER, Register(DAVE + 1, KEY)),
    Case(Rule.ACCOUNT_NUMBER, Register(ALICE, KEY)),
    Case(Rule.COUNTER_LIMIT, Register(MAX_ACCOUNTS, KEY), {VENUE_INDEX: record(Tag.VENUE, MAX_ACCOUNTS, 1, 100)}),
    Case(Rule.COUNTER_LIMIT, CloseVenue(100), {VENUE_INDEX: record(Tag.VENUE, DAVE, COUNTER_MAX, 100)}),
    Case(Rule.COUNTER_LIMIT, Transfer(ALICE, BOB, USDC, 1),
         {header_index(ALICE): header_record(Role.TRADER, COUNTER_MAX, 1)}),
    Case(Rule.COUNTER_LIMIT, FILL, {header_index(BOB): header_record(Role.TRADER, COUNTER_MAX, 3)}),
    Case(Rule.COUNTER_LIMIT, Withdraw(0, ALICE, USDC, 1), {chain_index(0): record(Tag.CHAIN, 1, COUNTER_MAX)}),
    Case(Rule.COUNTER_LIMIT, Deposit(0, COUNTER_MAX, ALICE, USDC, 1), {chain_index(0): record(Tag.CHAIN, COUNTER_MAX)}),
    Case(Rule.TIME_BACKWARD, SetPrice(ETH, 1, 6),
         {market_index(ETH): market_record(Tag.ASSET, 2, 10_000, 1, 8_500, 7)}),
    Case(Rule.TIME_BACKWARD, CloseVenue(99)),
    Case(Rule.UNSIGNED_PRICE, SetPrice(ETH, 1, 6), unsigned=True),
    Case(Rule.DEPOSIT_ORDER, Deposit(0, 0, ALICE, USDC, 10_000_000_000)),
    Case(Rule.DEPOSIT_ORDER, Deposit(0, 2, ALICE, USDC, 1)),
    Case(Rule.UNBACKED_DEPOSIT, Deposit(0, 1, ALICE, USDC, 1), empty_queue=True),
    Case(Rule.VAULT_SHORT, Withdraw(2, ALICE, USDC, 1)),
    Case(Rule.VAULT_SHORT, Withdraw(0, ALICE, USDC, 10_000_000_001)),
    Case(Rule.VAULT_LIMIT, Deposit(0, 1, ALICE, USDC, AMOUNT_MAX)),
    Case(Rule.TOTAL_LIMIT, Deposit(2, 1, ALICE, USDC, AMOUNT_MAX)),
    Case(Rule.NO_BALANCE, Transfer(ALICE, BOB, ETH, 1)),
    Case(Rule.NO_BALANCE, Withdraw(2, ALICE, ETH, 1)),
    Case(Rule.NEGATIVE_COLLATERAL, Transfer(BOB, ALICE, ETH, 100_000_001)),
    Case(Rule.NEGATIVE_COLLATERAL, Withdraw(2, ALICE, ETH, 1), {balance_index(ALICE, ETH): balance_record(0)}),
    Case(Rule.BALANCE_LIMIT, FILL, {balance_index(SystemAccount.FEE, USDC): balance_record(AMOUNT_MAX)}),
    Case(Rule.BALANCE_LIMIT, Transfer(ALICE, BOB, USDC, 2), {balance_index(BOB, USDC): balance_record(AMOUNT_MAX - 1)}),
    Case(Rule.LIMIT_PRICE, replace(FILL, taker_limit=6_169_999)),
    Case(Rule.LIMIT_PRICE, replace(FILL, maker_limit=6_170_001)),
    Case(Rule.LIMIT_PRICE, replace(FILL, taker_buys=False, taker_limit=6_170_001)),
    Case(Rule.LIMIT_PRICE, replace(FILL, taker_buys=False, maker_limit=6_169_999)),
    Case(Rule.NOTIONAL_LIMIT, replace(FILL, price=PRICE_MAX, size=SIZE_MAX, taker_limit=PRICE_MAX)),
    Case(Rule.NOTIONAL_LIMIT, replace(FILL, price=PRICE_MAX, size=MOST + 1, taker_limit=PRICE_MAX)),
    Case(Rule.FEE_LIMIT, replace(FILL, price=PRICE_MAX, size=MOST, taker_limit=PRICE_MAX)),
    Case(Rule.HOLDING_LIMIT, Transfer(BOB, ALICE, USDC, 1),
         {balance_index(BOB, ETH): balance_record((SIZE_MAX + 1) * 10_000)}),
    Case(Rule.HOLDING_LIMIT, Transfer(BOB, ALICE, USDC, 1), position(BOB, SIZE_MAX + 1)),
    Case(Rule.HOLDING_LIMIT, Transfer(BOB, ALICE, USDC, 1), position(BOB, -SIZE_MAX - 1)),
    Case(Rule.MARGIN_LIMIT, Transfer(BOB, ALICE, USDC, 1), position(BOB, SIZE_MAX) | mark(BTC_PERP, PRICE_MAX)),
    Case(Rule.INITIAL_MARGIN, Withdraw(1, ALICE, USDC, 10_000_000_000),
         {balance_index(ALICE, USDC): balance_record(0)}),
    Case(Rule.INITIAL_MARGIN, Transfer(CAROL, ALICE, USDC, 1)),
    Case(Rule.INITIAL_MARGIN, replace(FILL, size=40_000)),
    Case(Rule.BORROW_MARGIN, Transfer(BOB, ALICE, USDC, 12_277_000_000)),
]  # fmt: skip


def prepared(case: Case) -> Ledger:
    ledger = funded_ledger(EmptyQueue() if case.empty_queue else None)
    ledger.store.leaves |= case.records or {}
    ledger.begin_batch(SilentOracle() if case.unsigned else None)
    return ledger


def snapshot(ledger: Ledger) -> object:
    """All that a transition may change: records, witness, root."""
    return ledger.root, ledger.records(), repr(ledger._opened().witness)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.transition}"[:100])
def test_refusal(case: Case) -> None:
    ledger = prepared(case)
    before = snapshot(ledger)
    with pytest.raises(Refusal) as caught:
        ledger.apply(case.transition)
    assert caught.value.rule == case.rule
    assert str(caught.value).startswith(f"{case.rule}: ")
    assert all(str(value) in str(caught.value) for value in caught.value.values.values())
    assert snapshot(ledger) == before


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == set(Rule) == set(MESSAGES)


ACCEPTED: list[tuple[Transition, dict[int, Record]]] = [
    (Transfer(ALICE, BOB, USDC, 10_000_000_000), {}),
    (Transfer(BOB, CAROL, ETH, 100_000_000), {}),
    (Transfer(ALICE, BOB, USDC, 1), {balance_index(BOB, USDC): balance_record(AMOUNT_MAX - 1)}),
    (Deposit(0, 1, SystemAccount.INSURANCE, ETH, 5), {}),
    (Deposit(0, 1, ALICE, USDC, AMOUNT_MAX - 20_000_000_000), {}),
    (Deposit(0, COUNTER_MAX - 1, ALICE, USDC, 1), {chain_index(0): record(Tag.CHAIN, COUNTER_MAX - 1)}),
    (Register(DAVE, KEY), {}),
    (Register(MAX_ACCOUNTS - 1, KEY), {VENUE_INDEX: record(Tag.VENUE, MAX_ACCOUNTS - 1, 1, 100)}),
    (SetPrice(ETH, PRICE_MAX, TIME_MAX), {}),
    (SetPrice(BTC_PERP, 1, 0), {}),
    (replace(FILL, maker_limit=0, taker_limit=PRICE_MAX), {}),
    (replace(FILL, taker_buys=False, taker_limit=0, maker_limit=PRICE_MAX), {}),
    (Transfer(BOB, ALICE, USDC, 1), {balance_index(BOB, ETH): balance_record(SIZE_MAX * 10_000)}),
    (CloseVenue(100), {}),
]


@pytest.mark.parametrize(("transition", "records"), ACCEPTED, ids=lambda value: repr(value)[:60])
def test_just_inside_the_bounds_is_accepted(transition: Transition, records: dict[int, Record]) -> None:
    ledger = prepared(Case(Rule.OUT_OF_RANGE, transition, records))
    before = ledger.records()
    ledger.apply(transition)
    assert ledger.records() != before


def largest(accepts: Callable[[int], bool], high: int) -> int:
    """The largest accepted value in 0..high."""
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if accepts(middle) else (low, middle - 1)
    return low


def test_borrowing_against_collateral_stops_exactly_at_the_borrow_fraction() -> None:
    def accepts(amount: int) -> bool:
        ledger = funded_ledger()
        ledger.begin_batch()
        try:
            ledger.apply(Transfer(BOB, ALICE, USDC, amount))
        except Refusal as refusal:
            rules.add(refusal.rule)
            return False
        return True

    rules: set[Rule] = set()
    collateral = 10_000 * (268_000 * 8_500 // FRACTION_ONE)  # 1 ETH: 10,000 lots of 0.85 of the mark
    # collateral - shortfall >= shortfall / 10
    assert largest(accepts, 20_000_000_000) == 10_000_000_000 + collateral * 10 // 11
    assert rules == {Rule.BORROW_MARGIN, Rule.INITIAL_MARGIN}


def test_a_fill_needs_the_initial_margin_of_both_sides() -> None:
    def accepts(size: int) -> bool:
        ledger = funded_ledger()
        ledger.begin_batch()
        try:
            ledger.apply(replace(FILL, size=size))
        except Refusal as refusal:
            reasons.add((refusal.rule, refusal.values["account"]))
            return False
        return True

    reasons: set[tuple[Rule, int | str]] = set()
    requirement = -(-6_170_000 * 500 // FRACTION_ONE)
    size = largest(lambda size: size == 0 or accepts(size), 100_000)

    def left(size: int) -> int:  # Alice sells at the mark as the maker: only the fee lowers her equity
        return 10_000_000_000 - -(-6_170_000 * size * 200 // 1_000_000) - size * requirement

    assert left(size) >= 0 > left(size + 1)
    assert reasons == {(Rule.INITIAL_MARGIN, ALICE)}


def test_fill_moves_exactly() -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    ledger.apply(replace(FILL, size=7))
    notional, maker_fee, taker_fee = 6_170_000 * 7, 8_638, 21_595
    assert account_figures(ledger, ALICE).balances == {USDC: 10_000_000_000 + notional - maker_fee, BTC_PERP: -7}
    assert account_figures(ledger, BOB).balances == {
        USDC: 10_000_000_000 - notional - taker_fee, ETH: 100_000_000, BTC_PERP: 7,
    }  # fmt: skip
    assert account_figures(ledger, SystemAccount.FEE).balances[USDC] == maker_fee + taker_fee
    assert [account_figures(ledger, account).nonce for account in (ALICE, BOB)] == [1, 1]
    assert all(backing.holds for backing in invariant(ledger))


def test_fees_round_up() -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    ledger.apply(Fill(ETH_PERP, ALICE, BOB, 1, 1, True, 1, 1))
    assert account_figures(ledger, SystemAccount.FEE).balances[USDC] == 2


def test_only_whole_lots_count_as_collateral() -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    before = account_figures(ledger, BOB).margin.collateral
    ledger.apply(Transfer(BOB, CAROL, ETH, 1))
    assert account_figures(ledger, BOB).margin.collateral == before - 268_000 * 8_500 // FRACTION_ONE
    assert account_figures(ledger, CAROL).margin.collateral == 0


@pytest.mark.parametrize("price", [1, 3, 19_999, 20_001, PRICE_MAX])
def test_weights_round_against_the_account(price: int) -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    for instrument in (ETH, BTC_PERP):
        ledger.apply(SetPrice(instrument, price, 5))
    value, requirement = price * 85 // 100, (price + 19) // 20
    asset, perpetual = (ledger.read(market_index(i)) for i in (ETH, BTC_PERP))
    assert asset == (2, 10_000, price % 2**14, price >> 14, value % 2**14, value >> 14, 5, Tag.ASSET)
    assert perpetual == (4, 1, price % 2**14, price >> 14, requirement % 2**14, requirement >> 14, 5, Tag.PERPETUAL)


def test_a_price_cannot_be_later_than_the_close() -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    ledger.apply(SetPrice(ETH, 1, 500))
    with pytest.raises(Refusal) as caught:
        ledger.close_batch(499)
    assert caught.value.rule == Rule.TIME_BACKWARD
    assert ledger.in_batch
    statement, _ = ledger.close_batch()
    assert statement.time == 500


def test_calls_out_of_place() -> None:
    ledger = funded_ledger()
    for call in (lambda: ledger.apply(FILL), ledger.abort_batch, ledger.close_batch):
        with pytest.raises(BatchStateError, match="no batch is open"):
            call()
    ledger.begin_batch()
    for call in (ledger.begin_batch, lambda: ledger.rollback(ledger.root)):
        with pytest.raises(BatchStateError, match="a batch is open"):
            call()


def test_figures_of_an_unknown_account() -> None:
    with pytest.raises(Refusal, match="unknown-account"):
        account_figures(funded_ledger(), FIRST_TRADER + 3)
