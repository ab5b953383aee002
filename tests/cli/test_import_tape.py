"""solvent import-tape on a ledger that has moved on, and with what it cannot use."""

from pathlib import Path

import pytest

from tests.cli.running import fails, run, run_json
from tests.conftest import Proven

CHAINS = ("ethereum", "arbitrum", "solana")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Six trades."""
    path = tmp_path / "btc.csv"
    rows = [f"{1723075200000 + k},61700.5,0.01,{'buy' if k % 2 else 'sell'}" for k in range(6)]
    path.write_text("\n".join(["time,price,size,side", *rows]))
    return path


def test_a_second_tape_does_not_wait_for_the_chains(proven: Proven, ledger: Path, tmp_path: Path, tape: Path) -> None:
    """The ledger has credited the first batch's deposits; that the chains have not yet does not bring them back."""
    batch, proof = tmp_path / "b.batch", tmp_path / "b.proof"
    run_json("import-tape", "--tape", f"BTC-PERP={tape}", "--ledger", ledger, "--accounts", 4, "--out", batch)
    run_json("prove", batch, "--ledger", ledger, "--out", proof)
    for chain in CHAINS:
        for one in (proven.proof, proof):
            assert run("verify", one, "--ledger", ledger, "--chain", chain).exit_code == 0
    assert [chain["pending"] for chain in run_json("inspect", ledger)["chains"]] == [0, 0, 0]


def test_a_pending_deposit_that_cannot_be_credited_is_named(ledger: Path, tmp_path: Path, tape: Path) -> None:
    run("deposit", ledger, "--chain", "solana", "--account", 999, "--asset", "USDC", "--amount", 1)
    result = run("import-tape", "--tape", f"BTC-PERP={tape}", "--ledger", ledger, "--out", tmp_path / "b.batch")
    fails(result, 2, "no batch can be made", "account 999")


@pytest.mark.parametrize("accounts", ["1", "99999999", "x"])
def test_the_number_of_accounts_is_bounded(ledger: Path, tmp_path: Path, tape: Path, accounts: str) -> None:
    out = tmp_path / "b.batch"
    result = run("import-tape", "--tape", f"BTC-PERP={tape}", "--ledger", ledger, "--accounts", accounts, "--out", out)
    assert result.exit_code == 2
    assert "--accounts" in result.stderr
    assert not out.exists()
