"""Solvent as a library: keep a ledger, prove its batches, verify the proofs, and decide for a chain.

    from solvent import STANDARD, new_ledger, load_venue, prove, verify

    ledger = new_ledger(load_venue(Path("venue.toml")))
    ledger.begin_batch()
    ledger.apply(Register(...))
    statement, witness = ledger.close_batch()
    proof = prove(statement, witness, STANDARD)
    assert verify(proof, STANDARD) == statement

This is where the parts meet: the ledger gets the prover's fast hash, the prover the ledger's witness. Verifying alone loads neither.
"""

from array import array
from collections.abc import Callable
from pathlib import Path

from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from circuits.witness import Witness
from state.errors import Refusal
from state.ledger import Ledger
from state.memory import DepositQueue
from state.persist import load, save
from state.store import BLOCK_SIZE
from state.venue import Venue, load_venue
from verifier.batch import verify_batch as verify
from verifier.chain import ChainRejection, ChainState, ChainVerifier
from verifier.errors import Rejection
from verifier.params import COMPACT, PARAMETERS, STANDARD, Parameters

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
    "load_venue",
    "new_chain",
    "new_ledger",
    "open_ledger",
    "prove",
    "save",
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


def new_chain(venue: Venue, number: int, genesis_root: tuple[int, ...]) -> ChainState:
    """What chain `number` of a venue knows before the first batch."""
    return ChainState(
        name=venue.chains[number], number=number, chains=len(venue.chains), assets=len(venue.collateral),
        venue_id=venue.id, circuit_digest=solvent_circuit().digest(), parameters=tuple(PARAMETERS),
        genesis_root=genesis_root,
    )  # fmt: skip
