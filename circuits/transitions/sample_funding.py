"""A sample of the premium: how far the order book is above the mark, or below it, for an order of some size.

The impact price of a side is that of the order with which the lots from the best one on reach the market's impact size;
of a side with less, that of the sentinel at its end: 0 of bids, PRICE_MAX of asks. Orders that are expired are passed
over. premium = part of the bids - part of the asks, where

    part of the bids = min(max(0, impact price - mark), weight)       of the asks: mark - impact price
"""

from circuits.accounts import market_leaf
from circuits.bounded import Bounded, unsound_bounded
from circuits.bounds import FUNDING_INTERVAL, LIMB, PREMIUM_LIMBS, SAMPLE_TIME
from circuits.execution import Execution
from circuits.records import (
    ASKS_SLOT,
    BIDS_SLOT,
    FUNDING_APPLIED,
    FUNDING_IMPACT,
    FUNDING_SAMPLED,
    FUNDING_SLOT,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    ORDER_LEFT,
    ORDER_NEXT,
    Tag,
)
from circuits.steps import Step
from circuits.transitions.match import BUYS, expiry, order_price, sign

# Registers, under the names they have here.
MARK, WEIGHT, IMPACT = "price", "whole", "asked"
HEAD, SEEN, PREMIUM = "head", "sequence", "interest"  # order at hand, lots of its side before it, premium so far
EXPIRED, ENDS, REACHES = "expired", "own", "placed"  # of SAMPLE_ORDER alone; REACHES: the impact price is this one

# Ports, each the first of two. Of SAMPLE_ORDER:
PART_PORT, ROOM_PORT, ABOVE_PORT, BELOW_PORT, EXPIRY_PORT, REACH_PORT = 0, 2, 4, 6, 8, 10
VALID_PORT, LAST_PORT = 0, 2  # of SAMPLE_MARKET: how long the mark may yet be relied on, its last second
SINCE_PORT, UNTIL_PORT, SUM_PORT = 0, 2, 4  # of SAMPLE_FUNDING
TWO_LIMBS = "less than LIMB^2, as the record says from which it is copied"


def constrain(execution: Execution) -> None:
    """The mark may be relied on now, and is not capped; the bids come first. The last step shows that the instrument is
    a perpetual."""
    step, old = Step.SAMPLE_MARKET, execution.old
    execution.access(step, market_leaf(execution, 0))
    for label, name, position in (("mark", MARK, MARKET_MARK), ("weight", WEIGHT, MARKET_WEIGHT)):
        copied = old[position] + old[position + 1] * LIMB
        execution.require(step, label, execution.register(name) - copied)
    valid, last = (_two(execution, port).expression for port in (VALID_PORT, LAST_PORT))
    execution.require(step, "the mark is valid", old[MARKET_VALID] - execution.time - valid)
    execution.require(step, "the mark is not capped", old[MARKET_VALID] - last)
    execution.require(step, "bids come first", execution.register(BUYS) - 1)
    execution.require(step, "the walk starts at the head", execution.register(HEAD) - market_leaf(execution, BIDS_SLOT))
    execution.require(step, "no lots are seen", execution.register(SEEN))
    execution.require(step, "no premium is counted", execution.register(PREMIUM))
    _order(execution)
    _part(execution)
    _walk(execution)
    _sum(execution)


def _order(execution: Execution) -> None:
    """Whether the lots so far reach the impact size, or the side ends, is exact in both directions.

    A list points at nothing but orders and sentinels. The sentinel at the head has no lots; nor has the one at the
    end, but it reaches any size.
    """
    step = Step.SAMPLE_ORDER
    execution.access(step, execution.register(HEAD))
    expired, ends, reaches = (execution.register(name) for name in (EXPIRED, ENDS, REACHES))
    for label, bit in (("expired", expired), ("reaching", reaches)):
        execution.require(step, f"{label} is boolean", bit * (bit - 1))
    expiry(execution, step, EXPIRED, EXPIRY_PORT)
    from_end = execution.index - market_leaf(execution, BIDS_SLOT) - execution.register(BUYS)
    execution.require(step, "the side ends at its sentinel", ends * from_end)
    execution.require(step, "nowhere else", (1 - ends) * (from_end * execution.scratch - 1))
    left = unsound_bounded(execution.old[ORDER_LEFT], 0, LIMB * LIMB - 1, "a resting order's lots fit two limbs")
    seen = unsound_bounded(execution.register(SEEN), 0, LIMB * LIMB - 1, "less than the impact size")
    impact = unsound_bounded(execution.register(IMPACT), 0, LIMB * LIMB - 1, TWO_LIMBS)
    live, goes_on, ended = (
        unsound_bounded(bit, 0, 1, "constrained to be boolean, or just now to be 1 or 0, on this step")
        for bit in (1 - expired, reaches, ends)
    )
    short = impact * (1 - ended) - seen - left * live
    distance = (1 - goes_on * 2) * short + goes_on - 1
    execution.equal(step, "reaches the size or not", distance, _two(execution, REACH_PORT))


