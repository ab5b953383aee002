"""A ledger's directory as others may leave it: foreign or damaged chains, another venue, no permission to write."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import fails, run, run_json
from tests.conftest import Proven

DEPOSIT = ("--chain", "ethereum", "--account", 6, "--asset", "USDC", "--amount", 1)


def chain_file(ledger: Path, name: str = "ethereum") -> Path:
    return ledger / "chains" / name / "chain.json"


def test_the_file_of_another_chain_is_refused(proven: Proven, ledger: Path) -> None:
    shutil.copy(chain_file(ledger, "solana"), chain_file(ledger))
    before = chain_file(ledger).read_bytes()
    for command in (
        ("inspect", ledger), ("deposit", ledger, *DEPOSIT), ("check", proven.batch, "--ledger", ledger),
        ("verify", proven.proof, "--ledger", ledger, "--chain", "ethereum"),
    ):  # fmt: skip
        fails(run(*command), 2, "chains/ethereum", "another name")
    assert chain_file(ledger).read_bytes() == before


def test_a_chain_with_other_oracle_keys_is_refused(proven: Proven, ledger: Path) -> None:
    """Else whoever can write one file would choose who signs prices."""
    content = json.loads(chain_file(ledger).read_text())
    content["oracle"]["keys"].reverse()
    chain_file(ledger).write_text(json.dumps(content))
    result = run("verify", proven.proof, "--ledger", ledger, "--chain", "ethereum")
    fails(result, 2, "chains/ethereum", "another oracle")


def test_a_venue_that_was_changed_takes_no_deposits(ledger: Path) -> None:
    venue = ledger / "venue.toml"
    venue.write_text(venue.read_text().replace("decimals = 6", "decimals = 5"))
    before = chain_file(ledger).read_bytes()
    fails(run("deposit", ledger, *DEPOSIT), 2, "venue.toml")
    assert chain_file(ledger).read_bytes() == before


@pytest.mark.parametrize("change", [
    None, [], {"version": 2}, {"extra": 1}, {"deposits": [[5, 0, -5]]}, {"deposits": [[5, 9, 5]]},
    {"payouts": [[-1, 0, 5]]}, {"deposits": [["5", 0, 5]]}, {"deposits": [[5, 0]]}, {"genesis_root": "zz" * 32},
    {"consumed": 99}, {"deposits": {}}, {"parameters": "standard"}, {"version": True},
    {"accepted": [[10**4299, 0, "0" * 64]]}, {"deposits": [[5, 0, 10**4300 - 1]] * 2},
    {"oracle": None}, {"oracle": {"keys": []}},
    {"oracle": {"keys": ["00" * 48], "threshold": 2, "drift": 0, "age": 0, "replay": True}},
    {"oracle": {"keys": ["00" * 48], "threshold": 1, "drift": 0, "age": 0, "replay": 1}},
    {"oracle": {"keys": ["00" * 48], "threshold": 1, "drift": 0, "age": 0, "replay": True, "more": 1}},
])  # fmt: skip
def test_a_damaged_chain_is_named(ledger: Path, change: Any) -> None:
    content = {**json.loads(chain_file(ledger).read_text()), **change} if isinstance(change, dict) else change
    chain_file(ledger).write_text(json.dumps(content))
    fails(run("inspect", ledger), 2, "chain.json: is damaged", "restore it")


def test_what_may_not_be_written_can_be_inspected(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ledger / "ledger.lock").unlink(missing_ok=True)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write everywhere
    assert run_json("inspect", ledger)["batch"] == 1
    assert not (ledger / "ledger.lock").exists()


def test_a_directory_without_a_ledger_says_so(proven: Proven, tmp_path: Path) -> None:
    for command in (
        ("inspect", tmp_path), ("deposit", tmp_path, *DEPOSIT), ("rollback", tmp_path, "--to", "0" * 64),
        ("check", proven.batch, "--ledger", tmp_path), ("verify", proven.proof, "--ledger", tmp_path),
    ):  # fmt: skip
        fails(run(*command), 2, "no ledger here; `solvent init` makes one")


def test_a_proof_of_another_venue_is_not_told_in_this_ones_names(proven: Proven, tmp_path: Path) -> None:
    config, other = tmp_path / "venue.toml", tmp_path / "other"
    text = (proven.directory / "venue.toml").read_text()
    config.write_text(text.replace('["ethereum", "arbitrum", "solana"]', '["ethereum"]'))
    assert run("init", other, "--config", config).exit_code == 0
    fails(run("verify", proven.proof, "--ledger", other), 2, "of another venue")
    fails(run("verify", proven.proof, "--ledger", other, "--chain", "ethereum"), 1, "wrong venue")
