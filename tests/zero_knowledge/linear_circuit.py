"""A circuit whose proofs are linear in witness and randomness, so that all they tell of the witness is linear algebra.

Messages are constants, so the LogUp denominators are too. Both tables have a constraint that is linear in the next row
and one on the first row, whose quotient fills the first chunk and reaches into the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.air import Bus, Circuit, Message, Table, Where
from circuits.field import P
from prover.tiles import from_columns
from tests.zero_knowledge.fixed import Prover
from verifier.errors import Reason, Rejection
from verifier.params import Parameters

TOKENS = Bus("tokens", 1, 1)
GIVEN, TAKEN = (7, 8, 7, 8), (7, 8)  # the interactions of the tables: two LogUp columns and one


@dataclass(frozen=True)
class Existence:
    """The statement that there is a witness."""

    def encode(self) -> bytes:
        """No bytes."""
        return b""

    def messages(self) -> list[Message]:
        """None."""
        return []


def decode_existence(data: bytes) -> Existence:
    """Raises Rejection for any byte."""
    if data:
        raise Rejection(Reason.STATEMENT, f"{len(data)} bytes too many")
    return Existence()


def _table(name: str, kinds: Sequence[int]) -> Table:
    table = Table(name)
    value, step, _ = table.column("value"), table.column("step"), table.column("unused")
    table.constrain("value starts at 0", value, Where.FIRST)
    table.constrain("value grows by the step", value.next() - value - step, Where.TRANSITION)
    for number, kind in enumerate(kinds):
        count = table.column(f"count{number}")
        table.supply(TOKENS, f"token {number}", [kind], count if kinds == GIVEN else -count)
    return table


def circuit() -> Circuit:
    """The circuit: tables giver and taker."""
    return Circuit("linear", (_table("giver", GIVEN), _table("taker", TAKEN)), (TOKENS,))


def prover(parameters: Parameters, log_heights: Sequence[int], seed: int) -> Prover:
    """A prover with a random witness, which differs from that of another seed in everything."""
    source, rows = np.random.default_rng(seed), [(1 << log) - parameters.random_rows for log in log_heights]
    giver, taker = _columns(source, rows[0], len(GIVEN)), _columns(source, rows[1], len(TAKEN))
    for number in range(len(TAKEN)):
        given = giver[3 + number :: len(TAKEN)]
        taker[3 + number, -1] += given.sum() - taker[3 + number].sum()
    traces = {
        name: from_columns((columns % P).astype(np.uint32), 1 << log)
        for name, columns, log in zip(("giver", "taker"), (giver, taker), log_heights, strict=True)
    }
    return Prover(circuit(), parameters, Existence(), traces)


def _columns(source: np.random.Generator, rows: int, kinds: int) -> NDArray[np.int64]:
    """value, step, unused and the counts, (3 + kinds, rows), before reduction mod P."""
    columns = source.integers(0, P, (3 + kinds, rows))
    columns[0, 0] = 0
    np.cumsum(columns[1, :-1], out=columns[0, 1:])
    return columns
