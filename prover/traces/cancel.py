"""Registers and ports of CANCEL transitions."""

from circuits.records import ORDER_BOOK, ORDER_LEFT, ORDER_NEXT
from circuits.steps import Kind
from circuits.transitions.match import BUYS
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The order that goes, and what pointed at it."""
    header, before, order, base = trace.rows(Kind.CANCEL)
    book = trace.old[ORDER_BOOK][order]
    trace.header(header, base, trace.rows(Kind.CANCEL), message=True)
    trace.registers(
        Kind.CANCEL,
        account=trace.argument(Kind.CANCEL, "account"),
        instrument=book // 2,
        head=trace.old[ORDER_NEXT][before],
        after=trace.new[ORDER_NEXT][before],
        maker_left=trace.old[ORDER_LEFT][order],
        **{BUYS: book % 2},
    )
