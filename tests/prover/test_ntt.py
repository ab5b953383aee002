"""Transforms against galois: evaluation at the points of the domain, one by one, and interpolation of them."""

from __future__ import annotations

import galois
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.field import P, reverse_bits, root_of_unity
from prover import montgomery, ntt
from prover.lanes import Words

FIELD = galois.GF(P, primitive_element=3, verify=False)

shifts = st.integers(1, P - 1)
seeds = st.integers(0, 2**32 - 1)


def random_tiles(seed: int, tiles: int, rows: int) -> Words:
    return np.random.default_rng(seed).integers(0, P, (tiles, rows, 16)).astype(np.uint32)


def points(log_size: int, shift: int, reverse: bool) -> list[int]:
    root = root_of_unity(log_size)
    order = [reverse_bits(r, log_size) if reverse else r for r in range(1 << log_size)]
    return [shift * pow(root, exponent, P) % P for exponent in order]


def values_by_galois(canonical: Words, at: list[int]) -> Words:
    """(tiles, n, 16) coefficients -> (tiles, points, 16) values, by a Vandermonde matrix."""
    matrix = FIELD(at)[:, None] ** np.arange(canonical.shape[1])[None, :]
    return np.stack([np.asarray(matrix @ FIELD(tile.astype(np.int64))) for tile in canonical]).astype(np.uint32)


@pytest.mark.parametrize("log_n", range(7))
@pytest.mark.parametrize("log_blowup", [0, 1, 2])
def test_evaluate_is_evaluation_at_every_point(log_n: int, log_blowup: int) -> None:
    canonical = random_tiles(log_n, 2, 1 << log_n)
    log_domain, shift = log_n + log_blowup, 3 if log_n % 2 else 1234567
    expected = values_by_galois(canonical, points(log_domain, shift, reverse=True))
    result = ntt.evaluate(montgomery.to_montgomery(canonical), log_domain, shift)
    assert result.shape == (2, 1 << log_domain, 16)
    assert np.array_equal(montgomery.from_montgomery(result), expected)


@pytest.mark.parametrize("log_n", range(7))
def test_interpolate_inverts_evaluation_in_natural_order(log_n: int) -> None:
    canonical = random_tiles(log_n, 2, 1 << log_n)
    values = values_by_galois(canonical, points(log_n, 1, reverse=False))
    result = ntt.interpolate(montgomery.to_montgomery(values), log_n)
    assert np.array_equal(montgomery.from_montgomery(result), canonical)


@settings(max_examples=20, deadline=None)
@given(log_n=st.integers(0, 5), shift=shifts, seed=seeds)
def test_interpolate_domain_inverts_evaluation_on_a_coset(log_n: int, shift: int, seed: int) -> None:
    canonical = random_tiles(seed, 1, 1 << log_n)
    values = values_by_galois(canonical, points(log_n, shift, reverse=True))
    result = ntt.interpolate_domain(montgomery.to_montgomery(values), shift)
    assert np.array_equal(montgomery.from_montgomery(result), canonical)


@pytest.mark.parametrize("log_n", [8, 9, 10, 11, 12, 13, 14, 15])
def test_large_transforms_at_sampled_points(log_n: int) -> None:
    """Sizes that are split, cached and threaded: round trips, and Horner's rule at a few rows."""
    canonical = random_tiles(log_n, 1, 1 << log_n)
    coefficients = montgomery.to_montgomery(canonical)
    log_domain, shift = log_n + 1, 3
    values = ntt.evaluate(coefficients, log_domain, shift)
    sampled = np.random.default_rng(log_n).integers(0, 2 << log_n, 4)
    for row in [0, 1, (2 << log_n) - 1, *(int(r) for r in sampled)]:
        x = shift * pow(root_of_unity(log_domain), reverse_bits(row, log_domain), P) % P
        expected = 0
        for coefficient in canonical[0, ::-1, 7]:
            expected = (expected * x + int(coefficient)) % P
        assert int(montgomery.from_montgomery(values[0, row])[7]) == expected
    padded = np.concatenate([coefficients, np.zeros_like(coefficients)], axis=1)
    assert np.array_equal(ntt.interpolate_domain(values, shift), padded)
    natural = ntt.evaluate(coefficients, log_n, 1)[:, [reverse_bits(r, log_n) for r in range(1 << log_n)]]
    assert np.array_equal(ntt.interpolate(natural, log_n), coefficients)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, shift=shifts)
def test_linearity_across_tiles(seed: int, shift: int) -> None:
    tiles = random_tiles(seed, 3, 32)
    tiles[2] = (tiles[0].astype(np.int64) + tiles[1]) % P
    values = ntt.evaluate(tiles, 7, shift).astype(np.int64)
    assert np.array_equal((values[0] + values[1]) % P, values[2])


def test_misfits_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        ntt.evaluate(random_tiles(0, 1, 8), 2, 1)
    with pytest.raises(ValueError, match="expected 2\\^4"):
        ntt.interpolate(random_tiles(0, 1, 8), 4)
    with pytest.raises(ValueError, match="power of two"):
        ntt.evaluate(random_tiles(0, 1, 6), 3, 1)
