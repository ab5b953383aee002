"""Every command on damaged files: exit code 0, 1 or 2, one line of complaint, and nothing half-written."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from cli.errors import Exit
from tests.batches import VENUE_FILE
from tests.cli.running import run
from tests.conftest import Proven
from tests.fuzz.damage import damaged, damaged_json, json_bytes
from tests.fuzz.exploring import depths, explore
from tests.state.test_tape import HEADER, START

PASSING = {"ledger.lock", "chain.lock", "staged"}
TAPE = (HEADER + f"{START},61800.30,0.006,buy\n{START + 1},61801,1,sell\n{START + 2},61799,2,buy\n").encode()


def snapshot(directory: Path) -> dict[Path, bytes]:
    """All files below a directory, but for the empty ones that serve as locks, and what a crash left to be dropped."""
    files = (path for path in directory.rglob("*") if path.is_file() and not PASSING & {path.name, path.parent.name})
    return {path.relative_to(directory): path.read_bytes() for path in files}


def ends_well(*arguments: object) -> int:
    """The exit code of a command, which is none of a fault; a failure is told in one printable line."""
    result = run(*arguments)
    assert result.exit_code in (Exit.DONE, Exit.REJECTED, Exit.BAD_INPUT), result.output
    if result.exit_code and result.stderr:
        assert result.stderr.removesuffix("\n").isprintable()
    return result.exit_code


class Workplace:
    """A directory with a ledger and one file to be damaged."""

    def __init__(self, place: Path, file: Path) -> None:
        self.place, self.file, self.out = place, file, place / "out"

    def __call__(self, data: bytes, *arguments: object) -> int:
        """Run a command with the file as `data`: a failure changes nothing, and there is never a temporary file."""
        self.out.unlink(missing_ok=True)
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_bytes(data)
        before = snapshot(self.place)
        code = ends_well(*arguments)
        after = snapshot(self.place)
        if code:
            assert after == before
        assert not [path for path in after if path.name.startswith(".")]
        return code

    def undone(self, data: bytes, *arguments: object) -> int:
        """The same in a copy, of which nothing remains; `PLACE` in an argument is the copy."""
        copy = self.place.parent / "copy"
        shutil.copytree(self.place, copy)
        try:
            other = Workplace(copy, copy / self.file.relative_to(self.place))
            return other(data, *(str(argument).replace("PLACE", str(copy)) for argument in arguments))
        finally:
            shutil.rmtree(copy)


@pytest.fixture
def place(tmp_path: Path, proven: Proven) -> Path:
    """A directory with a copy of the proven ledger."""
    shutil.copytree(proven.directory, tmp_path / "place" / "ledger")
    return tmp_path / "place"


@depths(20)
def test_proofs(place: Path, proven: Proven, examples: int) -> None:
    work, ledger = Workplace(place, place / "batch.proof"), place / "ledger"

    def check(data: bytes) -> None:
        known = data == proven.data
        assert work(data, "verify", work.file) == (Exit.DONE if known else Exit.REJECTED)
        work(data, "inspect", work.file, "--json")
        if not known:
            assert work(data, "verify", work.file, "--ledger", ledger, "--chain", "solana") == Exit.REJECTED

    explore(examples, damaged(proven.data), check)


@depths(20)
def test_batches(place: Path, proven: Proven, examples: int) -> None:
    work = Workplace(place, place / "batch.jsonl")

    def check(data: bytes) -> None:
        work(data, "check", work.file, "--ledger", place / "ledger")
        work(data, "check", work.file, "--ledger", place / "ledger", "--json", "--skip-refused")

    explore(examples, damaged(proven.batch.read_bytes()), check)


@depths(3)
def test_proving_batches(place: Path, proven: Proven, examples: int) -> None:
    work, original = Workplace(place, place / "batch.jsonl"), proven.batch.read_bytes()
    arguments = ("PLACE/batch.jsonl", "--ledger", "PLACE/ledger", "--out", "PLACE/out", "--skip-refused")
    explore(examples, damaged(original), lambda data: work.undone(data, "prove", *arguments))


@depths(20)
def test_tapes(place: Path, examples: int) -> None:
    def check(choice: tuple[str, bytes]) -> None:
        name, data = choice
        work = Workplace(place, place / name)
        tape, out = f"BTC-PERP=PLACE/{name}", ("--ledger", "PLACE/ledger", "--out", "PLACE/out")
        work.undone(data, "import-tape", "--tape", tape, "--accounts", 3, *out)

    tables = st.tuples(st.just("t.csv"), st.just(TAPE) | damaged(TAPE))
    explore(examples, tables | st.tuples(st.just("t.csv.gz"), damaged(gzip.compress(TAPE, mtime=0))), check)


@depths(20)
def test_venues(tmp_path: Path, examples: int) -> None:
    """`init` makes a whole ledger, which can be inspected, or nothing."""
    work = Workplace(tmp_path / "place", tmp_path / "place" / "my.toml")
    work.place.mkdir()

    def check(data: bytes) -> None:
        ledger = work.place / "ledger"
        if work(data, "init", ledger, "--config", work.file) == Exit.DONE:
            assert ends_well("inspect", ledger) == Exit.DONE
            shutil.rmtree(ledger)
        assert not ledger.exists()

    source = VENUE_FILE.read_bytes()
    explore(examples, st.just(source) | damaged(source), check)


FILES = ("venue.toml", "ledger.state", "history/*.undo", "chains/solana/chain.json", "staged/proof.json")
NOTE = json.dumps({"proof": "absent.proof", "sha256": "0" * 64})  # what a crash may leave


@depths(10)
@pytest.mark.parametrize("name", FILES)
def test_ledgers(place: Path, proven: Proven, name: str, examples: int) -> None:
    """Every file of a ledger's directory, under the commands that read it."""
    ledger = place / "ledger"
    (ledger / "staged").mkdir()
    (ledger / "staged" / "proof.json").write_text(NOTE)
    work = Workplace(place, next(ledger.glob(name)))
    deposit = ("--chain", "solana", "--account", 6, "--asset", "USDC", "--amount", 1)

    def check(data: bytes) -> None:
        work.undone(data, "inspect", "PLACE/ledger")
        work.undone(data, "check", proven.batch, "--ledger", "PLACE/ledger")
        work.undone(data, "deposit", "PLACE/ledger", *deposit)
        work.undone(data, "verify", proven.proof, "--ledger", "PLACE/ledger", "--chain", "solana")

    explore(examples, damaged(work.file.read_bytes()), check)


@depths(30)
def test_fields_of_chains(place: Path, proven: Proven, examples: int) -> None:
    file = place / "ledger" / "chains" / "solana" / "chain.json"
    work = Workplace(place, file)

    def check(content: Any) -> None:
        work.undone(json_bytes(content), "inspect", "PLACE/ledger", "--json")
        work.undone(json_bytes(content), "verify", proven.proof, "--ledger", "PLACE/ledger", "--chain", "solana")

    explore(examples, damaged_json(json.loads(file.read_bytes())), check)
