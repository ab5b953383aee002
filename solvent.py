"""Solvent as a library: keep a ledger, prove its batches, verify the proofs, and decide for a chain.

    from solvent import STANDARD, new_ledger, load_venue, prove, verify

    ledger = new_ledger(load_venue(Path("venue.toml")))
    ledger.begin_batch(time=60)  # and a state.prices.PriceBook, if prices must be signed
    ledger.apply(Register(...))
    statement, witness = ledger.close_batch()
    proof = prove(statement, witness, STANDARD)
    assert verify(proof, STANDARD) == statement

This is where the parts meet: the ledger gets the prover's fast hash, the prover the ledger's witness. Only what
hashes or proves loads the prover; verifying does not.
"""

from array import array
from pathlib import Path
from typing import TYPE_CHECKING

from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from circuits.witness import Witness
from state.errors import Refusal
from state.ledger import Ledger
from state.memory import DepositQueue
from state.oracle import check_signature, require_possession
from state.persist import load, save
from state.store import BLOCK_SIZE
from state.venue import Venue, load_venue
from verifier.batch import verify_batch as verify
from verifier.chain import ChainRejection, ChainState, ChainVerifier
from verifier.errors import Rejection
from verifier.params import COMPACT, PARAMETERS, STANDARD, Parameters

if TYPE_CHECKING:
    from prover.lanes import Words
    from prover.report import Progress, ProvingReport

__all__ = [
    "COMPACT",
    "PARAMETERS",
    "STANDARD",
    "ChainRejection",
    "ChainState",
    "ChainVerifier",
    "LaneHasher",
    "Ledger",
    "Parameters",
    "Refusal",
    "Rejection",
    "Statement",
    "Venue",
    "Witness",
    "check_signature",
    "load_venue",
    "new_chain",
    "new_ledger",
    "open_ledger",
    "prove",
    "save",
    "traces_of",
    "verify",
]


class LaneHasher:
    """The ledger's hash on the prover's lanes: Poseidon2 compressions, sixteen at a time (state.store.Hasher)."""

    def compress_many(self, blocks: "array[int]") -> "array[int]":
        """array('I') of 16 k canonical elements to array('I') of 8 k."""
        import numpy as np

        from prover.poseidon2 import compress_many

        digests = array("I")
        if blocks:
            digests.frombytes(compress_many(np.frombuffer(blocks, dtype=np.uint32).reshape(-1, BLOCK_SIZE)).tobytes())
        return digests


def new_ledger(venue: Venue, queue: DepositQueue | None = None) -> Ledger:
    """The ledger of a new venue. queue: what the chains hold, if the ledger is to refuse deposits that they do not."""
    return Ledger.genesis(venue, LaneHasher(), queue=queue)


def open_ledger(directory: Path, queue: DepositQueue | None = None) -> Ledger:
    """The ledger that `save` wrote there. Raises LedgerFileError, ConfigError."""
    return load(directory, LaneHasher(), queue=queue)


def traces_of(witness: Witness, parameters: Parameters = STANDARD) -> "dict[str, Words]":
    """The main columns of every table as tiles, for prover.prove.prove. Raises TraceError if they are too many."""
    from prover.tiles import from_columns
    from prover.traces.build import build_traces

    traces = build_traces(solvent_circuit(), witness, parameters.random_rows)
    return {name: from_columns(columns.elements(), 1 << columns.log_height) for name, columns in traces.items()}


def prove(
    statement: Statement, witness: Witness, parameters: Parameters = STANDARD, progress: "Progress | None" = None
) -> "tuple[bytes, ProvingReport]":
    """The proof of a closed batch, and what it took. progress is called with the name of each step as it starts.

    Raises TraceError for a batch that is too large, ProvingError for a statement that the witness does not bear out.
    """
    from prover.prove import prove as prove_circuit

    if progress:
        progress("traces")
    return prove_circuit(solvent_circuit(), parameters, statement, traces_of(witness, parameters), progress=progress)


def new_chain(venue: Venue, number: int, genesis_root: tuple[int, ...]) -> ChainState:
    """What chain `number` of a venue knows before the first batch.

    Raises ConfigError for an oracle with a member that did not prove to hold its key.
    """
    require_possession(venue)
    return ChainState(
        name=venue.chains[number], number=number, chains=len(venue.chains), assets=len(venue.collateral),
        venue_id=venue.id, circuit_digest=solvent_circuit().digest(), parameters=tuple(PARAMETERS),
        genesis_root=genesis_root, oracle=venue.oracle,
    )  # fmt: skip
