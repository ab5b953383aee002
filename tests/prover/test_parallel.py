"""Jobs and ranges on the shared pool: complete, in order, and loud when one fails."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prover import parallel


@given(st.integers(0, 2000), st.integers(1, 300))
def test_ranges_cover_everything_once(total: int, granularity: int) -> None:
    spans: list[tuple[int, int]] = []
    lock = threading.Lock()

    def kernel(start: int, stop: int) -> None:
        with lock:
            spans.append((start, stop))

    parallel.run_ranges(kernel, total, granularity)
    spans.sort()
    assert [k for start, stop in spans for k in range(start, stop)] == list(range(total))
    assert all(start % granularity == 0 for start, _ in spans)


def test_results_keep_their_order() -> None:
    assert parallel.run_all(partial(pow, k, 2) for k in range(50)) == [k * k for k in range(50)]


def test_an_exception_reaches_the_caller() -> None:
    def fail() -> None:
        raise RuntimeError("a job failed")

    with pytest.raises(RuntimeError, match="a job failed"):
        parallel.run_all([fail, lambda: None])
