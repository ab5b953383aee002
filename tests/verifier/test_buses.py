"""Fingerprints, fractions and the verifier's side of the buses."""

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from circuits.air import Bus, Circuit, Message, Table
from circuits.field import ZERO, Extension, P, add, embed, invert, mul, neg, power, scale
from tests import small_circuit
from verifier.buses import MAX_MESSAGES, Fingerprint, check_balance, check_messages, group_fraction
from verifier.errors import Reason, Rejection

CIRCUIT = small_circuit.circuit()
elements = st.integers(0, P - 1)
extensions = st.tuples(elements, elements, elements, elements, elements)


@given(extensions, extensions, st.lists(elements, min_size=3, max_size=3))
def test_fingerprint_is_the_documented_sum(beta: Extension, gamma: Extension, values: list[int]) -> None:
    fingerprint = Fingerprint(beta, gamma, CIRCUIT)
    expected = add(beta, embed(small_circuit.SQUARE.number))
    for j, value in enumerate(values):
        expected = add(expected, scale(power(gamma, j + 1), value))
    assert fingerprint.of_elements(small_circuit.SQUARE, values) == expected
    assert fingerprint.of_extensions(small_circuit.SQUARE, [embed(value) for value in values]) == expected


@pytest.mark.parametrize("size", [1, 2, 3])
@given(seed=st.integers(0, 2**32))
def test_group_fraction_is_the_sum_of_fractions(size: int, seed: int) -> None:
    source = random.Random(seed)
    bus = Bus("bus", 7, 2)
    table = Table("table")
    a, b, c, *_ = table.columns("column", 5)
    for i in range(size):
        table.send(bus, f"message {i}", [a + 3 * i, 2 * b - c], i + 2)
    columns = [embed(source.randrange(P)) for _ in range(5)]
    fingerprint = Fingerprint((1, 2, 3, 4, 5), (5, 4, 3, 2, source.randrange(P)), Circuit("c", (table,), (bus,)))
    expected = ZERO
    for i in range(size):
        values = [columns[0][0] + 3 * i, 2 * columns[1][0] - columns[2][0]]
        expected = add(expected, scale(invert(fingerprint.of_elements(bus, values)), i + 2))
    numerator, denominator = group_fraction(table.groups()[0], fingerprint, columns)
    assert mul(numerator, invert(denominator)) == expected


MESSAGES = [Message(small_circuit.DIGIT, (5,), 3), Message(small_circuit.ENDS, (1, 2), -1)]


@given(extensions, extensions)
def test_balance(beta: Extension, gamma: Extension) -> None:
    fingerprint = Fingerprint(beta, gamma, CIRCUIT)
    assume(all(fingerprint.of_elements(message.bus, message.values) != ZERO for message in MESSAGES))
    side = ZERO
    for message in MESSAGES:
        side = add(side, scale(invert(fingerprint.of_elements(message.bus, message.values)), message.multiplicity))
    check_balance(MESSAGES, [(1, 2, 3, 4, 5), neg(add(side, (1, 2, 3, 4, 5)))], fingerprint)
    with pytest.raises(Rejection) as refusal:
        check_balance(MESSAGES, [(1, 2, 3, 4, 6), neg(add(side, (1, 2, 3, 4, 5)))], fingerprint)
    assert refusal.value.reason == Reason.BUS_IMBALANCE


def test_a_vanishing_denominator_is_refused() -> None:
    fingerprint = Fingerprint(embed(-small_circuit.DIGIT.number - 5), embed(1), CIRCUIT)
    with pytest.raises(Rejection) as refusal:
        check_balance(MESSAGES, [], fingerprint)
    assert refusal.value.reason == Reason.VANISHING_DENOMINATOR


@pytest.mark.parametrize(
    "message",
    [
        Message(small_circuit.DIGIT, (5, 6), 1),
        Message(small_circuit.DIGIT, (), 1),
        Message(Bus("other", 9, 1), (5,), 1),
        Message(Bus("digit", 3, 2), (5, 6), 1),
        Message(small_circuit.DIGIT, (P,), 1),
        Message(small_circuit.DIGIT, (-1,), 1),
        Message(small_circuit.DIGIT, (5,), P),
        Message(small_circuit.DIGIT, (5,), -P),
        Message(small_circuit.DIGIT, (5,), P - CIRCUIT.copies(small_circuit.DIGIT)),
    ],
)
def test_messages_must_fit_the_circuit(message: Message) -> None:
    check_messages(CIRCUIT, MESSAGES)
    with pytest.raises(Rejection) as refusal:
        check_messages(CIRCUIT, [*MESSAGES, message])
    assert refusal.value.reason == Reason.STATEMENT


def test_there_may_not_be_more_messages_than_the_lookup_error_counts() -> None:
    check_messages(CIRCUIT, [Message(small_circuit.DIGIT, (5,), 0)] * 1000)
    with pytest.raises(Rejection, match=f"{MAX_MESSAGES + 1} messages") as refusal:
        check_messages(CIRCUIT, [Message(small_circuit.DIGIT, (5,), 0)] * (MAX_MESSAGES + 1))
    assert refusal.value.reason == Reason.STATEMENT
