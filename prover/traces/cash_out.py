"""Registers and ports of CASH_OUT transitions."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, BIAS
from circuits.records import MARKET_MARK
from circuits.steps import Kind
from circuits.transitions.cash_out import CARRY_PORT, LONG, NOTIONAL_PORT, RESTING_PORTS, SIZE_PORT
from prover.traces.columns import integer_of, limbs_of, product_limbs
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """The position and its worth, on both sides."""
    kind = Kind.CASH_OUT
    rules, market, header, base, quote, pool_base, pool_quote = trace.rows(kind)
    position = integer_of(trace.old[:AMOUNT_LIMBS, base]) - BIAS
    size, sign = np.abs(position), np.sign(position)
    mark = integer_of(trace.old[MARKET_MARK : MARKET_MARK + 2, market])
    low, high = limbs_of(size, 2)
    account, instrument = (trace.argument(kind, name) for name in ("account", "market"))
    trace.registers(kind, account=account, instrument=instrument, size0=low, size1=high)
    trace.registers(kind, **{LONG: (position > 0).astype(np.int64)})
    trace.nonzero(rules, low + high)
    notional, carries, high_carry = product_limbs(mark, size)
    trace.registers(kind, **{f"amount{k}": part for k, part in enumerate(notional)})
    for first, parts in ((NOTIONAL_PORT, notional), (CARRY_PORT, carries), (SIZE_PORT, [low, high])):
        for k, part in enumerate(parts):
            trace.port(first + k, market, part)
    trace.columns["scratch"][market] = high_carry
    trace.header(header, None, trace.rows(kind))
    for rows, direction, amount in (
        (base, -sign, [low, high]),
        (quote, sign, notional),
        (pool_base, sign, [low, high]),
        (pool_quote, -sign, notional),
    ):
        parts = [direction * part for part in amount]
        trace.change(rows, [*parts, *[0] * (AMOUNT_LIMBS - len(parts))])
    for element, port in RESTING_PORTS.items():
        trace.wide_port(port, base, trace.old[element][base])
