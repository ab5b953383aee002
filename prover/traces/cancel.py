"""Registers and ports of CANCEL and FORCE_CANCEL transitions."""

from circuits.buses import Tier
from circuits.records import ORDER_BOOK, ORDER_LEFT, ORDER_NEXT
from circuits.steps import Kind
from circuits.transitions.match import BUYS
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """Both kinds."""
    _fill_kind(trace, Kind.CANCEL)
    _fill_kind(trace, Kind.FORCE_CANCEL)
    trace.ask(trace.rows(Kind.FORCE_CANCEL)[0], Tier.MAINTENANCE, fails=1)
    trace.registers(Kind.FORCE_CANCEL, forced=1)


def _fill_kind(trace: ExecutionTrace, kind: Kind) -> None:
    """The order that goes, and what pointed at it."""
    header, before, order, base = trace.rows(kind)[-4:]
    book = trace.old[ORDER_BOOK][order]
    trace.header(header, base, trace.rows(kind), message=True)
    trace.registers(
        kind,
        account=trace.argument(kind, "account"),
        instrument=book // 2,
        head=trace.old[ORDER_NEXT][before],
        after=trace.new[ORDER_NEXT][before],
        maker_left=trace.old[ORDER_LEFT][order],
        **{BUYS: book % 2},
    )
