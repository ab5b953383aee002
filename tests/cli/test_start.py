"""Commands that prove nothing do not load the prover."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Proven

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "numba", "llvmlite", "galois", "rich", "prover", "py_ecc")


def loaded(program: str, *arguments: object) -> set[str]:
    """The heavy modules that are loaded once the program has run."""
    code = f"import sys\ntry:\n    {program}\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return set(HEAVY) & set(result.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["prove", "--help"], ["demo", "--help"]])
def test_help_starts_light(arguments: list[str]) -> None:
    assert loaded("from cli.main import main; main()", *arguments) == set()


def test_verifying_and_depositing_start_light(proven: Proven, ledger: Path) -> None:
    main = "from cli.main import main; main()"
    assert loaded(main, "verify", proven.proof) == set()
    # Signatures need their library, and nothing else.
    assert loaded(main, "verify", proven.proof, "--ledger", ledger, "--chain", "solana") == {"py_ecc"}
    deposit = ("--chain", "solana", "--account", 6, "--asset", "USDC", "--amount", 1)
    assert loaded(main, "deposit", ledger, *deposit) == set()
    assert loaded(f"import solvent; solvent.verify(open({str(proven.proof)!r}, 'rb').read())") == set()


def test_the_measure_sees_the_prover(proven: Proven) -> None:
    assert loaded("from cli.main import main; main()", "inspect", proven.directory) >= {"numpy", "numba", "prover"}
