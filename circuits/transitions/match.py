"""What an order meets at the head of the opposite side: it trades, or the head goes because it cannot.

MATCH: maker and taker trade at the maker's price. FAIL: the same, up to a margin check that the maker does not pass;
then its share is undone and its order removed. SKIP: the order is removed untouched: it is expired, the taker's own, or
reduce-only and would not reduce. Each reason is exact, in both directions, so nothing that could trade is removed and
nothing that could not is in the way.

A fill that reduces a party's position at a price that is fair to it needs the maintenance tier alone: what it loses
against the mark is at most a quarter of what a lot requires, so (with a fee of no more than that) it does no harm to an
account whose equity is half its requirement, and one below its initial requirement may reduce its risk, but not give
its equity away.

After a fill of an order that is forced, its account is checked against its maintenance requirement, at fresh prices. If
it fails (`fails` is 1 then too), the order may meet another one; if it passes, the order ends. A forced order of the
insurance fund must leave it with no less than nothing, and ends after one fill.
"""

from circuits.accounts import RESTING, balance, fresh_prices, header, long_position, market_leaf
from circuits.air import Where
from circuits.bounded import Bounded, bounded, unsound_bounded
from circuits.bounds import (
    ACCOUNT_SLOTS,
    AMOUNT_LIMBS,
    BIAS_TOP_LIMB,
    FEE_LIMBS,
    FEE_ONE,
    LIMB,
)
from circuits.buses import Capped, Tier
from circuits.execution import Execution, negate
from circuits.expression import Expression, total
from circuits.notional import notional
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_SLOT,
    BIDS_SLOT,
    ORDER_ACCOUNT,
    ORDER_EXPIRY,
    ORDER_LEFT,
    ORDER_NEXT,
    ORDER_PRICE,
    QUOTE_INSTRUMENT,
    RECORD_SIZE,
    TAG,
    SystemAccount,
    Tag,
)
from circuits.steps import Step

MARK, QUARTER = "mark", "quarter"  # registers: of the market, and of a lot's requirement, rounded down
BUYS, IS_TAKER, LIMIT, LEFT = "side", "phase", "chain", "sequence"  # registers, under the names they have here
REASONS = ("expired", "own", "growing")  # why an order is skipped
UNWINDS = "whole"  # register of a forced order: 1 if it is the insurance fund's, 0 if of an account liquidated
STOPS = "removed"  # register of FILL_FEE: 1 if the taker is forced and its account has what it needs
LOSER = "head"  # register from FILL_HEADER on: 1 if the fill is unfair to who sells, -1 to who buys, else 0
PENDING_LOSER = "fee0"  # and on the two rows before
UNFAIR, ABOVE = "own", "placed"  # registers of MATCH_HEAD alone: whether it is unfair, and its price above the mark
DISTANCE_PORT, UNFAIR_PORT = 8, 10  # on MATCH_HEAD
FEE_CARRY_OFFSET = LIMB // 4
BEYOND_PORT, REDUCES_PORT = 7, 9  # on FILL_BASE
EXPIRY_PORT = 8  # on MATCH_ORDER
PLACED = "an order's numbers were range-checked when it was placed"


def constrain(execution: Execution) -> None:
    """The two parties of a fill are served by the same four steps, the maker first."""
    _head(execution)
    _order(execution)
    _outcome(execution)
    expiry(execution, Step.MATCH_ORDER, "expired", EXPIRY_PORT)
    _fee(execution)
    _party(execution)
    _tier(execution)
    _undo(execution)
    _skip(execution)
    _parties(execution)


def order_price(execution: Execution) -> Bounded:
    """The price of the order whose record the row reads."""
    return unsound_bounded(execution.old[ORDER_PRICE], 0, LIMB * LIMB - 1, PLACED)


def order_limit(execution: Execution) -> Bounded:
    """The limit of the order at hand."""
    return unsound_bounded(execution.register(LIMIT), 0, LIMB * LIMB - 1, "ORDER_RULES shows its limbs")


