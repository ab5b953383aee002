"""Small ledgers and batches that the tests of several layers share."""

import re
from dataclasses import replace
from pathlib import Path

from circuits.acts import Parameter
from circuits.bounds import FUNDING_INTERVAL, FUNDING_START
from circuits.records import (
    FIRST_TRADER,
    MARKET_FUNDING,
    ChainStatus,
    Status,
    SystemAccount,
    Tag,
    funding_index,
    market_index,
    rules_index,
)
from circuits.statement import Statement
from circuits.witness import Witness
from solvent import LaneHasher
from state.book import order_id
from state.funding import funding_record, premium_sum
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.apply_event import ApplyEvent
from state.transitions.apply_funding import ApplyFunding
from state.transitions.cancel import Cancel, CancelAll, ForceCancel, Modify
from state.transitions.cash_out import CashOut
from state.transitions.convert import Convert
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.enact import Enact
from state.transitions.liquidate import Liquidate
from state.transitions.order import Order, Policy
from state.transitions.pay_funding import PayFunding
from state.transitions.price import SetPrice
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
from state.venue import Venue, load_venue, parse_venue

VENUE_FILE = Path(__file__).parent.parent / "cli" / "venue.toml"
USDC, ETH, BTC_PERP, ETH_PERP = range(4)
LATE = 1_000_000  # an expiry
HOUR = FUNDING_INTERVAL  # the one second of a new ledger at which funding can be sampled and applied
STEP_TIME = 60  # seconds, of the brisk venue
ALICE, BOB, CAROL = range(FIRST_TRADER, FIRST_TRADER + 3)
DEBTOR = CAROL + 1  # of `every_rescue`
RUINED, BORROWER = CAROL + 2, CAROL + 3  # of `every_loss`


def default_venue() -> Venue:
    """The venue that the command line ships."""
    return load_venue(VENUE_FILE)


def brisk_venue(**prices: str) -> Venue:
    """The default venue, but marks may move by nearly their own value within STEP_TIME seconds. prices: what
    instruments cost at genesis, by their names with _ for -."""
    source = default_venue().source.replace("step_time = 600", f"step_time = {STEP_TIME}")
    for name, price in prices.items():
        before, named, after = source.partition(f'name = "{name.replace("_", "-")}"')
        source = before + named + re.sub('\nprice = ".*"', f'\nprice = "{price}"', after, count=1)
    return parse_venue(source)


def new_ledger(staleness: int | None = None, *, notice: int | None = None, venue: Venue | None = None) -> Ledger:
    """A fresh ledger, by default of the brisk venue, with another staleness of prices or notice of changes if they
    are said, in seconds."""
    venue = venue or brisk_venue()
    if notice is not None:
        venue = replace(venue, notice=notice)
    if staleness is not None:
        aging = (i if i.tag == Tag.QUOTE else replace(i, staleness=staleness) for i in venue.instruments)
        venue = replace(venue, instruments=tuple(aging))
    return Ledger.genesis(venue, LaneHasher())


def with_rules(ledger: Ledger, market: int, rules: dict[int, int]) -> Ledger:
    """The ledger as if these elements of the market's rules had always been so."""
    index = rules_index(market)
    record = tuple(rules.get(element, value) for element, value in enumerate(ledger.read(index)))
    ledger.store.load([(index, record, NO_SALT)])
    return ledger


def with_funding(ledger: Ledger, market: int, change: int = 0, **funding: int) -> Ledger:
    """The ledger as if the market's funding index had changed by so much since genesis. funding: of its record."""
    record = list(ledger.read(market_index(market)))
    record[MARKET_FUNDING] = FUNDING_START + change
    found = ledger.read(funding_index(market))
    said = {"premiums": premium_sum(found), "sampled": found[3], "applied": found[4], "impact": found[5]} | funding
    premiums = funding_record(**said)
    ledger.store.load(
        [(market_index(market), tuple(record), NO_SALT), (funding_index(market), premiums, NO_SALT)]
    )
    return ledger


def prompt_ledger(staleness: int | None = None) -> Ledger:
    """The same, but what the operator announces is due at once."""
    return new_ledger(staleness, notice=0)


