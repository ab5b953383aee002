"""What commands print: lines for people, one JSON object for programs, and progress on a terminal only."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True)
class Table:
    """What people read as a table: drawn on a terminal, aligned text elsewhere."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def lines(self) -> list[str]:
        """As aligned text."""
        return aligned(self.header, self.rows)


def emit(as_json: bool, content: dict[str, Any], lines: Iterable[str | Table]) -> None:
    """Print the result of a command on stdout."""
    if as_json:
        click.echo(json.dumps(content))
    elif sys.stdout.isatty():
        for part in lines:
            if isinstance(part, Table):
                _draw(part)
            else:
                click.echo(printable(part))
    else:
        click.echo("\n".join(map(printable, plain(lines))))


def plain(lines: Iterable[str | Table]) -> list[str]:
    """The lines, those of tables included."""
    return [line for part in lines for line in (part.lines() if isinstance(part, Table) else [part])]


def _draw(table: Table) -> None:
    """The table on the terminal, folded to its width."""
    from rich.console import Console
    from rich.table import Table as Drawing
    from rich.text import Text

    drawing = Drawing(header_style="bold")
    for title, numeric in zip(table.header, _numeric(table.header, table.rows), strict=True):
        drawing.add_column(printable(title), justify="right" if numeric else "left", overflow="fold")
    for row in table.rows:
        drawing.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(drawing)


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
    right = _numeric(header, table)
    widths = [max(len(row[column]) for row in (header, *table)) for column in range(len(header))]
    return ["  ".join(
        cell.rjust(width) if numeric else cell.ljust(width)
        for cell, width, numeric in zip(row, widths, right, strict=True)
    ).rstrip() for row in (header, *table)]  # fmt: skip


def _numeric(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[bool]:
    """Which columns hold nothing but numbers."""
    return [bool(rows) and all(_is_number(row[column]) for row in rows) for column in range(len(header))]


def _is_number(cell: str) -> bool:
    return not cell.strip("-0123456789.,") and cell != "-"
