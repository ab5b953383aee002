"""Proof and ledger move together, wherever a crash comes between; and back again."""

import os
import shutil
from pathlib import Path

import pytest

import cli.directory
from cli.directory import LedgerDirectory
from tests.cli.running import fails, run, run_json
from tests.cli.test_pipeline import transfer, write_batch
from tests.conftest import Proven
from verifier.text import root_hex


class Crash(BaseException):
    """The process dies."""


def publish(directory: LedgerDirectory, out: Path, proof: bytes = b"proof") -> tuple[int, ...]:
    """Close an empty batch and publish it with any bytes; returns the new root."""
    with directory.changing() as ledger:
        ledger.begin_batch()
        ledger.close_batch()
        directory.publish(ledger, proof, b"prices", out)
        return ledger.root


@pytest.mark.parametrize("steps", range(7))
def test_a_crash_leaves_both_or_neither(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """The process dies before rename number `steps` of a publication: venue, undo log, state, note, prices, proof,
    state."""
    directory, out = LedgerDirectory(ledger), tmp_path / "a.proof"
    before, replace = directory.read().root, os.replace
    done: list[str] = []

    def dying_replace(source: str, target: str) -> None:
        if len(done) == steps:
            raise Crash
        done.append(target)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying_replace)
        patch.setattr(shutil, "rmtree", lambda path: None)
        with pytest.raises(Crash):
            publish(directory, out)
    after = LedgerDirectory(ledger).read().root
    assert out.exists() == (steps == 6)
    assert (tmp_path / "a.proof.prices").exists() == (steps >= 5)
    assert (after != before) == out.exists()
    assert (before in LedgerDirectory(ledger).read().roots()[:-1]) == out.exists()
    assert not (ledger / cli.directory.STAGED).exists()
    assert publish(LedgerDirectory(ledger), tmp_path / "b.proof") == LedgerDirectory(ledger).read().root


def test_a_proof_that_cannot_be_written_does_not_move_the_ledger(ledger: Path, tmp_path: Path) -> None:
    root = LedgerDirectory(ledger).read().root
    batch = write_batch(tmp_path / "a.batch", transfer("0.01"))
    fails(run("prove", batch, "--ledger", ledger, "--out", tmp_path / "none" / "a.proof"), 2, "--out")
    with pytest.raises(FileNotFoundError):
        publish(LedgerDirectory(ledger), tmp_path / "none" / "a.proof")
    assert LedgerDirectory(ledger).read().root == root


@pytest.mark.parametrize("name", ["", ".", "none/a.proof", "pipe", "directory"])
def test_out_must_be_a_file_that_can_be_written(ledger: Path, tmp_path: Path, name: str) -> None:
    """Before any work is done; a pipe or a device would be replaced by the proof."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    batch = write_batch(tmp_path / "a.batch", transfer("0.01"))
    fails(run("prove", batch, "--ledger", ledger, "--out", name and f"{tmp_path}/{name}"), 2, "--out")
    assert (tmp_path / "pipe").is_fifo()


def test_only_one_command_moves_the_ledger(ledger: Path, tmp_path: Path) -> None:
    batch = write_batch(tmp_path / "a.batch", transfer("0.01"))
    with LedgerDirectory(ledger).changing():
        fails(run("prove", batch, "--ledger", ledger, "--out", tmp_path / "a.proof"), 2, "another command")
        assert run("check", batch, "--ledger", ledger).exit_code == 0


def test_rollback_goes_to_a_root_that_a_chain_accepts(proven: Proven, ledger: Path, tmp_path: Path) -> None:
    directory = LedgerDirectory(ledger)
    with directory.open_chain("ethereum") as chain:
        chain.accept(proven.data, bundles=proven.bundles)
    first, second = root_hex(proven.statement.old_root), root_hex(proven.statement.new_root)
    third = root_hex(publish(directory, tmp_path / "a.proof"))
    publish(directory, tmp_path / "b.proof")
    fails(run("rollback", ledger, "--to", third), 2, "no chain would accept", second)
    content = run_json("rollback", ledger, "--to", second)
    assert (content["batches_dropped"], content["accepting"]) == (2, ["ethereum"])
    assert run_json("inspect", ledger)["root"] == second
    assert run_json("rollback", ledger, "--to", first)["not_accepting"] == ["ethereum"]
    assert run_json("inspect", ledger)["batch"] == 0


@pytest.mark.parametrize("root", ["", "12", "zz" * 32, "00" * 32, " " * 64])
def test_rollback_refuses_what_is_no_root_of_the_ledger(ledger: Path, root: str) -> None:
    fails(run("rollback", ledger, "--to", root), 2, "--to")
