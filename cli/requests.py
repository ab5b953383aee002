"""solvent requests: what is asked for on all chains becomes a batch of liquidations."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import click

from circuits.records import FIRST_TRADER
from cli.directory import LedgerDirectory
from cli.options import directory_argument, json_option, output_option
from cli.output import emit
from solvent import Ledger
from state.audit import account_count
from state.batch import BatchWriter, kind_name
from state.errors import Refusal
from state.health import health
from state.liquidator import Liquidator


@click.command()
@directory_argument
@output_option("BATCH", "The batch file to write, if there is anything to do.")
@click.option("--time", type=click.IntRange(min=0), metavar="SECONDS", help="The batch's time [default: the last's].")
@json_option
def requests(directory: Path, out: Path, time: int | None, as_json: bool) -> None:
    """Turn the requests that wait on the chains of DIR into a batch: what can be done now for accounts below their
    maintenance requirement. Requests for others are dropped."""
    place = LedgerDirectory(directory)
    ledger, asked = place.read(), defaultdict[int, list[str]](list)
    for chain in place.chain_states():
        for one in chain.requests:
            asked[one.account].append(chain.name)
    ledger.begin_batch(time)
    liquidator, answers = Liquidator(ledger), list[dict[str, Any]]()
    for account in sorted(asked):
        before = len(liquidator.applied)
        found = liquidator.below_maintenance([account])
        liquidator.relieve_all(found)
        kinds = [kind_name(transition) for transition in liquidator.applied[before:]]
        dropped = None if found else _why_not(ledger, account)
        answers.append({"account": account, "chains": asked[account], "transitions": kinds, "dropped": dropped})
    if liquidator.applied:
        with BatchWriter(out, place.venue, ledger.time) as writer:
            for transition in liquidator.applied:
                writer.write(transition)
    written = str(out) if liquidator.applied else None
    content = {"requests": answers, "transitions": len(liquidator.applied), "batch": written}
    emit(as_json, content, [*map(_line, answers), f"wrote {out}" if written else "nothing to do, no batch written"])


def _why_not(ledger: Ledger, account: int) -> str:
    if not FIRST_TRADER <= account < account_count(ledger):
        return "it is no trader's account"
    try:
        stale = health(ledger, account, ledger.time).margin.stale
    except Refusal as refusal:  # sums that no margin check can hold
        return str(refusal)
    if stale is None:
        return "it is not below its maintenance requirement"
    name = ledger.venue.instruments[stale[0]].name
    if stale[1] < 0:
        return f"the mark of {name} is capped against it; set new prices first"
    return f"the price of {name} held until {stale[1]} only, and it is {ledger.time}; set a new one first"


def _line(answer: dict[str, Any]) -> str:
    who = f"account {answer['account']} ({', '.join(answer['chains'])})"
    if answer["dropped"]:
        return f"{who}: dropped, {answer['dropped']}"
    return f"{who}: {', '.join(answer['transitions']) or 'below maintenance, but nothing can be done now'}"
