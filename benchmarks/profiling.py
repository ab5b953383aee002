"""The steps of proving one batch in a process of its own: cold, then the median of warm runs, and the peak memory."""

import json
import subprocess
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import median_run, peak_bytes, run
from benchmarks.workload import workload
from solvent import Parameters


def profile(fills: int, accounts: int | None, parameters: Parameters, runs: int) -> dict[str, Any]:
    """Cold is the process's first run, with the kernels compiled in an earlier process if there was one.

    `cold` and `warm` are Run.as_object(), warm None without further runs; `peak` is in bytes, of all runs.
    """
    batch = workload(fills, accounts)
    cold = run(batch, parameters)
    warm = [run(batch, parameters) for _ in range(runs)]
    return {
        "parameters": parameters.name, "runs": runs, "cold": cold.as_object(),
        "warm": median_run(warm).as_object() if warm else None, "peak": peak_bytes(),
    }  # fmt: skip


def profile_in_new_process(fills: int, parameters: Parameters) -> dict[str, Any]:
    """A cold run alone, whose memory nothing else has touched. Raises CalledProcessError."""
    command = [sys.executable, "-m", "benchmarks", "profile", "--json", "--runs=0"]
    command += [f"--fills={fills}", f"--params={parameters.name}"]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def print_profile(found: dict[str, Any], console: Console) -> None:
    """Seconds by step, cold and warm, and each step's share of the warm run."""
    cold = found["cold"]
    warm = found["warm"] or cold
    title = f"{cold['transitions']:,} transitions, {cold['fills']:,} fills, {cold['accounts']} accounts"
    table = Table("step", title=f"{title}, {found['parameters']}", caption=f"warm: median of {found['runs']} runs")
    for name in ("cold s", "warm s", "share"):
        table.add_column(name, justify="right")
    total = sum(warm["seconds"].values())
    for step, seconds in warm["seconds"].items():
        table.add_row(step, f"{cold['seconds'][step]:.3f}", f"{seconds:.3f}", f"{100 * seconds / total:.1f} %")
    table.add_section()
    for name in ("ledger", "prove", "verify"):
        table.add_row(name, f"{cold[name]:.3f}", f"{warm[name]:.3f}", f"{100 * warm[name] / total:.1f} %")
    console.print(table)
    console.print(
        f"{warm['transitions_per_second']:,.0f} transitions/s, {warm['fills_per_second']:,.0f} fills/s; "
        f"proof {warm['proof_bytes']:,} bytes; peak memory {found['peak'] / 1e9:.2f} GB"
    )
