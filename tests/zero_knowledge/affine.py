"""The smallest affine space over F_p that holds given samples: all linear relations that they obey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from circuits.field import P

Vectors = NDArray[np.int64]
SPARE = 4  # samples beyond the dimension: uniform ones miss the rest of their space with probability about p^-SPARE


class AffineHull:
    """The affine space through samples (count, length); `dimension`."""

    def __init__(self, samples: Vectors) -> None:
        """Raises ValueError if the samples are too few to know the space of which they are uniform samples."""
        self._origin = samples[0] % P
        self._rows, self._pivots = _echelon((samples[1:] - self._origin) % P)
        self.dimension = len(self._pivots)
        if self.dimension + SPARE > len(samples) - 1:
            raise ValueError(f"{len(samples)} samples do not determine a space of dimension {self.dimension} or more")

    def contains(self, vector: Vectors) -> bool:
        """Whether the vector (length,) obeys all linear relations of the samples."""
        rest = (vector - self._origin) % P
        for row, pivot in zip(self._rows, self._pivots, strict=True):
            if rest[pivot]:
                rest = (rest - rest[pivot] * row) % P
        return not rest.any()


def _echelon(matrix: Vectors) -> tuple[Vectors, list[int]]:
    """The nonzero rows of a row echelon form, with leading ones, and their columns."""
    pivots: list[int] = []
    for column in range(matrix.shape[1]):
        row = len(pivots)
        candidates = np.flatnonzero(matrix[row:, column])
        if not candidates.size:
            continue
        found = row + candidates[0]
        matrix[[row, found]] = matrix[[found, row]]
        matrix[row, column:] = matrix[row, column:] * pow(int(matrix[row, column]), -1, P) % P
        below = matrix[row + 1 :, column:]
        below -= below[:, :1] * matrix[row, column:] % P
        below %= P
        pivots.append(column)
    return matrix[: len(pivots)], pivots
