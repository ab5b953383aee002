"""Accesses of the operator's acts: the venue's count, and the element that an act changes."""

from circuits.acts import Target
from circuits.bounds import COUNTER_MAX
from circuits.records import VENUE_ACTS, VENUE_INDEX
from circuits.steps import Step
from state.accounts import next_count
from state.errors import require_range
from state.memory import Memory


def count_act(memory: Memory, step: Step) -> int:
    """Number an act; returns its number. Refuses COUNTER_LIMIT."""
    old = memory.read(VENUE_INDEX)
    new = list(old)
    new[VENUE_ACTS] = next_count("act", old[VENUE_ACTS], COUNTER_MAX)
    memory.replace(step, VENUE_INDEX, old, tuple(new))
    return old[VENUE_ACTS]


def write_element(memory: Memory, step: Step, leaf: int, position: int, value: int) -> None:
    """Change one element of a record."""
    old = memory.read(leaf)
    memory.replace(step, leaf, old, (*old[:position], value, *old[position + 1 :]))


def require_value(name: str, target: Target, value: int) -> None:
    """Refuse (OUT_OF_RANGE) what the element may not be."""
    require_range(name, value, target.low, target.high)
