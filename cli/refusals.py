"""Applying a batch to a ledger: all or nothing, or without what is refused."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from circuits.statement import Statement
from circuits.witness import Witness
from solvent import check_signature
from state.batch import BatchReader, kind_name
from state.errors import BatchError, Refusal
from state.ledger import Ledger
from state.prices import PriceBook
from state.transitions import Transition
from verifier.prices import Bundle, encode_bundles
from verifier.text import UNITS

SHOWN = 20  # refusals that are printed; --json lists all
HEADER_LINE = 1


@dataclass(frozen=True)
class Refused:
    """A transition that the ledger refused: the line of the batch file, the kind, and why."""

    line: int
    kind: str
    refusal: Refusal

    def __str__(self) -> str:
        return f"line {self.line}: {self.kind}: {self.refusal}"

    def json(self) -> dict[str, Any]:
        """As an object for JSON."""
        return {
            "line": self.line, "kind": self.kind, "rule": self.refusal.rule.value,
            "values": dict(self.refusal.values), "message": str(self.refusal),
        }  # fmt: skip


@dataclass
class Applied:
    """What became of a batch: how many transitions of each kind were applied, and which were refused."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)
    bundles: bytes = b""  # the file of the signed prices on which the batch rests

    @property
    def transitions(self) -> int:
        """The number of transitions applied."""
        return self.counts.total()

    def json(self) -> dict[str, Any]:
        """As an object for JSON."""
        return {
            "transitions": self.transitions, "kinds": dict(self.counts), "refused": [one.json() for one in self.refused]
        }

    def lines(self) -> list[str]:
        """For people."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.counts.items())
        lines = [f"applied {self.transitions} transitions" + (f": {kinds}" if kinds else "")]
        if self.refused:
            lines.append(f"refused {len(self.refused)} (sizes in lots, {UNITS}):")
            lines += [f"  {one}" for one in self.refused[:SHOWN]]
        if len(self.refused) > SHOWN:
            lines.append(f"  and {len(self.refused) - SHOWN} more; --json lists all")
        return lines


class RefusedBatch(Exception):  # noqa: N818 - the batch is refused, nothing is broken
    """A batch with refused transitions; nothing was applied. `applied` says what would have become of it."""

    def __init__(self, file: str, applied: Applied) -> None:
        self.file, self.applied = file, applied
        first = applied.refused[0]
        count = len(applied.refused)
        problem = f"{first.kind}: {first.refusal}" + (f" (and {count - 1} more refusals)" if count > 1 else "")
        help_text = "nothing is applied; `solvent check` lists refusals, --skip-refused leaves them out"
        super().__init__(f"{file}:{first.line}: {problem}; {help_text}")


def close(ledger: Ledger, batch: Path, skip_refused: bool) -> tuple[Applied, Statement, Witness]:
    """Apply a batch file and close the batch; the ledger is not saved. Raises BatchError, RefusedBatch."""
    book = PriceBook(ledger.venue, check_signature)
    with BatchReader(batch, ledger.venue) as reader:
        try:
            ledger.begin_batch(reader.time, book)
        except Refusal as refusal:
            raise BatchError(str(batch), str(refusal), HEADER_LINE, "time") from refusal
        applied = _apply(ledger, reader, book)
        if applied.refused and not skip_refused:
            raise RefusedBatch(str(batch), applied)
    statement, witness = ledger.close_batch()
    applied.bundles = encode_bundles(ledger.venue.id, book.bundles_for(statement.prices))
    return applied, statement, witness


def _apply(ledger: Ledger, entries: Iterable[tuple[int, Transition | Bundle]], book: PriceBook) -> Applied:
    """Apply (line, transition) pairs; refused ones change nothing and are recorded. Bundles go into the book."""
    applied = Applied()
    for line, entry in entries:
        if isinstance(entry, Bundle):
            book.add(entry)
            continue
        kind = kind_name(entry)
        try:
            ledger.apply(entry)
        except Refusal as refusal:
            applied.refused.append(Refused(line, kind, refusal))
        else:
            applied.counts[kind] += 1
    return applied
