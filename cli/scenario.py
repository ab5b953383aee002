"""solvent scenario: made-up days on a venue, every batch of which is proven and verified on all chains."""

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from circuits.bounds import FRACTION_ONE
from cli.crash_report import report_lines, report_object, underwater, write_report
from cli.crash_run import CrashRun, CrashSettings, open_or_make
from cli.errors import BadInputError
from cli.options import INPUT_FILE, json_option, params_option
from cli.output import emit, progress
from state.minute_prices import read_minutes

DIRECTORY = click.Path(file_okay=False, path_type=Path)
MOST_ACCOUNTS = 20_000
MOST_GAP = FRACTION_ONE // 2
DAY_MINUTES, MOST_BATCH_MINUTES = 24 * 60, 60  # prices hold for longer than a batch


@click.group()
def scenario() -> None:
    """Play a day on a venue, prove it and report what happened."""


def _gap(context: click.Context, parameter: click.Parameter, text: str) -> int:
    """In 1 / FRACTION_ONE. Raises BadInputError."""
    try:
        value = Decimal(text) * FRACTION_ONE
    except InvalidOperation:
        value = Decimal(-1)
    if not (value.is_finite() and 0 <= value <= MOST_GAP and value == int(value)):
        raise BadInputError(f"--gap {text}: must be a decimal number in 0..0.5 with up to four decimals, like 0.15")
    return int(value)


@scenario.command()
@click.option("--ledger", metavar="DIR", type=DIRECTORY, required=True, help="The ledger; made, with a venue, if new.")
@click.option("--report", metavar="DIR", type=DIRECTORY, required=True, help="Where report, plot and proofs go.")
@click.option("--prices", metavar="FILE", type=INPUT_FILE, help="A day of minute bars (zip) [default: generated].")
@click.option("--gap", default="0.15", show_default=True, callback=_gap, help="The fall within one minute.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws prices, accounts and trades.")
@click.option("--accounts", type=click.IntRange(10, MOST_ACCOUNTS), default=500, show_default=True)
@click.option("--fund", type=click.IntRange(1, 10**9), default=200_000, show_default=True, help="Quote of the fund.")
@click.option("--minutes", type=click.IntRange(1, DAY_MINUTES), default=DAY_MINUTES, show_default=True)
@click.option("--every", type=click.IntRange(1, MOST_BATCH_MINUTES), default=30, show_default=True,
              help="Minutes in a batch.")  # fmt: skip
@params_option
@json_option
def crash(
    ledger: Path, report: Path, prices: Path | None, gap: int, seed: int, accounts: int, fund: int, minutes: int,
    every: int, params: str, as_json: bool,
) -> None:  # fmt: skip
    """A calm day but for a fall within one minute: traders with leverage, market makers and borrowers on a venue whose
    insurance fund may not suffice.

    The ledger's first market is played, and the asset that it is named after.
    """
    day = None if prices is None else read_minutes(prices)
    settings = CrashSettings(gap, seed, accounts, fund, minutes, every, params)
    directory = open_or_make(ledger, settings, day)
    report.mkdir(parents=True, exist_ok=True)
    run = CrashRun(directory, settings, day, report)
    with progress("crash") as step:
        figures = list(run.batches(step))
        step("report")
        content = report_object(directory.venue, run, settings, figures, underwater(run))
        files = write_report(content, report)
    missing = [] if len(files) > 1 else ["no plot: matplotlib is not installed (the extra `plots`)"]
    wrote = f"wrote {', '.join(str(report / name) for name in files)} and {len(figures)} proofs"
    emit(as_json, content | {"files": files}, [*report_lines(content), *missing, wrote])
