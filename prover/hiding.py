"""Random rows and masks: they hide the witness in what is opened and in the LogUp terminals (docs/protocol.md, A4)."""

from __future__ import annotations

import numpy as np

from circuits.field import EXTENSION_DEGREE, P
from prover.lanes import LANES, Words
from prover.randomness import Randomness
from prover.tiles import from_rows
from verifier.shape import TableShape


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
