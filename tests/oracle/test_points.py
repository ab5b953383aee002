"""A real proof against galois: opened values, the quotient out of domain, and the kernels' quotient in the domain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import galois
import numpy as np
import pytest

from circuits.air import Interaction
from circuits.expression import constant
from circuits.solvent import solvent_circuit
from prover import lanes, object_code, parallel, quotient
from prover.constraint_kernel import ConstraintKernel
from prover.lanes import LANES
from prover.quotient import QuotientTask
from prover.tiles import to_columns
from tests.oracle.faults import KINDS, faults
from tests.oracle.fields import (
    DEGREE,
    GENERATOR,
    Base,
    BaseArray,
    P,
    Quintic,
    QuinticArray,
    X,
    coordinates,
    elements,
    embedded,
    reversed_bits,
    root_of_unity,
    subgroup,
)
from tests.oracle.points import Challenges, Point, columns_at, combined, powers
from tests.oracle.recording import CHUNKS, Recording, record
from tests.oracle.trees import columns_read
from tests.proving import TEST_PARAMETERS

TABLES = solvent_circuit().tables
BY_NUMBER = pytest.mark.parametrize("number", range(len(TABLES)), ids=[table.name for table in TABLES])
LOG_TALLEST, LOG_LOW = 13, 10  # the heights of the batch: the range table's, and all others'
BLINDING = TEST_PARAMETERS.queries + 6
FAULTS = 4  # of a kind and table


class Seen(NamedTuple):
    """A recording, its tables at z, their challenges, and each table's share of the powers of alpha."""

    recording: Recording
    z: QuinticArray
    points: list[Point]
    challenges: list[Challenges]
    weights: list[list[QuinticArray]]


