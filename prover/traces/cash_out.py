"""Registers and ports of CASH_OUT transitions."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, BIAS
from circuits.records import MARKET_FUNDING, MARKET_MARK, SystemAccount
from circuits.steps import Kind
from circuits.transitions.cash_out import CARRY_PORT, NOTIONAL_PORT, SIZE_PORT
from prover.traces import swap
from prover.traces.columns import integer_of, limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The position and its worth, on both sides."""
    kind = Kind.CASH_OUT
    rules, market, header, base = trace.rows(kind)[:4]
    position = integer_of(trace.old[:AMOUNT_LIMBS, base]) - BIAS
    size = np.abs(position)
    mark = integer_of(trace.old[MARKET_MARK : MARKET_MARK + 2, market])
    low, high = limbs_of(size, 2)
    account, instrument = (trace.argument(kind, name) for name in ("account", "market"))
    long, funding = (position > 0).astype(np.int64), trace.old[MARKET_FUNDING][market]
    trace.registers(kind, account=account, instrument=instrument)
    trace.registers(kind, **swap.registers(long, size, funding, whole=1, other=int(SystemAccount.FUNDING_POOL)))
    trace.nonzero(rules, low + high)
    trace.amount(kind, mark * size)
    trace.wide_port(SIZE_PORT, market, size)
    trace.notional(market, mark, size, product_port=NOTIONAL_PORT, carry_port=CARRY_PORT)
    trace.header(header, None, trace.rows(kind))
    swap.fill(trace, trace.rows(kind)[3:], long, size, mark * size)
