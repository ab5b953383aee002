"""Registers and ports of CONVERT transitions."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, BIAS, BIAS_TOP_LIMB, CONVERSION_DISCOUNT, LIMB, LIMB_BITS
from circuits.buses import Tier
from circuits.execution import BOUND_PORT, EQUITY_PORTS
from circuits.records import MARKET_LOT_UNITS, MARKET_MARK, MARKET_WEIGHT, SystemAccount
from circuits.steps import Kind
from circuits.transitions import convert as layout
from circuits.transitions.take_over import WAIVED
from prover.traces import swap
from prover.traces.columns import Integers, integer_of, inverses, limbs_of
from prover.traces.execution import ExecutionTrace
from prover.traces.take_over import fund


def fill(trace: ExecutionTrace) -> None:
    """What is needed, what it is worth, and how it goes to the fund."""
    kind = Kind.CONVERT
    rows = trace.rows(kind)
    market = rows[1]
    lots, price, shortfall = (trace.argument(kind, name) for name in ("lots", "price", "shortfall"))
    units = lots * trace.old[MARKET_LOT_UNITS][market]
    trace.registers(kind, account=trace.argument(kind, "account"), instrument=trace.argument(kind, "asset"), forced=1)
    trace.registers(kind, **swap.registers(np.ones_like(lots), units, 0, whole=0, other=int(SystemAccount.INSURANCE)))
    for names, value in ((layout.PRICE, price), (layout.LOTS, lots), (layout.SHORTFALL, shortfall)):
        trace.registers(kind, **dict(zip(names, limbs_of(value, len(names)), strict=True)))
    trace.header(rows[0], None, rows[:1])
    trace.ask(rows[0], Tier.MAINTENANCE, fails=1)
    _price(trace, market, price)
    _units(trace, market, lots, units)
    _worth(trace, rows[2], lots, price, shortfall)
    swap.fill(trace, rows[3:7], np.ones_like(lots), units, price * lots)
    trace.port(BOUND_PORT, rows[3], trace.new[AMOUNT_LIMBS - 1][rows[3]] - BIAS_TOP_LIMB)
    _waive(trace, rows)


def _waive(trace: ExecutionTrace, rows: list[Integers]) -> None:
    kind = Kind.CONVERT
    fails, lot = trace.argument(kind, "fund_fails"), trace.old[MARKET_LOT_UNITS][rows[1]]
    trace.registers(kind, **{WAIVED: fails, layout.LOT: lot})
    held = integer_of(trace.new[:AMOUNT_LIMBS, rows[4]]) - BIAS >> 2 * LIMB_BITS
    trace.port(layout.ROOM_PORT, rows[4], np.where(fails != 0, np.clip(lot - 1 - held, 0, LIMB - 1), 0))
    fund(trace, rows[7], fails)


def _price(trace: ExecutionTrace, market: Integers, price: Integers) -> None:
    mark = trace.old[MARKET_MARK : MARKET_MARK + 2, market]
    trace.wide_port(layout.PRICE_PORT, market, price)
    trace.wide_port(layout.BELOW_PORT, market, integer_of(mark) - price)
    least = integer_of(mark) - integer_of(mark) // CONVERSION_DISCOUNT
    bound_price(trace, market, price, (price < least).astype(np.int64))
    trace.register(layout.INVERSE, market, inverses(trace.old[MARKET_WEIGHT : MARKET_WEIGHT + 2, market].sum(axis=0)))


def bound_price(trace: ExecutionTrace, market: Integers, price: Integers, lower: Integers) -> None:
    """That the price is no less than a bound; lower: 1 if that is the collateral value."""
    mark, value = (trace.old[at : at + 2, market] for at in (MARKET_MARK, MARKET_WEIGHT))
    trace.register(layout.LOWER, market, lower)
    low, high = (
        (p - m) * (1 - lower) * (CONVERSION_DISCOUNT - 1) + p - v * lower
        for p, m, v in zip(limbs_of(price, 2), mark, value, strict=True)
    )
    carry = low >> LIMB_BITS
    trace.port(layout.ABOVE_PORT, market, low & (LIMB - 1))
    trace.port(layout.ABOVE_PORT + 1, market, high + carry)
    trace.port(layout.ABOVE_CARRY_PORT, market, carry + layout.ABOVE_CARRY_OFFSET)


def fill_equity(trace: ExecutionTrace) -> None:
    """After the margin checks: that the equity is negative, where the price says so."""
    header, market = trace.rows(Kind.CONVERT)[:2]
    below = BIAS_TOP_LIMB - 1 - trace.columns[f"port{EQUITY_PORTS[-1]}"][header]
    lower = trace.columns[layout.LOWER][market] != 0
    trace.port(layout.NEGATIVE_PORT, market, np.where(lower, np.maximum(below, 0), 0))


def _units(trace: ExecutionTrace, market: Integers, lots: Integers, units: Integers) -> None:
    low, high = limbs_of(lots, 2)
    trace.nonzero(market, low + high)
    for k, part in enumerate(limbs_of(units, 3)):
        trace.port(layout.UNITS_PORT + k, market, part)
    trace.port(layout.UNITS_CARRY_PORT, market, low * trace.old[MARKET_LOT_UNITS][market] >> LIMB_BITS)


def _worth(trace: ExecutionTrace, rows: Integers, lots: Integers, price: Integers, shortfall: Integers) -> None:
    trace.amount(Kind.CONVERT, price * lots)
    trace.wide_port(layout.LOTS_PORT, rows, lots)
    ports = {"product_port": layout.NOTIONAL_PORT, "carry_port": layout.NOTIONAL_CARRY_PORT}
    trace.notional(rows, price, lots, **ports)
    half, amount = 1 << 2 * LIMB_BITS, price * lots
    low = shortfall % half - amount % half + price - 1
    trace.register(layout.BORROW, rows, low >> 2 * LIMB_BITS)
    trace.wide_port(layout.LEFT_PORT, rows, low)
    trace.wide_port(layout.LEFT_PORT + 2, rows, shortfall - amount + price - 1 >> 2 * LIMB_BITS)
