"""Mistakes that other proof systems and venues made, tried on this one.

docs/security.md lists them all with their tests. Each attack is carried out in full. Where the mistake can be put into
the verifier by a patch, it then accepts what is false: so the attack is a real one, and what holds it off is the very
thing that the patch takes away.
"""

import ast
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from circuits.air import Bus, Circuit, CircuitError, Message, Table
from circuits.bounded import Bounded
from circuits.bounds import FEE_ONE
from circuits.expression import affine
from circuits.field import (
    ZERO,
    Extension,
    P,
    add,
    embed,
    horner,
    inverse,
    invert,
    mul,
    neg,
    power,
    root_of_unity,
    scale,
    sub,
)
from circuits.records import SystemAccount, balance_index, from_signed_limbs, rules_index
from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from prover.grinding import grind
from state.ledger import Ledger
from state.transitions.order import Policy
from tests import small_circuit
from tests.batches import ALICE, BOB, BTC_PERP, USDC, every_kind, new_ledger, run_batch, trade
from tests.proving import TEST_PARAMETERS
from tests.small_circuit import DIGIT, ENDS, Walk, decode_walk
from tests.tamper.forger import Forger
from tests.tamper.liar import Known, Liar, composition_gap, gap, known, resent
from tests.tamper.test_forged_batches import FORGERIES
from tests.verifier.reference_prover import (
    Array,
    ReferenceProver,
    ReferenceTranscript,
    Tree,
    evaluate,
    ext_inverse,
    ext_mul,
    interpolate,
    lift,
    powers,
)
from verifier import merkle
from verifier import verify as verifying
from verifier.buses import Fingerprint, check_balance
from verifier.chain import Accepted, ChainReason, ChainRejection, ChainState, ChainVerifier, Entry
from verifier.codec import LayerHead, ProofHead, ProofReader, ProofWriter
from verifier.constraints import selectors_at
from verifier.errors import Reason, Rejection
from verifier.params import CHUNKS, LOG_ARITY, STANDARD, Parameters, Site
from verifier.shape import Shape, shape_of
from verifier.statements import decode
from verifier.transcript import NONCE_BYTES, Transcript
from verifier.verify import Challenges, replay, verify

ROOT = Path(__file__).parents[2]
SMALL = small_circuit.circuit()
TINY = Parameters("tiny", 2, 4, (3, 3, 3, 3, 3))
HEIGHTS = (10, 10, 10)
READING = {Reason.NON_CANONICAL, Reason.GRINDING, Reason.MALFORMED, Reason.TRAILING_BYTES}


def refusal(
    proof: bytes,
    circuit: Circuit = SMALL,
    decode_statement: Callable[[bytes], Any] = decode_walk,
    parameters: Parameters = TINY,
) -> Rejection:
    with pytest.raises(Rejection) as caught:
        verify(circuit, parameters, proof, decode_statement, floor=0)
    return caught.value


def solvent_refusal(proof: bytes) -> Rejection:
    return refusal(proof, solvent_circuit(), decode, TEST_PARAMETERS)


def accepted(proof: bytes) -> Statement:
    """The statement of a proof of Solvent's circuit."""
    return verify(solvent_circuit(), TEST_PARAMETERS, proof, decode, floor=0)


@cache
def honest_batch() -> Known:
    """A batch with every kind of transition."""
    return known(*run_batch(new_ledger(), every_kind()))


@cache
def theft(parameters: Parameters = TEST_PARAMETERS) -> Known:
    """A batch in which a deposit of Alice's is credited but not counted, so that it can be credited again: one
    constraint of the execution table fails."""
    ledger = new_ledger()
    run_batch(ledger, every_kind())
    forger = Forger(ledger, time=61)
    forger.deposit(0, 1, ALICE, USDC, 7_000_000, count=0)
    return known(*forger.close(), parameters)


@cache
def small_witness() -> tuple[Walk, dict[str, small_circuit.Columns]]:
    """A true statement of the small circuit and its columns, not to be changed."""
    return small_circuit.witness(HEIGHTS, TINY.random_rows, seed=5)


