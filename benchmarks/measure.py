"""One batch from its transitions to a verified proof, timed step by step; medians of several runs; peak memory."""

import resource
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.workload import Workload
from solvent import Parameters, prove, verify

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Run:
    """One run, or the median of several: seconds by step, in order; the proof's bytes."""

    fills: int
    transitions: int
    seconds: dict[str, float]
    proof_bytes: int

    def as_object(self) -> dict[str, Any]:
        """For JSON: the fields, seconds by part, and the throughput of ledger and prover together."""
        ledger, verifying = self.seconds["apply"] + self.seconds["close"], self.seconds["verify"]
        total = sum(self.seconds.values())
        return {
            **asdict(self), "ledger": ledger, "prove": total - ledger - verifying, "verify": verifying,
            "transitions_per_second": self.transitions / (total - verifying),
            "fills_per_second": self.fills / (total - verifying),
        }  # fmt: skip


def run(batch: Workload, parameters: Parameters) -> Run:
    """Apply, close, prove and verify the batch on a fresh ledger. Raises AssertionError if the proof says otherwise."""
    steps: list[tuple[str, float]] = []

    def step(name: str) -> None:
        steps.append((name, perf_counter()))

    ledger = batch.ledger()
    step("apply")
    for transition in batch.transitions:
        ledger.apply(transition)
    step("close")
    statement, witness = ledger.close_batch()
    proof, _ = prove(statement, witness, parameters, progress=step)
    step("verify")
    proven = verify(proof, parameters)
    step("end")
    assert proven == statement, "the proof is of another statement"
    seconds = {name: steps[i + 1][1] - start for i, (name, start) in enumerate(steps[:-1])}
    return Run(batch.fills, len(batch.transitions), seconds, len(proof))


def median_run(runs: list[Run]) -> Run:
    """The median of each step over runs of one batch."""
    seconds = {step: median(run.seconds[step] for run in runs) for step in runs[0].seconds}
    return replace(runs[0], seconds=seconds, proof_bytes=round(median(run.proof_bytes for run in runs)))


def peak_bytes() -> int:
    """The most memory that this process has held at once."""
    if _STATUS.exists():  # ru_maxrss would count what the parent process held when it started this one
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
