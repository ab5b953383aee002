"""solvent import-tape: public trade tapes become accounts, deposits on the chains, and a batch."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from circuits.records import CHAIN_DEPOSITS, chain_index
from circuits.statement import Movement
from cli.directory import LedgerDirectory
from cli.errors import BadInputError
from cli.options import json_option, ledger_option, output_option
from cli.output import emit, progress
from solvent import Ledger, Venue
from state.activity import Activity, ActivityError, Report, Settings, make_activity
from state.batch import BatchWriter
from state.capture import Capture
from state.depth_tape import DepthReport, DepthSettings, make_depth_activity
from state.errors import Refusal
from state.simulated_oracle import load_simulated_oracle
from state.tape import Trade, merge_tapes, open_tape
from verifier.chain import Entry

DEFAULTS = Settings()
MOST_ACCOUNTS = 100_000  # far more than one batch can register and fund


@click.command()
@click.option("--tape", "tapes", metavar="MARKET=FILE", multiple=True, required=True, help="A tape; may be repeated.")
@ledger_option
@click.option("--accounts", type=click.IntRange(2, MOST_ACCOUNTS), default=DEFAULTS.accounts, show_default=True)
@click.option("--seed", type=int, default=DEFAULTS.seed, show_default=True, help="Draws who trades.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many trades; with --depth, events.")
@click.option("--depth", is_flag=True, help="Orders, modifications and cancels that follow the captured books.")
@output_option("BATCH", "The batch file to write.")
@json_option
def import_tape(
    tapes: tuple[str, ...], ledger: Path, accounts: int, seed: int, limit: int | None, depth: bool, out: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Turn trade tapes into a batch, and make the deposits that it consumes on the chains of DIR.

    The tapes' prices are signed by the venue's simulated oracle.

    A tape is a CSV file with the columns time, price, size and side, or a capture (.gz) of an exchange's stream; with
    --depth, captures that hold levels too.
    """
    directory = LedgerDirectory(ledger)
    opened = [open_tape(directory.venue, tape) for tape in tapes]
    captures = [Capture(tape) for tape in opened]

    def make(state: Ledger, pending: Sequence[Movement]) -> Activity:
        if depth:
            return make_depth_activity(state, captures, DepthSettings(accounts, seed), pending, limit)
        return make_activity(state, merge_tapes(opened, limit), Settings(accounts, seed), pending)

    try:
        with progress("import-tape") as step:
            activity = write_activity(directory, make, out, step)
    except (ActivityError, Refusal) as error:
        raise BadInputError(f"no batch can be made of these tapes and deposits: {error}") from error
    content = report_object(directory.venue, activity) | {
        "batch": str(out),
        "tapes": [
            {"file": str(tape.path), "market": tape.market.name, "read": tape.trades, "rounded": tape.rounded,
             "cut": tape.cut, "skipped": tape.skipped}
            | ({"gaps": capture.gaps, "levels_skipped": capture.skipped} if depth else {})
            for tape, capture in zip(opened, captures, strict=True)
        ],
    }  # fmt: skip
    emit(as_json, content, _lines(content, activity.report))


def fund_activity(directory: LedgerDirectory, trades: Iterable[Trade], settings: Settings, out: Path) -> Activity:
    """Make the activity of these trades, its deposits on the chains, and its batch file, prices signed.

    Raises ActivityError, and LedgerFileError if the ledger has no simulated oracle.
    """
    return write_activity(directory, lambda ledger, pending: make_activity(ledger, trades, settings, pending), out)


def write_activity(
    directory: LedgerDirectory,
    make: Callable[[Ledger, Sequence[Movement]], Activity],
    out: Path,
    announce: Callable[[str], None] = lambda step: None,
) -> Activity:
    """The same of an activity that `make` makes of the ledger and the deposits that wait on the chains."""
    ledger, oracle = directory.read(), load_simulated_oracle(directory.venue, directory.path)
    announce("read and play")
    activity = make(ledger, pending_deposits(directory, ledger))
    announce("sign, write and deposit")
    with BatchWriter(out, directory.venue, activity.time) as writer:
        for bundle in oracle.sign_all(activity.transitions):
            writer.write(bundle)
        for transition in activity.transitions:
            writer.write(transition)
        queue_deposits(directory, activity.deposits)  # before the batch gets its name, and after all of it is written
    return activity


def pending_deposits(directory: LedgerDirectory, ledger: Ledger) -> list[Movement]:
    """What the chains have received and the ledger has not credited."""
    return [
        chain.movement(sequence)
        for chain in directory.chain_states()
        for sequence in range(ledger.read(chain_index(chain.number))[CHAIN_DEPOSITS], len(chain.deposits))
    ]


def queue_deposits(directory: LedgerDirectory, movements: Iterable[Movement]) -> None:
    """Queue the deposits on their chains, all or none. Raises BadInputError if others came in between."""
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
        "refused": [
            {report.unit: place, "rule": why.rule.value, "message": str(why)} for place, why in report.refused
        ],
        "prices": {venue.instruments[number].name: count for number, count in report.prices.items()},
        "deposits": [
            {"chain": venue.chains[chain], "asset": venue.instruments[asset].name,
             "amount": venue.instruments[asset].format_units(units)}
            for (chain, asset), units in sorted(report.deposits.items())
        ],
    } | (_depth_object(report) if isinstance(report, DepthReport) else {})  # fmt: skip


def _depth_object(report: DepthReport) -> dict[str, Any]:
    return {
        "events": report.events, "orders": report.places + report.takes, "places": report.places,
        "takes": report.takes, "modifies": report.modifies, "cancels": report.cancels,
        "partial_fills": report.partial_fills, "queues": report.queues,
        "removed": {reason.value: count for reason, count in report.removed.items()},
        "refused_by_rule": Counter(why.rule.value for _, why in report.refused),
    }  # fmt: skip


def _lines(content: dict[str, Any], report: Report) -> list[str]:
    lines = [
        f"{tape['file']}: {tape['read']} trades of {tape['market']} read"
        f" ({tape['rounded']} rounded, {tape['cut']} cut, {tape['skipped']} skipped)"
        for tape in content["tapes"]
    ]
    lines.append(f"{report.accounts} accounts registered, {report.idle} of them without a fill in some market")
    lines += [f"deposited on {one['chain']}: {one['amount']} {one['asset']}" for one in content["deposits"]]
    if isinstance(report, DepthReport):
        lines += _depth_lines(content)
    lines.append(
        f"{report.fills} fills of {report.trades} trades, {len(report.refused)} refused"
        f"; prices: {_counts(content['prices'])}"
    )
    lines += [f"  {report.unit} {place}: {refusal}" for place, refusal in report.refused[:20]]
    return [*lines, f"wrote {content['batch']}: {content['transitions']} transitions"]


def _depth_lines(content: dict[str, Any]) -> list[str]:
    return [
        "{events} events: {orders} orders ({places} to rest, {takes} to take), {modifies} modifications,"
        " {cancels} cancels".format_map(content),
        "{partial_fills} partial fills, {queues} queues".format_map(content),
        f"removed: {_counts(content['removed'])}; refused: {_counts(content['refused_by_rule'])}",
    ]


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{count} of {name}" for name, count in found.items()) or "none"
