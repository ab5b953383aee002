"""`python -m benchmarks` runs the suites and plots them; `profile` times one batch, `cells` counts what it commits,
`hiding` measures what zero knowledge costs."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.cells import print_cells, table_cells
from benchmarks.hiding import hiding_cost, print_hiding
from benchmarks.operations import print_operations
from benchmarks.profiling import profile
from benchmarks.report import print_kernels, print_profile, print_throughput
from benchmarks.workload import depth_workload, workload
from solvent import PARAMETERS

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main() -> int:
    """The exit code: pytest's for the suites, else 0."""
    options = _options()
    if options.command is None:
        return suites(options.all, options.only)
    parameters = PARAMETERS[options.params]
    if options.command == "cells":
        if options.tapes:
            work = depth_workload(options.tapes, options.events, options.accounts)
        else:
            work = workload(options.fills, options.accounts)
        _, witness = work.close()
        tables = table_cells(witness, parameters)
        print_cells(witness, tables)
        print_operations(witness, tables)
        return 0
    measure, show = (profile, print_profile) if options.command == "profile" else (hiding_cost, print_hiding)
    found = measure(options.fills, options.accounts, parameters, options.runs)
    if options.json:
        print(json.dumps(found))
    else:
        show(found)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--all", action="store_true", help="the largest batches too, 2^13 and 2^14 fills")
    parser.add_argument("--only", choices=("kernels", "throughput"), help="one suite instead of both")
    commands = parser.add_subparsers(dest="command")
    purposes = {
        "profile": "seconds by step, cold and warm", "hiding": "proving with and without hiding, in turn",
        "cells": "committed cells",
    }  # fmt: skip
    for name, purpose in purposes.items():
        command = commands.add_parser(name, help=purpose)
        command.add_argument("--fills", type=int, default=4096)
        command.add_argument("--accounts", type=int, help="by default 500, fewer in batches of less than 2,000 fills")
        command.add_argument("--params", choices=sorted(PARAMETERS), default="standard")
    for name in ("profile", "hiding"):
        commands.choices[name].add_argument("--runs", type=int, default=5, help="warm ones, after a first one")
        commands.choices[name].add_argument("--json", action="store_true")
    cells = commands.choices["cells"]
    cells.add_argument("--tape", dest="tapes", metavar="MARKET=FILE", action="append", help="captures instead of fills")
    cells.add_argument("--events", type=int, default=32_000, help="of the captures' order flow")
    return parser.parse_args()


def suites(everything: bool, only: str | None) -> int:
    """Run pytest over one suite or both, keep its JSON in results/, print what matters and draw the plot."""
    RESULTS.mkdir(exist_ok=True)
    names = [only] if only else ["kernels", "throughput"]
    path = RESULTS / f"{'-'.join(names)}.json"
    command = [sys.executable, "-m", "pytest", *(str(HERE / f"test_{name}.py") for name in names)]
    command += [f"--benchmark-json={path}", "--benchmark-columns=median,iqr,rounds", "--benchmark-max-time=0.3"]
    command += ["-m", "long or not long"] if everything else []
    code = subprocess.run(command, cwd=HERE.parent, check=False).returncode
    if code:
        return code
    results = json.loads(path.read_text())["benchmarks"]
    if "kernels" in names:
        print_kernels(result for result in results if "unit" in result["extra_info"])
    if "throughput" in names:
        from benchmarks.plot import draw

        batches = [result["extra_info"] for result in results if "warm" in result["extra_info"]]
        print_throughput(batches)
        draw(batches, RESULTS / "throughput.png")
        print(f"plot: {RESULTS / 'throughput.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
