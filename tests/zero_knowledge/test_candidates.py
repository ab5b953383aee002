"""Distinguishers that recompute commitments or terminals from candidate witnesses, and what two proofs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from unittest.mock import patch

import numpy as np
import pytest

from circuits.field import ZERO, Extension, P, add, invert, neg, scale
from circuits.solvent import solvent_circuit
from prover import fri
from prover import prove as proving
from prover.lanes import Words
from prover.randomness import SALT_WORDS, SEED_BYTES, Randomness, random_salts
from prover.tiles import to_columns
from solvent import traces_of
from tests.batches import every_kind, new_ledger, run_batch
from tests.proving import TEST_PARAMETERS
from tests.zero_knowledge import linear_circuit, switches
from tests.zero_knowledge.fixed import Prover, fixed_challenges, parameters
from verifier.buses import Fingerprint

Switch = Callable[[], AbstractContextManager[None]]
FIXED = parameters(4)
CANDIDATES = [linear_circuit.prover(FIXED, (10, 10), seed) for seed in (1, 2)]
TRIALS = 10
ONE_SALT = partial(switches.salted_with, Randomness().words((SALT_WORDS,)))


class KnownElements(Randomness):
    """All field elements follow from a seed that the distinguisher knows; only the salts are secret."""

    def __init__(self, seed: bytes) -> None:
        super().__init__()
        self._known = Randomness(seed)

    def elements(self, shape: tuple[int, ...]) -> Words:
        """See Randomness."""
        return self._known.elements(shape)


def digests_of(prover: Prover, proof: bytes) -> set[bytes]:
    """All roots and nodes of Merkle trees that the proof shows."""
    _, head, _, openings = prover.read(proof)
    roots = {head.main_root, head.auxiliary_root, head.quotient_root, *(layer.root for layer in head.layers)}
    return roots.union(*(opening.siblings for opening in (*openings.rounds.values(), *openings.layers)))


def salts_of(prover: Prover, proof: bytes) -> list[bytes]:
    """All salts that the proof shows."""
    openings = prover.read(proof)[3]
    opened = [*openings.rounds.values(), *openings.layers]
    return [salt for opening in opened for rows in opening.classes for salt in rows.salts]


def recognised(proof: bytes, seed: bytes) -> list[int]:
    """The candidates whose trees, recomputed with all field elements known, have a digest in common with the proof's.

    Salts are guessed to be zero, or the same as the first that the proof shows.
    """
    seen = digests_of(CANDIDATES[0], proof)
    shown = np.frombuffer(salts_of(CANDIDATES[0], proof)[0], dtype=">u4").astype(np.uint32)
    found = []
    for number, candidate in enumerate(CANDIDATES):
        for salt in (np.zeros_like(shown), shown):
            with switches.salted_with(salt):
                recomputed = candidate.proof(Randomness(seed))
            if seen & digests_of(candidate, recomputed):
                found.append(number)
                break
    return found


@pytest.mark.parametrize(
    ("switch", "recognisable"), [(switches.nothing, False), (switches.no_salts, True), (ONE_SALT, True)]
)
def test_trees_show_the_witness_only_without_a_salt_for_each_leaf(switch: Switch, recognisable: bool) -> None:
    for trial in range(TRIALS):
        seed, truth = bytes([trial]) * SEED_BYTES, trial % 2
        with fixed_challenges():
            with switch():
                proof = CANDIDATES[truth].proof(KnownElements(seed))
            assert recognised(proof, seed) == ([truth] if recognisable else [])


def bare_terminals(candidate: Prover, proof: bytes) -> list[Extension]:
    """The LogUp sums of a candidate under the proof's challenges."""
    shape, _, challenges, _ = candidate.read(proof)
    fingerprint, sums = Fingerprint(challenges.beta, challenges.gamma, candidate.circuit), []
    for table in shape.tables:
        columns = to_columns(candidate.traces[table.table.name], table.table.width)[:, : table.active_rows]
        total, kinds = ZERO, linear_circuit.GIVEN if table.number == 0 else linear_circuit.TAKEN
        for kind, counts in zip(kinds, columns[3:].astype(np.int64), strict=True):
            fraction = invert(fingerprint.of_elements(linear_circuit.TOKENS, (kind,)))
            total = add(total, scale(fraction, int(counts.sum()) % P))
        sums.append(total if table.number == 0 else neg(total))
    return sums


@pytest.mark.parametrize(("switch", "recognisable"), [(switches.nothing, False), (switches.no_masks, True)])
def test_terminals_show_the_witness_only_without_masks(switch: Switch, recognisable: bool) -> None:
    for trial in range(2 * TRIALS):
        truth = trial % 2
        with switch():
            proof = CANDIDATES[truth].proof()
        terminals = CANDIDATES[truth].read(proof)[1].terminals
        found = [number for number, prover in enumerate(CANDIDATES) if bare_terminals(prover, proof) == terminals]
        assert found == ([truth] if recognisable else [])


@contextmanager
def recorded_salts() -> Iterator[list[Words]]:
    """All salts drawn for trees meanwhile, one array a group of leaves."""
    drawn: list[Words] = []

    def recording(rows: int, source: Randomness) -> Words:
        drawn.append(random_salts(rows, source))
        return drawn[-1]

    with patch.object(proving, "random_salts", recording), patch.object(fri, "random_salts", recording):
        yield drawn


def repeats(salts: list[Words]) -> int:
    """How many salts are there already."""
    together = np.concatenate(salts)
    return len(together) - len(np.unique(together, axis=0))


def test_two_proofs_of_one_batch_share_no_commitment_and_no_salt() -> None:
    statement, witness = run_batch(new_ledger(), every_kind())
    prover = Prover(solvent_circuit(), TEST_PARAMETERS, statement, traces_of(witness, TEST_PARAMETERS))
    with recorded_salts() as salts:
        one, other = prover.proof(), prover.proof()
    assert not digests_of(prover, one) & digests_of(prover, other)
    assert not set(salts_of(prover, one)) & set(salts_of(prover, other))
    assert repeats(salts) == 0


def test_a_seed_used_twice_repeats_every_commitment_and_salt() -> None:
    prover, seed = CANDIDATES[0], bytes(SEED_BYTES)
    with recorded_salts() as salts:
        one, other = prover.proof(Randomness(seed)), prover.proof(Randomness(seed))
    assert digests_of(prover, one) == digests_of(prover, other)
    assert repeats(salts) == sum(map(len, salts)) // 2
