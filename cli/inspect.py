"""solvent inspect: what a proof says and weighs, or how a ledger stands."""

from pathlib import Path

import click

from cli.directory import LedgerDirectory
from cli.inspect_ledger import ledger_lines, ledger_object
from cli.inspect_proof import proof_lines, proof_object, read
from cli.options import json_option
from cli.output import emit
from cli.signed_prices import bundles_line, bundles_object
from verifier.batch import read_proof
from verifier.prices import bundles_path, decode_bundles, read_bundles
from verifier.text import Numbers


@click.command()
@click.argument("path", metavar="FILE.proof|DIR", type=click.Path(exists=True, path_type=Path))
@json_option
def inspect(path: Path, as_json: bool) -> None:
    """Show a proof's statement, parameters, sizes and who signed its prices, or a ledger's accounts and invariant.

    Neither the proof nor the signatures are verified.
    """
    if path.is_dir():
        content = ledger_object(LedgerDirectory(path))
        emit(as_json, content, ledger_lines(content))
    else:
        contents, data = read(read_proof(path)), read_bundles(bundles_path(path))
        bundles = [] if data is None else decode_bundles(data)[1]
        signed = bundles_object(bundles, Numbers(), checked=False)
        lines = [*proof_lines(contents), "", bundles_line(bundles, checked=False)]
        emit(as_json, {**proof_object(contents), "signed_prices": signed}, lines)
