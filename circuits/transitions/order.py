"""An order: what it says, how it goes on, and how it ends: filled, dropped, or resting in the book.

A side of a book is a list of orders, best price first and earlier before later at one price. A sentinel stands at its
head; the list ends at the sentinel of the other side, whose price nothing crosses. An order goes on as long as it meets
prices within its limit (`circuits.transitions.match`); only then may what is left of it rest or be dropped.

What its trades change of the market's open interest, all of them together, it says beforehand (register `interest`);
each trade takes its share away, and at the end nothing is left.
"""

from circuits.accounts import balance, fresh_prices, header, market_leaf
from circuits.air import Where
from circuits.bounded import bounded
from circuits.bounds import ACCOUNT_ORDERS, FAIR_SHARE, LIMB, LIMIT_MAX
from circuits.buses import Capped
from circuits.execution import REGISTERS, Execution
from circuits.expression import Expression, total
from circuits.notional import notional
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    BIDS_SLOT,
    HEADER_NONCE,
    HEADER_ORDERS,
    MARKET_BIT,
    MARKET_MARK,
    MARKET_WEIGHT,
    ORDER_ACCOUNT,
    ORDER_BASE,
    ORDER_BOOK,
    ORDER_EXPIRY,
    ORDER_LEFT,
    ORDER_NEXT,
    ORDER_NONCE,
    ORDER_PRICE,
    RECORD_SIZE,
    RULES_CAP,
    RULES_INTEREST,
    RULES_MAKER_FEE,
    RULES_MINIMUM,
    RULES_SLOT,
    RULES_STATUS,
    RULES_TAKER_FEE,
    TAG,
    Role,
    Tag,
)
from circuits.steps import Step
from circuits.transitions.match import (
    BUYS,
    IS_TAKER,
    LEFT,
    LIMIT,
    MARK,
    QUARTER,
    STOPS,
    UNWINDS,
    order_limit,
    order_price,
    sign,
)

NONCE = "amount0"  # register: the order's nonce, from REST_ORDER to the header
EXEMPTION = "own"  # register of ORDER_RULES alone: not 0 if no notional is too small
QUARTER_PORT, QUARTER_REST_PORT = 8, 10  # on ORDER_RULES
RESTING_PORTS = {BALANCE_BIDS: 8, BALANCE_ASKS: 10}  # on END_BASE, and the next one; by element of the balance
BITS = (BUYS, "rests", "reduce")  # `post` and `whole` say yes by not being 0
# What one order met leaves behind: it means something from MATCH_HEAD to the end of the match only.
PASSING = (
    "other", "other_reduce", "price", "size0", "size1", "amount0", "amount1", "amount2", "amount3", "head", "after",
    "maker_left", "growing", "fails", "removed", IS_TAKER,
)  # fmt: skip
OF_PARTY = ("mask", "opened", "moment", "fee0", "fee1", "fee2")


def constrain(execution: Execution) -> None:
    """The order's numbers, the market's rules, its way through the book, its end."""
    _numbers(execution)
    _rules(execution)
    _way(execution)
    _best(execution)
    _place(execution)
    _rest(execution)
    _end(execution)


