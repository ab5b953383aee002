"""Registers and ports of CANCEL and FORCE_CANCEL transitions."""

import numpy as np

from circuits.bounds import CAPPED_BIT
from circuits.buses import Tier
from circuits.records import HEADER_MASK, ORDER_BOOK, ORDER_LEFT, ORDER_NEXT
from circuits.steps import Kind
from circuits.transitions.match import BUYS
from prover.traces.columns import Integers
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """Both kinds."""
    _fill_kind(trace, Kind.CANCEL)
    _fill_kind(trace, Kind.FORCE_CANCEL)
    seize(trace, trace.rows(Kind.FORCE_CANCEL)[0])
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


def seize(trace: ExecutionTrace, rows: Integers) -> None:
    """A maintenance check that fails, at valid prices."""
    for name, values in (
        ("mask", trace.new[HEADER_MASK][rows]), ("moment", trace.columns["time"][rows] + 2 * CAPPED_BIT),
        ("fails", np.ones_like(rows)), ("tier", np.full_like(rows, int(Tier.MAINTENANCE))),
    ):  # fmt: skip
        trace.register(name, rows, values)
