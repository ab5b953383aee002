"""Rates that kernels are held against, in nanoseconds a unit on one core of a Zen 4 processor, and their sources."""

from typing import NamedTuple

_C = "C with AVX-512 intrinsics, Zen 4"
_PROTOTYPE = "prototype on lanes, Zen 4"


class Reference(NamedTuple):
    """A measured rate, and what it was measured on."""

    nanoseconds: float
    source: str


PRODUCT = Reference(0.16, _PROTOTYPE)  # a Montgomery product
BUTTERFLY_CACHED = Reference(0.24, f"{_C}, in L2")
BUTTERFLY_MEMORY = Reference(0.40, f"{_C}, in RAM")
SHA256_BLOCK = Reference(20.0, _C)  # a block of 64 bytes
POSEIDON2 = Reference(145.0, _C)  # a permutation of width 16
CONSTRAINT = Reference(0.16, _PROTOTYPE)  # an operation in a row
