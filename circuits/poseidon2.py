"""The Poseidon2 permutation over KoalaBear, width 16, on plain integers: the slow reference for every fast kernel.

Source: eprint 2023/323; S-box x^3, 8 full and 20 partial rounds. The linear layers use nothing but + and *, so an AIR
can apply them to symbolic expressions too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

from circuits.field import P
from circuits.poseidon2_constants import (
    FINAL_FULL_ROUNDS,
    INITIAL_FULL_ROUNDS,
    INTERNAL_DIAGONAL,
    PARTIAL_ROUNDS,
    WIDTH,
)

DIGEST_WIDTH = 8
# 16 inputs, 16 a full round, 1 a partial round.
TRACE_WIDTH = WIDTH * (1 + len(INITIAL_FULL_ROUNDS) + len(FINAL_FULL_ROUNDS)) + len(PARTIAL_ROUNDS)


class RingElement(Protocol):
    """What the linear layers ask of their operands: addition, and multiplication by an integer constant."""

    def __add__(self, other: Self, /) -> Self: ...

    def __mul__(self, other: int, /) -> Self: ...


Element = TypeVar("Element", bound=RingElement)


def external_linear(state: Sequence[Element]) -> list[Element]:
    """circ(2M, M, M, M) times the 16 elements, M = circ(2, 3, 1, 1) (section 5.1). Integers come back unreduced."""
    mixed: list[Element] = []
    for start in range(0, WIDTH, 4):
        a, b, c, d = state[start : start + 4]
        total = a + b + c + d
        mixed += [total + a + b * 2, total + b + c * 2, total + c + d * 2, total + d + a * 2]
    column_sums = [mixed[k] + mixed[k + 4] + mixed[k + 8] + mixed[k + 12] for k in range(4)]
    return [value + column_sums[i % 4] for i, value in enumerate(mixed)]


def internal_linear(state: Sequence[Element]) -> list[Element]:
    """(J + diag(INTERNAL_DIAGONAL)) times the 16 elements (section 5.2). Integers come back unreduced."""
    total = state[0]
    for value in state[1:]:
        total = total + value
    return [total + value * factor for value, factor in zip(state, INTERNAL_DIAGONAL, strict=True)]


def trace_row(inputs: Sequence[int]) -> list[int]:
    """The TRACE_WIDTH canonical values a row of the permutation's table holds.

    The 16 inputs; the state after each of the first 4 full rounds; the output of the S-box in each of the 20 partial
    rounds; the state after each of the last 4 full rounds, the last of which is the permutation's output.
    """
    if len(inputs) != WIDTH:
        raise ValueError(f"Poseidon2 permutes {WIDTH} elements, got {len(inputs)}")
    row = [value % P for value in inputs]
    state = [value % P for value in external_linear(row)]
    for constants in INITIAL_FULL_ROUNDS:
        state = _full_round(state, constants)
        row += state
    for constant in PARTIAL_ROUNDS:
        state[0] = _sbox(state[0] + constant)
        row.append(state[0])
        state = [value % P for value in internal_linear(state)]
    for constants in FINAL_FULL_ROUNDS:
        state = _full_round(state, constants)
        row += state
    return row


def permute(state: Sequence[int]) -> list[int]:
    """The permutation of 16 elements, canonical. Raises ValueError on another length."""
    return trace_row(state)[-WIDTH:]


def compress(sixteen: Sequence[int]) -> list[int]:
    """Two digests of 8 elements to one: the first half of permute(x) + x, canonical."""
    return [(image + value) % P for image, value in zip(permute(sixteen), sixteen, strict=True)][:DIGEST_WIDTH]


def _sbox(value: int) -> int:
    return value * value * value % P


def _full_round(state: Sequence[int], constants: Sequence[int]) -> list[int]:
    outputs = [_sbox(value + constant) for value, constant in zip(state, constants, strict=True)]
    return [value % P for value in external_linear(outputs)]
