"""Blinded chunks: they telescope to the quotient, and whatever does not fit is cut off."""

from __future__ import annotations

import numpy as np
import pytest

from circuits import field
from circuits.field import P
from prover import extension, quotient
from tests import small_circuit
from verifier.params import Parameters
from verifier.shape import shape_of

PARAMETERS = Parameters("test", log_blowup=2, queries=10, grinding_bits=(0, 0, 0, 0, 0))


@pytest.mark.parametrize("excess", [0, 5])
def test_chunks_telescope(excess: int) -> None:
    shape, source = shape_of(small_circuit.circuit(), PARAMETERS, (10, 10, 10)), np.random.default_rng(1)
    size, blinding = 4 * shape.chunk_stride, source.integers(0, P, (3, 5, PARAMETERS.blinding), dtype=np.uint32)
    total = source.integers(0, P, (5, size + excess), dtype=np.uint32)
    chunks = quotient.blinded_chunks(shape, total, blinding)
    assert [chunk.shape for chunk in chunks] == [(5, 1024)] * 4
    z = (3, 1, 4, 1, 5)
    values = [field.horner(extension.elements(chunk), z) for chunk in chunks]
    assert field.horner(values, field.power(z, shape.chunk_stride)) == field.horner(
        extension.elements(total[:, :size]), z
    )


def test_every_chunk_but_the_last_is_blinded_at_the_top() -> None:
    shape = shape_of(small_circuit.circuit(), PARAMETERS, (10, 10, 10))
    blinding = np.random.default_rng(1).integers(1, P, (3, 5, PARAMETERS.blinding), dtype=np.uint32)
    chunks = quotient.blinded_chunks(shape, np.zeros((5, 4096), np.uint32), blinding)
    for i, chunk in enumerate(chunks):
        assert chunk[:, shape.chunk_stride :].any() == (i < 3)
        assert chunk[:, : PARAMETERS.blinding].any() == (i > 0)
        assert not chunk[:, PARAMETERS.blinding : shape.chunk_stride].any()
