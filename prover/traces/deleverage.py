"""Registers and ports of DELEVERAGE and SOCIALISE transitions."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, BIAS, BIAS_TOP_LIMB, LIMB_BITS, MAX_EVENTS
from circuits.buses import Capped, Tier
from circuits.execution import CASH_PORTS, EQUITY_PORTS, REQUIRED_PORTS
from circuits.records import (
    EVENT_FUNDING,
    EVENT_PRICE,
    RULES_INTEREST,
    VENUE_EVENTS,
    SystemAccount,
)
from circuits.steps import Kind
from circuits.swap import GIVES, OTHER
from circuits.transitions.deleverage import (
    FUND_EQUITY,
    INTEREST,
    INTEREST_PORTS,
    LEFT_PORT,
    LOSS_PORTS,
    NEGATIVE_PORT,
    NOTIONAL_CARRY_PORT,
    NOTIONAL_PORT,
    PRICE_PORTS,
    ROOM_PORT,
    SIZE_PORTS,
    SUM_PORTS,
)
from circuits.zero_price import CLOSES, EQUITY, NEGATIVE, PRICE, REQUIRED
from prover.traces import swap
from prover.traces.columns import Integers, integer_of, limbs_of
from prover.traces.execution import ExecutionTrace

KINDS = (Kind.DELEVERAGE, Kind.SOCIALISE)


def fill(trace: ExecutionTrace) -> None:
    """Before the margin checks: all that does not depend on them."""
    for kind in KINDS:
        rows = trace.rows(kind)
        fund, header, closes = *rows[:2], int(kind is Kind.DELEVERAGE)
        trace.registers(kind, account=trace.argument(kind, "account"), **{CLOSES: closes})
        trace.register("account", fund, int(SystemAccount.INSURANCE))
        for row, fails, capped in ((fund, trace.argument(kind, "fund_fails"), Capped.ADVERSE), (header, 1, Capped.ALL)):
            trace.header(row, None, [row])
            trace.ask(row, Tier.ZERO, fails, capped=capped)
        venue = rows[4 if closes else 2]
        trace.wide_port(ROOM_PORT, venue, MAX_EVENTS - trace.new[VENUE_EVENTS][venue])
    _fill_deleverage(trace)
    _fill_loss(trace)


def _fill_deleverage(trace: ExecutionTrace) -> None:
    """The position, its record as an event, and the swap with ROUNDING."""
    kind = Kind.DELEVERAGE
    rows = trace.rows(kind)
    rules, event, base = rows[5:8]
    position = integer_of(trace.old[:AMOUNT_LIMBS, base]) - BIAS
    long, size, price = (position > 0).astype(np.int64), np.abs(position), trace.new[EVENT_PRICE][event]
    interest = trace.old[RULES_INTEREST][rules]
    trace.wide_port(PRICE_PORTS[0], rules, price)
    ports = {"product_port": NOTIONAL_PORT, "carry_port": NOTIONAL_CARRY_PORT}
    notional = trace.notional(rules, price, size, **ports)
    trace.registers(
        kind,
        instrument=trace.argument(kind, "market"),
        **{NEGATIVE: 1},
        **swap.registers(long, size, trace.new[EVENT_FUNDING][event], whole=1, other=int(SystemAccount.ROUNDING)),
        **{INTEREST: interest},
    )
    for row in rows[2:5]:
        trace.register("forced", row, 1)
    for row in rows[5:]:
        trace.register(PRICE, row, price)
        for name, part in zip(EQUITY, notional, strict=True):
            trace.register(name, row, part)
    trace.wide_port(LEFT_PORT, rules, interest - size)
    trace.wide_port(SIZE_PORTS[0], event, size)
    trace.wide_port(INTEREST_PORTS[0], event, interest)
    trace.nonzero(event, np.sum(limbs_of(size, 2), axis=0))
    swap.fill(trace, rows[7:], long, size, price * size)


def fill_equities(trace: ExecutionTrace) -> None:
    """After the margin checks: the equities, and what follows from them."""
    for kind in KINDS:
        closes = kind is Kind.DELEVERAGE
        rows = trace.rows(kind)
        fund, header, venue = rows[0], rows[1], rows[4 if closes else 2]
        funds, equity, required = (
            [trace.columns[f"port{k}"][row] for k in ports]
            for row, ports in ((fund, EQUITY_PORTS), (header, EQUITY_PORTS), (header, REQUIRED_PORTS))
        )
        for row in rows[1:]:
            for name, part in zip(FUND_EQUITY, funds, strict=True):
                trace.register(name, row, part)
        for name, part in zip(EQUITY, equity, strict=True):
            trace.register(name, venue, part)
        _fill_short(trace, venue, funds, equity)
        if not closes:
            for name, part in zip(REQUIRED, required, strict=True):
                for row in rows[2:]:
                    trace.register(name, row, part)
            for port, owed in zip(LOSS_PORTS, CASH_PORTS, strict=True):
                trace.port(port, venue, trace.columns[f"port{owed}"][header])


def _fill_short(trace: ExecutionTrace, venue: Integers, funds: list[Integers], equity: list[Integers]) -> None:
    """The sum of both equities, and how negative the account's is."""
    whole = limbs_of(integer_of(np.array(equity)) + integer_of(np.array(funds)), AMOUNT_LIMBS)
    for port, part in zip(SUM_PORTS, whole, strict=True):
        trace.port(port, venue, part)
    low = integer_of(np.array(equity[:2]) + np.array(funds[:2]))
    trace.columns["scratch"][venue] = low >> 2 * LIMB_BITS
    trace.port(NEGATIVE_PORT, venue, BIAS_TOP_LIMB - 1 - equity[-1])


def _fill_loss(trace: ExecutionTrace) -> None:
    """What the account gets from LOSS, as its balance says."""
    quote, other_quote = trace.rows(Kind.SOCIALISE)[3:]
    amount = integer_of(trace.new[:AMOUNT_LIMBS, quote]) - integer_of(trace.old[:AMOUNT_LIMBS, quote])
    limbs = limbs_of(amount, AMOUNT_LIMBS)
    trace.registers(Kind.SOCIALISE, **{GIVES: 1, OTHER: int(SystemAccount.LOSS)})
    for row, sign in ((quote, 1), (other_quote, -1)):
        for name, part in zip(EQUITY, limbs, strict=True):
            trace.register(name, row, part)
        trace.change(row, [sign * part for part in limbs])
