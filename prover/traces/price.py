"""Registers and ports of PRICE transitions."""

import numpy as np

from circuits.bounds import FRACTION_ONE, LIMB, LIMB_BITS
from circuits.records import (
    MARKET_MARK,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    PARAMETERS_STALENESS,
    PARAMETERS_STEP_TIME,
    PARAMETERS_TIME,
    RULES_GROWTH,
    RULES_INTEREST,
    TAG,
    Tag,
)
from circuits.steps import Kind
from circuits.transitions.price import (
    ALLOWANCE_PORT,
    BASE,
    CAPPED,
    CAPPED_PORT,
    CARRY_PORT,
    DISTANCE_PORT,
    ELAPSED,
    FRACTION,
    INTEREST_PORT,
    IS_PERPETUAL,
    LATER_PORT,
    LONG,
    LONG_PORT,
    ONE_PORT,
    REMAINDER_PORT,
    REST_PORT,
    STALENESS,
    STEP_TIME,
    UP,
)
from prover.traces.columns import Integers, integer_of, limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The published price and time, how far the mark moves, and the division that gives the weight."""
    parameters, rules, stepped, market = trace.rows(Kind.PRICE)
    price, time = (trace.argument(Kind.PRICE, name) for name in ("price", "time"))
    step_time = trace.old[PARAMETERS_STEP_TIME][parameters]
    later = time - trace.old[PARAMETERS_TIME][parameters]
    low, high = limbs_of(price, 2)
    elapsed = np.minimum(later, step_time - 1)
    trace.registers(
        Kind.PRICE,
        instrument=trace.argument(Kind.PRICE, "instrument"),
        sequence=trace.argument(Kind.PRICE, "sequence"),
        amount0=low,
        amount1=high,
        amount2=time,
        **{
            BASE: trace.old[PARAMETERS_FRACTION][parameters],
            IS_PERPETUAL: (trace.old[TAG][market] == int(Tag.PERPETUAL)).astype(np.int64),
            STALENESS: trace.old[PARAMETERS_STALENESS][parameters],
            STEP_TIME: step_time,
            ELAPSED: elapsed,
        },
    )
    trace.wide_port(LATER_PORT, parameters, later)
    _choose(trace, LONG, LONG_PORT, parameters, step_time - 1 - later)
    _fill_growth(trace, rules)
    fill_step(trace, stepped, price, elapsed, step_time)
    fill_weight(trace, market)


def _choose(trace: ExecutionTrace, flag: str, port: int, rows: Integers, slack: Integers) -> None:
    """The flag is 1 where the slack is negative; the ports hold how far it is on its side."""
    negative = slack < 0
    trace.register(flag, rows, negative.astype(np.int64))
    trace.wide_port(port, rows, np.where(negative, -1 - slack, slack))


def _fill_growth(trace: ExecutionTrace, rows: Integers) -> None:
    """What the base fraction has grown to, on all rows of the transition."""
    interest, growth = (trace.old[element][rows] for element in (RULES_INTEREST, RULES_GROWTH))
    trace.wide_port(INTEREST_PORT, rows, interest)
    grown = trace.columns[BASE][rows] + growth * (interest >> LIMB_BITS)
    _choose(trace, CAPPED, ONE_PORT, rows, FRACTION_ONE - grown)
    trace.registers(Kind.PRICE, **{FRACTION: np.minimum(grown, FRACTION_ONE)})


def fill_step(
    trace: ExecutionTrace, rows: Integers, price: Integers, elapsed: Integers, step_time: Integers
) -> None:
    """How far the mark may move, and how far it would have to."""
    limbs = trace.old[MARKET_MARK : MARKET_MARK + 2, rows]
    mark = integer_of(limbs)
    allowance = -(-mark * elapsed // np.maximum(step_time, 1))
    remainder = allowance * step_time - mark * elapsed
    distance = np.abs(price - mark)
    trace.register(UP, rows, (price > mark).astype(np.int64))
    trace.wide_port(ALLOWANCE_PORT, rows, allowance)
    trace.wide_port(DISTANCE_PORT, rows, distance)
    _choose(trace, CAPPED, CAPPED_PORT, rows, allowance - distance)
    trace.port(REMAINDER_PORT, rows, remainder)
    trace.port(REST_PORT, rows, step_time - 1 - remainder)
    carry = (limbs[0] * elapsed + remainder - (allowance & (LIMB - 1)) * step_time) >> LIMB_BITS
    _fill_carry(trace, CARRY_PORT, rows, carry)


def fill_weight(trace: ExecutionTrace, rows: Integers) -> None:
    mark, weight = (trace.new[at : at + 2, rows] for at in (MARKET_MARK, MARKET_WEIGHT))
    fraction, perpetual = (trace.columns[name][rows] for name in (FRACTION, IS_PERPETUAL))
    remainder = np.abs(integer_of(mark) * fraction - integer_of(weight) * FRACTION_ONE)
    for number, values in enumerate((*mark, *weight, remainder, FRACTION_ONE - 1 - remainder)):
        trace.port(number, rows, values)
    carry = (mark[0] * fraction + (2 * perpetual - 1) * remainder - weight[0] * FRACTION_ONE) >> LIMB_BITS
    _fill_carry(trace, 6, rows, carry)


def _fill_carry(trace: ExecutionTrace, port: int, rows: Integers, carry: Integers) -> None:
    """The port and `scratch` of a signed carry."""
    trace.port(port, rows, (carry + LIMB) & (LIMB - 1))
    trace.columns["scratch"][rows] = (carry + LIMB) >> LIMB_BITS
