"""Poseidon2 against Plonky3's published vector and against its definition as matrices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import poseidon2
from circuits.field import P
from circuits.poseidon2_constants import INTERNAL_DIAGONAL

# Plonky3, koala-bear/src/poseidon2.rs, test_default_koalabear_poseidon2_width_16.
PUBLISHED_INPUT = [
    894848333, 1437655012, 1200606629, 1690012884, 71131202, 1749206695, 1717947831, 120589055,
    19776022, 42382981, 1831865506, 724844064, 171220207, 1299207443, 227047920, 1783754913,
]  # fmt: skip
PUBLISHED_OUTPUT = [
    1934285469, 604889435, 133449501, 1026180808, 1830659359, 176667110, 1391183747, 351743874,
    1238264085, 1292768839, 2023573270, 1201586780, 1360691759, 1230682461, 748270449, 651545025,
]  # fmt: skip

states = st.lists(st.integers(0, P - 1), min_size=16, max_size=16)


def test_published_vector() -> None:
    assert poseidon2.permute(PUBLISHED_INPUT) == PUBLISHED_OUTPUT


def test_compress_feeds_forward() -> None:
    expected = [(x + y) % P for x, y in zip(PUBLISHED_INPUT, PUBLISHED_OUTPUT, strict=True)][:8]
    assert poseidon2.compress(PUBLISHED_INPUT) == expected


@given(states)
def test_linear_layers_are_the_paper_s_matrices(state: list[int]) -> None:
    block = [[2, 3, 1, 1], [1, 2, 3, 1], [1, 1, 2, 3], [3, 1, 1, 2]]
    external = [
        sum((2 if i // 4 == j // 4 else 1) * block[i % 4][j % 4] * state[j] for j in range(16)) for i in range(16)
    ]
    internal = [sum((1 + (INTERNAL_DIAGONAL[i] if i == j else 0)) * state[j] for j in range(16)) for i in range(16)]
    assert poseidon2.external_linear(state) == external
    assert poseidon2.internal_linear(state) == internal


def test_diagonal_is_the_published_one() -> None:
    half, small = pow(2, -1, P), pow(256, -1, P)
    deep = pow(2, -24, P)
    eighth, sixteenth = pow(8, -1, P), pow(16, -1, P)
    signed = [-2, 1, 2, half, 3, 4, -half, -3, -4, small, eighth, deep, -small, -eighth, -sixteenth, -deep]
    assert list(INTERNAL_DIAGONAL) == [value % P for value in signed]


@given(states)
def test_trace_row_layout(state: list[int]) -> None:
    row = poseidon2.trace_row(state)
    assert len(row) == poseidon2.TRACE_WIDTH == 164
    assert row[:16] == state
    assert row[-16:] == poseidon2.permute(state)
    assert all(0 <= value < P for value in row)


@pytest.mark.parametrize("length", [0, 15, 17])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16 elements"):
        poseidon2.permute([0] * length)
