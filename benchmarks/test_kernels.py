"""The prover's kernels on one core, each in nanoseconds a unit of work beside a reference rate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import references
from benchmarks.references import Reference
from circuits.field import EXTENSION_DEGREE, P
from circuits.solvent import solvent_circuit
from prover import lanes, logup, ntt, parallel, poseidon2, sha256
from prover.constraint_kernel import ConstraintKernel
from prover.lanes import LANES, Words
from prover.tiles import tile_count
from solvent import STANDARD
from verifier.shape import LOGUP_CONSTRAINTS, TableShape, shape_of

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

GROUPS = 16  # of 16 rows: what constraint kernels work on at once
TABLES = ("execution", "margin", "tree")
BETA, GAMMA = (1, 2, 3, 4, 5), (6, 7, 8, 9, 10)


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels run in the calling thread."""
    monkeypatch.setattr(parallel, "THREADS", 1)


def measure(
    benchmark: BenchmarkFixture, job: Callable[[], object], units: int, unit: str, reference: Reference | None
) -> None:
    """Time the job, of so many units, and note its rate and the reference's."""
    job()  # compiled, and its tables built
    benchmark(job)
    benchmark.extra_info |= {"unit": unit, "units": units}
    if reference:
        benchmark.extra_info |= {"reference_ns": reference.nanoseconds, "reference": reference.source}
    if benchmark.stats:
        benchmark.extra_info["ns"] = 1e9 * benchmark.stats.stats.median / units


def elements(*shape: int) -> Words:
    """Random field elements, the same for the same shape."""
    array = lanes.empty(shape)
    array[:] = np.random.default_rng(1).integers(0, P, shape)
    return array


@lanes.kernel
def _square_all(array: Words, repeat: int) -> None:
    for _ in range(repeat):
        for i in range(0, array.shape[0], LANES):
            x = lanes.load(array, i)
            lanes.store(array, i, lanes.mul(x, x))


@pytest.mark.benchmark(group="field")
def test_product(benchmark: BenchmarkFixture) -> None:
    words, repeat = elements(1 << 12), 256
    job = partial(_square_all, words, repeat)
    measure(benchmark, job, words.size * repeat, "product", references.PRODUCT)


@pytest.mark.benchmark(group="NTT")
@pytest.mark.parametrize("log_n", [12, 16, 20])
@pytest.mark.parametrize("direction", ["evaluate", "interpolate"])
def test_ntt(benchmark: BenchmarkFixture, direction: str, log_n: int) -> None:
    tiles = elements(1, 1 << log_n, LANES)
    jobs = {"evaluate": partial(ntt.evaluate, tiles, log_n, 3), "interpolate": partial(ntt.interpolate, tiles, log_n)}
    reference = references.BUTTERFLY_CACHED if log_n <= 12 else references.BUTTERFLY_MEMORY
    measure(benchmark, jobs[direction], LANES * log_n << (log_n - 1), "butterfly", reference)


@pytest.mark.benchmark(group="SHA-256")
@pytest.mark.parametrize("tiles", [1, 6])
def test_sha256_leaf(benchmark: BenchmarkFixture, tiles: int) -> None:
    """A block for each tile, converted from Montgomery form, and one for the salt."""
    rows = 1 << 14
    job = partial(sha256.hash_leaves, [elements(tiles, rows, LANES)], elements(rows, sha256.SALT_WORDS))
    measure(benchmark, job, rows * (tiles + 1), "block", references.SHA256_BLOCK)


@pytest.mark.benchmark(group="SHA-256")
def test_sha256_node(benchmark: BenchmarkFixture) -> None:
    """Two blocks, of which the second is padding."""
    nodes = 1 << 14
    job = partial(sha256.hash_nodes, elements(2 * nodes, sha256.DIGEST_WORDS))
    measure(benchmark, job, 2 * nodes, "block", references.SHA256_BLOCK)


@pytest.mark.benchmark(group="Poseidon2")
@pytest.mark.parametrize("function", [poseidon2.compress_many, poseidon2.trace_columns])
def test_poseidon2(benchmark: BenchmarkFixture, function: Callable[[Words], Words]) -> None:
    rows = 1 << 14
    measure(benchmark, partial(function, elements(rows, 16)), rows, "permutation", references.POSEIDON2)


def table_shape(name: str) -> TableShape:
    """A table of the circuit at height 2^12."""
    circuit = solvent_circuit()
    shape = shape_of(circuit, STANDARD, [12] * len(circuit.tables))
    return next(table for table in shape.tables if table.table.name == name)


def strip(shape: TableShape) -> tuple[Words, Words, Words]:
    """What the constraint kernels of a table read and write: totals, a frame that is in the cache, selectors."""
    columns = LANES * (tile_count(shape.table.width) + tile_count(EXTENSION_DEGREE * shape.table.auxiliary_width))
    totals = np.zeros((GROUPS, LANES, LANES), np.uint32)
    return totals, elements(GROUPS + 1, columns, LANES), elements(GROUPS, LANES, LANES)


@pytest.mark.benchmark(group="constraints")
@pytest.mark.parametrize("name", TABLES)
def test_constraints(benchmark: BenchmarkFixture, name: str) -> None:
    """The table's own constraints, their weights and selectors included."""
    shape = table_shape(name)
    totals, frame, selectors = strip(shape)
    kernel = ConstraintKernel(shape, frame.shape[1])
    weights = elements(len(shape.table.constraints), EXTENSION_DEGREE)
    spill = lanes.empty((GROUPS, kernel.spill_vectors, LANES))
    job = partial(kernel.add_to, totals, frame, selectors, weights, spill)
    rows, operations = GROUPS * LANES, len(shape.program.operations)
    measure(benchmark, job, operations * rows, "operation and row", references.CONSTRAINT)


@pytest.mark.benchmark(group="LogUp")
@pytest.mark.parametrize("name", TABLES)
def test_logup_constraints(benchmark: BenchmarkFixture, name: str) -> None:
    """The constraints of the auxiliary columns, fingerprints included."""
    shape = table_shape(name)
    totals, frame, selectors = strip(shape)
    interactions = logup.interactions_of(shape.table, BETA, GAMMA)
    weights = elements(shape.table.auxiliary_width + LOGUP_CONSTRAINTS, EXTENSION_DEGREE)
    terminal = elements(EXTENSION_DEGREE)
    job = partial(logup.add_constraints, totals, frame, interactions, weights, terminal, selectors)
    measure(benchmark, job, len(shape.table.interactions) * GROUPS * LANES, "interaction and row", None)


@pytest.mark.benchmark(group="LogUp")
@pytest.mark.parametrize("name", TABLES)
def test_logup_columns(benchmark: BenchmarkFixture, name: str) -> None:
    """The auxiliary columns from the main ones, inversions included."""
    shape = table_shape(name)
    main = elements(tile_count(shape.table.width), shape.height, LANES)
    job = partial(logup.auxiliary_columns, shape, main, logup.interactions_of(shape.table, BETA, GAMMA))
    measure(benchmark, job, len(shape.table.interactions) * shape.height, "interaction and row", None)
