"""Chi-square tests of everything that proofs of one statement from two witnesses open under fixed challenges."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest

from circuits.checker import check
from circuits.field import P
from tests import small_circuit
from tests.zero_knowledge import distributions, linear_circuit, switches
from tests.zero_knowledge.distributions import alarm, homogeneity, joint_statistics, uniformity
from tests.zero_knowledge.fixed import Prover, Samples, fixed_challenges, parameters
from tests.zero_knowledge.two_witnesses import provers, witnesses
from verifier.verify import verify

QUERIES = 4
SWITCHED_OFF = 120  # proofs that show what is missing
Switch = Callable[[], AbstractContextManager[None]]


def views_of(pair: list[Prover], proofs: int) -> list[dict[str, Samples]]:
    """For each witness what half of the proofs open, and statistics of all of it together."""
    with fixed_challenges():
        found = [prover.views(proofs // 2) for prover in pair]
    for view in found:
        view["jointly"] = joint_statistics(np.hstack(list(view.values())), seed=3)
    return found


def uneven(one: dict[str, Samples], other: dict[str, Samples]) -> set[str]:
    """What is not uniform in both samples together. Rate of false alarms: 1e-5 (1e-6 for each name)."""
    return {name for name in one if alarm(uniformity(np.vstack([one[name], other[name]])))}


def different(one: dict[str, Samples], other: dict[str, Samples]) -> set[str]:
    """What is distributed differently in the two samples. Rate of false alarms: 1e-5."""
    return {name for name in one if alarm(homogeneity(one[name], other[name]))}


def test_the_harness_reads_true_proofs_of_two_true_witnesses() -> None:
    fixed = parameters(QUERIES)
    statement, columns = witnesses(fixed)
    assert all(check(small_circuit.circuit(), tables, statement.messages()).ok for tables in columns)
    assert columns[0]["walk"][1:5] != columns[1]["walk"][1:5]
    with fixed_challenges():
        for prover in provers(fixed):
            _, _, challenges, _ = prover.read(proof := prover.proof())
            assert verify(prover.circuit, fixed, proof, small_circuit.decode_walk, floor=0) == statement
            assert len(challenges.positions) == QUERIES


@pytest.mark.parametrize("proofs", [100, pytest.param(2000, marks=pytest.mark.long)])
def test_openings_are_uniform_and_alike_for_both_witnesses(proofs: int) -> None:
    pair = views_of(provers(parameters(QUERIES)), proofs)
    assert uneven(*pair) == set()
    assert different(*pair) == set()


@pytest.mark.parametrize(
    ("switch", "not_uniform", "telling"),
    [
        (switches.no_random_rows, "main", set()),  # the masks still hide the columns in which the witnesses differ
        (switches.no_random_logup_rows, "auxiliary", {"auxiliary"}),
        (switches.no_random_polynomial, "random polynomial", set()),
        (switches.no_masks, "terminals", set()),
    ],
)
def test_each_part_that_hides_is_missed(switch: Switch, not_uniform: str, telling: set[str]) -> None:
    with switch():
        pair = views_of(provers(parameters(QUERIES)), SWITCHED_OFF)
    assert not_uniform in uneven(*pair)
    assert different(*pair) >= telling


@pytest.mark.parametrize(
    ("switch", "not_uniform", "telling"),
    [
        (switches.nothing, set(), set()),
        (switches.no_random_rows, {"main", "out of domain"}, {"main", "out of domain"}),
        (switches.no_blinding, {"chunks", "out of domain"}, set()),
        (switches.no_masks, {"terminals"}, {"terminals"}),
    ],
)
def test_two_witnesses_that_differ_in_wide_tables_and_in_terminals(
    switch: Switch, not_uniform: set[str], telling: set[str]
) -> None:
    pair = [linear_circuit.prover(parameters(QUERIES), (10, 10), seed) for seed in (1, 2)]
    with switch():
        views = views_of(pair, SWITCHED_OFF)
    assert uneven(*views) - {"jointly"} == not_uniform
    assert different(*views) - {"jointly"} == telling


def test_the_chi_square_tests_themselves() -> None:
    # 5 % and 0.1 % points of the distribution with 16 degrees of freedom, from the usual tables.
    np.testing.assert_allclose(distributions._upper_tail(np.array([26.296, 39.252])), [0.05, 0.001], rtol=1e-3)
    source = np.random.default_rng(1)
    uniform = [source.integers(0, P, (1000, 2000)) for _ in range(2)]
    assert not alarm(uniformity(uniform[0]))
    assert not alarm(homogeneity(*uniform))
    assert 0.04 < (uniformity(uniform[0]) < 0.05).mean() < 0.06
    assert 0.04 < (homogeneity(*uniform) < 0.05).mean() < 0.06
    skewed = uniform[1].copy()
    skewed[:, 7] = np.maximum(skewed[:, 7], source.integers(0, P, 1000))
    assert alarm(uniformity(skewed))
    assert alarm(homogeneity(uniform[0], skewed))
    paired = uniform[0][:, :2].copy()
    paired[:, 1] = (P - paired[:, 0] + source.integers(0, 1 << 24, 1000)) % P
    assert not alarm(uniformity(paired))
    assert alarm(uniformity(joint_statistics(paired, seed=1)))
