"""The steps that find a zero price: they hold for the one price that the formula gives, of whatever sums."""

from dataclasses import replace
from fractions import Fraction
from math import floor
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from circuits.bounds import AMOUNT_MAX, LIMIT_MAX, PRICE_MAX
from circuits.checker import check_table
from circuits.execution import EQUITY_PORTS, REQUIRED_PORTS
from circuits.records import MARKET_MARK, MARKET_WEIGHT, RECORD_SIZE, TAG, Tag, limbs, signed_limbs
from circuits.solvent import solvent_circuit
from circuits.steps import Step
from circuits.zero_price import GIVES, NEGATIVE, PRICE
from prover.traces import zero_price as traces
from prover.traces.build import looked_up
from prover.traces.columns import Columns, Integers
from prover.traces.execution import ExecutionTrace
from state.zero_price import zero_price

TABLE = solvent_circuit().table("execution")
ASIDE = ("index", "leads to")  # of the rows before and after
STEPS = [
    c for c in TABLE.constraints
    if c.label.startswith(("zero_", "zero price")) and not any(word in c.label for word in ASIDE)
]  # fmt: skip
sums = st.integers(1, AMOUNT_MAX) | st.integers(1, 1 << 40)
equities = st.integers(-AMOUNT_MAX, AMOUNT_MAX) | st.integers(-(1 << 40), 1 << 40)
prices = st.integers(1, PRICE_MAX)


def rows_of(equity: int, required: int, mark: int, weight: int, long: int) -> Columns:
    """A header, the two steps, and a row after them."""
    columns = Columns(TABLE, 4, 2)
    for name, row in (("is_zero_market", 1), ("is_zero_price", 2)):
        columns[name][row] = 1
    columns["forced"][:] = 1
    columns[GIVES][:] = long
    old = np.zeros((RECORD_SIZE, 4), dtype=np.int64)
    for row in (1, 2):
        for at, value in ((MARKET_MARK, mark), (MARKET_WEIGHT, weight)):
            old[at : at + 2, row] = limbs(value, 2)
        old[TAG, row] = int(Tag.PERPETUAL)
    for k in range(RECORD_SIZE):
        columns[f"old{k}"][:4] = old[k]
    for ports, parts in ((EQUITY_PORTS, signed_limbs(equity)), (REQUIRED_PORTS, limbs(required))):
        for number, part in zip(ports, parts, strict=True):
            columns[f"port{number}"][0] = part

    def register(name: str, rows: Integers, values: Integers) -> None:
        columns[name][rows] = values

    def port(number: int, rows: Integers, values: Integers) -> None:
        columns[f"port{number}"][rows] = values

    trace = SimpleNamespace(
        step=np.array([int(Step.SEIZE_HEADER), int(Step.ZERO_MARKET), int(Step.ZERO_PRICE), 0]),
        old=old, columns=columns, register=register, port=port,
    )  # fmt: skip
    trace.wide_port = lambda *arguments: ExecutionTrace.wide_port(cast(ExecutionTrace, trace), *arguments)
    traces.fill(cast(ExecutionTrace, trace))
    return columns


def broken(columns: Columns) -> list[str]:
    """The labels that do not hold, and columns whose value is no limb."""
    found = {f.label for f in check_table(replace(TABLE, constraints=STEPS), columns.elements().tolist(), range(3))}
    names = [TABLE.column_names[number] for number in looked_up(TABLE)]
    return sorted(found) + [name for name in names if not (0 <= columns[name].min() <= columns[name].max() < 1 << 14)]


@settings(deadline=None)
@example(equity=-AMOUNT_MAX, required=AMOUNT_MAX, mark=1, weight=PRICE_MAX - 2, long=1)
@example(equity=AMOUNT_MAX, required=AMOUNT_MAX, mark=1, weight=PRICE_MAX - 2, long=0)
@example(equity=-AMOUNT_MAX, required=AMOUNT_MAX, mark=PRICE_MAX, weight=PRICE_MAX - 1, long=0)
@example(equity=5, required=7, mark=5, weight=0, long=1)
@example(equity=AMOUNT_MAX, required=1, mark=PRICE_MAX, weight=PRICE_MAX - 1, long=1)
@example(equity=-AMOUNT_MAX, required=1, mark=1, weight=PRICE_MAX - 2, long=1)
@example(equity=-7, required=14, mark=5, weight=4, long=0)
@example(equity=-6, required=14, mark=5, weight=4, long=0)
@example(equity=-8, required=14, mark=5, weight=3, long=0)
@example(equity=7, required=14, mark=5, weight=3, long=0)
@example(equity=5, required=14, mark=5, weight=3, long=1)
@example(equity=-8, required=7, mark=5, weight=1, long=0)
@example(equity=-8, required=7, mark=5, weight=0, long=0)
@given(equity=equities, required=sums, mark=prices, weight=prices, long=st.integers(0, 1))
def test_the_steps_hold_for_the_zero_price(equity: int, required: int, mark: int, weight: int, long: int) -> None:
    share = max(-(weight // 2), min(weight // 2, floor(Fraction(equity * weight, required))))
    expected = mark - share if long else mark + share
    assert zero_price(equity, required, mark, weight, long=bool(long)) == expected
    assume(1 <= expected <= LIMIT_MAX)
    columns = rows_of(equity, required, mark, weight, long)
    assert columns[PRICE][2] == columns[PRICE][3] == expected
    assert columns[NEGATIVE][2] == (equity < 0)
    assert not broken(columns)


@settings(deadline=None)
@example(equity=-5, required=1, beyond=0, weight=2, long=1)
@example(equity=5, required=1, beyond=0, weight=2, long=1)
@example(equity=5, required=1, beyond=0, weight=2, long=0)
@given(equity=equities, required=sums, beyond=st.integers(0, LIMIT_MAX), weight=prices, long=st.integers(0, 1))
def test_no_price_outside_the_limits_holds(equity: int, required: int, beyond: int, weight: int, long: int) -> None:
    """The price would be so far below the least one or above the greatest one, whichever the mark allows."""
    away = zero_price(equity, required, 0, weight, long=bool(long))
    assume(away)
    mark = min(PRICE_MAX, LIMIT_MAX + 1 - away + beyond) if away > 0 else max(1, -away - beyond)
    assume(not 1 <= mark + away <= LIMIT_MAX)
    assert broken(rows_of(equity, required, mark, weight, long))


@pytest.mark.parametrize("long", [0, 1])
def test_without_a_requirement_there_is_no_zero_price(long: int) -> None:
    assert broken(rows_of(5, 0, 100, 3, long))
