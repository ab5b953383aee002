"""The quotient of the constraints of each table, on its quotient domain, and the blinded chunks of their sum.

See docs/protocol.md, A5. Polynomials over the extension are planar, uint32 (5, n), natural order, Montgomery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from circuits.field import EXTENSION_DEGREE
from prover import extension, lanes, logup, ntt, parallel, tiles
from prover.constraint_kernel import ConstraintKernel
from prover.lanes import LANES, Words
from prover.logup import Interactions
from prover.selectors import selectors_over_vanishing
from verifier.params import CHUNKS
from verifier.shape import Shape, TableShape

_STRIP = 16  # groups of 16 rows that all kernels of a table work on in turn, while they are in the cache


@dataclass(frozen=True)
class QuotientTask:
    """Everything that the quotient of one table depends on.

    main, auxiliary: the low-degree extensions, tiles whose first 4n rows are the quotient domain; shift: that of their
    domain; weights: the powers of alpha of the table's constraints, (constraint_count, 5); terminal: (5,).
    """

    table: TableShape
    shift: int
    main: Words
    auxiliary: Words
    kernel: ConstraintKernel
    interactions: Interactions
    weights: Words
    terminal: Words

    @property
    def degree_bound(self) -> int:
        """Above the degree of a valid witness's quotient: constraints of degree 4 times a selector of degree R + 1."""
        return (CHUNKS - 1) * self.table.height + self.table.random_rows


def table_quotient(task: QuotientTask) -> Words:
    """The coefficients (5, 4n) of the sum of the table's constraints, each times weight and selector over Z."""
    rows = CHUNKS * task.table.height
    values = lanes.empty((1, rows, LANES))
    parallel.run_ranges(_quotient_job(task, values), rows // LANES, _STRIP)
    coefficients = ntt.interpolate_domain(values, task.shift)
    return np.ascontiguousarray(coefficients[0, :, :EXTENSION_DEGREE].T)


def is_polynomial(task: QuotientTask, coefficients: Words) -> bool:
    """Whether the coefficients are those of a quotient, not of values that no low-degree polynomial takes."""
    return not coefficients[:, task.degree_bound :].any()


def _quotient_job(task: QuotientTask, values: Words) -> Callable[[int, int], None]:
    """The job that fills groups start .. stop - 1, in block_groups' order within each block, of the values."""
    table, all_selectors = task.table, selectors_over_vanishing(task.table, task.shift)
    per_block, groups = table.height // LANES, tiles.block_groups(table.log_height)
    constraints, main_columns = len(table.table.constraints), task.main.shape[0] * LANES
    own_weights, logup_weights = task.weights[:constraints], task.weights[constraints:]

    def job(start: int, stop: int) -> None:
        frame = lanes.empty((_STRIP + 1, main_columns + task.auxiliary.shape[0] * LANES, LANES))
        spill = lanes.empty((_STRIP, task.kernel.spill_vectors, LANES))
        selectors, totals = lanes.empty((_STRIP, LANES, LANES)), lanes.empty((_STRIP, LANES, LANES))
        for group in range(start, stop, _STRIP):
            block, first = divmod(group, per_block)
            positions = groups[first : first + _STRIP + 1] + block * table.height
            tiles.gather(task.main, positions, frame, 0)
            tiles.gather(task.auxiliary, positions, frame, main_columns)
            if first + _STRIP == per_block:
                tiles.advance(frame, _STRIP)
            tiles.gather(all_selectors, positions[:_STRIP], selectors, 0)
            totals[:] = 0
            task.kernel.add_to(totals, frame, selectors, own_weights, spill)
            logup.add_constraints(totals, frame, task.interactions, logup_weights, task.terminal, selectors)
            tiles.scatter(totals, positions[:_STRIP], values)

    return job


def blinded_chunks(shape: Shape, quotient: Words, blinding: Words) -> list[Words]:
    """The committed chunks Q_i + X^(2^H - B) b_i - b_(i-1), each (5, 2^H); what is beyond 4 (2^H - B) is cut off.

    quotient: (5, at least 4 (2^H - B)); blinding: the random b_i, (3, 5, B).
    """
    stride, count = shape.chunk_stride, shape.parameters.blinding
    chunks = []
    for i in range(CHUNKS):
        chunk = lanes.empty((EXTENSION_DEGREE, 1 << shape.log_tallest))
        chunk[:, :stride] = quotient[:, i * stride : (i + 1) * stride]
        chunk[:, stride:] = blinding[i] if i < CHUNKS - 1 else 0
        if i:
            chunk[:, :count] = extension.subtract(chunk[:, :count], blinding[i - 1])
        chunks.append(chunk)
    return chunks
