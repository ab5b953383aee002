"""What a batch commits: columns, heights and base-field cells of its tables, in all, a fill and a transition kind."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import print_table
from circuits.field import EXTENSION_DEGREE
from circuits.solvent import solvent_circuit
from circuits.steps import Kind
from circuits.witness import Witness, rows_of
from prover.traces.build import build_traces
from verifier.params import CHUNKS, Parameters
from verifier.shape import shape_of

QUOTIENT_COLUMNS = EXTENSION_DEGREE * (CHUNKS + 1)  # the chunks and the random polynomial of the batch


@dataclass(frozen=True)
class TableCells:
    """One committed matrix before the blow-up. Columns are base elements; used rows hold something of the batch."""

    name: str
    log_height: int
    log_domain: int
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

    @property
    def extended(self) -> int:
        """Cells of the low-degree extension, which are transformed and hashed."""
        return self.columns << self.log_domain


@dataclass(frozen=True)
class KindCells:
    """The rows that the transitions of one kind have to themselves, in execution and margin, and the cells of these."""

    kind: Kind
    count: int
    execution_rows: int
    margin_rows: int
    cells: int


def table_cells(witness: Witness, parameters: Parameters) -> list[TableCells]:
    """The tables in circuit order, then the quotient, which is as tall as the tallest."""
    circuit = solvent_circuit()
    traces = build_traces(circuit, witness, parameters.random_rows)
    shape = shape_of(circuit, parameters, [traces[table.name].log_height for table in circuit.tables])
    tables = [
        TableCells(
            t.table.name, t.log_height, shape.domain(t.log_class).log_size, traces[t.table.name].used,
            t.table.width, EXTENSION_DEGREE * t.table.auxiliary_width,
        )
        for t in shape.tables
    ]  # fmt: skip
    tallest = shape.log_tallest
    return [*tables, TableCells("quotient", tallest, shape.log_domain, 1 << tallest, QUOTIENT_COLUMNS, 0)]


def kind_cells(witness: Witness, tables: list[TableCells]) -> list[KindCells]:
    """The kinds that occur in the batch, by number."""
    columns = {table.name: table.columns for table in tables}
    execution, margin = own_rows(witness, np.frombuffer(witness.kinds, np.uint8))
    found = []
    for kind, count in sorted(Counter(witness.kinds).items()):
        cells = execution[kind] * columns["execution"] + margin[kind] * columns["margin"]
        found.append(KindCells(Kind(kind), count, execution[kind], margin[kind], cells))
    return found


def rows_by_kind(witness: Witness, labels: NDArray[Any]) -> NDArray[Any]:
    """The label of each execution row. labels: of each kind of the witness, in order."""
    return np.repeat(labels, [rows_of(Kind(kind)) for kind in witness.kinds])


def own_rows(witness: Witness, labels: NDArray[Any]) -> tuple[Counter[int], Counter[int]]:
    """Execution and margin rows by label."""
    label_of_row, visits = rows_by_kind(witness, labels), np.frombuffer(witness.visits.row, np.uint32)
    # A margin check has a row for each visit, and one more.
    margin = Counter(label_of_row[visits].tolist()) + Counter(label_of_row[np.unique(visits)].tolist())
    return Counter(label_of_row.tolist()), margin


def print_cells(witness: Witness, tables: list[TableCells]) -> None:
    """Both as tables; `shared` is what no single transition accounts for: tree, range table, quotient, padding."""
    kinds = kind_cells(witness, tables)
    fills, total = max(1, witness.kinds.count(Kind.MATCH)), sum(table.cells for table in tables)
    by_table = [
        (t.name, f"2^{t.log_height}", t.used, t.main, t.auxiliary, t.cells, t.cells // fills, f"2^{t.log_domain}",
         t.extended)
        for t in tables
    ]  # fmt: skip
    main, auxiliary, extended = (sum(getattr(t, name) for t in tables) for name in ("main", "auxiliary", "extended"))
    header = ("table", "rows", "used", "main columns", "auxiliary", "cells", "a fill", "domain", "extended cells")
    sums = ("all", "", "", main, auxiliary, total, total // fills, "", extended)
    print_table("Committed cells by table", header, [*by_table, sums])

    by_kind = [
        (k.kind.name.lower(), k.count, k.execution_rows, k.margin_rows, k.cells, k.cells // k.count)
        for k in kinds
    ]  # fmt: skip
    shared = ("shared", "", "", "", total - sum(k.cells for k in kinds), "")
    names = ("kind", "count", "execution rows", "margin rows", "cells", "cells each")
    print_table("Committed cells by transition kind", names, [*by_kind, shared])
