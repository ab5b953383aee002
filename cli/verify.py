"""solvent verify: check a proof alone, or make a chain accept or reject it."""

import time
from pathlib import Path
from typing import Any

import click

from circuits.statement import Statement
from cli.directory import LedgerDirectory
from cli.errors import BadInputError
from cli.names import VenueNames
from cli.options import LEDGER, json_option, params_option, proof_argument
from cli.output import emit
from solvent import PARAMETERS
from solvent import verify as verify_proof
from verifier.batch import read_proof
from verifier.text import UNITS, Names, Numbers, statement_lines, statement_object


@click.command()
@proof_argument
@params_option
@click.option("--ledger", metavar="DIR", type=LEDGER, help="The ledger whose chain decides, and whose names are used.")
@click.option("--chain", metavar="NAME", help="The chain that accepts or rejects, and remembers it.")
@json_option
def verify(proof: Path, params: str, ledger: Path | None, chain: str | None, as_json: bool) -> None:
    """Check FILE.proof and print its statement; with --chain, that chain accepts or rejects it."""
    if chain is not None and ledger is None:
        raise click.UsageError("--chain needs --ledger")
    directory = None if ledger is None else LedgerDirectory(ledger)
    names: Names = Numbers() if directory is None else VenueNames(directory.venue)
    start = time.perf_counter()
    data, parameters = read_proof(proof), PARAMETERS[params]
    if directory is not None and chain is not None:
        with directory.open_chain(chain) as verifier:
            statement = verifier.accept(data, parameters)
    else:
        statement = verify_proof(data, parameters)
    if directory is not None and statement.venue_id != directory.venue.id:
        raise BadInputError(f"--ledger {ledger}: the proof is valid, but of another venue; leave --ledger out")
    seconds = time.perf_counter() - start
    _report(statement, names, chain, {"parameters": params, "bytes": len(data), "seconds": round(seconds, 3)}, as_json)


def _report(statement: Statement, names: Names, chain: str | None, facts: dict[str, Any], as_json: bool) -> None:
    content = {"accepted": True, "chain": chain, **facts, "statement": statement_object(statement, names)}
    title = "the proof is valid" if chain is None else f"{chain} accepts batch {statement.batch}"
    size = f"{facts['parameters']}, {facts['bytes']:,} bytes, {facts['seconds']} s"
    units = [UNITS] if isinstance(names, Numbers) else []
    emit(as_json, content, [f"{title} ({size})", *units, *statement_lines(statement, names)])
