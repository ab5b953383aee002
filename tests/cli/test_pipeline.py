"""import-tape, check, prove, verify and inspect, one after the other; and the ways in which they refuse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.directory import LedgerDirectory
from solvent import prove
from state.transitions.close import closing
from tests.cli.running import fails, run, run_json
from tests.cli.test_signed_prices import write_prices
from tests.conftest import Proven
from verifier.chain import Entry
from verifier.chain_store import read_chain

CHAINS = ("ethereum", "arbitrum", "solana")
HEADER = '{"format": "solvent-batch", "version": 1, "venue": "demo"}\n'


def write_batch(path: Path, *lines: dict[str, object]) -> Path:
    path.write_text(HEADER + "".join(json.dumps(line) + "\n" for line in lines))
    return path


def transfer(amount: str) -> dict[str, object]:
    return {"kind": "transfer", "sender": 6, "receiver": 7, "asset": "USDC", "amount": amount}


def test_the_main_job(tmp_path: Path) -> None:
    place, tape, batch, proof = tmp_path / "ledger", tmp_path / "btc.csv", tmp_path / "a.batch", tmp_path / "a.proof"
    start = 1723075200000
    trades = [(start + k, f"{61700 + k % 7}.{k % 10}", f"0.0{1 + k % 9}", ("sell", "buy")[k % 2]) for k in range(30)]
    tape.write_text("\n".join(",".join(map(str, row)) for row in [("time", "price", "size", "side"), *trades]))
    run_json("init", place)
    imported = run_json(
        "import-tape", "--tape", f"BTC-PERP={tape}", "--ledger", place, "--accounts", 6, "--limit", 20, "--out", batch
    )
    assert (imported["trades"], imported["accounts"]) == (20, 6)
    assert run_json("check", batch, "--ledger", place)["transitions"] == imported["transitions"]
    proven = run_json("prove", batch, "--ledger", place, "--out", proof, "--params", "compact")
    assert proven["bytes"] == proof.stat().st_size
    assert run_json("verify", proof, "--params", "compact")["accepted"]
    for chain in CHAINS:
        content = run_json("verify", proof, "--params", "compact", "--ledger", place, "--chain", chain)
        assert content["statement"] == proven["statement"]
    stand = run_json("inspect", place)
    assert stand["root"] == proven["statement"]["new_root"]
    assert all(one["holds"] for one in stand["invariant"])
    assert all(vault["ledger"] == vault["credited"] for chain in stand["chains"] for vault in chain["vaults"])
    assert [chain["pending"] for chain in stand["chains"]] == [0, 0, 0]


def test_each_chain_remembers_what_it_accepted(proven: Proven, ledger: Path) -> None:
    for chain in CHAINS:
        assert run("verify", proven.proof, "--ledger", ledger, "--chain", chain).exit_code == 0
        assert read_chain(ledger / "chains" / chain).root == proven.statement.new_root
        again = run("verify", proven.proof, "--ledger", ledger, "--chain", chain)
        fails(again, 1, f"rejected: {chain}: wrong old root")


def test_a_withdrawal_is_paid_by_its_chain_alone(proven: Proven, ledger: Path, tmp_path: Path) -> None:
    withdrawal = {"kind": "withdraw", "chain": "arbitrum", "account": 6, "asset": "USDC", "amount": "0.5"}
    proof = tmp_path / "b.proof"
    run_json("prove", write_batch(tmp_path / "b.batch", withdrawal), "--ledger", ledger, "--out", proof)
    for chain in ("ethereum", "arbitrum"):
        result = run("verify", proof, "--ledger", ledger, "--chain", chain)
        fails(result, 1, f"{chain}: wrong old root: batch 2")  # it has not seen batch 1
        assert run("verify", proven.proof, "--ledger", ledger, "--chain", chain).exit_code == 0
        assert run("verify", proof, "--ledger", ledger, "--chain", chain).exit_code == 0
    assert read_chain(ledger / "chains" / "arbitrum").payouts == [Entry(6, 0, 500_000)]
    assert read_chain(ledger / "chains" / "ethereum").payouts == []


def test_a_tampered_proof_is_rejected_and_forgotten(proven: Proven, ledger: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.proof"
    bad.write_bytes(proven.data[:-1] + bytes([proven.data[-1] ^ 1]))
    before = (ledger / "chains" / "solana" / "chain.json").read_bytes()
    content = run_json("verify", bad, "--ledger", ledger, "--chain", "solana", code=1)
    assert content["reason"] == "proof invalid"
    assert content["proof_reason"] == "Merkle mismatch"
    assert (ledger / "chains" / "solana" / "chain.json").read_bytes() == before
    fails(run("verify", bad), 1, "rejected: Merkle mismatch")
    fails(run("verify", proven.proof, "--params", "compact"), 1, "rejected: ")


def test_what_leaves_out_an_asset_is_valid_and_not_complete(
    proven: Proven, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator closes a batch without publishing anything of the second asset."""
    monkeypatch.setattr(
        "state.ledger.closing",
        lambda venue, time: (close for close in closing(venue, time) if getattr(close, "asset", 0) == 0),
    )
    state, proof = LedgerDirectory(ledger).read(), tmp_path / "quiet.proof"
    state.begin_batch()
    full, witness = state.close_batch()
    vaults = tuple(vault for vault in full.vaults if vault.asset == 0)
    quiet = replace(full, vaults=vaults, totals=full.totals[:1], fund=full.fund[:1])
    proof.write_bytes(prove(quiet, witness)[0])
    assert run("verify", proof).exit_code == 0
    fails(run("verify", proof, "--ledger", ledger), 1, "leaves out vaults or assets: 4 vaults, not one for each of 3")
    assert run("verify", proven.proof, "--ledger", ledger, "--chain", "solana").exit_code == 0
    fails(run("verify", proof, "--ledger", ledger, "--chain", "solana"), 1, "wrong set of vaults or assets: 4 vaults")


