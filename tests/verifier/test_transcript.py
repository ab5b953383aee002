"""The transcript against a second implementation, and its sensitivity to every step."""

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.field import ONE, Extension, P
from tests.verifier.reference_prover import ReferenceTranscript, encode
from verifier.errors import Reason, Rejection
from verifier.params import COMPACT, STANDARD, Site
from verifier.transcript import Transcript, grinding_holds

elements = st.integers(0, P - 1)
extensions = st.tuples(elements, elements, elements, elements, elements)
roots = st.binary(min_size=32, max_size=32)

VALUE: Extension = (1, 2, 3, 4, 5)
OTHER: Extension = (1, 2, 3, 4, 6)
NONCE = bytes(8)

# Each absorbing step, with two inputs that must lead to different states.
STEPS: list[tuple[str, Callable[[Transcript], object], Callable[[Transcript], object]]] = [
    ("circuit", lambda t: t.absorb_circuit(b"a" * 32), lambda t: t.absorb_circuit(b"b" * 32)),
    ("parameters", lambda t: t.absorb_parameters(STANDARD), lambda t: t.absorb_parameters(COMPACT)),
    ("statement", lambda t: t.absorb_statement(b""), lambda t: t.absorb_statement(b"\0")),
    ("heights", lambda t: t.absorb_heights([10, 11]), lambda t: t.absorb_heights([11, 10])),
    ("main", lambda t: t.absorb_main(b"a" * 32), lambda t: t.absorb_main(b"b" * 32)),
    ("auxiliary", lambda t: t.absorb_auxiliary(b"a" * 32), lambda t: t.absorb_auxiliary(b"b" * 32)),
    ("terminals", lambda t: t.absorb_terminals([VALUE]), lambda t: t.absorb_terminals([OTHER])),
    ("quotient", lambda t: t.absorb_quotient(b"a" * 32), lambda t: t.absorb_quotient(b"b" * 32)),
    ("openings", lambda t: t.absorb_openings([VALUE, OTHER]), lambda t: t.absorb_openings([OTHER, VALUE])),
    ("layer", lambda t: t.absorb_layer(b"a" * 32), lambda t: t.absorb_layer(b"b" * 32)),
    ("final", lambda t: t.absorb_final([VALUE]), lambda t: t.absorb_final([VALUE, VALUE])),
    ("nonce", lambda t: t.check_grinding(Site.FOLD, 0, NONCE), lambda t: t.check_grinding(Site.FOLD, 0, b"1" * 8)),
    ("site", lambda t: t.check_grinding(Site.FOLD, 0, NONCE), lambda t: t.check_grinding(Site.QUERY, 0, NONCE)),
]


def test_starts_from_the_protocol_s_name() -> None:
    assert Transcript().state == hashlib.sha256(b"solvent-stark-v1").digest()


@pytest.mark.parametrize(("one", "other"), [pytest.param(one, other, id=name) for name, one, other in STEPS])
def test_every_step_changes_the_challenges(
    one: Callable[[Transcript], object], other: Callable[[Transcript], object]
) -> None:
    states = set()
    for step in (lambda _: None, one, other):
        transcript = Transcript()
        step(transcript)
        states.add((transcript.state, transcript.challenge_composition()))
    assert len(states) == 3
    assert len({challenge for _, challenge in states}) == 3


def test_steps_are_separated_by_their_labels() -> None:
    absorbing = (Transcript.absorb_main, Transcript.absorb_auxiliary, Transcript.absorb_quotient)
    states = set()
    for absorb in (*absorbing, Transcript.absorb_layer, Transcript.absorb_circuit, Transcript.absorb_statement):
        transcript = Transcript()
        absorb(transcript, b"r" * 32)
        states.add(transcript.state)
    assert len(states) == 6


@given(st.binary(max_size=200), roots, st.lists(extensions, max_size=5), st.integers(1, 40))
def test_agrees_with_the_reference(statement: bytes, root: bytes, values: list[Extension], count: int) -> None:
    ours, reference = Transcript(), ReferenceTranscript()
    ours.absorb_statement(statement)
    reference.absorb("statement", statement)
    ours.absorb_main(root)
    reference.absorb("main", root)
    assert list(map(list, ours.challenge_lookup())) == reference.extensions("lookup", 2).tolist()
    ours.absorb_openings(values)
    reference.absorb("openings", encode(np.array(values, dtype=np.int64)))
    nonce = reference.grind(Site.BATCH, 3)
    ours.check_grinding(Site.BATCH, 3, nonce)
    assert list(map(list, ours.challenge_batch(count))) == reference.extensions("batch", count).tolist()
    expected = reference.words("query", count, lambda word: word % (1 << 22))
    assert ours.query_positions(count, 22) == expected
    assert ours.state == reference.state


def test_successive_challenges_differ() -> None:
    transcript = Transcript()
    drawn = {transcript.challenge_composition() for _ in range(5)}
    weights, iota = transcript.challenge_fold(injects=True)
    assert len(weights) == 8
    assert weights[0] == ONE
    assert len(drawn | {*weights, iota}) == 5 + 8 + 1
    assert transcript.challenge_fold(injects=False)[1] is None


@given(st.integers(1, 24), st.integers(1, 120))
def test_positions_are_in_the_domain(log_domain: int, queries: int) -> None:
    positions = Transcript().query_positions(queries, log_domain)
    assert len(positions) == queries
    assert all(0 <= position < 1 << log_domain for position in positions)


@pytest.mark.parametrize("site", list(Site))
def test_missing_grinding_is_refused_at_every_site(site: Site) -> None:
    state, bits = Transcript().state, 6
    nonces = [i.to_bytes(8, "big") for i in range(2000)]
    good = [nonce for nonce in nonces if hashlib.sha256(state + b"grind" + nonce).digest()[0] < 4]
    assert 5 < len(good) < 100  # 2000 / 64 expected
    bad = next(nonce for nonce in nonces if nonce not in good)
    Transcript().check_grinding(site, bits, good[0])
    with pytest.raises(Rejection, match=f"site {site}") as refusal:
        Transcript().check_grinding(site, bits, bad)
    assert refusal.value.reason == Reason.GRINDING
    assert grinding_holds(state, 0, bad)


def test_a_nonce_has_8_bytes() -> None:
    with pytest.raises(Rejection) as refusal:
        Transcript().check_grinding(Site.QUERY, 0, bytes(9))
    assert refusal.value.reason == Reason.MALFORMED
