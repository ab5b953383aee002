"""A damaged proof is always rejected with a typed reason, never by a traceback, and never slower than a valid proof."""

import random
import time
from collections.abc import Iterator

import pytest

from circuits.solvent import solvent_circuit
from prover.prove import prove
from prover.tiles import from_columns
from prover.traces.build import build_traces
from tests.batches import every_kind, new_ledger, run_batch
from verifier.errors import Reason, Rejection
from verifier.params import STANDARD
from verifier.statements import decode
from verifier.verify import verify

FULL = {"changed": 1_000, "resized": 200, "random": 200}  # all of them with the long tests, a tenth always
SLOWDOWN, ATTEMPTS = 1.5, 4


@pytest.fixture(scope="module")
def proof() -> bytes:
    """A proof of a batch with every transition kind, with the standard parameters."""
    statement, witness = run_batch(new_ledger(), every_kind())
    traces = build_traces(solvent_circuit(), witness, STANDARD.random_rows)
    tiles = {name: from_columns(columns.elements(), 1 << columns.log_height) for name, columns in traces.items()}
    return prove(solvent_circuit(), STANDARD, statement, tiles)[0]


def seconds_to_verify(proof: bytes) -> float:
    """The median of five runs."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        verify(solvent_circuit(), STANDARD, proof, decode)
        times.append(time.perf_counter() - start)
    return sorted(times)[2]


def changed_bytes(proof: bytes, source: random.Random, count: int) -> Iterator[bytes]:
    """One byte at a random position gets another value."""
    for _ in range(count):
        damaged = bytearray(proof)
        damaged[source.randrange(len(proof))] ^= source.randrange(1, 256)
        yield bytes(damaged)


def resized(proof: bytes, source: random.Random, count: int) -> Iterator[bytes]:
    """Truncations and extensions in turn."""
    for number in range(count):
        if number % 2:
            yield proof[: source.randrange(len(proof))]
        else:
            yield proof + source.randbytes(source.randrange(1, 1_000))


def random_strings(proof: bytes, source: random.Random, count: int) -> Iterator[bytes]:
    """Bytes that never were a proof."""
    for _ in range(count):
        yield source.randbytes(source.randrange(2 * len(proof)))


DAMAGES = {"changed": changed_bytes, "resized": resized, "random": random_strings}


@pytest.mark.parametrize("share", [10, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_proofs_are_rejected_in_time(damage: str, share: int, proof: bytes) -> None:
    budget = SLOWDOWN * seconds_to_verify(proof)
    for damaged in DAMAGES[damage](proof, random.Random(20261122), FULL[damage] // share):
        # A shared machine may stop us for a moment: what seems slow has more chances to show that it is not.
        assert any(seconds_to_reject(damaged) <= budget for _ in range(ATTEMPTS))


def seconds_to_reject(damaged: bytes) -> float:
    """How long the verifier takes to reject, with a typed reason."""
    start = time.perf_counter()
    with pytest.raises(Rejection) as rejected:
        verify(solvent_circuit(), STANDARD, damaged, decode)
    assert isinstance(rejected.value.reason, Reason)
    return time.perf_counter() - start
