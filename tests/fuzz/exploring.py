"""How far the fuzzing goes: a few seconds a test always, ten times as far with the long tests."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T")
DEEPER = 10
SECONDS = 5.0  # of processor time that no small input may take


def depths(examples: int) -> pytest.MarkDecorator:
    """A test with the argument `examples`: so many, and DEEPER times as many when the long tests run."""
    return pytest.mark.parametrize("examples", [examples, pytest.param(DEEPER * examples, marks=pytest.mark.long)])


def explore(examples: int, strategy: st.SearchStrategy[T], check: Callable[[T], object]) -> None:
    """Run the check on so many inputs; the smallest one that fails, or takes SECONDS, is reported."""

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.target, Phase.shrink),
    )  # fmt: skip
    @given(strategy)
    def run(value: T) -> None:
        start = time.thread_time()
        check(value)
        assert time.thread_time() - start < SECONDS

    run()
