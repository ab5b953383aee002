"""The tree table's columns: every opened node and leaf, in its old and its new version."""

import numpy as np

from circuits.air import Table
from circuits.bounds import TREE_DEPTH
from circuits.buses import Version
from circuits.poseidon2_constants import WIDTH
from circuits.records import DIGEST_SIZE, LEAF_DOMAIN, RECORD_SIZE, SALT_SIZE
from circuits.witness import Opening, Witness
from prover.montgomery import from_montgomery
from prover.poseidon2 import trace_columns
from prover.traces.columns import Columns, Integers, inverses
from prover.traces.memory import Timeline


def tree_columns(table: Table, witness: Witness, times: Timeline, random_rows: int) -> Columns:
    """The columns of the tree table for a batch; idle rows hold the permutation of zeros."""
    opening = witness.opening
    nodes, leaves = len(opening.node_index), len(opening.leaf_index)
    columns = Columns(table, 2 * (nodes + leaves), random_rows)
    inputs: Integers = np.zeros((columns.active, WIDTH), dtype=np.int64)
    for version in (Version.OLD, Version.NEW):
        first = int(version) * (nodes + leaves)
        _nodes(columns, inputs, opening, version, slice(first, first + nodes))
        _leaves(columns, inputs, opening, version, slice(first + nodes, first + nodes + leaves), times)
    permutation = from_montgomery(trace_columns(inputs.astype(np.uint32)))
    committed = permutation.shape[1] - (WIDTH - DIGEST_SIZE)  # of the outputs only the digest's
    columns.values[:committed] = permutation[:, :committed].T
    return columns


def _nodes(columns: Columns, inputs: Integers, opening: Opening, version: Version, rows: slice) -> None:
    children = opening.node_new if version is Version.NEW else opening.node_old
    inputs[rows] = np.frombuffer(children, np.uint32).reshape(-1, WIDTH)
    columns["is_node"][rows] = 1
    columns["is_new"][rows] = int(version)
    columns["depth"][rows] = np.frombuffer(opening.node_depth, np.uint32)
    columns["index"][rows] = np.frombuffer(opening.node_index, np.uint32)
    columns["time"][rows] = inverses(columns["depth"][rows] - TREE_DEPTH)
    for side, touched in (("left", opening.node_touched_left), ("right", opening.node_touched_right)):
        columns[f"{side}_opened"][rows] = np.frombuffer(touched, np.uint8)
    _children(columns)


def _children(columns: Columns) -> None:
    """Version and count of each child, on every row."""
    is_node, is_new = columns["is_node"], columns["is_new"]
    for side in ("left", "right"):
        opened = columns[f"{side}_opened"]
        columns[f"{side}_version"][:] = opened * is_new + (1 - opened) * int(Version.SIBLING)
        columns[f"{side}_count"][:] = is_node * (1 - 2 * is_new * (1 - opened))


def _leaves(
    columns: Columns, inputs: Integers, opening: Opening, version: Version, rows: slice, times: Timeline
) -> None:
    new = version is Version.NEW
    record, salt = (opening.leaf_new, opening.leaf_new_salt) if new else (opening.leaf_old, opening.leaf_old_salt)
    inputs[rows, :RECORD_SIZE] = np.frombuffer(record, np.uint32).reshape(-1, RECORD_SIZE)
    inputs[rows, RECORD_SIZE : RECORD_SIZE + SALT_SIZE] = np.frombuffer(salt, np.uint32).reshape(-1, SALT_SIZE)
    inputs[rows, RECORD_SIZE + SALT_SIZE] = LEAF_DOMAIN
    columns["is_leaf"][rows] = 1
    columns["is_new"][rows] = int(version)
    columns["depth"][rows] = TREE_DEPTH
    columns["index"][rows] = np.frombuffer(opening.leaf_index, np.uint32)
    columns["memory_count"][rows] = -1 if new else 1
    if new:
        columns["time"][rows] = [times.final.get(index, 0) for index in opening.leaf_index]
