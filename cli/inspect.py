"""solvent inspect: what a proof says and weighs, or how a ledger stands."""

from pathlib import Path

import click

from cli.directory import LedgerDirectory
from cli.errors import BadInputError
from cli.inspect_ledger import Selection, ledger_object
from cli.inspect_proof import proof_lines, proof_object, read
from cli.inspect_tables import ledger_lines
from cli.options import json_option
from cli.output import emit
from cli.signed_prices import bundles_line, bundles_object
from state.venue import Instrument, Venue
from verifier.batch import read_proof
from verifier.prices import bundles_path, decode_bundles, read_bundles
from verifier.text import Numbers


@click.command()
@click.argument("path", metavar="FILE.proof|DIR", type=click.Path(exists=True, path_type=Path))
@click.option("--account", "accounts", metavar="N", type=click.IntRange(min=0), multiple=True,
              help="Only this account of a ledger; may be repeated.")  # fmt: skip
@click.option("--market", metavar="NAME", help="Only this market, and the accounts that are in it.")
@click.option("--worst", metavar="N", type=click.IntRange(min=1), help="Only the N least healthy accounts.")
@json_option
def inspect(path: Path, accounts: tuple[int, ...], market: str | None, worst: int | None, as_json: bool) -> None:
    """Show a proof's statement, parameters, sizes and who signed its prices, or a ledger's chains, invariant, markets
    and accounts.

    Neither the proof nor the signatures are verified. An account's health is its equity in percent of what the initial
    tier asks for; what it has above maintenance is also given in percent of its positions: by about so much the marks
    may move against it before it can be liquidated.
    """
    if path.is_dir():
        directory = LedgerDirectory(path)
        chosen = None if market is None else _market(directory.venue, market)
        content = ledger_object(directory, Selection(accounts, chosen, worst))
        emit(as_json, content, ledger_lines(content))
        return
    if accounts or market is not None or worst is not None:
        raise click.UsageError("--account, --market and --worst are for a ledger's directory")
    contents, data = read(read_proof(path)), read_bundles(bundles_path(path))
    bundles = [] if data is None else decode_bundles(data)[1]
    signed = bundles_object(bundles, Numbers(), checked=False)
    lines = [*proof_lines(contents), "", bundles_line(bundles, checked=False)]
    emit(as_json, {**proof_object(contents), "signed_prices": signed}, lines)


def _market(venue: Venue, name: str) -> Instrument:
    found = venue.by_name.get(name)
    if found is None or found not in venue.markets:
        names = ", ".join(one.name for one in venue.markets)
        raise BadInputError(f"--market {name}: not a market of this venue; it has {names}")
    return found
