"""The verifier runs with nothing but the standard library."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import Proven

ROOT = Path(__file__).parents[2]

# Runs a module as a program in an interpreter that knows neither the dependencies nor the prover's side.
BARE = """
import runpy, sys

class Barred:
    def find_spec(self, name, path=None, target=None):
        barred = "numpy", "numba", "llvmlite", "galois", "py_ecc", "click", "rich", "prover", "state"
        if name.partition(".")[0] in barred:
            raise ImportError(f"{name} is barred")

sys.meta_path.insert(0, Barred())
module, *sys.argv[1:] = sys.argv[1:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """python ARGUMENTS in the repository's root, without site-packages."""
    command = [sys.executable, "-S", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_bar_holds() -> None:
    for name in ("numpy", "numba", "galois", "py_ecc", "llvmlite"):
        assert "barred" in run("-c", BARE, name).stderr


def test_a_proof_is_verified_where_nothing_can_be_imported(proven: Proven) -> None:
    result = run("-c", BARE, "verifier", proven.proof)
    assert result.returncode == 0, result.stderr
    assert "".join(f"{element:08x}" for element in proven.statement.new_root) in result.stdout


def test_the_module_accepts_rejects_and_refuses(proven: Proven, tmp_path: Path) -> None:
    accepted = run("-m", "verifier", proven.proof, "--params", "standard")
    assert (accepted.returncode, accepted.stderr) == (0, "")
    (tmp_path / "bad").write_bytes(proven.data[:-1])
    for code, arguments in (
        (1, (tmp_path / "bad",)), (1, (proven.proof, "--params", "compact")),
        (2, (tmp_path / "missing",)), (2, (proven.proof, "--params", "weak")), (2, ()),
    ):  # fmt: skip
        result = run("-m", "verifier", *arguments)
        assert result.returncode == code, result.stderr
        assert result.stdout == ""
        assert result.stderr
        assert "Traceback" not in result.stderr
