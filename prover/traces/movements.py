"""Registers and ports of DEPOSIT and WITHDRAW, and of RECEIVE and SEND: the same steps with opposite signs."""

from circuits.bounds import AMOUNT_LIMBS, LIMB_BITS
from circuits.buses import Capped
from circuits.records import TOTAL_BIT, VAULT_CAP, SystemAccount
from circuits.steps import Kind
from circuits.vaults import CAP_PORTS
from prover.traces.columns import Integers, limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """All four kinds."""
    _fill_kind(trace, Kind.DEPOSIT, 1)
    _fill_kind(trace, Kind.WITHDRAW, -1)
    _fill_transit(trace, Kind.RECEIVE, 1)
    _fill_transit(trace, Kind.SEND, -1)


def _fill_kind(trace: ExecutionTrace, kind: Kind, sign: int) -> None:
    rows = trace.rows(kind)
    chain, vault, total, header, balance = rows
    change = _fill_movement(trace, kind, sign)
    trace.registers(kind, bit=trace.old[TOTAL_BIT][total])
    for changed in (vault, total, balance):
        trace.change(changed, change)
    if kind is Kind.DEPOSIT:
        trace.stays_below_bound(total)
        trace.nonzero(chain, trace.argument(kind, "account") - int(SystemAccount.IN_TRANSIT))
        room = trace.old[VAULT_CAP][vault] - 1 - (trace.new[2][vault] + (trace.new[3][vault] << LIMB_BITS))
        trace.wide_port(CAP_PORTS[0], vault, room)
    trace.header(header, balance, rows, message=kind is Kind.WITHDRAW, checked=kind is Kind.WITHDRAW)
    if kind is Kind.WITHDRAW:
        trace.registers(kind, moment=trace.moment(balance, Capped.ALL))


def _fill_transit(trace: ExecutionTrace, kind: Kind, sign: int) -> None:
    _, vault, transit = trace.rows(kind)
    change = _fill_movement(trace, kind, sign)
    trace.change(vault, change)
    trace.change(transit, [-part for part in change])


def _fill_movement(trace: ExecutionTrace, kind: Kind, sign: int) -> list[Integers]:
    """What is published of a movement; returns the signed limbs of its amount."""
    names = {"account": "account", "instrument": "asset", "chain": "chain", "sequence": "sequence"}
    trace.registers(kind, **{register: trace.argument(kind, name) for register, name in names.items()})
    amount = trace.argument(kind, "amount")
    trace.amount(kind, amount)
    return [sign * part for part in limbs_of(amount, AMOUNT_LIMBS)]
