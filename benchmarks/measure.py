"""One batch from its transitions to a verified proof, timed step by step; peak memory; medians of several runs."""

import resource
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.workload import Workload
from solvent import Parameters, prove, verify

LEDGER, VERIFY = ("apply", "close"), ("verify",)  # what is between them is proving, the traces included
_STATUS = Path("/proc/self/status")


@dataclass
class Stopwatch:
    """Called with the name of each step as it starts, and with None at the end; a step lasts until the next call."""

    seconds: dict[str, float] = field(default_factory=dict)
    _step: str | None = None
    _start: float = 0.0

    def __call__(self, step: str | None) -> None:
        now = perf_counter()
        if self._step is not None:
            self.seconds[self._step] = now - self._start
        self._step, self._start = step, now


@dataclass(frozen=True)
class Run:
    """What one run, or the median of several, took: seconds by step, in order; the proof's bytes."""

    fills: int
    transitions: int
    accounts: int
    seconds: dict[str, float]
    proof_bytes: int

    @property
    def ledger(self) -> float:
        """Seconds of the ledger: applying all transitions and closing the batch."""
        return sum(self.seconds[step] for step in LEDGER)

    @property
    def verify(self) -> float:
        """Seconds of the verifier."""
        return sum(self.seconds[step] for step in VERIFY)

    @property
    def prove(self) -> float:
        """Seconds from the witness to the proof, the traces included."""
        return sum(self.seconds.values()) - self.ledger - self.verify

    def rate(self, count: int) -> float:
        """`count` a second through ledger and prover."""
        return count / (self.ledger + self.prove)

    def as_object(self) -> dict[str, Any]:
        """For JSON: the fields, the sums of steps, and throughput in transitions and in fills a second."""
        return {
            **asdict(self), "ledger": self.ledger, "prove": self.prove, "verify": self.verify,
            "transitions_per_second": self.rate(self.transitions), "fills_per_second": self.rate(self.fills),
        }  # fmt: skip


def run(batch: Workload, parameters: Parameters) -> Run:
    """Apply, close, prove and verify the batch on a fresh ledger. Raises AssertionError if the proof says otherwise."""
    watch, ledger = Stopwatch(), batch.ledger()
    watch("apply")
    for transition in batch.transitions:
        ledger.apply(transition)
    watch("close")
    statement, witness = ledger.close_batch()
    proof, _ = prove(statement, witness, parameters, progress=watch)
    watch("verify")
    proven = verify(proof, parameters)
    watch(None)
    assert proven == statement, "the proof is of another statement"
    return Run(batch.fills, len(batch.transitions), batch.accounts, watch.seconds, len(proof))


def median_run(runs: list[Run]) -> Run:
    """The median of each step over runs of one batch."""
    first = runs[0]
    seconds = {step: median(run.seconds[step] for run in runs) for step in first.seconds}
    size = round(median(run.proof_bytes for run in runs))
    return Run(first.fills, first.transitions, first.accounts, seconds, size)


def peak_bytes() -> int:
    """The most memory that this process has held at once."""
    if _STATUS.exists():  # ru_maxrss counts what the parent process held when it started this one
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
