"""Proving: the protocol of docs/protocol.md from the traces to the bytes of a proof, one function a step (A9)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from circuits.air import Circuit, Table
from circuits.field import EXTENSION_DEGREE, ONE, Extension, mul
from prover import check, extension, fri, hiding, lanes, logup, merkle, montgomery, ntt, openings, quotient, tiles
from prover.constraint_kernel import ConstraintKernel
from prover.errors import UnbalancedBus, UnsatisfiedConstraint, WitnessShapeError
from prover.grinding import grind
from prover.lanes import LANES, Words
from prover.merkle import Group, MerkleTree
from prover.randomness import Randomness, random_salts
from verifier.buses import Fingerprint, check_balance
from verifier.codec import LayerHead, ProofHead, ProofWriter
from verifier.errors import Rejection
from verifier.merkle import ClassOpening, Opening
from verifier.params import CHUNKS, Parameters, Site
from verifier.shape import QUOTIENT_TABLE, Round, Shape, TreeShape, shape_of
from verifier.transcript import NONCE_BYTES, Transcript
from verifier.verify import Statement, check_out_of_domain, layer_positions

Progress = Callable[[str], None]
Key = tuple[Round, int]


@dataclass(frozen=True)
class TableSize:
    """One table of a proof; columns in base elements."""

    name: str
    log_height: int
    main_columns: int
    auxiliary_columns: int


@dataclass
class ProvingReport:
    """What a proof took: seconds by step, in order; the tables; bytes of the proof by part."""

    seconds: dict[str, float] = field(default_factory=dict)
    tables: list[TableSize] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def total_seconds(self) -> float:
        """Of all steps."""
        return sum(self.seconds.values())

    @property
    def proof_size(self) -> int:
        """In bytes."""
        return sum(self.sizes.values())


def prove(
    circuit: Circuit,
    parameters: Parameters,
    statement: Statement,
    traces: Mapping[str, Words],
    *,
    randomness: Randomness | None = None,
    progress: Progress | None = None,
    unchecked: bool = False,
) -> tuple[bytes, ProvingReport]:
    """The proof of the statement, and what it took.

    traces: for each table its main columns as tiles (T, n, 16) of prover/tiles.py, n the table's height; the last R =
    parameters.random_rows rows are ignored. randomness: for tests that need to repeat a proof. progress: called with the
    name of each step as it starts. unchecked: prove a false statement as far as that goes, for tests of the verifier.
    Raises WitnessShapeError, UnsatisfiedConstraint, UnbalancedBus (only if not unchecked), VanishingDenominator,
    and verifier.errors.Rejection for a height out of the circuit's bounds.
    """
    proving = _Proving(circuit, parameters, statement, traces, randomness or Randomness(), progress, unchecked)
    steps = [
        ("main columns", proving.commit_main),
        ("auxiliary columns", proving.commit_auxiliary),
        ("quotient", proving.commit_quotient),
        ("out-of-domain point", proving.open_out_of_domain),
        ("FRI", proving.commit_layers),
        ("openings", proving.open_queries),
    ]
    for name, step in steps:
        with proving.timed(name):
            step()
    return proving.writer.data(), proving.report


class _Proving:
    """A proof under way: what the steps leave behind for those after them."""

    def __init__(
        self,
        circuit: Circuit,
        parameters: Parameters,
        statement: Statement,
        traces: Mapping[str, Words],
        randomness: Randomness,
        progress: Progress | None,
        unchecked: bool,
    ) -> None:
        self.circuit, self.statement, self.traces = circuit, statement, traces
        self.randomness, self.progress, self.unchecked = randomness, progress, unchecked
        self.shape = shape_of(circuit, parameters, _log_heights(circuit, traces))
        self.report = ProvingReport(tables=[_table_size(table.table, table.log_height) for table in self.shape.tables])
        self.writer, self.transcript = ProofWriter(), Transcript()
        self.coefficients: openings.Coefficients = {}
        self.extensions: dict[Key, Words] = {}
        self.trees: dict[Round, MerkleTree] = {}
        self.nonces: dict[Site, bytes] = {}
        self.layers: list[tuple[MerkleTree, LayerHead]] = []
        self._begin()

    def _begin(self) -> None:
        self.transcript.absorb_circuit(self.circuit.digest())
        self.transcript.absorb_parameters(self.shape.parameters)
        self.transcript.absorb_statement(self.statement.encode())
        self.transcript.absorb_heights(self.log_heights)

    @property
    def log_heights(self) -> tuple[int, ...]:
        return tuple(table.log_height for table in self.shape.tables)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Report the step, and what it takes."""
        if self.progress:
            self.progress(name)
        start = time.perf_counter()
        yield
        self.report.seconds[name] = time.perf_counter() - start

    # ------------------------------------------------------------------------------------------------------- steps

    def commit_main(self) -> None:
        """Steps 1 and 2: the main columns with their random rows and masks; then beta and gamma."""
        self.main = [
            _hidden_trace(table.table, self.traces[table.table.name], table.active_rows, self.randomness)
            for table in self.shape.tables
        ]
        self.masks = hiding.terminal_masks(len(self.main), self.randomness)
        for table, main, mask in zip(self.shape.tables, self.main, self.masks, strict=True):
            main[0, table.active_rows, :EXTENSION_DEGREE] = mask
            self._extend((Round.MAIN, table.number), ntt.interpolate(main, table.log_height))
        self._commit(Round.MAIN, self.shape.main_tree)
        self.transcript.absorb_main(self.trees[Round.MAIN].root)
        self._grind(Site.LOOKUP)
        self.beta, self.gamma = self.transcript.challenge_lookup()

    def commit_auxiliary(self) -> None:
        """Step 3: the LogUp columns and the masked terminals; then alpha."""
        self.interactions = [logup.interactions_of(table.table, self.beta, self.gamma) for table in self.shape.tables]
        totals = []
        for table, main, interactions in zip(self.shape.tables, self.main, self.interactions, strict=True):
            columns, total = logup.auxiliary_columns(table, main, interactions)
            _hide_auxiliary(columns, table.table.auxiliary_width, table.active_rows, self.randomness)
            totals.append(total)
            self._extend((Round.AUXILIARY, table.number), ntt.interpolate(columns, table.log_height))
        masks = extension.elements(self.masks.T)
        self.terminals = [extension_add(total, mask) for total, mask in zip(totals, masks, strict=True)]
        self._check_balance()
        self._commit(Round.AUXILIARY, self.shape.auxiliary_tree)
        self.transcript.absorb_auxiliary(self.trees[Round.AUXILIARY].root)
        self.transcript.absorb_terminals(self.terminals)
        self.alpha = self.transcript.challenge_composition()
