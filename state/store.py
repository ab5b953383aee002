"""The authenticated memory: a sparse Merkle tree over the records, opened and updated once a batch.

A leaf's digest is compress(record (8) || salt (4) || LEAF_DOMAIN, 0, 0, 0), a node's compress(left || right). Leaves of
accounts are private: they carry a random salt, drawn anew whenever a batch changes the record. All other salts, and
those of empty leaves, are zero.
"""

import secrets
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from circuits import poseidon2
from circuits.bounds import TREE_DEPTH
from circuits.field import P
from circuits.records import ACCOUNT_BASE, DIGEST_SIZE, EMPTY, LEAF_DOMAIN, RECORD_SIZE, SALT_SIZE, Record
from circuits.witness import Opening
from state.errors import HistoryError, UnknownRootError

BLOCK_SIZE = 2 * DIGEST_SIZE
DIGEST_BYTES = 4 * DIGEST_SIZE
Salt = tuple[int, ...]
Root = tuple[int, ...]
RandomElements = Callable[[int], Sequence[int]]  # how many field elements to draw

NO_SALT: Salt = (0,) * SALT_SIZE
_DOMAIN = (LEAF_DOMAIN, 0, 0, 0)
_ENTRY_SIZE = 1 + RECORD_SIZE + SALT_SIZE


class Hasher(Protocol):
    """The compression of 16 field elements to 8 (Poseidon2 with feed-forward), many at a time."""

    def compress_many(self, blocks: "array[int]", /) -> "array[int]":
        """array('I') of 16 k canonical elements to array('I') of 8 k."""
        ...


class ReferenceHasher:
    """The slow Hasher, from circuits.poseidon2."""

    def compress_many(self, blocks: "array[int]", /) -> "array[int]":
        """See Hasher."""
        digests = array("I")
        for start in range(0, len(blocks), BLOCK_SIZE):
            digests.extend(poseidon2.compress(blocks[start : start + BLOCK_SIZE]))
        return digests


def secret_elements(count: int) -> list[int]:
    """`count` field elements, uniform, from the operating system's random source."""
    return [secrets.randbelow(P) for _ in range(count)]


def is_private(index: int) -> bool:
    """Whether the leaf belongs to an account, and is salted."""
    return index >= ACCOUNT_BASE


@dataclass(frozen=True)
class Undo:
    """How to take a batch back: the root before it, and the leaves it changed as they were (see pack_leaf)."""

    root: Root
    entries: bytes


def pack_leaf(index: int, record: Record, salt: Salt) -> "array[int]":
    """One leaf as 13 machine words."""
    return array("I", (index, *record, *salt))


def unpack_leaves(data: bytes) -> Iterator[tuple[int, Record, Salt]]:
    """Index, record and salt of each packed leaf."""
    words = array("I", data)
    for start in range(0, len(words), _ENTRY_SIZE):
        index, *rest = words[start : start + _ENTRY_SIZE]
        yield index, tuple(rest[:RECORD_SIZE]), tuple(rest[RECORD_SIZE:])


