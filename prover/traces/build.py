"""All tables of a batch: the trace of every transition kind, then margin, tree, and the range table's counts."""

from collections.abc import Callable, Mapping

import numpy as np

from circuits.air import Circuit, Table
from circuits.bounds import LIMB
from circuits.buses import RANGE
from circuits.range_table import VALUE_ROWS, VALUES_A_ROW
from circuits.witness import Witness
from prover.traces import (
    act,
    apply_funding,
    cancel,
    cash_out,
    close,
    convert,
    deleverage,
    event,
    liquidate,
    match,
    movements,
    order,
    pay_funding,
    price,
    register,
    sample_funding,
    settle,
    take_over,
    transfer,
    zero_price,
)
from prover.traces.columns import Columns, Integers
from prover.traces.execution import ExecutionTrace
from prover.traces.health import take_health
from prover.traces.margin import REQUESTED, margin_columns
from prover.traces.memory import timeline
from prover.traces.tree import tree_columns

TRANSITIONS: tuple[Callable[[ExecutionTrace], None], ...] = (
    register.fill,
    movements.fill,
    transfer.fill,
    price.fill,
    order.fill,
    match.fill,
    cancel.fill,
    liquidate.fill,
    act.fill,
    settle.fill,
    cash_out.fill,
    pay_funding.fill,
    sample_funding.fill,
    apply_funding.fill,
    deleverage.fill,
    event.fill,
    take_over.fill,
    convert.fill,
    close.fill,
)


def build_traces(circuit: Circuit, witness: Witness, random_rows: int) -> dict[str, Columns]:
    """The active rows of each table, by name, for parameters that reserve `random_rows` a table."""
    times = timeline(witness)
    execution = ExecutionTrace(circuit.table("execution"), witness, times, random_rows)
    for transition in TRANSITIONS:
        transition(execution)
    columns = execution.finish()
    requests = {name: columns[name] for name in REQUESTED}
    margin = margin_columns(circuit.table("margin"), witness, times, requests, random_rows)
    take_health(execution, margin)
    zero_price.fill(execution)
    liquidate.fill_limit(execution)
    deleverage.fill_equities(execution)
    convert.fill_equity(execution)
    traces = {
        "execution": columns,
        "margin": margin,
        "tree": tree_columns(circuit.table("tree"), witness, times, random_rows),
    }
    traces["range"] = range_columns(circuit, traces, random_rows)
    return traces


def range_columns(circuit: Circuit, traces: Mapping[str, Columns], random_rows: int) -> Columns:
    """The range table: how often each limb value is looked up by the other tables."""
    columns = Columns(circuit.table("range"), VALUE_ROWS, random_rows)
    columns["value"][:] = np.minimum(np.arange(columns.active) * VALUES_A_ROW, LIMB - VALUES_A_ROW)
    counts = sum((_lookups(trace) for trace in traces.values()), start=np.zeros(LIMB, dtype=np.int64))
    for offset in range(VALUES_A_ROW):
        columns[f"count{offset}"][:VALUE_ROWS] = counts[offset::VALUES_A_ROW]
    return columns


def _lookups(trace: Columns) -> Integers:
    """Counts of the limb values in a table's looked-up columns. A value out of range is not counted: the bus then shows
    it."""
    counts: Integers = np.zeros(LIMB, dtype=np.int64)
    for number in looked_up(trace.table):
        column = trace.values[number]
        inside = column[(column >= 0) & (column < LIMB)]
        counts += np.bincount(inside, minlength=LIMB)
    return counts


def looked_up(table: Table) -> list[int]:
    """The columns that the table looks up in the range table on every active row."""
    return [i.affine_values()[0].terms[0][0] for i in table.interactions if i.bus == RANGE]
