"""Accesses to account headers and balances that several transitions share."""

from circuits.bounds import ACCOUNT_INSTRUMENTS, ACCOUNT_ORDERS, AMOUNT_MAX, COUNTER_MAX, MAX_ACCOUNTS, SIZE_MAX
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    BALANCE_FUNDING,
    EMPTY,
    HEADER_EVENTS,
    HEADER_MASK,
    HEADER_NONCE,
    HEADER_OPEN,
    HEADER_ORDERS,
    HEADER_ROLE,
    MARKET_FUNDING,
    TAG,
    VENUE_EVENTS,
    VENUE_INDEX,
    Record,
    Role,
    Tag,
    balance_index,
    from_signed_limbs,
    header_index,
    market_index,
    record,
    signed_limbs,
)
from circuits.steps import Step
from state.errors import Refusal, Rule
from state.funding import owed, owes
from state.memory import Behind, Memory, Unsettled
from state.venue import Instrument


def header_record(role: Role, nonce: int, mask: int, orders: int = 0, events: int = 0) -> Record:
    """An account header; orders: how many rest in the book; events: of the venue that the account has seen."""
    return record(Tag.HEADER, role, nonce, mask, orders, mask.bit_count(), events)


def balance_record(amount: int, bids: int = 0, asks: int = 0, funding: int = 0) -> Record:
    """A balance of `amount` units, |amount| <= AMOUNT_MAX; bids, asks: lots resting in the book; funding: of a
    perpetual, the index up to which it is settled."""
    return record(Tag.BALANCE, *signed_limbs(amount), bids, asks, funding)


def balance_amount(balance: Record) -> int:
    """The units in a balance record; an empty leaf holds none."""
    return from_signed_limbs(balance[:4]) if balance != EMPTY else 0


def position_of(memory: Memory, account: int, market: int) -> int:
    """The account's lots in a market, 0 if it has no balance there."""
    return balance_amount(memory.read(balance_index(account, market)))


def read_header(memory: Memory, account: int) -> Record:
    """An account's header. Refuses UNKNOWN_ACCOUNT."""
    header = memory.read(header_index(account)) if 0 <= account < MAX_ACCOUNTS else EMPTY
    if header == EMPTY:
        raise Refusal(Rule.UNKNOWN_ACCOUNT, account=account)
    return header


def access_header(
    memory: Memory,
    step: Step,
    account: int,
    *,
    message: bool = False,
    forced: bool = False,
    opens: int | None = None,
    traders_only: bool = True,
    orders: int = 0,
) -> int:
    """Access a header: a message raises the nonce, but not if it is forced; the instrument `opens` becomes open if its
    balance is an empty leaf; `orders` more rest in the book. Returns the execution row.

    Refuses UNKNOWN_ACCOUNT, SYSTEM_ACCOUNT (if traders_only), COUNTER_LIMIT, INSTRUMENT_LIMIT and ORDER_LIMIT. Raises
    Behind.
    """
    old = read_header(memory, account)
    new = list(old)
    if traders_only and old[HEADER_ROLE] != Role.TRADER:
        raise Refusal(Rule.SYSTEM_ACCOUNT, account=account)
    if old[HEADER_EVENTS] != memory.read(VENUE_INDEX)[VENUE_EVENTS]:
        raise Behind(account)
    if message and not forced:
        new[HEADER_NONCE] = next_count("nonce", old[HEADER_NONCE], COUNTER_MAX)
    if opens is not None and memory.read(balance_index(account, opens))[TAG] == 0:
        new[HEADER_MASK] |= 1 << opens
        new[HEADER_OPEN] += 1
    if new[HEADER_OPEN] > ACCOUNT_INSTRUMENTS:
        raise Refusal(Rule.INSTRUMENT_LIMIT, account=account, limit=ACCOUNT_INSTRUMENTS)
    new[HEADER_ORDERS] += orders
    if new[HEADER_ORDERS] > ACCOUNT_ORDERS:
        raise Refusal(Rule.ORDER_LIMIT, account=account, limit=ACCOUNT_ORDERS)
    return memory.replace(step, header_index(account), old, tuple(new))


