"""A ledger as if an account had come to owe what it cannot pay, and the forger's takeovers and conversions there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from circuits.bounds import FUNDING_START
from circuits.field import P
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    HEADER_MASK,
    HEADER_OPEN,
    MARKET_LOT_UNITS,
    RULES_INTEREST,
    Record,
    SystemAccount,
    balance_index,
    from_signed_limbs,
    header_index,
    market_index,
    rules_index,
)
from circuits.steps import Kind, Step
from state.accounts import balance_record
from state.ledger import Ledger
from state.margin import open_entries
from state.store import NO_SALT
from state.transitions.order import Order
from state.transitions.price import SetPrice
from tests.batches import BTC_PERP, DEBTOR, ETH, LATE, USDC, run_batch
from tests.mutation.stage import staged
from tests.tamper.forger import Forger

FUND = SystemAccount.INSURANCE
HELD = (USDC, ETH, BTC_PERP)
SECOND = 12  # after the last prices of the stage, by one or two
BITS = {number: 1 << number for number in range(4)}


@dataclass(frozen=True)
class Standing:
    """What the debtor and the insurance fund hold, and whether an order of the debtor rests. By default the debtor owes
    more than its ether counts for, and the fund can pay that."""

    quote: int = -24_000_000_000
    eth: int = 1_000_000_000
    btc: int = 100
    fund_quote: int = 5_000_000_000
    fund_eth: int = 0
    fund_btc: int = 0
    order: bool = False
    further: Mapping[int, Record] = field(default_factory=dict)  # records by leaf


def standing(said: Standing | None = None) -> Ledger:
    """The stage with these records."""
    said = said or Standing()
    ledger = staged(*([Order(DEBTOR, BTC_PERP, True, 5_000_000, 3, LATE)] if said.order else []))
    header = list(ledger.read(header_index(DEBTOR)))
    header[HEADER_MASK], header[HEADER_OPEN] = sum(BITS[number] for number in HELD), len(HELD)
    leaves: dict[int, Record] = {header_index(DEBTOR): tuple(header)}
    for account, amounts in (
        (DEBTOR, (said.quote, said.eth, said.btc)), (FUND, (said.fund_quote, said.fund_eth, said.fund_btc)),
    ):  # fmt: skip
        for number, amount in zip(HELD, amounts, strict=True):
            leaf = balance_index(account, number)
            bids, asks = ledger.read(leaf)[BALANCE_BIDS : BALANCE_ASKS + 1]
            leaves[leaf] = balance_record(amount, bids, asks, FUNDING_START if number == BTC_PERP else 0)
    ledger.store.load((index, record, NO_SALT) for index, record in {**leaves, **said.further}.items())
    return ledger


def capped(instrument: int, price: int, said: Standing | None = None) -> Ledger:
    """The same, after a price that is over its step."""
    ledger = standing(said)
    run_batch(ledger, [SetPrice(instrument, price, SECOND)], 80)
    return ledger


def amount_of(forger: Forger, account: int, instrument: int) -> int:
    """What the account has of the instrument."""
    return from_signed_limbs(forger.memory.read(balance_index(account, instrument))[:4])


def take_over(
    forger: Forger,
    account: int = DEBTOR,
    *,
    taken: Sequence[int] = HELD,
    remaining: Sequence[int] | None = None,
    more: int = 0,
    unseen: Sequence[int] = (),
    unseen_of_fund: Sequence[int] = (),
    fund: int = FUND,
    sources: Mapping[int, int] | None = None,
    also: Callable[[Forger], None] | None = None,
) -> None:
    """The account's balances in `taken` go to the fund, and `more` quote, which is nobody's. remaining: what is said to
    remain before each. sources: of whom an instrument is taken instead. also: what is taken last. Checks leave out what
    is unseen; the last one is of the account `fund`."""
    memory = forger.memory
    check(forger, forger.header(Step.TAKE_HEADER, account), account, unseen)
    memory.witness.begin(Kind.TAKE_OVER, account)
    left = memory.read(header_index(account))[HEADER_MASK]
    for place, number in enumerate(taken):
        memory.witness.begin(Kind.TAKE, account, number, left if remaining is None else remaining[place])
        take(forger, (sources or {}).get(number, account), number, more if number == USDC else 0)
        left -= 1 << number
    if also:
        also(forger)
    check(forger, forger.header(Step.FUND_HEADER, fund), fund, unseen_of_fund)
    memory.witness.begin(Kind.TAKEN)


def take(forger: Forger, account: int, number: int, more: int) -> None:
    """One balance goes to the fund."""
    memory, rules = forger.memory, rules_index(number)
    memory.look(Step.TAKE_MARKET, market_index(number))
    amount, held = (amount_of(forger, who, number) for who in (account, FUND))
    forger.balance(Step.TAKE_BASE, account, number, -amount)
    forger.balance(Step.TAKE_FUND_BASE, FUND, number, amount + more)
    old = memory.read(rules)
    grown = max(held + amount, 0) - max(held, 0) - max(amount, 0) if number >= BTC_PERP else 0
    new = (*old[:RULES_INTEREST], (old[RULES_INTEREST] + grown) % P, *old[RULES_INTEREST + 1 :])
    memory.replace(Step.TAKE_RULES, rules, old, new)


def check(forger: Forger, row: int, account: int, unseen: Sequence[int] = ()) -> None:
    """The margin check that the row asks for, without some instruments."""
    for instrument, balance, market in open_entries(forger.memory.read, account):
        if instrument not in unseen:
            forger.memory.visit(row, account, instrument, balance, market)


def convert(
    forger: Forger,
    lots: int = 1_000,
    price: int = 265_000,
    *,
    asset: int = ETH,
    account: int = DEBTOR,
    shortfall: int | None = None,
    units: int | None = None,
    amount: int | None = None,
    fund: int = FUND,
    unseen_of_fund: Sequence[int] = (),
    fund_fails: int = 0,
) -> None:
    """So many lots of an asset at a price a lot; by default the shortfall is what is owed, and the rest
    follows. fund_fails: whether the fund's check is said to fail, and that waived."""
    memory = forger.memory
    row = forger.header(Step.SEIZE_HEADER, account)
    check(forger, row, account)
    owed = shortfall if shortfall is not None else -cash(forger, account)
    market = memory.look(Step.CONVERT_MARKET, market_index(asset))
    memory.look(Step.CONVERT_WORTH, market_index(asset))
    units = lots * market[MARKET_LOT_UNITS] if units is None else units
    amount = lots * price if amount is None else amount
    forger.balance(Step.SWAP_BASE, account, asset, -units)
    forger.balance(Step.SWAP_OTHER_BASE, FUND, asset, units)
    forger.balance(Step.SWAP_QUOTE, account, USDC, amount)
    forger.balance(Step.SWAP_OTHER_QUOTE, FUND, USDC, -amount)
    check(forger, forger.header(Step.FUND_HEADER, fund), fund, unseen_of_fund)
    memory.witness.begin(Kind.CONVERT, account, asset, lots, price, owed, fund_fails)


def cash(forger: Forger, account: int) -> int:
    """Quote and what positions are worth."""
    found = 0
    for instrument, balance, market in open_entries(forger.memory.read, account):
        mark = market[2] + (market[3] << 14)
        if instrument != ETH:
            found += from_signed_limbs(balance[:4]) * (1 if instrument == USDC else mark)
    return found