@pytest.fixture(scope="module")
def seen() -> Seen:
    recording = record()
    drawn = recording.challenges
    challenges = [
        Challenges(elements(drawn.beta), elements(drawn.gamma), elements(terminal))
        for terminal in recording.head.terminals
    ]
    z = elements(drawn.z)
    points = [Point(committed, z) for committed in recording.tables]
    # The circuit's constraints, one for each group of three interactions, the start of the running sum and its end.
    counts = [len(table.constraints) + -(-len(table.interactions) // 3) + 2 for table in TABLES]
    weights = powers(elements(drawn.alpha), sum(counts))
    starts = np.cumsum([0, *counts])
    shares = [weights[start : start + count] for start, count in zip(starts, counts, strict=False)]
    return Seen(recording, z, points, challenges, shares)


# ------------------------------------------------------------------------------------------------- the oracle itself


def test_the_fields() -> None:
    assert Base.primitive_element == GENERATOR
    assert all(int(root_of_unity(1 << k)) == pow(GENERATOR, (P - 1) >> k, P) for k in range(25))
    x = Quintic(X)
    assert x**5 + x**2 == Quintic(1)
    # x^(p^5) = x makes the modulus a product of factors of degree 1 and 5; five of degree 1 would make x^p = x.
    assert x ** (P**DEGREE) == x
    assert x**P != x
    assert coordinates(elements((1, 2, 3, 4, 5))) == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("point", [(5, 1, 4, 0, 2), (77, 0, 0, 0, 0)])
def test_columns_at_a_point_are_values_of_their_polynomials(point: tuple[int, ...]) -> None:
    polynomials = [galois.Poly.Random(15, seed=seed, field=Base) for seed in range(3)]
    columns = Base(np.array([polynomial(subgroup(16)) for polynomial in polynomials]))
    y = elements(point)
    expected = [galois.Poly([int(c) for c in f.coeffs], field=Quintic)(y) for f in polynomials]
    assert list(columns_at(columns, y)) == expected


# ----------------------------------------------------------------------------------------------------- out of domain


def test_the_opened_values_are_those_of_the_committed_columns(seen: Seen) -> None:
    expected: list[QuinticArray] = []
    for point in seen.points:
        read = columns_read(constraint.expression for constraint in point.table.constraints)
        following = [index for index, offset in read if offset]
        expected += [*point.main, *point.auxiliary, *point.next_main[following], point.next_sum]
    expected += list(chunks_at_z(seen))
    assert seen.recording.head.opened_values == [coordinates(value) for value in expected]


def chunks_at_z(seen: Seen) -> QuinticArray:
    """The committed quotient chunks at z, interpolated from the first 2^H rows of their matrix, a coset."""
    rows = [reversed_bits(i, LOG_TALLEST) for i in range(1 << LOG_TALLEST)]
    columns = seen.recording.quotient[: CHUNKS * DEGREE, rows]
    return combined(columns_at(columns, seen.z / Quintic(GENERATOR)))


def quotient_at_z(seen: Seen) -> QuinticArray:
    """Q(z) from the chunks."""
    step = seen.z ** ((1 << LOG_TALLEST) - BLINDING)
    return np.add.reduce(chunks_at_z(seen) * Quintic(powers(step, CHUNKS)))


def test_the_batch_has_tables_of_two_classes(seen: Seen) -> None:
    assert [table.height for table in seen.recording.tables] == [1 << LOG_LOW] * 3 + [1 << LOG_TALLEST]
    assert seen.recording.shape.classes == [LOG_TALLEST, LOG_LOW]


def test_the_constraints_combine_to_the_quotient(seen: Seen) -> None:
    together = zip(seen.points, seen.weights, seen.challenges, strict=True)
    shares = [point.composition(point.table, weights, challenges) for point, weights, challenges in together]
    total, expected = np.add.reduce(Quintic(shares)), quotient_at_z(seen)
    assert total == expected
    assert all(total - share != expected for share in shares)


def test_terminals_and_messages_balance(seen: Seen) -> None:
    beta, gamma = seen.challenges[0].beta, seen.challenges[0].gamma
    total = np.add.reduce(Quintic([challenges.terminal for challenges in seen.challenges]))
    without_last = total
    for message in seen.recording.messages:
        without_last = total
        denominator = beta + Quintic(message.bus.number)
        for j, value in enumerate(message.values):
            denominator = denominator + gamma ** (j + 1) * Quintic(value)
        total = total + Quintic(message.multiplicity % P) / denominator
    assert total == 0
    assert without_last != 0


def differences(one: list[QuinticArray], other: list[QuinticArray]) -> list[int]:
    """The places at which two lists differ: with independent weights, their combinations then differ too."""
    return [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]


@pytest.mark.parametrize("kind", KINDS)
@BY_NUMBER
def test_a_wrong_constraint_misses_the_quotient(seen: Seen, number: int, kind: str) -> None:
    point, found = seen.points[number], faults(TABLES[number], kind)
    terms = point.constraint_terms(TABLES[number])
    for fault in found[:: max(1, len(found) // FAULTS)]:
        assert differences(point.constraint_terms(fault.faulty), terms) == [fault.number]


def test_a_wrong_constraint_changes_the_combination(seen: Seen) -> None:
    point, weights, challenges = seen.points[1], seen.weights[1], seen.challenges[1]
    shares = {
        int(point.composition(table, weights, challenges))
        for table in (TABLES[1], *(faults(TABLES[1], kind)[0].faulty for kind in KINDS))
    }
    assert len(shares) == 1 + len(KINDS)


def wrong_interactions(interaction: Interaction) -> list[Interaction]:
    """An interaction with a value, the powers of gamma, the multiplicity, or the bus wrong."""
    values = interaction.values
    return [
        replace(interaction, values=(values[0] + 1, *values[1:])),
        replace(interaction, values=(constant(0), *values)),
        replace(interaction, multiplicity=-interaction.multiplicity),
        replace(interaction, bus=replace(interaction.bus, number=interaction.bus.number + 1)),
    ]


@BY_NUMBER
def test_a_wrong_interaction_misses_the_quotient(seen: Seen, number: int) -> None:
    table, point, challenges = TABLES[number], seen.points[number], seen.challenges[number]
    terms = point.logup_terms(table, challenges)
    place = len(table.interactions) // 2
    for wrong in wrong_interactions(table.interactions[place]):
        interactions = [wrong if i == place else right for i, right in enumerate(table.interactions)]
        found = point.logup_terms(replace(table, interactions=interactions), challenges)
        assert differences(found, terms) == [place // 3]


# --------------------------------------------------------------------------------------------- on the quotient domain


def kernel_quotient(task: QuotientTask) -> BaseArray:
    """What the kernels compute on the quotient domain: (5, 4 n)."""
    rows = CHUNKS * task.table.height
    values = lanes.empty((1, rows, LANES))
    parallel.run_ranges(quotient._quotient_job(task, values), rows // LANES, quotient._STRIP)
    return Base(to_columns(values, DEGREE))


def chosen_rows(height: int) -> list[int]:
    """A row anywhere, and one whose next row is of the first group of its block."""
    source = np.random.default_rng(height)
    return [int(source.integers(CHUNKS * height)), CHUNKS * height - 1 - int(source.integers(LANES))]


def domain_point(height: int, row: int) -> BaseArray:
    """The point of a row of the quotient domain; the shift is 3^(8^((H - c) / 3)), and here every class is a height."""
    log_height = height.bit_length() - 1
    shift = Base(GENERATOR) ** (8 ** ((LOG_TALLEST - log_height) // 3))
    return shift * root_of_unity(CHUNKS * height) ** reversed_bits(row, log_height + 2)


@BY_NUMBER
def test_the_kernels_compute_the_quotient(seen: Seen, number: int) -> None:
    committed, task = seen.recording.tables[number], seen.recording.tasks[number]
    found = kernel_quotient(task)
    for row in chosen_rows(committed.height):
        point = Point(committed, Quintic(int(domain_point(committed.height, row))))
        main, auxiliary = (
            embedded(to_columns(extended[:, row : row + 1], len(columns)))[:, 0]
            for extended, columns in ((task.main, committed.main), (task.auxiliary, committed.auxiliary))
        )
        assert main.tolist() == point.main.tolist()
        assert combined(auxiliary).tolist() == point.auxiliary.tolist()
        expected = point.composition(TABLES[number], seen.weights[number], seen.challenges[number])
        assert tuple(found[:, row].tolist()) == coordinates(expected)


@pytest.mark.parametrize(("number", "kind"), [(3, "dropped"), (3, "coefficient"), (1, "rotation")])
def test_a_wrong_kernel_is_noticed(
    seen: Seen, number: int, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLVENT_CACHE", str(tmp_path))
    monkeypatch.setattr(object_code, "_engines", {})
    task, committed = seen.recording.tasks[number], seen.recording.tables[number]
    found = faults(TABLES[number], kind)
    faulty = found[len(found) // 2].faulty
    shape = replace(task.table, table=faulty, program=faulty.program())
    kernel = ConstraintKernel(shape, LANES * (len(task.main) + len(task.auxiliary)))
    wrong, right = kernel_quotient(replace(task, table=shape, kernel=kernel)), kernel_quotient(task)
    for row in chosen_rows(committed.height):
        assert wrong[:, row].tolist() != right[:, row].tolist()
