"""The proofs that hiding is measured against: true ones, and with nothing drawn."""

from __future__ import annotations

import pytest

from benchmarks.hiding import NoRandomness, NothingRandom, hiding_cost, print_hiding
from benchmarks.workload import workload
from circuits.solvent import solvent_circuit
from prover.prove import prove
from solvent import Parameters, traces_of
from tests.proving import TEST_PARAMETERS
from verifier.statements import decode
from verifier.verify import verify

FILLS = 4


@pytest.mark.parametrize("parameters", [TEST_PARAMETERS, NothingRandom(**vars(TEST_PARAMETERS))])
def test_proofs_without_randomness_are_true_and_all_alike(parameters: Parameters) -> None:
    statement, witness = workload(FILLS).close()
    proofs = [
        prove(solvent_circuit(), parameters, statement, traces_of(witness, parameters), randomness=NoRandomness())[0]
        for _ in range(2)
    ]
    assert proofs[0] == proofs[1]
    assert verify(solvent_circuit(), parameters, proofs[0], decode, floor=0) == statement


def test_cost_of_hiding(capsys: pytest.CaptureFixture[str]) -> None:
    found = hiding_cost(FILLS, None, TEST_PARAMETERS, 1)
    assert list(found["modes"]) == ["hiding", "no randomness", "nothing"]
    assert found["modes"]["hiding"]["cost"] == 0
    for mode in found["modes"].values():
        assert mode["cost"] == pytest.approx(found["modes"]["hiding"]["seconds"] / mode["seconds"] - 1)
    print_hiding(found)
    assert "no randomness" in capsys.readouterr().out
