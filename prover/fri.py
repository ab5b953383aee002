"""FRI on coefficients: folding a polynomial, and committing to its values on a layer's domain (docs/protocol.md, A8).

Polynomials over the extension are planar, uint32 (5, n), natural order, Montgomery.
"""

from __future__ import annotations

import numpy as np

from circuits.field import EXTENSION_DEGREE, ONE, Extension, mul
from prover import extension, lanes, merkle, ntt, tiles
from prover.lanes import LANES, Words
from prover.merkle import Group, MerkleTree
from prover.randomness import Randomness, random_salts
from verifier.params import ARITY, LOG_ARITY
from verifier.shape import Domain


def fold(polynomial: Words, zeta: Extension) -> Words:
    """sum over k < 8 of zeta^k G_k, (5, n / 8), where the polynomial, (5, n), is the sum of X^k G_k(X^8); n >= 128."""
    result = np.zeros((EXTENSION_DEGREE, polynomial.shape[1] // ARITY), dtype=np.uint32)
    power = ONE
    for k in range(ARITY):
        extension.add_product(result, polynomial[:, k::ARITY], power)
        power = mul(power, zeta)
    return result


def commit_layer(polynomial: Words, domain: Domain, source: Randomness) -> MerkleTree:
    """The tree over the values on the domain, eight neighbouring ones a leaf."""
    values = ntt.evaluate(tiles.from_planar([polynomial]), domain.log_size, domain.shift)
    width, rows = EXTENSION_DEGREE * ARITY, values.shape[1] // ARITY
    matrix = lanes.empty((tiles.tile_count(width), rows, LANES))
    padded = np.zeros((rows, len(matrix) * LANES), dtype=np.uint32)
    padded[:, :width] = values[0, :, :EXTENSION_DEGREE].reshape(rows, width)
    matrix[:] = padded.reshape(rows, -1, LANES).transpose(1, 0, 2)
    return merkle.commit([Group(domain.log_size - LOG_ARITY, [matrix], [width], random_salts(rows, source))])
