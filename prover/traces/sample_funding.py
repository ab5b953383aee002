"""Registers and ports of SAMPLE_FUNDING transitions."""

import numpy as np

from circuits.bounds import FUNDING_INTERVAL, SAMPLE_TIME
from circuits.records import (
    ASKS_SLOT,
    BIDS_SLOT,
    FUNDING_APPLIED,
    FUNDING_IMPACT,
    FUNDING_SAMPLED,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    ORDER_EXPIRY,
    ORDER_LEFT,
    ORDER_PRICE,
)
from circuits.steps import Kind
from circuits.transitions.match import BUYS
from circuits.transitions.sample_funding import (
    ABOVE_PORT,
    BELOW_PORT,
    ENDS,
    EXPIRED,
    EXPIRY_PORT,
    HEAD,
    IMPACT,
    LAST_PORT,
    MARK,
    PART_PORT,
    PREMIUM,
    REACH_PORT,
    REACHES,
    ROOM_PORT,
    SEEN,
    SINCE_PORT,
    SUM_PORT,
    UNTIL_PORT,
    VALID_PORT,
    WEIGHT,
)
from prover.traces.columns import Integers, integer_of
from prover.traces.execution import ExecutionTrace

OF_SAMPLE = ("instrument", MARK, WEIGHT, IMPACT)  # registers that all rows of a sample share


def fill(trace: ExecutionTrace) -> None:
    """The market's numbers on all rows; the way through the book; the sum."""
    (first,), (orders,), (last,) = (
        trace.rows(kind) for kind in (Kind.SAMPLE_FUNDING, Kind.SAMPLE_ORDER, Kind.SAMPLE_END)
    )
    market = trace.argument(Kind.SAMPLE_FUNDING, "market")
    mark, weight = (integer_of(trace.old[at : at + 2, first]) for at in (MARKET_MARK, MARKET_WEIGHT))
    values = dict(zip(OF_SAMPLE, (market, mark, weight, trace.old[FUNDING_IMPACT][last]), strict=True))
    for rows, sample in (
        (first, np.arange(len(first))),
        (orders, trace.argument(Kind.SAMPLE_ORDER, "sample")),
        (last, trace.argument(Kind.SAMPLE_END, "sample")),
    ):
        for name, value in values.items():
            trace.register(name, rows, value[sample])
    trace.register(BUYS, first, 1)
    trace.register(HEAD, first, _head_of_bids(market))
    trace.wide_port(VALID_PORT, first, trace.old[MARKET_VALID][first] - trace.columns["time"][first])
    trace.wide_port(LAST_PORT, first, trace.old[MARKET_VALID][first])
    _orders(trace, orders)
    _sum(trace, last)


def _orders(trace: ExecutionTrace, rows: Integers) -> None:
    """What each order adds to the lots, and what part of the premium its price would give."""
    buys, seen, premium = (trace.argument(Kind.SAMPLE_ORDER, name) for name in ("buys", "seen", "premium"))
    instrument, mark, weight, impact = (trace.columns[name][rows] for name in OF_SAMPLE)
    index, time = (trace.columns[name][rows] for name in ("index", "time"))
    expired = trace.old[ORDER_EXPIRY][rows] < time
    from_end = index - _head_of_bids(instrument) - buys
    short = impact * (from_end != 0) - seen - trace.old[ORDER_LEFT][rows] * ~expired
    for name, values in (
        (BUYS, buys), (SEEN, seen), (PREMIUM, premium), (HEAD, index), (EXPIRED, expired), (ENDS, from_end == 0),
        (REACHES, short <= 0),
    ):  # fmt: skip
        trace.register(name, rows, values.astype(np.int64))
    trace.nonzero(rows, from_end)
    distance = trace.old[ORDER_EXPIRY][rows] - time
    trace.wide_port(EXPIRY_PORT, rows, np.where(expired, -1 - distance, distance))
    trace.wide_port(REACH_PORT, rows, np.where(short <= 0, -short, short - 1))
    beyond = (2 * buys - 1) * (trace.old[ORDER_PRICE][rows] - mark)
    part = np.clip(beyond, 0, weight)
    for port, value in (
        (PART_PORT, part), (ROOM_PORT, weight - part),
        (ABOVE_PORT, np.maximum(beyond - part, 0)), (BELOW_PORT, np.maximum(part - beyond, 0)),
    ):  # fmt: skip
        trace.wide_port(port, rows, value)


def _head_of_bids(market: Integers) -> Integers:
    """The leaf of the sentinel at the head of the bids."""
    return INSTRUMENT_BASE + BIDS_SLOT + INSTRUMENT_SLOTS * market


def _sum(trace: ExecutionTrace, rows: Integers) -> None:
    """The times, and the low limbs of the new sum."""
    time = trace.columns["time"][rows]
    trace.register(PREMIUM, rows, trace.argument(Kind.SAMPLE_END, "premium"))
    trace.register(HEAD, rows, _head_of_bids(trace.columns["instrument"][rows]) + ASKS_SLOT - BIDS_SLOT)
    trace.wide_port(SINCE_PORT, rows, time - trace.old[FUNDING_SAMPLED][rows] - SAMPLE_TIME)
    trace.wide_port(UNTIL_PORT, rows, trace.old[FUNDING_APPLIED][rows] + FUNDING_INTERVAL - time)
    trace.wide_port(SUM_PORT, rows, integer_of(trace.new[:2, rows]))
