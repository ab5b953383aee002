"""Registers and ports of swaps."""

from collections.abc import Sequence

from circuits.bounds import AMOUNT_LIMBS
from circuits.swap import FUNDING, GIVES, OTHER, UNITS, WHOLE
from prover.traces.columns import Integers, limbs_of
from prover.traces.execution import ExecutionTrace


def registers(
    gives: Integers, units: Integers, funding: Integers | int, *, whole: int, other: int
) -> dict[str, Integers | int]:
    """The registers of a swap but for the amount, which has its own. gives: 1 or 0; units >= 0, of the instrument."""
    lots = dict(zip(UNITS, limbs_of(units, AMOUNT_LIMBS), strict=True))
    return {GIVES: gives, FUNDING: funding, WHOLE: whole, OTHER: other, **lots}


def fill(trace: ExecutionTrace, rows: Sequence[Integers], gives: Integers, units: Integers, amount: Integers) -> None:
    """What the four steps at `rows` change."""
    base, other_base, quote, other_quote = rows
    sign = 2 * gives - 1
    for changed, direction, value in (
        (base, -sign, units), (other_base, sign, units), (quote, sign, amount), (other_quote, -sign, amount),
    ):  # fmt: skip
        trace.change(changed, [direction * part for part in limbs_of(value, AMOUNT_LIMBS)])
