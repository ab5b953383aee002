"""What a crash scenario came to: the object for JSON, lines for people, and the report's directory."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from cli.crash_run import BatchFigures, CrashRun, CrashSettings, price_text
from cli.output import Table
from solvent import Venue
from state.health import health
from state.scenario.crash import Crash, Moment
from verifier.files import replacing

REPORT, PLOT = "report.json", "crash.png"
WATERFALL = {
    "forced_cancels": "ForceCancel", "conversions": "Convert", "liquidations": "Liquidate", "takeovers": "TakeOver",
    "deleveragings": "Deleverage", "socialised": "Socialise",
}  # fmt: skip
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
        "batches_proven": len(figures), "chains_accepting": list(venue.chains), **waterfall(venue, crash),
        "below_maintenance_at_the_end": underwater, "transitions": dict(crash.counts), "refused": dict(crash.refused),
        "invariant": {"checks": crash.checks, "broken": 0},
        "price": {
            "first": series[0]["price"], "last": series[-1]["price"],
            "low": price_text(run.market, min(moment.mark for moment in crash.series)),
            **_largest_fall(crash.series),
        },
        "seconds": {
            step: round(sum(getattr(one, step) for one in figures), 3) for step in ("apply", "prove", "verify")
        },
        "series": series, "batches": [asdict(one) for one in figures],
    }  # fmt: skip


def waterfall(venue: Venue, crash: Crash) -> dict[str, Any]:
    """How far the waterfall went: transitions, and how many different accounts they were about."""
    last, quote, applied = crash.series[-1], venue.quote, crash.liquidator.applied
    return {
        **{field: crash.counts[name] for field, name in WATERFALL.items()},
        "fund_exhausted": crash.refused[FUND_SHORT],  # takeovers that it could not pay for
        "accounts": {
            field: len({getattr(one, "account", None) for one in applied if type(one).__name__ == name})
            for field, name in WATERFALL.items()
        },
        "fund": quote.format_units(last.fund),
        "lowest_fund": quote.format_units(min(moment.fund for moment in crash.series)),
        "socialised_loss": quote.format_units(last.loss),
    }  # fmt: skip


def _moment(venue: Venue, run: CrashRun, moment: Moment) -> dict[str, Any]:
    return asdict(moment) | {
        "price": price_text(run.market, moment.price), "mark": price_text(run.market, moment.mark),
        "open_interest": run.market.format_units(moment.open_interest),
        "fund": venue.quote.format_units(moment.fund), "loss": venue.quote.format_units(moment.loss),
    }  # fmt: skip


def _largest_fall(series: Sequence[Moment]) -> dict[str, float]:
    """From one tick to the next, in percent of the price before, and how long that took."""
    falls = ((1 - after.price / before.price, after.second - before.second) for before, after in pairwise(series))
    share, seconds = max(falls, default=(0.0, 0))
    return {"largest_fall_percent": round(100 * share, 2), "largest_fall_seconds": seconds}


def underwater(run: CrashRun) -> int:
    """The accounts that are still below maintenance."""
    crash = run.crash
    return 0 if crash is None else sum(
        health(crash.ledger, member.account).distance < 0 for member in crash.members
    )  # fmt: skip


def report_lines(content: dict[str, Any]) -> list[str | Table]:
    """For people."""
    price, seconds = content["price"], content["seconds"]
    waterfall = [[name.replace("_", " "), str(content[name]), str(content["accounts"][name])] for name in WATERFALL]
    return [
        f"{content['market']} from {price['first']} to {price['low']} and {price['last']};"
        f" largest fall {price['largest_fall_percent']} % in {price['largest_fall_seconds']} seconds", "",
        Table(["what happened", "times", "accounts"], waterfall), "",
        f"the fund could not pay for a takeover {content['fund_exhausted']} times",
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
