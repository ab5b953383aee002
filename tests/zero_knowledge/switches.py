"""What hides, switched off one part at a time. Nothing of the kind exists outside the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

from circuits.field import EXTENSION_DEGREE
from prover import fri, hiding
from prover import prove as proving
from prover.lanes import LANES, Words
from prover.randomness import SALT_WORDS, Randomness
from verifier.shape import TableShape


@contextmanager
def no_random_rows() -> Iterator[None]:
    """The random rows of the main columns are 0, but for the masks."""
    honest: Callable[..., Words] = proving._hidden_trace

    def without(table: TableShape, trace: Words, mask: Words, source: Randomness) -> Words:
        main = honest(table, trace, mask, source)
        main[:, table.active_rows :] = 0
        main[0, table.active_rows, :EXTENSION_DEGREE] = mask
        return main

    with patch.object(proving, "_hidden_trace", without):
        yield


@contextmanager
def no_random_logup_rows() -> Iterator[None]:
    """The random rows of the LogUp columns are 0, but for the running sum's total."""

    def without(columns: Words, table: TableShape, source: Randomness) -> None:
        first = EXTENSION_DEGREE * (table.table.auxiliary_width - 1)
        sums = [divmod(column, LANES) for column in range(first, first + EXTENSION_DEGREE)]
        total = [columns[tile, table.active_rows, lane] for tile, lane in sums]
        columns[:, table.active_rows :] = 0
        for (tile, lane), word in zip(sums, total, strict=True):
            columns[tile, table.active_rows, lane] = word

    with patch.object(hiding, "randomise_auxiliary", without):
        yield


@contextmanager
def _zeros(name: str) -> Iterator[None]:
    """The function of prover.hiding draws as ever, but gives zeros."""
    honest: Callable[..., Words] = getattr(hiding, name)

    def without(*arguments: Any) -> Words:
        return np.zeros_like(honest(*arguments))

    with patch.object(hiding, name, without):
        yield


@contextmanager
def salted_with(salt: Words) -> Iterator[None]:
    """All leaves of all trees have the same salt, (4,)."""

    def same(rows: int, source: Randomness) -> Words:
        return np.tile(salt, (rows, 1))

    with patch.object(proving, "random_salts", same), patch.object(fri, "random_salts", same):
        yield


no_masks = partial(_zeros, "terminal_masks")
no_blinding = partial(_zeros, "chunk_blinding")
no_random_polynomial = partial(_zeros, "random_polynomial")
no_salts = partial(salted_with, np.zeros(SALT_WORDS, dtype=np.uint32))
nothing = nullcontext
