"""Solvent's circuit: the execution, margin, tree and range tables and their buses."""

from functools import cache

from circuits import transitions
from circuits.air import Circuit, Table
from circuits.buses import BUSES
from circuits.execution import new_execution, sequence
from circuits.margin import build_margin_table
from circuits.range_table import build_range_table
from circuits.tree import build_tree_table


def build_execution_table() -> Table:
    """The execution table with every transition of the registry."""
    execution = new_execution()
    for constrain in transitions.ALL:
        constrain(execution)
    execution.finish()
    sequence(execution)
    return execution.table


@cache
def solvent_circuit() -> Circuit:
    """The circuit that `prove` and `verify` use."""
    tables = (build_execution_table(), build_margin_table(), build_tree_table(), build_range_table())
    return Circuit("solvent", tables, BUSES)
