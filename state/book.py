"""The order book as the sequencer needs it: where an order stands in its list, and which leaf is free.

The lists themselves are in the state: a sentinel at the head of each side, each order pointing at the next one, the
other side's sentinel at the end. What is here is an index of them, rebuilt from the records when a batch opens.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from typing import NamedTuple

from circuits.bounds import COUNTER_MAX, MAX_ORDERS, PRICE_MAX
from circuits.records import (
    ORDER_ACCOUNT,
    ORDER_BASE,
    ORDER_BOOK,
    ORDER_NEXT,
    ORDER_NONCE,
    ORDER_PRICE,
    Record,
    Tag,
    book_number,
    record,
    sentinel_index,
)
from state.errors import Refusal, Rule
from state.venue import Venue


class Reason(StrEnum):
    """Why an order left the book untraded."""

    EXPIRED = "expired"
    OWN = "own"  # it met an order of its own account
    GROWING = "growing"  # it is reduce-only and would have grown a position
    MARGIN = "margin"  # its account would not have kept its initial margin
    STALE = "stale"  # it would have grown a position on a stale price
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Trade:
    """Lots that changed hands, at the maker's price."""

    market: int
    maker_order: int
    taker_order: int
    price: int
    size: int
    taker_buys: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """An order that left the book, or what was left of it."""

    order: int
    reason: Reason


def order_id(account: int, nonce: int) -> int:
    """The number of the order that an account placed with its message number `nonce`."""
    return account * (COUNTER_MAX + 1) + nonce


def owner(order: int) -> int:
    """The account whose order has that number."""
    return order // (COUNTER_MAX + 1)


def order_record(
    next_leaf: int, price: int, left: int, account: int, expiry: int, book: int, nonce: int, *, reduce_only: bool
) -> Record:
    """A resting order."""
    tag = Tag.REDUCE_ORDER if reduce_only else Tag.ORDER
    return record(tag, next_leaf, price, left, account, expiry, book, nonce)


def sentinel_records(market: int) -> dict[int, Record]:
    """The sentinels of an empty book: orders of nobody, at prices that nothing crosses."""
    bids, asks = sentinel_index(market, True), sentinel_index(market, False)
    return {
        bids: order_record(asks, PRICE_MAX, 0, 0, 0, book_number(market, True), 0, reduce_only=False),
        asks: order_record(bids, 0, 0, 0, 0, book_number(market, False), 0, reduce_only=False),
    }


Entry = tuple[int, int, int]  # rank of the price (lower is better), arrival, leaf


@dataclass
class Side:
    """One side of a market's book, best first."""

    sentinel: int
    end: int
    buys: bool
    entries: list[Entry] = field(default_factory=list)

    def rank(self, price: int) -> int:
        """Lower is better."""
        return -price if self.buys else price


class Placed(NamedTuple):
    """Where a resting order stands."""

    side: Side
    entry: Entry
    order: int


