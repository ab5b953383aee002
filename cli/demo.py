"""solvent demo: the main job on a generated batch, then five attacks, each rejected with its reason."""

import sys
import tempfile
from pathlib import Path

import click

from cli.attacks import forged_withdrawal, over_withdrawal, tampered_proof, unbacked_deposit, unsigned_price
from cli.directory import LedgerDirectory, create
from cli.errors import Exit
from cli.import_tape import fund_activity
from cli.init import DEFAULT_VENUE
from cli.output import aligned, progress
from cli.refusals import close
from cli.stages import Stages
from solvent import STANDARD, load_venue, prove
from solvent import verify as verify_proof
from state.activity import Settings
from state.synthetic import synthetic_trades

ACCOUNTS, TRADES, SEED = 200, 1_350, 1  # about 2,000 transitions with registrations, deposits and prices


@click.command()
def demo() -> None:
    """Prove a generated batch of about 2,000 transitions and verify it on every chain; then show what is rejected."""
    with tempfile.TemporaryDirectory() as place, progress("demo") as step:
        stages = Stages(step)
        with stages.stage("make a ledger and its chains") as say:
            directory = _make(Path(place) / "ledger")
            say(f"chains {', '.join(directory.venue.chains)}")
        proof = _main_job(directory, Path(place), stages)
        _attacks(directory, proof, stages)
    click.echo("\n".join(aligned(["step", "seconds", "result"], stages.rows())))
    if stages.surprises:
        click.echo(f"error: {stages.surprises} of these did not end as they must", err=True)
        sys.exit(Exit.REJECTED)


def _make(path: Path) -> LedgerDirectory:
    create(path, load_venue(DEFAULT_VENUE))
    return LedgerDirectory(path)


def _main_job(directory: LedgerDirectory, place: Path, stages: Stages) -> bytes:
    """Import, check, prove, and verify on every chain; returns the proof."""
    batch, out = place / "trades.batch", place / "trades.proof"
    with stages.stage("generate trades, make the deposits, write the batch") as say:
        trades = synthetic_trades(directory.venue, TRADES, SEED)
        activity = fund_activity(directory, trades, Settings(accounts=ACCOUNTS, seed=SEED), batch)
        say(f"{len(activity.transitions)} transitions: {activity.report.fills} fills, {ACCOUNTS} accounts")
    with directory.changing() as ledger:
        with stages.stage("apply the batch") as say:
            applied, statement, witness = close(ledger, batch, skip_refused=False)
            say(f"{applied.transitions} applied, {len(applied.refused)} refused")
        with stages.stage("prove") as say:
            proof, report = prove(statement, witness, STANDARD, stages.announce)
            rows = " + ".join(f"2^{table.log_height} {table.name}" for table in report.tables)
            say(f"{len(proof):,} bytes; rows: {rows}")
        with stages.stage("write the proof, move the ledger") as say:
            directory.publish(ledger, proof, applied.bundles, out)
            say(f"batch {statement.batch}")
    with stages.stage("verify alone") as say:
        backing = {total.asset: total.amount for total in verify_proof(proof).totals}
        assets = directory.venue.collateral
        say("backed: " + ", ".join(f"{asset.format_units(backing[asset.number])} {asset.name}" for asset in assets))
    for name in directory.venue.chains:
        with stages.stage(f"verify on {name}") as say, directory.open_chain(name) as chain:
            chain.accept(proof, bundles=applied.bundles)
            say(f"accepted; {chain.state.consumed} deposits credited, {len(statement.prices)} prices signed")
    return proof


def _attacks(directory: LedgerDirectory, proof: bytes, stages: Stages) -> None:
    for name, attack in (
        ("attack: a byte of the proof changed", lambda: tampered_proof(directory, proof)),
        ("attack: a deposit that the chain does not hold", lambda: unbacked_deposit(directory)),
        ("attack: a price that the oracle did not sign", lambda: unsigned_price(directory)),
        ("attack: withdrawing more than the account has", lambda: over_withdrawal(directory)),
        ("attack: the same, forced past the ledger", lambda: forged_withdrawal(directory)),
    ):
        stages.must_fail(name, attack)
