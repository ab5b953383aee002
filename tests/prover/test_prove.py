"""Proofs of the small circuit: the real verifier accepts the true ones and nothing else, and no two are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.checker import check
from circuits.field import P
from prover import tiles
from prover.errors import UnbalancedBus, UnsatisfiedConstraint, WitnessShapeError
from prover.lanes import Words
from prover.prove import prove
from prover.randomness import SEED_BYTES, Randomness
from tests import small_circuit
from tests.small_circuit import Columns, Walk, decode_walk
from verifier.codec import ProofReader
from verifier.errors import Rejection
from verifier.params import COMPACT, STANDARD, Parameters
from verifier.verify import verify

CIRCUIT = small_circuit.circuit()
FAST = Parameters("fast", log_blowup=2, queries=12, grinding_bits=(0, 1, 2, 3, 4))
LOWEST = (10, 10, 10)


def traces_of(columns: dict[str, Columns], log_heights: Sequence[int]) -> dict[str, Words]:
    return {
        table.name: tiles.from_columns(np.array(columns[table.name], dtype=np.uint32), 1 << log_height)
        for table, log_height in zip(CIRCUIT.tables, log_heights, strict=True)
    }


def witness(log_heights: Sequence[int], parameters: Parameters, seed: int = 1) -> tuple[Walk, dict[str, Columns]]:
    return small_circuit.witness(log_heights, parameters.random_rows, seed)


@pytest.mark.parametrize(
    ("parameters", "log_heights"),
    [
        (STANDARD, small_circuit.LOG_HEIGHTS),
        (COMPACT, (12, 10, 11)),
        (FAST, LOWEST),
        (FAST, (10, 11, 12)),
        (FAST, (14, 10, 12)),
        (Parameters("low rate", 1, 12, (0, 0, 0, 0, 0)), (11, 12, 10)),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_true_statements_are_proven(parameters: Parameters, log_heights: tuple[int, ...]) -> None:
    statement, columns = witness(log_heights, parameters)
    steps: list[str] = []
    proof, report = prove(CIRCUIT, parameters, statement, traces_of(columns, log_heights), progress=steps.append)
    assert verify(CIRCUIT, parameters, proof, decode_walk, floor=0) == statement
    assert steps == list(report.seconds)
    assert report.total_seconds == sum(report.seconds.values()) > 0
    assert report.proof_size == sum(report.sizes.values()) == len(proof)
    assert [(t.name, t.log_height, t.main_columns, t.auxiliary_columns) for t in report.tables] == [
        (table.name, log_height, table.width, 5 * table.auxiliary_width)
        for table, log_height in zip(CIRCUIT.tables, log_heights, strict=True)
    ]


@settings(deadline=None, max_examples=20)
@given(
    st.sampled_from([table.name for table in CIRCUIT.tables]),
    st.integers(0, 6), st.integers(0, 1023), st.sampled_from([1, 2, P - 1, P // 2, 2**20]),
)  # fmt: skip
def test_one_wrong_cell_never_verifies(name: str, column: int, row: int, difference: int) -> None:
    statement, columns = witness(LOWEST, FAST)
    cells = columns[name][column % len(columns[name])]
    row %= len(cells)
    cells[row] = (cells[row] + difference) % P
    valid = check(CIRCUIT, columns, statement.messages()).ok  # some columns are free
    proof, _ = prove(CIRCUIT, FAST, statement, traces_of(columns, LOWEST), unchecked=True)
    if valid:
        assert verify(CIRCUIT, FAST, proof, decode_walk, floor=0) == statement
    else:
        with pytest.raises(Rejection):
            verify(CIRCUIT, FAST, proof, decode_walk, floor=0)


def test_a_violated_constraint_is_named() -> None:
    statement, columns = witness(LOWEST, FAST)
    columns["squares"][3][77] += 1
    with pytest.raises(UnsatisfiedConstraint, match=r"table squares.*'spare is a product' on row 77") as caught:
        prove(CIRCUIT, FAST, statement, traces_of(columns, LOWEST))
    assert [(f.label, f.row) for f in caught.value.failures] == [("spare is a product", 77)]


def test_an_unbalanced_bus_is_named() -> None:
    statement, columns = witness(LOWEST, FAST)
    columns["digits"][1][3] += 1
    with pytest.raises(UnbalancedBus, match="bus digit: ") as caught:
        prove(CIRCUIT, FAST, statement, traces_of(columns, LOWEST))
    assert [(i.bus, i.values, i.net) for i in caught.value.imbalances] == [("digit", (3,), -1)]


def test_a_constraint_that_unbalances_a_bus_is_named_first() -> None:
    statement, columns = witness(LOWEST, FAST)
    columns["walk"][3][5] += 1
    with pytest.raises(UnsatisfiedConstraint, match="table walk"):
        prove(CIRCUIT, FAST, statement, traces_of(columns, LOWEST))


def test_a_wrong_statement_does_not_balance() -> None:
    statement, columns = witness(LOWEST, FAST)
    wrong = Walk(statement.start, (statement.end + 1) % P, statement.steps)
    with pytest.raises(UnbalancedBus, match=r"2 messages .* bus ends"):
        prove(CIRCUIT, FAST, wrong, traces_of(columns, LOWEST))
    proof, _ = prove(CIRCUIT, FAST, wrong, traces_of(columns, LOWEST), unchecked=True)
    with pytest.raises(Rejection, match="bus imbalance"):
        verify(CIRCUIT, FAST, proof, decode_walk, floor=0)


def test_two_proofs_of_one_witness_have_nothing_in_common() -> None:
    statement, columns = witness(LOWEST, FAST)
    heads = []
    for _ in range(2):
        proof, _ = prove(CIRCUIT, FAST, statement, traces_of(columns, LOWEST))
        heads.append(ProofReader(proof).head(CIRCUIT, FAST)[0])
    one, other = heads
    assert one.main_root != other.main_root
    assert one.auxiliary_root != other.auxiliary_root
    assert one.quotient_root != other.quotient_root
    assert not set(one.terminals) & set(other.terminals)
    assert not set(one.opened_values) & set(other.opened_values)
    assert not set(one.final) & set(other.final)
    assert all(a.root != b.root for a, b in zip(one.layers, other.layers, strict=True))


def test_a_proof_is_a_function_of_the_witness_and_of_the_randomness() -> None:
    statement, columns = witness(LOWEST, FAST)

    def proof(seed: int) -> bytes:
        randomness = Randomness(bytes([seed]) * SEED_BYTES)
        return prove(CIRCUIT, FAST, statement, traces_of(columns, LOWEST), randomness=randomness)[0]

    assert proof(1) == proof(1)
    assert proof(1) != proof(2)


def test_random_rows_and_padding_of_the_traces_are_ignored_and_the_traces_left_alone() -> None:
    statement, columns = witness(LOWEST, FAST)
    traces = traces_of(columns, LOWEST)
    for table in CIRCUIT.tables:
        traces[table.name][:, -FAST.random_rows :] = 123
        traces[table.name][-1, :, table.width % 16 :] = 456
    copies = {name: trace.copy() for name, trace in traces.items()}
    proof, _ = prove(CIRCUIT, FAST, statement, traces)
    assert verify(CIRCUIT, FAST, proof, decode_walk, floor=0) == statement
    assert all((traces[name] == copy).all() for name, copy in copies.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda traces: traces.pop("walk"), "the circuit has the tables"),
        (lambda traces: traces.update(more=traces["walk"]), "the circuit has the tables"),
        (lambda traces: traces.update(walk=traces["walk"][:, :1000]), "table walk needs tiles"),
        (lambda traces: traces.update(walk=traces["walk"][0]), "table walk needs tiles"),
        (lambda traces: traces.update(walk=traces["walk"].repeat(2, axis=0)), "table walk needs tiles"),
        (lambda traces: traces.update(walk=traces["walk"].astype(np.int64)), "table walk needs tiles"),
    ],
)
def test_traces_of_the_wrong_shape_are_refused(change: object, message: str) -> None:
    statement, columns = witness(LOWEST, FAST)
    traces = traces_of(columns, LOWEST)
    change(traces)  # type: ignore[operator]
    with pytest.raises(WitnessShapeError, match=message):
        prove(CIRCUIT, FAST, statement, traces)


def test_a_height_outside_the_bounds_is_refused() -> None:
    statement, columns = witness(LOWEST, FAST)
    traces = traces_of(columns, LOWEST)
    with pytest.raises(Rejection, match="height"):
        prove(CIRCUIT, FAST, statement, {**traces, "walk": np.zeros((1, 512, 16), np.uint32)})
