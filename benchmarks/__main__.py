"""`python -m benchmarks`: run the suites and plot them; `profile`: one batch step by step; `cells`: what it commits."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cells import print_cells
from benchmarks.profiling import print_profile, profile
from benchmarks.workload import workload
from solvent import PARAMETERS

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main() -> int:
    """The exit code: pytest's for the suites, 0 otherwise."""
    options = _options()
    console = Console()
    if options.command == "suites":
        return suites(options.all, options.only, console)
    parameters = PARAMETERS[options.params]
    if options.command == "cells":
        print_cells(workload(options.fills, options.accounts).close()[1], parameters, console)
        return 0
    found = profile(options.fills, options.accounts, parameters, options.runs)
    if options.json:
        print(json.dumps(found))
    else:
        print_profile(found, console)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.set_defaults(command="suites")
    parser.add_argument("--all", action="store_true", help="the largest batches too, 2^13 and 2^14 fills")
    parser.add_argument("--only", choices=("kernels", "throughput"), help="one suite instead of both")
    commands = parser.add_subparsers(dest="command")
    for name in ("profile", "cells"):
        command = commands.add_parser(name)
        command.add_argument("--fills", type=int, default=4096)
        command.add_argument("--accounts", type=int, help="500, fewer in batches of less than 2,000 fills")
        command.add_argument("--params", choices=sorted(PARAMETERS), default="standard")
    commands.choices["profile"].add_argument("--runs", type=int, default=5, help="warm ones, after the cold one")
    commands.choices["profile"].add_argument("--json", action="store_true")
    return parser.parse_args()


def suites(everything: bool, only: str | None, console: Console) -> int:
    """Run pytest over one suite or both, keep its JSON in results/, draw the plot, print what matters."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "benchmark.json"
    selected = [f"test_{only}.py"] if only else ["test_kernels.py", "test_throughput.py"]
    command = [sys.executable, "-m", "pytest", *(str(HERE / name) for name in selected), f"--benchmark-json={path}"]
    command += ["--benchmark-columns=median,iqr,rounds", *(["-m", "long or not long"] if everything else [])]
    code = subprocess.run(command, cwd=HERE.parent, check=False).returncode
    if code == 0:
        results = json.loads(path.read_text())["benchmarks"]
        _print_kernels([result for result in results if "unit" in result["extra_info"]], console)
        batches = [result["extra_info"] for result in results if "warm" in result["extra_info"]]
        if batches:
            _print_throughput(batches, console)
            _plot(batches, RESULTS / "throughput.png", console)
    return code


def _plot(batches: list[dict[str, Any]], path: Path, console: Console) -> None:
    from benchmarks.plot import draw  # matplotlib takes a second to load

    draw(batches, path)
    console.print(f"plot: {path}")


def _print_kernels(results: list[dict[str, Any]], console: Console) -> None:
    if not results:
        return
    table = Table("kernel", "unit", title="Kernels, one core, median")
    for name in ("ns", "reference ns", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("reference")
    for result in results:
        info = result["extra_info"]
        reference = info.get("reference_ns")
        against = (f"{reference:.2f}", f"{info['ns'] / reference:.2f}", info["reference"]) if reference else ()
        table.add_row(result["name"].removeprefix("test_"), info["unit"], f"{info['ns']:.3f}", *against)
    console.print(table)


def _print_throughput(batches: list[dict[str, Any]], console: Console) -> None:
    table = Table("parameters", title="Batches; seconds, warm, median")
    columns = ("fills", "transitions", "ledger", "traces", "prove", "verify", "cold", "transitions/s", "fills/s",
               "proof KB", "peak GB")  # fmt: skip
    for name in columns:
        table.add_column(name, justify="right")
    for batch in batches:
        warm, cold = batch["warm"], batch["cold"]
        traces = warm["seconds"]["traces"]
        table.add_row(
            batch["parameters"]["name"], f"{warm['fills']:,}", f"{warm['transitions']:,}", f"{warm['ledger']:.2f}",
            f"{traces:.2f}", f"{warm['prove'] - traces:.2f}", f"{warm['verify']:.2f}",
            f"{cold['ledger'] + cold['prove']:.2f}", f"{warm['transitions_per_second']:,.0f}",
            f"{warm['fills_per_second']:,.0f}", f"{warm['proof_bytes'] / 1e3:,.0f}", f"{batch['peak'] / 1e9:.2f}",
        )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
