"""Constraints and buses on the active rows of a trace, whole columns at a time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from circuits.air import Circuit, Message, Table, Where
from circuits.checker import Failure, Imbalance
from tests.oracle.fields import Base, BaseArray, P
from tests.oracle.trees import Evaluation


def failures(table: Table, columns: ArrayLike) -> list[Failure]:
    """The failing constraints of a table, sorted. columns: canonical elements, (width, active rows)."""
    trace = Base(columns)
    evaluation, rows = evaluate_rows(trace), trace.shape[1]
    found = []
    for constraint in table.constraints:
        value = _selector(constraint.where, rows) * evaluation.of(constraint.expression)
        found += [Failure(table.name, int(row), constraint.label) for row in np.flatnonzero(value)]
    return sorted(found)


def evaluate_rows(trace: BaseArray) -> Evaluation:
    """An evaluation on all rows at once; the row after the last is the first."""
    following = Base(np.roll(np.asarray(trace), -1, axis=1))
    return Evaluation(Base, lambda index, offset: (following if offset else trace)[index])


def _selector(where: Where, rows: int) -> BaseArray:
    """1 on the rows where a constraint holds, 0 on the others."""
    row = np.arange(rows)
    chosen = {
        Where.ACTIVE: row >= 0,
        Where.TRANSITION: row != rows - 1,
        Where.FIRST: row == 0,
        Where.LAST: row == rows - 1,
    }
    return Base(chosen[where].astype(np.uint32))


def imbalances(circuit: Circuit, columns: Mapping[str, ArrayLike], messages: Sequence[Message]) -> list[Imbalance]:
    """What does not balance, by bus number and message. columns: of each table, as for `failures`."""
    net: defaultdict[tuple[int, ...], int] = defaultdict(int)  # by bus number, then the message
    for message in messages:
        net[message.bus.number, *message.values] += message.multiplicity
    for table in circuit.tables:
        trace = Base(columns[table.name])
        evaluation, rows = evaluate_rows(trace), trace.shape[1]
        for interaction in table.interactions:
            sent = [evaluation.of(expression) for expression in (interaction.multiplicity, *interaction.values)]
            whole = [np.broadcast_to(np.asarray(part), rows).tolist() for part in sent]
            for count, *values in zip(*whole, strict=True):
                net[interaction.bus.number, *values] += count
    names = {bus.number: bus.name for bus in circuit.buses}
    residues = {key: (count + P // 2) % P - P // 2 for key, count in net.items()}
    return [Imbalance(names[key[0]], key[1:], residue) for key, residue in sorted(residues.items()) if residue]
