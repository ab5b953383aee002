"""Merkle trees over matrices of several heights (docs/protocol.md, A6): recomputing a root from an opening."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from verifier.elements import ELEMENT_BYTES, pack_elements
from verifier.errors import Reason, Rejection
from verifier.shape import TreeClass, TreeShape

DIGEST_BYTES = 32
SALT_BYTES = 16
ROW_ALIGNMENT = 16  # elements: each matrix row is padded to a multiple of these before hashing


@dataclass(frozen=True)
class ClassOpening:
    """The opened rows of one class, ascending: the elements of its matrices in order, and the salts of 16 bytes."""

    rows: Sequence[Sequence[int]]
    salts: Sequence[bytes]


@dataclass(frozen=True)
class Opening:
    """An opening of one tree: its classes, tallest first, and the missing siblings of 32 bytes."""

    classes: list[ClassOpening]
    siblings: list[bytes]


def class_rows(tree: TreeShape, tree_class: TreeClass, positions: Sequence[int]) -> list[int]:
    """The distinct rows of a class that an opening at these leaf positions holds, ascending."""
    shift = tree.log_leaves - tree_class.log_rows
    return sorted({position >> shift for position in positions})


def missing_siblings(positions: Sequence[int], log_leaves: int) -> list[list[int]]:
    """For each level, from the leaves to below the root: the indices, ascending, whose digests an opening holds."""
    levels = []
    known = set(positions)
    for _ in range(log_leaves):
        levels.append(sorted(index ^ 1 for index in known if index ^ 1 not in known))
        known = {index >> 1 for index in known}
    return levels


def leaf_digest(row: Sequence[int], widths: Sequence[int], salt: bytes) -> bytes:
    """SHA-256 of the matrix rows that are concatenated in `row`, each padded with zeros, and of the salt.

    Its input is 16 bytes above a multiple of 64; that of an inner node has 64 or 96. So no leaf is a node.
    """
    data = pack_elements(row)
    parts, start = [], 0
    for width in widths:
        parts.append(data[ELEMENT_BYTES * start : ELEMENT_BYTES * (start + width)])
        parts.append(bytes(ELEMENT_BYTES * (-width % ROW_ALIGNMENT)))
        start += width
    return hashlib.sha256(b"".join(parts) + salt).digest()


def opened_root(tree: TreeShape, positions: Sequence[int], opening: Opening) -> bytes:
    """The root that an opening of the right shape at distinct leaf positions implies."""
    leaves: dict[int, dict[int, bytes]] = {}
    for tree_class, opened in zip(tree.classes, opening.classes, strict=True):
        rows = class_rows(tree, tree_class, positions)
        salted = zip(opened.rows, opened.salts, strict=True)
        digests = (leaf_digest(row, tree_class.widths, salt) for row, salt in salted)
        leaves[tree_class.log_rows] = dict(zip(rows, digests, strict=True))
    siblings = iter(opening.siblings)
    known = leaves[tree.log_leaves]
    for level, missing in enumerate(missing_siblings(positions, tree.log_leaves)):
        known.update((index, next(siblings)) for index in missing)
        injected = leaves.get(tree.log_leaves - level - 1)
        known = {
            index >> 1: _node(known[index], known[index ^ 1], injected[index >> 1] if injected else b"")
            for index in known
            if not index & 1
        }
    return known[0]


def _node(left: bytes, right: bytes, injected: bytes) -> bytes:
    return hashlib.sha256(left + right + injected).digest()


def check_opening(tree: TreeShape, root: bytes, positions: Sequence[int], opening: Opening) -> None:
    """Raises Rejection unless the opening leads to the committed root."""
    implied = opened_root(tree, positions, opening)
    if implied != root:
        detail = f"the opening of {tree.name} leads to root {implied.hex()}, committed is {root.hex()}"
        raise Rejection(Reason.MERKLE, detail)
