"""Provers that lie about one part of a proof, and finished proofs that are changed and sent again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, zip_longest
from typing import Any
from unittest.mock import patch

from circuits.air import Circuit
from circuits.field import Extension, horner, power, sub
from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from circuits.witness import Witness
from prover.lanes import Words
from prover.prove import _opening, _Proving
from prover.randomness import SEED_BYTES, Randomness
from prover.tiles import from_columns
from prover.traces.build import build_traces
from tests.proving import TEST_PARAMETERS
from verifier import verify as verifying
from verifier.buses import Fingerprint
from verifier.codec import LayerHead, ProofHead, ProofReader, ProofWriter
from verifier.constraints import split_openings, table_terms
from verifier.elements import pack_elements
from verifier.merkle import ClassOpening, Opening
from verifier.params import Parameters, Site
from verifier.shape import Shape, shape_of
from verifier.transcript import NONCE_BYTES, Transcript, grinding_holds
from verifier.verify import layer_positions, read_openings, replay

Lie = Callable[["Liar", Any], Any]  # what is sent instead of a value
SEED = bytes(range(SEED_BYTES))


@dataclass(frozen=True)
class Known:
    """A statement and the columns that a prover has for it, true or false; traces as tiles by table."""

    circuit: Circuit
    statement: Statement
    traces: dict[str, Words]


def known(statement: Statement, witness: Witness, parameters: Parameters = TEST_PARAMETERS) -> Known:
    """What the prover of a batch knows."""
    traces = build_traces(solvent_circuit(), witness, parameters.random_rows)
    tiles = {name: from_columns(columns.elements(), 1 << columns.log_height) for name, columns in traces.items()}
    return Known(solvent_circuit(), statement, tiles)


class LyingTranscript(Transcript):
    """Absorbs what the lies make of each value; `sent` has it by the names of ProofHead, layers as layers[0].root."""

    def __init__(self, prover: "Liar", lies: Mapping[str, Lie]) -> None:
        super().__init__()
        self.prover, self.lies, self.sent, self.layers = prover, lies, dict[str, Any](), 0

    def _say(self, name: str, value: Any) -> Any:
        self.sent[name] = self.lies[name](self.prover, value) if name in self.lies else value
        return self.sent[name]

    def absorb_statement(self, statement: bytes) -> None:
        super().absorb_statement(self._say("statement", statement))

    def absorb_heights(self, log_heights: Any) -> None:
        super().absorb_heights(self._say("log_heights", log_heights))

    def absorb_main(self, root: bytes) -> None:
        super().absorb_main(self._say("main_root", root))

    def absorb_auxiliary(self, root: bytes) -> None:
        super().absorb_auxiliary(self._say("auxiliary_root", root))

    def absorb_terminals(self, terminals: Any) -> None:
        super().absorb_terminals(self._say("terminals", list(terminals)))

    def absorb_quotient(self, root: bytes) -> None:
        super().absorb_quotient(self._say("quotient_root", root))

    def absorb_openings(self, values: Any) -> None:
        super().absorb_openings(self._say("opened_values", list(values)))

    def absorb_layer(self, root: bytes) -> None:
        super().absorb_layer(self._say(f"layers[{self.layers}].root", root))

    def absorb_final(self, coefficients: Any) -> None:
        super().absorb_final(self._say("final", list(coefficients)))

    def check_grinding(self, site: Site, bits: int, nonce: bytes) -> None:
        name = f"{site.replace('-', '_')}_nonce"
        if site is Site.FOLD:
            name, self.layers = f"layers[{self.layers}].nonce", self.layers + 1
        self._absorb(f"grind {site}", self._say(name, nonce))


class Liar(_Proving):
    """Sends what `lies` makes of the values of these names, and goes on as if they were true."""

    def __init__(
        self, world: Known, lies: Mapping[str, Lie] | None = None, parameters: Parameters = TEST_PARAMETERS
    ) -> None:
        heights = [world.traces[table.name].shape[1].bit_length() - 1 for table in world.circuit.tables]
        shape = shape_of(world.circuit, parameters, heights)
        super().__init__(world.circuit, shape, world.statement, world.traces, Randomness(SEED), True)
        self.says = LyingTranscript(self, lies or {})
        self.transcript = self.says
        for step in (
            self.commit_main,
            self.commit_auxiliary,
            self.commit_quotient,
            self.open_out_of_domain,
            self.combine_classes,
            self.commit_layers,
        ):
            step()

    @cached_property
    def proof(self) -> bytes:
        """The whole proof."""
        return self.write({})

    def head(self) -> ProofHead:
        """What was sent before the openings."""
        sent = dict(self.says.sent)
        numbers = range(self.shape.layers)
        layers = [LayerHead(sent.pop(f"layers[{j}].root"), sent.pop(f"layers[{j}].nonce")) for j in numbers]
        return ProofHead(layers=layers, **sent)

    _head = head


def gap(prover: Liar, values: list[Extension]) -> Extension:
    """By how much the constraints, from these opened values, differ from the quotient at z."""
    fingerprint = Fingerprint(prover.beta, prover.gamma, prover.circuit)
    return composition_gap(prover.shape, values, prover.terminals, fingerprint, prover.alpha, prover.z)


def composition_gap(
    shape: Shape,
    values: list[Extension],
    terminals: list[Extension],
    fingerprint: Fingerprint,
    alpha: Extension,
    z: Extension,
) -> Extension:
    """See gap."""
    tables, chunks = split_openings(shape, values)
    terms: list[Extension] = []
    for table, opened, terminal in zip(shape.tables, tables, terminals, strict=True):
        terms += table_terms(table, opened, z, fingerprint, terminal)
    return sub(horner(terms, alpha), horner(chunks, power(z, shape.chunk_stride)))


class GrindingTranscript(Transcript):
    """Where a nonce does not work, takes the next one that does."""

    def __init__(self) -> None:
        super().__init__()
        self.nonces: list[bytes] = []

    def check_grinding(self, site: Site, bits: int, nonce: bytes) -> None:
        start = int.from_bytes(nonce, "big")
        nonces = ((start + i).to_bytes(NONCE_BYTES, "big") for i in count())
        self.nonces.append(next(n for n in nonces if grinding_holds(self.state, bits, n)))
        super().check_grinding(site, bits, self.nonces[-1])


def resent(prover: Liar, head: ProofHead, parameters: Parameters = TEST_PARAMETERS) -> bytes:
    """A proof with this head in place of the prover's: all work is done again and the new positions are opened, but
    the commitments stay."""
    shape, transcript = shape_of(prover.circuit, parameters, head.log_heights), GrindingTranscript()
    with patch.object(verifying, "Transcript", lambda: transcript):
        positions = replay(prover.circuit, shape, head).positions
    lookup, out_of_domain, batch, *folds, query = transcript.nonces
    layers = [replace(layer, nonce=nonce) for layer, nonce in zip(head.layers, folds, strict=True)]
    writer = ProofWriter()
    writer.head(
        replace(
            head,
            lookup_nonce=lookup,
            out_of_domain_nonce=out_of_domain,
            batch_nonce=batch,
            layers=layers,
            query_nonce=query,
        )
    )
    for tree in prover.trees.values():
        writer.opening(_opening(tree, positions))
    for number, tree in enumerate(prover.layer_trees):
        writer.opening(_opening(tree, layer_positions(positions, number)))
    return writer.data()


@dataclass(frozen=True)
class Parts:
    """A proof taken apart; `openings` by the names of their trees, in order."""

    head: ProofHead
    openings: dict[str, Opening]

    def data(self) -> bytes:
        """The proof. Rows, salts and siblings may be more or fewer than they should."""
        writer = ProofWriter()
        writer.head(self.head)
        return writer.data() + b"".join(map(_written, self.openings.values()))


def take_apart(proof: bytes, circuit: Circuit, parameters: Parameters = TEST_PARAMETERS) -> Parts:
    """The parts of a valid proof."""
    reader = ProofReader(proof)
    head, shape = reader.head(circuit, parameters)
    openings = read_openings(reader, shape, replay(circuit, shape, head).positions)
    layers = {shape.layer_tree(number).name: opening for number, opening in enumerate(openings.layers)}
    return Parts(head, {name.value: opening for name, opening in openings.rounds.items()} | layers)


def _written(opening: Opening) -> bytes:
    return b"".join(map(_class_written, opening.classes)) + b"".join(opening.siblings)


def _class_written(opened: ClassOpening) -> bytes:
    pairs = zip_longest(map(pack_elements, opened.rows), opened.salts, fillvalue=b"")
    return b"".join(row + salt for row, salt in pairs)
