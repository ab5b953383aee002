"""What a batch commits: columns and heights of its tables, and base-field cells in all, a fill and a transition kind."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from circuits.field import EXTENSION_DEGREE
from circuits.solvent import solvent_circuit
from circuits.steps import Kind
from circuits.witness import Witness, rows_of
from prover.traces.build import build_traces
from verifier.params import CHUNKS, Parameters

QUOTIENT_COLUMNS = EXTENSION_DEGREE * (CHUNKS + 1)  # the chunks and the random polynomial of the batch


@dataclass(frozen=True)
class TableCells:
    """One committed matrix, before the blow-up. Columns are base elements; used rows hold something of the batch."""

    name: str
    log_height: int
    used: int
    main: int
    auxiliary: int

    @property
    def columns(self) -> int:
        """Main and auxiliary."""
        return self.main + self.auxiliary

    @property
    def cells(self) -> int:
        """Committed base-field elements, padding and random rows included."""
        return self.columns << self.log_height


@dataclass(frozen=True)
class KindCells:
    """The rows that the transitions of one kind have to themselves: all of execution and margin, nothing of the tree."""

    kind: Kind
    count: int
    execution_rows: int
    margin_rows: int
    cells: int


def table_cells(witness: Witness, parameters: Parameters) -> list[TableCells]:
    """The tables in circuit order, then the quotient, as tall as the tallest."""
    circuit = solvent_circuit()
    traces = build_traces(circuit, witness, parameters.random_rows)
    tables = [
        TableCells(t.name, traces[t.name].log_height, traces[t.name].used, t.width, EXTENSION_DEGREE * t.auxiliary_width)
        for t in circuit.tables
    ]
    tallest = max(table.log_height for table in tables)
    return [*tables, TableCells("quotient", tallest, 1 << tallest, QUOTIENT_COLUMNS, 0)]


def kind_cells(witness: Witness, tables: list[TableCells]) -> list[KindCells]:
    """What each kind that occurs in the batch takes of the execution and margin tables."""
    columns = {table.name: table.columns for table in tables}
    kinds = np.frombuffer(witness.kinds, np.uint8)
    kind_of_row = np.repeat(kinds, [rows_of(Kind(kind)) for kind in kinds])
    visits = np.frombuffer(witness.visits.row, np.uint32)
    # Each visit is a row, and so is the end of each check.
    margin = Counter(kind_of_row[visits].tolist()) + Counter(kind_of_row[np.unique(visits)].tolist())
    found = []
    for kind, count in sorted(Counter(kinds.tolist()).items()):
        execution_rows, margin_rows = count * rows_of(Kind(kind)), margin[kind]
        cells = execution_rows * columns["execution"] + margin_rows * columns["margin"]
        found.append(KindCells(Kind(kind), count, execution_rows, margin_rows, cells))
    return found


def print_cells(witness: Witness, parameters: Parameters, console: Console) -> None:
    """Both tables, and the cells that no single transition accounts for: tree, range table, quotient and padding."""
    tables = table_cells(witness, parameters)
    kinds = kind_cells(witness, tables)
    fills, total = witness.kinds.count(Kind.FILL), sum(table.cells for table in tables)
    by_table = _table("table", "rows", "used rows", "main", "auxiliary", "cells", "cells a fill")
    for t in tables:
        row = (f"2^{t.log_height}", t.used, t.main, t.auxiliary, t.cells, t.cells / max(1, fills))
        by_table.add_row(t.name, *map(_number, row))
    by_table.add_section()
    sums = (sum(t.main for t in tables), sum(t.auxiliary for t in tables), total, total / max(1, fills))
    by_table.add_row("all", "", "", *map(_number, sums))
    console.print(by_table)

    by_kind = _table("kind", "count", "execution rows", "margin rows", "cells", "cells each", "share")
    for k in kinds:
        row = (k.count, k.execution_rows, k.margin_rows, k.cells, k.cells / k.count, f"{100 * k.cells / total:.1f} %")
        by_kind.add_row(k.kind.name.lower(), *map(_number, row))
    shared = total - sum(k.cells for k in kinds)
    by_kind.add_section()
    by_kind.add_row("shared", "", "", "", _number(shared), "", f"{100 * shared / total:.1f} %")
    console.print(by_kind)


def _table(first: str, *others: str) -> Table:
    table = Table(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}"
