"""Everything linear that proofs of the linear circuit tell of their witness.

Under fixed challenges such a proof is a uniform point of an affine space. The space is found from proofs of one
witness; if proofs of another witness lie in it they are distributed alike, if not a linear relation tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import numpy as np
import pytest

from circuits.field import EXTENSION_DEGREE, P
from tests.zero_knowledge import linear_circuit, switches
from tests.zero_knowledge.affine import AffineHull
from tests.zero_knowledge.fixed import (
    FixedTranscript,
    NeighbouringQueries,
    Samples,
    fixed_challenges,
    parameters,
)
from verifier.transcript import Transcript
from verifier.verify import verify

LOWEST = (10, 10)
TWO_CLASSES = (13, 10)
COLUMNS = ("main", "auxiliary", "out of domain", "terminals")
Switch = Callable[[], AbstractContextManager[None]]


def joined(views: dict[str, Samples], names: Iterable[str]) -> Samples:
    """The named parts side by side: (proofs, elements)."""
    return np.hstack([views[name] for name in names])


def tells_witnesses_apart(
    queries: int,
    rows: int,
    proofs: int,
    names: Iterable[str],
    log_heights: tuple[int, int] = LOWEST,
    transcript: type[Transcript] = FixedTranscript,
) -> bool:
    """Whether a linear relation among the named parts holds for one witness and not for another."""
    names = tuple(names)
    one, other = (linear_circuit.prover(parameters(queries, rows), log_heights, seed) for seed in (1, 2))
    with fixed_challenges(transcript):
        hull = AffineHull(joined(one.views(proofs), names))
        fresh, foreign = (joined(prover.views(2), names) for prover in (one, other))
    assert all(hull.contains(view) for view in fresh)
    found = {hull.contains(view) for view in foreign}
    assert len(found) == 1
    return found == {False}


@pytest.mark.parametrize(
    ("queries", "rows", "proofs", "expected"),
    [
        (9, 9 + 11, 412, True),
        pytest.param(9, 2 * 9 + 11, 412, False, marks=pytest.mark.long),
        pytest.param(10, 10 + 11, 445, True, marks=pytest.mark.long),
        pytest.param(10, 2 * 10 + 2, 445, True, marks=pytest.mark.long),
        pytest.param(10, 2 * 10 + 3, 445, False, marks=pytest.mark.long),
        pytest.param(10, 2 * 10 + 11, 445, False, marks=pytest.mark.long),
    ],
)
def test_the_quotient_at_queries_tells_of_the_next_rows_unless_rows_are_random_for_both(
    queries: int, rows: int, proofs: int, expected: bool
) -> None:
    assert tells_witnesses_apart(queries, rows, proofs, (*COLUMNS, "quotient")) == expected
    assert parameters(queries).random_rows == 2 * queries + 11


@pytest.mark.long
def test_with_too_few_rows_it_is_the_quotient_that_tells() -> None:
    assert not tells_witnesses_apart(9, 9 + 11, 365, COLUMNS)


@pytest.mark.long
@pytest.mark.parametrize(("log_heights", "transcript"), [(TWO_CLASSES, FixedTranscript), (LOWEST, NeighbouringQueries)])
def test_smaller_tables_and_neighbouring_queries_tell_nothing_more(
    log_heights: tuple[int, int], transcript: type[Transcript]
) -> None:
    assert not tells_witnesses_apart(10, 31, 460, (*COLUMNS, "quotient"), log_heights, transcript)


def dimension(switch: Switch, queries: int, proofs: int, names: Iterable[str]) -> tuple[int, int]:
    """That of the space in which the named parts lie, and the number of their elements."""
    prover = linear_circuit.prover(parameters(queries), LOWEST, 1)
    with switch(), fixed_challenges():
        samples = joined(prover.views(proofs), names)
    return AffineHull(samples).dimension, samples.shape[1]


@pytest.mark.parametrize(
    ("switch", "name"),
    [
        (switches.no_random_rows, "main"),
        (switches.no_random_logup_rows, "auxiliary"),
        (switches.no_blinding, "chunks"),
        (switches.no_random_polynomial, "random polynomial"),
    ],
)
def test_rows_at_queries_are_independent_unless_what_hides_them_is_off(switch: Switch, name: str) -> None:
    queries = 2
    elements = {"main": 12, "auxiliary": 15, "chunks": 20, "random polynomial": 5}[name] * queries
    assert dimension(switches.nothing, queries, elements + 6, [name]) == (elements, elements)
    reached, _ = dimension(switch, queries, elements + 6, [name])
    assert reached <= elements // 2


def test_terminals_tell_nothing_but_their_sum_unless_masks_are_off() -> None:
    assert dimension(switches.nothing, 2, 12, ["terminals"]) == (EXTENSION_DEGREE, 2 * EXTENSION_DEGREE)
    assert not tells_witnesses_apart(2, 15, 12, ["terminals"])
    with switches.no_masks():
        assert tells_witnesses_apart(2, 15, 12, ["terminals"])


@pytest.mark.long
def test_the_final_polynomial_is_uniform_only_with_the_random_polynomial() -> None:
    elements = 128 * EXTENSION_DEGREE
    assert dimension(switches.nothing, 1, elements + 6, ["final"]) == (elements, elements)
    reached, _ = dimension(switches.no_random_polynomial, 1, elements + 6, ["final"])
    assert reached < elements


@pytest.mark.long
def test_nothing_obeys_a_relation_that_the_verifier_does_not_check() -> None:
    queries = 2
    parts = (*COLUMNS, "chunks", "random polynomial", "layers", "final")
    # Composition at z, sum of the terminals, and for each query the first layer and the final polynomial.
    checked = EXTENSION_DEGREE * (1 + 1 + 2 * queries)
    reached, elements = dimension(switches.nothing, queries, 960, parts)
    assert reached == elements - checked


def test_the_harness_makes_true_proofs_and_finds_relations() -> None:
    prover = linear_circuit.prover(parameters(3), TWO_CLASSES, 1)
    with fixed_challenges():
        assert (
            verify(prover.circuit, prover.parameters, prover.proof(), linear_circuit.decode_existence, floor=0)
            == linear_circuit.Existence()
        )
    source = np.random.default_rng(1)
    basis, origin = source.integers(0, P, (3, 8)), source.integers(0, P, 8)
    weights = source.integers(0, P, (10, 3))
    samples = [origin + (weight[:, None] * basis % P).sum(axis=0) for weight in weights]
    hull = AffineHull(np.array(samples[:9]) % P)
    assert hull.dimension == 3
    assert hull.contains(samples[9])
    assert not hull.contains(samples[9] + np.eye(8, dtype=np.int64)[4])
    with pytest.raises(ValueError, match="do not determine"):
        AffineHull(source.integers(0, P, (8, 20)))
