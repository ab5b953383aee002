"""End to end: transitions and fills a second over batch sizes, seconds by step, proof size and peak memory."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from benchmarks.measure import Run, median_run, run
from benchmarks.profiling import profile_in_new_process
from benchmarks.workload import workload
from solvent import COMPACT, STANDARD, Parameters

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

ROUNDS = 3
SIZES = [
    *(pytest.param(STANDARD, log_fills) for log_fills in range(8, 13)),
    *(pytest.param(STANDARD, log_fills, marks=pytest.mark.long) for log_fills in (13, 14)),
    pytest.param(COMPACT, 12),
]


@pytest.mark.benchmark(group="throughput")
@pytest.mark.parametrize(("parameters", "log_fills"), SIZES)
def test_end_to_end(benchmark: BenchmarkFixture, parameters: Parameters, log_fills: int) -> None:
    """Ledger, traces, proof and verification of 2^log_fills fills, warm; cold and memory from a process of its own."""
    batch, runs = workload(1 << log_fills), list[Run]()
    alone = profile_in_new_process(batch.fills, parameters)
    benchmark.pedantic(lambda: runs.append(run(batch, parameters)), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info |= {
        "parameters": asdict(parameters), "warm": median_run(runs[-ROUNDS:]).as_object(),
        "cold": alone["cold"], "peak": alone["peak"],
    }  # fmt: skip
