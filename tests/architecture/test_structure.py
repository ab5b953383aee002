"""The rules of the layout: who may import whom, one purpose a file, functions that fit a screen."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("circuits", "verifier", "prover", "state", "cli", "benchmarks", "tests")
LONGEST_FUNCTION = 60
MAY_IMPORT = {
    "circuits": set(),
    "verifier": {"circuits"},
    "prover": {"circuits", "verifier"},
    "state": {"circuits", "verifier"},
    "cli": {"circuits", "verifier", "prover", "state", "solvent"},
    "solvent": {"circuits", "verifier", "prover", "state"},
}
THIRD_PARTY: dict[str, set[str]] = {
    "circuits": set(),
    "verifier": set(),
    "prover": {"numpy", "numba", "llvmlite", "galois"},
    "state": {"py_ecc"},
    "cli": {"click", "rich", "jsonschema", "matplotlib"},
    "solvent": {"numpy"},
}


def sources(package: str) -> list[Path]:
    """The Python files of a package, or of the single-module face."""
    return [ROOT / "solvent.py"] if package == "solvent" else sorted((ROOT / package).rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    """The top-level names of all modules imported anywhere in a file."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_keep_the_layers(package: str) -> None:
    allowed = MAY_IMPORT[package] | THIRD_PARTY[package] | {package} | set(sys.stdlib_module_names)
    for path in sources(package):
        extra = imported(ast.parse(path.read_text())) - allowed
        assert not extra, f"{path.relative_to(ROOT)} imports {sorted(extra)}"


def test_one_module_knows_the_signature_library() -> None:
    files = [path for package in (*PACKAGES[:-1], "solvent") for path in sources(package)]
    knowing = [path for path in files if "py_ecc" in imported(ast.parse(path.read_text()))]
    assert [str(path.relative_to(ROOT)) for path in knowing] == ["state/oracle.py"]


def test_circuits_and_verifier_use_no_float() -> None:
    for package in ("circuits", "state"):
        for path in sources(package):
            for node in ast.walk(ast.parse(path.read_text())):
                is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
                assert not is_float, f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} has a float"


@pytest.mark.parametrize("package", [*PACKAGES, "solvent"])
def test_every_file_says_its_purpose_first(package: str) -> None:
    for path in sources(package):
        text = path.read_text()
        if text.strip():
            assert text.startswith('"""'), f"{path.relative_to(ROOT)} does not start with its purpose"


@pytest.mark.parametrize("package", [*PACKAGES, "solvent"])
def test_functions_fit_a_screen(package: str) -> None:
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= LONGEST_FUNCTION, f"{path.relative_to(ROOT)}: {node.name} has {length} lines"


def test_wheel_ships_every_package_and_no_tests() -> None:
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    shipped = {"circuits", "verifier", "prover", "state", "cli"}
    present = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in shipped
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert listed == present
