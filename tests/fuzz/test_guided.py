"""Coverage-guided fuzzing by atheris: nothing is found in a bounded time, and a planted bug is."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from circuits.solvent import solvent_circuit
from prover.prove import prove
from solvent import traces_of
from tests.batches import every_act, every_kind, every_order, prompt_ledger, run_batch
from tests.fuzz.targets import PARAMETERS, deaf
from tests.state.test_batch import write
from verifier.transcript import Transcript

ROOT = Path(__file__).parents[2]
SECONDS = 60
LIMITS = ("-rss_limit_mb=1024", "-timeout=10", f"-max_total_time={SECONDS}")
CRASHED = 77  # libFuzzer's exit code

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        importlib.util.find_spec("atheris") is None,
        reason="atheris is not installed: the extra `fuzz` has it where there is a wheel (Linux on x86-64)",
    ),
]


def corpus(place: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The seed file and a directory with pieces of it to start from."""
    seed, pieces = place / "seed", place / "corpus"
    if target == "batch":
        write(seed, [*every_kind(), *every_order(), *every_act()], time=60)
    else:
        if target == "behind":
            monkeypatch.setattr(Transcript, "_absorb", deaf)
        statement, witness = run_batch(prompt_ledger(), [*every_kind(), *every_order(), *every_act()])
        seed.write_bytes(prove(solvent_circuit(), PARAMETERS, statement, traces_of(witness, PARAMETERS))[0])
    pieces.mkdir()
    data = seed.read_bytes()
    for length in (100, 1_500, len(data)):
        (pieces / str(length)).write_bytes(data[:length])
    return seed, pieces


def fuzz(target: str, seed: Path, pieces: Path, most_bytes: int) -> subprocess.CompletedProcess[str]:
    """The fuzzer in a process of its own, on inputs of so many bytes; what it finds it writes beside the seed."""
    found = f"-artifact_prefix={seed.parent}/"
    size = f"-max_len={most_bytes}"
    command = [sys.executable, "-m", "tests.fuzz.guided", target, seed, *LIMITS, found, size, pieces]
    return subprocess.run(
        list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=5 * SECONDS,
    )  # fmt: skip


@pytest.mark.parametrize("target", ["proof", "behind", "batch"])
def test_nothing_is_found(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed, pieces = corpus(tmp_path, target, monkeypatch)
    run = fuzz(target, seed, pieces, 2 * seed.stat().st_size)
    assert run.returncode == 0, run.stdout[-5_000:]
    assert "INITED cov" in run.stdout  # the code is instrumented, and guides
    assert "Done " in run.stdout


@pytest.mark.parametrize("target", ["proof", "batch"])
def test_a_planted_bug_is_found(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fuzz(f"{target}+planted", *corpus(tmp_path, target, monkeypatch), 2_000)
    assert run.returncode == CRASHED, run.stdout[-5_000:]
    assert "IndexError: planted" in run.stdout
    assert list(tmp_path.glob("crash-*"))
