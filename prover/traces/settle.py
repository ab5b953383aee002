"""Ports of SETTLE transitions; their registers are filled as those of all acts."""

from circuits.records import MARKET_VALID
from circuits.steps import Kind
from circuits.transitions.settle import FRESH_PORT, LAST_PORT
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """How long the mark could yet be relied on."""
    market = trace.rows(Kind.SETTLE)[-1]
    last = trace.old[MARKET_VALID][market]
    trace.wide_port(FRESH_PORT, market, last - trace.columns["time"][market])
    trace.wide_port(LAST_PORT, market, last)