def _part(execution: Execution) -> None:
    """part = min(max(0, x), weight), where x = +- (price - mark) = part + above - below.

    What is above it leaves no room to the weight, what is below it no part. (If both were not 0, the weight would be
    0.) Products of numbers below LIMB^2 are 0 mod P only if a factor is.
    """
    step = Step.SAMPLE_ORDER
    part, room, above, below = (_two(execution, k) for k in (PART_PORT, ROOM_PORT, ABOVE_PORT, BELOW_PORT))
    weight, mark = (
        unsound_bounded(execution.register(name), 0, LIMB * LIMB - 1, TWO_LIMBS) for name in (WEIGHT, MARK)
    )
    execution.equal(step, "part within the weight", part + room, weight)
    distance = sign(execution) * (order_price(execution) - mark)
    execution.equal(step, "part of the premium", distance, part + above - below)
    execution.require(step, "the part is the weight at most", above.expression * room.expression)
    execution.require(step, "the part is 0 at least", below.expression * part.expression)


def _walk(execution: Execution) -> None:
    """The next order of the side, or after the impact price of the bids the head of the asks, and then the sum."""
    step, buys, reaches = Step.SAMPLE_ORDER, execution.register(BUYS), execution.register(REACHES)
    here = execution.step(step)
    ends = here * reaches * (1 - buys)
    execution.lead(step, execution.step(Step.SAMPLE_MARKET) + here - ends)
    execution.lead(Step.SAMPLE_FUNDING, ends)
    following = execution.old[ORDER_NEXT] + reaches * (market_leaf(execution, ASKS_SLOT) - execution.old[ORDER_NEXT])
    seen = execution.register(SEEN) + (1 - execution.register(EXPIRED)) * execution.old[ORDER_LEFT]
    part = _two(execution, PART_PORT).expression * sign(execution).expression
    execution.release(step, HEAD, SEEN, BUYS, PREMIUM)
    for label, name, value in (
        ("order", HEAD, following),
        ("lots", SEEN, (1 - reaches) * seen),
        ("side", BUYS, buys * (1 - reaches)),
        ("premium", PREMIUM, execution.register(PREMIUM) + reaches * part),
    ):
        execution.hand_over(f"sample: the next {label}", here, name, value)


def _sum(execution: Execution) -> None:
    """The premium joins the sum, which the few samples until an application keep within its limbs."""
    step, old, new, ports = Step.SAMPLE_FUNDING, execution.old, execution.new, execution.ports
    sums = range(PREMIUM_LIMBS)
    execution.access(step, market_leaf(execution, FUNDING_SLOT), Tag.FUNDING, [*sums, FUNDING_SAMPLED])
    execution.require(step, "impact size", execution.register(IMPACT) - old[FUNDING_IMPACT])
    since, until = (_two(execution, k).expression for k in (SINCE_PORT, UNTIL_PORT))
    execution.require(step, "not too soon", execution.time - old[FUNDING_SAMPLED] - SAMPLE_TIME - since)
    execution.require(step, "not too late", old[FUNDING_APPLIED] + FUNDING_INTERVAL - execution.time - until)
    execution.require(step, "time of the sample", new[FUNDING_SAMPLED] - execution.time)
    for k in range(2):
        execution.require(step, f"sum limb {k} in range", new[k] - ports[SUM_PORT + k].expression)
    carry = new[2] - old[2]
    execution.require(step, "carry of the sum is -1, 0 or 1", carry * (carry - 1) * (carry + 1))
    high = unsound_bounded(carry, -1, 1, "constrained above")
    premium = unsound_bounded(execution.register(PREMIUM), 1 - LIMB * LIMB, LIMB * LIMB - 1, "a part of either side")
    before = execution.old_limb(0) + execution.old_limb(1) * LIMB
    execution.equal(step, "sum of premiums", before + premium, _two(execution, SUM_PORT) + high * (LIMB * LIMB))


def _two(execution: Execution, port: int) -> Bounded:
    """The integer of two ports."""
    return execution.ports[port] + execution.ports[port + 1] * LIMB
