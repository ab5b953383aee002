"""Price update: the mark moves towards the price, by what the elapsed time allows, and with it what a lot requires as
margin or counts as collateral."""

from circuits.accounts import market_leaf
from circuits.bounded import Bounded, unsound_bounded
from circuits.bounds import CAPPED_BIT, FRACTION_ONE, LIMB
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
    PARAMETERS_STEP_TIME,
    PARAMETERS_TIME,
    RULES_GROWTH,
    RULES_INTEREST,
    RULES_SLOT,
    TAG,
    Tag,
)
from circuits.steps import Step

# Registers, under the names they have here.
BASE, IS_PERPETUAL, STALENESS = "maker_rate", "side", "taker_rate"
FRACTION = "fee0"  # what the base fraction has grown to
ELAPSED, STEP_TIME = "size0", "size1"  # seconds
LONG, UP, CAPPED = "own", "placed", "expired"  # of one row each

# Ports of PRICE_PARAMETERS, of PRICE_RULES, and of PRICE_STEP. What fills two is named after the first.
LATER_PORT, LONG_PORT = 0, 2  # the time since the last price; how clearly it is as long as LONG says
INTEREST_PORT, ONE_PORT = 0, 2  # open interest; how clearly the fraction is CAPPED at 1, or is not
ALLOWANCE_PORT, REMAINDER_PORT, REST_PORT, CARRY_PORT, DISTANCE_PORT, CAPPED_PORT = 0, 2, 3, 4, 5, 7


def constrain(execution: Execution) -> None:
    """The quote has no parameters record, so it has no price; what has one is an asset or a perpetual, so the flag that
    tells them apart is 0 or 1. The price, its number and its time are public."""
    _parameters(execution, Step.PRICE_PARAMETERS)
    _growth(execution, Step.PRICE_RULES)
    _step(execution, Step.PRICE_STEP)
    step = Step.PRICE_MARKET
    execution.access(step, market_leaf(execution, 0), None, [MARKET_WEIGHT, MARKET_WEIGHT + 1])
    perpetual = execution.register(IS_PERPETUAL)
    execution.require(step, "kind of record", execution.old[TAG] - Tag.ASSET - (Tag.PERPETUAL - Tag.ASSET) * perpetual)
    _weight(execution, step)
    execution.publish(step, Public.PRICE)


def _parameters(execution: Execution, step: Step) -> None:
    leaf = market_leaf(execution, PARAMETERS_SLOT)
    execution.access(step, leaf, Tag.PARAMETERS, [PARAMETERS_PRICES, PARAMETERS_TIME])
    number = execution.old[PARAMETERS_PRICES]
    execution.require(step, "prices are numbered", execution.register("sequence") - number)
    execution.require(step, "prices are counted", execution.new[PARAMETERS_PRICES] - number - 1)
    for label, name, position in (
        ("fraction", BASE, PARAMETERS_FRACTION),
        ("staleness", STALENESS, PARAMETERS_STALENESS),
        ("step time", STEP_TIME, PARAMETERS_STEP_TIME),
    ):
        execution.require(step, label, execution.register(name) - execution.old[position])
    _time(execution, step)


def _time(execution: Execution, step: Step) -> None:
    """The price's time is published, and so bounded by the statement, and does not go back.

    elapsed = min(time since the last price, step time - 1): LONG says whether the step time has passed, both ways.
    """
    published = execution.register("amount2")
    later = _two(execution, LATER_PORT)
    execution.require(step, "time is recorded", execution.new[PARAMETERS_TIME] - published)
    execution.require(step, "time does not go back", published - execution.old[PARAMETERS_TIME] - later.expression)
    long = _flag(execution, step, LONG)
    missing = execution.bounded_register(STEP_TIME) - later  # seconds
    execution.equal(step, "long, both ways", _either(missing - 1, 0 - missing, long), _two(execution, LONG_PORT))
    elapsed = later.expression + long.expression * (missing.expression - 1)
    execution.require(step, "elapsed time", execution.register(ELAPSED) - elapsed)


def _growth(execution: Execution, step: Step) -> None:
    """fraction = min(ONE, base + growth * floor(open interest / LIMB)).

    The instrument has parameters, so the leaf is that of its rules or, if it is an asset, empty for ever: no step makes
    rules of nothing. Then growth and interest are 0, and the fraction is the base. Open interest is 0 at first, and no
    order leaves it above both what it was and its cap; so it is at most SIZE_MAX, and two limbs hold it in one way.
    """
    execution.access(step, market_leaf(execution, RULES_SLOT))
    interest = _two(execution, INTEREST_PORT)
    execution.require(step, "open interest", execution.old[RULES_INTEREST] - interest.expression)
    growth, whole = execution.old_limb(RULES_GROWTH), execution.ports[INTEREST_PORT + 1]
    grown = execution.bounded_register(BASE) + growth * whole
    over = grown - FRACTION_ONE
    capped = _capped(execution, step, over, ONE_PORT)
    fraction = grown.expression - capped.expression * over.expression
    execution.require(step, "fraction", execution.register(FRACTION) - fraction)