@cache
def small_proof() -> bytes:
    """An honest proof of it."""
    statement, columns = small_witness()
    return ReferenceProver(SMALL, TINY, HEIGHTS, 7).prove(statement.encode(), columns)


def false_walk() -> tuple[Walk, dict[str, small_circuit.Columns]]:
    """A walk that ends one further than its last step takes it: one transition is wrong, the buses balance."""
    statement, columns = small_circuit.witness(HEIGHTS, TINY.random_rows, seed=5)
    columns["walk"][1][-1] = (columns["walk"][1][-1] + 1) % P
    return replace(statement, end=(statement.end + 1) % P), columns


# --- the transcript ---------------------------------------------------------------------------------------------------

DRAWN: tuple[Callable[[Challenges], object], ...] = (
    lambda c: (c.beta, c.gamma),
    lambda c: c.alpha,
    lambda c: c.z,
    lambda c: c.lambdas,
    lambda c: c.folds[0],
    lambda c: c.folds[1],
    lambda c: c.positions,
)
BETA, ALPHA, Z, LAMBDAS, FOLD, POSITIONS = 0, 1, 2, 3, 4, 6


def changed(head: ProofHead) -> Iterator[tuple[ProofHead, int]]:
    """The head with a value of each field, of lists every tenth, changed in turn; and the first challenge after it."""

    def other(data: bytes) -> bytes:
        return bytes([data[0] ^ 1, *data[1:]])

    first = {
        "statement": BETA, "main_root": BETA, "lookup_nonce": BETA, "auxiliary_root": ALPHA, "quotient_root": Z,
        "out_of_domain_nonce": Z, "batch_nonce": LAMBDAS, "query_nonce": POSITIONS,
    }  # fmt: skip
    changes: dict[str, Any]
    for name, challenge in first.items():
        changes = {name: other(getattr(head, name))}
        yield replace(head, **changes), challenge
    for name, challenge in (("terminals", ALPHA), ("opened_values", LAMBDAS), ("final", POSITIONS)):
        values = getattr(head, name)
        for place in {*range(0, len(values), 10), len(values) - 1}:
            changes = {name: [*values[:place], add(values[place], (0, 0, 0, 0, 1)), *values[place + 1 :]]}
            yield replace(head, **changes), challenge
    for number, layer in enumerate(head.layers):
        for false in (LayerHead(other(layer.root), layer.nonce), LayerHead(layer.root, other(layer.nonce))):
            yield replace(head, layers=[*head.layers[:number], false, *head.layers[number + 1 :]]), FOLD + number
    for table in range(len(head.log_heights)):
        heights = tuple(height + (k == table) for k, height in enumerate(head.log_heights))
        yield replace(head, log_heights=heights), BETA


def test_a_challenge_depends_on_everything_that_was_sent_before_it() -> None:
    """Fiat-Shamir done by halves: a value that is used and not absorbed can be chosen after the challenge."""
    circuit, parameters = solvent_circuit(), replace(TEST_PARAMETERS, grinding_bits=(0, 0, 0, 0, 0))
    prover = Liar(honest_batch(), parameters=parameters)
    head, shape = prover.head(), prover.shape
    honest = replay(circuit, shape, head)
    assert len(honest.folds) == 2
    for false, first in changed(head):
        challenges = replay(circuit, shape, false)
        for number, drawn in enumerate(DRAWN):
            assert (drawn(challenges) == drawn(honest)) == (number < first)


