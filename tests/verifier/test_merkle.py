"""Merkle multi-proofs against a tree by definition, straight from hashlib."""

import hashlib
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.field import P
from verifier.errors import Reason, Rejection
from verifier.merkle import ClassOpening, Opening, check_opening, missing_siblings, opened_root
from verifier.shape import TreeClass, TreeShape


class NaiveTree:
    """Random matrices and the tree over them, every digest computed from the definition."""

    def __init__(self, shape: TreeShape, seed: int) -> None:
        source = random.Random(seed)
        self.shape = shape
        self.rows = {
            c.log_rows: [[[source.randrange(P) for _ in range(w)] for w in c.widths] for _ in range(1 << c.log_rows)]
            for c in shape.classes
        }
        self.salts = {c.log_rows: [source.randbytes(16) for _ in range(1 << c.log_rows)] for c in shape.classes}

    def leaf(self, log_rows: int, row: int) -> bytes:
        data = b""
        for part in self.rows[log_rows][row]:
            padded = part + [0] * (-len(part) % 16)
            data += b"".join(element.to_bytes(4, "big") for element in padded)
        return hashlib.sha256(data + self.salts[log_rows][row]).digest()

    def node(self, log_size: int, index: int) -> bytes:
        """The digest `index` of the level of 2^log_size digests."""
        if log_size == self.shape.log_leaves:
            return self.leaf(log_size, index)
        data = self.node(log_size + 1, 2 * index) + self.node(log_size + 1, 2 * index + 1)
        return hashlib.sha256(data + (self.leaf(log_size, index) if log_size in self.rows else b"")).digest()

    def open(self, positions: list[int]) -> Opening:
        classes = []
        for c in self.shape.classes:
            opened = sorted({position >> (self.shape.log_leaves - c.log_rows) for position in positions})
            rows = [[x for part in self.rows[c.log_rows][row] for x in part] for row in opened]
            classes.append(ClassOpening(rows, [self.salts[c.log_rows][row] for row in opened]))
        siblings = []
        for log_size in range(self.shape.log_leaves, 0, -1):
            known = {position >> (self.shape.log_leaves - log_size) for position in positions}
            siblings += [self.node(log_size, i) for i in range(1 << log_size) if i not in known and i ^ 1 in known]
        return Opening(classes, siblings)


@st.composite
def trees(draw: st.DrawFn) -> tuple[NaiveTree, list[int]]:
    log_rows = sorted(draw(st.sets(st.integers(0, 6), min_size=1, max_size=3)), reverse=True)
    widths = st.lists(st.integers(1, 40), min_size=1, max_size=3)
    shape = TreeShape("test", tuple(TreeClass(log, tuple(draw(widths))) for log in log_rows))
    positions = draw(st.sets(st.integers(0, (1 << shape.log_leaves) - 1), min_size=1))
    return NaiveTree(shape, draw(st.integers(0, 2**32))), sorted(positions)


@given(trees())
def test_an_opening_leads_to_the_root(case: tuple[NaiveTree, list[int]]) -> None:
    tree, positions = case
    opening = tree.open(positions)
    assert opened_root(tree.shape, positions, opening) == tree.node(0, 0)
    assert sum(map(len, missing_siblings(positions, tree.shape.log_leaves))) == len(opening.siblings)


@given(trees(), st.randoms(use_true_random=False))
def test_any_change_leads_elsewhere(case: tuple[NaiveTree, list[int]], source: random.Random) -> None:
    tree, positions = case
    opening = tree.open(positions)
    number = source.randrange(len(opening.classes))
    changed = opening.classes[number]
    row = source.randrange(len(changed.rows))
    rows = [list(elements) for elements in changed.rows]
    salts = list(changed.salts)
    siblings = list(opening.siblings)
    if source.randrange(2):
        rows[row][source.randrange(len(rows[row]))] ^= 1
    else:
        salts[row] = bytes([salts[row][0] ^ 1]) + salts[row][1:]
    classes = [*opening.classes[:number], ClassOpening(rows, salts), *opening.classes[number + 1 :]]
    with pytest.raises(Rejection, match="test") as refusal:
        check_opening(tree.shape, tree.node(0, 0), positions, Opening(classes, siblings))
    assert refusal.value.reason == Reason.MERKLE
    if siblings:
        index = source.randrange(len(siblings))
        siblings[index] = bytes(32)
        assert opened_root(tree.shape, positions, replace(opening, siblings=siblings)) != tree.node(0, 0)


def test_columns_do_not_move_between_matrices() -> None:
    split = TreeShape("split", (TreeClass(0, (17, 15)),))
    joined = TreeShape("joined", (TreeClass(0, (32,)),))
    opening = Opening([ClassOpening([list(range(32))], [bytes(16)])], [])
    assert opened_root(split, [0], opening) != opened_root(joined, [0], opening)
