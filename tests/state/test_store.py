"""The sparse Merkle tree against a naive full one, its openings against their own hashes, and the way back."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import poseidon2
from circuits.records import ACCOUNT_BASE, EMPTY, LEAF_DOMAIN, Record, Tag, record
from circuits.witness import Opening
from solvent import LaneHasher
from state.errors import HistoryError, UnknownRootError
from state.store import ReferenceHasher, Store, Undo, pack_leaf, secret_elements
from tests.state.worlds import seeded

DEPTH = 5
Digest = tuple[int, ...]
indices = st.integers(0, 2**DEPTH - 1)
records = st.one_of(st.just(EMPTY), st.builds(lambda value: record(Tag.VAULT, value), st.integers(0, 3)))
batches = st.lists(st.dictionaries(indices, records, max_size=6), min_size=1, max_size=4)


def compress(*elements: int) -> Digest:
    return tuple(poseidon2.compress(elements))


def leaf_digest(leaf: Record, salt: tuple[int, ...] = (0, 0, 0, 0)) -> Digest:
    return compress(*leaf, *salt, LEAF_DOMAIN, 0, 0, 0)


def naive_root(leaves: dict[int, Record]) -> Digest:
    level = [leaf_digest(leaves.get(index, EMPTY)) for index in range(2**DEPTH)]
    while len(level) > 1:
        level = [compress(*left, *right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def chunks(values: "array[int]", size: int) -> list[tuple[int, ...]]:
    return [tuple(values[start : start + size]) for start in range(0, len(values), size)]


def check_opening(opening: Opening, depth: int, old_root: Digest, new_root: Digest) -> None:
    """Everything opened hangs together, from the leaves up to both roots, and untouched children agree."""
    known: dict[tuple[int, int], tuple[Digest, Digest]] = {}
    old_leaves = zip(chunks(opening.leaf_old, 8), chunks(opening.leaf_old_salt, 4), strict=True)
    new_leaves = zip(chunks(opening.leaf_new, 8), chunks(opening.leaf_new_salt, 4), strict=True)
    for index, old, new in zip(opening.leaf_index, old_leaves, new_leaves, strict=True):
        known[depth, index] = leaf_digest(*old), leaf_digest(*new)
    nodes = zip(
        opening.node_depth, opening.node_index, chunks(opening.node_old, 16), chunks(opening.node_new, 16),
        opening.node_touched_left, opening.node_touched_right, strict=True,
    )  # fmt: skip
    for level, index, old, new, *touched in nodes:
        for side in (0, 1):
            child = old[8 * side : 8 * side + 8], new[8 * side : 8 * side + 8]
            opened = known.pop((level + 1, 2 * index + side), None)
            assert (opened is not None) == touched[side]
            assert child == opened if opened else child[0] == child[1]
        assert (level, index) not in known
        known[level, index] = compress(*old), compress(*new)
    assert known == {(0, 0): (old_root, new_root)}


@settings(max_examples=15, deadline=None)
@given(batches, st.data())
def test_small_tree_is_the_naive_one(changes: list[dict[int, Record]], data: st.DataObject) -> None:
    store = Store(ReferenceHasher(), depth=DEPTH)
    leaves: dict[int, Record] = {}
    assert store.root == naive_root(leaves)
    for change in changes:
        old_root = store.root
        reads = data.draw(st.sets(indices, max_size=3))
        written = {index: leaf for index, leaf in change.items() if leaves.get(index, EMPTY) != leaf}
        touched = {0, *reads, *change}
        opening = store.commit(touched, written)
        leaves.update(change)
        assert store.root == naive_root(leaves)
        assert list(opening.leaf_index) == sorted(touched)
        assert chunks(opening.leaf_new, 8) == [leaves.get(index, EMPTY) for index in sorted(touched)]
        check_opening(opening, DEPTH, old_root, store.root)
    versions = store.roots()
    assert len(versions) == len(changes) + 1


@settings(max_examples=10, deadline=None)
@given(batches, st.data())
def test_rollback_restores_every_version(changes: list[dict[int, Record]], data: st.DataObject) -> None:
    store = Store(ReferenceHasher(), depth=DEPTH)
    versions = [(store.root, dict(store.leaves))]
    for change in changes:
        written = {index: leaf for index, leaf in change.items() if store.leaves.get(index, EMPTY) != leaf}
        store.commit({0, *change}, written)
        versions.append((store.root, dict(store.leaves)))
    root, leaves = data.draw(st.sampled_from(versions))
    store.rollback(root)
    assert (store.root, store.leaves) == (root, leaves)
    assert naive_root(store.leaves) == root


def test_private_leaves_have_fresh_salts_and_public_ones_none() -> None:
    store = Store(LaneHasher(), seeded(5))
    private, untouched, public = ACCOUNT_BASE + 7, ACCOUNT_BASE + 8, 3
    records = {index: record(Tag.BALANCE, 1) for index in (private, untouched, public)}
    store.commit(records, records)
    before = dict(store.salts)
    opening = store.commit({private, untouched, public}, {i: record(Tag.BALANCE, 2) for i in (private, public)})
    assert store.salts[public] == (0, 0, 0, 0) == before[public]
    assert store.salts[private] != before[private]
    assert store.salts[untouched] == before[untouched] != (0, 0, 0, 0)
    assert chunks(opening.leaf_old_salt, 4) == [before[public], before[private], before[untouched]]
    assert chunks(opening.leaf_new_salt, 4) == [store.salts[public], store.salts[private], store.salts[untouched]]


def test_full_depth_opening_and_rollback_with_salts() -> None:
    store = Store(LaneHasher(), seeded(6))
    records = {index: record(Tag.BALANCE, 1) for index in (0, 5, ACCOUNT_BASE, ACCOUNT_BASE + 99)}
    store.commit(records, records)
    first, salts = store.root, dict(store.salts)
    for value in (2, 3):
        old_root = store.root
        written = {index: record(Tag.BALANCE, value) for index in (0, ACCOUNT_BASE, 2**29)}
        opening = store.commit(written.keys(), written)
        check_opening(opening, 30, old_root, store.root)
    store.rollback(first)
    assert (store.root, store.salts, len(store.history)) == (first, salts, 1)
    assert 2**29 not in store.leaves


def test_unknown_root() -> None:
    store = Store(LaneHasher())
    store.commit({1}, {1: record(Tag.VAULT, 1)})
    before = store.root
    with pytest.raises(UnknownRootError):
        store.rollback((1,) * 8)
    assert store.root == before
    assert len(store.history) == 1


def test_a_damaged_undo_log() -> None:
    store = Store(LaneHasher())
    before = store.root
    store.commit({1}, {1: record(Tag.VAULT, 1)})
    store.history = [Undo(before, pack_leaf(1, record(Tag.VAULT, 2), (0, 0, 0, 0)).tobytes())]
    with pytest.raises(HistoryError):
        store.rollback(before)


def test_an_empty_leaf_is_not_a_zero_record() -> None:
    store = Store(LaneHasher())
    empty = store.root
    records = {9: record(Tag.VAULT)}
    store.commit(records, records)
    assert store.root != empty


def test_secret_elements_are_canonical_and_differ() -> None:
    drawn = secret_elements(64)
    assert len(set(drawn)) > 60
    assert all(0 <= element < 2**31 - 2**24 + 1 for element in drawn)
