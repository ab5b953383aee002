"""Proving one batch over and over: the first, cold run of the process, the median of warm runs, and the peak memory."""

import json
import subprocess
import sys
from typing import Any

from benchmarks.measure import median_run, peak_bytes, run
from benchmarks.workload import workload
from solvent import Parameters


def profile(fills: int, accounts: int | None, parameters: Parameters, runs: int) -> dict[str, Any]:
    """`cold` and `warm` are Run.as_object(), warm None without warm runs; `peak`: bytes, of all runs.

    Cold is the process's first run; its kernels are loaded from disk if an earlier process has compiled them.
    """
    batch = workload(fills, accounts)
    cold = run(batch, parameters)
    warm = [run(batch, parameters) for _ in range(runs)]
    return {
        "parameters": parameters.name, "runs": runs, "cold": cold.as_object(),
        "warm": median_run(warm).as_object() if warm else None, "peak": peak_bytes(),
    }  # fmt: skip


def profile_in_new_process(fills: int, parameters: Parameters) -> dict[str, Any]:
    """The cold run alone. Raises CalledProcessError."""
    command = [sys.executable, "-m", "benchmarks", "profile", "--json", "--runs=0"]
    command += [f"--fills={fills}", f"--params={parameters.name}"]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found
