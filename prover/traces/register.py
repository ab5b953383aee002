"""Registers and ports of REGISTER transitions."""

from circuits.bounds import MAX_ACCOUNTS
from circuits.steps import Kind
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The account id, and how much room is left for accounts."""
    account = trace.argument(Kind.REGISTER, "account")
    trace.registers(Kind.REGISTER, account=account)
    venue = trace.starts(Kind.REGISTER)
    trace.wide_port(0, venue, MAX_ACCOUNTS - 1 - account)