def every_kind() -> list[Transition]:
    """A batch with every kind of a trader's transition: three accounts funded on two chains trade both markets. Before,
    Carol loses an order: she owes quote against ETH, whose price falls for a moment."""
    key = (1, 2, 3, 4, 5, 6, 7)
    return [
        *(Register(account, key) for account in (ALICE, BOB, CAROL)),
        Deposit(0, 0, ALICE, USDC, 50_000_000_000),
        Deposit(1, 0, BOB, USDC, 80_000_000_000),
        Deposit(2, 0, BOB, ETH, 1_234_567_890),
        Deposit(2, 1, CAROL, ETH, 1_000_000_001),
        Order(CAROL, BTC_PERP, True, 6_000_000, 5, LATE),
        Transfer(CAROL, ALICE, USDC, 20_000_000_000),
        SetPrice(ETH, 245_000, 5),
        ForceCancel(CAROL, order_id(CAROL, 1)),
        Transfer(ALICE, CAROL, USDC, 20_000_000_000),
        SetPrice(BTC_PERP, 6_180_030, 10),
        SetPrice(ETH_PERP, 2_681_620, 11),
        SetPrice(ETH, 268_162, 11),
        *trade(BTC_PERP, ALICE, BOB, 6_180_100, 12_345, True),
        *trade(ETH_PERP, BOB, CAROL, 2_681_620, 777, False),
        Transfer(ALICE, CAROL, USDC, 1_000_000_000),
        Transfer(BOB, ALICE, ETH, 10),
        Withdraw(1, BOB, USDC, 2_000_000),
        Withdraw(2, CAROL, ETH, 5),
        *trade(BTC_PERP, BOB, ALICE, 6_181_000, 20_000, True),
    ]


def every_act() -> list[Transition]:
    """What the operator does, on the batch of `every_kind`: all kinds, if the ledger needs no notice."""
    return [
        SetStatus(BTC_PERP, Status.HALTED),
        SetStatus(BTC_PERP, Status.ACTIVE),
        SetChain(0, ChainStatus.SUSPENDED),
        SetChain(0, ChainStatus.ACTIVE),
        SetCap(2, ETH, 1_000),
        Announce(BTC_PERP, (Parameter.INITIAL_MARGIN, 600)),
        Announce(BTC_PERP, (Parameter.TAKER_FEE, 400)),
        Enact(BTC_PERP),
        Announce(USDC, (Parameter.BORROW_FRACTION, 150)),
        Send(0, USDC, 5_000_000),
        Receive(1, 1, USDC, 3_000_000),
    ]


def every_funding() -> list[Transition]:
    """To go on the batch of `every_kind` with, at HOUR: the index of BTC-PERP rises by 3, and one of ETH-PERP's falls.

    Alice is settled by herself, Bob by his own transfer.
    """
    return [
        Order(BOB, BTC_PERP, True, 6_180_130, 1_000, LATE, Policy.POST_ONLY),
        Order(CAROL, ETH_PERP, False, 2_681_500, 2_000, LATE, Policy.POST_ONLY),
        *(SampleFunding(market) for market in (BTC_PERP, ETH_PERP)),
        *(ApplyFunding(market) for market in (BTC_PERP, ETH_PERP)),
        PayFunding(ALICE, BTC_PERP),
        CancelAll(BOB),
        CancelAll(CAROL),
        Transfer(BOB, ALICE, USDC, 1),
        PayFunding(CAROL, ETH_PERP),
    ]


def every_settlement() -> list[Transition]:
    """To go on the batch of `every_kind` with; Bob is long in ETH-PERP, Carol short."""
    return [
        SetStatus(ETH_PERP, Status.HALTED),
        SettleMarket(ETH_PERP),
        CashOut(BOB, ETH_PERP),
        CashOut(CAROL, ETH_PERP),
    ]


def every_rescue() -> list[Transition]:
    """To go on the batch of `every_kind` with: an account that has borrowed against its ETH loses some of it, and
    at last all, to the insurance fund."""
    return [
        Register(DEBTOR, (9,) * 7),
        Deposit(0, 1, SystemAccount.INSURANCE, USDC, 5_000_000_000),
        Deposit(2, 2, DEBTOR, ETH, 1_000_000_000),
        *trade(BTC_PERP, ALICE, DEBTOR, 6_180_100, 100, True),
        Withdraw(0, DEBTOR, USDC, 18_000_000_000),
        SetPrice(ETH, 215_000, 40),
        Convert(DEBTOR, ETH, 1_000, 212_000),
        SetPrice(ETH, 190_000, 60),
        TakeOver(DEBTOR),
    ]


