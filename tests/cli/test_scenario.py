"""solvent scenario crash: played, proven, verified and reported; refusals of what it cannot play."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import fails, run, run_json
from tests.state.scenario.test_crash import assert_whole_waterfall
from tests.state.test_minute_prices import archive
from verifier.chain_store import read_chain

SMALL = ("--accounts", 14, "--every", 4, "--params", "compact")


def play(place: Path, *options: object) -> dict[str, Any]:
    return run_json("scenario", "crash", "--ledger", place / "ledger", "--report", place / "report", *SMALL, *options)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Eight minutes in two batches, and what the command says of them."""
    place = tmp_path_factory.mktemp("day")
    return place, play(place, "--minutes", 8)


def test_every_batch_is_proven_and_accepted_everywhere(day: tuple[Path, dict[str, Any]]) -> None:
    place, content = day
    assert content["batches_proven"] == 2
    stand = run_json("inspect", place / "ledger")
    assert stand["batch"] == 2
    for chain in content["chains_accepting"]:
        state = read_chain(place / "ledger" / "chains" / chain)
        assert (state.batch, state.pending()) == (2, [])
    for number in (1, 2):
        assert run("verify", place / "report" / f"batch-000{number}.proof", "--params", "compact").exit_code == 0
    assert content["invariant"]["checks"] == sum(content["transitions"].values())
    assert all(count <= content[name] for name, count in content["accounts"].items())
    assert content["price"]["largest_fall_percent"] >= 15
    assert content["price"]["largest_fall_seconds"] <= 60


def test_the_report_is_written(day: tuple[Path, dict[str, Any]]) -> None:
    place, content = day
    written = json.loads((place / "report" / "report.json").read_text())
    assert written == {name: value for name, value in content.items() if name != "files"}
    assert [moment["second"] for moment in written["series"]] == sorted(m["second"] for m in written["series"])
    if "crash.png" in content["files"]:
        assert (place / "report" / "crash.png").read_bytes().startswith(b"\x89PNG")
    assert not [path for path in (place / "report").iterdir() if path.name.startswith(".")]


def test_a_ledger_goes_on_with_another_day(day: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    place, before = day
    options = ("--ledger", place / "ledger", "--report", tmp_path, *SMALL)
    content = run_json("scenario", "crash", *options, "--minutes", 2, "--gap", "0")
    assert content["series"][0]["second"] > before["series"][-1]["second"]
    assert run_json("inspect", place / "ledger")["batch"] == 3


def test_a_day_of_minute_bars_is_played(tmp_path: Path) -> None:
    rows = ("0,353.06,354,352,353.10,1", "60000,353.1,353.1,320.5,321.05,9", "120000,321,322,320,321.5,1")
    content = play(tmp_path, "--prices", archive(tmp_path / "day.zip", *rows, name="20170904_ethusd.csv"))
    assert [moment["mark"] for moment in content["series"]] == ["353.1", "321.05", "321.5"]
    assert content["batches_proven"] == 1


@pytest.mark.long
def test_the_default_day_goes_down_the_whole_waterfall_proven(tmp_path: Path) -> None:
    content = run_json("scenario", "crash", "--ledger", tmp_path / "ledger", "--report", tmp_path / "report")
    assert_whole_waterfall(content)
    assert content["price"]["largest_fall_percent"] >= 15
    assert content["price"]["largest_fall_seconds"] == 60
    assert content["batches_proven"] == 48
    for chain in content["chains_accepting"]:
        assert read_chain(tmp_path / "ledger" / "chains" / chain).batch == 48
    assert content["below_maintenance_at_the_end"] == 0


def test_what_cannot_be_played_is_refused(tmp_path: Path, ledger: Path) -> None:
    options = ("scenario", "crash", "--report", tmp_path / "report", "--ledger", tmp_path / "new")
    for gap in ("15%", "0.6", "-0.1", "0.00001", "nan"):
        fails(run(*options, "--gap", gap), 2, "--gap")
    bad = archive(tmp_path / "day.zip", "0,353.06,354,352,353.10,1", "60001,353.1,353.1,320.5,321.05,9")
    fails(run(*options, "--prices", bad), 2, "day.zip:2: time")
    assert not (tmp_path / "new").exists()