def test_the_prover_never_writes_to_a_chain(ledger: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in (ledger / "chains").rglob("*") if path.is_file()}
    batch = write_batch(tmp_path / "a.batch", transfer("0.01"))
    assert run("check", batch, "--ledger", ledger).exit_code == 0
    assert run("prove", batch, "--ledger", ledger, "--out", tmp_path / "a.proof").exit_code == 0
    assert {path: path.read_bytes() for path in (ledger / "chains").rglob("*") if path.is_file()} == before


def test_a_refused_transition_refuses_the_batch(ledger: Path, tmp_path: Path) -> None:
    root = LedgerDirectory(ledger).read().root
    batch = write_batch(tmp_path / "a.batch", transfer("0.01"), transfer("900000000"), transfer("0.02"))
    out = tmp_path / "a.proof"
    result = run("prove", batch, "--ledger", ledger, "--out", out)
    fails(result, 2, "a.batch:3", "transfer", "initial-margin", "nothing is applied")
    assert run_json("prove", batch, "--ledger", ledger, "--out", out, code=2)["refused"][0]["line"] == 3
    assert not out.exists()
    assert LedgerDirectory(ledger).read().root == root
    checked = run_json("check", batch, "--ledger", ledger, code=2)
    assert [(one["line"], one["rule"]) for one in checked["refused"]] == [(3, "initial-margin")]
    proven = run_json("prove", batch, "--ledger", ledger, "--out", out, "--skip-refused")
    assert proven["transitions"] == 2
    assert [one["line"] for one in proven["refused"]] == [3]
    assert run("verify", out).exit_code == 0


def test_a_deposit_that_no_chain_holds_is_refused(ledger: Path, tmp_path: Path) -> None:
    chain = read_chain(ledger / "chains" / "ethereum")
    deposit = {"kind": "deposit", "chain": "ethereum", "sequence": len(chain.deposits), "account": 6, "asset": "USDC"}
    batch = write_batch(tmp_path / "a.batch", {**deposit, "amount": "10"})
    fails(run("prove", batch, "--ledger", ledger, "--out", tmp_path / "a.proof"), 2, "a.batch:2", "unbacked-deposit")
    run("deposit", ledger, "--chain", "ethereum", "--account", 6, "--asset", "USDC", "--amount", "10")
    assert run("check", batch, "--ledger", ledger).exit_code == 0


@pytest.mark.parametrize(("line", "fragments"), [
    ('{"kind": "transfer", "sender": 6}', (":2", "receiver", "missing")),
    ('{"kind": "steal"}', (":2", "kind")),
    ('{"kind": "transfer", "sender": 6, "receiver": 7, "asset": "USDC", "amount": 1}', (":2", "amount")),
    ("not json", (":2", "JSON")),
])  # fmt: skip
def test_a_malformed_batch_names_line_and_field(
    ledger: Path, tmp_path: Path, line: str, fragments: tuple[str, ...]
) -> None:
    batch = tmp_path / "a.batch"
    batch.write_text(HEADER + line + "\n")
    for command in (("check", batch), ("prove", batch, "--out", tmp_path / "a.proof")):
        fails(run(*command, "--ledger", ledger), 2, "a.batch", *fragments)


