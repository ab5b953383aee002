"""FRI on coefficients: folding a polynomial, and committing to its values on a layer's domain (docs/protocol.md, A8).

Polynomials over the extension are planar, uint32 (5, n), natural order, Montgomery.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from circuits.field import EXTENSION_DEGREE, Extension
from prover import extension, merkle, ntt, tiles
from prover.lanes import Words
from prover.merkle import Group, MerkleTree
from prover.randomness import Randomness, random_salts
from verifier.params import ARITY, LOG_ARITY
from verifier.shape import Domain


def fold(polynomial: Words, weights: Sequence[Extension]) -> Words:
    """sum over k < 8 of weight_k G_k, (5, n / 8); the polynomial, (5, n), is the sum of X^k G_k(X^8); n >= 128."""
    result = np.zeros((EXTENSION_DEGREE, polynomial.shape[1] // ARITY), dtype=np.uint32)
    for k, weight in enumerate(weights):
        extension.add_product(result, polynomial[:, k::ARITY], weight)
    return result


def commit_layer(polynomial: Words, domain: Domain, source: Randomness) -> MerkleTree:
    """The tree over the values on the domain, eight neighbouring ones a leaf."""
    values = ntt.evaluate(tiles.from_planar([polynomial]), domain.log_size, domain.shift)
    width, rows = EXTENSION_DEGREE * ARITY, values.shape[1] // ARITY
    matrix = tiles.from_rows(values[0, :, :EXTENSION_DEGREE].reshape(rows, width))
    return merkle.commit([Group(domain.log_size - LOG_ARITY, [matrix], [width], random_salts(rows, source))])
