"""The throughput suite's results as a plot: rates, and time by step, against batch size."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

# Steps drawn as one, in order; all others by their own name.
_GROUPS = {
    "apply": "ledger", "close": "ledger", "out-of-domain point": "openings and FRI", "batch": "openings and FRI",
    "FRI layers": "openings and FRI", "openings": "openings and FRI",
}  # fmt: skip
_MILLISECONDS = 1000


def draw(results: Sequence[dict[str, Any]], path: Path) -> None:
    """results: the extra_info of the throughput suite, in any order. Writes a PNG."""
    figure, (rates, steps) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    by_parameters: dict[str, list[dict[str, Any]]] = {}
    for result in sorted(results, key=lambda result: int(result["warm"]["fills"])):
        by_parameters.setdefault(result["parameters"]["name"], []).append(result["warm"])
    for name, runs in by_parameters.items():
        _line(rates, runs, "transitions_per_second", f"transitions, {name}", "o-")
        _line(rates, runs, "fills_per_second", f"fills, {name}", "s--")
    rates.set_xscale("log", base=2)
    rates.set(title="Proving throughput, warm", xlabel="fills in the batch", ylabel="a second")
    rates.set_ylim(bottom=0)
    rates.grid(alpha=0.3)
    rates.legend()
    _stack(steps, next(iter(by_parameters.items())))
    temporary = path.with_suffix(".tmp")
    figure.savefig(temporary, format="png", dpi=120)
    temporary.replace(path)
    plt.close(figure)


def _line(axes: Axes, runs: Sequence[dict[str, Any]], rate: str, label: str, style: str) -> None:
    axes.plot([run["fills"] for run in runs], [run[rate] for run in runs], style, label=label)


def _stack(axes: Axes, named: tuple[str, Sequence[dict[str, Any]]]) -> None:
    """Time a fill, by step, one bar a batch size."""
    name, runs = named
    sizes = [f"{run['fills']:,}" for run in runs]
    bottom = [0.0] * len(runs)
    steps: dict[str, Callable[[dict[str, Any]], float]] = {}
    for label in dict.fromkeys(_GROUPS.get(step, step) for step in runs[0]["seconds"]):
        steps[label] = lambda run, label=label: sum(
            seconds for step, seconds in run["seconds"].items() if _GROUPS.get(step, step) == label
        )
    for label, seconds in steps.items():
        heights = [_MILLISECONDS * seconds(run) / run["fills"] for run in runs]
        axes.bar(sizes, heights, bottom=bottom, label=label)
        bottom = [x + y for x, y in zip(bottom, heights, strict=True)]
    axes.set(title=f"Time by step, warm, {name}", xlabel="fills in the batch", ylabel="milliseconds a fill")
    axes.legend()
