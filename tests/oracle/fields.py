"""KoalaBear and its quintic extension as the library galois builds them, from the numbers of docs/protocol.md, A1."""

from collections.abc import Sequence
from typing import Any

import galois
import numpy as np
from numpy.typing import ArrayLike

P = 2**31 - 2**24 + 1
GENERATOR = 3
DEGREE = 5
X = P  # galois writes a polynomial over the base field as its value at P, so this is x

# Arrays of galois carry their field in their class, which only exists at run time.
BaseArray = Any
QuinticArray = Any

Base: Any = galois.GF(P)
# Nothing takes a logarithm, so the primitive element is not looked for; a test shows that the modulus is irreducible.
Quintic: Any = galois.GF(
    P,
    DEGREE,
    irreducible_poly=galois.Poly([1, 0, 0, 1, 0, P - 1], field=Base),
    primitive_element=X,
    verify=False,
)


def elements(coordinates: Sequence[ArrayLike]) -> QuinticArray:
    """Extension elements from their five coordinates, lowest power first: integers or arrays of one shape."""
    parts = [np.asarray(part).astype(object) * P**j for j, part in enumerate(coordinates)]
    assert len(parts) == DEGREE
    return Quintic(sum(parts[1:], parts[0]))


def embedded(values: ArrayLike) -> QuinticArray:
    """Base elements as extension elements."""
    return Quintic(np.asarray(values).astype(object))


def coordinates(value: QuinticArray) -> tuple[int, ...]:
    """The five coordinates of one extension element, lowest power first."""
    number = int(value)
    return tuple(number // P**j % P for j in range(DEGREE))


def root_of_unity(order: int) -> BaseArray:
    """The generator w of the subgroup of that order, a power of two."""
    return Base(GENERATOR) ** ((P - 1) // order)


def subgroup(order: int) -> BaseArray:
    """1, w, w^2, ...: shape (order,)."""
    return root_of_unity(order) ** np.arange(order)


def reversed_bits(value: int, bits: int) -> int:
    """bitrev of A1."""
    return sum((value >> i & 1) << (bits - 1 - i) for i in range(bits))
