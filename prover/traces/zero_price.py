"""Registers and ports of the steps that find a zero price; they depend on what a margin check has found."""

import numpy as np
from numpy.typing import NDArray

from circuits.bounds import AMOUNT_LIMBS, BIAS, BIAS_TOP_LIMB, LIMB, LIMB_BITS, LIMIT_MAX, ZERO_SHARE
from circuits.execution import EQUITY_PORTS, REQUIRED_PORTS
from circuits.records import MARKET_MARK, MARKET_WEIGHT
from circuits.steps import Step
from circuits.zero_price import (
    BOUNDED,
    CARRY_OFFSET,
    CARRY_PORT,
    EQUITY,
    EQUITY_PORT,
    GIVES,
    HIGH_CARRY,
    LOW_CARRY_PORT,
    NEGATIVE,
    PRICE,
    PRICE_PORT,
    REMAINDER,
    REMAINDER_PORT,
    REQUIRED,
    REST_PORT,
    ROOM_PORT,
    WITHIN_PORT,
)
from prover.traces.columns import Integers, integer_of, limbs_of
from prover.traces.execution import ExecutionTrace

HALF = 1 << LIMB_BITS * AMOUNT_LIMBS  # what the registers of the remainder hold of an excess is below
Big = NDArray[np.object_]  # integers beyond 64 bits


def fill(trace: ExecutionTrace) -> None:
    """After the margin checks: all but the register GIVES, of every zero price of the batch.

    The price is also what the row after the two steps has in its register.
    """
    first = np.flatnonzero(trace.step == int(Step.ZERO_MARKET))
    second = first + 1
    equity, required = (
        [trace.columns[f"port{k}"][first - 1] for k in ports] for ports in (EQUITY_PORTS, REQUIRED_PORTS)
    )
    mark, weight = (integer_of(trace.old[at : at + 2, second]) for at in (MARKET_MARK, MARKET_WEIGHT))
    total, requirement = integer_of(np.array(equity)) - BIAS, integer_of(np.array(required))
    whole, negative = np.maximum(requirement, 1), (total < 0).astype(np.int64)
    most, side = weight // ZERO_SHARE, 1 - 2 * negative
    product: Big = total.astype(object) * weight.astype(object)
    over: Big = np.abs(product) - most.astype(object) * requirement.astype(object)
    is_bounded = (over >= 0).astype(np.int64)
    share = np.where(is_bounded, side * most, _integers(product // whole))
    remainder, excess = (1 - is_bounded) * _integers(product % whole), is_bounded * over
    sign = 2 * trace.columns[GIVES][first] - 1
    price = mark - sign * share
    low_limbs = limbs_of(_integers(excess % HALF), AMOUNT_LIMBS)
    left = [a + b for a, b in zip(limbs_of(remainder, AMOUNT_LIMBS), low_limbs, strict=True)]
    for rows in (first, second):
        for names, parts in ((EQUITY, equity), (REQUIRED, required), (REMAINDER, left)):
            for name, part in zip(names, parts, strict=True):
                trace.register(name, rows, part)
        trace.register(NEGATIVE, rows, negative)
        trace.register(BOUNDED, rows, is_bounded)
    for offset in range(3):
        trace.register(PRICE, first + offset, price)
    for k, part in enumerate(left):
        trace.port(REMAINDER_PORT + k, first, part)
    _compare(trace, first, requirement, remainder)
    trace.port(EQUITY_PORT, first, side * (equity[3] - BIAS_TOP_LIMB) - negative)
    trace.wide_port(ROOM_PORT, first, LIMIT_MAX - price)
    trace.wide_port(PRICE_PORT, second, price - 1)
    trace.wide_port(WITHIN_PORT, second, most - side * share + _integers(excess // HALF))
    trace.columns["scratch"][second] = weight % ZERO_SHARE
    _carries(trace, second, sign, (equity, required, [(1 - 2 * is_bounded * negative) * part for part in left]), price)


def _integers(values: Big) -> Integers:
    """As machine integers; what does not fit, of a forged row, as 0."""
    return np.array([value if abs(value) >> 62 == 0 else 0 for value in values.tolist()], dtype=np.int64)


def _compare(trace: ExecutionTrace, rows: Integers, required: Integers, remainder: Integers) -> None:
    """How far the remainder, 0 if what it is of is bounded, is below the requirement."""
    parts = limbs_of(remainder, AMOUNT_LIMBS), limbs_of(required - 1 - remainder, AMOUNT_LIMBS)
    for k, part in enumerate(parts[1]):
        trace.port(REST_PORT + k, rows, part)
    low = sum((part[0] + (part[1] << LIMB_BITS) for part in parts), start=np.ones_like(required))
    trace.port(LOW_CARRY_PORT, rows, low >> (2 * LIMB_BITS))


def _carries(
    trace: ExecutionTrace, rows: Integers, sign: Integers, parts: tuple[list[Integers], ...], price: Integers
) -> None:
    """The carries of equity * weight against share * requirement and the remainder, as circuits.zero_price says."""
    equity, required, left = parts
    signed = [part - (BIAS_TOP_LIMB if k == AMOUNT_LIMBS - 1 else 0) for k, part in enumerate(equity)]
    low, high = limbs_of(price - 1, 2)
    marks, weights = (trace.old[at : at + 2, rows] for at in (MARKET_MARK, MARKET_WEIGHT))
    share = [sign * (marks[0] - low - 1), sign * (marks[1] - high)]
    carry = np.zeros_like(price)
    for k in range(AMOUNT_LIMBS):
        for i in range(2):
            if 0 <= k - i < AMOUNT_LIMBS:
                carry = carry + weights[i] * signed[k - i] - share[i] * required[k - i]
        carry = (carry - left[k]) >> LIMB_BITS
        held = carry + CARRY_OFFSET
        upper = np.minimum(held // HIGH_CARRY, LIMB - 1)
        trace.port(CARRY_PORT + 2 * k, rows, held - HIGH_CARRY * upper)
        trace.port(CARRY_PORT + 2 * k + 1, rows, upper)
