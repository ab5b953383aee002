"""One real proof of a small batch, with everything that the prover committed and all challenges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from circuits.air import Message
from circuits.solvent import solvent_circuit
from circuits.statement import decode_statement
from prover import hiding, quotient
from prover import prove as proving
from prover.lanes import Words
from prover.quotient import QuotientTask
from prover.randomness import Randomness
from prover.tiles import from_columns, to_columns
from prover.traces.build import build_traces
from tests.batches import every_act, every_kind, every_order, prompt_ledger, run_batch
from tests.oracle.fields import DEGREE, Base, BaseArray
from tests.oracle.points import Committed
from tests.proving import TEST_PARAMETERS
from verifier.codec import ProofHead, ProofReader
from verifier.shape import QUOTIENT_TABLE, Round, Shape, TableShape
from verifier.verify import Challenges, replay, verify

CHUNKS = 4
QUOTIENT_WIDTH = DEGREE * (CHUNKS + 1)  # the random polynomial comes last


@dataclass(frozen=True)
class Recording:
    """A proof that the verifier accepts. tables and tasks are in circuit order; quotient: the committed matrix of the
    quotient round, (QUOTIENT_WIDTH, rows of the tallest domain)."""

    messages: list[Message]
    shape: Shape
    head: ProofHead
    challenges: Challenges
    tables: list[Committed]
    tasks: list[QuotientTask]
    quotient: BaseArray


class _Kept:
    """What the prover makes on the way, caught as it passes."""

    def __init__(self) -> None:
        self.provings: list[proving._Proving] = []
        self.auxiliary: list[Words] = []
        self.tasks: list[QuotientTask] = []

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """While the prover runs in here, keep what passes."""
        kept = self
        randomise: Callable[..., None] = hiding.randomise_auxiliary
        quotient_of: Callable[..., Words] = quotient.table_quotient

        class Proving(proving._Proving):
            def __init__(self, *arguments: Any) -> None:
                super().__init__(*arguments)
                kept.provings.append(self)

        def randomise_and_keep(columns: Words, table: TableShape, source: Randomness) -> None:
            randomise(columns, table, source)
            kept.auxiliary.append(columns.copy())

        def quotient_and_keep(task: QuotientTask) -> Words:
            kept.tasks.append(task)
            return quotient_of(task)

        with (
            patch.object(proving, "_Proving", Proving),
            patch.object(hiding, "randomise_auxiliary", randomise_and_keep),
            patch.object(quotient, "table_quotient", quotient_and_keep),
        ):
            yield


def record() -> Recording:
    """Prove a batch of every kind with the test parameters."""
    circuit, parameters, kept = solvent_circuit(), TEST_PARAMETERS, _Kept()
    statement, witness = run_batch(prompt_ledger(), [*every_kind(), *every_order(), *every_act()])
    traces = {
        name: from_columns(columns.elements(), 1 << columns.log_height)
        for name, columns in build_traces(circuit, witness, parameters.random_rows).items()
    }
    with kept.keeping():
        proof, _ = proving.prove(circuit, parameters, statement, traces)
    assert verify(circuit, parameters, proof, decode_statement, floor=0) == statement
    head, shape = ProofReader(proof).head(circuit, parameters)
    (prover,) = kept.provings
    tables = [
        Committed(
            table,
            parameters.random_rows,
            main=_columns(main, table.width),
            auxiliary=_columns(sums, DEGREE * table.auxiliary_width),
        )
        for table, main, sums in zip(circuit.tables, prover.main, kept.auxiliary, strict=True)
    ]
    chunks = _columns(prover.extensions[Round.QUOTIENT, QUOTIENT_TABLE], QUOTIENT_WIDTH)
    return Recording(statement.messages(), shape, head, replay(circuit, shape, head), tables, kept.tasks, chunks)


def _columns(tiles: Words, width: int) -> BaseArray:
    """The columns of tiles, (width, rows)."""
    return Base(to_columns(tiles, width))
