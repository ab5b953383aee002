"""solvent inspect: what a proof says and weighs, or how a ledger stands."""

from pathlib import Path

import click

from cli.directory import LedgerDirectory
from cli.inspect_ledger import ledger_lines, ledger_object
from cli.inspect_proof import proof_lines, proof_object, read
from cli.options import json_option
from cli.output import emit
from verifier.batch import read_proof


@click.command()
@click.argument("path", metavar="FILE.proof|DIR", type=click.Path(exists=True, path_type=Path))
@json_option
def inspect(path: Path, as_json: bool) -> None:
    """Show a proof's statement, parameters and sizes, or a ledger's accounts, vaults and invariant.

    The proof is not verified.
    """
    if path.is_dir():
        content = ledger_object(LedgerDirectory(path))
        emit(as_json, content, ledger_lines(content))
    else:
        contents = read(read_proof(path))
        emit(as_json, proof_object(contents), proof_lines(contents))
