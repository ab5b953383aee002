"""What many tests share: a small venue with a proven batch, made once a run."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from circuits.statement import Statement
from cli.directory import LedgerDirectory, create
from cli.import_tape import fund_activity
from cli.refusals import close
from solvent import STANDARD, load_venue, prove
from state.activity import Settings
from state.synthetic import synthetic_trades

DEFAULT_VENUE = Path(__file__).parents[1] / "cli" / "venue.toml"


@dataclass(frozen=True)
class Proven:
    """A ledger one batch after genesis, which no chain has accepted yet, and the proof of that batch."""

    directory: Path
    batch: Path
    proof: Path
    data: bytes
    bundles: bytes
    statement: Statement


@pytest.fixture(scope="session")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Proven:
    """About 50 transitions on the default venue, STANDARD parameters. Not to be written to."""
    place = tmp_path_factory.mktemp("proven")
    path, batch, out = place / "ledger", place / "small.batch", place / "small.proof"
    create(path, load_venue(DEFAULT_VENUE))
    directory = LedgerDirectory(path)
    fund_activity(directory, synthetic_trades(directory.venue, 25, seed=7), Settings(accounts=6, seed=7), batch)
    with directory.changing() as ledger:
        applied, statement, witness = close(ledger, batch, skip_refused=False)
        data, _ = prove(statement, witness, STANDARD)
        directory.publish(ledger, data, applied.bundles, out)
    return Proven(path, batch, out, data, applied.bundles, statement)


@pytest.fixture
def ledger(proven: Proven, tmp_path: Path) -> Path:
    """A copy of the proven ledger's directory, to be written to."""
    copy = tmp_path / "ledger"
    shutil.copytree(proven.directory, copy)
    return copy
