"""What an order meets at the head of the opposite side: a trade at the maker's price, or an order that has to go."""

from dataclasses import dataclass

from circuits.bounds import AMOUNT_MAX, FAIR_SHARE, FEE_AMOUNT_MAX, FEE_ONE, SIZE_MAX
from circuits.buses import Tier
from circuits.records import (
    EMPTY,
    ORDER_ACCOUNT,
    ORDER_EXPIRY,
    ORDER_LEFT,
    ORDER_NEXT,
    ORDER_NONCE,
    ORDER_PRICE,
    TAG,
    Record,
    SystemAccount,
    Tag,
    balance_index,
    sentinel_index,
)
from circuits.steps import Kind, Step
from state.accounts import access_header, balance_amount, change_balance
from state.book import Reason, Removal, Trade, order_id
from state.errors import Refusal, Rule
from state.margin import check_margin, judge, visit_all
from state.memory import Memory
from state.venue import Instrument

SKIPPED = (Reason.EXPIRED, Reason.OWN, Reason.GROWING)  # in the order of circuits.transitions.match.REASONS


@dataclass(frozen=True, slots=True)
class Force:
    """An order that nobody signs. fee: its rate, to the insurance fund; tier: with which the order ends."""

    fee: int
    tier: Tier


@dataclass(frozen=True, slots=True)
class Met:
    """The order that meets others: what of it the match needs. rates: of maker and taker, in 1 / FEE_ONE."""

    account: int
    market: Instrument
    buys: bool
    left: int
    rates: tuple[int, int]
    reduce_only: bool
    restricted: bool  # whether all orders of the market count as reduce-only
    number: int  # of the order in the batch
    mark: int
    weight: int  # the initial requirement a lot
    force: Force | None = None


@dataclass(frozen=True, slots=True)
class Traded:
    """What came of it: lots, by how many of them the open interest grew, and whether a forced order must go on no
    further, because its account has the tier."""

    size: int = 0
    interest: int = 0
    stops: bool = False


def meet(memory: Memory, taker: Met, head: int, taker_order: int) -> Traded:
    """The order meets the one at leaf `head`: it trades, or that one goes.

    Refuses NOTIONAL_LIMIT, FEE_LIMIT, HOLDING_LIMIT, REDUCE_ONLY (of the taker), and what the parts refuse.
    """
    maker = memory.read(head)
    size, maker_order = min(taker.left, maker[ORDER_LEFT]), order_id(maker[ORDER_ACCOUNT], maker[ORDER_NONCE])
    reason = _reason(memory, taker, maker, size)
    if reason is not None:
        memory.follow(Kind.SKIP, taker.number, taker.left, SKIPPED.index(reason))
        _take(memory, taker, head, maker, EMPTY)
        _skip(memory, taker, maker)
        memory.removals.append(Removal(maker_order, reason))
        return Traded()
    if maker[ORDER_PRICE] * size > AMOUNT_MAX:
        raise Refusal(Rule.NOTIONAL_LIMIT, size=size, price=maker[ORDER_PRICE], limit=AMOUNT_MAX)
    mark, parties = memory.mark(), (maker[ORDER_ACCOUNT], taker.account)
    before = sum(_long(memory, taker, account) for account in parties)
    failure = _serve_maker(memory, taker, head, maker, size)
    if failure is None:
        below = _serve_taker(memory, taker, maker[ORDER_PRICE], size)
        memory.follow(Kind.MATCH, taker.number, taker.left, int(below))
        memory.trades.append(
            Trade(taker.market.number, maker_order, taker_order, maker[ORDER_PRICE], size, taker.buys)
        )
        grown = sum(_long(memory, taker, account) for account in parties) - before
        return Traded(size, grown, taker.force is not None and not below)
    followed = list(memory.followed)
    memory.undo(mark)
    memory.followed.extend(followed)
    memory.follow(Kind.FAIL, taker.number, taker.left)
    _fail(memory, taker, head, maker, size)
    memory.removals.append(Removal(maker_order, failure))
    return Traded()


