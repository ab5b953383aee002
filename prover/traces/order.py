"""Registers and ports of ORDER transitions, and of what ends them."""

import numpy as np

from circuits.bounds import ACCOUNT_ORDERS, FAIR_SHARE, LIMB, LIMB_BITS, LIMIT_MAX
from circuits.buses import Capped
from circuits.records import (
    HEADER_NONCE,
    HEADER_ORDERS,
    MARKET_BIT,
    MARKET_MARK,
    MARKET_WEIGHT,
    ORDER_BASE,
    ORDER_NEXT,
    ORDER_PRICE,
    RULES_CAP,
    RULES_INTEREST,
    RULES_MAKER_FEE,
    RULES_MINIMUM,
    RULES_STATUS,
    RULES_TAKER_FEE,
)
from circuits.steps import CONTINUATIONS, Kind
from circuits.transitions.match import BUYS, LEFT, LIMIT
from circuits.transitions.order import EXEMPTION, NONCE, QUARTER_PORT, QUARTER_REST_PORT, RESTING_PORTS
from prover.traces.columns import Integers, integer_of, inverses, long_position
from prover.traces.execution import ExecutionTrace

NAMES = {"account": "account", "instrument": "market", BUYS: "buys", LIMIT: "limit", "asked": "size"} | {
    name: name for name in ("expiry", "rests", "post", "reduce")
}  # register -> argument of ORDER


def fill(trace: ExecutionTrace) -> None:
    """The numbers of every order, and its end."""
    market, rules = trace.rows(Kind.ORDER)
    size, limit = trace.argument(Kind.ORDER, "size"), trace.argument(Kind.ORDER, "limit")
    carry(trace, Kind.ORDER, np.arange(len(size)), size)
    mark = integer_of(trace.old[MARKET_MARK : MARKET_MARK + 2, market])
    notional = mark * size
    trace.amount(Kind.ORDER, notional)
    trace.wide_port(0, market, size)
    trace.notional(market, mark, size, product_port=2, carry_port=6)
    trace.wide_port(8, market, limit - 1)
    trace.wide_port(10, market, LIMIT_MAX - limit)
    expiry = trace.argument(Kind.ORDER, "expiry")
    trace.wide_port(0, rules, expiry - trace.columns["time"][rules])
    trace.wide_port(2, rules, expiry)
    trace.nonzero(rules, size)
    _rules(trace, rules, notional)
    quarter, rest = np.divmod(_weight(trace, market), FAIR_SHARE)
    trace.wide_port(QUARTER_PORT, rules, quarter)
    trace.port(QUARTER_REST_PORT, rules, rest)
    trace.port(QUARTER_REST_PORT + 1, rules, FAIR_SHARE - 1 - rest)
    _interest(trace, market, rules)
    for kind in (Kind.FILLED, Kind.DISCARD, Kind.REST):
        _end(trace, kind)
    for kind in (Kind.DISCARD, Kind.REST):
        _best(trace, kind)
    _rest(trace)


def _rules(trace: ExecutionTrace, rows: Integers, notional: Integers) -> None:
    """How the order is above the minimum, and the open interest below its cap or what it was."""
    old = trace.old[:, rows]
    exempt = (notional >> (2 * LIMB_BITS) & (LIMB - 1)) + (notional >> (3 * LIMB_BITS)) + trace.columns["reduce"][rows]
    trace.register(EXEMPTION, rows, inverses(exempt))
    trace.wide_port(4, rows, np.where(exempt == 0, notional - old[RULES_MINIMUM], 0))
    after = trace.new[RULES_INTEREST][rows]
    trace.wide_port(6, rows, np.where(after > old[RULES_CAP], old[RULES_INTEREST], old[RULES_CAP]) - after)


def _interest(trace: ExecutionTrace, market: Integers, rules: Integers) -> None:
    """What is still to be counted of what an order changes, on all of its rows."""
    traded = np.zeros(trace.columns.active + 1, dtype=np.int64)
    match = trace.rows(Kind.MATCH)
    for row in (match[3], match[7]):
        traded[row + 1] = long_position(trace.new[:, row]) - long_position(trace.old[:, row])
    counted = np.cumsum(traded)
    change = (trace.new - trace.old)[RULES_INTEREST][rules] + counted[market]
    for kind in (Kind.ORDER, *CONTINUATIONS):
        order = np.arange(len(rules)) if kind is Kind.ORDER else trace.argument(kind, "order")
        for row in trace.rows(kind):
            trace.register("interest", row, change[order] - counted[row])


def carry(trace: ExecutionTrace, kind: Kind, order: Integers, left: Integers) -> None:
    """The registers that an order keeps, on all rows of a kind; `order` numbers the orders of the batch."""
    market, rules = trace.rows(Kind.ORDER)
    trace.registers(kind, **{name: trace.argument(Kind.ORDER, argument)[order] for name, argument in NAMES.items()})
    trace.registers(
        kind,
        bit=trace.old[MARKET_BIT][market][order],
        maker_rate=trace.old[RULES_MAKER_FEE][rules][order],
        taker_rate=_taker_rate(trace, rules)[order],
        forced=_forced(trace)[order],
        whole=(trace.argument(Kind.ORDER, "whole") + _unwinds(trace))[order],
        mark=integer_of(trace.old[MARKET_MARK : MARKET_MARK + 2, market])[order],
        quarter=_weight(trace, market)[order] // FAIR_SHARE,
        restricted=trace.old[RULES_STATUS][rules][order],
        achieved=_achieved(trace)[order],
        **{LEFT: left},
    )


def _weight(trace: ExecutionTrace, market: Integers) -> Integers:
    return integer_of(trace.old[MARKET_WEIGHT : MARKET_WEIGHT + 2, market])


def _forced(trace: ExecutionTrace) -> Integers:
    """Whether nobody signs each order of the batch: it is one of a liquidation, or of the fund."""
    forced = np.zeros_like(trace.argument(Kind.ORDER, "size"))
    for kind in (Kind.LIQUIDATE, Kind.UNWIND):
        forced[trace.argument(kind, "order")] = 1
    return forced


def _unwinds(trace: ExecutionTrace) -> Integers:
    """Whether each order of the batch is one of the fund; none of those is a whole one."""
    unwinds = np.zeros_like(trace.argument(Kind.ORDER, "size"))
    unwinds[trace.argument(Kind.UNWIND, "order")] = 1
    return unwinds


def _taker_rate(trace: ExecutionTrace, rules: Integers) -> Integers:
    """What each order pays where it is the taker's: the market's rate, that of the liquidation, or none."""
    rate: Integers = trace.old[RULES_TAKER_FEE][rules]
    rate[trace.argument(Kind.UNWIND, "order")] = 0
    rate[trace.argument(Kind.LIQUIDATE, "order")] = trace.argument(Kind.LIQUIDATE, "fee")
    return rate


def _achieved(trace: ExecutionTrace) -> Integers:
    """What each order of the batch trades, and one more if it rests."""
    achieved = trace.argument(Kind.ORDER, "size")
    for kind in (Kind.FILLED, Kind.DISCARD, Kind.REST):
        achieved[trace.argument(kind, "order")] -= trace.argument(kind, "left") - (kind is Kind.REST)
    return achieved


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
        for element, port in RESTING_PORTS.items():
            trace.wide_port(port, base, trace.new[element][base])
        trace.registers(kind, moment=trace.moment(base, Capped.ALL) * (1 - trace.columns["reduce"][base]))