def sign(execution: Execution) -> Bounded:
    """1 if the party at hand buys, -1 if it sells."""
    return unsound_bounded(2 * execution.register(BUYS) - 1, -1, 1, "the side is boolean")


def skips(execution: Execution) -> Expression:
    """1 if the order met is removed without a trial."""
    return total([execution.register(reason) for reason in REASONS])


def forced_taker(execution: Execution) -> Expression:
    """1 if the party at hand is a taker whose order is forced."""
    return execution.register("forced") * execution.register(IS_TAKER)


def lots(execution: Execution) -> Expression:
    """The size of the fill."""
    return execution.register("size0") + execution.register("size1") * LIMB


def _head(execution: Execution) -> None:
    """The opposite sentinel points at the order that is met, and afterwards at `after`. amount = price * size."""
    step, ports = Step.MATCH_HEAD, execution.ports
    execution.access(step, market_leaf(execution, BIDS_SLOT) + execution.register(BUYS), None, [ORDER_NEXT])
    execution.require(step, "the head is met", execution.register("head") - execution.old[ORDER_NEXT])
    execution.require(step, "what is first afterwards", execution.register("after") - execution.new[ORDER_NEXT])
    execution.require(step, "a post-only order meets nothing", execution.register("post"))
    price = ports[:2]
    execution.require(step, "limbs of the price", execution.register("price") - (price[0] + price[1] * LIMB).expression)
    size = [execution.bounded_register(f"size{k}") for k in range(2)]
    notional(execution, step, price, size, product_port=2, carry_port=6)
    _fairness(execution, price[0] + price[1] * LIMB)


def _fairness(execution: Execution, price: Bounded) -> None:
    """Who loses more than a quarter of a lot's requirement against the mark, exactly.

    If the price is the mark, ABOVE may be either, and neither loses.
    """
    step, ports, unfair, above = Step.MATCH_HEAD, execution.ports, execution.register(UNFAIR), execution.register(ABOVE)
    for label, flag in (("unfair", unfair), ("above the mark", above)):
        execution.require(step, f"{label} is boolean", flag * (flag - 1))
    reason = "two limbs of the market's record"
    mark, quarter = (unsound_bounded(execution.register(name), 0, LIMB * LIMB - 1, reason) for name in (MARK, QUARTER))
    direction = unsound_bounded(2 * above - 1, -1, 1, "the flag is boolean")
    distance, rest = (ports[first] + ports[first + 1] * LIMB for first in (DISTANCE_PORT, UNFAIR_PORT))
    execution.equal(step, "distance from the mark", direction * (price - mark), distance)
    bit = unsound_bounded(unfair, 0, 1, "constrained to be boolean on this step")
    execution.equal(step, "unfair or not", (1 - bit * 2) * (quarter - distance) - bit, rest)
    loser = execution.register(PENDING_LOSER)
    execution.require(step, "who loses", loser - unfair * (1 - 2 * above))
    execution.release(Step.MATCH_ORDER, LOSER)
    execution.hand_over("match: who loses", execution.step(Step.MATCH_ORDER), LOSER, loser)


def _tier(execution: Execution) -> None:
    """The tier of a party's check: MAINTENANCE (1) if the fill is fair to it and reduces its position, or if it is a
    forced taker, but then ZERO (3) of the insurance fund; else INITIAL (0)."""
    loser, base = execution.register(LOSER), Step.FILL_BASE
    # Twice 1 if the party is the loser: -1 is who buys.
    unfair = loser * (loser - sign(execution).expression)
    fair = 2 * execution.register("tier").next() - 2 + unfair
    execution.table.constrain("match: fair to the party", execution.step(Step.FILL_HEADER) * fair, Where.TRANSITION)
    forced, fair = forced_taker(execution), execution.register("tier")
    # The position of a forced taker is reduced.
    reduced = fair * execution.ports[REDUCES_PORT].expression
    zero = (int(Tier.ZERO) - int(Tier.MAINTENANCE)) * forced * execution.register(UNWINDS)
    tier = reduced + forced * (1 - fair) + zero
    execution.hand_over("match: tier of the check", execution.step(base), "tier", tier)
    execution.ask(Step.FILL_QUOTE, execution.register("tier"))


