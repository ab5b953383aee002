"""Registers and ports of PRICE transitions."""

import numpy as np

from circuits.bounds import FRACTION_ONE, LIMB, LIMB_BITS
from circuits.records import (
    MARKET_MARK,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    PARAMETERS_STALENESS,
    PARAMETERS_TIME,
    TAG,
    Tag,
)
from circuits.steps import Kind
from circuits.transitions.price import FRACTION, IS_PERPETUAL, LATER_PORT, STALENESS
from prover.traces.columns import integer_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The published price and time, and the division that gives the weight."""
    parameters, market = trace.rows(Kind.PRICE)
    time = trace.argument(Kind.PRICE, "time")
    fraction = trace.old[PARAMETERS_FRACTION][parameters]
    perpetual = (trace.old[TAG][market] == int(Tag.PERPETUAL)).astype(np.int64)
    mark, weight = (trace.new[at : at + 2, market] for at in (MARKET_MARK, MARKET_WEIGHT))
    trace.registers(
        Kind.PRICE,
        instrument=trace.argument(Kind.PRICE, "instrument"),
        sequence=trace.argument(Kind.PRICE, "sequence"),
        amount0=mark[0],
        amount1=mark[1],
        amount2=time,
        **{FRACTION: fraction, IS_PERPETUAL: perpetual, STALENESS: trace.old[PARAMETERS_STALENESS][parameters]},
    )
    remainder = np.abs(integer_of(mark) * fraction - integer_of(weight) * FRACTION_ONE)
    carry = (mark[0] * fraction + (2 * perpetual - 1) * remainder - weight[0] * FRACTION_ONE) >> LIMB_BITS
    low_carry = carry + LIMB
    for number, values in enumerate((*mark, *weight, remainder, FRACTION_ONE - 1 - remainder, low_carry & (LIMB - 1))):
        trace.port(number, market, values)
    trace.columns["scratch"][market] = low_carry >> LIMB_BITS
    trace.wide_port(LATER_PORT, parameters, time - trace.old[PARAMETERS_TIME][parameters])
