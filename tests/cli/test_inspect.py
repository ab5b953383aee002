"""solvent inspect of a ledger: figures that follow from the orders, filters, and tables on a terminal."""

import sys
from pathlib import Path

import pytest

from cli.output import Table, emit
from tests.cli.fallen import LONG, SHORT, fallen_ledger
from tests.cli.running import fails, run, run_json
from tests.conftest import Proven

BIDS = {"orders": 1, "size": "0.05", "prices": 1, "levels": [{"price": "2597.6", "size": "0.05", "orders": 1}]}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """See fallen_ledger. Not to be written to."""
    path = tmp_path_factory.mktemp("fallen") / "ledger"
    fallen_ledger(path)
    return path


def test_an_account_is_as_its_orders_made_it(place: Path) -> None:
    """Bought 1 at 2680 with 150, fee 0.05 %: equity 150 - 1.34 - 80.40; 1.05 lots of 2599.60 require 5 %."""
    content = run_json("inspect", place, "--account", LONG)
    (account,) = content["accounts"]
    assert account["equity"] == "68.26"
    assert account["requirement"] == "136.479"
    assert account["maintenance"] == "81.8874"
    assert account["close_out"] == "54.5916"
    assert account["health_percent"] == 50.0
    assert account["above_maintenance"] == "-13.6274"
    assert account["above_maintenance_percent"] == -0.52
    assert account["orders"] == 1
    assert account["positions"] == [{
        "market": "ETH-PERP", "size": "1", "mark": "2599.6", "worth": "2599.6", "funding_owed": "0", "bids": "0.05",
        "asks": "0",
    }]  # fmt: skip
    (market,) = content["markets"]
    assert (market["open_interest"], market["bids"], market["asks"]["orders"]) == ("1", BIDS, 0)
    assert (content["insurance_fund"], content["socialised_loss"]) == ("0", "0")


def test_accounts_can_be_chosen(place: Path) -> None:
    def chosen(*options: object) -> list[int]:
        return [one["account"] for one in run_json("inspect", place, *options)["accounts"]]

    assert chosen() == list(range(SHORT + 1))
    assert chosen("--account", SHORT, "--account", LONG) == [LONG, SHORT]
    assert chosen("--market", "ETH-PERP") == [LONG, SHORT]
    assert chosen("--worst", 1) == [LONG]
    assert chosen("--worst", 9) == [LONG, SHORT]
    text = run("inspect", place, "--worst", 1).stdout
    assert "50.0" in text
    assert "2597.6" in text


def test_wrong_choices_are_refused(place: Path, proven: Proven) -> None:
    fails(run("inspect", place, "--account", 99), 2, "account 99 is not registered")
    fails(run("inspect", place, "--market", "ETH"), 2, "--market ETH: not a market of this venue; it has ETH-PERP")
    assert run("inspect", proven.proof, "--worst", 3).exit_code == 2


def test_a_terminal_gets_drawn_tables(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(["name", "amount"], [["[bold]\x1b[31mred", "1.50"], ["b", "20"]])
    emit(False, {}, ["title", table])
    plain = capsys.readouterr().out
    assert plain.splitlines()[1].split() == ["name", "amount"]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    emit(False, {}, ["title", table])
    drawn = capsys.readouterr().out
    assert "│" in drawn
    assert "[bold]\\x1b[31mred" in drawn  # neither markup nor escape sequences have an effect
    assert "\x1b[31m" not in drawn
