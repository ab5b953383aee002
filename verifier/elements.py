"""Field elements as bytes: big-endian, 4 bytes a base element, 5 base elements an extension element, canonical only."""

import struct
from collections.abc import Iterable, Sequence
from itertools import chain

from circuits.field import EXTENSION_DEGREE, Extension, P
from verifier.errors import Reason, Rejection

ELEMENT_BYTES = 4
EXTENSION_BYTES = ELEMENT_BYTES * EXTENSION_DEGREE


def pack_elements(elements: Sequence[int]) -> bytes:
    """Base elements, 4 bytes each."""
    return struct.pack(f">{len(elements)}I", *elements)


def unpack_elements(data: bytes, where: str) -> tuple[int, ...]:
    """The base elements of data, whose length is a multiple of 4. Raises Rejection for one that is not below P."""
    elements: tuple[int, ...] = struct.unpack(f">{len(data) // ELEMENT_BYTES}I", data)
    if elements and max(elements) >= P:
        i = next(i for i, element in enumerate(elements) if element >= P)
        raise Rejection(Reason.NON_CANONICAL, f"{where}: element {i} is {elements[i]}, not below {P}")
    return elements


def pack_extensions(values: Iterable[Extension]) -> bytes:
    """Extension elements, 20 bytes each, lowest power first."""
    return pack_elements(tuple(chain.from_iterable(values)))


def unpack_extensions(data: bytes, where: str) -> list[Extension]:
    """The extension elements of data, whose length is a multiple of 20. Raises Rejection as unpack_elements does."""
    return group_extensions(unpack_elements(data, where))


def group_extensions(elements: Sequence[int]) -> list[Extension]:
    """Base elements taken in fives."""
    coordinates = [elements[i::EXTENSION_DEGREE] for i in range(EXTENSION_DEGREE)]
    return list(zip(*coordinates, strict=True))
