"""The codec: what is written is read, and nothing else is."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.field import Extension, P
from tests import small_circuit
from verifier.codec import MAX_STATEMENT_BYTES, LayerHead, ProofHead, ProofReader, ProofWriter
from verifier.errors import Reason, Rejection
from verifier.merkle import ClassOpening, Opening, class_rows, missing_siblings
from verifier.params import Parameters
from verifier.shape import Shape, TreeShape, shape_of

CIRCUIT = small_circuit.circuit()
PARAMETERS = Parameters("tiny", 2, 4, (0, 0, 0, 0, 0))
HEADER = 12  # magic and statement length


def random_head(source: random.Random, statement: bytes, log_heights: tuple[int, ...]) -> tuple[ProofHead, Shape]:
    shape = shape_of(CIRCUIT, PARAMETERS, log_heights)

    def values(count: int) -> list[Extension]:
        coordinates = [[source.randrange(P) for _ in range(5)] for _ in range(count)]
        return [(a, b, c, d, e) for a, b, c, d, e in coordinates]

    head = ProofHead(
        statement=statement,
        log_heights=log_heights,
        main_root=source.randbytes(32),
        lookup_nonce=source.randbytes(8),
        auxiliary_root=source.randbytes(32),
        terminals=values(len(log_heights)),
        quotient_root=source.randbytes(32),
        out_of_domain_nonce=source.randbytes(8),
        opened_values=values(len(shape.openings)),
        batch_nonce=source.randbytes(8),
        layers=[LayerHead(source.randbytes(32), source.randbytes(8)) for _ in range(shape.layers)],
        final=values(shape.final_length),
        query_nonce=source.randbytes(8),
    )
    return head, shape


def random_opening(source: random.Random, tree: TreeShape, positions: list[int]) -> Opening:
    classes = []
    for tree_class in tree.classes:
        count, width = len(class_rows(tree, tree_class, positions)), sum(tree_class.widths)
        rows = [tuple(source.randrange(P) for _ in range(width)) for _ in range(count)]
        classes.append(ClassOpening(rows, [source.randbytes(16) for _ in range(count)]))
    missing = sum(map(len, missing_siblings(positions, tree.log_leaves)))
    return Opening(classes, [source.randbytes(32) for _ in range(missing)])


def written(head: ProofHead, *openings: Opening) -> bytes:
    writer = ProofWriter()
    writer.head(head)
    for opening in openings:
        writer.opening(opening)
    return writer.data()


def read_head_only(data: bytes) -> None:
    reader = ProofReader(data)
    reader.head(CIRCUIT, PARAMETERS)
    reader.finish()


def refusal(data: bytes) -> Rejection:
    with pytest.raises(Rejection) as caught:
        read_head_only(data)
    return caught.value


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32),
    st.binary(max_size=50),
    st.tuples(st.integers(10, 20), st.integers(10, 16), st.integers(10, 20)),
)
def test_round_trip(seed: int, statement: bytes, log_heights: tuple[int, int, int]) -> None:
    source = random.Random(seed)
    head, shape = random_head(source, statement, log_heights)
    positions = sorted({source.randrange(1 << shape.log_domain) for _ in range(4)})
    openings = [random_opening(source, tree, positions) for tree in (shape.main_tree, shape.quotient_tree)]
    data = written(head, *openings)
    reader = ProofReader(data)
    read, read_shape = reader.head(CIRCUIT, PARAMETERS)
    assert read == head
    assert read_shape.tables == shape.tables
    assert [reader.opening(tree, positions) for tree in (shape.main_tree, shape.quotient_tree)] == openings
    reader.finish()


def test_every_truncation_is_malformed() -> None:
    head, _ = random_head(random.Random(1), b"statement", (11, 10, 10))
    data = written(head)
    for length in [*range(200), *range(200, len(data), 97), len(data) - 1]:
        assert refusal(data[:length]).reason == Reason.MALFORMED


def test_trailing_bytes_are_refused() -> None:
    head, _ = random_head(random.Random(1), b"statement", (11, 10, 10))
    assert refusal(written(head) + b"\0").reason == Reason.TRAILING_BYTES


def test_elements_must_be_below_p() -> None:
    head, shape = random_head(random.Random(1), b"", (11, 10, 10))
    data = written(head)
    terminals = HEADER + 3 + 32 + 8 + 32
    final = len(data) - 8 - 20 * shape.final_length
    for start in (terminals, final, len(data) - 12):
        for value in (P, 2**31, 2**32 - 1):
            changed = data[:start] + value.to_bytes(4, "big") + data[start + 4 :]
            assert refusal(changed).reason == Reason.NON_CANONICAL
        ProofReader(data[:start] + (P - 1).to_bytes(4, "big") + data[start + 4 :]).head(CIRCUIT, PARAMETERS)


@pytest.mark.parametrize(("table", "log_height"), [(0, 9), (0, 21), (1, 17), (2, 0), (2, 255)])
def test_heights_are_bounded_by_the_circuit(table: int, log_height: int) -> None:
    head, _ = random_head(random.Random(1), b"", (11, 10, 10))
    data = bytearray(written(head))
    data[HEADER + table] = log_height
    rejection = refusal(bytes(data))
    assert rejection.reason == Reason.HEIGHT
    assert CIRCUIT.tables[table].name in rejection.detail


def test_name_and_version_are_checked() -> None:
    head, _ = random_head(random.Random(1), b"", (11, 10, 10))
    for data in (b"SOLVENT\x02" + written(head)[8:], b"solvent\x01" + written(head)[8:], b""):
        assert refusal(data).reason == Reason.MALFORMED


def test_the_statement_has_a_largest_length() -> None:
    head, _ = random_head(random.Random(1), b"", (11, 10, 10))
    data = written(head)
    too_long = (MAX_STATEMENT_BYTES + 1).to_bytes(4, "big")
    assert "more than" in refusal(data[:8] + too_long + data[12:]).detail
    with pytest.raises(ValueError, match="more than"):
        ProofWriter().head(random_head(random.Random(1), bytes(MAX_STATEMENT_BYTES + 1), (11, 10, 10))[0])