class Book:
    """The index. `read` gives a leaf's record."""

    def __init__(self, venue: Venue, read: Callable[[int], Record]) -> None:
        self._read = read
        self._sides = {
            book_number(market.number, buys): Side(
                sentinel_index(market.number, buys), sentinel_index(market.number, not buys), buys
            )
            for market in venue.markets for buys in (True, False)
        }
        self._leaves: dict[int, int] = {}  # order id -> leaf
        self._placed: dict[int, Placed] = {}  # by leaf
        self._arrivals = 0
        self._top = 0  # the first slot that has never held an order
        self._free: list[int] = []  # a heap: all free slots below it, and some that are taken again
        self._journal: list[tuple[bool, Placed]] = []  # inserted or removed
        for side in self._sides.values():
            self._load(side)
        self._free = [slot for slot in range(self._top) if slot + ORDER_BASE not in self._placed]

    def _load(self, side: Side) -> None:
        leaf = self._read(side.sentinel)[ORDER_NEXT]
        while leaf != side.end:
            self._put(self._located(leaf))
            leaf = self._read(leaf)[ORDER_NEXT]

    def head(self, market: int, buys: bool) -> int:
        """The leaf of the first order of a side; the other side's sentinel if there is none."""
        side = self._sides[book_number(market, buys)]
        return side.entries[0][2] if side.entries else side.end

    def orders(self, market: int, buys: bool) -> list[int]:
        """The leaves of a side, best first."""
        return [leaf for _, _, leaf in self._sides[book_number(market, buys)].entries]

    def orders_of(self, account: int) -> list[int]:
        """The numbers of an account's resting orders, ascending."""
        low, high = order_id(account, 0), order_id(account + 1, 0)
        return sorted(order for order in self._leaves if low <= order < high)

    def leaf(self, order: int) -> int:
        """The leaf of a resting order. Refuses UNKNOWN_ORDER."""
        if order not in self._leaves:
            raise Refusal(Rule.UNKNOWN_ORDER, order=order)
        return self._leaves[order]

    def rests(self, order: int) -> bool:
        """Whether an order of that number is in the book."""
        return order in self._leaves

    def place(self, market: int, buys: bool, price: int) -> tuple[int, int]:
        """The leaves of what a new order at that price comes after and before."""
        side = self._sides[book_number(market, buys)]
        position = bisect_left(side.entries, (side.rank(price) + 1, 0, 0))
        before = side.entries[position - 1][2] if position else side.sentinel
        return before, side.entries[position][2] if position < len(side.entries) else side.end

    def predecessor(self, leaf: int) -> int:
        """The leaf that points at an order."""
        side, entry, _ = self._placed[leaf]
        position = bisect_left(side.entries, entry)
        return side.entries[position - 1][2] if position else side.sentinel

    def free_leaf(self) -> int:
        """A leaf for a new order, the lowest. Refuses BOOK_FULL."""
        while self._free and self._free[0] + ORDER_BASE in self._placed:
            heappop(self._free)
        slot = self._free[0] if self._free else self._top
        if slot >= MAX_ORDERS:
            raise Refusal(Rule.BOOK_FULL, limit=MAX_ORDERS)
        return ORDER_BASE + slot

    def insert(self, leaf: int) -> None:
        """Index the order that has just been written to the leaf, which `free_leaf` gave."""
        placed = self._located(leaf)
        self._put(placed)
        self._journal.append((True, placed))

    def remove(self, leaf: int) -> None:
        """Forget an order; its leaf becomes free."""
        placed = self._placed[leaf]
        self._drop(placed)
        self._journal.append((False, placed))

    def moment(self) -> int:
        """This moment, for `undo`."""
        return len(self._journal)

    def undo(self, moment: int) -> None:
        """Take back all changes since that moment."""
        while len(self._journal) > moment:
            inserted, placed = self._journal.pop()
            if inserted:
                self._drop(placed)
            else:
                self._put(placed)

    def _located(self, leaf: int) -> Placed:
        """Where the order in that leaf belongs: behind all of its price."""
        found = self._read(leaf)
        side = self._sides[found[ORDER_BOOK]]
        self._arrivals += 1
        entry = side.rank(found[ORDER_PRICE]), self._arrivals, leaf
        return Placed(side, entry, order_id(found[ORDER_ACCOUNT], found[ORDER_NONCE]))

    def _put(self, placed: Placed) -> None:
        leaf = placed.entry[2]
        insort(placed.side.entries, placed.entry)
        self._leaves[placed.order], self._placed[leaf] = leaf, placed
        self._top = max(self._top, leaf - ORDER_BASE + 1)

    def _drop(self, placed: Placed) -> None:
        leaf, entries = placed.entry[2], placed.side.entries
        del entries[bisect_left(entries, placed.entry)]
        del self._leaves[placed.order], self._placed[leaf]
        heappush(self._free, leaf - ORDER_BASE)
