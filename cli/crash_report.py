"""What a crash scenario came to: the object for JSON, lines for people, and the report's directory."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from cli.crash_run import BatchFigures, CrashRun, CrashSettings, price_text
from cli.output import aligned
from solvent import Venue
from state.health import health
from state.scenario.crash import Crash, Moment
from verifier.files import replacing

REPORT, PLOT = "report.json", "crash.png"
FUND_SHORT = "TakeOver: fund-short"  # as crash.refused counts it


def report_object(
    venue: Venue, run: CrashRun, settings: CrashSettings, figures: Sequence[BatchFigures], underwater: int
) -> dict[str, Any]:
    """Everything. Amounts and prices are decimal strings; what depends on the machine stands under `batches`."""
    crash = run.crash
    if crash is None or not crash.series:
        raise ValueError("the scenario has not been played")
    series = [_moment(venue, run, moment) for moment in crash.series]
    return {
        "scenario": "crash", "settings": asdict(settings), "venue": venue.name, "market": run.market.name,
        "batches_proven": len(figures), "chains_accepting": list(venue.chains), **_counts(venue, crash),
        "below_maintenance_at_the_end": underwater, "transitions": dict(crash.counts), "refused": dict(crash.refused),
        "invariant": {"checks": crash.checks, "broken": 0},
        "price": {
            "first": series[0]["price"], "last": series[-1]["price"],
            "low": price_text(run.market, min(moment.mark for moment in crash.series)),
            "largest_fall_percent": _largest_fall(crash.series),
        },
        "seconds": {
            step: round(sum(getattr(one, step) for one in figures), 3) for step in ("apply", "prove", "verify")
        },
        "series": series, "batches": [asdict(one) for one in figures],
    }  # fmt: skip


def _counts(venue: Venue, crash: Crash) -> dict[str, Any]:
    """How far the waterfall went."""
    counts, last, quote = crash.counts, crash.series[-1], venue.quote
    return {
        "forced_cancels": counts["ForceCancel"], "conversions": counts["Convert"], "liquidations": counts["Liquidate"],
        "takeovers": counts["TakeOver"], "deleveragings": counts["Deleverage"], "socialised": counts["Socialise"],
        "fund_exhausted": crash.refused[FUND_SHORT], "fund": quote.format_units(last.fund),
        "lowest_fund": quote.format_units(min(moment.fund for moment in crash.series)),
        "socialised_loss": quote.format_units(last.loss),
    }  # fmt: skip


def _moment(venue: Venue, run: CrashRun, moment: Moment) -> dict[str, Any]:
    return asdict(moment) | {
        "price": price_text(run.market, moment.price), "mark": price_text(run.market, moment.mark),
        "open_interest": run.market.format_units(moment.open_interest),
        "fund": venue.quote.format_units(moment.fund), "loss": venue.quote.format_units(moment.loss),
    }  # fmt: skip


def _largest_fall(series: Sequence[Moment]) -> float:
    """From one tick to the next, in percent of the price before."""
    return round(max((100 * (1 - after.price / before.price) for before, after in pairwise(series)), default=0.0), 2)


def underwater(run: CrashRun) -> int:
    """The accounts that are still below maintenance."""
    crash = run.crash
    return 0 if crash is None else sum(
        health(crash.ledger, member.account).distance < 0 for member in crash.members
    )  # fmt: skip


def report_lines(content: dict[str, Any]) -> list[str]:
    """For people."""
    price, seconds = content["price"], content["seconds"]
    waterfall = (
        "forced_cancels", "conversions", "liquidations", "takeovers", "fund_exhausted", "deleveragings", "socialised",
    )  # fmt: skip
    return [
        f"{content['market']} from {price['first']} to {price['low']} and {price['last']};"
        f" largest fall in one step {price['largest_fall_percent']} %", "",
        *aligned(["what happened", "times"], [[name.replace("_", " "), str(content[name])] for name in waterfall]), "",
        f"the insurance fund ends with {content['fund']}, lowest {content['lowest_fund']};"
        f" socialised {content['socialised_loss']}",
        f"{content['below_maintenance_at_the_end']} accounts are below maintenance at the end",
        f"{content['batches_proven']} batches proven, and accepted by {', '.join(content['chains_accepting'])}",
        f"the invariant held after each of {content['invariant']['checks']:,} transitions",
        f"seconds: {seconds['apply']} to play, {seconds['prove']} to prove, {seconds['verify']} to verify everywhere",
    ]  # fmt: skip


def write_report(content: dict[str, Any], directory: Path) -> list[str]:
    """Write report.json and, if the extra `plots` is installed, the plot; returns the files' names."""
    with replacing(directory / REPORT) as stream:
        stream.write(json.dumps(content, indent=1).encode() + b"\n")
    try:
        from cli.crash_plot import draw
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        return [REPORT]
    with replacing(directory / PLOT) as stream:
        draw(content, stream)
    return [REPORT, PLOT]
