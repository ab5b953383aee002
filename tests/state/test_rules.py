"""Every rule of the ledger refuses what it forbids, says so with values, and changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from circuits.acts import Parameter
from circuits.bounds import (
    ACCOUNT_INSTRUMENTS,
    ACCOUNT_ORDERS,
    AMOUNT_MAX,
    BORROW_MAX,
    CAP_MAX,
    CAP_UNIT,
    CAPPED_BIT,
    COUNTER_MAX,
    FRACTION_ONE,
    FUNDING_START,
    GROWTH_MAX,
    LIMIT_MAX,
    MAX_ACCOUNTS,
    MAX_EVENTS,
    PRICE_MAX,
    SAMPLE_TIME,
    SIZE_MAX,
    TIME_MAX,
    TRANSIT,
)
from circuits.field import P
from circuits.records import (
    EMPTY,
    FIRST_TRADER,
    MARKET_VALID,
    PARAMETERS_FRACTION,
    VENUE_INDEX,
    ChainStatus,
    Record,
    Role,
    Status,
    SystemAccount,
    Tag,
    balance_index,
    chain_index,
    funding_index,
    header_index,
    market_index,
    parameters_index,
    pending_index,
    record,
    rules_index,
    vault_index,
)
from circuits.statement import Movement
from state.accounts import balance_record, header_record
from state.audit import account_figures, invariant
from state.backing import vault_record
from state.book import Reason, Removal, order_id
from state.errors import MESSAGES, Refusal, Rule
from state.funding import funding_record
from state.ledger import BatchStateError, Ledger
from state.store import NO_SALT
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.apply_event import ApplyEvent
from state.transitions.apply_funding import ApplyFunding
from state.transitions.cancel import Cancel, CancelAll, ForceCancel, Modify
from state.transitions.cash_out import CashOut
from state.transitions.close import CloseVenue
from state.transitions.convert import Convert
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.enact import Enact
from state.transitions.liquidate import Liquidate
from state.transitions.order import Order, Policy
from state.transitions.pay_funding import PayFunding
from state.transitions.price import SetPrice, market_record
from state.transitions.receive import Receive
from state.transitions.register import Register
from state.transitions.sample_funding import SampleFunding
from state.transitions.send import Send
from state.transitions.set import SetCap, SetChain, SetStatus
from state.transitions.settle import SettleMarket
from state.transitions.socialise import Socialise
from state.transitions.take_over import TakeOver
from state.transitions.transfer import Transfer
from state.transitions.unwind import Unwind
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, ETH_PERP, USDC
from tests.state.worlds import DAVE, KEY, TIME, funded_ledger

ASK = Order(ALICE, BTC_PERP, False, 6_170_000, 100, TIME)
BUY = Order(BOB, BTC_PERP, True, 6_170_000, 100, TIME, Policy.IMMEDIATE_OR_CANCEL)
MODIFY = Modify(order_id(ALICE, 1), ALICE, BTC_PERP, False, 6_180_000, 100, TIME)
HIGH_BID, SELL = replace(ASK, buys=True, price=LIMIT_MAX), replace(BUY, buys=False, price=LIMIT_MAX)
MOST = AMOUNT_MAX // LIMIT_MAX
SUSPEND = SetChain(0, ChainStatus.SUSPENDED)
MARGIN = Announce(BTC_PERP, (Parameter.INITIAL_MARGIN, 600))
DUE_NOW, DUE_LATER = (
    record(Tag.PENDING, parameters_index(BTC_PERP), PARAMETERS_FRACTION, 600, time) for time in (TIME, TIME + 1)
)
FORCED = ForceCancel(ALICE, order_id(ALICE, 1))
CONVERT = Convert(BOB, ETH, 1, 268_000)
BOB_OWES = {balance_index(BOB, USDC): balance_record(-3_000_000_000)}
IN_DEBT = {balance_index(CAROL, USDC): balance_record(-1)}
MOST_OWED = 3_725 * CAP_UNIT - 1  # a million USDC in whole units of the cap
MUCH_ETHER = {balance_index(BOB, ETH): balance_record(10**12)}  # enough for more
SIZE, REQUIRED = 1_000, 1_000 * 308_500  # lots that may be liquidated, and what they require
ZERO = 6_170_000 - 10**8 // SIZE  # their zero price
LIQUIDATION = Liquidate(ALICE, BTC_PERP, SIZE, ZERO, 0)
ENOUGH = 32_400  # lots of BTC that Alice can order, but not pay the fees for


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
    """A transition that the funded ledger refuses, once these records are put there and these transitions applied."""

    rule: Rule
    transition: Transition
    records: dict[int, Record] | None = None
    empty_queue: bool = False
    unsigned: bool = False
    before: tuple[Transition, ...] = ()


def mark(instrument: int, price: int, valid: int = 0) -> dict[int, Record]:
    return {market_index(instrument): market_record(Tag.PERPETUAL, 1 << instrument, FUNDING_START, price, 500, valid)}


def old_price(instrument: int) -> dict[int, Record]:
    """The price's last second was the one before."""
    tag = Tag.ASSET if instrument == ETH else Tag.PERPETUAL
    lot = 10_000 if instrument == ETH else FUNDING_START
    return {market_index(instrument): market_record(tag, 1 << instrument, lot, 268_000, 500, TIME - 1)}


def position(account: int, size: int) -> dict[int, Record]:
    return {
        header_index(account): header_record(Role.TRADER, 0, 1 << BTC_PERP | 1 << ETH | 1),
        balance_index(account, BTC_PERP): held(size),
    }


def held(size: int, bids: int = 0, asks: int = 0) -> Record:
    """A position of which nothing is owed."""
    return balance_record(size, bids, asks, FUNDING_START)


