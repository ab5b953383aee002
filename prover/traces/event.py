"""Registers and ports of what an account does when it sees a deleveraging."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, BIAS, LIMB_BITS
from circuits.records import (
    EVENT_BASE,
    EVENT_BOOK,
    EVENT_FUNDING,
    EVENT_INTEREST,
    EVENT_LOTS,
    EVENT_PRICE,
    TAG,
    SystemAccount,
)
from circuits.steps import Kind
from circuits.swap import GIVES, OTHER
from circuits.transitions.event import (
    AMOUNT,
    CARRY_PORT,
    CONCERNED,
    LONGS,
    LOTS,
    LOTS_PORTS,
    LOW_PORTS,
    MIDDLE_HIGH,
    MIDDLE_OFFSET,
    MIDDLE_PORTS,
    NOTIONAL_PORT,
    NUMBER,
    PRICE_PORTS,
    REMAINDER_PORTS,
    REST_PORTS,
    SHARE_PORTS,
)
from prover.traces import payment, swap
from prover.traces.columns import Integers, integer_of, limbs_of
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """Both ways on: each begins with the row before its own, which is EVENT's."""
    for kind in (Kind.UNMOVED, Kind.REDUCE):
        rows = trace.rows(kind)
        rows = [rows[0] - 1, *rows]
        reduces = kind is Kind.REDUCE
        balance, (record, header) = rows[0], rows[4:6] if reduces else rows[1:]
        book, funding = trace.old[EVENT_BOOK][record], trace.old[EVENT_FUNDING][record]
        lots = _lots(trace, balance)
        share = _fill_share(trace, record, lots)
        longs = book % 2
        for row in rows:
            for name, values in (
                ("account", trace.argument(kind, "account")), ("instrument", book // 2), (LONGS, longs),
                (NUMBER, trace.columns["index"][record] - EVENT_BASE), ("price", trace.old[EVENT_PRICE][record]),
                *zip(LOTS, limbs_of(lots, 2), strict=True),
            ):  # fmt: skip
                trace.register(name, row, values)
            other = int(SystemAccount.ROUNDING)
            for name, value in swap.registers(longs, share, funding, whole=0, other=other).items():
                trace.register(name, row, value)
        fill_price(trace, (header, *rows[6:]), trace.old[EVENT_PRICE][record], share)
        for row in rows[: 6 if reduces else 0]:
            trace.register(CONCERNED, row, 1)
        for row in rows[: 5 if reduces else 2]:
            trace.register(OTHER, row, int(SystemAccount.FUNDING_POOL))
        if reduces:
            _fill_payment(trace, rows)
            swap.fill(trace, rows[6:], longs, share, trace.old[EVENT_PRICE][record] * share)


def _lots(trace: ExecutionTrace, rows: Integers) -> Integers:
    """How many lots the position has, whichever side it is on; fills the ports that show it."""
    amount = integer_of(trace.old[:AMOUNT_LIMBS, rows])
    position = np.where(trace.old[TAG][rows] == 0, 0, amount - BIAS)
    lots: Integers = np.abs(position)
    trace.wide_port(LOTS_PORTS[0], rows, lots)
    trace.columns["scratch"][rows] = (position < 0).astype(np.int64)
    return lots


def _fill_share(trace: ExecutionTrace, rows: Integers, lots: Integers) -> Integers:
    """ceil(lots * closed / interest), and the ports of that division."""
    closed, interest = (integer_of(trace.old[at : at + 2, rows]) for at in (EVENT_LOTS, EVENT_INTEREST))
    share = -(-lots * closed // interest)
    fill_division(trace, rows, lots, share)
    return share


def fill_division(trace: ExecutionTrace, rows: Integers, lots: Integers, share: Integers) -> None:
    """The ports of lots * closed + remainder = share * interest."""
    closed, interest = (integer_of(trace.old[at : at + 2, rows]) for at in (EVENT_LOTS, EVENT_INTEREST))
    remainder = share * interest - lots * closed
    for ports, value in (
        (SHARE_PORTS, share), (REMAINDER_PORTS, remainder), (REST_PORTS, interest - 1 - remainder),
    ):  # fmt: skip
        trace.wide_port(ports[0], rows, value)
    (k0, k1), (n0, n1), (q0, q1), (s0, s1), (r0, r1) = (
        limbs_of(value, 2) for value in (lots, closed, share, interest, remainder)
    )
    low = (k0 * n0 + r0 - q0 * s0) >> LIMB_BITS
    middle = (k0 * n1 + k1 * n0 + r1 + low - q0 * s1 - q1 * s0) >> LIMB_BITS
    trace.port(LOW_PORTS[0], rows, np.maximum(low, 0))
    trace.port(LOW_PORTS[1], rows, np.maximum(-low, 0))
    held = middle + MIDDLE_OFFSET
    trace.port(MIDDLE_PORTS[0], rows, held // MIDDLE_HIGH)
    trace.port(MIDDLE_PORTS[1], rows, held % MIDDLE_HIGH)


def fill_price(trace: ExecutionTrace, rows: tuple[Integers, ...], price: Integers, share: Integers) -> None:
    """price * share on the header's row, and as the amount from there on."""
    header = rows[0]
    trace.wide_port(PRICE_PORTS[0], header, price)
    notional = trace.notional(header, price, share, product_port=NOTIONAL_PORT, carry_port=CARRY_PORT)
    for row in rows:
        for name, part in zip(AMOUNT, notional, strict=True):
            trace.register(name, row, part)


def _fill_payment(trace: ExecutionTrace, rows: list[Integers]) -> None:
    """The funding up to the event, and the registers of it before and after its own rows."""
    balance, base, quote, other_quote, record = rows[:5]
    payment.fill(trace, (base, quote, other_quote))
    for row in (balance, record):
        for name in AMOUNT:
            trace.register(name, row, trace.columns[name][base])
        trace.register(GIVES, row, trace.columns[GIVES][base])
