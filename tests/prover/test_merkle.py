"""Mixed-height commitments and their multi-openings, checked by a verifier written here on hashlib alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.field import P
from prover import montgomery
from prover.merkle import Group, GroupOpening, MerkleTree, Opening, commit
from prover.randomness import Randomness, random_salts

Shape = tuple[int, tuple[int, ...]]  # log size and widths of a group


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def leaf(row: list[int], widths: Sequence[int], salt: bytes) -> bytes:
    message, start = b"", 0
    for width in widths:
        padded = row[start : start + width] + [0] * (-width % 16)
        message += b"".join(value.to_bytes(4, "big") for value in padded)
        start += width
    assert start == len(row)
    return sha(message, salt)


def root_of_opening(shapes: Sequence[Shape], positions: Sequence[int], opening: Opening) -> bytes | None:
    """The root the opening leads to; None if siblings are missing or left over."""
    leaves = {}
    for (log_size, widths), group in zip(shapes, opening.groups, strict=True):
        leaves[log_size] = [leaf(row, widths, salt) for row, salt in zip(group.rows, group.salts, strict=True)]
    level = shapes[0][0]
    known = dict(zip(positions, leaves[level], strict=True))
    siblings = list(opening.siblings)
    while level:
        for index in sorted(known):
            if index ^ 1 not in known:
                if not siblings:
                    return None
                known[index ^ 1] = siblings.pop(0)
        level -= 1
        parents = sorted({index >> 1 for index in known})
        injected = leaves.get(level, [b""] * len(parents))
        known = {
            parent: sha(known[2 * parent], known[2 * parent + 1], digest)
            for parent, digest in zip(parents, injected, strict=True)
        }
    return None if siblings else known[0]


def build(seed: int, shapes: Sequence[Shape]) -> tuple[MerkleTree, list[list[list[int]]]]:
    """A commitment to random matrices, and the canonical rows of each group."""
    source = Randomness(seed.to_bytes(32, "big"))
    groups, contents = [], []
    for log_size, widths in shapes:
        matrices, rows = [], []
        for width in widths:
            tiles = source.elements((-(-width // 16), 1 << log_size, 16))
            tiles[-1, :, width - 16 * (len(tiles) - 1) :] = 0
            matrices.append(tiles)
            canonical = montgomery.from_montgomery(tiles).astype(object)
            rows.append(canonical.transpose(1, 0, 2).reshape(1 << log_size, -1)[:, :width])
        groups.append(Group(log_size, matrices, widths, random_salts(1 << log_size, source)))
        contents.append(np.concatenate(rows, axis=1).tolist())
    return commit(groups), contents


widths = st.lists(st.integers(1, 40), min_size=1, max_size=2).map(tuple)


@st.composite
def commitments(draw: st.DrawFn) -> tuple[list[Shape], list[int]]:
    sizes = sorted(draw(st.sets(st.integers(0, 7), min_size=1, max_size=4)), reverse=True)
    shapes = [(size, draw(widths)) for size in sizes]
    positions = draw(st.sets(st.integers(0, (1 << sizes[0]) - 1), min_size=1, max_size=20))
    return shapes, sorted(positions)


@settings(max_examples=50, deadline=None)
@given(commitments(), st.integers(0, 2**32))
def test_openings_lead_to_the_root(case: tuple[list[Shape], list[int]], seed: int) -> None:
    shapes, positions = case
    tree, contents = build(seed, shapes)
    opening = tree.open(positions)
    assert root_of_opening(shapes, positions, opening) == tree.root
    for (log_size, _), rows, group in zip(shapes, contents, opening.groups, strict=True):
        indices = sorted({position >> (shapes[0][0] - log_size) for position in positions})
        assert group.rows == [rows[index] for index in indices]
        assert all(0 <= value < P for row in group.rows for value in row)


@settings(max_examples=25, deadline=None)
@given(commitments(), st.integers(0, 2**32), st.data())
def test_any_change_misses_the_root(case: tuple[list[Shape], list[int]], seed: int, data: st.DataObject) -> None:
    shapes, positions = case
    tree, _ = build(seed, shapes)
    opening = tree.open(positions)
    index = data.draw(st.integers(0, len(shapes) - 1))
    group = opening.groups[index]
    row = data.draw(st.integers(0, len(group.rows) - 1))
    rows, salts = [list(values) for values in group.rows], list(group.salts)
    if data.draw(st.booleans()):
        column = data.draw(st.integers(0, len(rows[row]) - 1))
        rows[row][column] = (rows[row][column] + 1) % P
    else:
        salts[row] = bytes([salts[row][0] ^ 1]) + salts[row][1:]
    groups = [GroupOpening(rows, salts) if k == index else g for k, g in enumerate(opening.groups)]
    assert root_of_opening(shapes, positions, replace(opening, groups=groups)) != tree.root
    for k, sibling in enumerate(opening.siblings):
        altered = [*opening.siblings[:k], sha(sibling), *opening.siblings[k + 1 :]]
        assert root_of_opening(shapes, positions, replace(opening, siblings=altered)) != tree.root


def test_opening_everything_needs_no_sibling() -> None:
    shapes: list[Shape] = [(5, (3,)), (2, (17,))]
    tree, _ = build(1, shapes)
    opening = tree.open(range(32))
    assert opening.siblings == []
    assert root_of_opening(shapes, range(32), opening) == tree.root


def test_neighbours_share_their_path() -> None:
    tree, _ = build(2, [(6, (5,))])
    assert len(tree.open([10, 11]).siblings) == 5
    assert len(tree.open([10]).siblings) == 6


@pytest.mark.parametrize("positions", [[], [3, 3], [4, 3], [-1], [8]])
def test_bad_positions_are_refused(positions: list[int]) -> None:
    tree, _ = build(3, [(3, (1,))])
    with pytest.raises(ValueError, match="positions to open"):
        tree.open(positions)


def test_bad_groups_are_refused() -> None:
    def group(log_size: int, tiles: int = 1, salts: int | None = None) -> Group:
        rows = 1 << log_size
        return Group(
            log_size,
            [np.zeros((tiles, rows, 16), np.uint32)],
            [5],
            np.zeros((rows if salts is None else salts, 4), np.uint32),
        )

    with pytest.raises(ValueError, match="tallest first"):
        commit([group(2), group(3)])
    with pytest.raises(ValueError, match="tallest first"):
        commit([])
    with pytest.raises(ValueError, match="fill 1 tiles"):
        commit([group(3, tiles=2)])
    with pytest.raises(ValueError, match="salts"):
        commit([group(3, salts=4)])
