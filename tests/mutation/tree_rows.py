"""Rows of the tree table by position, and edits of them that keep the digests above in step."""

from collections.abc import Sequence
from dataclasses import replace

from circuits.field import P
from circuits.poseidon2 import TRACE_WIDTH, external_linear, internal_linear
from circuits.poseidon2_constants import FINAL_FULL_ROUNDS, INITIAL_FULL_ROUNDS, PARTIAL_ROUNDS, WIDTH
from circuits.records import DIGEST_SIZE
from circuits.statement import Statement
from prover.traces.columns import Columns
from tests.mutation.world import rows_where

COMMITTED = TRACE_WIDTH - (WIDTH - DIGEST_SIZE)  # columns of the permutation, the first of the table


def row_at(tree: Columns, *, new: int, depth: int, index: int) -> int:
    """The row of that version and position; raises ValueError if there is not exactly one."""
    (row,) = rows_where(tree, is_new=new, depth=depth, index=index)
    return row


def inputs_of(tree: Columns, row: int) -> list[int]:
    """The 16 inputs of the permutation."""
    return [int(tree[f"input{i}"][row]) for i in range(WIDTH)]


def digest_of(tree: Columns, row: int) -> list[int]:
    """The row's own digest."""
    return [int(tree[f"input{i}"][row] + tree[f"full7_{i}"][row]) % P for i in range(DIGEST_SIZE)]


def set_inputs(tree: Columns, row: int, inputs: Sequence[int], disturbed: int = TRACE_WIDTH) -> None:
    """Fill the permutation's columns; the cell in column `disturbed` is off by 1, and what follows from it as well."""
    cells = [value % P for value in inputs]

    def committed(values: Sequence[int]) -> list[int]:
        values = [(value + (len(cells) + i == disturbed)) % P for i, value in enumerate(values)]
        cells.extend(values)
        return values

    def full_round(state: Sequence[int], constants: Sequence[int]) -> list[int]:
        return committed(external_linear([(s + c) ** 3 % P for s, c in zip(state, constants, strict=True)]))

    state = external_linear(cells)
    for constants in INITIAL_FULL_ROUNDS:
        state = full_round(state, constants)
    for constant in PARTIAL_ROUNDS:
        state = internal_linear([*committed([(state[0] + constant) ** 3 % P]), *state[1:]])
    for constants in FINAL_FULL_ROUNDS:
        state = full_round(state, constants)
    tree.values[:COMMITTED, row] = cells[:COMMITTED]


def rehash(tree: Columns, row: int, statement: Statement) -> Statement:
    """Put the row's digest into the new nodes above it; the statement with the root that results."""
    depth, index = int(tree["depth"][row]), int(tree["index"][row])
    while depth:
        parent = row_at(tree, new=1, depth=depth - 1, index=index >> 1)
        inputs, offset = inputs_of(tree, parent), DIGEST_SIZE * (index & 1)
        inputs[offset : offset + DIGEST_SIZE] = digest_of(tree, row)
        set_inputs(tree, parent, inputs)
        row, depth, index = parent, depth - 1, index >> 1
    return replace(statement, new_root=tuple(digest_of(tree, row)))


def copied(tree: Columns, row: int, **values: int) -> int:
    """A new row like `row` but for these columns; returns its number."""
    new = tree.used
    tree.values[:, new] = tree.values[:, row]
    tree.used += 1
    put(tree, new, **values)
    return new


def put(columns: Columns, row: int, **values: int) -> None:
    """Set columns of a row."""
    for name, value in values.items():
        columns[name][row] = value % P
