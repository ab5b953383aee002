"""The shape of a proof: classes, domains, layers, numbering."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.field import P
from tests import small_circuit
from verifier.errors import Reason, Rejection
from verifier.params import COMPACT, LOG_FINAL, STANDARD, Parameters
from verifier.shape import Round, shape_of

CIRCUIT = small_circuit.circuit()
heights = st.tuples(st.integers(10, 20), st.integers(10, 16), st.integers(10, 20))


@given(heights, st.sampled_from([STANDARD, COMPACT]))
def test_classes(log_heights: tuple[int, int, int], parameters: Parameters) -> None:
    shape = shape_of(CIRCUIT, parameters, log_heights)
    tallest = max(log_heights)
    for table in shape.tables:
        assert table.log_height <= table.log_class < table.log_height + 3
        assert (tallest - table.log_class) % 3 == 0
        assert table in shape.tables_of(table.log_class)
    assert shape.classes[0] == shape.log_tallest == tallest
    assert sum(len(shape.tables_of(c)) for c in shape.classes) == len(CIRCUIT.tables)


@given(heights, st.integers(0, 2**24))
def test_folding_maps_domains_onto_each_other(log_heights: tuple[int, int, int], row: int) -> None:
    shape = shape_of(CIRCUIT, STANDARD, log_heights)
    for upper, lower in zip(shape.classes, shape.classes[1:], strict=False):
        row %= 1 << shape.domain(upper).log_size
        steps = (upper - lower) // 3
        assert pow(shape.domain(upper).point(row), 8**steps, P) == shape.domain(lower).point(row >> 3 * steps)


@given(heights)
def test_layers_end_at_a_small_final_polynomial_and_inject_every_class(log_heights: tuple[int, int, int]) -> None:
    shape = shape_of(CIRCUIT, STANDARD, log_heights)
    assert 1 << (LOG_FINAL - 3) < shape.final_length <= 1 << LOG_FINAL
    assert shape.final_length == 1 << (shape.log_tallest - 3 * shape.layers)
    injected = [shape.layer_class(layer + 1) for layer in range(shape.layers) if shape.injects(layer)]
    assert [shape.log_tallest, *injected] == shape.classes


def test_numbering_of_the_small_circuit() -> None:
    shape = shape_of(CIRCUIT, STANDARD, (13, 12, 10))
    assert shape.classes == [13, 10]
    counts = [len(table.constraints) for table in CIRCUIT.tables]
    assert counts == [11, 4, 4]
    assert [table.first_constraint for table in shape.tables] == [0, 11 + 4, 15 + 4 + 3]
    assert shape.constraint_count == 22 + 4 + 3
    walk = shape.openings[: 7 + 2 + 3 + 1]
    assert [opened.round for opened in walk] == [Round.MAIN] * 7 + [Round.AUXILIARY] * 2 + [Round.MAIN] * 3 + [
        Round.AUXILIARY
    ]
    assert [opened.column for opened in walk] == [0, 1, 2, 3, 4, 5, 6, 0, 1, 0, 1, 5, 1]
    assert [opened.next for opened in walk] == [False] * 9 + [True] * 4
    assert [opened.column for opened in shape.openings[-4:]] == [0, 1, 2, 3]
    assert [c.widths for c in shape.main_tree.classes] == [(7, 5), (5,)]
    assert [c.log_rows for c in shape.auxiliary_tree.classes] == [15, 12]


def test_one_height_for_each_table() -> None:
    with pytest.raises(Rejection) as refusal:
        shape_of(CIRCUIT, STANDARD, (10, 10))
    assert refusal.value.reason == Reason.HEIGHT
