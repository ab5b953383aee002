"""solvent verify: check a proof alone, or make a chain accept or reject it."""

import time
from pathlib import Path
from typing import Any

import click

from circuits.statement import Statement
from cli.directory import LedgerDirectory
from cli.errors import BadInputError
from cli.names import VenueNames
from cli.options import INPUT_FILE, LEDGER, json_option, params_option, proof_argument
from cli.output import emit
from cli.signed_prices import bundles_line, bundles_object
from solvent import PARAMETERS, Venue, check_signature
from solvent import verify as verify_proof
from verifier.batch import read_proof
from verifier.chain import left_out
from verifier.errors import Reason, Rejection
from verifier.prices import Bundle, bundles_path, check_prices, decode_bundles, read_bundles
from verifier.text import UNITS, Names, Numbers, statement_lines, statement_object


@click.command()
@proof_argument
@params_option
@click.option("--ledger", metavar="DIR", type=LEDGER, help="The ledger whose chain decides, and whose names are used.")
@click.option("--chain", metavar="NAME", help="The chain that accepts or rejects, and remembers it.")
@click.option("--prices", metavar="FILE", type=INPUT_FILE, help="The signed prices [default: FILE.proof.prices].")
@click.option(
    "--now", metavar="SECONDS", type=click.IntRange(min=0),
    help="The chain's clock, since the venue's epoch; only where the venue file says that it replays a tape.",
)  # fmt: skip
@json_option
def verify(
    proof: Path,
    params: str,
    ledger: Path | None,
    chain: str | None,
    prices: Path | None,
    now: int | None,
    as_json: bool,
) -> None:
    """Check FILE.proof and print its statement; with --ledger, also that it lists all vaults and assets of that venue
    and who signed its prices; with --chain, that chain accepts or rejects it.

    Without --ledger the signatures are listed, not checked.
    """
    if chain is not None and ledger is None:
        raise click.UsageError("--chain needs --ledger")
    if now is not None and chain is None:
        raise click.UsageError("--now needs --chain")
    directory = None if ledger is None else LedgerDirectory(ledger)
    venue = None if directory is None else directory.venue
    start = time.perf_counter()
    data, signed, parameters = read_proof(proof), read_bundles(prices or bundles_path(proof)), PARAMETERS[params]
    if directory is not None and chain is not None:
        clock = _clock(directory.venue, now)
        with directory.open_chain(chain) as verifier:
            statement = verifier.accept(data, parameters, signed, clock)
    else:
        statement = verify_proof(data, parameters)
    if directory is not None:
        _check_venue(statement, directory)
    bundles = _bundles(venue, statement, signed)
    seconds = time.perf_counter() - start
    facts = {"parameters": params, "bytes": len(data), "seconds": round(seconds, 3)}
    _report(statement, bundles, venue, chain, facts, as_json)


def _clock(venue: Venue, now: int | None) -> int | None:
    """What a chain of the venue takes for the time, in seconds since the venue's epoch; None if a tape is its own."""
    if venue.oracle.replay:
        return now
    if now is not None:
        raise BadInputError("--now: the chains of this venue go by this machine's clock; leave it out")
    return int(time.time()) - venue.epoch


def _check_venue(statement: Statement, directory: LedgerDirectory) -> None:
    """Refuse a statement of another venue, or one that leaves out chains or assets."""
    venue = directory.venue
    if statement.venue_id != venue.id:
        raise BadInputError(f"--ledger {directory.path}: the proof is valid, but of another venue; leave --ledger out")
    if (problem := left_out(statement, len(venue.chains), len(venue.collateral))) is not None:
        raise Rejection(Reason.INCOMPLETE, problem)


def _bundles(venue: Venue | None, statement: Statement, signed: bytes | None) -> list[Bundle]:
    """The bundles beside a proof, checked if the venue is known. Raises PriceRejection."""
    if venue is not None:
        return check_prices(venue.oracle, venue.id, statement.prices, signed, check_signature)
    return [] if signed is None else decode_bundles(signed)[1]


def _report(
    statement: Statement,
    bundles: list[Bundle],
    venue: Venue | None,
    chain: str | None,
    facts: dict[str, Any],
    as_json: bool,
) -> None:
    names: Names = Numbers() if venue is None else VenueNames(venue)
    checked = venue is not None
    content = {
        "accepted": True, "chain": chain, **facts, "statement": statement_object(statement, names),
        "signed_prices": bundles_object(bundles, names, checked),
    }  # fmt: skip
    title = "the proof is valid" if chain is None else f"{chain} accepts batch {statement.batch}"
    size = f"{facts['parameters']}, {facts['bytes']:,} bytes, {facts['seconds']} s"
    units = [] if checked else [UNITS]
    lines = [*statement_lines(statement, names), bundles_line(bundles, checked)]
    emit(as_json, content, [f"{title} ({size})", *units, *lines])