class Store:
    """The committed records, their salts, the digests above them, and the undo log of each batch.

    `_levels[d]`: node index at depth d to digest (32 bytes, native words); what is missing is an empty subtree.
    """

    def __init__(
        self, hasher: Hasher, random_elements: RandomElements = secret_elements, depth: int = TREE_DEPTH
    ) -> None:
        self.leaves: dict[int, Record] = {}
        self.salts: dict[int, Salt] = {}
        self.history: list[Undo] = []
        self._hasher, self._random_elements, self._depth = hasher, random_elements, depth
        self._levels: list[dict[int, bytes]] = [{} for _ in range(depth + 1)]
        self._empty = self._empty_digests()

    @property
    def root(self) -> Root:
        """The root of the tree: 8 field elements."""
        return tuple(array("I", self._levels[0].get(0, self._empty[0])))

    def load(self, entries: Iterable[tuple[int, Record, Salt]]) -> None:
        """Put these leaves, without an opening or an undo log: for a saved state, and for genesis."""
        changed = []
        for index, record, salt in entries:
            self._put(index, record, salt)
            changed.append(index)
        self._rehash(sorted(changed), Opening())

    def commit(self, touched: Iterable[int], written: Mapping[int, Record]) -> Opening:
        """Open all touched leaves, and put fresh salts and these records in those that the batch changed (a subset)."""
        order = sorted(touched)
        opening = Opening()
        root, undo = self.root, b"".join(self.packed(index).tobytes() for index in sorted(written))
        opening.leaf_index.extend(order)
        for index in order:
            opening.leaf_old.extend(self.leaves.get(index, EMPTY))
            opening.leaf_old_salt.extend(self.salts.get(index, NO_SALT))
        self._put_fresh(written)
        for index in order:
            opening.leaf_new.extend(self.leaves.get(index, EMPTY))
            opening.leaf_new_salt.extend(self.salts.get(index, NO_SALT))
        self._rehash(order, opening)
        self.history.append(Undo(root, undo))
        return opening

    def roots(self) -> list[Root]:
        """The roots that `rollback` can return to, oldest first, and the present one last."""
        return [*(undo.root for undo in self.history), self.root]

    def rollback(self, root: Root) -> None:
        """Return to an earlier root. Raises UnknownRootError, and changes nothing, if the history does not have it.

        Raises HistoryError if the undo logs are damaged; the store is then unusable.
        """
        if root == self.root:
            return
        keep = next((k for k, undo in enumerate(self.history) if undo.root == root), None)
        if keep is None:
            raise UnknownRootError(root)
        earlier: dict[int, tuple[Record, Salt]] = {}
        for undo in reversed(self.history[keep:]):  # the oldest entry of a leaf wins
            earlier.update({index: (record, salt) for index, record, salt in unpack_leaves(undo.entries)})
        self.load((index, record, salt) for index, (record, salt) in earlier.items())
        del self.history[keep:]
        if self.root != root:
            raise HistoryError(root)

    def packed(self, index: int) -> "array[int]":
        """The leaf as pack_leaf has it."""
        return pack_leaf(index, self.leaves.get(index, EMPTY), self.salts.get(index, NO_SALT))

    def _put(self, index: int, record: Record, salt: Salt) -> None:
        if record == EMPTY:
            self.leaves.pop(index, None)
            self.salts.pop(index, None)
        else:
            self.leaves[index], self.salts[index] = record, salt

    def _put_fresh(self, records: Mapping[int, Record]) -> None:
        private = [index for index in records if is_private(index)]
        drawn = self._random_elements(SALT_SIZE * len(private))
        salts = {index: tuple(drawn[SALT_SIZE * k : SALT_SIZE * (k + 1)]) for k, index in enumerate(private)}
        for index, record in records.items():
            self._put(index, record, salts.get(index, NO_SALT))

    def _leaf_digests(self, indices: Sequence[int]) -> dict[int, bytes]:
        blocks = array("I")
        for index in indices:
            blocks.extend(self.leaves.get(index, EMPTY))
            blocks.extend(self.salts.get(index, NO_SALT))
            blocks.extend(_DOMAIN)
        return self._compress(indices, blocks)

    def _compress(self, indices: Sequence[int], blocks: "array[int]") -> dict[int, bytes]:
        digests = self._hasher.compress_many(blocks).tobytes()
        return {index: digests[DIGEST_BYTES * k : DIGEST_BYTES * (k + 1)] for k, index in enumerate(indices)}

    def _rehash(self, leaves: Sequence[int], opening: Opening) -> None:
        """Recompute the digests of these leaves (ascending) and of the nodes above; record the nodes, deepest first."""
        fresh = self._leaf_digests(leaves)
        for depth in reversed(range(self._depth)):
            below, empty = self._levels[depth + 1], self._empty[depth + 1]
            parents = list(dict.fromkeys(index >> 1 for index in fresh))
            old, new = bytearray(), bytearray()
            for parent in parents:
                sides = ((2 * parent, opening.node_touched_left), (2 * parent + 1, opening.node_touched_right))
                for child, touched in sides:
                    before = below.get(child, empty)
                    old += before
                    new += fresh.get(child, before)
                    touched.append(child in fresh)
            opening.node_depth.extend([depth] * len(parents))
            opening.node_index.extend(parents)
            opening.node_old.frombytes(old)
            opening.node_new.frombytes(new)
            below.update(fresh)
            fresh = self._compress(parents, array("I", bytes(new)))
        self._levels[0].update(fresh)

    def _empty_digests(self) -> list[bytes]:
        """The digest of an empty subtree at each depth, root first."""
        digests = [self._compress([0], array("I", (*EMPTY, *NO_SALT, *_DOMAIN)))[0]]
        for _ in range(self._depth):
            digests.append(self._compress([0], array("I", 2 * digests[-1]))[0])
        return digests[::-1]