def every_loss() -> list[Transition]:
    """To go on the batch of `every_rescue` with: two accounts that the insurance fund cannot take over. Of one a
    position is closed against all that are opposite, what the other owes becomes a loss."""
    return [
        *(Register(account, (8,) * 7) for account in (RUINED, BORROWER)),
        Deposit(0, 2, RUINED, USDC, 3_000_000_000),
        Deposit(2, 3, BORROWER, ETH, 1_000_000_000),
        Deposit(0, 3, SystemAccount.INSURANCE, USDC, 4_800_000_000),  # with which it has hardly any equity
        *trade(BTC_PERP, ALICE, RUINED, 6_180_100, 5_000, True),
        Withdraw(0, BORROWER, USDC, 10_000_000_000),
        SetPrice(BTC_PERP, 4_000_000, 160),
        SetPrice(ETH, 100_000, 160),
        Deleverage(RUINED, BTC_PERP),
        ApplyEvent(RUINED),
        ApplyEvent(BOB),
        Convert(BORROWER, ETH, 100_000, 85_000),
        Socialise(BORROWER),
    ]


def every_liquidation() -> list[Transition]:
    """To go on the batch of `every_kind` with: Alice, who is long in BTC-PERP and has no orders, keeps too little when
    the price falls. The first fill is not enough, and after the second one the rest of her position stays."""
    return [
        Transfer(ALICE, CAROL, USDC, 46_200_000_000),
        SetPrice(BTC_PERP, 5_950_000, 50),
        Order(BOB, BTC_PERP, True, 5_949_000, 1_500, LATE),
        Order(BOB, BTC_PERP, True, 5_948_000, 2_500, LATE),
        Liquidate(ALICE, BTC_PERP, 7_000, 5_900_000, 1_000),
        Unwind(BTC_PERP, True, 5, 5_900_000),  # the fund has nothing, so it must not meet anything
    ]


def every_order() -> list[Transition]:
    """What may become of an order, to go on the batch of `every_kind` with: all kinds, but no order that is expired."""
    now, whole, post = Policy.IMMEDIATE_OR_CANCEL, Policy.FILL_OR_KILL, Policy.POST_ONLY
    return [
        Order(CAROL, ETH_PERP, False, 1, 20_000, LATE),  # so cheap that it would ruin her
        Order(BOB, ETH_PERP, True, 2_681_620, 20_000, LATE),  # FAIL, REST
        Order(ALICE, BTC_PERP, True, 6_180_000, 7, LATE),  # REST
        Order(ALICE, BTC_PERP, False, 6_180_000, 3, LATE, now),  # SKIP her own
        Order(CAROL, BTC_PERP, True, 6_180_000, 4, LATE, reduce_only=True),
        Order(BOB, BTC_PERP, False, 6_180_000, 9, LATE),  # SKIP what would grow, REST
        Order(ALICE, BTC_PERP, True, 6_180_100, 2, LATE, whole),  # MATCH, FILLED
        Order(BOB, ETH_PERP, True, 2_600_000, 5, LATE, post),
        Modify(order_id(BOB, 7), BOB, BTC_PERP, False, 6_190_000, 6, LATE),
        Cancel(BOB, order_id(BOB, 8)),
        Order(BOB, BTC_PERP, False, 6_190_000, 5, LATE),
        CancelAll(BOB),
        Order(ALICE, BTC_PERP, True, 6_170_000, 5, LATE, post),  # stays in the book
    ]


def trade(market: int, maker: int, taker: int, price: int, size: int, taker_buys: bool) -> list[Transition]:
    """An order of the maker, and one of the taker that meets it."""
    return [
        Order(maker, market, not taker_buys, price, size, LATE),
        Order(taker, market, taker_buys, price, size, LATE, Policy.IMMEDIATE_OR_CANCEL),
    ]


def run_batch(ledger: Ledger, transitions: list[Transition], time: int = 60) -> tuple[Statement, Witness]:
    """Apply the transitions as one batch that ends at `time`."""
    ledger.begin_batch(time)
    for transition in transitions:
        ledger.apply(transition)
    return ledger.close_batch()
