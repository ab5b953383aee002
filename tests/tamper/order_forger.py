"""What comes of a forged order: trades, removals and an end, in the order of the steps, whatever they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from circuits.bounds import BIAS_TOP_LIMB, FEE_ONE, LIMB
from circuits.field import P
from circuits.records import (
    EMPTY,
    HEADER_NONCE,
    ORDER_ACCOUNT,
    ORDER_BASE,
    ORDER_LEFT,
    ORDER_NEXT,
    ORDER_PRICE,
    QUOTE_INSTRUMENT,
    RECORD_SIZE,
    RULES_INTEREST,
    Record,
    SystemAccount,
    book_number,
    from_limbs,
    header_index,
    sentinel_index,
)
from circuits.steps import Kind, Step
from state.book import order_record

if TYPE_CHECKING:
    from tests.tamper.forger import Forger

EXPIRED, OWN, GROWING = range(3)  # circuits.transitions.match.REASONS
Fees = tuple[int | None, int | None]  # of maker and taker; None: what follows from notional and rate


def lots_of(buys: bool, lots: int) -> dict[str, int]:
    """A change of the resting lots of a side."""
    return {"bids": lots if buys else 0, "asks": 0 if buys else lots}


@dataclass
class OrderForger:
    """An order under way; `left` is what it has left. Each method but the last ones returns the order itself.

    maker, if given, trades in place of the account whose order is met; sides: whether maker and taker buy, if not the
    ones that should. counts: whether the market counts its trades as open interest.
    """

    forger: "Forger"
    number: int
    account: int
    market: int
    buys: bool
    limit: int
    expiry: int
    reduce_only: bool
    rates: Record
    rules: int  # row
    left: int
    maker: int | None = None
    sides: tuple[bool, bool] | None = None
    counts: bool = True
    _bases: list[int] = field(default_factory=list)  # rows of the trades' FILL_BASE

    def trade(
        self,
        size: int | None = None,
        *,
        head: int | None = None,
        notional: int | None = None,
        fees: Fees = (None, None),
        credit_fee: bool = True,
        removed: bool | None = None,
    ) -> "OrderForger":
        """A trade with the head, or with the order at the leaf `head`, of as much as both have left.

        The head goes when nothing of it is left, unless `removed` says otherwise; credit_fee=False keeps the fees from
        the fee account.
        """
        leaf, maker = self._met(head)
        size = min(self.left, maker[ORDER_LEFT]) if size is None else size
        notional = maker[ORDER_PRICE] * size if notional is None else notional
        rest = maker[ORDER_LEFT] - size
        removed = not rest if removed is None else removed
        self._begin(Kind.MATCH, 0)
        self._take(leaf, maker, EMPTY if removed else (*maker[:ORDER_LEFT], rest % P, *maker[ORDER_LEFT + 1 :]))
        charged = [self._fee(notional, taker) if fees[taker] is None else fees[taker] or 0 for taker in (0, 1)]
        account = maker[ORDER_ACCOUNT] if self.maker is None else self.maker
        sides = self.sides or (not self.buys, self.buys)
        self._party(account, sides[0], size, notional, charged[0], -int(removed), -size)
        self._charge(charged[0] if credit_fee else 0)
        self._party(self.account, sides[1], size, notional, charged[1], 0, 0)
        self._charge(charged[1] if credit_fee else 0)
        self.left -= size
        return self

    def fail(self, head: int | None = None) -> "OrderForger":
        """The head goes because its account is said not to keep its margin."""
        leaf, maker = self._met(head)
        size, account, buys = min(self.left, maker[ORDER_LEFT]), maker[ORDER_ACCOUNT], not self.buys
        notional = maker[ORDER_PRICE] * size
        self._begin(Kind.FAIL)
        self._take(leaf, maker, EMPTY)
        fee = self._fee(notional, 0)
        paid = self._party(account, buys, size, notional, fee, -1, -size)
        self._bases.pop()  # which counts for nothing
        self.forger.balance(Step.UNDO_QUOTE, account, QUOTE_INSTRUMENT, -paid)
        rest = lots_of(buys, size - maker[ORDER_LEFT])
        self.forger.balance(Step.UNDO_BASE, account, self.market, -size if buys else size, **rest)
        return self

    def skip(self, reason: int, head: int | None = None) -> "OrderForger":
        """The head goes for this reason."""
        leaf, maker = self._met(head)
        self._begin(Kind.SKIP, reason)
        self._take(leaf, maker, EMPTY)
        self.forger.header(Step.SKIP_HEADER, maker[ORDER_ACCOUNT], orders=-1)
        resting = lots_of(not self.buys, -maker[ORDER_LEFT])
        self.forger.balance(Step.SKIP_BASE, maker[ORDER_ACCOUNT], self.market, 0, **resting)
        return self

    def filled(self) -> None:
        """The order ends without a look at the best price."""
        self._begin(Kind.FILLED)
        self._header(0)

    def discard(self) -> None:
        """What is left is dropped."""
        self._begin(Kind.DISCARD)
        self._look()
        self._header(0)

    def rest(self, before: int | None = None, leaf: int | None = None, *, placed: int = 1) -> None:
        """What is left joins the book behind the order at `before`, at `leaf`; by default where it belongs."""
        forger, memory = self.forger, self.forger.memory
        self._begin(Kind.REST)
        self._look()
        before = self._place() if before is None else before
        leaf = self._free() if leaf is None else leaf
        follows = memory.read(before)[ORDER_NEXT]
        forger.point(Step.REST_PREDECESSOR, before, leaf)
        memory.look(Step.REST_SUCCESSOR, follows)
        nonce = memory.read(header_index(self.account))[HEADER_NONCE] + 1
        new = order_record(
            follows, self.limit, self.left, self.account, self.expiry, book_number(self.market, self.buys), nonce,
            reduce_only=self.reduce_only,
        )  # fmt: skip
        memory.replace(Step.REST_ORDER, leaf, memory.read(leaf), new)
        self._header(placed)
        resting = lots_of(self.buys, placed * self.left)
        forger.check(forger.balance(Step.END_BASE, self.account, self.market, 0, **resting), self.account)

    def _begin(self, kind: Kind, *arguments: int) -> None:
        self.forger.memory.witness.begin(kind, self.number, self.left, *arguments)

    def _opposite(self) -> int:
        return sentinel_index(self.market, not self.buys)

    def _met(self, head: int | None) -> tuple[int, Record]:
        leaf = self.forger.memory.read(self._opposite())[ORDER_NEXT] if head is None else head
        return leaf, self.forger.memory.read(leaf)

    def _take(self, leaf: int, maker: Record, rest: Record) -> None:
        self.forger.point(Step.MATCH_HEAD, self._opposite(), leaf if rest != EMPTY else maker[ORDER_NEXT])
        self.forger.memory.replace(Step.MATCH_ORDER, leaf, maker, rest)

    def _fee(self, notional: int, taker: int) -> int:
        return -(-notional * self.rates[taker] // FEE_ONE)

    def _party(self, account: int, buys: bool, size: int, notional: int, fee: int, orders: int, resting: int) -> int:
        """A party's header, base and quote, with the margin check; returns what the quote gains."""
        forger, paid = self.forger, (-notional if buys else notional) - fee
        forger.header(Step.FILL_HEADER, account, opens=self.market, orders=orders)
        resting_lots = lots_of(buys, resting)
        self._bases.append(
            forger.balance(Step.FILL_BASE, account, self.market, size if buys else -size, **resting_lots)
        )
        forger.check(forger.balance(Step.FILL_QUOTE, account, QUOTE_INSTRUMENT, paid), account)
        return paid

    def _charge(self, fee: int) -> None:
        self.forger.balance(Step.FILL_FEE, SystemAccount.FEE, QUOTE_INSTRUMENT, fee)

    def _look(self) -> None:
        memory = self.forger.memory
        memory.look(Step.BEST_ORDER, memory.look(Step.BEST_HEAD, self._opposite())[ORDER_NEXT])

    def _place(self) -> int:
        """What the order belongs behind."""
        forger, before = self.forger, sentinel_index(self.market, self.buys)
        for leaf in forger.orders(self.market, self.buys):
            price = forger.memory.read(leaf)[ORDER_PRICE]
            if price >= self.limit if self.buys else price <= self.limit:
                before = leaf
        return before

    def _free(self) -> int:
        leaf = ORDER_BASE
        while self.forger.memory.read(leaf) != EMPTY:
            leaf += 1
        return leaf

    def _header(self, placed: int) -> None:
        opens = self.market if placed else None
        self.forger.header(Step.END_HEADER, self.account, nonce=1, opens=opens, orders=placed)
        if self.counts and self.rules >= 0:
            self._count()

    def _count(self) -> None:
        """The market's open interest, in the record that the order has read at its beginning."""
        memory, accesses = self.forger.memory, self.forger.memory.witness.accesses
        grown = accesses.new[RECORD_SIZE * self.rules + RULES_INTEREST]
        for row in (row for row in self._bases if row >= 0):
            place = slice(RECORD_SIZE * row, RECORD_SIZE * (row + 1))
            grown += _long(accesses.new[place]) - _long(accesses.old[place])
        memory.amend(self.rules, RULES_INTEREST, grown % P)


def _long(balance: Sequence[int]) -> int:
    """The position if it is long, else 0; the same polynomial as the circuit's, of whatever record."""
    return (1 - BIAS_TOP_LIMB * LIMB + from_limbs(balance[2:4])) * from_limbs(balance[:2])
