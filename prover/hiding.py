"""What hides the witness: random rows, masks of the LogUp terminals, blinding of the quotient (docs/protocol.md, A3 to A5)."""

from __future__ import annotations

import numpy as np

from circuits.field import EXTENSION_DEGREE, P
from prover.lanes import LANES, Words
from prover.randomness import Randomness
from prover.tiles import tile_count


def randomise_rows(tiles: Words, width: int, first_row: int, source: Randomness) -> None:
    """Make the rows from first_row on of the `width` columns random, in place. The columns beyond stay zero."""
    rows = tiles.shape[1] - first_row
    values = np.zeros((rows, tile_count(width) * LANES), dtype=np.uint32)
    values[:, :width] = source.elements((rows, width))
    tiles[:, first_row:] = values.reshape(rows, -1, LANES).transpose(1, 0, 2)


def terminal_masks(count: int, source: Randomness) -> Words:
    """Random extension elements that sum to 0, one a table: (count, 5), Montgomery."""
    masks = source.elements((count, EXTENSION_DEGREE))
    masks[-1] = -masks[:-1].sum(axis=0, dtype=np.int64) % P
    return masks
