"""Deleveragings, losses and what accounts see of them, written without the ledger's rules."""

from collections.abc import Mapping, Sequence

from circuits.bounds import FUNDING_ONE
from circuits.field import P
from circuits.records import (
    BALANCE_FUNDING,
    EMPTY,
    EVENT_BOOK,
    EVENT_FUNDING,
    EVENT_INTEREST,
    EVENT_LOTS,
    EVENT_PRICE,
    HEADER_EVENTS,
    MARKET_FUNDING,
    MARKET_MARK,
    MARKET_WEIGHT,
    RULES_INTEREST,
    VENUE_EVENTS,
    VENUE_INDEX,
    SystemAccount,
    balance_index,
    event_index,
    from_limbs,
    header_index,
    market_index,
    rules_index,
)
from circuits.steps import Kind, Step
from state.accounts import balance_amount
from state.margin import Margin, assess, open_entries
from state.memory import Memory
from state.transitions.deleverage import event_record
from state.zero_price import zero_price
from tests.batches import BTC_PERP, USDC
from tests.deleveragings import ALICE, ERIN
from tests.mutation.standing import check
from tests.tamper.forger import Forger

Unseen = Mapping[int, Sequence[int]]  # instruments that the check of an account leaves out
SEEN: Unseen = {}
INSURANCE, POOL, ROUNDING, LOSS = (
    SystemAccount.INSURANCE, SystemAccount.FUNDING_POOL, SystemAccount.ROUNDING, SystemAccount.LOSS,
)  # fmt: skip


def position(memory: Memory, account: int, market: int = BTC_PERP) -> int:
    """The lots of an account."""
    return balance_amount(memory.read(balance_index(account, market)))


def put(memory: Memory, step: Step, index: int, element: int, change: int) -> None:
    """An element of a record changes by so much."""
    old = memory.read(index)
    memory.replace(step, index, old, (*old[:element], (old[element] + change) % P, *old[element + 1 :]))


def seen(forger: Forger, account: int, unseen: Unseen = SEEN) -> Margin:
    """The sums of an account, as its check sees them."""
    hidden = unseen.get(account, ())
    entries = [entry for entry in open_entries(forger.memory.read, account) if entry[0] not in hidden]
    return assess(forger.memory.venue, account, entries)


def equities(forger: Forger, account: int, insurer: int = INSURANCE, unseen: Unseen = SEEN) -> int:
    """The two checks; returns 1 if the fund's equity is negative. insurer: who is taken for the fund."""
    fund = seen(forger, insurer, unseen).equity
    for step, party in ((Step.DELEVERAGE_FUND, insurer), (Step.DELEVERAGE_HEADER, account)):
        check(forger, forger.header(step, party), party, unseen.get(party, ()))
    return int(fund < 0)


def swap(forger: Forger, account: int, other: int, market: int, lots: int, quote: int) -> None:
    """The account gives lots, and gets quote."""
    forger.balance(Step.SWAP_BASE, account, market, -lots)
    forger.balance(Step.SWAP_OTHER_BASE, other, market, lots)
    pay(forger, account, other, quote)


def pay(forger: Forger, account: int, other: int, quote: int) -> None:
    """The account gets quote."""
    forger.balance(Step.SWAP_QUOTE, account, USDC, quote)
    forger.balance(Step.SWAP_OTHER_QUOTE, other, USDC, -quote)


def deleverage(
    forger: Forger,
    account: int = ALICE,
    market: int = BTC_PERP,
    *,
    worse: int = 0,
    lots: int | None = None,
    closed: int | None = None,
    interest: int | None = None,
    insurer: int = INSURANCE,
    taker: int = ROUNDING,
    unseen: Unseen = SEEN,
) -> None:
    """A position, or so many lots of it, is closed at its zero price or so much above it; the event says that so many
    lots of such an open interest were."""
    memory, margin = forger.memory, seen(forger, account, unseen)
    fund_fails = equities(forger, account, insurer, unseen)
    record = memory.look(Step.ZERO_MARKET, market_index(market))
    memory.look(Step.ZERO_PRICE, market_index(market))
    held = position(memory, account, market)
    lots = held if lots is None else lots
    mark, weight = (from_limbs(record[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
    price = zero_price(margin.equity, max(margin.requirement, 1), mark, weight, long=held > 0) + worse
    number = memory.read(VENUE_INDEX)[VENUE_EVENTS]
    put(memory, Step.DELEVERAGE_VENUE, VENUE_INDEX, VENUE_EVENTS, 1)
    stood = memory.read(rules_index(market))[RULES_INTEREST]
    put(memory, Step.DELEVERAGE_RULES, rules_index(market), RULES_INTEREST, -abs(lots))
    said = abs(lots) if closed is None else closed, stood if interest is None else interest
    event = event_record(market, held < 0, *said, price % P, record[MARKET_FUNDING])
    memory.replace(Step.DELEVERAGE_EVENT, event_index(number), EMPTY, event)
    swap(forger, account, taker, market, lots, lots * price)
    memory.witness.begin(Kind.DELEVERAGE, account, market, fund_fails)


def socialise(forger: Forger, account: int = ERIN, *, loss: int | None = None) -> None:
    """An account gets what it lacks, or another amount."""
    loss = -seen(forger, account).equity if loss is None else loss
    fund_fails = equities(forger, account)
    put(forger.memory, Step.DELEVERAGE_VENUE, VENUE_INDEX, VENUE_EVENTS, 0)
    pay(forger, account, LOSS, loss)
    forger.memory.witness.begin(Kind.SOCIALISE, account, fund_fails)


def see(
    forger: Forger,
    account: int,
    *,
    number: int | None = None,
    share: int | None = None,
    worse: int = 0,
    counts: int = 1,
    concerned: bool | None = None,
    market: int | None = None,
    funding: int | None = None,
    taker: int = ROUNDING,
    pool: int = POOL,
) -> None:
    """An account sees an event, by default the next one, and gives its share of it, or another one. funding: the index
    up to which it is paid before."""
    memory, header = forger.memory, forger.memory.read(header_index(account))
    number = header[HEADER_EVENTS] if number is None else number
    event = memory.read(event_index(number))
    market = event[EVENT_BOOK] // 2 if market is None else market
    sign = 1 if event[EVENT_BOOK] % 2 else -1
    leaf = balance_index(account, market)
    memory.look(Step.EVENT_BALANCE, leaf)
    lots = sign * position(memory, account, market)
    concerned = lots > 0 if concerned is None else concerned
    if concerned:
        old = memory.read(leaf)
        change = (event[EVENT_FUNDING] if funding is None else funding) - old[BALANCE_FUNDING]
        owed = -(-sign * lots * change // FUNDING_ONE)
        put(memory, Step.PAY_BASE, leaf, BALANCE_FUNDING, change)
        pay(forger, account, pool, -owed)
    memory.look(Step.EVENT_RECORD, event_index(number))
    put(memory, Step.EVENT_HEADER, header_index(account), HEADER_EVENTS, counts)
    if concerned:
        closed, interest = (from_limbs(event[at : at + 2]) for at in (EVENT_LOTS, EVENT_INTEREST))
        share = -(-lots * closed // interest) if share is None else share
        worth = sign * share * (event[EVENT_PRICE] + worse)
        swap(forger, account, taker, market, sign * share, worth)
    memory.witness.begin(Kind.EVENT, account)
    memory.witness.begin(Kind.REDUCE if concerned else Kind.UNMOVED, account)
