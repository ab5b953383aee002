"""The cells of an order book's operations: every row and every opened leaf counts for one operation, and only one."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cells import rows_by_kind, table_cells
from benchmarks.operations import (
    BOUNDS,
    CANCEL,
    CHECK_BOUND,
    FILL,
    PLACE,
    REMOVAL,
    TAKE,
    check_cells,
    first_touches,
    operation_cells,
    operations,
    print_operations,
)
from benchmarks.workload import depth_workload
from circuits.records import balance_index, market_index
from circuits.steps import Kind
from circuits.witness import Witness
from state.depth_tape import make_depth_activity
from tests.batches import BTC_PERP, new_ledger, run_batch
from tests.proving import TEST_PARAMETERS
from tests.state.captures import snapshot, trade, write_capture
from tests.state.test_depth_tape import SMALL, made_up


@cache
def witness() -> Witness:
    """Of a batch with every operation."""
    activity = make_depth_activity(new_ledger(), [made_up(4)], SMALL)
    return run_batch(new_ledger(), activity.transitions, activity.time)[1]


def test_an_order_is_named_after_its_end() -> None:
    kinds = [Kind.PRICE, Kind.ORDER, Kind.REST, Kind.ORDER, Kind.MATCH, Kind.FAIL, Kind.SKIP, Kind.DISCARD, Kind.ORDER,
             Kind.MATCH, Kind.FILLED, Kind.CANCEL, Kind.ORDER, Kind.MATCH, Kind.REST, Kind.CLOSE_VENUE]  # fmt: skip
    assert operations(kinds) == [
        "price", PLACE, PLACE, TAKE, FILL, REMOVAL, REMOVAL, TAKE, TAKE, FILL, TAKE, CANCEL, PLACE, FILL, PLACE,
        "close_venue",
    ]  # fmt: skip


def test_a_margin_check_is_within_its_bound() -> None:
    tables = table_cells(witness(), TEST_PARAMETERS)
    assert check_cells(tables, 3) == 4 * next(table.columns for table in tables if table.name == "margin")
    assert check_cells(tables) <= CHECK_BOUND


def test_all_rows_and_leaves_are_shared_out_once() -> None:
    tables = {table.name: table for table in table_cells(witness(), TEST_PARAMETERS)}
    found = {operation.name: operation for operation in operation_cells(witness(), list(tables.values()))}
    kinds = witness().kinds
    assert list(found)[:5] == [PLACE, CANCEL, FILL, TAKE, REMOVAL]
    assert found[PLACE].count == kinds.count(Kind.REST) > 0
    assert found[TAKE].count == kinds.count(Kind.FILLED) + kinds.count(Kind.DISCARD) > 0
    assert found[FILL].count == kinds.count(Kind.MATCH) > 0
    assert found[REMOVAL].count == kinds.count(Kind.FAIL) > 0
    assert found[PLACE].execution_rows == 9 * found[PLACE].count
    assert found[CANCEL].own == 4 * tables["execution"].columns * found[CANCEL].count
    for name in ("execution", "margin"):
        assert sum(getattr(operation, f"{name}_rows") for operation in found.values()) == tables[name].used
    assert sum(operation.leaves for operation in found.values()) == len(witness().opening.leaf_index)
    tree = tables["tree"].used * tables["tree"].columns
    assert tree - len(found) < sum(operation.tree for operation in found.values()) <= tree


def test_a_leaf_counts_for_the_operation_that_touches_it_first() -> None:
    labels = np.arange(len(witness().kinds))  # each transition is a sort of its own
    rows, first = rows_by_kind(witness(), labels).tolist(), dict[int, int]()
    visits, place = witness().visits, 0
    for row, leaf in enumerate(witness().accesses.index):
        first.setdefault(leaf, rows[row])
        while place < len(visits.row) and visits.row[place] == row:
            account, instrument = visits.account[place], visits.instrument[place]
            for visited in (balance_index(account, instrument), market_index(instrument)):
                first.setdefault(visited, rows[row])
            place += 1
    assert sorted(first) == sorted(witness().opening.leaf_index)
    assert first_touches(witness(), np.array(rows)).tolist() == [first[leaf] for leaf in sorted(first)]


def test_the_bounds_are_kept_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    tables = table_cells(witness(), TEST_PARAMETERS)
    found = {operation.name: operation for operation in operation_cells(witness(), tables)}
    assert all(found[name].each <= bound for name, bound in BOUNDS.items())
    print_operations(witness(), tables)
    printed = capsys.readouterr().out
    for name, bound in BOUNDS.items():
        line = next(line for line in printed.splitlines() if f" {name} " in line)
        assert line.split("│")[-3:-1] == [f" {found[name].each:>10,} ", f" {bound:>5,} "]
    assert "fill with its taking order" in printed


def test_a_capture_is_a_workload(tmp_path: Path) -> None:
    rows = [snapshot(0, [("61699", "1"), ("61698", "1")], [("61701", "2")]), trade(1, "61701", "0.5", False)]
    path = write_capture(tmp_path / "c.gz", rows)
    work = depth_workload([f"BTC-PERP={path}"], None, 20)
    assert work.fills >= 1
    _, found = work.close()
    assert found.kinds.count(Kind.MATCH) == work.fills
    assert found.kinds.count(Kind.REGISTER) == 20
    assert set(found.arguments[Kind.ORDER]["market"]) == {BTC_PERP}
