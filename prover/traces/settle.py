"""Ports of SETTLE transitions; their registers are filled as those of all acts."""

from circuits.steps import Kind
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """How long the mark could yet be relied on."""
    trace.reliable_mark(trace.rows(Kind.SETTLE)[-1])
