"""All that hides the witness but for the salts: random rows, masks, blinding, and the batch's random polynomial.

See docs/protocol.md, A2 to A7; why they suffice is argued in docs/security.md. Everything is in Montgomery form.
"""

from __future__ import annotations

import numpy as np

from circuits.field import EXTENSION_DEGREE, P
from prover.lanes import LANES, Words
from prover.randomness import Randomness
from prover.tiles import from_rows
from verifier.params import CHUNKS
from verifier.shape import Shape, TableShape


def randomise_rows(tiles: Words, width: int, first_row: int, source: Randomness) -> None:
    """Make the rows from first_row on of the `width` columns random, in place. The columns beyond stay zero."""
    rows = tiles.shape[1] - first_row
    tiles[:, first_row:] = from_rows(source.elements((rows, width)))


def randomise_auxiliary(columns: Words, table: TableShape, source: Randomness) -> None:
    """Make the random rows of the LogUp columns random, in place, but for the running sum on row N, its total."""
    width = EXTENSION_DEGREE * table.table.auxiliary_width
    running_sum = [divmod(column, LANES) for column in range(width - EXTENSION_DEGREE, width)]
    total = [columns[tile, table.active_rows, lane] for tile, lane in running_sum]
    randomise_rows(columns, width, table.active_rows, source)
    for (tile, lane), word in zip(running_sum, total, strict=True):
        columns[tile, table.active_rows, lane] = word


def terminal_masks(count: int, source: Randomness) -> Words:
    """Random extension elements that sum to 0, one a table: (count, 5), Montgomery."""
    masks = source.elements((count, EXTENSION_DEGREE))
    masks[-1] = -masks[:-1].sum(axis=0, dtype=np.int64) % P
    return masks


def chunk_blinding(shape: Shape, source: Randomness) -> Words:
    """The random b_i that blind the chunks of the quotient: (3, 5, B)."""
    return source.elements((CHUNKS - 1, EXTENSION_DEGREE, shape.parameters.blinding))


def random_polynomial(shape: Shape, source: Randomness) -> Words:
    """The polynomial r that makes G_H, and with it all of FRI, random: (5, 2^H)."""
    return source.elements((EXTENSION_DEGREE, 1 << shape.log_tallest))
