"""An order: it meets the best opposite orders one by one, and what is left of it rests in the book or is dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from circuits.bounds import LIMIT_MAX, SIZE_MAX, TIME_MAX
from circuits.records import (
    HEADER_NONCE,
    MARKET_MARK,
    MARKET_WEIGHT,
    ORDER_PRICE,
    RULES_CAP,
    RULES_INTEREST,
    RULES_MAKER_FEE,
    RULES_MINIMUM,
    RULES_STATUS,
    RULES_TAKER_FEE,
    Record,
    Status,
    Tag,
    book_number,
    from_limbs,
    market_index,
    rules_index,
    sentinel_index,
)
from circuits.steps import Kind, Step
from state.accounts import access_header, change_balance, read_header, refuse_resting
from state.book import Reason, Removal, order_id, order_record
from state.errors import Refusal, Rule, require_range
from state.margin import check_margin
from state.memory import Memory
from state.transitions.match import Force, Met, meet, resting_change
from state.venue import Instrument, Venue

CLEARED = (Reason.MARGIN, Reason.STALE, Reason.GROWING)  # orders that an order may remove only if it trades or rests


class Policy(IntEnum):
    """What becomes of an order that does not trade at once."""

    GOOD_TILL_TIME = 0  # the rest waits in the book
    IMMEDIATE_OR_CANCEL = 1  # the rest is dropped; with its worst price as limit this is a market order
    FILL_OR_KILL = 2  # all of it trades, or it is refused
    POST_ONLY = 3  # it waits in the book whole, or is refused


_STATUS_NAMES = {status: status.name.lower().replace("_", "-") for status in Status}


@dataclass(frozen=True, slots=True)
class Order:
    """price: the limit, in quote base units a lot; size in lots; expiry in seconds since the venue's epoch."""

    kind: ClassVar[Kind] = Kind.ORDER
    account: int
    market: int
    buys: bool
    price: int
    size: int
    expiry: int
    policy: Policy = Policy.GOOD_TILL_TIME
    reduce_only: bool = False

    @property
    def rests(self) -> bool:
        """Whether what does not trade at once waits in the book."""
        return self.policy in (Policy.GOOD_TILL_TIME, Policy.POST_ONLY)

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Besides what its parts refuse: UNKNOWN_ACCOUNT, ORDER_EXPIRED, MARKET_STATUS,
        MINIMUM_NOTIONAL, INTEREST_LIMIT, POST_ONLY, FILL_OR_KILL,
        NOTHING_ACHIEVED."""
        return self.carry_out(memory)

    def follow(self, memory: Memory, force: Force) -> int:
        """Carry it out as what another transition goes on with; returns its number in the batch."""
        number, place = memory.order_count(), len(memory.followed)
        memory.followed.insert(place, (Kind.ORDER, self.carry_out(memory, force)))
        return number

    def carry_out(self, memory: Memory, force: Force | None = None) -> tuple[int, ...]:
        """The same, forced or not."""
        market = find_market(memory.venue, self.market)
        self._check(memory)
        record = memory.look(Step.ORDER_MARKET, market_index(self.market))
        mark, weight = (from_limbs(record[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
        rules = memory.read(rules_index(self.market))
        self._check_rules(market, rules, mark)
        row = memory.replace(Step.ORDER_RULES, rules_index(self.market), rules, rules)  # the interest follows
        rates = rules[RULES_MAKER_FEE], force.fee if force else rules[RULES_TAKER_FEE]
        restricted = bool(rules[RULES_STATUS])
        number, taker_order = memory.order_count(), order_id(self.account, self._nonce(memory))
        left, interest, seen, stops = self.size, rules[RULES_INTEREST], len(memory.removals), False
        while left and not stops and self._crosses(memory):
            head = memory.book.head(self.market, not self.buys)
            if self.policy is Policy.POST_ONLY:
                raise Refusal(Rule.POST_ONLY, limit=self.price, price=memory.read(head)[ORDER_PRICE])
            met = Met(
                self.account, market, self.buys, left, rates, self.reduce_only, restricted, number, mark, weight, force
            )
            traded = meet(memory, met, head, taker_order)
            left, interest, stops = left - traded.size, interest + traded.interest, traded.stops
        if interest > max(rules[RULES_INTEREST], rules[RULES_CAP]):
            raise Refusal(Rule.INTEREST_LIMIT, market=market.name, would=interest, limit=rules[RULES_CAP])
        memory.amend(row, RULES_INTEREST, interest)
        if stops:
            self._stop(memory, number, left)
        else:
            self._end(memory, market, number, left, forced=force is not None)
        self._check_removals(memory.removals[seen:], left)
        return (
            self.account, self.market, int(self.buys), self.price, self.size, self.expiry,
            int(self.rests), int(self.policy is Policy.POST_ONLY), int(self.policy is Policy.FILL_OR_KILL),
            int(self.reduce_only),
        )

    def _nonce(self, memory: Memory) -> int:
        return read_header(memory, self.account)[HEADER_NONCE] + 1

    def _check(self, memory: Memory) -> None:
        require_range("price", self.price, 1, LIMIT_MAX)
        require_range("size", self.size, 1, SIZE_MAX)
        require_range("expiry", self.expiry, 0, TIME_MAX)
        if self.expiry < memory.time:
            raise Refusal(Rule.ORDER_EXPIRED, expiry=self.expiry, time=memory.time)

    def _check_rules(self, market: Instrument, rules: Record, mark: int) -> None:
        status, notional, minimum = Status(rules[RULES_STATUS]), mark * self.size, rules[RULES_MINIMUM]
        if status not in (Status.ACTIVE, Status.REDUCE_ONLY) or (status and not self.reduce_only):
            taken = "reduce-only orders" if status == Status.REDUCE_ONLY else "no orders"
            raise Refusal(Rule.MARKET_STATUS, market=market.name, status=_STATUS_NAMES[status], taken=taken)
        if notional < minimum and not self.reduce_only:
            raise Refusal(
                Rule.MINIMUM_NOTIONAL, size=self.size, market=market.name, notional=notional, minimum=minimum
            )

    def _check_removals(self, removals: Sequence[Removal], left: int) -> None:
        """Who clears the book of others' orders trades or rests: else one without means could clear it for nothing."""
        cleared = sum(removal.reason in CLEARED for removal in removals)
        if cleared and left == self.size and not self.rests:
            raise Refusal(Rule.NOTHING_ACHIEVED, cleared=cleared)

    def _crosses(self, memory: Memory) -> bool:
        """Whether the best opposite order, or the sentinel in its place, has a price within the limit."""
        price = memory.read(memory.book.head(self.market, not self.buys))[ORDER_PRICE]
        return price <= self.price if self.buys else price >= self.price

    def _stop(self, memory: Memory, number: int, left: int) -> None:
        memory.follow(Kind.FILLED, number, left)
        access_header(memory, Step.END_HEADER, self.account, message=True, forced=True, traders_only=False)

    def _end(self, memory: Memory, market: Instrument, number: int, left: int, *, forced: bool) -> None:
        placed = int(bool(left) and self.rests)
        kind = Kind.REST if placed else Kind.DISCARD if left else Kind.FILLED
        memory.follow(kind, number, left)
        if left:
            if self.policy is Policy.FILL_OR_KILL:
                raise Refusal(Rule.FILL_OR_KILL, left=left, size=self.size)
            memory.look(Step.BEST_HEAD, sentinel_index(self.market, not self.buys))
            memory.look(Step.BEST_ORDER, memory.book.head(self.market, not self.buys))
        if placed:
            self._rest(memory, left)
        opens = self.market if placed else None
        access_header(
            memory, Step.END_HEADER, self.account, message=True, forced=forced, traders_only=not forced, opens=opens,
            orders=placed,
        )  # fmt: skip
        if placed:
            resting = resting_change(self.buys, left)
            row = change_balance(memory, Step.END_BASE, self.account, market, 0, opens=True, resting=resting)
            refuse_resting(memory, self.account, market)
            check_margin(memory, row, self.account, reduces=self.reduce_only)

    def _rest(self, memory: Memory, left: int) -> None:
        """Write the order to a free leaf, behind those of its price."""
        book = memory.book
        before, after = book.place(self.market, self.buys, self.price)
        leaf = book.free_leaf()
        old = memory.read(before)
        memory.replace(Step.REST_PREDECESSOR, before, old, (leaf, *old[1:]))
        memory.look(Step.REST_SUCCESSOR, after)
        new = order_record(
            after, self.price, left, self.account, self.expiry, book_number(self.market, self.buys),
            self._nonce(memory), reduce_only=self.reduce_only,
        )  # fmt: skip
        memory.replace(Step.REST_ORDER, leaf, memory.read(leaf), new)
        book.insert(leaf)


def find_market(venue: Venue, market: int) -> Instrument:
    """The perpetual market of that number. Refuses NOT_A_MARKET."""
    if not 0 <= market < len(venue.instruments) or venue.instruments[market].tag != Tag.PERPETUAL:
        raise Refusal(Rule.NOT_A_MARKET, instrument=market)
    return venue.instruments[market]
