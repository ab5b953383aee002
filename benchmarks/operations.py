"""What each operation of the order book commits, its share of the state tree included, beside the bound set for it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cells import TableCells, own_rows, rows_by_kind
from benchmarks.report import print_table
from circuits.records import balance_index, market_index
from circuits.steps import Kind
from circuits.witness import Witness

PLACE, TAKE, FILL, REMOVAL, CANCEL = "place that rests", "taking order", "fill", "removal of a maker", "cancel"
BOUNDS = {PLACE: 3_000, CANCEL: 3_000, FILL: 6_000}  # cells each
CHECKED, CHECK_BOUND = 8, 2_500  # instruments of a margin check, and the cells that it may have
_ENDS = {Kind.REST: PLACE, Kind.FILLED: TAKE, Kind.DISCARD: TAKE}  # of an order
_PARTS = {Kind.MATCH: FILL, Kind.FAIL: REMOVAL, Kind.SKIP: REMOVAL, Kind.CANCEL: CANCEL}
HOW = (
    "Tree rows are shared out by leaves: each opened leaf counts for the operation that touches it first, "
    "margin visits included, and each operation has the part of the tree's rows that it has of the leaves."
)


@dataclass(frozen=True)
class OperationCells:
    """Operations of one sort in a batch. Cells are those of used rows, main and auxiliary."""

    name: str
    count: int
    execution_rows: int
    margin_rows: int
    leaves: int  # of the state tree, touched by these first
    own: int  # cells of the rows in execution and margin
    tree: int  # cells of the share in the tree

    @property
    def each(self) -> int:
        """Cells of one, rounded up."""
        return -(-(self.own + self.tree) // self.count)


def operations(kinds: Sequence[int]) -> list[str]:
    """The operation that each kind of a witness is part of: an order is named after its end."""
    names, end = [], ""
    for kind in map(Kind, reversed(kinds)):
        end = _ENDS.get(kind, end)
        order = kind is Kind.ORDER or kind in _ENDS
        names.append(end if order else _PARTS.get(kind, kind.name.lower()))
    return names[::-1]


def operation_cells(witness: Witness, tables: Sequence[TableCells]) -> list[OperationCells]:
    """Of all operations that occur in the batch, the order book's first. tables: those of the witness."""
    names = operations(witness.kinds)
    sorts = [name for name in (PLACE, CANCEL, FILL, TAKE, REMOVAL) if name in names]
    sorts += sorted(set(names) - set(sorts))
    labels = np.array([sorts.index(name) for name in names])
    execution, margin = own_rows(witness, labels)
    leaves = Counter(first_touches(witness, rows_by_kind(witness, labels)).tolist())
    by_name = {table.name: table for table in tables}
    columns, tree = {name: table.columns for name, table in by_name.items()}, by_name["tree"]
    counts = Counter(names)
    for kind in _ENDS:  # an order and its end are one
        counts[_ENDS[kind]] -= witness.kinds.count(kind)
    return [
        OperationCells(
            name, counts[name], execution[k], margin[k], leaves[k],
            execution[k] * columns["execution"] + margin[k] * columns["margin"],
            leaves[k] * tree.used * tree.columns // leaves.total(),
        )
        for k, name in enumerate(sorts)
    ]  # fmt: skip


def check_cells(tables: Sequence[TableCells], instruments: int = CHECKED) -> int:
    """Cells of a margin check over so many open instruments: a row for each, and the closing row."""
    return (instruments + 1) * next(table.columns for table in tables if table.name == "margin")


def first_touches(witness: Witness, label_of_row: NDArray[Any]) -> NDArray[Any]:
    """For each leaf that the batch opens, ascending, the label of the execution row that touches it first."""
    visits, accesses = witness.visits, witness.accesses
    rows = np.concatenate([np.arange(len(accesses.index)), *[np.frombuffer(visits.row, np.uint32)] * 2])
    balances = list(map(balance_index, visits.account, visits.instrument))
    leaves = np.concatenate([accesses.index, balances, list(map(market_index, visits.instrument))])
    order = np.argsort(rows, kind="stable")
    _, first = np.unique(leaves[order], return_index=True)
    labels: NDArray[Any] = label_of_row[rows[order][first]]
    return labels


def print_operations(witness: Witness, tables: Sequence[TableCells]) -> None:
    """A row for each operation, and one for a fill with its part of the taking orders."""
    found = operation_cells(witness, tables)
    rows = [
        (o.name, o.count, o.execution_rows, o.margin_rows, o.leaves, -(-o.own // o.count), -(-o.tree // o.count),
         o.each, BOUNDS.get(o.name, ""))
        for o in found
    ]  # fmt: skip
    by_name = {operation.name: operation for operation in found}
    if FILL in by_name:
        parts = [by_name[name] for name in (FILL, TAKE) if name in by_name]
        own, tree, fills = sum(o.own for o in parts), sum(o.tree for o in parts), by_name[FILL].count
        sums = [sum(getattr(o, name) for o in parts) for name in ("execution_rows", "margin_rows", "leaves")]
        each = -(-own // fills), -(-tree // fills), -(-(own + tree) // fills)
        rows.append(("fill with its taking order", fills, *sums, *each, BOUNDS[FILL]))
    header = ("operation", "count", "execution rows", "margin rows", "leaves", "own cells each", "tree cells each",
              "cells each", "bound")  # fmt: skip
    check = check_cells(tables)
    rows.append((f"margin check of {CHECKED}", 1, 0, CHECKED + 1, 0, check, 0, check, CHECK_BOUND))
    print_table("Committed cells by operation, without padding, range table and quotient", header, rows)
    print(HOW)
