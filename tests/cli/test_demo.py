"""solvent demo, on a smaller batch."""

import pytest

import cli.demo
from tests.cli.running import run


def test_the_demo_accepts_and_rejects_what_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.demo, "TRADES", 40)
    monkeypatch.setattr(cli.demo, "ACCOUNTS", 8)
    result = run("demo")
    assert result.exit_code == 0, result.output
    for fragment in (
        "verify on ethereum", "verify on arbitrum", "verify on solana", "proof invalid: Merkle mismatch",
        "deposit not in the queue", "by the ledger: ", "'amount limb 0 grows by its change'",
        "price not signed: instrument 2 at 12340000",
    ):  # fmt: skip
        assert fragment in result.stdout
    assert result.stdout.count("rejected: ") == 5


def test_an_attack_that_succeeds_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.demo, "TRADES", 40)
    monkeypatch.setattr(cli.demo, "ACCOUNTS", 8)
    monkeypatch.setattr(cli.demo, "tampered_proof", lambda directory, proof: None)
    result = run("demo")
    assert result.exit_code == 1
    assert "NOT REJECTED" in result.stdout
