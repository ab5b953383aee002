"""The authenticated memory: where each record lives (leaf index) and what its 8 elements are.

Every record carries its kind's tag as the last element; an empty leaf is all zeros. A step checks the tag of what it
reads, so an index computed from a wrong id can only hit a record of the same kind, that is, the record of that very id.
"""

from collections.abc import Sequence
from enum import IntEnum

from circuits.bounds import ACCOUNT_SLOTS, AMOUNT_LIMBS, BIAS, LIMB, LIMB_BITS

RECORD_SIZE = 8
DIGEST_SIZE = 8
SALT_SIZE = 4
LEAF_DOMAIN = 1  # a leaf hashes record || salt || (LEAF_DOMAIN, 0, 0, 0); an inner node hashes two digests
Record = tuple[int, ...]
EMPTY: Record = (0,) * RECORD_SIZE


class Tag(IntEnum):
    """The kind of a record, its element TAG."""

    VENUE = 1  # accounts, batches, time, acts of the operator, seconds of notice that some of them need, events
    CHAIN = 2  # deposits, withdrawals, status
    VAULT = 3  # amount limbs (unsigned), cap of deposits
    # Market records: bit, lot units, mark (2), weight (2), last second at which the mark is fresh, and CAPPED_BIT more
    # if it was kept from reaching its price, which is above, or twice that if it is below.
    QUOTE = 4  # lot units = 1; then the maintenance and close-out ratio, the borrow fraction and the borrow cap
    ASSET = 5  # a collateral asset; weight: collateral value a lot
    PERPETUAL = 6  # instead of the lot units, which are 1, the funding index; weight: initial requirement a lot
    PARAMETERS = 7  # fraction (initial margin or 1 - haircut), prices set so far, last one's time, staleness, step time
    TOTAL = 8  # liabilities of a collateral instrument: amount limbs (unsigned), bit
    HEADER = 9  # role, nonce, mask of open instruments, resting orders, number of open instruments, events seen
    KEY = 10  # authorisation key root, 7 elements
    BALANCE = 11  # amount limbs (biased), lots of all resting bids, of all resting asks, funding index (perpetuals)
    ORDER = 12  # next order's leaf, price, lots left, account, expiry, book (2 * market + 1 if it buys), nonce
    REDUCE_ORDER = 13  # the same, reduce-only
    RULES = 14  # of a perpetual: status, maker fee, taker fee, minimum notional, open interest, its cap, margin growth
    PENDING = 16  # an announced change: leaf and element that it is of, the new value, its first second
    EVENT = 18  # of a deleveraging: book that it reduces, lots closed (2), open interest (2), price, funding index
    FUNDING = 17  # of a perpetual: sum of premiums (3 limbs, biased), times of the last sample and application, impact
    SETTLED = 15  # rules or parameters of a perpetual whose mark is final; elements as before


class Role(IntEnum):
    """The kind of an account; its rule stands beside it."""

    TRADER = 1  # sends messages; equity >= initial requirement after each
    SYSTEM = 2  # sends no messages: the ledger alone moves its balances


class Status(IntEnum):
    """What a market does with orders."""

    ACTIVE = 0
    REDUCE_ONLY = 1  # positions shrink, none grows
    HALTED = 2
    SETTLED = 3  # at a final price


class ChainStatus(IntEnum):
    """What a chain does with deposits and withdrawals."""

    ACTIVE = 0
    SUSPENDED = 1  # it refuses them


class SystemAccount(IntEnum):
    """Accounts that exist from genesis."""

    FEE = 0
    INSURANCE = 1
    FUNDING_POOL = 2
    ROUNDING = 3
    IN_TRANSIT = 4
    LOSS = 5  # what nobody could pay: its quote is what all others are owed too much


FIRST_TRADER = len(SystemAccount)
QUOTE_INSTRUMENT = 0
TAG = 7  # position of the tag
VENUE_ACCOUNTS, VENUE_BATCHES, VENUE_TIME, VENUE_ACTS, VENUE_NOTICE, VENUE_EVENTS = range(6)
CHAIN_DEPOSITS, CHAIN_WITHDRAWALS, CHAIN_STATUS = range(3)
VAULT_CAP = 4
MARKET_BIT, MARKET_LOT_UNITS, MARKET_MARK, MARKET_WEIGHT, MARKET_VALID = 0, 1, 2, 4, 6
MARKET_FUNDING = MARKET_LOT_UNITS  # of a perpetual
QUOTE_MAINTENANCE, QUOTE_CLOSE_OUT, QUOTE_BORROW, QUOTE_BORROW_CAP = range(2, 6)
PARAMETERS_FRACTION, PARAMETERS_PRICES, PARAMETERS_TIME, PARAMETERS_STALENESS, PARAMETERS_STEP_TIME = range(5)
RULES_STATUS, RULES_MAKER_FEE, RULES_TAKER_FEE, RULES_MINIMUM, RULES_INTEREST, RULES_CAP, RULES_GROWTH = range(7)
TOTAL_BIT = 4
FUNDING_SAMPLED, FUNDING_APPLIED, FUNDING_IMPACT = 3, 4, 5
PENDING_LEAF, PENDING_POSITION, PENDING_VALUE, PENDING_DUE = range(4)
HEADER_ROLE, HEADER_NONCE, HEADER_MASK, HEADER_ORDERS, HEADER_OPEN, HEADER_EVENTS = range(6)
BALANCE_BIDS, BALANCE_ASKS, BALANCE_FUNDING = 4, 5, 6
EVENT_BOOK, EVENT_LOTS, EVENT_INTEREST, EVENT_PRICE, EVENT_FUNDING = 0, 1, 3, 5, 6
ORDER_NEXT, ORDER_PRICE, ORDER_LEFT, ORDER_ACCOUNT, ORDER_EXPIRY, ORDER_BOOK, ORDER_NONCE = range(7)