def _order(execution: Execution) -> None:
    """The order met crosses the limit, gives price and lots, and loses what trades or all there is."""
    step, ports, old, new = Step.MATCH_ORDER, execution.ports, execution.old, execution.new
    removed, head = execution.register("removed"), execution.register("head")
    execution.access(step, head, None, range(RECORD_SIZE))
    execution.require(step, "price of the maker", execution.register("price") - old[ORDER_PRICE])
    distance = sign(execution) * (order_limit(execution) - order_price(execution))
    execution.equal(step, "price within the limit", distance, ports[0] + ports[1] * LIMB)
    for k in range(2):
        execution.require(step, f"size limb {k} in range", execution.register(f"size{k}") - ports[2 + k].expression)
    execution.require(step, "lots of the maker", execution.register("maker_left") - old[ORDER_LEFT])
    maker_rest, taker_rest = (ports[k] + ports[k + 1] * LIMB for k in (4, 6))
    size = lots(execution)
    execution.require(step, "rest of the maker", old[ORDER_LEFT] - size - maker_rest.expression)
    execution.require(step, "rest of the taker", execution.register(LEFT) - size - taker_rest.expression)
    execution.require(step, "one of them has no rest", maker_rest.expression * taker_rest.expression)
    for k in range(RECORD_SIZE):
        stays = old[k] - size if k == ORDER_LEFT else old[k]
        execution.require(step, f"element {k} afterwards", new[k] - (1 - removed) * stays)
    following = head + removed * (old[ORDER_NEXT] - head)
    execution.require(step, "what follows becomes first", execution.register("after") - following)
    stays = (1 - removed) * (maker_rest.expression * execution.scratch - 1)
    execution.require(step, "an order without lots does not stay", stays)


def _outcome(execution: Execution) -> None:
    """At most one reason not to trade; with one the order goes, without one it goes exactly if nothing is left of it.

    So `removed` is 0 or 1.
    """
    step, ports = Step.MATCH_ORDER, execution.ports
    removed, fails = execution.register("removed"), execution.register("fails")
    for name in (*REASONS, "fails"):
        bit = execution.register(name)
        execution.require(step, f"{name} is boolean", bit * (bit - 1))
    untraded = skips(execution) + fails
    execution.require(step, "at most one reason", untraded * (untraded - 1))
    execution.require(step, "what does not trade goes", untraded * (1 - removed))
    rest = (ports[4] + ports[5] * LIMB).expression
    execution.require(step, "what trades stays with its rest", (1 - untraded) * removed * rest)
    # `achieved` is what the order trades, and one more if it rests: an order of no means would clear the book for
    # nothing. `scratch` is free here, because what does not trade goes.
    clears = fails + execution.register("growing")
    achieves = execution.register("achieved") * execution.scratch - 1
    execution.require(step, "who clears the book trades or rests", clears * achieves)
    own = execution.register("own") * (execution.old[ORDER_ACCOUNT] - execution.register("account"))
    execution.require(step, "an own order is the taker's", own)


def expiry(execution: Execution, step: Step, flag: str, port: int) -> None:
    """The flag, which is boolean, is 1 exactly if the expiry of the order that is read is before the batch's time.

    port: the first of two.
    """
    ports, limit = execution.ports, LIMB * LIMB - 1
    expired = unsound_bounded(execution.register(flag), 0, 1, "constrained to be boolean on this step")
    last = unsound_bounded(execution.old[ORDER_EXPIRY], 0, limit, PLACED)
    time = unsound_bounded(execution.time, 0, limit, "published by CLOSE_VENUE in two limbs")
    distance = (1 - expired * 2) * (last - time) - expired
    execution.equal(step, "expired or not", distance, ports[port] + ports[port + 1] * LIMB)


