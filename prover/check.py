"""Checks a witness constraint by constraint and message by message, and names the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from circuits.air import Bus, Circuit, Message, Table, Where
from circuits.expression import Affine, affine
from circuits.field import P
from prover.errors import UnbalancedBus, UnsatisfiedConstraint

Values = NDArray[np.uint64]


class ColumnArithmetic:
    """Runs programs on whole columns of canonical elements."""

    @staticmethod
    def constant(value: int) -> Values:
        return np.array([value], dtype=np.uint64)

    @staticmethod
    def add(a: Values, b: Values) -> Values:
        return (a + b) % np.uint64(P)

    @staticmethod
    def sub(a: Values, b: Values) -> Values:
        return (a + np.uint64(P) - b) % np.uint64(P)

    @staticmethod
    def mul(a: Values, b: Values) -> Values:
        return a * b % np.uint64(P)


def check_witness(circuit: Circuit, messages: Sequence[Message], columns: Mapping[str, Values]) -> None:
    """Raises UnsatisfiedConstraint or UnbalancedBus for the first violation, in the order of the circuit.

    columns: for each table the canonical elements of its active rows, (width, N).
    """
    for table in circuit.tables:
        check_constraints(table, np.asarray(columns[table.name], dtype=np.uint64))
    for bus in circuit.buses:
        check_bus(circuit, bus, messages, columns)


def check_constraints(table: Table, columns: Values) -> None:
    """Raises UnsatisfiedConstraint for the first constraint that does not hold, at its first row. columns: (width, N)."""
    following = np.roll(columns, -1, axis=1)
    outputs = table.program().run(lambda index, offset: (following if offset else columns)[index], ColumnArithmetic)
    count = columns.shape[1]
    rows = {Where.ACTIVE: (0, count), Where.TRANSITION: (0, count - 1), Where.FIRST: (0, 1), Where.LAST: (count - 1, count)}
    for constraint, values in zip(table.constraints, outputs, strict=True):
        start, stop = rows[constraint.where]
        wrong = np.flatnonzero(values[start:stop])
        if wrong.size:
            row = start + int(wrong[0])
            raise UnsatisfiedConstraint(table.name, constraint.label, row, int(values[row]))


def check_bus(circuit: Circuit, bus: Bus, messages: Sequence[Message], columns: Mapping[str, Values]) -> None:
    """Raises UnbalancedBus for a message whose multiplicities do not add up to 0 mod P."""
    own = [message for message in messages if message.bus == bus]
    sent = [np.array([message.values for message in own], dtype=np.uint64).reshape(-1, bus.length)]
    counts = [np.array([message.multiplicity % P for message in own], dtype=np.uint64)]
    for table in circuit.tables:
        table_columns = np.asarray(columns[table.name], dtype=np.uint64)
        for interaction in table.interactions:
            if interaction.bus == bus:
                forms = interaction.affine_values()
                sent.append(np.stack([_evaluate(form, table_columns) for form in forms], axis=1))
                counts.append(_evaluate(affine(interaction.multiplicity), table_columns))
    _check_sums(bus, np.concatenate(sent), np.concatenate(counts))


def _evaluate(form: Affine, columns: Values) -> Values:
    result = np.full(columns.shape[1], form.constant, dtype=np.uint64)
    for index, coefficient in form.terms:
        result = (result + columns[index] * np.uint64(coefficient)) % np.uint64(P)
    return result


def _check_sums(bus: Bus, sent: Values, counts: Values) -> None:
    """sent: (messages, length); counts: (messages,), both canonical."""
    # Equal messages are found by a 64-bit hash: sorting whole messages takes minutes on a large trace.
    weights = np.random.default_rng(bus.number).integers(1, 2**64, bus.length, dtype=np.uint64) | np.uint64(1)
    _, first, group = np.unique((sent * weights).sum(axis=1, dtype=np.uint64), return_index=True, return_inverse=True)
    totals = np.zeros(len(first), dtype=np.uint64)
    np.add.at(totals, group, counts)
    wrong = np.flatnonzero(totals % np.uint64(P))
    if wrong.size:
        excess = int(totals[wrong[0]]) % P
        message = tuple(int(value) for value in sent[first[wrong[0]]])
        raise UnbalancedBus(bus.name, message, excess if excess <= P // 2 else excess - P)
