"""The transitions, one a file: a frozen record of arguments, and `apply`, which makes its accesses or refuses."""

from typing import ClassVar, Protocol

from circuits.steps import Kind
from state.memory import Memory


class Transition(Protocol):
    """One move of the state."""

    kind: ClassVar[Kind]

    def apply(self, memory: Memory, /) -> tuple[int, ...]:
        """Make the accesses of STEPS[kind], in order; return the witness's ARGUMENTS[kind]. Raises Refusal."""
        ...
