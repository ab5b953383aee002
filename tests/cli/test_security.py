"""solvent security: the table and the JSON object."""

import pytest

from cli.security import rounded
from tests.cli.running import run, run_json
from verifier.security import FLOOR, STATE_DIGEST_BITS


@pytest.mark.parametrize("params", ["standard", "compact"])
@pytest.mark.parametrize("height", [10, 16, 20])
def test_every_term_is_listed_and_reaches_the_floor(params: str, height: int) -> None:
    content = run_json("security", "--params", params, "--height", height)
    bits = dict(content["bits"])
    minimum = bits.pop("minimum")
    folds = {f"fold {layer}" for layer in range(-(-(height - 8) // 3))}
    assert set(bits) == {"lookup", "composition", "out-of-domain", "batch", *folds, "query", "Merkle hash"}
    assert minimum == min(bits.values()) == bits[content["weakest"]] >= FLOOR == content["floor"]
    assert set(content["regimes"]) == {"Johnson bound", "unique decoding"}
    for regime in content["regimes"].values():
        assert {term["name"] for term in regime["terms"]} == set(bits)
        assert all(term["formula"] and term["source"] for term in regime["terms"])


def test_the_state_tree_is_named_beside_the_proof_as_the_minimum_of_the_system() -> None:
    content = run_json("security")
    assert content["log_height"] == 20
    assert content["system"].pop("minimum") == rounded(STATE_DIGEST_BITS) == 123.95
    assert list(content["system"]) == ["state-tree digest (Poseidon2, collisions)"]
    assert content["hiding"] == {"leaf salts": 128}


def test_the_table_names_minimum_term_and_state_tree() -> None:
    result = run("security", "--params", "compact", "--height", 18)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith(
        "compact, heights up to 2^18: 128.0 bits proven, by Johnson bound; the weakest term is: "
    )
    assert any(line.startswith("unique decoding: ") for line in lines)
    assert "the system's minimum is 123.95" in result.stdout


@pytest.mark.parametrize("height", [9, 21, "tall"])
def test_heights_out_of_bounds_are_bad_input(height: object) -> None:
    assert run("security", "--height", height).exit_code == 2


def test_bits_are_rounded_down() -> None:
    assert rounded(127.999) == 127.99
    assert rounded(128.0) == 128.0
