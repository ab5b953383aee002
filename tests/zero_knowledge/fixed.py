"""Proofs whose challenges and query positions are the same every time, and everything that they open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from circuits.air import Circuit
from circuits.field import EXTENSION_DEGREE, ZERO, Extension, P, add, reverse_bits, scale
from prover import prove as proving
from prover.lanes import Words
from prover.randomness import Randomness
from verifier import verify as verifying
from verifier.codec import ProofHead, ProofReader
from verifier.elements import group_extensions
from verifier.merkle import Opening
from verifier.params import CHUNKS, Parameters
from verifier.shape import Round, Shape
from verifier.transcript import Transcript
from verifier.verify import Challenges, Openings, Statement, read_openings, replay

Samples = NDArray[np.int64]
View = dict[str, list[int]]  # base-field elements by what they are


class FixedTranscript(Transcript):
    """Absorbs nothing, so that a challenge depends on its place alone. For parameters without grinding."""

    def _absorb(self, label: str, data: bytes) -> None:
        pass


class NeighbouringQueries(FixedTranscript):
    """Queries x, g x, g^2 x, ..., g the tallest table's generator, for parameters with log_blowup 1."""

    def query_positions(self, queries: int, log_domain: int) -> list[int]:
        """See Transcript."""
        return [reverse_bits(2 * i, log_domain) for i in range(queries)]


@contextmanager
def fixed_challenges(transcript: type[Transcript] = FixedTranscript) -> Iterator[None]:
    """Prover and verifier both use this transcript."""
    with patch.object(proving, "Transcript", transcript), patch.object(verifying, "Transcript", transcript):
        yield


@dataclass(frozen=True)
class FewRows(Parameters):
    """Parameters without grinding that reserve `rows` random rows a table, whatever the queries need."""

    rows: int = 0

    @property
    def random_rows(self) -> int:
        """See Parameters."""
        return self.rows


def parameters(queries: int, rows: int | None = None) -> Parameters:
    """Fast ones; rows: by default what Parameters reserves."""
    honest = Parameters("fixed", 1, queries, (0, 0, 0, 0, 0))
    return honest if rows is None else FewRows(**vars(honest), rows=rows)


@dataclass(frozen=True)
class Prover:
    """Proves one statement from one witness; traces as prover.prove.prove takes them."""

    circuit: Circuit
    parameters: Parameters
    statement: Statement
    traces: dict[str, Words]

    def proof(self, randomness: Randomness | None = None) -> bytes:
        """A proof, with fresh randomness by default."""
        return proving.prove(self.circuit, self.parameters, self.statement, self.traces, randomness=randomness)[0]

    def read(self, proof: bytes) -> tuple[Shape, ProofHead, Challenges, Openings]:
        """All parts of a proof."""
        reader = ProofReader(proof)
        head, shape = reader.head(self.circuit, self.parameters)
        challenges = replay(self.circuit, shape, head)
        return shape, head, challenges, read_openings(reader, shape, challenges.positions)

    def views(self, count: int) -> dict[str, Samples]:
        """What `count` fresh proofs open: by name (count, elements), base-field elements."""
        views = [view_of(*self.read(self.proof())) for _ in range(count)]
        return {name: np.array([view[name] for view in views], dtype=np.int64) for name in views[0]}


def view_of(shape: Shape, head: ProofHead, challenges: Challenges, openings: Openings) -> View:
    """All base-field elements that a proof opens, and Q(x) at the queried x, which follow from them."""
    quotient_rows = [list(row) for row in openings.rounds[Round.QUOTIENT].classes[0].rows]
    width = EXTENSION_DEGREE * CHUNKS
    return {
        "main": _row_elements(openings.rounds[Round.MAIN]),
        "auxiliary": _row_elements(openings.rounds[Round.AUXILIARY]),
        "chunks": [element for row in quotient_rows for element in row[:width]],
        "random polynomial": [element for row in quotient_rows for element in row[width:]],
        "out of domain": _flat(head.opened_values),
        "terminals": _flat(head.terminals),
        "layers": [element for layer in openings.layers for element in _row_elements(layer)],
        "final": _flat(head.final),
        "quotient": _flat(
            recombined(shape, position, row[:width])
            for position, row in zip(challenges.positions, quotient_rows, strict=True)
        ),
    }


def recombined(shape: Shape, position: int, chunks: list[int]) -> Extension:
    """Q(x) = sum over i of x^(i * stride) Q_i(x) at the point x of a position, from the opened chunks."""
    step = pow(shape.domain(shape.log_tallest).point(position), shape.chunk_stride, P)
    total, power = ZERO, 1
    for chunk in group_extensions(chunks):
        total, power = add(total, scale(chunk, power)), power * step % P
    return total


def _row_elements(opening: Opening) -> list[int]:
    return [element for opened in opening.classes for row in opened.rows for element in row]


def _flat(values: Iterable[Extension]) -> list[int]:
    return [coordinate for value in values for coordinate in value]
