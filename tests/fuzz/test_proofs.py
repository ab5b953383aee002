"""Damaged proofs: the codec is canonical, and the verifier accepts the proof itself or refuses with a reason."""

import struct
import tracemalloc

import pytest
from hypothesis import strategies as st

from circuits.field import P
from circuits.solvent import solvent_circuit
from prover.prove import prove
from solvent import traces_of
from tests import small_circuit
from tests.batches import every_act, every_kind, every_order, prompt_ledger, run_batch
from tests.fuzz.damage import damaged
from tests.fuzz.exploring import depths, explore
from tests.fuzz.targets import PARAMETERS, ProofTarget, deaf
from tests.verifier.reference_prover import ReferenceProver
from verifier import codec, elements
from verifier.codec import MAGIC, MAX_STATEMENT_BYTES, ProofReader
from verifier.errors import Reason
from verifier.transcript import Transcript

MEMORY, SPARE = 16, 4 << 20  # bytes that the verifier may use for each byte of a proof, and besides
BEHIND = {Reason.BUS_IMBALANCE, Reason.COMPOSITION, Reason.MERKLE, Reason.FRI_FOLD, Reason.FINAL_POLYNOMIAL}
HEIGHTS = (10, 10, 10)


def around_whole() -> ProofTarget:
    """Around a proof of a batch with every transition kind."""
    statement, witness = run_batch(prompt_ledger(), [*every_kind(), *every_order(), *every_act()])
    return ProofTarget(prove(solvent_circuit(), PARAMETERS, statement, traces_of(witness, PARAMETERS))[0])


@pytest.fixture(scope="module")
def small() -> ProofTarget:
    """Around a proof of the small circuit."""
    circuit = small_circuit.circuit()
    statement, columns = small_circuit.witness(HEIGHTS, PARAMETERS.random_rows, seed=5)
    proof = ReferenceProver(circuit, PARAMETERS, HEIGHTS, 7).prove(statement.encode(), columns)
    return ProofTarget(proof, circuit, small_circuit.decode_walk)


@pytest.fixture(scope="module")
def whole() -> ProofTarget:
    """One for all tests."""
    return around_whole()


@pytest.fixture(params=["small", "whole"])
def target(request: pytest.FixtureRequest) -> ProofTarget:
    """Each of the two."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, ProofTarget)
    return found


def test_the_proofs_are_accepted_and_canonical(target: ProofTarget) -> None:
    assert target.codec(target.proof)
    assert target.verifier(target.proof)


@depths(200)
def test_arbitrary_bytes(small: ProofTarget, examples: int) -> None:
    explore(examples, st.binary(max_size=3_000).map(lambda data: MAGIC + data) | st.binary(), small.verifier)


@depths(300)
def test_damaged_encodings(target: ProofTarget, examples: int) -> None:
    explore(examples, damaged(target.proof), target.codec)


@depths(200)
def test_damaged_proofs(target: ProofTarget, examples: int) -> None:
    explore(examples, damaged(target.proof), target.verifier)


@depths(200)
def test_damage_behind_the_transcript(examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof whose challenges do not depend on it: damage to its head reaches every later check."""
    monkeypatch.setattr(Transcript, "_absorb", deaf)
    target = around_whole()
    assert target.accepts(target.proof)
    reasons: set[Reason | None] = set()
    explore(examples, damaged(target.proof), lambda data: reasons.add(target.reason(data)))
    assert BEHIND & reasons


@pytest.mark.parametrize("size", [0, 30_000, MAX_STATEMENT_BYTES])
@pytest.mark.parametrize("log_height", [10, 20])
def test_memory_is_bounded_by_the_file(size: int, log_height: int, whole: ProofTarget) -> None:
    """Lengths and heights that promise much make the verifier take no more than the file justifies."""
    statement = struct.pack(">I", size) + bytes(size)
    data = MAGIC + statement + bytes([log_height] * 4) + whole.proof[len(MAGIC) + 4 :]
    for cut in (data, data[:200]):
        tracemalloc.start()
        whole.verifier(cut)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MEMORY * len(cut) + SPARE


def test_a_planted_bug_is_found(small: ProofTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that trusts a length: the fuzzing fails, as it must."""

    def trusting(reader: ProofReader, length: int, where: str) -> bytes:
        start = reader._position
        reader._position += length
        assert len(reader._data[start : reader._position]) == length
        return reader._data[start : reader._position]

    monkeypatch.setattr(ProofReader, "_take", trusting)
    assert small.codec(small.proof)
    with pytest.raises(AssertionError):
        explore(1_000, damaged(small.proof), small.codec)


def test_a_planted_second_encoding_is_found(small: ProofTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that reduces elements modulo P takes another encoding of the same proof."""

    def reducing(data: bytes, where: str) -> tuple[int, ...]:
        return tuple(word % P for word in struct.unpack(f">{len(data) // 4}I", data))

    for module in (codec, elements):
        monkeypatch.setattr(module, "unpack_elements", reducing)
    with pytest.raises(AssertionError):
        explore(4_000, damaged(small.proof), small.codec)
