"""Ports of payments of funding."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, BIAS, FUNDING_ONE, LIMB, LIMB_BITS
from circuits.payment import (
    AMOUNT_PORT,
    CARRY_PORT,
    CHANGE_PORT,
    FALLS,
    HIGH_CARRY,
    REMAINDER_PORT,
    REST_PORT,
    SIZE_PORT,
    TOP_PORT,
)
from circuits.records import BALANCE_FUNDING
from circuits.swap import FUNDING, GIVES
from prover.traces.columns import Integers, integer_of, limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace, rows: tuple[Integers, Integers, Integers]) -> None:
    """What the three steps from PAY_BASE on hold and change: the registers that a swap shares with them, the ports."""
    base, quote, other_quote = rows
    position = integer_of(trace.old[:AMOUNT_LIMBS, base]) - BIAS
    target = trace.new[BALANCE_FUNDING][base]
    change = target - trace.old[BALANCE_FUNDING][base]
    gets = ((position < 0) != (change < 0)).astype(np.int64)
    size, distance = np.abs(position), np.abs(change)
    whole = size * distance
    amount = (whole + (1 - gets) * (FUNDING_ONE - 1)) // FUNDING_ONE
    limbs = limbs_of(amount, AMOUNT_LIMBS)
    for row in rows:
        trace.register(GIVES, row, gets)
        trace.register(FUNDING, row, target)
        for k, part in enumerate(limbs):
            trace.register(f"amount{k}", row, part)
    trace.register(FALLS, base, (change < 0).astype(np.int64))
    trace.wide_port(SIZE_PORT, base, size)
    trace.wide_port(CHANGE_PORT, base, distance)
    for k, part in enumerate((*limbs[:3], limbs[3] * FUNDING_ONE)):
        trace.port((*range(AMOUNT_PORT, AMOUNT_PORT + 3), TOP_PORT)[k], base, part)
    remainder = np.abs(amount * FUNDING_ONE - whole)
    trace.port(REMAINDER_PORT, base, remainder)
    trace.port(REST_PORT, base, FUNDING_ONE - 1 - remainder)
    _carries(trace, base, limbs_of(size, 2), limbs_of(distance, 2), limbs, (1 - 2 * gets) * remainder)
    for row, sign in ((quote, 2 * gets - 1), (other_quote, 1 - 2 * gets)):
        trace.change(row, [sign * part for part in limbs])


def _carries(
    trace: ExecutionTrace,
    rows: Integers,
    size: list[Integers],
    change: list[Integers],
    amount: list[Integers],
    remainder: Integers,
) -> None:
    """The low and the middle carry, each with what it has above one limb."""
    low = (size[0] * change[0] + remainder - FUNDING_ONE * amount[0]) >> LIMB_BITS
    cross = size[0] * change[1] + size[1] * change[0]
    middle = (cross + low - FUNDING_ONE * amount[1]) >> LIMB_BITS
    for k, (carry, high) in enumerate(((low, HIGH_CARRY), (middle, "scratch"))):
        trace.port(CARRY_PORT + k, rows, (carry + FUNDING_ONE) & (LIMB - 1))
        trace.columns[high][rows] = (carry + FUNDING_ONE) >> LIMB_BITS
