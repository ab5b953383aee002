"""One shared pool of threads for kernels that release the GIL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

THREADS = os.cpu_count() or 1
_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="kernel")


def run_all(jobs: Iterable[Callable[[], object]]) -> None:
    """Run the jobs on all cores and wait; the first exception is raised. Must not be called from within a job."""
    pending = list(jobs)
    if len(pending) == 1 or THREADS == 1:
        for job in pending:
            job()
        return
    for future in [_executor.submit(job) for job in pending]:
        future.result()


def run_ranges(kernel: Callable[[int, int], object], total: int, granularity: int) -> None:
    """kernel(start, stop) over ranges that cover [0, total); all but the last are multiples of `granularity`."""
    # A few ranges a thread even out cores that are busy with something else.
    ranges = min(4 * THREADS, -(-total // granularity))
    step = -(-total // max(ranges, 1) // granularity) * granularity or granularity
    run_all([lambda start=start: kernel(start, min(start + step, total)) for start in range(0, total, step)])
