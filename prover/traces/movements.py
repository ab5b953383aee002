"""Registers and ports of DEPOSIT and WITHDRAW transitions, which have the same steps with opposite signs."""

from circuits.bounds import AMOUNT_LIMBS
from circuits.records import TOTAL_BIT
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
    trace.registers(
        kind,
        account=trace.argument(kind, "account"),
        instrument=asset,
        chain=trace.argument(kind, "chain"),
        sequence=trace.argument(kind, "sequence"),
        bit=trace.old[TOTAL_BIT][total],
    )
    trace.amount(kind, amount)
    change = [sign * part for part in limbs_of(amount, AMOUNT_LIMBS)]
    for changed in (vault, total, balance):
        trace.change(changed, change)
    if kind is Kind.DEPOSIT:
        trace.stays_below_bound(total)
    trace.header(header, balance, rows, message=kind is Kind.WITHDRAW, checked=kind is Kind.WITHDRAW)
    if kind is Kind.WITHDRAW:
        trace.registers(kind, moment=trace.columns["time"][balance])
