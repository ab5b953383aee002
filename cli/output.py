"""What commands print: lines for people, one JSON object for programs, and progress on a terminal only."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click


def emit(as_json: bool, content: dict[str, Any], lines: Iterable[str]) -> None:
    """Print the result of a command on stdout."""
    click.echo(json.dumps(content) if as_json else "\n".join(map(printable, lines)))


def printable(line: str) -> str:
    """The line with control characters escaped: file names and damaged files must not steer a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr; the function it gives sets the step it names. Silent unless stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    with Console(stderr=True).status(title) as status:
        yield lambda step: status.update(f"{title}: {step}")


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table as lines: columns wide enough for their cells, numbers to the right."""
    table = [list(row) for row in rows]
    right = [bool(table) and all(_is_number(row[column]) for row in table) for column in range(len(header))]
    widths = [max(len(row[column]) for row in (header, *table)) for column in range(len(header))]
    return ["  ".join(
        cell.rjust(width) if numeric else cell.ljust(width)
        for cell, width, numeric in zip(row, widths, right, strict=True)
    ).rstrip() for row in (header, *table)]  # fmt: skip


def _is_number(cell: str) -> bool:
    return not cell.strip("-0123456789.,") and cell != "-"
