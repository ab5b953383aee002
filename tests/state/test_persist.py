"""A saved ledger comes back whole, keeps its secrets to its owner, and damage is noticed."""

import os
from pathlib import Path

import pytest

from solvent import LaneHasher
from state import persist
from state.errors import ConfigError, LedgerFileError
from state.ledger import BatchStateError, Ledger
from state.transitions.deposit import Deposit
from state.venue import parse_venue
from tests.batches import ALICE, USDC, default_venue
from tests.state.worlds import funded_ledger


def advance(ledger: Ledger, sequence: int) -> None:
    ledger.begin_batch()
    ledger.apply(Deposit(0, sequence, ALICE, USDC, 5))
    ledger.close_batch()


def load(directory: Path) -> Ledger:
    return persist.load(directory, LaneHasher())


def test_round_trip_with_history(tmp_path: Path) -> None:
    ledger = funded_ledger()
    for sequence in (1, 2):
        advance(ledger, sequence)
    persist.save(ledger, tmp_path)
    loaded = load(tmp_path)
    assert loaded.venue == ledger.venue
    assert loaded.roots() == ledger.roots()
    assert (loaded.store.leaves, loaded.store.salts) == (ledger.store.leaves, ledger.store.salts)
    assert loaded.store.history == ledger.store.history
    assert persist.saved_root(tmp_path) == ledger.root
    for root in reversed(ledger.roots()):
        ledger.rollback(root)
        loaded.rollback(root)
        assert loaded.store.leaves == ledger.store.leaves


def test_saving_after_a_rollback_forgets_what_came_after(tmp_path: Path) -> None:
    ledger = funded_ledger()
    middle = ledger.root
    advance(ledger, 1)
    persist.save(ledger, tmp_path)
    ledger = load(tmp_path)
    ledger.rollback(middle)
    persist.save(ledger, tmp_path)
    assert len(list((tmp_path / "history").iterdir())) == 1
    ledger = load(tmp_path)
    advance(ledger, 1)
    persist.save(ledger, tmp_path)
    assert load(tmp_path).roots() == ledger.roots()


def test_secrets_are_private(tmp_path: Path) -> None:
    persist.save(funded_ledger(), tmp_path)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes.pop("venue.toml") == 0o644
    assert len(modes) == 2
    assert set(modes.values()) == {0o600}


def test_another_writer_is_noticed(tmp_path: Path) -> None:
    ledger = funded_ledger()
    first = ledger.root
    persist.save(ledger, tmp_path)
    one, two = load(tmp_path), load(tmp_path)
    advance(one, 1)
    persist.save(one, tmp_path, replaces=first)
    advance(two, 1)
    with pytest.raises(LedgerFileError, match="another program"):
        persist.save(two, tmp_path, replaces=first)
    assert load(tmp_path).root == one.root


def test_another_venue_s_directory_is_not_overwritten(tmp_path: Path) -> None:
    persist.save(funded_ledger(), tmp_path)
    other = parse_venue(default_venue().source.replace('"demo"', '"other"'))
    with pytest.raises(LedgerFileError, match="another ledger"):
        persist.save(Ledger.genesis(other, LaneHasher()), tmp_path)


def test_an_interrupted_save_leaves_the_old_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = funded_ledger()
    persist.save(ledger, tmp_path)
    before = ledger.root
    advance(ledger, 1)
    genuine = os.replace

    def fails(source: str, target: Path) -> None:
        if target.name == persist.STATE_FILE:
            raise OSError("disk full")
        genuine(source, target)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        persist.save(ledger, tmp_path)
    monkeypatch.undo()
    assert load(tmp_path).root == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_not_inside_a_batch(tmp_path: Path) -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    with pytest.raises(BatchStateError):
        persist.save(ledger, tmp_path)


@pytest.mark.parametrize("position", [0, 7, 20, 50, 80, 200, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, position: int) -> None:
    persist.save(funded_ledger(), tmp_path)
    path = tmp_path / persist.STATE_FILE
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    with pytest.raises(LedgerFileError):
        load(tmp_path)


@pytest.mark.parametrize("length", [0, 5, 60, 200, 1000])
def test_a_cut_file_is_noticed(tmp_path: Path, length: int) -> None:
    persist.save(funded_ledger(), tmp_path)
    path = tmp_path / persist.STATE_FILE
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(LedgerFileError):
        load(tmp_path)


def test_an_edited_venue_is_noticed(tmp_path: Path) -> None:
    persist.save(funded_ledger(), tmp_path)
    path = tmp_path / persist.VENUE_FILE
    path.write_text(path.read_text().replace("0.15", "0.01"))
    with pytest.raises(LedgerFileError, match="another venue"):
        load(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"venue\.toml"):
        load(tmp_path)
    persist.save(funded_ledger(), tmp_path)
    next((tmp_path / "history").iterdir()).unlink()
    with pytest.raises(LedgerFileError, match="undo"):
        load(tmp_path)
