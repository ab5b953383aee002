"""Verifying the proof of a batch: Solvent's circuit and Solvent's statement."""

from pathlib import Path

from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from verifier.errors import Reason, Rejection
from verifier.params import STANDARD, Parameters
from verifier.statements import decode
from verifier.verify import verify

MAX_PROOF_BYTES = 1 << 26  # far above any proof that the circuit's bounds allow; a larger file is not read


def verify_batch(proof: bytes, parameters: Parameters = STANDARD) -> Statement:
    """The statement that the proof proves. Raises Rejection, with the reason, for anything but a valid proof."""
    return verify(solvent_circuit(), parameters, proof, decode)


def read_proof(path: Path) -> bytes:
    """The bytes of a proof file. Raises Rejection for a file larger than any proof, OSError."""
    with path.open("rb") as stream:
        data = stream.read(MAX_PROOF_BYTES + 1)
    if len(data) > MAX_PROOF_BYTES:
        raise Rejection(Reason.MALFORMED, f"{path} is larger than {MAX_PROOF_BYTES} bytes")
    return data