def _step(execution: Execution, step: Step) -> None:
    """mark +- min(distance, allowance): distance = |price - mark|, allowance = ceil(mark * elapsed / step time).

    Rounded up, so that the smallest marks move too. The new one lies between mark and price, so it is at least 1, and
    within two limbs; PRICE_MARKET, which reads the record next, range-checks them.
    """
    execution.access(step, market_leaf(execution, 0), None, [MARKET_MARK, MARKET_MARK + 1, MARKET_VALID])
    allowance, distance = _allowance(execution, step), _two(execution, DISTANCE_PORT)
    mark, price = (_value(pair) for pair in (_marks(execution), execution.amount()[:2]))
    sign = _flag(execution, step, UP) * 2 - 1
    execution.equal(step, "distance", sign * (price - mark), distance)
    over = distance - allowance
    capped = _capped(execution, step, over, CAPPED_PORT)
    move = sign * (distance - capped * over)
    after = execution.new[MARKET_MARK] + execution.new[MARKET_MARK + 1] * LIMB
    execution.require(step, "new mark", after - mark.expression - move.expression)
    # Once if the price is above the mark, twice if it is below.
    times = capped.expression * (2 - execution.register(UP))
    last = execution.register("amount2") + execution.register(STALENESS) + times * CAPPED_BIT
    execution.require(step, "last second", execution.new[MARKET_VALID] - last)


def _allowance(execution: Execution, step: Step) -> Bounded:
    """mark * elapsed + remainder = allowance * step time, limb by limb with one signed carry.

    0 <= remainder < step time makes the allowance unique.
    """
    low, high = execution.ports[ALLOWANCE_PORT : ALLOWANCE_PORT + 2]
    remainder, rest = execution.ports[REMAINDER_PORT], execution.ports[REST_PORT]
    reason = "less than the step time, as min(time since the last price, step time - 1)"
    elapsed = unsound_bounded(execution.register(ELAPSED), 0, LIMB - 1, reason)
    step_time, (low_mark, high_mark) = execution.bounded_register(STEP_TIME), _marks(execution)
    execution.equal(step, "remainder below step time", remainder + rest, step_time - 1)
    carry = _signed_carry(execution, step, execution.ports[CARRY_PORT])
    execution.equal(step, "allowance, low limb", low_mark * elapsed + remainder, low * step_time + carry * LIMB)
    execution.equal(step, "allowance, high limb", high_mark * elapsed + carry, high * step_time)
    return _value([low, high])


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
    execution.equal(step, "remainder below one", remainder + rest, FRACTION_ONE - 1)
    fraction = execution.bounded_register(FRACTION)
    perpetual = execution.register(IS_PERPETUAL)
    rounding = unsound_bounded(2 * perpetual - 1, -1, 1, "the perpetual flag is 0 or 1")
    carry = _signed_carry(execution, step, low_carry)
    low = low_mark * fraction + rounding * remainder
    execution.equal(step, "weight, low limb", low, low_weight * FRACTION_ONE + carry * LIMB)
    execution.equal(step, "weight, high limb", high_mark * fraction + carry, high_weight * FRACTION_ONE)


def _signed_carry(execution: Execution, step: Step, low: Bounded) -> Bounded:
    """A carry in [-LIMB, LIMB): what it has above `low`, a limb, is in `scratch`."""
    high = execution.scratch
    execution.require(step, "high carry is boolean", high * (high - 1))
    return low + unsound_bounded(high, 0, 1, "constrained to be boolean on this step") * LIMB - LIMB


def _flag(execution: Execution, step: Step, name: str) -> Bounded:
    """A register that is 0 or 1 on the step."""
    flag = execution.register(name)
    label = {LONG: "long", UP: "up", CAPPED: "capped"}[name]
    execution.require(step, f"{label} is boolean", flag * (flag - 1))
    return unsound_bounded(flag, 0, 1, "constrained to be boolean on this step")


def _capped(execution: Execution, step: Step, over: Bounded, port: int) -> Bounded:
    """1 exactly if what is over a bound is more than 0; two ports hold how clearly."""
    capped = _flag(execution, step, CAPPED)
    execution.equal(step, "capped, both ways", _either(0 - over, over - 1, capped), _two(execution, port))
    return capped


def _either(no: Bounded, yes: Bounded, flag: Bounded) -> Bounded:
    """`no` if the flag is 0, `yes` if it is 1."""
    low, high = min(no.low, yes.low), max(no.high, yes.high)
    chosen = no.expression + flag.expression * (yes.expression - no.expression)
    return unsound_bounded(chosen, low, high, "the flag is 0 or 1")


def _marks(execution: Execution) -> list[Bounded]:
    return [execution.old_limb(MARKET_MARK), execution.old_limb(MARKET_MARK + 1)]


def _two(execution: Execution, port: int) -> Bounded:
    """The integer of two ports."""
    return _value(execution.ports[port : port + 2])


def _value(pair: list[Bounded]) -> Bounded:
    return pair[0] + pair[1] * LIMB
