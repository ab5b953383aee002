"""solvent check: what a batch would do, without proving."""

import sys
from pathlib import Path

import click

from cli.directory import LedgerDirectory
from cli.errors import Exit
from cli.options import batch_argument, json_option, ledger_option, skip_option
from cli.output import emit
from cli.refusals import close


@click.command()
@batch_argument
@ledger_option
@skip_option
@json_option
def check(batch: Path, ledger: Path, skip_refused: bool, as_json: bool) -> None:
    """Apply BATCH without proving and list all refusals; the ledger does not move.

    Exit code 2 if something is refused, unless it may be left out.
    """
    state = LedgerDirectory(ledger).read()
    applied, _, _ = close(state, batch, skip_refused=True)
    emit(as_json, applied.json(), applied.lines())
    if applied.refused and not skip_refused:
        sys.exit(Exit.BAD_INPUT)