def change_balance(
    memory: Memory,
    step: Step,
    account: int,
    instrument: Instrument,
    change: int,
    *,
    opens: bool = False,
    resting: tuple[int, int] = (0, 0),
) -> int:
    """Add `change` units to a balance, and so many lots of resting bids and asks; returns the execution row. An empty
    leaf counts as 0 if `opens`.

    Refuses NO_BALANCE, NEGATIVE_COLLATERAL (an asset other than the quote below 0) and BALANCE_LIMIT.
    """
    index = balance_index(account, instrument.number)
    old = memory.read(index)
    if old == EMPTY and not opens:
        raise Refusal(Rule.NO_BALANCE, account=account, instrument=instrument.name)
    amount = balance_amount(old) + change
    if amount < 0 and instrument.tag == Tag.ASSET:
        raise Refusal(Rule.NEGATIVE_COLLATERAL, account=account, would=amount, instrument=instrument.name)
    if abs(amount) > AMOUNT_MAX:
        raise Refusal(Rule.BALANCE_LIMIT, account=account, would=amount, instrument=instrument.name, limit=AMOUNT_MAX)
    funding = old[BALANCE_FUNDING]
    if old == EMPTY and instrument.tag == Tag.PERPETUAL:
        funding = memory.read(market_index(instrument.number))[MARKET_FUNDING]
    new = balance_record(amount, old[BALANCE_BIDS] + resting[0], old[BALANCE_ASKS] + resting[1], funding)
    return memory.replace(step, index, old, new)


def pay_funding(memory: Memory, account: int, market: Instrument, index: int, other: int) -> None:
    """Settle a position up to that funding index; what it pays or is paid moves to or from one of the venue's accounts.

    Refuses NO_BALANCE, HOLDING_LIMIT (a position that is no trader's may be beyond SIZE_MAX) and BALANCE_LIMIT.
    """
    leaf = balance_index(account, market.number)
    old = memory.read(leaf)
    if old == EMPTY:
        raise Refusal(Rule.NO_BALANCE, account=account, instrument=market.name)
    lots = balance_amount(old)
    if abs(lots) > SIZE_MAX:
        raise Refusal(Rule.HOLDING_LIMIT, account=account, lots=lots, instrument=market.name, limit=SIZE_MAX)
    payment = owed(old, index)
    new = list(old)
    new[BALANCE_FUNDING] = index
    memory.replace(Step.PAY_BASE, leaf, old, tuple(new))
    change_balance(memory, Step.SWAP_QUOTE, account, memory.venue.quote, -payment)
    change_balance(memory, Step.SWAP_OTHER_QUOTE, other, memory.venue.quote, payment)


def swap(
    memory: Memory, account: int, other: int, instrument: Instrument, units: int, quote: int, *, past: bool = False
) -> None:
    """Give an account so many units of the instrument and so much quote; they come from one of the venue's accounts.

    past: the position is settled up to another funding index than the market's present one, and that is right.

    Refuses what `change_balance` refuses. Raises Unsettled.
    """
    balance = memory.read(balance_index(account, instrument.number))
    if not past and instrument.tag == Tag.PERPETUAL and owes(balance, memory.read(market_index(instrument.number))):
        raise Unsettled(account, instrument.number)
    change_balance(memory, Step.SWAP_BASE, account, instrument, units)
    change_balance(memory, Step.SWAP_OTHER_BASE, other, instrument, -units)
    change_balance(memory, Step.SWAP_QUOTE, account, memory.venue.quote, quote)
    change_balance(memory, Step.SWAP_OTHER_QUOTE, other, memory.venue.quote, -quote)


def refuse_resting(memory: Memory, account: int, instrument: Instrument) -> None:
    """Refuse (HOLDING_LIMIT) more lots resting on a side than a margin check counts without the position.

    Nobody could reduce such an account's position, nor then touch it.
    """
    balance = memory.read(balance_index(account, instrument.number))
    resting = max(balance[BALANCE_BIDS : BALANCE_ASKS + 1])
    if resting > SIZE_MAX:
        raise Refusal(
            Rule.HOLDING_LIMIT, account=account, lots=resting, instrument=instrument.name, limit=SIZE_MAX
        )


def next_count(counter: str, count: int, limit: int) -> int:
    """count + 1. Refuses COUNTER_LIMIT above the limit."""
    if count >= limit:
        raise Refusal(Rule.COUNTER_LIMIT, counter=counter, limit=limit)
    return count + 1