def is_fair(buys: bool, price: int, mark: int, weight: int) -> bool:
    """Whether a fill loses its party at most 1 / FAIR_SHARE of a lot's requirement against the mark."""
    return (price - mark if buys else mark - price) <= weight // FAIR_SHARE


def _tier(taker: Met, buys: bool, price: int, reduces: bool) -> Tier:
    """The tier of the check of a party: who reduces its position at a fair price need not have the initial one."""
    return Tier.MAINTENANCE if reduces and is_fair(buys, price, taker.mark, taker.weight) else Tier.INITIAL


def resting_change(buys: bool, lots: int) -> tuple[int, int]:
    """A change of resting lots on a side: of bids, of asks."""
    return (lots, 0) if buys else (0, lots)


def _reason(memory: Memory, taker: Met, maker: Record, size: int) -> Reason | None:
    if maker[ORDER_EXPIRY] < memory.time:
        return Reason.EXPIRED
    if maker[ORDER_ACCOUNT] == taker.account:
        return Reason.OWN
    reduces = taker.restricted or maker[TAG] == Tag.REDUCE_ORDER
    if reduces and _grows(_position(memory, taker, maker[ORDER_ACCOUNT]), not taker.buys, size):
        return Reason.GROWING
    return None


def _position(memory: Memory, taker: Met, account: int) -> int:
    return balance_amount(memory.read(balance_index(account, taker.market.number)))


def _long(memory: Memory, taker: Met, account: int) -> int:
    return max(_position(memory, taker, account), 0)


def _grows(position: int, buys: bool, size: int) -> bool:
    """Whether a position is on the side of the fill after it."""
    return position + size > 0 if buys else position - size < 0


def _reduced(memory: Memory, taker: Met, account: int, buys: bool) -> bool:
    """Whether a fill that has just moved the position reduced it: it is on the other side, or 0."""
    return not _grows(_position(memory, taker, account), buys, 0)


def _take(memory: Memory, taker: Met, head: int, maker: Record, rest: Record) -> None:
    """The head becomes `rest`; if that is nothing, the next order becomes the head."""
    sentinel = sentinel_index(taker.market.number, not taker.buys)
    old = memory.read(sentinel)
    first = head if rest != EMPTY else maker[ORDER_NEXT]
    memory.replace(Step.MATCH_HEAD, sentinel, old, (first, *old[1:]))
    memory.replace(Step.MATCH_ORDER, head, maker, rest)
    if rest == EMPTY:
        memory.book.remove(head)


def _skip(memory: Memory, taker: Met, maker: Record) -> None:
    account, number = maker[ORDER_ACCOUNT], taker.market.number
    access_header(memory, Step.SKIP_HEADER, account, orders=-1)
    resting = resting_change(not taker.buys, -maker[ORDER_LEFT])
    change_balance(memory, Step.SKIP_BASE, account, taker.market, 0, resting=resting)
    if abs(balance_amount(memory.read(balance_index(account, number)))) > SIZE_MAX:
        raise AssertionError("a position beyond SIZE_MAX cannot have come about")


def _serve_maker(memory: Memory, taker: Met, head: int, maker: Record, size: int) -> Reason | None:
    """The maker's rows; with only some accesses made, the reason why it would not pass its margin check."""
    left = maker[ORDER_LEFT] - size
    rest = (*maker[:ORDER_LEFT], left, *maker[ORDER_LEFT + 1 :]) if left else EMPTY
    _take(memory, taker, head, maker, rest)
    notional = maker[ORDER_PRICE] * size
    row = _move(memory, taker, maker[ORDER_ACCOUNT], size, notional, is_taker=False, removed=not left)
    account = maker[ORDER_ACCOUNT]
    reduces = _reduced(memory, taker, account, not taker.buys)
    margin = visit_all(memory, row, account, reduces=reduces)
    if not margin.passes(_tier(taker, not taker.buys, maker[ORDER_PRICE], reduces)):
        return Reason.MARGIN if margin.stale is None else Reason.STALE
    _charge(memory, SystemAccount.FEE, _fee(notional, taker.rates[0], maker[ORDER_ACCOUNT]))
    return None