def _fee(execution: Execution) -> None:
    """fee = ceil(notional * rate / FEE_ONE): notional * rate + remainder = fee * FEE_ONE with 0 <= remainder < FEE_ONE.

    Compared limb by limb with carries in [-LIMB/4, 3 LIMB/4), which hold every carry of a rate of at most FEE_MAX or
    LIQUIDATION_FEE_MAX.
    """
    step, ports = Step.FILL_HEADER, execution.ports
    fee, remainder, rest, carry_ports = ports[:3], ports[3:5], ports[5:7], ports[7:10]
    for k, port in enumerate(fee):
        execution.require(step, f"fee limb {k} in range", execution.register(f"fee{k}") - port.expression)
    whole = remainder[0] + rest[0] + (remainder[1] + rest[1]) * LIMB
    execution.equal(step, "fee remainder below one", whole, FEE_ONE - 1)
    maker, taker = execution.register("maker_rate"), execution.register("taker_rate")
    rate = unsound_bounded(
        maker + execution.register(IS_TAKER) * (taker - maker), 0, LIMB - 1, "a limb of the parameters record"
    )
    low, high = FEE_ONE % LIMB, FEE_ONE // LIMB
    notional = execution.amount()
    carry_in = bounded(0)
    for k in range(AMOUNT_LIMBS):
        left = notional[k] * rate + carry_in + (remainder[k] if k < len(remainder) else 0)
        right = (fee[k] * low if k < FEE_LIMBS else bounded(0)) + (fee[k - 1] * high if k else 0)
        carry = carry_ports[k] - FEE_CARRY_OFFSET if k < FEE_LIMBS else bounded(0)
        execution.equal(step, f"fee, limb {k}", left, right + carry * LIMB)
        carry_in = carry


def _party(execution: Execution) -> None:
    """A party's base and quote move by the same integers as the other's, and its fee moves to the fee account.

    Both accounts have headers: the taker's is checked at the order's end, the maker's when its order was placed. So are
    their numbers of open instruments: the maker's order has opened the market already.
    """
    account, instrument = execution.register("account"), execution.register("instrument")
    maker = 1 - execution.register(IS_TAKER)
    goes = -(maker * execution.register("removed"))
    header(
        execution, Step.FILL_HEADER, message=False, may_open=True, checked=True, bounded=False, orders=goes, tag=None
    )
    other = (account - execution.register("other")) * execution.scratch - 1
    execution.require(Step.FILL_HEADER, "not with itself", maker * other)
    size = [execution.bounded_register(f"size{k}") * sign(execution) for k in range(2)]
    change = [*size, bounded(0), bounded(0)]
    resting = _resting(execution, -(maker * lots(execution)))
    balance(execution, Step.FILL_BASE, account, instrument, change, may_open=True, resting=resting, funded=True)
    _position(execution)
    _count_interest(execution)
    balance(execution, Step.FILL_QUOTE, account, QUOTE_INSTRUMENT, _paid(execution))
    execution.nonzero(Step.FILL_QUOTE, "price and size are not 0", execution.amount_sum())
    receiver = SystemAccount.FEE + (SystemAccount.INSURANCE - SystemAccount.FEE) * forced_taker(execution)
    balance(execution, Step.FILL_FEE, receiver, QUOTE_INSTRUMENT, _charged(execution))
    _forced(execution)


def _forced(execution: Execution) -> None:
    """The taker's check, if its order is forced, may fail, unless it is the insurance fund's. If it does not, STOPS is
    1: so an order of the fund ends after one fill. Else `fails` is what the maker's check has: of a taker's fill 0.
    """
    step, forced, fails = Step.FILL_QUOTE, forced_taker(execution), execution.register("fails")
    execution.hold(Step.FILL_BASE, execution.step(Step.FILL_BASE) * (1 - forced), "fails")
    execution.require(step, "whether the check fails is boolean", fails * (fails - 1))
    may_not = execution.register(IS_TAKER) * execution.register(UNWINDS)
    execution.require(step, "the fund has no less than nothing", may_not * fails)
    execution.release(step, "removed")
    execution.hand_over("match: the forced order stops", execution.step(step), STOPS, forced * (1 - fails))