def _numbers(execution: Execution) -> None:
    """The market is a perpetual, the flags are bits, 1 <= limit <= LIMIT_MAX, 1 <= lots <= SIZE_MAX, not expired.

    The amount is what the lots are worth at the mark.
    """
    step, ports, old = Step.ORDER_MARKET, execution.ports, execution.old
    execution.access(step, market_leaf(execution, 0), Tag.PERPETUAL)
    execution.require(step, "bit of the market", execution.register("bit") - old[MARKET_BIT])
    for name in BITS:
        flag = execution.register(name)
        execution.require(step, f"{name} is boolean", flag * (flag - 1))
    limit, left = execution.register(LIMIT), execution.register(LEFT)
    size, above, below = ((ports[k] + ports[k + 1] * LIMB).expression for k in (0, 8, 10))
    execution.require(step, "lots asked for", left - execution.register("asked"))
    execution.require(step, "lots in range", left - size)
    execution.require(step, "limit is at least 1", limit - 1 - above)
    execution.require(step, "limit is below the sentinels", LIMIT_MAX - limit - below)
    mark = [execution.old_limb(MARKET_MARK + k) for k in range(2)]
    notional(execution, step, mark, ports[:2], product_port=2, carry_port=6)
    execution.require(step, "the mark", execution.register(MARK) - (mark[0] + mark[1] * LIMB).expression)
    _quarter(execution)
    step = Step.ORDER_RULES
    execution.nonzero(step, "at least one lot", left)
    later, expiry = ((ports[k] + ports[k + 1] * LIMB).expression for k in (0, 2))
    execution.require(step, "not expired", execution.register("expiry") - execution.time - later)
    execution.require(step, "expiry in range", execution.register("expiry") - expiry)


def _quarter(execution: Execution) -> None:
    """The register QUARTER is floor(requirement a lot / FAIR_SHARE)."""
    step, ports, quarter = Step.ORDER_RULES, execution.ports, execution.register(QUARTER)
    weight = execution.old[MARKET_WEIGHT] + LIMB * execution.old[MARKET_WEIGHT + 1]
    whole = FAIR_SHARE * quarter.next() + ports[QUARTER_REST_PORT].expression.next()
    selector = execution.step(Step.ORDER_MARKET)
    execution.table.constrain("order: share of the requirement", selector * (weight - whole), Where.TRANSITION)
    execution.release(Step.ORDER_MARKET, QUARTER)
    size = ports[QUARTER_PORT] + ports[QUARTER_PORT + 1] * LIMB
    execution.require(step, "share in range", quarter - size.expression)
    rest = ports[QUARTER_REST_PORT] + ports[QUARTER_REST_PORT + 1]
    execution.equal(step, "share is rounded down", rest, FAIR_SHARE - 1)


def _rules(execution: Execution) -> None:
    """What the market demands, and what it charges, but for a forced order. It is a perpetual, so it has had rules
    since genesis.

    Its status is ACTIVE (0), or REDUCE_ONLY (1) and so is the order. In the latter market all orders count as such.
    """
    step, old = Step.ORDER_RULES, execution.old
    execution.access(step, market_leaf(execution, RULES_SLOT), None, [RULES_INTEREST])
    execution.require(step, "maker rate", execution.register("maker_rate") - old[RULES_MAKER_FEE])
    charged = execution.register("taker_rate") - old[RULES_TAKER_FEE]
    execution.require(step, "taker rate", (1 - execution.register("forced")) * charged)
    restricted = execution.register("restricted")
    execution.require(step, "status of the market", restricted - old[RULES_STATUS])
    takes = restricted * (restricted - execution.register("reduce"))
    execution.require(step, "the market takes the order", takes)
    _minimum(execution, step)
    _interest(execution, step)


def _minimum(execution: Execution, step: Step) -> None:
    """An order that is not reduce-only is worth the minimum at least.

    The amount's high limbs and the flag are no less than 0, so their sum is 0 only if all of them are; then, whatever
    the exemption is, the low limbs must be the minimum and some rest, all of them below 2^28. High limbs that are not 0
    are more than any minimum.
    """
    low, rest = (parts[0] + parts[1] * LIMB for parts in (execution.amount(), execution.ports[4:6]))
    exempt = total([part.expression for part in execution.amount()[2:]]) + execution.register("reduce")
    short = (low - rest).expression - execution.old[RULES_MINIMUM]
    compared = 1 - execution.register(EXEMPTION) * exempt
    execution.require(step, "the order is worth the minimum", compared * short)


def _interest(execution: Execution, step: Step) -> None:
    """Open interest (the long positions of all accounts, added up) changes as said; it does not grow beyond its cap.

    It is the old one or the cap, less a number below 2^28. As what a trade changes is at most its size, an order
    changes at most its lots, so the sum of all long positions stays within [0, 2^29) and is this very number.
    """
    before, after = execution.old[RULES_INTEREST], execution.new[RULES_INTEREST]
    execution.require(step, "open interest", after - before - execution.register("interest"))
    less = after + (execution.ports[6] + execution.ports[7] * LIMB).expression
    execution.require(step, "open interest within its cap", (execution.old[RULES_CAP] - less) * (before - less))


