"""solvent request and solvent requests: anyone asks on any chain, and the sequencer answers with a batch."""

from pathlib import Path

from tests.cli.fallen import LONG, SHORT, fallen_ledger
from tests.cli.running import fails, run, run_json
from verifier.chain_store import read_chain


def test_requests_become_a_batch(tmp_path: Path) -> None:
    place, batch = tmp_path / "ledger", tmp_path / "liquidations.batch"
    fallen_ledger(place)
    for chain, account in (("solana", LONG), ("ethereum", LONG), ("arbitrum", SHORT), ("arbitrum", 99), ("solana", 1)):
        content = run_json("request", place, "--chain", chain, "--account", account)
        assert (content["chain"], content["account"]) == (chain, account)
    content = run_json("requests", place, "--out", batch)
    found = {one["account"]: one for one in content["requests"]}
    assert found[LONG]["chains"] == ["ethereum", "solana"]
    assert found[LONG]["transitions"][0] == "force_cancel"
    assert found[LONG]["dropped"] is None
    assert "not below" in found[SHORT]["dropped"]
    assert "no trader" in found[99]["dropped"]
    assert "no trader" in found[1]["dropped"]
    assert run_json("check", batch, "--ledger", place)["transitions"] == content["transitions"] > 0
    assert [one.account for one in read_chain(place / "chains" / "arbitrum").requests] == [SHORT, 99]
    assert [chain["requests"] for chain in run_json("inspect", place)["chains"]] == [[LONG], [SHORT, 99], [LONG, 1]]


def test_stale_prices_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    place, batch = tmp_path / "ledger", tmp_path / "liquidations.batch"
    fallen_ledger(place)
    run("request", place, "--chain", "solana", "--account", LONG)
    result = run("requests", place, "--out", batch, "--time", 100_000)
    assert "ETH-PERP held until" in result.stdout
    assert "no batch written" in result.stdout
    assert not batch.exists()


def test_bad_requests_are_refused(ledger: Path) -> None:
    fails(run("request", ledger, "--chain", "ethreum", "--account", 6), 2, "'ethreum' is not a chain")
    fails(run("request", ledger, "--chain", "solana", "--account", 99_999_999), 2, "account 99999999")
