"""A crash scenario as a plot: price, open interest, liquidations, the fund and deleveragings over the day."""

from typing import Any, BinaryIO

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

_HOUR = 3600


def draw(content: dict[str, Any], stream: BinaryIO) -> None:
    """content: the report's object. A PNG."""
    series = content["series"]
    start = series[0]["second"]
    hours = [(moment["second"] - start) / _HOUR for moment in series]
    panels: list[tuple[str, dict[str, list[float]]]] = [
        (f"{content['market']}, price", {name: _numbers(series, name) for name in ("price", "mark")}),
        ("open interest", {"open interest": _numbers(series, "open_interest")}),
        ("so far", {name: _numbers(series, name) for name in ("liquidations", "takeovers")}),
        ("insurance fund", {"equity": _numbers(series, "fund")}),
        ("so far", {name: _numbers(series, name) for name in ("deleveragings", "socialised")}),
    ]
    figure, axes = plt.subplots(len(panels), 1, figsize=(10, 14), sharex=True, layout="constrained")
    for axis, (label, lines) in zip(axes, panels, strict=True):
        for name, values in lines.items():
            axis.step(hours, values, where="post", label=name)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        axis.legend(loc="best")
    axes[0].set_title(f"Scenario crash on venue {content['venue']}, {content['batches_proven']} batches proven")
    axes[-1].set_xlabel("hours")
    figure.savefig(stream, format="png", dpi=100)
    plt.close(figure)


def _numbers(series: list[dict[str, Any]], name: str) -> list[float]:
    return [float(moment[name]) for moment in series]
