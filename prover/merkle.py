"""Mixed-height Merkle commitments over SHA-256, and their pruned multi-openings.

The rows of the tallest group are the leaves. Where the level of 2^l nodes is formed and a group of 2^l rows exists, a
node is SHA256(left || right || digest of that group's row), otherwise SHA256(left || right).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prover import montgomery, sha256
from prover.lanes import LANES, Words


@dataclass(frozen=True)
class Group:
    """The matrices of one height: 2^log_size rows, each hashed to one digest together with its salt."""

    log_size: int
    matrices: Sequence[Words]  # each (T, 2^log_size, 16), Montgomery
    widths: Sequence[int]  # the real columns of each matrix; those beyond are zero padding
    salts: Words  # uint32 (2^log_size, 4)

    def check(self) -> None:
        """Raise ValueError where shapes, widths and salts disagree."""
        if len(self.matrices) != len(self.widths):
            raise ValueError(f"{len(self.matrices)} matrices need as many widths, got {len(self.widths)}")
        if self.salts.shape[0] != 1 << self.log_size:
            raise ValueError(f"a group of 2^{self.log_size} rows has {self.salts.shape[0]} salts: give one a row")
        for tiles, width in zip(self.matrices, self.widths, strict=True):
            if tiles.shape[0] != -(-width // LANES):
                raise ValueError(f"{width} columns fill {-(-width // LANES)} tiles, got {tiles.shape[0]}")

    def rows(self, indices: NDArray[np.int64]) -> list[list[int]]:
        """The canonical rows at `indices`: the real columns of all matrices, one matrix after the other."""
        parts = [
            tiles[:, indices].transpose(1, 0, 2).reshape(len(indices), -1)[:, :width]
            for tiles, width in zip(self.matrices, self.widths, strict=True)
        ]
        rows: list[list[int]] = montgomery.from_montgomery(np.concatenate(parts, axis=1)).tolist()
        return rows


@dataclass(frozen=True)
class GroupOpening:
    """What an opening shows of one group, in ascending order of rows."""

    rows: list[list[int]]  # canonical
    salts: list[bytes]  # 16 bytes each


@dataclass(frozen=True)
class Opening:
    """Rows of every group and the digests that lead them to the root.

    `siblings` holds, level by level from the leaves and ascending within a level, the digest of each node whose
    sibling is known while it is not itself.
    """

    groups: list[GroupOpening]
    siblings: list[bytes]


class MerkleTree:
    """All levels of a mixed-height tree, and the matrices under it."""

    def __init__(self, groups: Sequence[Group], levels: list[Words]) -> None:
        """Use `commit`. levels: digests uint32 (2^l, 8), leaves first."""
        self._groups = groups
        self._levels = levels

    @property
    def root(self) -> bytes:
        """The 32 bytes of the commitment."""
        return sha256.digest_bytes(self._levels[-1][0])

    def open(self, positions: Sequence[int]) -> Opening:
        """Open the rows under the leaves `positions`, which are sorted, distinct and within the tallest group.

        A group of 2^l rows shows those at position >> (L - l), L being that of the tallest. Raises ValueError
        otherwise.
        """
        leaves = np.asarray(positions, dtype=np.int64)
        size = len(self._levels[0])
        if not leaves.size or np.any(np.diff(leaves) <= 0) or leaves[0] < 0 or leaves[-1] >= size:
            raise ValueError(f"positions to open must be distinct, ascending and below {size}, got {list(positions)}")
        opened, siblings, known = [], [], leaves
        pending = list(self._groups)
        for level in self._levels:
            if pending and len(level) == 1 << pending[0].log_size:
                group = pending.pop(0)
                salts = [salt.astype(">u4").tobytes() for salt in group.salts[known]]
                opened.append(GroupOpening(group.rows(known), salts))
            if len(level) > 1:
                missing = np.setdiff1d(known ^ 1, known)
                siblings += [sha256.digest_bytes(digest) for digest in level[missing]]
                known = np.unique(known >> 1)
        return Opening(opened, siblings)


def commit(groups: Sequence[Group]) -> MerkleTree:
    """Hash all rows of the groups, which come in strictly descending order of log_size, up to one root.

    Raises ValueError where the order or the shapes are wrong.
    """
    sizes = [group.log_size for group in groups]
    if not sizes or sizes != sorted(set(sizes), reverse=True):
        raise ValueError(f"groups must have distinct heights, tallest first, got log sizes {sizes}")
    for group in groups:
        group.check()
    leaves = {group.log_size: sha256.hash_leaves(group.matrices, group.salts) for group in groups}
    levels = [leaves[sizes[0]]]
    for log_size in range(sizes[0] - 1, -1, -1):
        if log_size in leaves:
            levels.append(sha256.hash_nodes_injected(levels[-1], leaves[log_size]))
        else:
            levels.append(sha256.hash_nodes(levels[-1]))
    return MerkleTree(groups, levels)
