"""A crash scenario as a plot: price, open interest, liquidations, the fund and deleveragings, over the day and around
its largest fall."""

from itertools import pairwise
from typing import Any, BinaryIO

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

_HOUR = 3600
_BEFORE, _AFTER = 0.25, 1.5  # hours around the largest fall, of the plots on the right
_PANELS = (  # of rows of plots: label, and lines by the name that a moment gives their values
    ("price", {"price": "tab:gray", "mark": "tab:blue"}),
    ("open interest", {"open_interest": "tab:blue"}),
    ("closed on the book, taken over", {"liquidations": "tab:blue", "takeovers": "tab:orange"}),
    ("insurance fund, losses", {"fund": "tab:green", "loss": "tab:red"}),
    ("deleveraged, socialised", {"deleveragings": "tab:purple", "socialised": "tab:red"}),
)


def draw(content: dict[str, Any], stream: BinaryIO) -> None:
    """content: the report's object. A PNG."""
    series = content["series"]
    hours = [(moment["second"] - series[0]["second"]) / _HOUR for moment in series]
    fall = _fall(series, hours)
    figure, rows = plt.subplots(len(_PANELS), 2, figsize=(15, 15), sharex="col", layout="constrained")
    for row, (label, lines) in zip(rows, _PANELS, strict=True):
        for axis in row:
            _panel(axis, hours, {name: _numbers(series, name) for name in lines}, lines, fall)
        row[0].set_ylabel(label)
        row[0].legend(loc="best")
        row[1].set_xlim(fall - _BEFORE, fall + _AFTER)
    figure.suptitle(f"{content['market']} on venue {content['venue']}: {content['batches_proven']} batches proven")
    rows[0][0].set_title("the day")
    rows[0][1].set_title("around the largest fall")
    for axis in rows[-1]:
        axis.set_xlabel("hours")
    figure.savefig(stream, format="png", dpi=100)
    plt.close(figure)


def _panel(
    axis: Axes, hours: list[float], values: dict[str, list[float]], colours: dict[str, str], fall: float
) -> None:
    for name, line in values.items():
        # What lies under another line is drawn wider, so that both are seen.
        axis.step(hours, line, where="post", label=name.replace("_", " "), color=colours[name],
                  linewidth=4 if name == "price" else 1.5)  # fmt: skip
    axis.axvline(fall, color="black", linewidth=0.8, linestyle=":")
    if min(map(min, values.values())) < 0:
        axis.axhline(0, color="black", linewidth=0.8)
    if not any(map(any, values.values())):
        axis.set_ylim(0, 1)  # nothing of the kind happened: no scale of fractions around 0
        axis.set_yticks([0, 1])
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:,.0f}"))
    axis.grid(alpha=0.3)


def _fall(series: list[dict[str, Any]], hours: list[float]) -> float:
    """The hour of the moment before which the price fell most."""
    prices = _numbers(series, "price")
    falls = [after / before for before, after in pairwise(prices)]
    return hours[falls.index(min(falls)) + 1] if falls else hours[0]


def _numbers(series: list[dict[str, Any]], name: str) -> list[float]:
    return [float(moment[name]) for moment in series]
