"""Registers and ports of the closing transitions."""

from circuits.bounds import AMOUNT_LIMBS
from circuits.records import VENUE_BATCHES, VENUE_TIME
from circuits.steps import Kind
from prover.traces.columns import limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The batch number and time; the records that are published."""
    venue = trace.starts(Kind.CLOSE_VENUE)
    time = trace.argument(Kind.CLOSE_VENUE, "time")
    low, high = limbs_of(time, 2)
    trace.registers(Kind.CLOSE_VENUE, amount0=low, amount1=high, sequence=trace.new[VENUE_BATCHES][venue])
    trace.wide_port(0, venue, time - trace.old[VENUE_TIME][venue])
    for kind in (Kind.CLOSE_VAULT, Kind.CLOSE_TOTAL, Kind.CLOSE_FUND):
        rows = trace.starts(kind)
        trace.registers(
            kind,
            instrument=trace.argument(kind, "asset"),
            **{f"amount{k}": trace.old[k][rows] for k in range(AMOUNT_LIMBS)},
        )
    trace.registers(Kind.CLOSE_FUND, account=trace.argument(Kind.CLOSE_FUND, "account"))
    trace.registers(Kind.CLOSE_VAULT, chain=trace.argument(Kind.CLOSE_VAULT, "chain"))