def test_opened_values_cannot_be_chosen_after_their_coefficients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened values not absorbed: FRI sees nothing of them but sums with known coefficients, so they can be anything.

    Alice walks off with her collateral. The two chunks of the quotient are moved so that the composition holds, and
    against each other so that the batch does not notice.
    """

    def choose(prover: Liar, values: list[Extension]) -> list[Extension]:
        ahead = Transcript()
        ahead.state = prover.transcript.state
        bits = TEST_PARAMETERS.bits(Site.BATCH)
        ahead.check_grinding(Site.BATCH, bits, grind(ahead.state, bits).to_bytes(NONCE_BYTES, "big"))
        one, other = ahead.challenge_batch(len(values))[-CHUNKS : 2 - CHUNKS]
        missing, stride = gap(prover, values), power(prover.z, prover.shape.chunk_stride)
        # first + stride * second = missing, and one * first + other * second = 0
        first = mul(mul(missing, other), invert(sub(other, mul(stride, one))))
        second = neg(mul(mul(first, one), invert(other)))
        start = len(values) - CHUNKS
        chosen = [*values[:start], add(values[start], first), add(values[start + 1], second), *values[start + 2 :]]
        assert gap(prover, chosen) == ZERO
        return chosen

    assert solvent_refusal(Liar(theft(), {"opened_values": choose}).proof).reason == Reason.FRI_FOLD
    monkeypatch.setattr(Transcript, "absorb_openings", lambda *_: None)
    assert accepted(Liar(theft(), {"opened_values": choose}).proof).deposits[0].account == ALICE


def test_terminals_cannot_be_chosen_after_the_composition_challenge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminals not absorbed: two of them pay for any imbalance of the buses and for each other in the composition.

    The statement claims another new root than the batch leads to.
    """
    true = honest_batch().statement
    false = replace(true, new_root=(true.new_root[0] ^ 1, *true.new_root[1:]))

    def attack() -> tuple[Liar, ProofHead]:
        prover = Liar(honest_batch(), {"statement": lambda _prover, _data: false.encode()})
        shape, alpha = prover.shape, prover.alpha
        fingerprint = Fingerprint(prover.beta, prover.gamma, prover.circuit)
        with pytest.raises(Rejection, match="bus imbalance"):
            check_balance(false.messages(), prover.terminals, fingerprint)
        missing = neg(imbalance(false.messages(), prover.terminals, fingerprint))
        # What one unit of the terminals of tables 0 and 1 adds to the composition, up to sign.
        weight, other = (
            mul(selectors_at(t, prover.z).terminal, power(alpha, t.first_constraint + t.constraint_count - 1))
            for t in shape.tables[:2]
        )
        # first + second = missing, and weight * first + other * second = 0
        first = mul(mul(missing, other), invert(sub(other, weight)))
        terminals = [add(prover.terminals[0], first), add(prover.terminals[1], sub(missing, first))]
        return prover, replace(prover.head(), terminals=[*terminals, *prover.terminals[2:]])

    assert solvent_refusal(resent(*attack())).reason == Reason.COMPOSITION
    monkeypatch.setattr(Transcript, "absorb_terminals", lambda *_: None)
    assert accepted(resent(*attack())).new_root != true.new_root


def imbalance(messages: Sequence[Message], terminals: Sequence[Extension], fingerprint: Fingerprint) -> Extension:
    """What terminals and the verifier's messages add up to."""
    total = ZERO
    for message in messages:
        fraction = invert(fingerprint.of_elements(message.bus, message.values))
        total = add(total, scale(fraction, message.multiplicity % P))
    for terminal in terminals:
        total = add(total, terminal)
    return total


