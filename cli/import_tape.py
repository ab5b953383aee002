"""solvent import-tape: public trade tapes become accounts, deposits on the chains, and a batch."""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from circuits.records import CHAIN_DEPOSITS, chain_index
from circuits.statement import Movement
from cli.directory import LedgerDirectory
from cli.errors import BadInputError
from cli.options import json_option, ledger_option, output_option
from cli.output import emit
from solvent import Venue
from state.activity import Activity, ActivityError, Report, Settings, make_activity
from state.batch import BatchWriter
from state.errors import Refusal
from state.simulated_oracle import load_simulated_oracle
from state.tape import merge_tapes, open_tape
from verifier.chain import Entry

DEFAULTS = Settings()
MOST_ACCOUNTS = 100_000  # far more than one batch can register and fund


@click.command()
@click.option("--tape", "tapes", metavar="MARKET=FILE", multiple=True, required=True, help="A tape; may be repeated.")
@ledger_option
@click.option("--accounts", type=click.IntRange(2, MOST_ACCOUNTS), default=DEFAULTS.accounts, show_default=True)
@click.option("--seed", type=int, default=DEFAULTS.seed, show_default=True, help="Draws who trades.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many trades.")
@output_option("BATCH", "The batch file to write.")
@json_option
def import_tape(
    tapes: tuple[str, ...], ledger: Path, accounts: int, seed: int, limit: int | None, out: Path, as_json: bool
) -> None:
    """Turn trade tapes into a batch, and make the deposits that it consumes on the chains of DIR.

    The tapes' prices are signed by the venue's simulated oracle.

    A tape is a CSV file with the columns time, price, size and side, or a capture (.gz) of an exchange's stream.
    """
    directory = LedgerDirectory(ledger)
    opened = [open_tape(directory.venue, tape) for tape in tapes]
    try:
        activity = fund_activity(directory, merge_tapes(opened, limit), Settings(accounts=accounts, seed=seed), out)
    except (ActivityError, Refusal) as error:
        raise BadInputError(f"no batch can be made of these tapes and deposits: {error}") from error
    content = report_object(directory.venue, activity) | {
        "batch": str(out),
        "tapes": [
            {"file": str(tape.path), "market": tape.market.name, "read": tape.trades, "rounded": tape.rounded,
             "cut": tape.cut, "skipped": tape.skipped}
            for tape in opened
        ],
    }  # fmt: skip
    emit(as_json, content, _lines(content, activity.report))


def fund_activity(directory: LedgerDirectory, trades: Iterable[Any], settings: Settings, out: Path) -> Activity:
    """Make the activity of these trades, its deposits on the chains, and its batch file, prices signed.

    Raises ActivityError, and LedgerFileError if the ledger has no simulated oracle.
    """
    ledger, oracle = directory.read(), load_simulated_oracle(directory.venue, directory.path)
    pending = [
        chain.movement(sequence)
        for chain in directory.chain_states()
        for sequence in range(ledger.read(chain_index(chain.number))[CHAIN_DEPOSITS], len(chain.deposits))
    ]
    activity = make_activity(ledger, trades, settings, pending)
    with BatchWriter(out, directory.venue, activity.time) as writer:
        for bundle in oracle.sign_all(activity.transitions):
            writer.write(bundle)
        for transition in activity.transitions:
            writer.write(transition)
        _deposit(directory, activity.deposits)  # before the batch gets its name, and after all of it is written
    return activity


def _deposit(directory: LedgerDirectory, movements: Iterable[Movement]) -> None:
    """Queue the deposits, all or none."""
    with ExitStack() as stack:
        chains = [stack.enter_context(directory.open_chain(name)) for name in directory.venue.chains]
        for movement in movements:
            chain = chains[movement.chain]
            if chain.deposit(Entry(movement.account, movement.asset, movement.amount)) != movement.sequence:
                raise BadInputError(f"{chain.state.name}: another deposit arrived meanwhile; run the command again")


def report_object(venue: Venue, activity: Activity) -> dict[str, Any]:
    """What became of the trades, for JSON."""
    report = activity.report
    return {
        "transitions": len(activity.transitions), "accounts": report.accounts, "idle_accounts": report.idle,
        "trades": report.trades, "fills": report.fills,
        "refused": [{"trade": place, "rule": why.rule.value, "message": str(why)} for place, why in report.refused],
        "prices": {venue.instruments[number].name: count for number, count in report.prices.items()},
        "deposits": [
            {"chain": venue.chains[chain], "asset": venue.instruments[asset].name,
             "amount": venue.instruments[asset].format_units(units)}
            for (chain, asset), units in sorted(report.deposits.items())
        ],
    }  # fmt: skip


def _lines(content: dict[str, Any], report: Report) -> list[str]:
    lines = [
        f"{tape['file']}: {tape['read']} trades of {tape['market']} read"
        f" ({tape['rounded']} rounded, {tape['cut']} cut, {tape['skipped']} skipped)"
        for tape in content["tapes"]
    ]
    lines.append(f"{report.accounts} accounts registered, {report.idle} of them without a fill in some market")
    lines += [f"deposited on {one['chain']}: {one['amount']} {one['asset']}" for one in content["deposits"]]
    prices = ", ".join(f"{count} of {name}" for name, count in content["prices"].items())
    lines.append(f"{report.fills} fills of {report.trades} trades, {len(report.refused)} refused; prices: {prices}")
    lines += [f"  trade {place}: {refusal}" for place, refusal in report.refused[:20]]
    return [*lines, f"wrote {content['batch']}: {content['transitions']} transitions"]
