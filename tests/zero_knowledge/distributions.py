"""Chi-square tests of field elements: is each statistic uniform, and is it alike in two samples?

Each test gives a p-value for every column of samples (count, columns); `alarm` looks at the smallest. The columns may
depend on one another: Bonferroni's bound does not mind.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from circuits.field import P

Samples = NDArray[np.int64]
Probabilities = NDArray[np.float64]

FALSE_ALARM = 1e-6  # that `alarm` reports anything of samples that are what they should be
BUCKETS = 17  # 16 degrees of freedom: an even number has a closed form


def alarm(p_values: Probabilities) -> bool:
    """Whether the smallest of the p-values is too small, at a rate of FALSE_ALARM for all of them together."""
    return bool(p_values.min() * p_values.size < FALSE_ALARM)


def uniformity(samples: Samples) -> Probabilities:
    """How likely uniform elements of [0, P) are to spread as unevenly: (columns,)."""
    expected = len(samples) / BUCKETS
    return _upper_tail(((_histograms(samples) - expected) ** 2 / expected).sum(axis=0))


def homogeneity(one: Samples, other: Samples) -> Probabilities:
    """How likely two samples of one distribution are to differ as much: (columns,)."""
    first, second = _histograms(one), _histograms(other)
    total = np.maximum(first + second, 1)  # an empty bucket adds nothing
    ratio = math.sqrt(len(other) / len(one))
    return _upper_tail(((first * ratio - second / ratio) ** 2 / total).sum(axis=0))


def joint_statistics(samples: Samples, seed: int, count: int = 64) -> Samples:
    """Statistics of several columns at once: linear combinations of all, then sums and products of random pairs.

    All are uniform if the columns are (products but for 1/P).
    """
    source = np.random.default_rng(seed)
    weights = source.integers(1, P, (count, samples.shape[1]))
    combinations = [(samples * weight % P).sum(axis=1) % P for weight in weights]
    pairs = [source.choice(samples.shape[1], 2, replace=False) for _ in range(count)]
    sums = [samples[:, pair].sum(axis=1) % P for pair in pairs]
    products = [samples[:, pair].prod(axis=1) % P for pair in pairs]
    return np.stack([*combinations, *sums, *products], axis=1)


def _histograms(samples: Samples) -> NDArray[np.float64]:
    """How many elements of each column fall into each of equal intervals: (BUCKETS, columns)."""
    buckets = samples * BUCKETS // P
    return np.stack([(buckets == bucket).sum(axis=0) for bucket in range(BUCKETS)]).astype(np.float64)


def _upper_tail(statistic: NDArray[np.float64]) -> Probabilities:
    """P(chi-square with BUCKETS - 1 degrees of freedom >= statistic): the first terms of a Poisson distribution."""
    half = statistic / 2
    terms = [half**k / math.factorial(k) for k in range((BUCKETS - 1) // 2)]
    return np.asarray(np.exp(-half) * np.sum(terms, axis=0))
