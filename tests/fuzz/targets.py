"""What reading one input may come to; run by the fuzzers of this directory, on the standard library alone.

A target raises AssertionError, or an exception that no reader should raise, for an input that shows a bug.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from circuits.air import Circuit
from circuits.solvent import solvent_circuit
from circuits.statement import StatementError, decode_statement
from state.batch import BatchReader, BatchWriter
from state.errors import BatchError, FileError
from state.venue import Venue
from verifier.codec import ProofReader, ProofWriter
from verifier.errors import Reason, Rejection
from verifier.params import Parameters
from verifier.statements import decode
from verifier.transcript import Transcript
from verifier.verify import read_openings, replay, verify

# Without grinding, so that damage reaches what comes after it.
PARAMETERS = Parameters("fuzz", log_blowup=2, queries=4, grinding_bits=(0, 0, 0, 0, 0))


def one_line(error: Exception) -> None:
    """A typed error says something, and not without end."""
    assert 0 < len(str(error)) < 10_000


class ProofTarget:
    """The codec and the whole verifier of a circuit, around one proof without grinding."""

    def __init__(
        self, proof: bytes, circuit: Circuit | None = None, decode_statement: Callable[[bytes], Any] = decode
    ) -> None:
        self.proof, self._decode = proof, decode_statement
        self.circuit = solvent_circuit() if circuit is None else circuit

    def codec(self, data: bytes) -> bool:
        """What decodes encodes to the same bytes again. Whether it decodes."""
        reader, writer = ProofReader(data), ProofWriter()
        try:
            head, shape = reader.head(self.circuit, PARAMETERS)
            openings = read_openings(reader, shape, replay(self.circuit, shape, head).positions)
        except Rejection as rejection:
            one_line(rejection)
            return False
        writer.head(head)
        for opening in (*openings.rounds.values(), *openings.layers):
            writer.opening(opening)
        assert writer.data() == data
        return True

    def verifier(self, data: bytes) -> bool:
        """Nothing but the proof itself is accepted. Whether it is."""
        accepted = self.accepts(data)
        assert accepted == (data == self.proof)
        return accepted

    def accepts(self, data: bytes) -> bool:
        """Whether the verifier accepts it."""
        return self.reason(data) is None

    def reason(self, data: bytes) -> Reason | None:
        """Why the verifier refuses it; it raises nothing but Rejection."""
        try:
            verify(self.circuit, PARAMETERS, data, self._decode, floor=0)
        except Rejection as rejection:
            one_line(rejection)
            return rejection.reason
        return None


def deaf(transcript: Transcript, label: str, data: bytes) -> None:
    """In place of Transcript._absorb: challenges then do not depend on the proof, and damage to its head reaches the
    checks behind the openings."""


def statement_target(data: bytes) -> bool:
    """A statement that decodes has these bytes as its one encoding, and its messages are field elements."""
    try:
        statement = decode_statement(data)
    except StatementError as error:
        one_line(error)
        return False
    assert statement.encode() == data
    assert statement.messages()
    return True


class BatchTarget:
    """The batch parser of a venue; files are made in a directory of its own."""

    def __init__(self, venue: Venue, directory: Path | None = None) -> None:
        self._venue = venue
        directory = Path(tempfile.mkdtemp()) if directory is None else directory
        self._given, self._written = directory / "given.jsonl", directory / "written.jsonl"

    def __call__(self, data: bytes) -> bool:
        """What is read is read again after it was written. Whether the whole file can be read."""
        self._given.write_bytes(data)
        try:
            time, batch = self._read(self._given)
        except BatchError as error:
            one_line(error)
            return False
        with BatchWriter(self._written, self._venue, time) as writer:
            for transition in batch:
                writer.write(transition)
        assert self._read(self._written) == (time, batch)
        return True

    def _read(self, path: Path) -> tuple[int | None, list[Any]]:
        with BatchReader(path, self._venue) as reader:
            return reader.time, [transition for _, transition in reader]


def is_refused(read: Callable[[], object]) -> bool:
    """Whether the reader refuses its file, with a typed error."""
    try:
        read()
    except FileError as error:
        one_line(error)
        return True
    return False
