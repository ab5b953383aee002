"""The steps of the demo: what each took and how it ended."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stages:
    """Collects the rows of the table. announce: called with the name of what starts."""

    announce: Callable[[str], None]
    surprises: int = 0  # attacks that were not rejected
    _rows: list[list[str]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[str], None]]:
        """Time a step; the function it gives sets the step's result."""
        self.announce(name)
        results: list[str] = []
        start = time.perf_counter()
        yield results.append
        self._rows.append([name, f"{time.perf_counter() - start:.2f}", "; ".join(results)])

    def must_fail(self, name: str, attack: Callable[[], str | None]) -> None:
        """A step that has to be rejected: the attack returns the reason, or None if it succeeded."""
        with self.stage(name) as say:
            reason = attack()
            self.surprises += reason is None
            say("NOT REJECTED" if reason is None else f"rejected: {reason}")

    def rows(self) -> list[list[str]]:
        """Name, seconds, result of each step so far."""
        return self._rows
