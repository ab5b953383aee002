"""solvent rollback: take the ledger back to a root that a chain still accepts."""

from pathlib import Path

import click

from cli.directory import LedgerDirectory
from cli.errors import BadInputError
from cli.options import directory_argument, json_option
from cli.output import emit
from state.store import Root
from verifier.chain import ChainState
from verifier.text import root_from_hex, root_hex


@click.command()
@directory_argument
@click.option("--to", "root", required=True, metavar="ROOT", help="64 digits, as `inspect` lists them.")
@json_option
def rollback(directory: Path, root: str, as_json: bool) -> None:
    """Take the ledger back to a root that a chain still accepts: the last one it accepted."""
    target, ledger_directory = _parse(root), LedgerDirectory(directory)
    chains = ledger_directory.chain_states()
    accepting, others = split_chains(chains, target)
    if not accepting:
        roots = ", ".join(f"{chain.name} {root_hex(chain.root)}" for chain in chains)
        raise BadInputError(f"--to: no chain would accept a batch after {root}; the chains' last roots are {roots}")
    with ledger_directory.changing() as ledger:
        before = len(ledger.roots())
        ledger_directory.roll_back(ledger, target)
        dropped = before - len(ledger.roots())
    content = {"root": root_hex(target), "batches_dropped": dropped, "accepting": accepting, "not_accepting": others}
    lines = [f"the ledger is back at {root_hex(target)}; batches dropped: {dropped}"]
    lines.append(f"accepted next by {', '.join(accepting)}" + (f"; not by {', '.join(others)}" if others else ""))
    emit(as_json, content, lines)


def split_chains(chains: list[ChainState], root: Root) -> tuple[list[str], list[str]]:
    """The names of the chains that would accept a batch after this root, and of those that would not."""
    accepting = [chain.name for chain in chains if chain.root == root]
    return accepting, [chain.name for chain in chains if chain.root != root]


def _parse(text: str) -> Root:
    try:
        return root_from_hex(text)
    except ValueError as error:
        raise BadInputError(f"--to: {error}") from error
