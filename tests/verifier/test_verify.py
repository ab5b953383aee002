"""The whole verifier against proofs of the reference prover: honest ones, broken ones, and lies at every step."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.air import Bus, Message
from circuits.checker import check
from circuits.field import P
from tests import small_circuit
from tests.small_circuit import Walk, decode_walk
from tests.verifier.reference_prover import Array, ReferenceProver, Tamper, ext_power, honest, sha
from verifier.errors import Reason, Rejection
from verifier.params import Parameters
from verifier.transcript import Transcript
from verifier.verify import check_out_of_domain, verify

CIRCUIT = small_circuit.circuit()
PARAMETERS = Parameters("tiny", 2, 4, (3, 3, 3, 3, 3))
HEIGHTS = (10, 10, 10)


@cache
def honest_proof(log_heights: tuple[int, ...]) -> tuple[Walk, bytes]:
    statement, columns = small_circuit.witness(log_heights, PARAMETERS.random_rows, seed=5)
    return statement, ReferenceProver(CIRCUIT, PARAMETERS, log_heights, 7).prove(statement.encode(), columns)


def refusal(
    proof: bytes, decode: Callable[[bytes], Any] = decode_walk, parameters: Parameters = PARAMETERS
) -> Rejection:
    with pytest.raises(Rejection) as caught:
        verify(CIRCUIT, parameters, proof, decode, floor=0)
    return caught.value


def tampered_proof(tamper: Tamper) -> bytes:
    statement, columns = small_circuit.witness(HEIGHTS, PARAMETERS.random_rows, seed=5)
    return ReferenceProver(CIRCUIT, PARAMETERS, HEIGHTS, 7, tamper).prove(statement.encode(), columns)


def at(changes: dict[str, Callable[[Any], Any]], otherwise: Tamper = honest) -> Tamper:
    """Change the values at some places."""

    def tamper(what: str, value: Any) -> Any:
        return changes[what](value) if what in changes else otherwise(what, value)

    return tamper


def cut(what: str, value: Any) -> Any:
    """What a cheat does with a quotient that is no polynomial: send the part of low degree."""
    if what == "quotient":
        value = value.copy()
        value[4 * ((1 << max(HEIGHTS)) - PARAMETERS.blinding) :] = 0
    return value


def plus_one(value: Array) -> Array:
    return (value + 1) % P


@pytest.mark.parametrize("log_heights", [(10, 10, 10), (10, 10, 11), (13, 12, 10)])
def test_honest_proofs_are_accepted(log_heights: tuple[int, ...]) -> None:
    statement, proof = honest_proof(log_heights)
    assert verify(CIRCUIT, PARAMETERS, proof, decode_walk, floor=0) == statement


def test_other_blow_ups_are_accepted() -> None:
    for log_blowup in (1, 4):
        parameters = Parameters("other", log_blowup, 3, (0, 0, 0, 0, 0))
        statement, columns = small_circuit.witness(HEIGHTS, parameters.random_rows, seed=6)
        proof = ReferenceProver(CIRCUIT, parameters, HEIGHTS, 8).prove(statement.encode(), columns)
        assert verify(CIRCUIT, parameters, proof, decode_walk, floor=0) == statement


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**9), st.integers(1, 255))
def test_every_changed_byte_is_refused(position: int, change: int) -> None:
    _, proof = honest_proof(HEIGHTS)
    changed = bytearray(proof)
    changed[position % len(proof)] ^= change
    refusal(bytes(changed))


def test_truncated_and_extended_proofs_are_refused() -> None:
    _, proof = honest_proof(HEIGHTS)
    for length in range(0, len(proof), 61):
        assert refusal(proof[:length]).reason == Reason.MALFORMED
    assert refusal(proof + b"\0").reason == Reason.TRAILING_BYTES


def test_the_openings_are_bound_by_the_roots() -> None:
    _, proof = honest_proof(HEIGHTS)
    for back in range(1, 4000, 113):
        changed = bytearray(proof)
        changed[-back] ^= 1
        assert refusal(bytes(changed)).reason in (Reason.MERKLE, Reason.NON_CANONICAL)


@pytest.mark.parametrize("site", ["lookup", "out-of-domain", "batch", "fold", "query"])
def test_grinding_is_checked_at_every_site(site: str) -> None:
    """Without the work of one site the proof is refused there: the sites before it still have theirs."""
    statement, columns = small_circuit.witness(HEIGHTS, PARAMETERS.random_rows, seed=5)

    class Lazy(ReferenceProver):
        def grind(self, at_site: Any) -> None:
            if at_site != site:
                super().grind(at_site)
            else:
                nonces = (i.to_bytes(8, "big") for i in range(1000))
                nonce = next(n for n in nonces if hash_bits(self.transcript.state, n) < 3)
                self.proof += nonce
                self.transcript.absorb("grind " + site, nonce)

    rejection = refusal(Lazy(CIRCUIT, PARAMETERS, HEIGHTS, 7).prove(statement.encode(), columns))
    assert rejection.reason == Reason.GRINDING
    assert f"site {site}:" in rejection.detail


def hash_bits(state: bytes, nonce: bytes) -> int:
    """The number of leading zero bits of a grinding attempt."""
    return 256 - int.from_bytes(sha(state, b"grind", nonce), "big").bit_length()


def test_parameters_are_the_verifier_s() -> None:
    _, proof = honest_proof(HEIGHTS)
    for parameters in (
        replace(PARAMETERS, name="tiny2"),
        replace(PARAMETERS, queries=5),
        replace(PARAMETERS, log_blowup=3),
        replace(PARAMETERS, grinding_bits=(3, 3, 3, 3, 2)),
    ):
        refusal(proof, parameters=parameters)


def test_the_circuit_is_the_verifier_s() -> None:
    statement, columns = small_circuit.witness(HEIGHTS, PARAMETERS.random_rows, seed=5)
    other = small_circuit.circuit()
    other.tables[1].constraints.pop()
    proof = ReferenceProver(other, PARAMETERS, HEIGHTS, 7).prove(statement.encode(), columns)
    assert verify(other, PARAMETERS, proof, decode_walk, floor=0) == statement
    refusal(proof)


def test_a_false_statement_unbalances_the_buses() -> None:
    statement, columns = small_circuit.witness(HEIGHTS, PARAMETERS.random_rows, seed=5)
    for false in (replace(statement, end=(statement.end + 1) % P), replace(statement, steps=statement.steps - 1)):
        proof = ReferenceProver(CIRCUIT, PARAMETERS, HEIGHTS, 7).prove(false.encode(), columns)
        assert refusal(proof).reason == Reason.BUS_IMBALANCE


@dataclass(frozen=True)
class Loose(Walk):
    """A statement whose decoder forgets to be strict."""

    copies: int = 1

    def encode(self) -> bytes:
        return super().encode()[: 12 * self.copies]

    def messages(self) -> list[Message]:
        return [*super().messages(), Message(Bus("none", 9, 1), (1,), 1)]


def test_statements_must_be_canonical_and_fit_the_buses() -> None:
    _, proof = honest_proof(HEIGHTS)

    def forgetful(data: bytes) -> Loose:
        walk = decode_walk(data)
        return Loose(walk.start, walk.end, walk.steps, copies=0)

    def foreign(data: bytes) -> Loose:
        walk = decode_walk(data)
        return Loose(walk.start, walk.end, walk.steps)

    assert "canonical" in refusal(proof, forgetful).detail
    assert "bus none" in refusal(proof, foreign).detail


def break_active(columns: dict[str, small_circuit.Columns]) -> None:
    columns["squares"][3][40] += 1


def break_last_active(columns: dict[str, small_circuit.Columns]) -> None:
    columns["squares"][3][-1] += 1


def break_transition(columns: dict[str, small_circuit.Columns]) -> None:
    columns["walk"][1][40] += 1


def break_last_transition(columns: dict[str, small_circuit.Columns]) -> None:
    columns["walk"][6][-2] = 1  # the walk ends twice ...
    columns["walk"][5][-2] = 1  # ... and starts there again, so that the buses balance


def break_first(columns: dict[str, small_circuit.Columns]) -> None:
    columns["digits"][0] = [P - 1, *columns["digits"][0][:-1]]
    columns["digits"][1] = [0, *columns["digits"][1][:-1]]


def break_last(columns: dict[str, small_circuit.Columns]) -> None:
    columns["digits"][0][-1] += 1


BREAKS = [break_active, break_last_active, break_transition, break_last_transition, break_first, break_last]


@pytest.mark.parametrize("break_it", BREAKS)
def test_a_broken_trace_has_no_quotient(break_it: Callable[[dict[str, small_circuit.Columns]], None]) -> None:
    statement, columns = small_circuit.witness(HEIGHTS, PARAMETERS.random_rows, seed=5)
    break_it(columns)
    report = check(CIRCUIT, columns, statement.messages())
    assert report.failures
    assert not report.imbalances
    with pytest.raises(ValueError, match="breaks a constraint"):
        ReferenceProver(CIRCUIT, PARAMETERS, HEIGHTS, 7).prove(statement.encode(), columns)
    proof = ReferenceProver(CIRCUIT, PARAMETERS, HEIGHTS, 7, cut).prove(statement.encode(), columns)
    assert refusal(proof).reason == Reason.COMPOSITION


def minus_one(value: Array) -> Array:
    return (value - 1) % P


def moved_terminals(terminals: Array) -> Array:
    return np.asarray((terminals + np.array([[1], [P - 1], [0]])) % P)


def moved_fraction(fractions: list[Array]) -> list[Array]:
    fractions[0][3] += 1
    fractions[0][4] -= 1
    return fractions


def moved_sum(running: Array) -> Array:
    running[5, 0] = (running[5, 0] + 1) % P
    return running


# Of the LogUp columns each keeps the balance of the terminals and breaks one of the constraints A4.1 to A4.4.
LIES = [
    pytest.param(at({"walk fractions": moved_fraction}, cut), Reason.COMPOSITION, id="A4.1: a fraction"),
    pytest.param(at({"walk running sum": moved_sum}, cut), Reason.COMPOSITION, id="A4.2: a partial sum"),
    pytest.param(at({"squares running sum": moved_sum}, cut), Reason.COMPOSITION, id="A4.2: of the only column"),
    pytest.param(
        at({"walk running sum": plus_one, "squares running sum": minus_one}, cut), Reason.COMPOSITION, id="A4.3: starts"
    ),
    pytest.param(at({"terminals": moved_terminals}, cut), Reason.COMPOSITION, id="A4.4: moved terminals"),
    pytest.param(at({"terminals": plus_one}, cut), Reason.BUS_IMBALANCE, id="terminals"),
    pytest.param(at({"opened values": plus_one}), Reason.COMPOSITION, id="opened values"),
    pytest.param(at({"layer 0": plus_one}), Reason.FRI_FOLD, id="layer 0"),
    pytest.param(at({"final": plus_one}), Reason.FINAL_POLYNOMIAL, id="final"),
]


@pytest.mark.parametrize(("tamper", "reason"), LIES)
def test_lies_are_refused_for_the_right_reason(tamper: Tamper, reason: Reason) -> None:
    assert refusal(tampered_proof(tamper)).reason == reason


def test_a_later_layer_is_checked() -> None:
    log_heights = (10, 12, 10)
    statement, columns = small_circuit.witness(log_heights, PARAMETERS.random_rows, seed=5)
    tamper = at({"layer 1": plus_one})
    proof = ReferenceProver(CIRCUIT, PARAMETERS, log_heights, 7, tamper).prove(statement.encode(), columns)
    rejection = refusal(proof)
    assert rejection.reason == Reason.FRI_FOLD
    assert "layer 1" in rejection.detail


def test_opened_values_that_satisfy_the_composition_are_still_bound() -> None:
    """Chunks 0 and 1 moved against each other keep the composition; only the DEEP quotients tell."""
    statement, columns = small_circuit.witness(HEIGHTS, PARAMETERS.random_rows, seed=5)
    prover = ReferenceProver(CIRCUIT, PARAMETERS, HEIGHTS, 7)

    def tamper(what: str, value: Any) -> Any:
        if what == "opened values":
            value = value.copy()
            value[-4] = (value[-4] + ext_power(prover.z, prover.stride)) % P
            value[-3, 0] = (value[-3, 0] - 1) % P
        return value

    prover.tamper = tamper
    assert refusal(prover.prove(statement.encode(), columns)).reason == Reason.FRI_FOLD


def test_z_in_the_base_field_is_refused() -> None:
    check_out_of_domain((0, 0, 0, 0, 1))
    for element in (0, 1, random.Random(1).randrange(P)):
        with pytest.raises(Rejection) as caught:
            check_out_of_domain((element, 0, 0, 0, 0))
        assert caught.value.reason == Reason.BASE_FIELD_POINT


def test_the_verifier_refuses_such_a_z_before_it_divides(monkeypatch: pytest.MonkeyPatch) -> None:
    _, proof = honest_proof(HEIGHTS)
    monkeypatch.setattr(Transcript, "challenge_out_of_domain", lambda _: (1, 0, 0, 0, 0))
    assert refusal(proof).reason == Reason.BASE_FIELD_POINT
