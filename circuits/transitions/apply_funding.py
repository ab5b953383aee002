"""Application: the premiums of an hour move the market's funding index."""

from circuits.accounts import market_leaf
from circuits.bounded import bounded
from circuits.bounds import FUNDING_DIVISOR, FUNDING_INTERVAL, FUNDING_START, LIMB, PREMIUM_BIAS, PREMIUM_LIMBS
from circuits.execution import Execution
from circuits.records import FUNDING_APPLIED, FUNDING_SLOT, MARKET_FUNDING, MARKET_WEIGHT, Tag
from circuits.steps import Step
from circuits.swap import FUNDING

CHANGE = FUNDING  # register: by how much the index changes
TOP_BIAS = PREMIUM_BIAS // LIMB**2  # of a sum's top limb
# Ports of APPLY_FUNDING, of which each pair is named after the first, and of APPLY_MARKET.
CHANGE_PORT, REMAINDER_PORT, REST_PORT, BORROW_PORT, SINCE_PORT, INDEX_PORT = 0, 2, 3, 4, 5, 0


def constrain(execution: Execution) -> None:
    """change = floor(sum / FUNDING_DIVISOR), which is biased by FUNDING_START in two limbs, and the remainder stays.

    A settled market requires nothing, any other one something; and only perpetuals have a record of premiums.
    """
    step, old, new, ports = Step.APPLY_FUNDING, execution.old, execution.new, execution.ports
    sums = range(PREMIUM_LIMBS)
    execution.access(step, market_leaf(execution, FUNDING_SLOT), Tag.FUNDING, [*sums, FUNDING_APPLIED])
    since = ports[SINCE_PORT] + ports[SINCE_PORT + 1] * LIMB
    execution.require(
        step, "an interval has passed", execution.time - old[FUNDING_APPLIED] - FUNDING_INTERVAL - since.expression
    )
    execution.require(step, "time of the application", new[FUNDING_APPLIED] - execution.time)
    low, high = ports[CHANGE_PORT : CHANGE_PORT + 2]
    change = (low + high * LIMB).expression - FUNDING_START
    execution.require(step, "change of the index", execution.register(CHANGE) - change)
    remainder, borrow = ports[REMAINDER_PORT], ports[BORROW_PORT]
    execution.equal(step, "remainder below one", remainder + ports[REST_PORT], FUNDING_DIVISOR - 1)
    for k, left in enumerate((remainder, bounded(0), bounded(TOP_BIAS))):
        execution.require(step, f"what is left, limb {k}", new[k] - left.expression)
    first, second, third = (execution.old_limb(k) for k in sums)
    execution.equal(step, "index, limb 0", first + borrow * LIMB, low * FUNDING_DIVISOR + remainder)
    whole = second + (third - TOP_BIAS) * LIMB - borrow
    execution.equal(step, "index, limbs 1 and 2", whole, (high - FUNDING_START // LIMB) * FUNDING_DIVISOR)
    step = Step.APPLY_MARKET
    execution.access(step, market_leaf(execution, 0), None, [MARKET_FUNDING])
    execution.nonzero(step, "the market is not settled", old[MARKET_WEIGHT] + old[MARKET_WEIGHT + 1])
    index = (ports[INDEX_PORT] + ports[INDEX_PORT + 1] * LIMB).expression
    changed = new[MARKET_FUNDING] - old[MARKET_FUNDING]
    execution.require(step, "index after the change", changed - execution.register(CHANGE))
    execution.require(step, "index in range", new[MARKET_FUNDING] - index)
