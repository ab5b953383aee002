"""Bugs to plant into the readers, so that the coverage-guided fuzzers can show that they find some."""

from collections.abc import Callable
from typing import Any

from state.batch import BatchReader
from state.transitions import Transition
from verifier.codec import ProofReader
from verifier.prices import Bundle


def plant_proof() -> None:
    """A reader that fails at a tall first table with a low second one."""
    genuine = ProofReader._take

    def take(reader: ProofReader, length: int, where: str) -> bytes:
        taken = genuine(reader, length, where)
        if where == "heights" and taken[0] > 16 and taken[1] < 12:
            raise IndexError("planted")
        return taken

    ProofReader._take = take  # type: ignore[assignment, method-assign]


def plant_batch() -> None:
    """A reader that fails at a withdrawal without an account."""
    genuine = BatchReader._entry

    def transition(reader: BatchReader, content: dict[str, Any]) -> Transition | Bundle:
        if content.get("kind") == "withdraw" and "account" not in content:
            raise IndexError("planted")
        return genuine(reader, content)

    BatchReader._entry = transition  # type: ignore[assignment, method-assign]


PLANTS: dict[str, Callable[[], None]] = {"proof": plant_proof, "batch": plant_batch}
