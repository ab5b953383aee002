"""Registers and ports of LIQUIDATE and UNWIND: what the order that follows has, and how its limit is within bounds."""

import numpy as np

from circuits.bounds import FEE_ONE, LIMB, LIMB_BITS, LIQUIDATION_FEE_MAX
from circuits.buses import Tier
from circuits.execution import REGISTERS
from circuits.records import MARKET_MARK, MARKET_WEIGHT
from circuits.steps import Kind
from circuits.transitions import unwind
from circuits.transitions.liquidate import (
    CARRY_OFFSET,
    CARRY_PORT,
    DISTANCE_PORT,
    LIMIT_PORT,
    RATE_PORT,
    REST_PORT,
)
from circuits.transitions.match import BUYS, LIMIT
from circuits.zero_price import GIVES, PRICE
from prover.traces.columns import Integers, integer_of, limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """Registers, after those of orders: the account gives the position that its order sells, or buys back."""
    for kind in (Kind.LIQUIDATE, Kind.UNWIND):
        rows = trace.rows(kind)
        for row in rows:
            for name in REGISTERS:
                trace.register(name, row, trace.columns[name][rows[-1] + 1])
    rows = trace.rows(Kind.LIQUIDATE)
    for row in rows:
        trace.register(GIVES, row, 1 - trace.columns[BUYS][rows[-1] + 1])
    trace.header(rows[0], None, rows)
    trace.ask(rows[0], Tier.MAINTENANCE, fails=1)
    _near_the_mark(trace, trace.rows(Kind.UNWIND)[0])


def _near_the_mark(trace: ExecutionTrace, row: Integers) -> None:
    mark, weight = (integer_of(trace.old[at : at + 2, row]) for at in (MARKET_MARK, MARKET_WEIGHT))
    limit = trace.columns[LIMIT][row]
    trace.wide_port(unwind.LIMIT_PORT, row, limit)
    trace.wide_port(unwind.ROOM_PORT, row, (2 * trace.columns[BUYS][row] - 1) * (mark - limit) + weight)


def fill_limit(trace: ExecutionTrace) -> None:
    """After the zero price is known: the limit's distance from it, which holds the fee."""
    row = trace.rows(Kind.LIQUIDATE)[-1]
    limit, price, rate = trace.columns[LIMIT][row], trace.columns[PRICE][row], trace.argument(Kind.LIQUIDATE, "fee")
    distance = (2 * trace.columns[GIVES][row] - 1) * (limit - price)
    rest = distance * FEE_ONE - limit * rate
    for first, value, count in ((LIMIT_PORT, limit, 2), (DISTANCE_PORT, distance, 2), (REST_PORT, rest, 4)):
        for k, part in enumerate(limbs_of(value, count)):
            trace.port(first + k, row, part)
    low, high = FEE_ONE % LIMB, FEE_ONE // LIMB
    limits, distances, rests = limbs_of(limit, 2), limbs_of(distance, 2), limbs_of(rest, 2)
    carry = np.zeros_like(rest)
    for k in range(2):
        upper = distances[0] * high if k else 0
        carry = (distances[k] * low + upper - limits[k] * rate + carry - rests[k]) >> LIMB_BITS
        trace.port(CARRY_PORT + k, row, carry + CARRY_OFFSET)
    trace.port(RATE_PORT, row, rate)
    trace.port(RATE_PORT + 1, row, LIQUIDATION_FEE_MAX - rate)