VENUE_INDEX = 0
CHAIN_BASE, CHAIN_SLOTS = 1 << 16, 32  # slot 0: chain; 1 + asset: vault
# Slot 0: market; 1: parameters; 2: total; 3, 4: sentinels; 5: rules; 6: pending; 7: funding.
INSTRUMENT_BASE, INSTRUMENT_SLOTS = 1 << 17, 8
EVENT_BASE = 1 << 20  # deleveragings, as they came
ACCOUNT_BASE = 1 << 28  # slot 0: header; 1: key; 2 + instrument: balance
ORDER_BASE = 1 << 29  # resting orders, each in any free leaf of the first MAX_ORDERS
VAULT_SLOT, PARAMETERS_SLOT, TOTAL_SLOT, KEY_SLOT, BALANCE_SLOT = 1, 1, 2, 1, 2
BIDS_SLOT, ASKS_SLOT, RULES_SLOT, PENDING_SLOT, FUNDING_SLOT = 3, 4, 5, 6, 7


def chain_index(chain: int) -> int:
    """Leaf of the chain record."""
    return CHAIN_BASE + CHAIN_SLOTS * chain


def vault_index(chain: int, asset: int) -> int:
    """Leaf of the vault of an asset on a chain."""
    return chain_index(chain) + VAULT_SLOT + asset


def market_index(instrument: int) -> int:
    """Leaf of the market record of an instrument (quote, asset or perpetual)."""
    return INSTRUMENT_BASE + INSTRUMENT_SLOTS * instrument


def parameters_index(instrument: int) -> int:
    """Leaf of the static parameters of an instrument."""
    return market_index(instrument) + PARAMETERS_SLOT


def rules_index(market: int) -> int:
    """Leaf of the trading rules of a perpetual."""
    return market_index(market) + RULES_SLOT


def pending_index(instrument: int) -> int:
    """Leaf of the announced change of an instrument's parameters; empty if there is none."""
    return market_index(instrument) + PENDING_SLOT


def funding_index(market: int) -> int:
    """Leaf of the premiums of a perpetual."""
    return market_index(market) + FUNDING_SLOT


def total_index(instrument: int) -> int:
    """Leaf of the liabilities of a collateral instrument."""
    return market_index(instrument) + TOTAL_SLOT


def sentinel_index(market: int, buys: bool) -> int:
    """Leaf of the sentinel at the head of a market's bids or asks; it ends the other side's list."""
    return market_index(market) + (BIDS_SLOT if buys else ASKS_SLOT)


def book_number(market: int, buys: bool) -> int:
    """What an order says of the list that it is in."""
    return 2 * market + int(buys)


def header_index(account: int) -> int:
    """Leaf of the account header."""
    return ACCOUNT_BASE + ACCOUNT_SLOTS * account


def key_index(account: int) -> int:
    """Leaf of the authorisation key root."""
    return header_index(account) + KEY_SLOT


def balance_index(account: int, instrument: int) -> int:
    """Leaf of the balance of an account in an instrument."""
    return header_index(account) + BALANCE_SLOT + instrument


def event_index(number: int) -> int:
    """Leaf of the record of a deleveraging, numbered from 0."""
    return EVENT_BASE + number


def limbs(value: int, count: int = AMOUNT_LIMBS) -> tuple[int, ...]:
    """value >= 0 in `count` limbs of LIMB_BITS bits, lowest first. Raises ValueError if it does not fit."""
    if not 0 <= value < 1 << (LIMB_BITS * count):
        raise ValueError(f"{value} does not fit {count} limbs of {LIMB_BITS} bits")
    return tuple(value >> (LIMB_BITS * i) & (LIMB - 1) for i in range(count))


def from_limbs(parts: Sequence[int]) -> int:
    """The integer of these limbs, lowest first."""
    return sum(part << (LIMB_BITS * i) for i, part in enumerate(parts))


def signed_limbs(amount: int) -> tuple[int, ...]:
    """The limbs of amount + BIAS. Raises ValueError outside [-BIAS, BIAS)."""
    return limbs(amount + BIAS)


def from_signed_limbs(parts: Sequence[int]) -> int:
    """The signed amount stored in biased limbs."""
    return from_limbs(parts) - BIAS


def record(tag: Tag, *elements: int) -> Record:
    """A record with these leading elements, zeros after them, and its tag."""
    return (*elements, *(0,) * (TAG - len(elements)), int(tag))
