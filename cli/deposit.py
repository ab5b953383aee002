"""solvent deposit: a deposit reaches a chain's vault and queue."""

from pathlib import Path

import click

from cli.directory import LedgerDirectory
from cli.errors import BadInputError
from cli.options import directory_argument, json_option
from cli.output import emit
from state.decimals import DecimalError
from verifier.chain import Entry


@click.command()
@directory_argument
@click.option("--chain", required=True, metavar="NAME", help="The chain that receives it.")
@click.option("--account", required=True, type=click.IntRange(min=0), help="The account to be credited.")
@click.option("--asset", required=True, metavar="X", help="The collateral asset, by name.")
@click.option("--amount", required=True, metavar="N", help="A decimal amount in wholes of the asset.")
@json_option
def deposit(directory: Path, chain: str, account: int, asset: str, amount: str, as_json: bool) -> None:
    """Put a deposit into a chain's queue and vault; a batch has to credit it."""
    ledger = LedgerDirectory(directory)
    instrument = ledger.venue.by_name.get(asset)
    if instrument is None or instrument not in ledger.venue.collateral:
        names = ", ".join(one.name for one in ledger.venue.collateral)
        raise BadInputError(f"--asset {asset}: not a collateral asset of this venue; it has {names}")
    try:
        units = instrument.units(amount)
    except DecimalError as error:
        raise BadInputError(f"--amount: {error}") from error
    with ledger.open_chain(chain) as verifier:
        number = verifier.deposit(Entry(account, instrument.number, units))
        pending = len(verifier.state.pending())
    content = {
        "chain": chain, "sequence": number, "account": account, "asset": asset,
        "amount": instrument.format_units(units), "pending": pending,
    }  # fmt: skip
    line = f"{chain} received deposit {number}: {content['amount']} {asset} for account {account}; {pending} pending"
    emit(as_json, content, [line])
