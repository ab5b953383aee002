"""Registers and ports of DEPOSIT and WITHDRAW transitions, which have the same steps with opposite signs."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS
from circuits.records import QUOTE_INSTRUMENT, TOTAL_BIT
from circuits.steps import Kind
from prover.traces.columns import limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """Both kinds."""
    _fill_kind(trace, Kind.DEPOSIT, 1)
    _fill_kind(trace, Kind.WITHDRAW, -1)


def _fill_kind(trace: ExecutionTrace, kind: Kind, sign: int) -> None:
    rows = trace.rows(kind)
    _, vault, total, header, balance = rows
    asset, amount = trace.argument(kind, "asset"), trace.argument(kind, "amount")
    is_quote = (asset == QUOTE_INSTRUMENT).astype(np.int64)
    trace.registers(
        kind,
        account=trace.argument(kind, "account"),
        instrument=asset,
        chain=trace.argument(kind, "chain"),
        sequence=trace.argument(kind, "sequence"),
        bit=trace.old[TOTAL_BIT][total],
        phase=is_quote,
    )
    trace.amount(kind, amount)
    change = [sign * part for part in limbs_of(amount, AMOUNT_LIMBS)]
    for changed in (vault, total, balance):
        trace.change(changed, change)
    for backing in (vault, total):
        trace.stays_below_bound(backing)
    trace.header(header, balance, rows, message=kind is Kind.WITHDRAW)
    if kind is Kind.WITHDRAW:
        trace.stays_positive(balance, is_quote)