def _way(execution: Execution) -> None:
    """After an order's numbers, and after each order met, it meets another one, or finds the best one out of reach, or
    ends because nothing is left. A forced one ends also once its account has what it needs, and only so then.

    After the best one it ends: it cannot meet one that is out of reach, and to look again changes nothing. Nor can one
    that rests go back to the opposite side: what follows it in its own list (register `head`) is no head there.
    """
    steps = (Step.ORDER_RULES, Step.UNDO_BASE, Step.SKIP_BASE)
    again = execution.step(Step.FILL_FEE) * (1 - execution.register(IS_TAKER))
    ready = execution.steps(steps) + execution.step(Step.FILL_FEE) - again
    best, rests = execution.step(Step.BEST_ORDER), execution.register("rests")
    dropped, rested = best * (1 - rests), execution.step(Step.REST_ORDER)
    meets, looks, ends = (execution.step(step).next() for step in (Step.MATCH_HEAD, Step.BEST_HEAD, Step.END_HEADER))
    constrain, transition = execution.table.constrain, Where.TRANSITION
    constrain("an order goes on or ends", ready + dropped + rested - meets - looks - ends, transition)
    stops = execution.step(Step.FILL_FEE) * execution.register(STOPS)
    left = (ready - stops) * execution.register(LEFT)
    constrain("an order with lots left looks at the best", left * ends, transition)
    constrain("a forced order ends once it has done enough", stops * (1 - ends), transition)
    execution.lead(Step.REST_PREDECESSOR, best * rests)
    for step in steps:
        execution.release(step, *PASSING, *OF_PARTY)
    execution.hold(Step.FILL_FEE, again, *(name for name in PASSING if name not in ("other", "other_reduce", IS_TAKER)))
    for step in (Step.MATCH_ORDER, Step.FILL_FEE):
        execution.release(step, *OF_PARTY)


def _best(execution: Execution) -> None:
    """The first order of the opposite side is worse than the limit; so nothing crosses. A fill-or-kill order never gets
    here, nor one of which nothing is left: it could rest then and be in everybody's way."""
    head, step = execution.register("head"), Step.BEST_HEAD
    execution.access(step, market_leaf(execution, BIDS_SLOT) + execution.register(BUYS))
    execution.require(step, "the best is the head", head - execution.old[ORDER_NEXT])
    whole = execution.register("whole") * (1 - execution.register("forced"))
    execution.require(step, "the order need not be whole", whole)
    execution.nonzero(step, "lots are left", execution.register(LEFT))
    step, ports = Step.BEST_ORDER, execution.ports
    execution.access(step, head)
    distance = sign(execution) * (order_price(execution) - order_limit(execution)) - 1
    execution.equal(step, "out of reach", distance, ports[0] + ports[1] * LIMB)
    execution.release(step, "head", "after", NONCE)


def _place(execution: Execution) -> None:
    """The order's place is behind an order of the same list with a price as good, and before one with a worse price.

    The predecessor is any order or sentinel of that list, which its record says; what it points at is what follows.
    """
    step, ports, old = Step.REST_PREDECESSOR, execution.ports, execution.old
    book = 2 * execution.register("instrument") + execution.register(BUYS)
    execution.access(step, None, None, [ORDER_NEXT])
    kind = (old[TAG] - int(Tag.ORDER)) * (old[TAG] - int(Tag.REDUCE_ORDER))
    execution.require(step, "the predecessor is an order", kind)
    execution.require(step, "the predecessor is of the same list", old[ORDER_BOOK] - book)
    execution.require(step, "what follows", execution.register("head") - old[ORDER_NEXT])
    execution.require(step, "the new order comes next", execution.new[ORDER_NEXT] - execution.register("after"))
    distance = sign(execution) * (order_price(execution) - order_limit(execution))
    execution.equal(step, "not before a better price", distance, ports[0] + ports[1] * LIMB)
    step = Step.REST_SUCCESSOR
    execution.access(step, execution.register("head"))
    distance = sign(execution) * (order_limit(execution) - order_price(execution)) - 1
    execution.equal(step, "before every worse price", distance, ports[0] + ports[1] * LIMB)


