"""One shared pool of threads for kernels that release the GIL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

THREADS = os.cpu_count() or 1
_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="kernel")
Result = TypeVar("Result")


def run_all(jobs: Iterable[Callable[[], Result]]) -> list[Result]:
    """The results of the jobs, run on all cores; the first exception is raised. Not to be called from within a job."""
    pending = list(jobs)
    # Handing over a job costs as much as a small kernel: many jobs go in a few batches a thread.
    size = max(1, -(-len(pending) // (8 * THREADS)))
    batches = [pending[start : start + size] for start in range(0, len(pending), size)]
    if len(batches) == 1 or THREADS == 1:
        return [job() for job in pending]
    futures = [_executor.submit(_run_batch, batch) for batch in batches]
    return [result for future in futures for result in future.result()]


def _run_batch(jobs: list[Callable[[], Result]]) -> list[Result]:
    return [job() for job in jobs]


def run_ranges(kernel: Callable[[int, int], object], total: int, granularity: int) -> None:
    """kernel(start, stop) over ranges that cover [0, total); all but the last are multiples of `granularity`."""
    # A few ranges a thread even out cores that are busy with something else.
    ranges = min(4 * THREADS, -(-total // granularity))
    step = -(-total // max(ranges, 1) // granularity) * granularity or granularity
    run_all(partial(kernel, start, min(start + step, total)) for start in range(0, total, step))
