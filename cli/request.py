"""solvent request: ask for an account to be liquidated, on any chain."""

from pathlib import Path

import click

from cli.directory import LedgerDirectory
from cli.options import directory_argument, json_option
from cli.output import emit


@click.command()
@directory_argument
@click.option("--chain", required=True, metavar="NAME", help="The chain that takes the request.")
@click.option("--account", required=True, type=click.IntRange(min=0), help="The account to be liquidated.")
@json_option
def request(directory: Path, chain: str, account: int, as_json: bool) -> None:
    """File a request to liquidate an account; anyone may, and nobody signs it.

    It waits until the chain has accepted two more batches. `solvent requests` makes a batch of what is waiting.
    """
    with LedgerDirectory(directory).open_chain(chain) as verifier:
        verifier.request(account)
        waiting = len(verifier.state.requests)
    content = {"chain": chain, "account": account, "waiting": waiting}
    emit(as_json, content, [f"{chain} took the request to liquidate account {account}; {waiting} waiting"])
