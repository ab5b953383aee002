"""solvent init."""

from pathlib import Path

import pytest

from cli.directory import LedgerDirectory
from tests.cli.running import fails, run, run_json
from tests.conftest import DEFAULT_VENUE
from verifier.chain_store import read_chain
from verifier.text import root_hex


def test_init_makes_a_ledger_and_its_chains(tmp_path: Path) -> None:
    content = run_json("init", tmp_path / "a" / "ledger")
    directory = LedgerDirectory(tmp_path / "a" / "ledger")
    assert content["chains"] == list(directory.venue.chains) == ["ethereum", "arbitrum", "solana"]
    assert content["root"] == root_hex(directory.read().root)
    for number, name in enumerate(directory.venue.chains):
        chain = read_chain(directory.chain(name))
        assert (chain.number, chain.name, chain.root, chain.batch) == (number, name, directory.read().root, 0)


def test_init_takes_a_venue_file(tmp_path: Path) -> None:
    config = tmp_path / "venue.toml"
    text = DEFAULT_VENUE.read_text()
    config.write_text(text.replace('chains = ["ethereum", "arbitrum", "solana"]', 'chains = ["base"]'))
    assert run_json("init", tmp_path / "ledger", "--config", config)["chains"] == ["base"]


def test_init_does_not_touch_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "mine").write_text("mine")
    fails(run("init", tmp_path / "ledger"), 2, "ledger", "not an empty directory")
    assert [path.name for path in tmp_path.rglob("*")] == ["ledger", "mine"]


def test_the_current_directory_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fails(run("init", "."), 2, "current directory")
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_an_empty_directory_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    assert run("init", tmp_path / "link").exit_code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "ledger.state").exists()


@pytest.mark.parametrize(("old", "new", "field"), [
    ('borrow_fraction = "0.10"', 'borrow_fraction = "lots"', "borrow_fraction"),
    ('haircut = "0.15"', "", "haircut"),
    ("version = 1", "version = 9", "version"),
    ("[quote]", "[quote", "TOML"),
])  # fmt: skip
def test_a_bad_venue_file_is_named_with_the_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    config = tmp_path / "bad.toml"
    config.write_text(DEFAULT_VENUE.read_text().replace(old, new))
    fails(run("init", tmp_path / "ledger", "--config", config), 2, "bad.toml", field)
    assert not (tmp_path / "ledger").exists()
