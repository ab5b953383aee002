"""What a proof took: seconds by step, the tables, bytes by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from circuits.field import EXTENSION_DEGREE
from verifier.shape import Shape

Progress = Callable[[str], None]  # called with the name of a step as it starts


@dataclass(frozen=True)
class TableSize:
    """One table of a proof; columns in base elements."""

    name: str
    log_height: int
    main_columns: int
    auxiliary_columns: int


@dataclass
class ProvingReport:
    """Filled in as the proof is made."""

    tables: list[TableSize] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # by step, in order
    sizes: dict[str, int] = field(default_factory=dict)  # in bytes, by part, in order

    @property
    def total_seconds(self) -> float:
        """Of all steps."""
        return sum(self.seconds.values())

    @property
    def proof_size(self) -> int:
        """In bytes."""
        return sum(self.sizes.values())

    @contextmanager
    def step(self, name: str, progress: Progress | None) -> Iterator[None]:
        """Announce a step and time it."""
        if progress:
            progress(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def table_sizes(shape: Shape) -> list[TableSize]:
    """The tables of a proof in circuit order."""
    return [
        TableSize(t.table.name, t.log_height, t.table.width, EXTENSION_DEGREE * t.table.auxiliary_width)
        for t in shape.tables
    ]
