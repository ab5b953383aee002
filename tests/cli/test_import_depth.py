"""solvent import-tape --depth: captures become orders and cancels, proven and verified on every chain."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from cli.directory import LedgerDirectory
from state.batch import BatchReader
from state.capture import open_capture
from state.depth_tape import DepthSettings, make_depth_activity
from tests.cli.running import fails, run, run_json
from tests.state.captures import REAL, snapshot, trade, update, write_capture
from verifier.prices import Bundle

CHAINS = ("ethereum", "arbitrum", "solana")
FILES = {"BTC-PERP": "usdm_btcusdt_20240808.gz", "ETH-PERP": "usdm_ethusdt_20240808.gz"}
EVENTS = 32_000


def small_capture(path: Path, steps: int = 40) -> Path:
    """Three levels a side that change, and trades."""
    random = Random(1)
    events = [snapshot(0, [("61699", "1")], [("61701", "1")])]
    for step in range(1, steps):
        bids, asks = ([(f"{61700 + sign * k}", f"{random.randint(0, 9)}") for k in (1, 2, 3)] for sign in (-1, 1))
        events.append(update(100 * step, step, bids, asks))
        buyer_is_maker = random.random() < 0.5
        events.append(trade(100 * step + 50, "61699" if buyer_is_maker else "61701", "0.7", buyer_is_maker))
    return write_capture(path, events)


def prove_and_verify(ledger: Path, batch: Path, out: Path, parameters: str) -> dict[str, Any]:
    """What `prove` says; the proof is verified on every chain."""
    proven = run_json("prove", batch, "--ledger", ledger, "--out", out, "--params", parameters)
    for chain in CHAINS:
        content = run_json("verify", out, "--params", parameters, "--ledger", ledger, "--chain", chain)
        assert content["statement"] == proven["statement"]
    stand = run_json("inspect", ledger)
    assert all(one["holds"] for one in stand["invariant"])
    assert [chain["pending"] for chain in stand["chains"]] == [0, 0, 0]
    return proven


def test_a_capture_becomes_orders_that_are_proven(tmp_path: Path) -> None:
    place, batch = tmp_path / "ledger", tmp_path / "a.batch"
    capture = small_capture(tmp_path / "btc.gz")
    run_json("init", place)
    arguments = ("import-tape", "--depth", "--tape", f"BTC-PERP={capture}", "--ledger", place, "--accounts", 12)
    imported = run_json(*arguments, "--out", batch)
    assert imported["events"] >= imported["places"] > imported["takes"] > 20
    assert min(imported[name] for name in ("cancels", "modifies", "partial_fills", "queues", "fills")) > 5
    assert sum(imported["refused_by_rule"].values()) == len(imported["refused"])
    assert all(set(one) == {"message", "event", "rule"} for one in imported["refused"])
    assert imported["tapes"][0]["read"] == imported["trades"] == 39
    assert (imported["tapes"][0]["gaps"], imported["tapes"][0]["levels_skipped"]) == (0, 0)
    proven = prove_and_verify(place, batch, tmp_path / "a.proof", "compact")
    assert proven["transitions"] == imported["transitions"]
    lines = run(*arguments, "--limit", 30, "--out", tmp_path / "b.batch").stdout
    for words in ("30 events: ", " to rest, ", " cancels", " partial fills", "removed: ", "refused: "):
        assert words in lines


def test_a_tape_without_levels_is_refused_with_depth(ledger: Path, tmp_path: Path) -> None:
    trades = write_capture(tmp_path / "trades.gz", [trade(1, "61700", "1", True)])
    for arguments in (("--depth",), ("--depth", "--limit", 5)):
        out = tmp_path / "a.batch"
        result = run("import-tape", *arguments, "--tape", f"BTC-PERP={trades}", "--ledger", ledger, "--out", out)
        fails(result, 2, "trades.gz", "no snapshot of a book")
        assert not out.exists()


@pytest.mark.long
@pytest.mark.skipif(not REAL.is_dir(), reason="the real captures are not part of a clone")
def test_the_batch_of_the_real_captures_is_proven_and_every_chain_accepts_it(tmp_path: Path) -> None:
    """The very batch of which tests/state/test_depth_tape.py compares every fill with the plain book's."""
    place, batch = tmp_path / "ledger", tmp_path / "a.batch"
    run_json("init", place)
    directory = LedgerDirectory(place)
    tapes = [f"{name}={REAL / file}" for name, file in FILES.items()]
    captures = [open_capture(directory.venue, tape) for tape in tapes]
    activity = make_depth_activity(directory.read(), captures, DepthSettings(), limit=EVENTS)
    options = [word for tape in tapes for word in ("--tape", tape)]
    run_json("import-tape", "--depth", *options, "--limit", EVENTS, "--ledger", place, "--out", batch)
    with BatchReader(batch, directory.venue) as reader:
        assert [entry for _, entry in reader if not isinstance(entry, Bundle)] == activity.transitions
    prove_and_verify(place, batch, tmp_path / "a.proof", "standard")
