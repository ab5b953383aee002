"""Price update: a new mark, and with it what a lot requires as margin or counts as collateral."""

from circuits.accounts import market_leaf
from circuits.bounded import unsound_bounded
from circuits.bounds import FRACTION_ONE, LIMB
from circuits.buses import Public
from circuits.execution import Execution
from circuits.records import (
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    PARAMETERS_PRICES,
    PARAMETERS_SLOT,
    PARAMETERS_STALENESS,
    PARAMETERS_TIME,
    TAG,
    Tag,
)
from circuits.steps import Step

FRACTION, IS_PERPETUAL, STALENESS = "maker_rate", "side", "taker_rate"  # registers, under the names they have here
LATER_PORT = 0  # and the next one: the time since the last price


def constrain(execution: Execution) -> None:
    """The quote has no parameters record, so it has no price; what has one is an asset or a perpetual, so the flag that
    tells them apart is 0 or 1. The price, its number and its time are public."""
    first, leaf = Step.PRICE_PARAMETERS, market_leaf(execution, PARAMETERS_SLOT)
    execution.access(first, leaf, Tag.PARAMETERS, [PARAMETERS_PRICES, PARAMETERS_TIME])
    number = execution.old[PARAMETERS_PRICES]
    execution.require(first, "prices are numbered", execution.register("sequence") - number)
    execution.require(first, "prices are counted", execution.new[PARAMETERS_PRICES] - number - 1)
    fraction = execution.register(FRACTION)
    execution.require(first, "fraction", fraction - execution.old[PARAMETERS_FRACTION])
    execution.require(first, "staleness", execution.register(STALENESS) - execution.old[PARAMETERS_STALENESS])
    _time(execution, first)
    step = Step.PRICE_MARKET
    writes = [MARKET_MARK, MARKET_MARK + 1, MARKET_WEIGHT, MARKET_WEIGHT + 1, MARKET_VALID]
    execution.access(step, market_leaf(execution, 0), None, writes)
    perpetual = execution.register(IS_PERPETUAL)
    execution.require(step, "kind of record", execution.old[TAG] - Tag.ASSET - (Tag.PERPETUAL - Tag.ASSET) * perpetual)
    _weight(execution, step)
    last = execution.register("amount2") + execution.register(STALENESS)
    execution.require(step, "last second", execution.new[MARKET_VALID] - last)
    execution.publish(step, Public.PRICE)


def _weight(execution: Execution, step: Step) -> None:
    """weight = ceil(mark * fraction / ONE) for a perpetual, floor for an asset: mark * fraction +- remainder = weight *
    ONE.

    0 <= remainder < ONE makes the weight unique. Both sides are compared limb by limb with one signed carry.
    """
    low_mark, high_mark, low_weight, high_weight, remainder, rest, low_carry = execution.ports[:7]
    for name, position, port in (
        ("mark0", MARKET_MARK, low_mark),
        ("mark1", MARKET_MARK + 1, high_mark),
        ("weight0", MARKET_WEIGHT, low_weight),
        ("weight1", MARKET_WEIGHT + 1, high_weight),
    ):
        execution.require(step, f"{name} in range", execution.new[position] - port.expression)
    for k, port in enumerate((low_mark, high_mark)):
        execution.require(step, f"published price limb {k}", execution.register(f"amount{k}") - port.expression)
    execution.equal(step, "remainder below one", remainder + rest, FRACTION_ONE - 1)
    fraction = execution.bounded_register(FRACTION)
    perpetual = execution.register(IS_PERPETUAL)
    rounding = unsound_bounded(2 * perpetual - 1, -1, 1, "the perpetual flag is 0 or 1")
    high = execution.scratch
    execution.require(step, "high carry is boolean", high * (high - 1))
    carry = low_carry + unsound_bounded(high, 0, 1, "constrained to be boolean on this step") * LIMB - LIMB
    low = low_mark * fraction + rounding * remainder
    execution.equal(step, "weight, low limb", low, low_weight * FRACTION_ONE + carry * LIMB)
    execution.equal(step, "weight, high limb", high_mark * fraction + carry, high_weight * FRACTION_ONE)


def _time(execution: Execution, step: Step) -> None:
    """The price's time is published, and so bounded by the statement, and does not go back."""
    published = execution.register("amount2")
    later = execution.ports[LATER_PORT] + execution.ports[LATER_PORT + 1] * LIMB
    execution.require(step, "time is recorded", execution.new[PARAMETERS_TIME] - published)
    execution.require(step, "time does not go back", published - execution.old[PARAMETERS_TIME] - later.expression)
