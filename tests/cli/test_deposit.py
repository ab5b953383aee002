"""solvent deposit."""

from pathlib import Path

import pytest

from tests.cli.running import fails, run, run_json
from verifier.chain import Entry
from verifier.chain_store import read_chain


def test_a_deposit_reaches_that_chains_queue_and_vault_alone(ledger: Path) -> None:
    before = {name: read_chain(ledger / "chains" / name) for name in ("ethereum", "arbitrum", "solana")}
    state = (ledger / "ledger.state").read_bytes()
    content = run_json(
        "deposit", ledger, "--chain", "arbitrum", "--account", 6, "--asset", "ETH", "--amount", "1.5"
    )  # fmt: skip
    after = {name: read_chain(ledger / "chains" / name) for name in before}
    assert content["sequence"] == len(before["arbitrum"].deposits)
    assert after["arbitrum"].deposits == [*before["arbitrum"].deposits, Entry(6, 1, 150_000_000)]
    assert after["arbitrum"].holdings(1) == before["arbitrum"].holdings(1) + 150_000_000
    assert after["ethereum"] == before["ethereum"]
    assert after["solana"] == before["solana"]
    assert (ledger / "ledger.state").read_bytes() == state


@pytest.mark.parametrize(("chain", "account", "asset", "amount", "fragment"), [
    ("ethreum", "6", "USDC", "1", "'ethreum' is not a chain"),
    ("ethereum", "6", "DOGE", "1", "--asset DOGE"),
    ("ethereum", "6", "BTC-PERP", "1", "--asset BTC-PERP"),
    ("ethereum", "6", "USDC", "0", "not positive"),
    ("ethereum", "6", "USDC", "0.0000001", "--amount"),
    ("ethereum", "6", "USDC", "-1", "--amount"),
    ("ethereum", "6", "USDC", "1e3", "--amount"),
    ("ethereum", "99999999", "USDC", "1", "account 99999999"),
    ("ethereum", "6", "USDC", "99999999999999999", "would hold"),
])  # fmt: skip
def test_a_bad_deposit_is_refused(
    ledger: Path, chain: str, account: str, asset: str, amount: str, fragment: str
) -> None:
    before = (ledger / "chains" / "ethereum" / "chain.json").read_bytes()
    options = (f"--chain={chain}", f"--account={account}", f"--asset={asset}", f"--amount={amount}")
    fails(run("deposit", ledger, *options), 2, fragment)
    assert (ledger / "chains" / "ethereum" / "chain.json").read_bytes() == before


def test_a_directory_without_a_ledger_is_named(tmp_path: Path) -> None:
    result = run("deposit", tmp_path, "--chain", "a", "--account", 6, "--asset", "USDC", "--amount", 1)
    fails(result, 2, str(tmp_path))
