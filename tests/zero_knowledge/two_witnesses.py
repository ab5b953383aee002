"""Two witnesses of one statement of the small circuit, which has every feature of the proof system."""

from __future__ import annotations

import numpy as np

from circuits.field import P
from prover.tiles import from_columns
from tests import small_circuit
from tests.small_circuit import Columns, Walk
from tests.zero_knowledge.fixed import Prover
from verifier.params import Parameters

LOG_HEIGHTS = (10, 10, 10)


def witnesses(parameters: Parameters) -> tuple[Walk, list[dict[str, Columns]]]:
    """The same digits in another order, and everything that is free different."""
    statement, one = small_circuit.witness(LOG_HEIGHTS, parameters.random_rows, 1)
    _, another = small_circuit.witness(LOG_HEIGHTS, parameters.random_rows, 2)
    clock, values, digits, squares, lives, starts, ends = one["walk"]
    order = [*reversed(range(len(clock) - 1)), len(clock) - 1]  # the last digit adds nothing to the value
    digits, squares, lives = ([column[row] for row in order] for column in (digits, squares, lives))
    values = [values[0]]
    for digit in digits[:-1]:
        values.append((values[-1] + digit**4) % P)
    other = {
        "walk": [clock, values, digits, squares, lives, starts, ends],
        "squares": [*one["squares"][:3], *another["squares"][3:]],
        "digits": [*one["digits"][:2], *another["digits"][2:]],
    }
    return statement, [one, other]


def provers(parameters: Parameters) -> list[Prover]:
    """A prover for each of the two witnesses."""
    statement, columns = witnesses(parameters)
    return [
        Prover(small_circuit.circuit(), parameters, statement, {
            name: from_columns(np.array(cells, dtype=np.uint32), 1 << LOG_HEIGHTS[0]) for name, cells in tables.items()
        })
        for tables in columns
    ]  # fmt: skip
