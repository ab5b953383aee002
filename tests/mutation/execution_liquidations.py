"""Forgeries of liquidations and of what the insurance fund unwinds: wrong prices, wrong fees, and too much."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from circuits.bounds import LIMB, LIQUIDATION_FEE_MAX
from circuits.execution import EQUITY_PORTS, REQUIRED_PORTS
from circuits.steps import Kind
from circuits.transitions.liquidate import CARRY_OFFSET, CARRY_PORT, DISTANCE_PORT, RATE_PORT, REST_PORT
from circuits.transitions.unwind import ROOM_PORT
from prover.traces import liquidate as limit_traces
from prover.traces import zero_price
from state.transitions import liquidate, order, unwind
from state.transitions.liquidate import Liquidate
from state.transitions.unwind import Unwind
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


def lie(transition: Liquidate | Unwind, *lies: tuple[object, str, Any], amend: Amend = nothing) -> Script:
    """A ledger that is deceived about some rules applies the transition; `amend` has the last word, after the margin
    checks."""
    kept: list[ScriptedTrace] = []

    def edit(traces: Traces) -> None:
        amend(kept[0])

    return Script(lying(transition, *lies), amend=kept.append, edit=edit, ledger=poor, time=TIME)


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


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    none = dict.fromkeys((*range(DISTANCE_PORT, DISTANCE_PORT + 2), *range(REST_PORT, REST_PORT + 4)), 0)
    at_the_price = ports(Kind.LIQUIDATE, none | dict.fromkeys((CARRY_PORT, CARRY_PORT + 1), CARRY_OFFSET))
    beyond = replace(GOOD, fee=LIQUIDATION_FEE_MAX + 1)
    unbound = partial(lie, beyond, (liquidate, "require_range", no_rule))
    far = replace(NEAR, size=49, price=MARK * 2)
    return {
        "a forced order ends once it has done enough": lambda: lie(GOOD, (order, "meet", meet_on)),
        "liquidate_limit: no worse than the zero price": lambda: lie(
            replace(CHEAP, fee=0), NO_LIMIT, amend=at_the_price
        ),
        "liquidate_limit: rate within its bound": lambda: unbound(amend=ports(Kind.LIQUIDATE, {RATE_PORT + 1: 0})),
        "liquidate_limit: rate in range": lambda: unbound(
            amend=ports(Kind.LIQUIDATE, {RATE_PORT: 0, RATE_PORT + 1: LIQUIDATION_FEE_MAX})
        ),
        "zero_price: index": lambda: lie(CHEAP, (liquidate, "find_zero_price", of_eth_perp)),
        "unwind_limit: limit near the mark": lambda: lie(
            far, (unwind, "from_limbs", lambda _: MARK * 2), amend=ports(Kind.UNWIND, {ROOM_PORT: 0, ROOM_PORT + 1: 0})
        ),
        "zero price: equity limb 1": lambda: zero_from(EQUITY_PORTS[1], LIMB - 1),
        "zero price: equity limb 2": lambda: zero_from(EQUITY_PORTS[2], 4),
        "zero price: requirement limb 1": lambda: zero_from(REQUIRED_PORTS[1], 0),
        "zero price: requirement limb 2": lambda: zero_from(REQUIRED_PORTS[2], 7),
    }