def _resting(execution: Execution, change: Expression) -> tuple[Expression, Expression]:
    """A change of resting lots on the side of the party at hand."""
    buys = execution.register(BUYS)
    return buys * change, (1 - buys) * change


def _charged(execution: Execution) -> list[Bounded]:
    return [*(execution.bounded_register(f"fee{k}") for k in range(FEE_LIMBS)), bounded(0)]


def _paid(execution: Execution) -> list[Bounded]:
    """What the quote balance of the party at hand gains: the notional with its sign, less the fee."""
    charged = zip(execution.amount(), _charged(execution), strict=True)
    return [bounded(0) - notional * sign(execution) - fee for notional, fee in charged]


def _position(execution: Execution) -> None:
    """A fill reduces (a port is 1) exactly if the party's new position is on the other side or 0; a reduce-only order
    does nothing else. A fill that does not reduce needs valid prices, and so does one of a forced order.

    position = low limbs - negative * LIMB^2, where the high limbs are those of BIAS less `negative`. That is 0 or 1,
    because the margin check that follows reads the same position, whose lots must fit two limbs.
    """
    step, ports, negative = Step.FILL_BASE, execution.ports, execution.scratch
    sign_bit = unsound_bounded(negative, 0, 1, "the margin check that follows bounds the position")
    execution.equal(step, "sign of the position", ports[2] + ports[3] * LIMB, BIAS_TOP_LIMB * LIMB - sign_bit)
    position = ports[0] + ports[1] * LIMB - sign_bit * (LIMB * LIMB)
    bit = ports[REDUCES_PORT].expression
    execution.require(step, "reducing is boolean", bit * (bit - 1))
    reduces = unsound_bounded(bit, 0, 1, "constrained to be boolean on this step")
    distance = (1 - reduces * 2) * (sign(execution) * position) + reduces - 1
    execution.equal(step, "reduces or grows", distance, ports[BEYOND_PORT] + ports[BEYOND_PORT + 1] * LIMB)
    execution.require(step, "a reduce-only order does not grow", execution.register("reduce") * (1 - bit))
    # The bit of a forced taker is 1: its order is reduce-only.
    fresh_prices(execution, step, unless=bit, capped=Capped.ALL, also=forced_taker(execution))


def _count_interest(execution: Execution) -> None:
    """What a trade adds to its party's long position goes off what the order is said to change of the open interest.

    A trial that fails counts for nothing. The margin check bounds the new position, and has bounded the old one.
    """
    step, interest = Step.FILL_BASE, execution.register("interest")
    grown = long_position(execution.new) - long_position(execution.old)
    counted = (1 - execution.register("fails")) * grown
    execution.release(step, "interest")
    execution.hand_over("match: open interest", execution.step(step), "interest", interest - counted)


def _undo(execution: Execution) -> None:
    """A maker that failed is as before, but for its order."""
    account, instrument = execution.register("account"), execution.register("instrument")
    balance(execution, Step.UNDO_QUOTE, account, QUOTE_INSTRUMENT, negate(_paid(execution)))
    size = [execution.bounded_register(f"size{k}") * sign(execution) for k in range(2)]
    rest = _resting(execution, lots(execution) - execution.register("maker_left"))
    change = negate([*size, bounded(0), bounded(0)])
    balance(execution, Step.UNDO_BASE, account, instrument, change, resting=rest)


