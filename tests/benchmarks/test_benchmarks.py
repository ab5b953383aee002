"""The benchmarks themselves: every module loads, runs are timed step by step, and the cell table is right."""

import importlib
import pkgutil
from dataclasses import replace

import pytest

import benchmarks
from benchmarks.cells import QUOTIENT_COLUMNS, kind_cells, print_cells, table_cells
from benchmarks.measure import Run, median_run, peak_bytes, run
from benchmarks.workload import workload
from circuits.solvent import solvent_circuit
from circuits.steps import Kind
from solvent import prove
from tests.proving import TEST_PARAMETERS
from verifier.params import STANDARD
from verifier.shape import shape_of

FILLS = 16
PROVING = ["traces", "main columns", "auxiliary columns", "quotient", "out-of-domain point", "batch", "FRI layers",
           "openings"]  # fmt: skip


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(benchmarks.__path__)])
def test_module_loads(name: str) -> None:
    if name == "plot":
        pytest.importorskip("matplotlib")
    importlib.import_module(f"benchmarks.{name}")


def test_cells_are_those_of_the_proof() -> None:
    statement, witness = workload(FILLS).close()
    *tables, quotient = table_cells(witness, TEST_PARAMETERS)
    _, report = prove(statement, witness, TEST_PARAMETERS)
    shape = shape_of(solvent_circuit(), TEST_PARAMETERS, [table.log_height for table in report.tables])

    assert [(t.name, t.log_height, t.main, t.auxiliary) for t in tables] == [
        (t.name, t.log_height, t.main_columns, t.auxiliary_columns) for t in report.tables
    ]
    assert quotient.log_height == max(t.log_height for t in tables)
    assert shape.quotient_tree.classes[0].widths == (QUOTIENT_COLUMNS,)
    for tree, columns in ((shape.main_tree, "main"), (shape.auxiliary_tree, "auxiliary")):
        committed = sum(sum(rows.widths) << rows.log_rows for rows in tree.classes)
        assert committed == sum(getattr(t, columns) << t.log_domain for t in tables)


def test_kinds_share_out_all_rows_of_execution_and_margin() -> None:
    _, witness = workload(FILLS).close()
    tables = {table.name: table for table in table_cells(witness, TEST_PARAMETERS)}
    kinds = {row.kind: row for row in kind_cells(witness, list(tables.values()))}

    assert kinds[Kind.MATCH].count == kinds[Kind.REST].count == kinds[Kind.FILLED].count == FILLS
    assert kinds[Kind.ORDER].count == 2 * FILLS
    assert kinds[Kind.MATCH].execution_rows == 10 * FILLS
    assert sum(row.count for row in kinds.values()) == len(witness.kinds)
    for name in ("execution", "margin"):
        assert sum(getattr(row, f"{name}_rows") for row in kinds.values()) == tables[name].used
    used = sum(tables[name].columns * tables[name].used for name in ("execution", "margin"))
    assert sum(row.cells for row in kinds.values()) == used


def test_cells_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    _, witness = workload(FILLS).close()
    tables = table_cells(witness, TEST_PARAMETERS)
    print_cells(witness, tables)
    printed = capsys.readouterr().out
    for table in tables:
        line = next(line for line in printed.splitlines() if f" {table.name} " in line)
        assert f" {table.cells:,} " in line


def test_a_run_has_every_step_and_its_rates_fit() -> None:
    found = run(workload(FILLS), STANDARD)
    assert list(found.seconds) == ["apply", "close", *PROVING, "verify"]
    assert all(seconds > 0 for seconds in found.seconds.values())
    as_object = found.as_object()
    assert as_object["prove"] == pytest.approx(sum(found.seconds[step] for step in PROVING))
    assert as_object["fills_per_second"] * (as_object["ledger"] + as_object["prove"]) == pytest.approx(FILLS)


def test_median_is_taken_step_by_step() -> None:
    first = Run(fills=1, transitions=2, seconds={"apply": 1.0, "verify": 9.0}, proof_bytes=10)
    others = [replace(first, seconds={"apply": a, "verify": v}, proof_bytes=n) for a, v, n in ((5, 7, 14), (3, 8, 18))]
    assert median_run([first, *others]) == replace(first, seconds={"apply": 3, "verify": 8}, proof_bytes=14)


def test_peak_memory_sees_an_allocation() -> None:
    block = b"1" * (1 << 26)
    assert peak_bytes() >= len(block)
