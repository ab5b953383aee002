"""End to end: transitions and fills a second over batch sizes, seconds by step, proof size and peak memory."""

from __future__ import annotations

from collections.abc import Callable
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
LONG = 12  # larger batches are for `-m long`
SIZES = [*((STANDARD, log_fills) for log_fills in range(8, 15)), (COMPACT, 12)]


@pytest.mark.benchmark(group="throughput")
@pytest.mark.parametrize(
    ("parameters", "log_fills"),
    [pytest.param(p, k, id=f"{p.name}-{k}", marks=[pytest.mark.long] if k > LONG else []) for p, k in SIZES],
)
def test_end_to_end(benchmark: BenchmarkFixture, parameters: Parameters, log_fills: int) -> None:
    """Ledger, traces, proof and verification of 2^log_fills fills, warm; cold and memory from a process of its own."""
    batch, runs = workload(1 << log_fills), list[Run]()
    pedantic: Callable[..., None] = benchmark.pedantic
    alone = profile_in_new_process(batch.fills, parameters)
    pedantic(lambda: runs.append(run(batch, parameters)), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info |= {
        "parameters": asdict(parameters), "warm": median_run(runs[-ROUNDS:]).as_object(),
        "cold": alone["cold"], "peak": alone["peak"],
    }  # fmt: skip