def test_a_batch_is_not_before_the_one_before_it(ledger: Path, tmp_path: Path) -> None:
    last = run_json("inspect", ledger)["time"]
    assert last > 0
    batch = tmp_path / "a.batch"
    batch.write_text(HEADER.replace("}", f', "time": {last - 1}}}'))
    fails(run("check", batch, "--ledger", ledger), 2, "a.batch:1: time: time-backward")


def test_no_price_is_later_than_its_batch(ledger: Path, tmp_path: Path) -> None:
    last = run_json("inspect", ledger)["time"]
    batch = tmp_path / "a.batch"
    write_prices(LedgerDirectory(ledger), batch, last, last + 1, close=last)
    fails(run("prove", batch, "--ledger", ledger, "--out", tmp_path / "a.proof"), 2, "a.batch:5: price: out-of-range")


def test_orders_wait_in_the_book_until_they_trade_or_go(ledger: Path, tmp_path: Path) -> None:
    """Over three batches: orders that wait, one of them cancelled and one modified; a refusal; what waited trades."""
    stand = run_json("inspect", ledger)
    nonces = {one["account"]: one["nonce"] for one in stand["accounts"]}
    sale: dict[str, object] = {
        "kind": "order", "account": 6, "market": "BTC-PERP", "buys": False, "price": "99999", "size": "0.0001",
        "expiry": stand["time"], "policy": "post-only", "reduce_only": False,
    }  # fmt: skip
    first, second, third = (6 * 2**28 + nonces[6] + k for k in (1, 2, 3))
    prove_next(ledger, tmp_path, sale, sale, sale, {"kind": "cancel", "account": 6, "order": second})
    now = {**sale, "account": 7, "buys": True, "policy": "fill-or-kill"}
    refused = write_batch(tmp_path / "refused.batch", {**now, "size": "0.0003"})
    fails(run("prove", refused, "--ledger", ledger, "--out", tmp_path / "p"), 2, "refused.batch:2", "fill-or-kill")
    prove_next(ledger, tmp_path, {**sale, "kind": "modify", "order": first, "price": "99998"}, now)
    gone = write_batch(tmp_path / "gone.batch", *({"kind": "cancel", "account": 6, "order": n} for n in (first, third)))
    checked = run("check", gone, "--ledger", ledger)
    assert checked.exit_code == 2
    assert "1 cancel" in checked.stdout
    assert "line 2: cancel: unknown-order" in checked.stdout
    prove_next(ledger, tmp_path, {"kind": "cancel_all", "account": 6})
    after = run_json("inspect", ledger)
    assert all(one["holds"] for one in after["invariant"])
    assert after["batch"] == stand["batch"] + 3


def prove_next(ledger: Path, place: Path, *lines: dict[str, object]) -> None:
    """Prove a batch, all of which the ledger takes, and verify it."""
    batch, proof = write_batch(place / "next.batch", *lines), place / "next.proof"
    proof.unlink(missing_ok=True)
    proven = run_json("prove", batch, "--ledger", ledger, "--out", proof, "--params", "compact")
    assert proven["transitions"] == len(lines)
    assert run_json("verify", proof, "--params", "compact")["accepted"]


def test_inspect_shows_a_proof(proven: Proven) -> None:
    content = run_json("inspect", proven.proof)
    assert content["parameters"] == "standard"
    assert sum(content["sizes"].values()) == content["bytes"] == len(proven.data)
    assert content["statement"]["batch"] == proven.statement.batch
    assert "grinding" in run("inspect", proven.proof).stdout


def test_bad_usage_ends_with_2(proven: Proven, tmp_path: Path) -> None:
    for arguments in (
        ("nonsense",), ("verify", tmp_path / "missing"), ("verify", proven.proof, "--chain", "solana"),
        ("verify", proven.proof, "--params", "weak"), ("inspect", tmp_path / "missing"),
        ("prove", proven.batch, "--ledger", tmp_path, "--out", tmp_path / "a.proof"),
    ):  # fmt: skip
        assert run(*arguments).exit_code == 2, arguments
    assert run("--help").exit_code == 0
