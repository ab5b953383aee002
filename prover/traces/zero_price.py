"""Registers and ports of the steps that find a zero price; they depend on what a margin check has found."""

import numpy as np
from numpy.typing import NDArray

from circuits.bounds import AMOUNT_LIMBS, BIAS, BIAS_TOP_LIMB, LIMB, LIMB_BITS, LIMIT_MAX
from circuits.execution import EQUITY_PORTS, REQUIRED_PORTS
from circuits.records import MARKET_MARK, MARKET_WEIGHT
from circuits.steps import Step
from circuits.zero_price import (
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
)
from prover.traces.columns import Integers, integer_of, limbs_of
from prover.traces.execution import ExecutionTrace

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
    total, whole = integer_of(np.array(equity)) - BIAS, np.maximum(integer_of(np.array(required)), 1)
    product: Big = total.astype(object) * weight.astype(object)
    share, remainder = _integers(product // whole), _integers(product % whole)
    sign = 2 * trace.columns[GIVES][first] - 1
    price, negative = mark - sign * share, (total < 0).astype(np.int64)
    left = limbs_of(remainder, AMOUNT_LIMBS)
    for rows in (first, second):
        for names, parts in ((EQUITY, equity), (REQUIRED, required), (REMAINDER, left)):
            for name, part in zip(names, parts, strict=True):
                trace.register(name, rows, part)
        trace.register(NEGATIVE, rows, negative)
    for offset in range(3):
        trace.register(PRICE, first + offset, price)
    _compare(trace, first, integer_of(np.array(required)), remainder)
    trace.port(EQUITY_PORT, first, (1 - 2 * negative) * (equity[3] - BIAS_TOP_LIMB) - negative)
    trace.wide_port(PRICE_PORT, second, price - 1)
    trace.wide_port(ROOM_PORT, second, LIMIT_MAX - price)
    _carries(trace, second, sign, (equity, required, left), price)


def _integers(values: Big) -> Integers:
    """As machine integers; what does not fit, of a forged row, as 0."""
    return np.array([value if abs(value) >> 62 == 0 else 0 for value in values.tolist()], dtype=np.int64)


def _compare(trace: ExecutionTrace, rows: Integers, required: Integers, remainder: Integers) -> None:
    """How far the remainder is below the requirement."""
    left, rest = (limbs_of(value, AMOUNT_LIMBS) for value in (remainder, required - 1 - remainder))
    for first, parts in ((REMAINDER_PORT, left), (REST_PORT, rest)):
        for k, part in enumerate(parts):
            trace.port(first + k, rows, part)
    low = sum(((parts[0] + (parts[1] << LIMB_BITS)) for parts in (left, rest)), start=np.ones_like(required))
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