def _rest(execution: Execution) -> None:
    """The order is written to a free leaf."""
    step, ports, old = Step.REST_ORDER, execution.ports, execution.old
    elements: list[Expression | int | None] = [None] * RECORD_SIZE
    elements[ORDER_NEXT], elements[ORDER_PRICE] = execution.register("head"), execution.register(LIMIT)
    elements[ORDER_LEFT], elements[ORDER_ACCOUNT] = execution.register(LEFT), execution.register("account")
    elements[ORDER_EXPIRY], elements[ORDER_NONCE] = execution.register("expiry"), execution.register(NONCE)
    elements[ORDER_BOOK] = 2 * execution.register("instrument") + execution.register(BUYS)
    elements[TAG] = execution.register("reduce") + int(Tag.ORDER)
    execution.create(step, execution.register("after"), elements)
    execution.require(step, "the leaf is free", old[TAG])
    slot = (ports[0] + ports[1] * LIMB).expression
    execution.require(step, "the leaf is one for orders", execution.index - ORDER_BASE - slot)


def _end(execution: Execution) -> None:
    """The order's account signs, unless the order is forced; if the order rests it is counted, and the account keeps
    its initial margin with it, at valid prices unless the order can only reduce.

    placed is 1 exactly if the order rests: what is left rests if the order is one that rests, and nothing does not. An
    order that does not rest needs no check: what it traded was checked fill by fill.

    What rests on a side then fits the two limbs of the lots that count, also without the position that may offset it:
    else no transition could reduce that position, as no margin check could count what is left. Nothing else adds lots.
    """
    step, ports, left = Step.END_HEADER, execution.ports, execution.register(LEFT)
    placed = execution.register("placed")
    forced = execution.register("forced")
    role = Role.TRADER + (Role.SYSTEM - Role.TRADER) * forced * execution.register(UNWINDS)
    header(execution, step, message=True, may_open=True, checked=True, orders=placed, forced=forced, role=role)
    execution.require(step, "what is left rests if it shall", left * (placed - execution.register("rests")))
    execution.require(step, "nothing does not rest", placed * (left * execution.scratch - 1))
    execution.require(step, "open interest is counted", execution.register("interest"))
    achieved = execution.register("asked") - left + placed
    execution.require(step, "what is traded, and whether it rests", execution.register("achieved") - achieved)
    execution.require(step, "nonce of the order", execution.register(NONCE) - execution.new[HEADER_NONCE])
    room = ACCOUNT_ORDERS - execution.new[HEADER_ORDERS] - ports[0].expression
    execution.require(step, "room for another order", room)
    execution.require(step, "nothing opens but for an order that rests", execution.register("opened") * (1 - placed))
    follows = execution.step(step) * placed
    execution.lead(Step.END_BASE, follows)
    execution.hold(step, follows, *REGISTERS)
    buys = execution.register(BUYS)
    resting = buys * left, (1 - buys) * left
    account, instrument = execution.register("account"), execution.register("instrument")
    nothing = [bounded(0)] * 4
    balance(execution, Step.END_BASE, account, instrument, nothing, may_open=True, resting=resting, funded=True)
    for position, port in RESTING_PORTS.items():
        lots = (ports[port] + ports[port + 1] * LIMB).expression
        side = "bids" if position == BALANCE_BIDS else "asks"
        execution.require(Step.END_BASE, f"{side} fit a margin check", execution.new[position] - lots)
    fresh_prices(execution, Step.END_BASE, unless=execution.register("reduce"), capped=Capped.ALL)
