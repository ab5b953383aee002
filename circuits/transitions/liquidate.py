"""Liquidation: an order in the name of an account below its maintenance requirement, at no worse than the zero price.

The order is reduce-only, never rests, and pays its fee, at a rate that the liquidation says, to the insurance fund. It
goes on to meet another order only while the account stays below its maintenance requirement
(`circuits.transitions.match`).
"""

from circuits.bounded import unsound_bounded
from circuits.bounds import FEE_ONE, LIMB, LIQUIDATION_FEE_MAX, PRICE_MAX
from circuits.execution import Execution
from circuits.steps import Step
from circuits.transitions.match import BUYS, LIMIT, UNWINDS
from circuits.zero_price import GIVES, NEGATIVE, PRICE

RATE = "taker_rate"
LIMIT_PORT, DISTANCE_PORT, REST_PORT, CARRY_PORT, RATE_PORT = 0, 2, 4, 8, 10
CARRY_OFFSET = 3 * LIMB // 4  # carries lie between -(LIQUIDATION_FEE_MAX + 1) and LIMB / 4


def constrain(execution: Execution) -> None:
    """The account is not bankrupt; its order gives what it has.

    For a long position limit * (FEE_ONE - rate) >= zero price * FEE_ONE, for a short one limit * (FEE_ONE + rate) <=
    zero price * FEE_ONE: the distance of the limit from the zero price, times FEE_ONE, is limit * rate and a rest.
    """
    step, ports = Step.LIQUIDATE_LIMIT, execution.ports
    execution.access(step, None)  # nothing is asked of what it reads
    # NEGATIVE is the flag that says whether the order rests.
    execution.require(step, "not bankrupt, and the order does not rest", execution.register(NEGATIVE))
    execution.require(step, "the order is reduce-only", execution.register("reduce") - 1)
    execution.require(step, "the order is of the account", execution.register(UNWINDS))
    limit, distance, rest, carries = (
        ports[first : first + count]
        for first, count in ((LIMIT_PORT, 2), (DISTANCE_PORT, 2), (REST_PORT, 4), (CARRY_PORT, 2))
    )
    whole = limit[0] + limit[1] * LIMB
    execution.require(step, "limbs of the limit", execution.register(LIMIT) - whole.expression)
    sign = unsound_bounded(2 * execution.register(GIVES) - 1, -1, 1, "ZERO_MARKET shows the flag to be boolean")
    price = unsound_bounded(execution.register(PRICE), 0, PRICE_MAX, "ZERO_PRICE shows its limbs")
    execution.equal(step, "no worse than the zero price", sign * (whole - price), distance[0] + distance[1] * LIMB)
    rate, below = execution.bounded_register(RATE), ports[RATE_PORT] + ports[RATE_PORT + 1]
    execution.require(step, "rate in range", rate.expression - ports[RATE_PORT].expression)
    execution.equal(step, "rate within its bound", below, LIQUIDATION_FEE_MAX)
    low, high = FEE_ONE % LIMB, FEE_ONE // LIMB
    carry, further = (port - CARRY_OFFSET for port in carries)
    least = distance[0] * low - limit[0] * rate
    execution.equal(step, "fee within the distance, limb 0", least, rest[0] + carry * LIMB)
    middle = distance[1] * low + distance[0] * high - limit[1] * rate + carry
    execution.equal(step, "fee within the distance, limb 1", middle, rest[1] + further * LIMB)
    top = distance[1] * high + further
    execution.equal(step, "fee within the distance, limbs 2 and 3", top, rest[2] + rest[3] * LIMB)
    execution.release(step, BUYS, PRICE)
    side = 1 - execution.register(GIVES)
    execution.hand_over("liquidation: the order gives the position", execution.step(step), BUYS, side)