def _skip(execution: Execution) -> None:
    """The order leaves its account's books; one that is skipped for growing is reduce-only and would grow."""
    header_step, step = Step.SKIP_HEADER, Step.SKIP_BASE
    header(execution, header_step, message=False, may_open=False, orders=-1, tag=None)
    execution.nonzero(header_step, "the taker has lots left", execution.register(LEFT))
    account, instrument = execution.register("account"), execution.register("instrument")
    index = ACCOUNT_BASE + BALANCE_SLOT + instrument + ACCOUNT_SLOTS * account
    execution.access(step, index, None, RESTING)
    for k, change in zip(RESTING, _resting(execution, execution.register("maker_left")), strict=True):
        label = "resting bids" if k == RESTING[0] else "resting asks"
        execution.require(step, label, execution.new[k] - execution.old[k] + change)
    growing, negative, ports = execution.register("growing"), execution.scratch, execution.ports
    execution.require(step, "only a reduce-only order may not grow", growing * (1 - execution.register("reduce")))
    sign_bit = unsound_bounded(negative, 0, 1, "every fill bounds the position that it leaves")
    high = execution.old_limb(2) + execution.old_limb(3) * LIMB
    execution.equal(step, "sign of the position", high, BIAS_TOP_LIMB * LIMB - sign_bit)
    position = execution.old_limb(0) + execution.old_limb(1) * LIMB - sign_bit * (LIMB * LIMB)
    # On the other side (flips = 1) it would grow beyond 0; on its own side or at 0 it would grow whatever the size.
    flips = unsound_bounded(ports[2].expression, 0, 1, "constrained to be boolean on this step")
    execution.require(step, "flip is boolean", flips.expression * (flips.expression - 1))
    traded = execution.bounded_register("size0") + execution.bounded_register("size1") * LIMB
    beyond = sign(execution) * position + flips * (traded - 1)
    label = f"{step.name.lower()}: it would grow"
    execution.table.equal(label, beyond, ports[0] + ports[1] * LIMB, execution.step(step) * growing)


def _parties(execution: Execution) -> None:
    """Who is at hand: the taker up to MATCH_ORDER, the maker after it, then the taker again, on its own side."""
    met, fails = Step.MATCH_ORDER, execution.register("fails")
    again = execution.step(Step.FILL_FEE) * (1 - execution.register(IS_TAKER))
    returns = again + execution.step(Step.UNDO_BASE) + execution.step(Step.SKIP_BASE)
    execution.lead(Step.FILL_HEADER, execution.step(met) * (1 - skips(execution)) + again)
    execution.lead(Step.SKIP_HEADER, execution.step(met) * skips(execution))
    failed = execution.step(Step.FILL_QUOTE) * fails * (1 - execution.register(IS_TAKER))
    execution.lead(Step.FILL_FEE, execution.step(Step.FILL_QUOTE) - failed)
    execution.lead(Step.UNDO_QUOTE, failed)
    handed = ("account", "other", BUYS, "reduce", "other_reduce", IS_TAKER)
    for step in (met, Step.UNDO_BASE, Step.SKIP_BASE):
        execution.release(step, *handed)
    execution.release(Step.FILL_FEE, "other", "other_reduce", IS_TAKER)
    finished = execution.step(Step.FILL_FEE) * execution.register(IS_TAKER)
    execution.hold(Step.FILL_FEE, finished, "account", BUYS, "reduce")
    account, buys, reduce = (execution.register(name) for name in ("account", BUYS, "reduce"))
    selector = execution.step(met)
    execution.hand_over("match: the maker is next", selector, "account", execution.old[ORDER_ACCOUNT])
    execution.hand_over("match: the taker is the other", selector, "other", account)
    execution.hand_over("match: the maker is on the other side", selector, BUYS, 1 - buys)
    restricted = execution.register("restricted")
    shrinks = restricted + (1 - restricted) * (execution.old[TAG] - int(Tag.ORDER))
    execution.hand_over("match: the maker's order is as it is", selector, "reduce", shrinks)
    execution.hand_over("match: the taker's order waits", selector, "other_reduce", reduce)
    execution.hand_over("match: the maker is first", selector, IS_TAKER, 0)
    rest = execution.register(LEFT) - (1 - skips(execution) - fails) * lots(execution)
    execution.release(met, LEFT)
    execution.hand_over("match: the taker has the rest left", selector, LEFT, rest)
    execution.hand_over("match: the taker follows the maker", returns, "account", execution.register("other"))
    execution.hand_over("match: the taker is on its side again", returns, BUYS, 1 - buys)
    execution.hand_over("match: the taker's order is at hand", returns, "reduce", execution.register("other_reduce"))
    execution.hand_over("match: the taker is second", again, IS_TAKER, execution.register(IS_TAKER) + 1)