class Recorder(ReferenceTranscript):
    """Remembers the challenges that were drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: dict[str, list[Extension]] = {}

    def extensions(self, label: str, count: int) -> Array:
        drawn = super().extensions(label, count)
        self.drawn[label] = [as_extension(row) for row in drawn]
        return drawn


def as_extension(row: Sequence[Any]) -> Extension:
    """Five numbers as an extension element."""
    a, b, c, d, e = (int(x) for x in row)
    return (a, b, c, d, e)


class WordProver(ReferenceProver):
    """Proves a false walk: opens a false chunk to make up for it, and folds words of no low degree in good faith.

    `finish` makes the final polynomial of the last word's coefficients, four times too many; unabsorbed: what it sends
    without absorbing it.
    """

    def __init__(self, finish: Callable[["WordProver", Array], Array], unabsorbed: str = "") -> None:
        super().__init__(SMALL, TINY, HEIGHTS, 7, self.change)
        self.finish, self.unabsorbed, self.recorder, self.terminals = finish, unabsorbed, Recorder(), list[Extension]()
        self.transcript = self.recorder

    def change(self, what: str, value: Any) -> Any:
        """What is sent instead."""
        if what == "quotient":
            value = value.copy()
            value[4 * self.stride :] = 0
        if what == "terminals":
            self.terminals = [as_extension(row) for row in value]
        if what == "opened values":
            drawn, shape = self.recorder.drawn, shape_of(SMALL, TINY, HEIGHTS)
            values, (beta, gamma) = [as_extension(row) for row in value], drawn["lookup"]
            challenges = (Fingerprint(beta, gamma, SMALL), drawn["composition"][0], drawn["out-of-domain"][0])
            values[-4] = add(values[-4], composition_gap(shape, values, self.terminals, *challenges))
            return np.array(values)
        return self.finish(self, value) if what == "final" else value

    def commit_quotient(self, *arguments: Any) -> tuple[Array, Array, Tree]:
        """The random polynomial gets as many coefficients as the words have."""
        chunks, mask, tree = super().commit_quotient(*arguments)
        return chunks, np.pad(mask, ((0, 3 * len(mask)), (0, 0))), tree

    def batch(self, log_class: int, opened: Sequence[Any], values: Array, lambdas: Array) -> Array:
        """All coefficients of the word of the DEEP quotients, however many."""
        log_size, shift = self.domain(log_class)
        x = lift(powers(root_of_unity(log_size), 1 << log_size) * shift % P)
        total = np.zeros((1 << log_size, 5), dtype=np.int64)
        inverses = {
            as_extension(point): ext_inverse((x - point) % P)
            for point in {as_extension(o[2]): o[2] for o in opened}.values()
        }
        for (_, polynomial, point, _), value, coefficient in zip(opened, values, lambdas, strict=True):
            difference = ext_mul((evaluate(polynomial, log_size, shift) - value) % P, coefficient)
            total = (total + ext_mul(difference, inverses[as_extension(point)])) % P
        return interpolate(total, shift)

    def send(self, label: str, data: bytes) -> None:
        if label == self.unabsorbed:
            self.proof += data
        else:
            super().send(label, data)


def prove_false_walk(finish: Callable[[WordProver, Array], Array], unabsorbed: str = "") -> tuple[Walk, bytes]:
    """The attack of WordProver."""
    statement, columns = false_walk()
    return statement, WordProver(finish, unabsorbed).prove(statement.encode(), columns)


def test_the_final_polynomial_is_no_longer_than_its_degree_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A final polynomial as long as its domain fits any word, so nothing is of low degree: its length is the
    verifier's."""
    statement, proof = prove_false_walk(lambda _, whole: whole)
    assert refusal(proof).reason in READING
    _, cut = prove_false_walk(lambda _, whole: whole[: len(whole) // 4])
    assert refusal(cut).reason == Reason.FINAL_POLYNOMIAL
    monkeypatch.setattr(Shape, "final_length", property(lambda shape: 4 << shape.layer_class(shape.layers)))
    assert verify(SMALL, TINY, proof, decode_walk, floor=0) == statement


def through_the_queries(prover: WordProver, whole: Array) -> Array:
    """The polynomial of the right length that has the word's values where the verifier is going to look."""
    shape, ahead = shape_of(SMALL, TINY, HEIGHTS), ReferenceTranscript()
    ahead.state = prover.transcript.state
    ahead.grind(Site.QUERY, TINY.bits(Site.QUERY))
    positions = ahead.words("query", TINY.queries, lambda word: word % (1 << shape.log_domain))
    domain = shape.domain(shape.layer_class(shape.layers))
    xs = [domain.point(row) for row in {position >> LOG_ARITY * shape.layers for position in positions}]
    coefficients = [as_extension(row) for row in whole]
    result = np.zeros((shape.final_length, 5), dtype=np.int64)
    for x in xs:
        basis, scaled = [1], 1
        for other in (other for other in xs if other != x):
            basis = [(a - other * b) % P for a, b in zip([0, *basis], [*basis, 0], strict=True)]
            scaled = scaled * (x - other) % P
        value = scale(horner(coefficients, embed(x)), inverse(scaled))
        for k, coefficient in enumerate(basis):
            result[k] = (result[k] + np.array(scale(value, coefficient))) % P
    return result


def test_the_final_polynomial_cannot_be_chosen_after_the_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Final polynomial not absorbed: it has more coefficients than there are queries, so it can be laid through the
    folds of any word."""
    _, proof = prove_false_walk(through_the_queries)
    assert refusal(proof).reason == Reason.FINAL_POLYNOMIAL
    monkeypatch.setattr(Transcript, "absorb_final", lambda *_: None)
    statement, proof = prove_false_walk(through_the_queries, unabsorbed="final")
    assert verify(SMALL, TINY, proof, decode_walk, floor=0) == statement


def test_the_out_of_domain_point_is_never_on_a_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """There denominators vanish: a z on a trace's or a class's domain is refused, and unrefused it is a crash."""
    shape, honest = shape_of(SMALL, TINY, HEIGHTS), Transcript.challenge_out_of_domain
    points = [1, shape.tables[0].generator, *(shape.domain(log_class).point(77) for log_class in shape.classes)]
    for point in points:
        z = embed(point)
        monkeypatch.setattr(Transcript, "challenge_out_of_domain", lambda t, z=z: honest(t) and z)
        assert refusal(small_proof()).reason == Reason.BASE_FIELD_POINT
    monkeypatch.setattr(Transcript, "challenge_out_of_domain", lambda t: honest(t) and embed(1))
    monkeypatch.setattr(verifying, "check_out_of_domain", lambda _: None)
    with pytest.raises(ZeroDivisionError):
        verify(SMALL, TINY, small_proof(), decode_walk, floor=0)


# --- parameters, circuit and lengths ----------------------------------------------------------------------------------


def test_no_proof_is_checked_without_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero queries: nothing is opened, so everything is proven. No such Parameters exist, and the floor stops them."""
    with pytest.raises(ValueError, match="0 queries check nothing"):
        replace(TEST_PARAMETERS, queries=0)
    none = replace(TEST_PARAMETERS)
    object.__setattr__(none, "queries", 0)

    def choose(prover: Liar, values: list[Extension]) -> list[Extension]:
        return [*values[:-CHUNKS], add(values[-CHUNKS], gap(prover, values)), *values[1 - CHUNKS :]]

    proof = unopened(Liar(theft(none), {"opened_values": choose}, none))
    with pytest.raises(Rejection) as caught:
        verify(solvent_circuit(), none, proof, decode)
    assert caught.value.reason == Reason.PARAMETERS
    assert "query" in caught.value.detail
    monkeypatch.setattr(verifying, "check_commitments", lambda *_: None)  # no leaf leads to any root
    assert verify(solvent_circuit(), none, proof, decode, floor=0) == theft(none).statement


def unopened(prover: Liar) -> bytes:
    """A proof that opens nothing."""
    writer = ProofWriter()
    writer.head(prover.head())
    return writer.data()


def test_the_circuit_is_never_taken_from_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prover works with a circuit that lacks a constraint and absorbs the digest of the real one."""
    weak = small_circuit.circuit()
    squares = weak.table("squares").constraints
    squares.remove(next(c for c in squares if c.label == "square"))
    statement, columns = small_circuit.witness(HEIGHTS, TINY.random_rows, seed=5)
    false = false_square(statement, columns)
    digest = SMALL.digest()
    monkeypatch.setattr(Circuit, "digest", lambda _: digest)
    proof = ReferenceProver(weak, TINY, HEIGHTS, 7).prove(false.encode(), columns)
    assert verify(weak, TINY, proof, decode_walk, floor=0) == false != statement
    assert refusal(proof).reason == Reason.COMPOSITION


def false_square(statement: Walk, columns: dict[str, small_circuit.Columns]) -> Walk:
    """The square of a digit is off by one in both tables; the walk ends elsewhere."""
    root, square, _, spare, noise = columns["squares"]
    _, values, digits, squared, lives, *_ = columns["walk"]
    wrong = digits[5] or next(digit for digit in digits if digit)
    square[wrong] += 1
    spare[wrong] = square[wrong] * root[wrong] * noise[wrong] % P
    for row, digit in enumerate(digits):
        squared[row] += digit == wrong
    for row in range(len(values) - 1):
        values[row + 1] = (values[row] + lives[row] * squared[row] * digits[row] ** 2) % P
    return replace(statement, end=values[-1])


def test_lengths_never_follow_from_what_is_sent() -> None:
    """Widths, round counts and sibling counts taken from the proof: here all of a head but its statement's length and
    its heights can be anything, and it is read to the same byte."""
    prover = Liar(honest_batch())
    head, circuit = prover.head(), prover.circuit
    zeros = replace(
        head,
        main_root=bytes(32), auxiliary_root=bytes(32), quotient_root=bytes(32),
        lookup_nonce=bytes(8), out_of_domain_nonce=bytes(8), batch_nonce=bytes(8), query_nonce=bytes(8),
        terminals=[ZERO] * len(head.terminals), opened_values=[ZERO] * len(head.opened_values),
        layers=[LayerHead(bytes(32), bytes(8))] * len(head.layers), final=[ZERO] * len(head.final),
    )  # fmt: skip
    for false in (head, zeros):
        writer = ProofWriter()
        writer.head(false)
        reader = ProofReader(writer.data())
        assert reader.head(circuit, TEST_PARAMETERS) == (false, prover.shape)
        reader.finish()


# --- hashes -----------------------------------------------------------------------------------------------------------


def test_no_leaf_is_hashed_like_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Padding collisions: with a node's two digests as a leaf's row, a tree could be opened a level too high."""
    hashed, leaves, nodes = set[int](), set[int](), set[int]()
    honest_leaf, honest_node = merkle.leaf_digest, merkle._node

    def leaf(row: Sequence[int], widths: Sequence[int], salt: bytes) -> bytes:
        leaves.add(sum(4 * (width + -width % 16) for width in widths) + len(salt))
        return honest_leaf(row, widths, salt)

    def node(*digests: bytes) -> bytes:
        nodes.add(sum(map(len, digests)))
        return honest_node(*digests)

    def sha256(data: bytes) -> Any:
        hashed.add(len(data))
        return hashlib.sha256(data)

    monkeypatch.setattr(merkle, "leaf_digest", leaf)
    monkeypatch.setattr(merkle, "_node", node)
    monkeypatch.setattr(merkle, "hashlib", SimpleNamespace(sha256=sha256))
    accepted(Liar(honest_batch()).proof)
    assert hashed == leaves | nodes
    assert nodes == {64, 96}
    assert {length % 64 for length in leaves} == {16}


# --- buses ------------------------------------------------------------------------------------------------------------


def bent(change: Callable[[list[Message]], list[Message]]) -> Callable[[bytes], Walk]:
    """A decoder of walks that put other messages on the buses than they should."""

    class Bent(Walk):
        def messages(self) -> list[Message]:
            return change(super().messages())

    def decode_bent(data: bytes) -> Bent:
        walk = decode_walk(data)
        return Bent(walk.start, walk.end, walk.steps)

    return decode_bent


def test_multiplicities_do_not_wrap_around_p(monkeypatch: pytest.MonkeyPatch) -> None:
    """LogUp counts mod P: P copies of a message are none, so no bus may be able to carry so many."""
    decode_bent = bent(lambda messages: [*messages, Message(DIGIT, (777_777,), P)])
    rejection = refusal(small_proof(), decode_statement=decode_bent)
    assert rejection.reason == Reason.STATEMENT
    assert f"reach P = {P}" in rejection.detail
    monkeypatch.setattr(verifying, "check_messages", lambda *_: None)
    assert verify(SMALL, TINY, small_proof(), decode_bent, floor=0).start == small_witness()[0].start
    table = Table("table")
    columns = table.columns("column", 5)
    table.receive(DIGIT, "as often as it likes", columns[:1], Bounded(columns[1], 0, P - 1))
    with pytest.raises(CircuitError, match="reach P"):
        Circuit("wrapping", (table,), (DIGIT,))


def test_messages_of_different_lengths_never_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message with a 0 after it has the same fingerprint; so a bus has one length, for tables and for statements."""
    decode_bent = bent(lambda messages: [replace(message, values=(*message.values, 0)) for message in messages])
    rejection = refusal(small_proof(), decode_statement=decode_bent)
    assert rejection.reason == Reason.STATEMENT
    assert "does not fit a bus ends" in rejection.detail
    monkeypatch.setattr(verifying, "check_messages", lambda *_: None)
    assert verify(SMALL, TINY, small_proof(), decode_bent, floor=0).start == small_witness()[0].start
    table = Table("table")
    for values in ([], table.columns("column", 3)):
        with pytest.raises(CircuitError, match="on bus ends of length 2"):
            table.send(ENDS, f"{len(values)} values", values)


def test_messages_of_different_buses_never_meet() -> None:
    """Each bus has a number of its own in every fingerprint, or a circuit of two buses of one number is refused."""
    fingerprint = Fingerprint((1, 2, 3, 4, 5), (6, 7, 8, 9, 1), SMALL)
    assert fingerprint.of_elements(ENDS, (3, 4)) != fingerprint.of_elements(replace(ENDS, number=2), (3, 4))
    with pytest.raises(CircuitError, match="share a number"):
        Circuit("double", SMALL.tables, (*SMALL.buses, Bus("again", ENDS.number, 2)))


def test_a_vanishing_denominator_is_a_rejection_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 / 0 in a bus sum: beta that makes the verifier's own message vanish is refused before it is inverted."""
    statement, _ = small_witness()
    gamma: Extension = (0, 1, 0, 0, 0)
    beta = neg(add(embed(ENDS.number), scale(mul(gamma, gamma), statement.start)))
    honest = Transcript.challenge_lookup
    monkeypatch.setattr(Transcript, "challenge_lookup", lambda transcript: honest(transcript) and (beta, gamma))
    assert refusal(small_proof()).reason == Reason.VANISHING_DENOMINATOR


# --- numbers and columns ----------------------------------------------------------------------------------------------


def test_a_number_has_one_decomposition() -> None:
    """31 bits are too many: below 2^24 - 1, x and x + P have different ones. The builder refuses what may wrap."""
    assert P < 1 << 31 < 2 * P

    def decompose(bits: int) -> None:
        table = Table("bits")
        digits = [table.boolean(f"bit{k}") for k in range(bits)]
        whole = sum((digit * (1 << k) for k, digit in enumerate(digits[1:], start=1)), digits[0])
        table.equal("bits of the value", whole, Bounded(table.column("value"), 0, (1 << bits) - 1))

    decompose(30)
    with pytest.raises(CircuitError, match="may wrap mod P"):
        decompose(31)


def test_no_column_is_without_a_constraint_or_a_message() -> None:
    """Computed and never asserted: every column of every table is read by something that can fail."""
    for table in solvent_circuit().tables:
        read = {index for index, _ in table.program().inputs}
        for interaction in table.interactions:
            for form in (*interaction.affine_values(), affine(interaction.multiplicity)):
                read |= {index for index, _ in form.terms}
        assert read == set(range(table.width)), table.name


# --- money ------------------------------------------------------------------------------------------------------------


def quote_of(ledger: Ledger, account: int) -> int:
    """The quote balance of an account."""
    return from_signed_limbs(ledger.read(balance_index(account, USDC))[:4])


def test_rounding_is_not_in_a_traders_favour_however_often_it_is_repeated() -> None:
    """One unit at a time: sixty fills of one lot cost more in fees than one of sixty, and what traders pay the fee
    account gets. An operator who rounds down proves nothing."""
    price, fees = 6_181_000, list[int]()
    for sizes in ([60], [1] * 60):
        ledger = new_ledger()
        run_batch(ledger, every_kind())
        before = [quote_of(ledger, account) for account in (ALICE, BOB, SystemAccount.FEE)]
        run_batch(ledger, [order for size in sizes for order in trade(BTC_PERP, ALICE, BOB, price, size, True)], 61)
        changes = [quote_of(ledger, a) - b for a, b in zip((ALICE, BOB, SystemAccount.FEE), before, strict=True)]
        assert sum(changes) == 0
        fees.append(changes[2])
    assert fees[0] < fees[1]
    ledger = new_ledger()
    run_batch(ledger, every_kind())
    rates = ledger.read(rules_index(BTC_PERP))[1:3]
    forger = Forger(ledger, time=61)
    forger.order(ALICE, BTC_PERP, False, price, 1, policy=Policy.GOOD_TILL_TIME).rest()
    order = forger.order(BOB, BTC_PERP, True, price, 1)
    order.trade(fees=(price * rates[0] // FEE_ONE, price * rates[1] // FEE_ONE)).filled()
    assert solvent_refusal(Liar(known(*forger.close())).proof).reason in (Reason.COMPOSITION, Reason.BUS_IMBALANCE)
    assert any(price * rate % FEE_ONE for rate in rates)


def test_a_deposit_is_not_credited_for_two_chains() -> None:
    """One deposit claimed on two chains: the ledger is right to credit both, and the chain that has none refuses."""
    ledger = new_ledger()
    run_batch(ledger, every_kind()[:3])
    genesis = ledger.root
    forger = Forger(ledger, time=61)
    for chain in (0, 1):
        forger.deposit(chain, 0, ALICE, USDC, 7_000_000)
    told = known(*forger.close())
    statement = accepted(Liar(told).proof)
    assert sum(total.amount for total in statement.totals) == 14_000_000

    before, digest = Accepted(statement.batch - 1, 0, statement.old_root), solvent_circuit().digest()
    terms = (statement.venue_id, digest, (STANDARD.name,), genesis, ledger.venue.oracle)
    received, never = (ChainVerifier(ChainState("chain", number, 3, 2, *terms, accepted=[before])) for number in (0, 1))
    received.deposit(Entry(ALICE, USDC, 7_000_000))
    received.check(statement)
    with pytest.raises(ChainRejection) as caught:
        never.check(statement)
    assert caught.value.reason is ChainReason.DEPOSIT_UNKNOWN


# --- the list ---------------------------------------------------------------------------------------------------------

LIST = (ROOT / "docs/security.md").read_text().partition("## Known mistakes")[2].partition("\n## ")[0]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
QUOTED = re.compile(r"[MF] (?=\")([^|;`(]*)")


def functions(path: Path) -> list[str]:
    """The names of the functions of a file."""
    return [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]


def test_the_list_names_tests_that_exist_and_every_test_of_this_file() -> None:
    named = set(NAMED.findall(LIST))
    for file, name in named:
        assert name in functions(ROOT / file), f"docs/security.md names {file}::{name}"
    here = str(Path(__file__).relative_to(ROOT))
    mine = {name for name in functions(Path(__file__)) if name.startswith("test_") and "_the_list" not in name}
    assert mine == {name for file, name in named if file == here}


def test_the_list_quotes_constraints_and_forgeries_that_exist() -> None:
    labels = {constraint.label for table in solvent_circuit().tables for constraint in table.constraints}
    quoted = {name for part in QUOTED.findall(LIST) for name in re.findall('"([^"]+)"', part)}
    assert len(quoted) > 10
    assert quoted <= labels | {forgery.name for forgery in FORGERIES}


def test_every_item_of_the_list_has_a_test_or_a_reason() -> None:
    rows = [row for row in LIST.splitlines() if row.startswith("| ")]
    items = [row for row in rows if not row.startswith(("| ---", "| mistake in"))]
    assert len(items) == len(rows) - 4 > 25
    for item in items:
        assert NAMED.search(item) or QUOTED.search(item) or "does not apply:" in item, item
