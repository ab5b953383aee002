"""Registers and ports of TRANSFER transitions."""

from circuits.bounds import AMOUNT_LIMBS
from circuits.buses import Capped
from circuits.records import TOTAL_BIT
from circuits.steps import Kind
from prover.traces.columns import limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The sender on the first three rows, the receiver on the last two."""
    kind = Kind.TRANSFER
    rows = trace.rows(kind)
    total, from_header, from_balance, to_header, to_balance = rows
    sender, receiver = trace.argument(kind, "sender"), trace.argument(kind, "receiver")
    asset, amount = trace.argument(kind, "asset"), trace.argument(kind, "amount")
    trace.registers(kind, other=receiver, instrument=asset, bit=trace.old[TOTAL_BIT][total])
    trace.amount(kind, amount)
    parts = limbs_of(amount, AMOUNT_LIMBS)
    for k, part in enumerate(parts):
        trace.port(k, total, part)
    for party, own, header, balance, sign in (
        (sender, rows[:3], from_header, from_balance, -1),
        (receiver, rows[3:], to_header, to_balance, 1),
    ):
        for row in own:
            trace.register("account", row, party)
            trace.register("moment", row, trace.moment(row, Capped.ALL))
        trace.header(header, balance, own, message=sign < 0, checked=sign < 0)
        trace.change(balance, [sign * part for part in parts])
    trace.nonzero(total, sender - receiver)
    trace.amount_nonzero(from_header)
