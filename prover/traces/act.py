"""Registers and ports of the operator's acts."""

from circuits.records import PENDING_DUE
from circuits.steps import Kind
from circuits.transitions.act import CHOSEN, DUE, DUE_PORT, LEAF, POSITION, RECORD_TAG, VALUE
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """What is published of each act, which element it writes, and when it is due."""
    for kind in (Kind.SET, Kind.ANNOUNCE, Kind.ENACT, Kind.SETTLE):
        position = trace.argument(kind, "position")
        trace.registers(
            kind,
            sequence=trace.argument(kind, "number"),
            **{LEAF: trace.argument(kind, "leaf"), POSITION: position},
            **{VALUE: trace.argument(kind, "value"), RECORD_TAG: trace.argument(kind, "tag")},
        )
        if kind is not Kind.SET:
            trace.registers(kind, instrument=trace.argument(kind, "instrument"))
        if kind in (Kind.SET, Kind.ENACT):
            trace.registers(kind, **{name: (position == k).astype(int) for k, name in enumerate(CHOSEN)})
    _, pending = trace.rows(Kind.ANNOUNCE)
    trace.registers(Kind.ANNOUNCE, **{DUE: trace.new[PENDING_DUE][pending]})
    _, pending, _ = trace.rows(Kind.ENACT)
    trace.wide_port(DUE_PORT, pending, trace.columns["time"][pending] - trace.old[PENDING_DUE][pending])
