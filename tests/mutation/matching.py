"""Whom a forged order meets, and what follows from another size, another price or other parties."""

from functools import partial

import numpy as np

from circuits.steps import Kind
from circuits.transitions.match import LEFT
from prover.traces.columns import Integers, limbs_of
from prover.traces.match import _fairness, _party
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from tests.batches import ALICE, BTC_PERP, LATE
from tests.mutation.script import ScriptedTrace
from tests.mutation.stage import BID, DAVE, EVE, FRANK, FREE, MARK, SIZE, staged
from tests.tamper.forger import Forger
from tests.tamper.order_forger import EXPIRED

RATES = 200, 500  # of maker and taker
NOTIONAL = MARK * SIZE
ASK = MARK - 50  # better than those on the stage
HEAD = FREE  # the leaf of the first further order
MAKER, TAKER = slice(2, 6), slice(6, 10)  # the rows of a MATCH on which a party is at hand
LARGE = 50_000  # lots that Eve cannot afford at a price of 9_000_000

# The stage with a better ask, which meets its end in one way or another.
expiring = partial(staged, Order(EVE, BTC_PERP, False, ASK, 6, 80))
failing = partial(staged, Order(EVE, BTC_PERP, False, ASK, LARGE, LATE), SetPrice(BTC_PERP, 9_000_000, 70))
growing = partial(staged, Order(EVE, BTC_PERP, False, ASK, SIZE, LATE, reduce_only=True))
reducing = partial(staged, Order(ALICE, BTC_PERP, False, ASK, SIZE, LATE, reduce_only=True))  # she holds 7655 lots
BEFORE = Order(FRANK, BTC_PERP, False, ASK - 10, SIZE, LATE)  # Frank trades first


def skip_expired(forger: Forger) -> None:
    """Eve's expired order goes, and nothing else is in reach."""
    forger.order(DAVE, BTC_PERP, True, ASK, SIZE).skip(EXPIRED).discard()


def fail(forger: Forger) -> None:
    """Eve cannot afford the trade, and nothing else is in reach."""
    forger.order(DAVE, BTC_PERP, True, ASK, SIZE, policy=Policy.GOOD_TILL_TIME).fail().rest()


def sell(forger: Forger) -> None:
    """Dave sells to Eve."""
    forger.order(DAVE, BTC_PERP, False, BID, SIZE).trade().filled()


def one(value: int) -> Integers:
    """The value as an array of one."""
    return np.array([value], dtype=np.int64)


def registers(trace: ScriptedTrace, rows: list[Integers], number: int = 0, **values: int) -> None:
    """Set registers on rows of one transition of its kind, the number-th."""
    for row in rows:
        for name, value in values.items():
            trace.register(name, row[number : number + 1], value)


def resettle(trace: ScriptedTrace) -> None:
    """What the parties' rows hold follows from the registers as they now are."""
    rows = trace.rows(Kind.MATCH)
    for taker in (0, 1):
        _party(trace, Kind.MATCH, rows[2 + 4 * taker : 6 + 4 * taker], taker)


def reprice(trace: ScriptedTrace, price: int) -> None:
    """The notional, and who loses, follow from this price."""
    rows = trace.rows(Kind.MATCH)
    head = rows[0]
    size = trace.columns["size0"][head]
    trace.amount(Kind.MATCH, price * size)
    trace.wide_port(0, head, one(price))
    trace.notional(head, one(price), size, product_port=2, carry_port=6)
    _fairness(trace, rows, one(price))
    resettle(trace)


def resize(trace: ScriptedTrace, sizes: list[int], rests: list[int], lefts: list[int]) -> None:
    """The matches are of these sizes, the ports of the rests as said."""
    rows = trace.rows(Kind.MATCH)
    head, met = rows[:2]
    size, rest, left = (np.array(values, dtype=np.int64) for values in (sizes, rests, lefts))
    price = trace.columns["price"][met]
    trace.amount(Kind.MATCH, price * size)
    for k, part in enumerate(limbs_of(size, 2)):
        trace.registers(Kind.MATCH, **{f"size{k}": part})
    trace.wide_port(0, head, price)
    trace.notional(head, price, size, product_port=2, carry_port=6)
    for number, values in ((2, size), (4, rest), (6, left)):
        trace.wide_port(number, met, values)
    trace.nonzero(met, rest)
    for row in rows[2:]:
        trace.register(LEFT, row, trace.columns[LEFT][met] - size)
    resettle(trace)
