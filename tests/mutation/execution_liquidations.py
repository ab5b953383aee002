"""Forgeries of liquidations and of what the insurance fund unwinds: wrong prices, wrong fees, and too much."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from circuits.bounds import FEE_ONE, LIMB, LIQUIDATION_FEE_MAX
from circuits.execution import EQUITY_PORTS, REQUIRED_PORTS
from circuits.records import HEADER_ORDERS, header_index, limbs
from circuits.steps import Kind
from circuits.transitions.liquidate import CARRY_OFFSET, CARRY_PORT, DISTANCE_PORT, LIMIT_PORT, RATE_PORT, REST_PORT
from circuits.transitions.unwind import ROOM_PORT
from prover.traces import liquidate as limit_traces
from prover.traces import zero_price
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import liquidate, order, unwind
from state.transitions.liquidate import Liquidate
from state.transitions.unwind import Unwind
from tests.batches import ALICE
from tests.mutation.script import Amend, Script, ScriptedTrace, nothing
from tests.mutation.world import Traces
from tests.tamper.test_forged_liquidations import (
    CHEAP,
    GOOD,
    MARK,
    NEAR,
    NO_LIMIT,
    TIME,
    lying,
    meet_on,
    of_eth_perp,
    poor,
)
from tests.tamper.test_forged_liquidations import nothing as no_rule

ZERO = 5_826_746  # of Alice's position


def ordering() -> Ledger:
    """Alice has an order resting."""
    ledger = poor()
    leaf = header_index(ALICE)
    header = list(ledger.read(leaf))
    header[HEADER_ORDERS] += 1
    ledger.store.load([(leaf, tuple(header), NO_SALT)])
    return ledger


def lie(
    transition: Liquidate | Unwind,
    *lies: tuple[object, str, Any],
    amend: Amend = nothing,
    ledger: Callable[[], Ledger] = poor,
) -> Script:
    """A ledger that is deceived about some rules applies the transition; `amend` has the last word, after the margin
    checks."""
    kept: list[ScriptedTrace] = []

    def edit(traces: Traces) -> None:
        amend(kept[0])

    return Script(lying(transition, *lies), amend=kept.append, edit=edit, ledger=ledger, time=TIME)


def ports(kind: Kind, values: dict[int, int]) -> Amend:
    """Amend: ports of the last row of the kind."""

    def amend(trace: ScriptedTrace) -> None:
        for number, value in values.items():
            trace.columns[f"port{number}"][trace.rows(kind)[-1]] = value

    return amend


def zero_from(number: int, value: int) -> Script:
    """The zero price is found with another limb, on that port, of the account's sums; the limit is just below it."""

    def amend(trace: ScriptedTrace) -> None:
        row, port = trace.rows(Kind.LIQUIDATE)[0], trace.columns[f"port{number}"]
        honest = port[row].copy()
        port[row] = value
        zero_price.fill(trace)
        limit_traces.fill_limit(trace)
        port[row] = honest

    return lie(replace(GOOD, price=ZERO - 1, fee=0), NO_LIMIT, amend=amend)


def short_of_fee(broken: int) -> Script:
    """The limit is short of the zero price and the fee by a base unit, which that limb, counted up, hides."""
    limit, rate = -(-ZERO * FEE_ONE // (FEE_ONE - LIQUIDATION_FEE_MAX)) - 1, LIQUIDATION_FEE_MAX
    low, high = FEE_ONE % LIMB, FEE_ONE // LIMB
    of_limit, distance = limbs(limit, 2), limbs(limit - ZERO, 2)
    carry, first = divmod(distance[0] * low - of_limit[0] * rate, LIMB)
    carry += 100 * (broken == 0)
    further, second = divmod(distance[1] * low + distance[0] * high - of_limit[1] * rate + carry, LIMB)
    further += broken == 1
    rest = first, second, *limbs(max(distance[1] * high + further, 0), 2)
    carries = carry + CARRY_OFFSET, further + CARRY_OFFSET
    values = dict(enumerate(rest, REST_PORT)) | dict(enumerate(carries, CARRY_PORT))
    return lie(replace(GOOD, price=limit, fee=rate), NO_LIMIT, amend=ports(Kind.LIQUIDATE, values))


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    none = dict.fromkeys((*range(DISTANCE_PORT, DISTANCE_PORT + 2), *range(REST_PORT, REST_PORT + 4)), 0)
    carries = dict.fromkeys((CARRY_PORT, CARRY_PORT + 1), CARRY_OFFSET)
    at_the_price = ports(Kind.LIQUIDATE, none | carries)
    at_another = ports(Kind.LIQUIDATE, none | dict(enumerate(limbs(ZERO, 2), LIMIT_PORT)) | carries)
    beyond = replace(GOOD, fee=LIQUIDATION_FEE_MAX + 1)
    unbound = partial(lie, beyond, (liquidate, "require_range", no_rule))
    far = replace(NEAR, size=49, price=MARK * 2)
    return {
        "a forced order ends once it has done enough": lambda: lie(GOOD, (order, "meet", meet_on)),
        "liquidate_limit: no worse than the zero price": lambda: lie(
            replace(CHEAP, fee=0), NO_LIMIT, amend=at_the_price
        ),
        "liquidate_limit: limbs of the limit": lambda: lie(replace(CHEAP, fee=0), NO_LIMIT, amend=at_another),
        **{f"liquidate_limit: fee within the distance, limb {k}": partial(short_of_fee, k) for k in range(2)},
        "liquidate_limit: fee within the distance, limbs 2 and 3": partial(short_of_fee, 2),
        "zero price: no order rests": lambda: lie(GOOD, (liquidate, "refuse_orders", no_rule), ledger=ordering),
        "liquidate_limit: rate within its bound": lambda: unbound(amend=ports(Kind.LIQUIDATE, {RATE_PORT + 1: 0})),
        "liquidate_limit: rate in range": lambda: unbound(
            amend=ports(Kind.LIQUIDATE, {RATE_PORT: 0, RATE_PORT + 1: LIQUIDATION_FEE_MAX})
        ),
        "zero_price: index": lambda: lie(CHEAP, (liquidate, "find_zero_price", of_eth_perp)),
        "unwind_limit: limit near the mark": lambda: lie(
            far, (unwind, "from_limbs", lambda _: MARK * 2), amend=ports(Kind.UNWIND, {ROOM_PORT: 0, ROOM_PORT + 1: 0})
        ),
        "zero price: equity limb 0": lambda: zero_from(EQUITY_PORTS[0], LIMB - 1),
        "zero price: equity limb 3": lambda: zero_from(EQUITY_PORTS[3], LIMB // 2 + 1),
        "zero price: equity limb 1": lambda: zero_from(EQUITY_PORTS[1], LIMB - 1),
        "zero price: equity limb 2": lambda: zero_from(EQUITY_PORTS[2], 4),
        "zero price: requirement limb 1": lambda: zero_from(REQUIRED_PORTS[1], 0),
        "zero price: requirement limb 2": lambda: zero_from(REQUIRED_PORTS[2], 7),
    }
