"""The tree table: one Poseidon2 permutation a row, each an inner node or a leaf of the old or the new state tree.

A batch opens the tree from the root down: every opened node takes its own digest off the tree bus and puts its two
children on it. A child is either opened in turn (version OLD or NEW) or an untouched SIBLING, which the old node sends
and the new node receives: so untouched digests are equal in both trees. The verifier sends both roots once; depth grows
by one and the index doubles on the way down, from 0. A row at TREE_DEPTH must be a leaf, so every index stays below
2^TREE_DEPTH < P and never wraps: by induction each opened position has exactly one old and one new row. (A node at the
bottom would have children whose indices alias others mod P.)

An old leaf opens memory, the new leaf closes it with the last value written. The old leaf's time is free: all accesses
of a batch have times within less than 2^27 of each other, and each takes what was left 1 .. LIMB^2 before; so they are
passed through in the order of their times, and the first takes the old leaf's record whatever time that bears.
"""

from collections.abc import Sequence

from circuits.air import Table
from circuits.bounded import Bounded
from circuits.bounds import TREE_DEPTH
from circuits.buses import MEMORY, TREE, Version
from circuits.expression import Expression
from circuits.poseidon2 import external_linear, internal_linear
from circuits.poseidon2_constants import FINAL_FULL_ROUNDS, INITIAL_FULL_ROUNDS, PARTIAL_ROUNDS, WIDTH
from circuits.records import DIGEST_SIZE, LEAF_DOMAIN, RECORD_SIZE, SALT_SIZE


def build_tree_table() -> Table:
    """The columns of Poseidon2, then what the row is and where it stands."""
    table = Table("tree")
    inputs, outputs = _permutation(table)
    # Fed forward, so that the compression cannot be inverted.
    digest = [inputs[i] + outputs[i] for i in range(DIGEST_SIZE)]
    is_node, is_leaf, is_new = table.boolean("is_node"), table.boolean("is_leaf"), table.boolean("is_new")
    depth, index = table.column("depth"), table.column("index")
    version = is_new.expression
    table.receive(TREE, "own digest", [version, depth, index, *digest], is_node + is_leaf)
    for side, offset in (("left", 0), ("right", 1)):
        child = inputs[DIGEST_SIZE * offset : DIGEST_SIZE * (offset + 1)]
        _child(table, side, is_node, version, [depth + 1, 2 * index + offset, *child])
    time = table.column("time")
    # On a node `time` is free otherwise: the inverse of depth - TREE_DEPTH shows that it is not 0.
    table.constrain("a node is above the bottom", is_node.expression * ((depth - TREE_DEPTH) * time - 1))
    _leaf(table, inputs, is_leaf.expression, version, depth, index, time)
    return table


def _child(table: Table, side: str, is_node: Bounded, version: Expression, rest: list[Expression]) -> None:
    """A child of a node: opened (sent under the node's version) or a sibling (sent by the old node, received by the
    new)."""
    opened = table.boolean(f"{side}_opened").expression
    tag, count = table.column(f"{side}_version"), table.column(f"{side}_count")
    table.constrain(
        f"{side} version is the node's if opened, else sibling",
        tag - opened * version - (1 - opened) * int(Version.SIBLING),
    )
    table.constrain(
        f"{side} child is sent once, a new sibling received once",
        count - is_node.expression * (1 - 2 * version * (1 - opened)),
    )
    table.send(TREE, f"{side} child", [tag, *rest], Bounded(count, -1, 1))


def _leaf(
    table: Table,
    inputs: list[Expression],
    is_leaf: Expression,
    version: Expression,
    depth: Expression,
    index: Expression,
    time: Expression,
) -> None:
    """A leaf hashes record || salt || domain, and is the first or last value of its memory cell."""
    count = table.column("memory_count")
    table.constrain("leaf is at the bottom", is_leaf * (depth - TREE_DEPTH))
    domain = inputs[RECORD_SIZE + SALT_SIZE :]
    for position, element in enumerate(domain):
        expected = LEAF_DOMAIN if position == 0 else 0
        table.constrain(f"leaf domain element {position}", is_leaf * (element - expected))
    table.constrain("old leaf opens memory, new leaf closes it", count - is_leaf * (1 - 2 * version))
    table.send(MEMORY, "memory boundary", [index, time, *inputs[:RECORD_SIZE]], Bounded(count, -1, 1))


def _permutation(table: Table) -> tuple[list[Expression], list[Expression]]:
    """The permutation's columns and constraints; returns its 16 inputs and the first 8 outputs, all a digest needs.

    Committed: the inputs, the state after each full round, and the S-box output of each partial round; degree 3.
    """
    inputs = table.columns("input", WIDTH)
    state: list[Expression] = list(external_linear(inputs))
    for number, constants in enumerate(INITIAL_FULL_ROUNDS):
        state = _full_round(table, number, state, constants)
    for number, constant in enumerate(PARTIAL_ROUNDS):
        sbox = table.column(f"partial{number}")
        table.constrain(f"partial round {number}", sbox - _cube(state[0] + constant))
        state = list(internal_linear([sbox, *state[1:]]))
    first, last = len(INITIAL_FULL_ROUNDS), len(INITIAL_FULL_ROUNDS) + len(FINAL_FULL_ROUNDS) - 1
    for number, constants in enumerate(FINAL_FULL_ROUNDS, start=first):
        state = _full_round(table, number, state, constants, DIGEST_SIZE if number == last else WIDTH)
    return inputs, state


def _full_round(
    table: Table, number: int, state: list[Expression], constants: Sequence[int], lanes: int = WIDTH
) -> list[Expression]:
    """The first `lanes` elements of the state after a full round."""
    cubes = [_cube(element + constant) for element, constant in zip(state, constants, strict=True)]
    after = table.columns(f"full{number}_", lanes)
    for lane, (column, value) in enumerate(zip(after, external_linear(cubes), strict=False)):
        table.constrain(f"full round {number} lane {lane}", column - value)
    return after


def _cube(x: Expression) -> Expression:
    return x * x * x