def rich(account: int) -> dict[int, Record]:
    return {balance_index(account, USDC): balance_record(AMOUNT_MAX // 2)}


def market_rules(status: int = 0, minimum: int = 0, interest: int = 0, cap: int = SIZE_MAX) -> dict[int, Record]:
    return {rules_index(BTC_PERP): record(Tag.RULES, status, 200, 500, minimum, interest, cap)}


def indexed(index: int) -> dict[int, Record]:
    """BTC-PERP with that funding index."""
    return {market_index(BTC_PERP): market_record(Tag.PERPETUAL, 1 << BTC_PERP, index, 6_170_000, 500, TIME)}


def premiums(sampled: int) -> dict[int, Record]:
    return {funding_index(BTC_PERP): funding_record(0, sampled, 0, 1_000)}


def crowded(account: int) -> dict[int, Record]:
    """Sixteen open instruments, ETH none of them; most of them do not exist."""
    return {header_index(account): header_record(Role.TRADER, 0, 1 | ((1 << ACCOUNT_INSTRUMENTS - 1) - 1 << 2))}


def insolvent(debt: int, lots: int = 0, fund: int = 0, interest: int = SIZE_MAX) -> dict[int, Record]:
    """Carol owes so much, and has a position; the insurance fund has something."""
    mask = 1 | (1 << BTC_PERP if lots else 0)
    return {
        header_index(CAROL): header_record(Role.TRADER, 0, mask),
        balance_index(CAROL, USDC): balance_record(-debt),
        balance_index(CAROL, BTC_PERP): held(lots) if lots else EMPTY,
        balance_index(SystemAccount.INSURANCE, USDC): balance_record(fund),
        **market_rules(interest=interest),
    }


def all_events(*accounts: int) -> dict[int, Record]:
    """No deleveraging more can be counted; these accounts have seen all."""
    headers = {
        header_index(account): header_record(role, 0, mask, events=MAX_EVENTS)
        for account in accounts
        for role, mask in [(Role.TRADER, 1 | 1 << BTC_PERP) if account > SystemAccount.LOSS else (Role.SYSTEM, 15)]
    }
    return headers | {VENUE_INDEX: record(Tag.VENUE, DAVE, 1, TIME, 0, 0, MAX_EVENTS)}


DEBT = 50_000_000_000  # more than 5,000 lots of BTC-PERP are worth
SETTLEMENT = SetStatus(BTC_PERP, Status.HALTED), SettleMarket(BTC_PERP)

def worth(equity: int, size: int = SIZE) -> dict[int, Record]:
    """Alice has so many lots of BTC-PERP, and such equity at the mark."""
    return {
        header_index(ALICE): header_record(Role.TRADER, 0, 1 << BTC_PERP | 1),
        balance_index(ALICE, BTC_PERP): held(size),
        balance_index(ALICE, USDC): balance_record(equity - size * 6_170_000),
    }


def below() -> dict[int, Record]:
    """The same, below her maintenance requirement."""
    return worth(10**8)


CASES = [
    Case(Rule.NOT_HALTED, SettleMarket(BTC_PERP)),
    Case(Rule.NOT_HALTED, SettleMarket(BTC_PERP), market_rules(Status.REDUCE_ONLY)),
    Case(Rule.STALE_MARK, SettleMarket(BTC_PERP), old_price(BTC_PERP) | market_rules(Status.HALTED)),
    *(Case(Rule.SETTLED, refused, {pending_index(BTC_PERP): DUE_NOW}, before=SETTLEMENT)
      for refused in (SettleMarket(BTC_PERP), SetPrice(BTC_PERP, 6_180_030, TIME), Enact(BTC_PERP))),
    Case(Rule.NOT_SETTLED, CashOut(ALICE, BTC_PERP), position(ALICE, 5)),
    Case(Rule.NO_POSITION, CashOut(ALICE, BTC_PERP), before=SETTLEMENT),
    Case(Rule.NO_POSITION, CashOut(ALICE, BTC_PERP), position(ALICE, 5),
         before=(*SETTLEMENT, CashOut(ALICE, BTC_PERP))),
    Case(Rule.SYSTEM_ACCOUNT, CashOut(SystemAccount.FUNDING_POOL, BTC_PERP), before=SETTLEMENT),
    Case(Rule.NO_POSITION, CashOut(SystemAccount.INSURANCE, BTC_PERP), before=SETTLEMENT),
    Case(Rule.UNKNOWN_ACCOUNT, CashOut(99, BTC_PERP), before=SETTLEMENT),
    Case(Rule.BALANCE_LIMIT, CashOut(ALICE, BTC_PERP),
         position(ALICE, 5) | {balance_index(ALICE, USDC): balance_record(AMOUNT_MAX)}, before=SETTLEMENT),
    *(Case(Rule.SETTLED, refused, before=SETTLEMENT)
      for refused in (SampleFunding(BTC_PERP), ApplyFunding(BTC_PERP))),
    *(Case(Rule.NOT_A_MARKET, refused)
      for market in (-1, USDC, ETH, 4)
      for refused in (SampleFunding(market), ApplyFunding(market), PayFunding(ALICE, market))),
    Case(Rule.UNKNOWN_ACCOUNT, PayFunding(99, BTC_PERP)),
    Case(Rule.NO_BALANCE, PayFunding(ALICE, BTC_PERP)),
    Case(Rule.HOLDING_LIMIT, PayFunding(SystemAccount.FUNDING_POOL, BTC_PERP),
         {balance_index(SystemAccount.FUNDING_POOL, BTC_PERP): held(-SIZE_MAX - 1)}),
    Case(Rule.SYSTEM_ACCOUNT, PayFunding(SystemAccount.ROUNDING, BTC_PERP)),
    Case(Rule.BALANCE_LIMIT, PayFunding(ALICE, BTC_PERP),
         position(ALICE, 5) | indexed(FUNDING_START - 16)
         | {balance_index(ALICE, USDC): balance_record(AMOUNT_MAX - 4)}),
    Case(Rule.STALE_MARK, SampleFunding(BTC_PERP), old_price(BTC_PERP)),
    *(Case(Rule.STALE_MARK, SampleFunding(BTC_PERP), mark(BTC_PERP, 6_180_030, CAPPED_BIT + last))
      for last in (TIME - 1, TIME, TIME_MAX)),
    Case(Rule.SAMPLE_TOO_SOON, SampleFunding(BTC_PERP), premiums(sampled=TIME - SAMPLE_TIME + 1)),
    Case(Rule.FUNDING_TOO_SOON, ApplyFunding(BTC_PERP)),
    Case(Rule.SOLVENT, Deleverage(CAROL, BTC_PERP), insolvent(0, 5)),
    Case(Rule.SOLVENT, Socialise(CAROL), insolvent(0)),
    *(Case(Rule.FUND_CAN_PAY, refused, insolvent(DEBT, 5_000, DEBT))
      for refused in (Deleverage(CAROL, BTC_PERP), Socialise(CAROL))),
    Case(Rule.HAS_POSITIONS, Socialise(CAROL), insolvent(DEBT, 1)),
    *(Case(Rule.HAS_COLLATERAL, refused, BOB_OWES) for refused in (Socialise(BOB), Deleverage(BOB, BTC_PERP))),
    Case(Rule.NO_POSITION, Deleverage(CAROL, BTC_PERP), insolvent(DEBT)),
    Case(Rule.ORDERS_REST, Deleverage(CAROL, BTC_PERP),
         insolvent(DEBT, 1) | {header_index(CAROL): header_record(Role.TRADER, 0, 1 | 1 << BTC_PERP, orders=1)}),
    Case(Rule.ZERO_PRICE, Deleverage(CAROL, BTC_PERP), insolvent(DEBT, 100)
         | {market_index(BTC_PERP): market_record(Tag.PERPETUAL, 4, FUNDING_START, LIMIT_MAX, 500, 9999)}),
    Case(Rule.COUNTER_LIMIT, Deleverage(CAROL, BTC_PERP),
         insolvent(DEBT, 5_000) | all_events(CAROL, SystemAccount.INSURANCE)),
    *(Case(Rule.STALE_PRICE, refused, insolvent(DEBT, 5_000) | old_price(BTC_PERP))
      for refused in (Deleverage(CAROL, BTC_PERP), Socialise(CAROL))),
    *(Case(Rule.SYSTEM_ACCOUNT, refused)
      for refused in (Deleverage(SystemAccount.INSURANCE, BTC_PERP), Socialise(SystemAccount.INSURANCE))),
    *(Case(Rule.UNKNOWN_ACCOUNT, refused) for refused in (Deleverage(99, BTC_PERP), Socialise(99), ApplyEvent(99))),
    *(Case(Rule.NOT_A_MARKET, Deleverage(CAROL, market)) for market in (-1, USDC, ETH, 4)),
    Case(Rule.NOTHING_TO_SEE, ApplyEvent(ALICE)),
    Case(Rule.NOT_A_PARAMETER, MARGIN, before=SETTLEMENT),
    Case(Rule.NOT_A_MARKET, SetStatus(BTC_PERP, Status.ACTIVE), before=SETTLEMENT),
    Case(Rule.COUNTER_LIMIT, SettleMarket(BTC_PERP),
         {VENUE_INDEX: record(Tag.VENUE, DAVE, 1, TIME, COUNTER_MAX)} | market_rules(Status.HALTED)),
    Case(Rule.OUT_OF_RANGE, Transfer(ALICE, BOB, USDC, 0)),
    Case(Rule.OUT_OF_RANGE, Transfer(ALICE, BOB, USDC, -5)),
    Case(Rule.OUT_OF_RANGE, Transfer(ALICE, BOB, USDC, AMOUNT_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, Deposit(0, 1, ALICE, USDC, 0)),
    Case(Rule.OUT_OF_RANGE, Deposit(0, 1, ALICE, USDC, AMOUNT_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, Withdraw(0, ALICE, USDC, -1)),
    Case(Rule.OUT_OF_RANGE, SetPrice(ETH, 0, 10)),
    Case(Rule.OUT_OF_RANGE, SetPrice(ETH, PRICE_MAX + 1, 10)),
    Case(Rule.OUT_OF_RANGE, SetPrice(ETH, 1, TIME_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, SetPrice(ETH, 1, TIME + 1)),
    Case(Rule.OUT_OF_RANGE, SetPrice(ETH, 1, -1)),
    Case(Rule.OUT_OF_RANGE, replace(BUY, size=0)),
    Case(Rule.OUT_OF_RANGE, replace(BUY, size=-1)),
    Case(Rule.OUT_OF_RANGE, replace(BUY, size=SIZE_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, replace(BUY, price=0)),
    Case(Rule.OUT_OF_RANGE, replace(BUY, price=LIMIT_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, replace(BUY, expiry=-1)),
    Case(Rule.OUT_OF_RANGE, replace(BUY, expiry=TIME_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, replace(MODIFY, size=0), before=(ASK,)),
    Case(Rule.OUT_OF_RANGE, Register(DAVE, KEY[:6])),
    Case(Rule.OUT_OF_RANGE, SetCap(0, USDC, -1)),
    Case(Rule.OUT_OF_RANGE, SetCap(0, USDC, CAP_MAX + 1)),
    Case(Rule.OUT_OF_RANGE, SetStatus(BTC_PERP, Status.SETTLED)),
    Case(Rule.OUT_OF_RANGE, replace(MARGIN, change=(Parameter.INITIAL_MARGIN, 0))),
    Case(Rule.OUT_OF_RANGE, replace(MARGIN, change=(Parameter.INITIAL_MARGIN, FRACTION_ONE + 1))),
    Case(Rule.OUT_OF_RANGE, replace(MARGIN, change=(Parameter.MARGIN_GROWTH, -1))),
    Case(Rule.OUT_OF_RANGE, replace(MARGIN, change=(Parameter.MARGIN_GROWTH, GROWTH_MAX + 1))),
    Case(Rule.OUT_OF_RANGE, replace(MARGIN, instrument=4)),
    Case(Rule.OUT_OF_RANGE, replace(MARGIN, instrument=-1)),
    Case(Rule.OUT_OF_RANGE, Announce(ETH, (Parameter.STEP_TIME, 1))),
    Case(Rule.OUT_OF_RANGE, Announce(USDC, (Parameter.BORROW_FRACTION, BORROW_MAX + 1))),
    Case(Rule.OUT_OF_RANGE, Enact(4)),
    Case(Rule.OUT_OF_RANGE, Enact(-1)),
    Case(Rule.OUT_OF_RANGE, Send(0, USDC, 0)),
    Case(Rule.OUT_OF_RANGE, Receive(0, 1, USDC, 0)),
    Case(Rule.OUT_OF_RANGE, Register(DAVE, (*KEY[:6], P))),
    Case(Rule.UNKNOWN_ACCOUNT, Deposit(0, 1, DAVE, USDC, 1)),
    Case(Rule.UNKNOWN_ACCOUNT, Deposit(0, 1, -1, USDC, 1)),
    Case(Rule.UNKNOWN_ACCOUNT, Deposit(0, 1, MAX_ACCOUNTS, USDC, 1)),
    Case(Rule.UNKNOWN_ACCOUNT, Transfer(ALICE, DAVE, USDC, 1)),
    *(Case(Rule.UNKNOWN_ACCOUNT, replace(BUY, account=account, policy=policy), before=before)
      for account in (DAVE, -1, MAX_ACCOUNTS, 2**40) for policy in Policy for before in ((), (ASK,))),
    *(Case(Rule.UNKNOWN_CHAIN, transition)
      for chain in (-1, 3, TRANSIT)
      for transition in (
          SetChain(chain, ChainStatus.ACTIVE), SetCap(chain, USDC, 1), Send(chain, USDC, 1),
          Receive(chain, 0, USDC, 1))),
    Case(Rule.UNKNOWN_CHAIN, Deposit(3, 0, ALICE, USDC, 1)),
    Case(Rule.UNKNOWN_CHAIN, Withdraw(-1, ALICE, USDC, 1)),
    Case(Rule.NOT_COLLATERAL, Deposit(0, 1, ALICE, BTC_PERP, 1)),
    Case(Rule.NOT_COLLATERAL, Withdraw(0, ALICE, 99, 1)),
    Case(Rule.NOT_COLLATERAL, Transfer(ALICE, BOB, -1, 1)),
    *(Case(Rule.NOT_COLLATERAL, transition) for transition in (
        SetCap(0, BTC_PERP, 1), Send(0, BTC_PERP, 1), Receive(0, 1, -1, 1))),
    *(Case(Rule.NOT_A_MARKET, SetStatus(market, Status.HALTED)) for market in (-1, USDC, ETH, 4)),
    Case(Rule.NOT_A_MARKET, SetStatus(BTC_PERP, Status.HALTED), {rules_index(BTC_PERP): EMPTY}),
    *(Case(Rule.NOT_A_MARKET, end)
      for market in (-1, USDC, ETH, 4) for end in (SettleMarket(market), CashOut(ALICE, market))),
    Case(Rule.NOT_A_MARKET, replace(BUY, market=ETH)),
    Case(Rule.NOT_A_MARKET, replace(BUY, market=USDC)),
    Case(Rule.NOT_A_MARKET, replace(BUY, market=4)),
    Case(Rule.NOT_A_MARKET, replace(BUY, market=-1)),
    Case(Rule.NOT_PRICED, SetPrice(USDC, 1, 10)),
    Case(Rule.NOT_PRICED, SetPrice(4, 1, 10)),
    Case(Rule.SYSTEM_ACCOUNT, Transfer(SystemAccount.FEE, ALICE, USDC, 1)),
    Case(Rule.SYSTEM_ACCOUNT, Transfer(ALICE, SystemAccount.INSURANCE, USDC, 1)),
    Case(Rule.SYSTEM_ACCOUNT, Withdraw(0, SystemAccount.FEE, USDC, 1)),
    *(Case(Rule.SYSTEM_ACCOUNT, replace(BUY, account=SystemAccount.FEE), before=before) for before in ((), (ASK,))),
    Case(Rule.SAME_ACCOUNT, Transfer(ALICE, ALICE, USDC, 1)),
    Case(Rule.ACCOUNT_NUMBER, Register(DAVE + 1, KEY)),
    Case(Rule.ACCOUNT_NUMBER, Register(ALICE, KEY)),
    Case(Rule.COUNTER_LIMIT, Register(MAX_ACCOUNTS, KEY), {VENUE_INDEX: record(Tag.VENUE, MAX_ACCOUNTS, 1, 100)}),
    Case(Rule.COUNTER_LIMIT, CloseVenue(TIME), {VENUE_INDEX: record(Tag.VENUE, DAVE, COUNTER_MAX, TIME)}),
    Case(Rule.COUNTER_LIMIT, SetPrice(ETH, 1, 10),
         {parameters_index(ETH): record(Tag.PARAMETERS, 8_500, COUNTER_MAX)}),
    Case(Rule.COUNTER_LIMIT, Transfer(ALICE, BOB, USDC, 1),
         {header_index(ALICE): header_record(Role.TRADER, COUNTER_MAX, 1)}),
    *(Case(Rule.COUNTER_LIMIT, replace(BUY, policy=policy),
           {header_index(BOB): header_record(Role.TRADER, COUNTER_MAX, 3)})
      for policy in (Policy.GOOD_TILL_TIME, Policy.IMMEDIATE_OR_CANCEL, Policy.POST_ONLY)),
    Case(Rule.COUNTER_LIMIT, BUY, {header_index(BOB): header_record(Role.TRADER, COUNTER_MAX, 3)}, before=(ASK,)),
    *(Case(Rule.COUNTER_LIMIT, transition,
           {header_index(ALICE): header_record(Role.TRADER, COUNTER_MAX - 1, 1)}, before=(ASK,))
      for transition in (
          Cancel(ALICE, order_id(ALICE, COUNTER_MAX)), CancelAll(ALICE),
          replace(MODIFY, order=order_id(ALICE, COUNTER_MAX)))),
    Case(Rule.COUNTER_LIMIT, replace(MODIFY, order=order_id(ALICE, COUNTER_MAX - 1)),
         {header_index(ALICE): header_record(Role.TRADER, COUNTER_MAX - 2, 1)}, before=(ASK,)),
    Case(Rule.COUNTER_LIMIT, Withdraw(0, ALICE, USDC, 1), {chain_index(0): record(Tag.CHAIN, 1, COUNTER_MAX)}),
    Case(Rule.COUNTER_LIMIT, Deposit(0, COUNTER_MAX, ALICE, USDC, 1), {chain_index(0): record(Tag.CHAIN, COUNTER_MAX)}),
    *(Case(Rule.COUNTER_LIMIT, act, {VENUE_INDEX: record(Tag.VENUE, DAVE, 1, TIME, COUNTER_MAX)})
      for act in (SetCap(0, USDC, 1), MARGIN)),
    Case(Rule.COUNTER_LIMIT, Enact(BTC_PERP), {
        VENUE_INDEX: record(Tag.VENUE, DAVE, 1, TIME, COUNTER_MAX), pending_index(BTC_PERP): DUE_NOW}),
    Case(Rule.TIME_BACKWARD, SetPrice(ETH, 1, 6),
         {parameters_index(ETH): record(Tag.PARAMETERS, 8_500, 0, 7)}),
    Case(Rule.UNSIGNED_PRICE, SetPrice(ETH, 1, 6), unsigned=True),
    Case(Rule.DEPOSIT_ORDER, Deposit(0, 0, ALICE, USDC, 10_000_000_000)),
    Case(Rule.DEPOSIT_ORDER, Deposit(0, 2, ALICE, USDC, 1)),
    Case(Rule.DEPOSIT_ORDER, Receive(0, 2, USDC, 5), before=(Send(0, USDC, 5),)),
    Case(Rule.UNBACKED_DEPOSIT, Deposit(0, 1, ALICE, USDC, 1), empty_queue=True),
    Case(Rule.UNBACKED_DEPOSIT, Receive(0, 1, USDC, 5), empty_queue=True, before=(Send(0, USDC, 5),)),
    Case(Rule.VAULT_SHORT, Withdraw(2, ALICE, USDC, 1)),
    Case(Rule.VAULT_SHORT, Withdraw(0, ALICE, USDC, 10_000_000_001)),
    Case(Rule.VAULT_SHORT, Send(0, USDC, 10_000_000_001)),
    Case(Rule.VAULT_SHORT, Receive(0, 1, USDC, 1)),
    Case(Rule.VAULT_SHORT, Receive(0, 1, USDC, 6), before=(Send(1, USDC, 5),)),
    Case(Rule.DEPOSIT_CAP, Deposit(0, 1, ALICE, USDC, AMOUNT_MAX)),
    Case(Rule.DEPOSIT_CAP, Deposit(0, 1, ALICE, USDC, 38 * CAP_UNIT - 10_000_000_000), before=(SetCap(0, USDC, 38),)),
    Case(Rule.DEPOSIT_CAP, Deposit(0, 1, ALICE, USDC, 1), before=(SetCap(0, USDC, 0),)),
    *(Case(Rule.CHAIN_SUSPENDED, transition, before=(Send(1, USDC, 5), SUSPEND))
      for transition in (
          Deposit(0, 1, ALICE, USDC, 1), Withdraw(0, ALICE, USDC, 1), Send(0, USDC, 1), Receive(0, 1, USDC, 1))),
    Case(Rule.IN_TRANSIT, Deposit(0, 1, SystemAccount.IN_TRANSIT, USDC, 1)),
    Case(Rule.NOTHING_PENDING, Enact(BTC_PERP)),
    Case(Rule.NOTHING_PENDING, Enact(ETH_PERP), before=(MARGIN,)),
    Case(Rule.NOT_YET_DUE, Enact(BTC_PERP), before=(MARGIN,)),
    Case(Rule.NOT_YET_DUE, Enact(BTC_PERP), {pending_index(BTC_PERP): DUE_LATER}),
    Case(Rule.NOT_A_PARAMETER, replace(MARGIN, instrument=ETH)),
    Case(Rule.NOT_A_PARAMETER, replace(MARGIN, instrument=USDC)),
    Case(Rule.NOT_A_PARAMETER, replace(MARGIN, change=(Parameter.HAIRCUT, 600))),
    Case(Rule.NOT_A_PARAMETER, Announce(ETH, (Parameter.MAKER_FEE, 1))),
    Case(Rule.NOT_A_PARAMETER, Announce(ETH, (Parameter.MARGIN_GROWTH, 1))),
    Case(Rule.NOT_A_PARAMETER, Announce(BTC_PERP, (Parameter.MAKER_FEE, 1)), {rules_index(BTC_PERP): EMPTY}),
    Case(Rule.TOTAL_LIMIT, Deposit(2, 1, ALICE, USDC, AMOUNT_MAX)),
    Case(Rule.NO_BALANCE, Transfer(ALICE, BOB, ETH, 1)),
    Case(Rule.NO_BALANCE, Withdraw(2, ALICE, ETH, 1)),
    Case(Rule.NEGATIVE_COLLATERAL, Transfer(BOB, ALICE, ETH, 100_000_001)),
    Case(Rule.NEGATIVE_COLLATERAL, Withdraw(2, ALICE, ETH, 1), {balance_index(ALICE, ETH): balance_record(0)}),
    Case(Rule.BALANCE_LIMIT, BUY, {balance_index(SystemAccount.FEE, USDC): balance_record(AMOUNT_MAX)}, before=(ASK,)),
    Case(Rule.BALANCE_LIMIT, Transfer(ALICE, BOB, USDC, 2), {balance_index(BOB, USDC): balance_record(AMOUNT_MAX - 1)}),
    Case(Rule.ORDER_LIMIT, ASK, {header_index(ALICE): header_record(Role.TRADER, 0, 1, ACCOUNT_ORDERS)}),
    Case(Rule.ORDER_EXPIRED, replace(ASK, expiry=TIME - 1)),
    Case(Rule.ORDER_EXPIRED, replace(MODIFY, expiry=TIME - 1), before=(ASK,)),
    Case(Rule.INSTRUMENT_LIMIT, Deposit(2, 1, ALICE, ETH, 1), crowded(ALICE)),
    Case(Rule.INSTRUMENT_LIMIT, Transfer(BOB, ALICE, ETH, 1), crowded(ALICE)),
    Case(Rule.MARKET_STATUS, ASK, market_rules(Status.REDUCE_ONLY)),
    *(Case(Rule.MARKET_STATUS, replace(ASK, reduce_only=reduces), market_rules(status))
      for status in (Status.HALTED, Status.SETTLED) for reduces in (True, False)),
    Case(Rule.MINIMUM_NOTIONAL, ASK, market_rules(minimum=100 * 6_170_000 + 1)),
    Case(Rule.MINIMUM_NOTIONAL, replace(ASK, price=LIMIT_MAX, size=1), market_rules(minimum=6_170_001)),
    Case(Rule.INTEREST_LIMIT, BUY, market_rules(cap=99), before=(ASK,)),
    Case(Rule.INTEREST_LIMIT, replace(ASK, account=BOB), market_rules(cap=99), before=(replace(ASK, buys=True),)),
    Case(Rule.INTEREST_LIMIT, BUY, market_rules(interest=201, cap=200), before=(ASK,)),
    Case(Rule.INTEREST_LIMIT, replace(BUY, size=161), market_rules(cap=100) | position(BOB, -60),
         before=(replace(ASK, size=161),)),
    Case(Rule.POST_ONLY, replace(BUY, policy=Policy.POST_ONLY), before=(ASK,)),
    Case(Rule.POST_ONLY, replace(ASK, account=BOB, policy=Policy.POST_ONLY), before=(replace(ASK, buys=True),)),
    Case(Rule.POST_ONLY, replace(ASK, buys=True, policy=Policy.POST_ONLY), before=(ASK,)),  # its own
    Case(Rule.POST_ONLY, replace(MODIFY, account=BOB, order=order_id(BOB, 1), buys=True, policy=Policy.POST_ONLY),
         before=(ASK, replace(BUY, price=1, policy=Policy.GOOD_TILL_TIME))),
    Case(Rule.FILL_OR_KILL, replace(BUY, policy=Policy.FILL_OR_KILL)),
    Case(Rule.FILL_OR_KILL, replace(BUY, policy=Policy.FILL_OR_KILL, size=101), before=(ASK,)),
    Case(Rule.FILL_OR_KILL, replace(BUY, policy=Policy.FILL_OR_KILL, price=6_169_999), before=(ASK,)),
    Case(Rule.FILL_OR_KILL, replace(ASK, buys=True, policy=Policy.FILL_OR_KILL), before=(ASK,)),  # its own
    Case(Rule.NOTHING_ACHIEVED, BUY, before=(replace(ASK, reduce_only=True),)),
    Case(Rule.REDUCE_ONLY, replace(BUY, reduce_only=True), before=(ASK,)),
    Case(Rule.REDUCE_ONLY, replace(BUY, reduce_only=True), position(BOB, 1), before=(ASK,)),
    Case(Rule.REDUCE_ONLY, replace(BUY, reduce_only=True), position(BOB, -99), before=(ASK,)),
    Case(Rule.REDUCE_ONLY, replace(ASK, account=BOB, reduce_only=True), position(BOB, 99),
         before=(replace(ASK, buys=True),)),
    Case(Rule.HEALTHY, FORCED, before=(ASK,)),
    Case(Rule.STALE_PRICE, FORCED, old_price(BTC_PERP), before=(replace(ASK, reduce_only=True),)),
    Case(Rule.NOT_THE_OWNER, replace(FORCED, account=CAROL), IN_DEBT, before=(ASK,)),
    Case(Rule.UNKNOWN_ORDER, ForceCancel(CAROL, order_id(CAROL, 1)), IN_DEBT),
    Case(Rule.SYSTEM_ACCOUNT, replace(FORCED, account=SystemAccount.FEE), before=(ASK,)),
    Case(Rule.UNKNOWN_ACCOUNT, replace(FORCED, account=DAVE), before=(ASK,)),
    Case(Rule.HEALTHY, LIQUIDATION, worth(REQUIRED * 6 // 10)),
    Case(Rule.ORDERS_REST, LIQUIDATION,
         below() | {header_index(ALICE): header_record(Role.TRADER, 0, 1 << BTC_PERP | 1, 1)}),
    Case(Rule.BANKRUPT, LIQUIDATION, worth(-1)),
    Case(Rule.BELOW_ZERO_PRICE, replace(LIQUIDATION, price=ZERO - 1), below()),
    Case(Rule.BELOW_ZERO_PRICE, replace(LIQUIDATION, fee=1), below()),
    Case(Rule.BELOW_ZERO_PRICE, replace(LIQUIDATION, price=12_340_001 - ZERO), worth(10**8, -SIZE)),
    Case(Rule.BELOW_ZERO_PRICE, replace(LIQUIDATION, price=12_340_000 - ZERO, fee=1), worth(10**8, -SIZE)),
    Case(Rule.ZERO_PRICE, LIQUIDATION,
         worth(10**8, -SIZE)
         | {market_index(BTC_PERP): market_record(Tag.PERPETUAL, 4, FUNDING_START, LIMIT_MAX, 500, 9999),
            balance_index(ALICE, USDC): balance_record(10**8 + SIZE * LIMIT_MAX)}),
    Case(Rule.OUT_OF_RANGE, replace(LIQUIDATION, fee=10_001), below()),
    Case(Rule.OUT_OF_RANGE, replace(LIQUIDATION, price=0), below()),
    Case(Rule.OUT_OF_RANGE, replace(LIQUIDATION, size=0), below()),
    Case(Rule.NO_POSITION, replace(LIQUIDATION, market=ETH_PERP), below()),
    Case(Rule.NOT_A_MARKET, replace(LIQUIDATION, market=ETH), below()),
    Case(Rule.SYSTEM_ACCOUNT, replace(LIQUIDATION, account=SystemAccount.INSURANCE)),
    Case(Rule.UNKNOWN_ACCOUNT, replace(LIQUIDATION, account=DAVE)),
    Case(Rule.STALE_PRICE, LIQUIDATION, below() | old_price(BTC_PERP)),
    Case(Rule.MARKET_STATUS, LIQUIDATION, below(), before=(SetStatus(BTC_PERP, Status.HALTED),)),
    Case(Rule.UNWIND_PRICE, Unwind(BTC_PERP, True, 1, 6_170_000 + 308_501)),
    Case(Rule.UNWIND_PRICE, Unwind(BTC_PERP, False, 1, 6_170_000 - 308_501)),
    Case(Rule.OUT_OF_RANGE, Unwind(BTC_PERP, False, 1, 0)),
    Case(Rule.NOT_A_MARKET, Unwind(ETH, False, 1, 1)),
    Case(Rule.REDUCE_ONLY, Unwind(BTC_PERP, True, 1, 6_170_000), before=(ASK,)),
    Case(Rule.FUND_SHORT, Unwind(BTC_PERP, True, 1, 6_170_000),
         {balance_index(SystemAccount.INSURANCE, BTC_PERP): held(-1)} | {
             balance_index(SystemAccount.INSURANCE, USDC): balance_record(6_169_999)}, before=(ASK,)),
    Case(Rule.NO_ORDERS, CancelAll(BOB), before=(ASK,)),
    Case(Rule.NO_ORDERS, CancelAll(-1), before=(ASK,)),
    Case(Rule.UNKNOWN_ORDER, Cancel(ALICE, order_id(ALICE, 2)), before=(ASK,)),
    Case(Rule.UNKNOWN_ORDER, Cancel(ALICE, order_id(ALICE, 1)), before=(ASK, BUY)),
    Case(Rule.UNKNOWN_ORDER, replace(MODIFY, order=-1), before=(ASK,)),
    Case(Rule.NOT_THE_OWNER, Cancel(BOB, order_id(ALICE, 1)), before=(ASK,)),
    Case(Rule.NOT_THE_OWNER, replace(MODIFY, account=BOB), before=(ASK,)),
    Case(Rule.NOTIONAL_LIMIT, replace(SELL, size=MOST + 1), rich(ALICE) | rich(BOB),
         before=(replace(HIGH_BID, size=MOST + 1),)),
    Case(Rule.FEE_LIMIT, replace(SELL, size=MOST), rich(ALICE) | rich(BOB), before=(replace(HIGH_BID, size=MOST),)),
    Case(Rule.HOLDING_LIMIT, BUY, rich(BOB) | position(BOB, SIZE_MAX - 99), before=(ASK,)),
    Case(Rule.HOLDING_LIMIT, replace(BUY, policy=Policy.GOOD_TILL_TIME), rich(BOB) | position(BOB, SIZE_MAX - 99)),
    Case(Rule.HOLDING_LIMIT, replace(ASK, size=SIZE_MAX), rich(ALICE), before=(ASK,)),
    *(Case(Rule.HOLDING_LIMIT, replace(ASK, buys=buys, size=1),
           rich(ALICE) | position(ALICE, 5) | {balance_index(ALICE, BTC_PERP): held(-5 if buys else 5, *lots)})
      for buys, lots in ((True, (SIZE_MAX, 0)), (False, (0, SIZE_MAX)))),
    Case(Rule.HOLDING_LIMIT, Transfer(BOB, ALICE, USDC, 1), position(BOB, SIZE_MAX + 1)),
    Case(Rule.HOLDING_LIMIT, Transfer(BOB, ALICE, USDC, 1), position(BOB, -SIZE_MAX - 1)),
    Case(Rule.MARGIN_LIMIT, Transfer(BOB, ALICE, USDC, 1), position(BOB, SIZE_MAX) | mark(BTC_PERP, PRICE_MAX)),
    Case(Rule.STALE_PRICE, Withdraw(1, BOB, USDC, 1), old_price(ETH)),
    Case(Rule.STALE_PRICE, Transfer(BOB, ALICE, USDC, 1), old_price(ETH)),
    Case(Rule.STALE_PRICE, replace(BUY, price=1, policy=Policy.GOOD_TILL_TIME), old_price(ETH)),
    Case(Rule.STALE_PRICE, BUY, old_price(ETH), before=(ASK,)),
    Case(Rule.STALE_PRICE, ASK, old_price(BTC_PERP)),
    Case(Rule.INITIAL_MARGIN, Withdraw(1, ALICE, USDC, 10_000_000_000),
         {balance_index(ALICE, USDC): balance_record(0)}),
    Case(Rule.INITIAL_MARGIN, Transfer(CAROL, ALICE, USDC, 1)),
    Case(Rule.INITIAL_MARGIN, replace(ASK, size=40_000)),
    Case(Rule.INITIAL_MARGIN, replace(ASK, size=20_000), before=(replace(ASK, size=20_000),)),
    Case(Rule.INITIAL_MARGIN, replace(MODIFY, size=40_000), before=(ASK,)),
    Case(Rule.INITIAL_MARGIN, replace(BUY, account=CAROL), before=(ASK,)),
    Case(Rule.INITIAL_MARGIN, replace(BUY, account=CAROL, policy=Policy.GOOD_TILL_TIME)),
    Case(Rule.INITIAL_MARGIN, Withdraw(0, ALICE, USDC, 10_000_000_000), before=(ASK,)),
    Case(Rule.BORROW_MARGIN, Transfer(BOB, ALICE, USDC, 12_277_000_000)),
    Case(Rule.BORROW_LIMIT, Transfer(BOB, ALICE, USDC, 10_000_000_000 + MOST_OWED + 1), MUCH_ETHER),
    # 9,999 USDC owed against 2,278, and nothing to spare for the smallest order
    Case(Rule.BORROW_MARGIN, replace(ASK, account=BOB, size=1),
         {balance_index(BOB, USDC): balance_record(-2_070_909_090)}),
    Case(Rule.HEALTHY, TakeOver(ALICE)),
    Case(Rule.ORDERS_REST, TakeOver(ALICE), before=(ASK,)),
    Case(Rule.FUND_SHORT, TakeOver(CAROL), IN_DEBT),
    Case(Rule.STALE_PRICE, TakeOver(BOB), old_price(ETH)),
    Case(Rule.SYSTEM_ACCOUNT, TakeOver(SystemAccount.LOSS)),
    Case(Rule.UNKNOWN_ACCOUNT, TakeOver(DAVE)),
    Case(Rule.HEALTHY, CONVERT),
    Case(Rule.ORDERS_REST, replace(CONVERT, account=ALICE), before=(ASK,)),
    Case(Rule.NO_SHORTFALL, CONVERT,
         {**position(BOB, 20_000), balance_index(BOB, USDC): balance_record(1 - 20_000 * 6_170_000)}),
    Case(Rule.OUT_OF_RANGE, replace(CONVERT, lots=0), BOB_OWES),
    Case(Rule.OUT_OF_RANGE, replace(CONVERT, lots=SIZE_MAX + 1), BOB_OWES),
    Case(Rule.NOT_PRICED, replace(CONVERT, asset=USDC), BOB_OWES),
    Case(Rule.NOT_COLLATERAL, replace(CONVERT, asset=BTC_PERP), BOB_OWES),
    Case(Rule.CONVERSION_PRICE, replace(CONVERT, price=268_001), BOB_OWES),
    Case(Rule.CONVERSION_PRICE, replace(CONVERT, price=268_000 - 5_360 - 1),
         {balance_index(BOB, USDC): balance_record(-2_270_000_000)}),
    Case(Rule.CONVERSION_PRICE, replace(CONVERT, price=227_799), BOB_OWES),
    Case(Rule.MORE_THAN_NEEDED, replace(CONVERT, lots=11_196), BOB_OWES),
    Case(Rule.NEGATIVE_COLLATERAL, replace(CONVERT, lots=10_001), BOB_OWES),
    Case(Rule.FUND_SHORT, CONVERT, BOB_OWES),
    Case(Rule.STALE_PRICE, CONVERT, {**BOB_OWES, **old_price(ETH)}),
    Case(Rule.SYSTEM_ACCOUNT, replace(CONVERT, account=SystemAccount.LOSS)),
    Case(Rule.UNKNOWN_ACCOUNT, replace(CONVERT, account=DAVE)),
]  # fmt: skip


def prepared(case: Case) -> Ledger:
    ledger = funded_ledger(EmptyQueue() if case.empty_queue else None)
    ledger.store.leaves |= case.records or {}
    ledger.begin_batch(oracle=SilentOracle() if case.unsigned else None)
    for transition in case.before:
        ledger.apply(transition)
    return ledger


def snapshot(ledger: Ledger) -> object:
    """All that a transition may change: records, witness, root, book and events."""
    sides = [ledger.book.orders(market, buys) for market in (BTC_PERP, ETH_PERP) for buys in (True, False)]
    events = list(ledger.trades), list(ledger.removals)
    return ledger.root, ledger.records(), repr(ledger._opened().witness), sides, ledger.book.free_leaf(), events


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
    # Those that need hours or a large book are refused in tests of their own.
    elsewhere = {Rule.BOOK_FULL, Rule.BATCH_FULL, Rule.FUNDING_DUE, Rule.FUNDING_LIMIT}
    assert {case.rule for case in CASES} | elsewhere == set(Rule) == set(MESSAGES)


def test_a_full_batch_takes_nothing_more_but_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = prepared(Case(Rule.BATCH_FULL, ASK, before=(ASK,)))
    assert ledger._memory is not None
    before = snapshot(ledger)
    monkeypatch.setattr("state.memory.MOST_ROWS", ledger._memory.witness.row_count())
    with pytest.raises(Refusal) as caught:
        ledger.apply(Transfer(BOB, ALICE, USDC, 1))
    assert caught.value.rule == Rule.BATCH_FULL
    assert snapshot(ledger) == before
    ledger.close_batch()


def test_a_full_book_takes_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = prepared(Case(Rule.BOOK_FULL, ASK, before=(ASK,)))
    for transition in (ASK, replace(BUY, price=1, policy=Policy.GOOD_TILL_TIME)):
        before = snapshot(ledger)
        with monkeypatch.context() as patched:
            patched.setattr("state.book.MAX_ORDERS", 1)
            with pytest.raises(Refusal) as caught:
                ledger.apply(transition)
        assert caught.value.rule == Rule.BOOK_FULL
        assert snapshot(ledger) == before
    monkeypatch.setattr("state.book.MAX_ORDERS", 1)
    ledger.apply(MODIFY)  # the order that goes makes room
    ledger.apply(BUY)


@pytest.mark.parametrize("time", [-1, TIME - 1, TIME_MAX + 1])
def test_a_batch_has_a_time_that_can_be(time: int) -> None:
    ledger = funded_ledger()
    with pytest.raises(Refusal) as caught:
        ledger.begin_batch(time)
    assert caught.value.rule == (Rule.TIME_BACKWARD if time == TIME - 1 else Rule.OUT_OF_RANGE)
    assert not ledger.in_batch


ACCEPTED: list[tuple[Transition, dict[int, Record]]] = [
    (Transfer(ALICE, BOB, USDC, 10_000_000_000), {}),
    (Transfer(BOB, CAROL, ETH, 100_000_000), {}),
    (Transfer(ALICE, BOB, USDC, 1), {balance_index(BOB, USDC): balance_record(AMOUNT_MAX - 1)}),
    (Deposit(0, 1, SystemAccount.INSURANCE, ETH, 5), {}),
    (Deposit(0, 1, ALICE, USDC, AMOUNT_MAX - 20_000_000_000), {}),
    (Deposit(0, COUNTER_MAX - 1, ALICE, USDC, 1), {chain_index(0): record(Tag.CHAIN, COUNTER_MAX - 1)}),
    (Register(DAVE, KEY), {}),
    (Deposit(0, 1, ALICE, USDC, 38 * CAP_UNIT - 10_000_000_001), {
        vault_index(0, USDC): vault_record(10_000_000_000, 38)}),
    (SetCap(0, USDC, CAP_MAX - 1), {}),
    (SetCap(0, USDC, 0), {}),
    (SetStatus(BTC_PERP, Status.HALTED), {}),
    (Enact(BTC_PERP), {pending_index(BTC_PERP): DUE_NOW}),
    (replace(MARGIN, change=(Parameter.INITIAL_MARGIN, 1)), {}),
    (replace(MARGIN, change=(Parameter.MARGIN_GROWTH, GROWTH_MAX)), {}),
    (Announce(ETH, (Parameter.HAIRCUT, 0)), {}),
    (Announce(ETH, (Parameter.STEP_TIME, 2)), {}),
    (Announce(USDC, (Parameter.BORROW_FRACTION, BORROW_MAX)), {}),
    (SettleMarket(BTC_PERP), mark(BTC_PERP, 268_000, TIME) | market_rules(Status.HALTED)),
    (Send(0, USDC, 10_000_000_000), {}),
    (Transfer(BOB, ALICE, USDC, 10_000_000_000 + MOST_OWED), MUCH_ETHER),
    (Register(MAX_ACCOUNTS - 1, KEY), {VENUE_INDEX: record(Tag.VENUE, MAX_ACCOUNTS - 1, 1, 100)}),
    (SetPrice(ETH, PRICE_MAX, TIME), {}),
    (SetPrice(BTC_PERP, 1, 0), {}),
    (replace(ASK, price=LIMIT_MAX, expiry=TIME_MAX), {}),
    (replace(BUY, price=1, policy=Policy.POST_ONLY, expiry=TIME), {}),
    (replace(ASK, size=SIZE_MAX), rich(ALICE)),
    (ASK, {header_index(ALICE): header_record(Role.TRADER, COUNTER_MAX - 1, 1, ACCOUNT_ORDERS - 1)}),
    (BUY, rich(BOB) | position(BOB, SIZE_MAX)),
    (Transfer(BOB, ALICE, USDC, 1), {balance_index(BOB, ETH): balance_record(SIZE_MAX * 10_000)}),
    (CloseVenue(TIME), {}),
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


def test_an_order_needs_initial_margin_for_all_of_it() -> None:
    def accepts(size: int) -> bool:
        ledger = prepared(Case(Rule.INITIAL_MARGIN, ASK))
        try:
            ledger.apply(replace(ASK, size=size))
        except Refusal as refusal:
            reasons.add((refusal.rule, refusal.values["account"]))
            return False
        return True

    reasons: set[tuple[Rule, int | str]] = set()
    size = largest(lambda size: size == 0 or accepts(size), 100_000)
    assert size == 10_000_000_000 // (6_170_000 * 500 // FRACTION_ONE)
    assert reasons == {(Rule.INITIAL_MARGIN, ALICE)}


def test_a_fill_needs_the_initial_margin_of_both_sides() -> None:
    requirement = 6_170_000 * 500 // FRACTION_ONE

    def left(size: int, rate: int) -> int:  # traded at the mark, only the fee lowers the equity
        return 10_000_000_000 - -(-6_170_000 * size * rate // 1_000_000) - size * requirement

    def traded(size: int, records: dict[int, Record]) -> bool:
        ledger = prepared(Case(Rule.INITIAL_MARGIN, BUY, records, before=(replace(ASK, size=size),)))
        try:
            ledger.apply(replace(BUY, size=size, policy=Policy.GOOD_TILL_TIME))
        except Refusal as refusal:
            reasons.add((refusal.rule, refusal.values["account"]))
            return False
        assert ledger.removals == ([] if ledger.trades else [Removal(order_id(ALICE, 1), Reason.MARGIN)])
        return bool(ledger.trades)

    reasons: set[tuple[Rule, int | str]] = set()
    maker = largest(lambda size: size == 0 or traded(size, rich(BOB)), ENOUGH)
    assert not reasons  # what the maker lacks does not stop the taker's order
    assert left(maker, 200) >= 0 > left(maker + 1, 200)
    no_ether = {balance_index(BOB, ETH): balance_record(0)}
    taker = largest(lambda size: size == 0 or traded(size, rich(ALICE) | no_ether), ENOUGH)
    assert left(taker, 500) >= 0 > left(taker + 1, 500)
    assert reasons == {(Rule.INITIAL_MARGIN, BOB)}


def test_a_fill_moves_exactly() -> None:
    ledger = prepared(Case(Rule.OUT_OF_RANGE, BUY, before=(ASK, replace(BUY, size=7))))
    notional, maker_fee, taker_fee = 6_170_000 * 7, 8_638, 21_595
    assert account_figures(ledger, ALICE).balances == {USDC: 10_000_000_000 + notional - maker_fee, BTC_PERP: -7}
    assert account_figures(ledger, BOB).balances == {
        USDC: 10_000_000_000 - notional - taker_fee, ETH: 100_000_000, BTC_PERP: 7,
    }  # fmt: skip
    assert account_figures(ledger, SystemAccount.FEE).balances[USDC] == maker_fee + taker_fee
    assert [account_figures(ledger, account).nonce for account in (ALICE, BOB)] == [1, 1]
    assert all(backing.holds for backing in invariant(ledger))


def test_fees_round_up() -> None:
    ask, buy = (replace(order, market=ETH_PERP, price=1, size=1) for order in (ASK, BUY))
    ledger = prepared(Case(Rule.OUT_OF_RANGE, buy, before=(ask, buy)))
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
    stored = {market_index(ETH): market_record(Tag.ASSET, 1 << ETH, 10_000, price, 0, 0), **mark(BTC_PERP, price)}
    ledger.store.load((index, record, NO_SALT) for index, record in stored.items())
    ledger.begin_batch()
    for instrument in (ETH, BTC_PERP):
        ledger.apply(SetPrice(instrument, price, 5))
    value, requirement = price * 85 // 100, (price + 19) // 20
    asset, perpetual = (ledger.read(market_index(i)) for i in (ETH, BTC_PERP))
    assert asset == (2, 10_000, price % 2**14, price >> 14, value % 2**14, value >> 14, 3605, Tag.ASSET)
    requirement_of = price % 2**14, price >> 14, requirement % 2**14, requirement >> 14
    assert perpetual == (4, FUNDING_START, *requirement_of, 3605, Tag.PERPETUAL)


MOVES = [  # mark, seconds since the last price, price, mark afterwards; the step time is 600
    (6_000_000, 60, 6_600_000, 6_600_000),
    (6_000_000, 60, 5_400_000, 5_400_000),
    (6_000_000, 60, 6_600_001, 6_600_000),
    (6_000_000, 60, 5_399_999, 5_400_000),
    (6_000_059, 1, 6_010_061, 6_010_060),  # the allowance rounds up
    (6_000_059, 0, 6_000_059, 6_000_059),
    (6_000_059, 0, 6_000_060, 6_000_059),
    (6_000_000, 599, 11_990_000, 11_990_000),
    (6_000_000, 600, 11_990_001, 11_990_000),  # never by as much as the mark itself
    (6_000_000, 1_000_000, 1, 10_000),
    (1, 1_000_000, PRICE_MAX, 2),
    (PRICE_MAX, 1_000_000, 1, PRICE_MAX + -PRICE_MAX * 599 // 600),
]


@pytest.mark.parametrize(("before", "elapsed", "price", "after"), MOVES)
def test_a_price_moves_the_mark_no_further_than_time_allows(before: int, elapsed: int, price: int, after: int) -> None:
    ledger = funded_ledger()
    ledger.store.load([(index, record, NO_SALT) for index, record in mark(BTC_PERP, before).items()])
    ledger.begin_batch(7 + elapsed + TIME)
    ledger.apply(SetPrice(BTC_PERP, before, 7))
    ledger.apply(SetPrice(BTC_PERP, price, 7 + elapsed))
    valid = 7 + elapsed + 3600 + (0 if price == after else CAPPED_BIT if price > after else 2 * CAPPED_BIT)
    assert ledger.read(market_index(BTC_PERP)) == market_record(Tag.PERPETUAL, 4, FUNDING_START, after, 500, valid)


def test_a_capped_mark_is_relied_on_again_once_a_price_is_within_its_step() -> None:
    ledger = funded_ledger()
    ledger.begin_batch(1_000)
    valid = []
    for time, price in ((300, 9_300_000), (301, 9_300_000), (320, 9_300_000)):
        ledger.apply(SetPrice(BTC_PERP, price, time))
        valid.append(ledger.read(market_index(BTC_PERP))[MARKET_VALID])
    assert valid == [CAPPED_BIT + 300 + 3600, CAPPED_BIT + 301 + 3600, 320 + 3600]


def test_the_batch_s_time_is_the_statement_s() -> None:
    ledger = funded_ledger()
    ledger.begin_batch(TIME + 400)
    ledger.apply(SetPrice(ETH, 1, TIME + 400))
    statement, _ = ledger.close_batch()
    assert statement.time == TIME + 400
    ledger.begin_batch()
    assert ledger.time == TIME + 400


def test_calls_out_of_place() -> None:
    ledger = funded_ledger()
    for call in (lambda: ledger.apply(BUY), ledger.abort_batch, ledger.close_batch):
        with pytest.raises(BatchStateError, match="no batch is open"):
            call()
    ledger.begin_batch()
    for call in (ledger.begin_batch, lambda: ledger.rollback(ledger.root)):
        with pytest.raises(BatchStateError, match="a batch is open"):
            call()


def test_figures_of_an_unknown_account() -> None:
    with pytest.raises(Refusal, match="unknown-account"):
        account_figures(funded_ledger(), FIRST_TRADER + 3)