def _serve_taker(memory: Memory, taker: Met, price: int, size: int) -> bool:
    """The taker's rows; whether its order is forced and its account still below the tier. Refuses FUND_SHORT."""
    notional = price * size
    if taker.reduce_only and _grows(_position(memory, taker, taker.account), taker.buys, size):
        position = _position(memory, taker, taker.account)
        raise Refusal(Rule.REDUCE_ONLY, account=taker.account, size=size, position=position)
    row = _move(memory, taker, taker.account, size, notional, is_taker=True, removed=False)
    below = False
    if taker.force:
        margin = judge(memory, row, taker.account)
        below = not margin.reaches(taker.force.tier)
        if below and taker.force.tier is Tier.ZERO:
            raise Refusal(Rule.FUND_SHORT, equity=margin.equity)
    else:
        reduces = _reduced(memory, taker, taker.account, taker.buys)
        check_margin(memory, row, taker.account, reduces=reduces, tier=_tier(taker, taker.buys, price, reduces))
    receiver = SystemAccount.INSURANCE if taker.force else SystemAccount.FEE
    _charge(memory, receiver, _fee(notional, taker.rates[1], taker.account))
    return below


def _fail(memory: Memory, taker: Met, head: int, maker: Record, size: int) -> None:
    """The maker's rows up to the check that fails, and back."""
    account, price, buys = maker[ORDER_ACCOUNT], maker[ORDER_PRICE], not taker.buys
    _take(memory, taker, head, maker, EMPTY)
    notional = price * size
    row = _move(memory, taker, account, size, notional, is_taker=False, removed=True)
    visit_all(memory, row, account, reduces=False)
    paid = _paid(notional, _fee(notional, taker.rates[0], account), buys)
    change_balance(memory, Step.UNDO_QUOTE, account, memory.venue.quote, -paid)
    rest = resting_change(buys, size - maker[ORDER_LEFT])
    change_balance(memory, Step.UNDO_BASE, account, taker.market, -size if buys else size, resting=rest)


def _move(
    memory: Memory, taker: Met, account: int, size: int, notional: int, *, is_taker: bool, removed: bool
) -> int:
    """A party's header, base and quote; returns the row after which its margin is checked."""
    buys = taker.buys if is_taker else not taker.buys
    forced = is_taker and taker.force is not None
    access_header(
        memory, Step.FILL_HEADER, account, opens=taker.market.number, traders_only=not forced, orders=-int(removed)
    )
    resting = (0, 0) if is_taker else resting_change(buys, -size)
    change = size if buys else -size
    change_balance(memory, Step.FILL_BASE, account, taker.market, change, opens=True, resting=resting)
    if abs(_position(memory, taker, account)) > SIZE_MAX:
        lots = _position(memory, taker, account)
        raise Refusal(
            Rule.HOLDING_LIMIT, account=account, lots=lots, instrument=taker.market.name, limit=SIZE_MAX
        )
    paid = _paid(notional, _fee(notional, taker.rates[int(is_taker)], account), buys)
    return change_balance(memory, Step.FILL_QUOTE, account, memory.venue.quote, paid)


def _paid(notional: int, fee: int, buys: bool) -> int:
    return (-notional if buys else notional) - fee


def _fee(notional: int, rate: int, account: int) -> int:
    fee = -(-notional * rate // FEE_ONE)
    if fee > FEE_AMOUNT_MAX:
        raise Refusal(Rule.FEE_LIMIT, account=account, fee=fee, limit=FEE_AMOUNT_MAX)
    return fee


def _charge(memory: Memory, receiver: SystemAccount, fee: int) -> None:
    change_balance(memory, Step.FILL_FEE, receiver, memory.venue.quote, fee)
