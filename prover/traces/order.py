"""Registers and ports of ORDER transitions, and of what ends them."""

import numpy as np

from circuits.bounds import ACCOUNT_ORDERS, LIMIT_MAX
from circuits.records import (
    HEADER_NONCE,
    HEADER_ORDERS,
    MARKET_BIT,
    ORDER_BASE,
    ORDER_NEXT,
    ORDER_PRICE,
    RULES_MAKER_FEE,
    RULES_TAKER_FEE,
)
from circuits.steps import Kind
from circuits.transitions.match import BUYS, LEFT, LIMIT
from circuits.transitions.order import NONCE
from prover.traces.columns import Integers
from prover.traces.execution import ExecutionTrace

NAMES = {"account": "account", "instrument": "market", BUYS: "buys", LIMIT: "limit"} | {
    name: name for name in ("expiry", "rests", "post", "whole", "reduce")
}  # register -> argument of ORDER


def fill(trace: ExecutionTrace) -> None:
    """The numbers of every order, and its end."""
    _, rules = trace.rows(Kind.ORDER)
    size, limit = trace.argument(Kind.ORDER, "size"), trace.argument(Kind.ORDER, "limit")
    carry(trace, Kind.ORDER, np.arange(len(size)), size)
    trace.wide_port(0, rules, limit - 1)
    trace.wide_port(2, rules, LIMIT_MAX - limit)
    expiry = trace.argument(Kind.ORDER, "expiry")
    trace.wide_port(4, rules, size)
    trace.wide_port(6, rules, expiry - trace.columns["time"][rules])
    trace.wide_port(8, rules, expiry)
    trace.nonzero(rules, size)
    for kind in (Kind.FILLED, Kind.DISCARD, Kind.REST):
        _end(trace, kind)
    for kind in (Kind.DISCARD, Kind.REST):
        _best(trace, kind)
    _rest(trace)


def carry(trace: ExecutionTrace, kind: Kind, order: Integers, left: Integers) -> None:
    """The registers that an order keeps, on all rows of a kind; `order` numbers the orders of the batch."""
    market, rules = trace.rows(Kind.ORDER)
    trace.registers(kind, **{name: trace.argument(Kind.ORDER, argument)[order] for name, argument in NAMES.items()})
    trace.registers(
        kind,
        bit=trace.old[MARKET_BIT][market][order],
        maker_rate=trace.old[RULES_MAKER_FEE][rules][order],
        taker_rate=trace.old[RULES_TAKER_FEE][rules][order],
        **{LEFT: left},
    )


def carried(trace: ExecutionTrace, kind: Kind) -> Integers:
    """The same for a kind that says which order it belongs to; returns the numbers of the orders."""
    order = trace.argument(kind, "order")
    carry(trace, kind, order, trace.argument(kind, "left"))
    return order


def _best(trace: ExecutionTrace, kind: Kind) -> None:
    """The head that is out of reach."""
    head, best = trace.rows(kind)[:2]
    for row in (head, best):
        trace.register("head", row, trace.old[ORDER_NEXT][head])
    trace.nonzero(head, trace.columns[LEFT][head])
    sign = 2 * trace.columns[BUYS][best] - 1
    trace.wide_port(0, best, sign * (trace.old[ORDER_PRICE][best] - trace.columns[LIMIT][best]) - 1)


def _rest(trace: ExecutionTrace) -> None:
    """The place in the book and the new order."""
    before, after, order = trace.rows(Kind.REST)[2:5]
    rests = trace.rows(Kind.REST)[2:]
    for row in rests:
        trace.register("head", row, trace.old[ORDER_NEXT][before])
        trace.register("after", row, trace.new[ORDER_NEXT][before])
    sign, limit = 2 * trace.columns[BUYS][before] - 1, trace.columns[LIMIT][before]
    trace.wide_port(0, before, sign * (trace.old[ORDER_PRICE][before] - limit))
    trace.wide_port(0, after, sign * (limit - trace.old[ORDER_PRICE][after]) - 1)
    trace.wide_port(0, order, trace.columns["index"][order] - ORDER_BASE)


def _end(trace: ExecutionTrace, kind: Kind) -> None:
    """The header, and the balance with what rests."""
    carried(trace, kind)
    rows = trace.rows(kind)
    header, base = rows[-2:] if kind is Kind.REST else (rows[-1], None)
    trace.header(header, base, rows, message=True, checked=True)
    left = trace.argument(kind, "left")
    trace.registers(kind, **{NONCE: trace.new[HEADER_NONCE][header], "placed": int(kind is Kind.REST)})
    trace.port(0, header, ACCOUNT_ORDERS - trace.new[HEADER_ORDERS][header])
    if kind is Kind.REST:
        trace.nonzero(header, left)
    if base is not None:
        trace.change(base, [0, 0, 0, 0])
        trace.registers(kind, moment=trace.columns["time"][base] * (1 - trace.columns["reduce"][base]))
