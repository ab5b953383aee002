"""Registers and ports of APPLY_FUNDING transitions."""

from circuits.bounds import FUNDING_DIVISOR, FUNDING_INTERVAL, FUNDING_START, LIMB, LIMB_BITS
from circuits.records import FUNDING_APPLIED, MARKET_FUNDING, MARKET_WEIGHT
from circuits.steps import Kind
from circuits.transitions.apply_funding import (
    BORROW_PORT,
    CHANGE,
    CHANGE_PORT,
    INDEX_PORT,
    REMAINDER_PORT,
    REST_PORT,
    SINCE_PORT,
)
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The division of the sum, and how long ago the last one was."""
    kind = Kind.APPLY_FUNDING
    funding, market = trace.rows(kind)
    index = trace.new[MARKET_FUNDING][market]
    change = index - trace.old[MARKET_FUNDING][market]
    trace.registers(kind, instrument=trace.argument(kind, "market"), **{CHANGE: change})
    since = trace.columns["time"][funding] - trace.old[FUNDING_APPLIED][funding]
    trace.wide_port(SINCE_PORT, funding, since - FUNDING_INTERVAL)
    biased = change + FUNDING_START
    remainder = trace.new[0][funding]
    trace.wide_port(CHANGE_PORT, funding, biased)
    trace.port(REMAINDER_PORT, funding, remainder)
    trace.port(REST_PORT, funding, FUNDING_DIVISOR - 1 - remainder)
    low = (biased & (LIMB - 1)) * FUNDING_DIVISOR + remainder - trace.old[0][funding]
    trace.port(BORROW_PORT, funding, low >> LIMB_BITS)
    trace.wide_port(INDEX_PORT, market, index)
    trace.nonzero(market, trace.old[MARKET_WEIGHT][market] + trace.old[MARKET_WEIGHT + 1][market])
