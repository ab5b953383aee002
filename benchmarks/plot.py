"""The throughput suite's results as a plot: rates, and time by step, against batch size."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

# Steps drawn as one; all others go by their own name.
_MERGED = {"apply": "ledger", "close": "ledger"}
_MERGED |= dict.fromkeys(("out-of-domain point", "batch", "FRI layers", "openings"), "openings and FRI")


def draw(batches: Sequence[dict[str, Any]], path: Path) -> None:
    """batches: the extra_info of the throughput suite, of which the first parameter set is drawn by step. A PNG."""
    figure, (rates, steps) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    series: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for batch in batches:
        series[batch["parameters"]["name"]].append(batch["warm"])
    for name, runs in series.items():
        runs.sort(key=lambda run: int(run["fills"]))
        fills = [run["fills"] for run in runs]
        for unit, style in (("transitions", "o-"), ("fills", "s--")):
            rates.plot(fills, [run[f"{unit}_per_second"] for run in runs], style, label=f"{unit}, {name}")
    rates.set_xscale("log", base=2)
    rates.set(title="Throughput from batch to proof, warm", xlabel="fills in the batch", ylabel="per second")
    rates.set_ylim(bottom=0)
    rates.grid(alpha=0.3)
    rates.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)
    name, runs = next(iter(series.items()))
    _stack(steps, runs)
    steps.set(title=f"Time by step, warm, {name}", xlabel="fills in the batch", ylabel="milliseconds per fill")
    steps.legend(reverse=True)
    temporary = path.with_suffix(".tmp")
    figure.savefig(temporary, format="png", dpi=120)
    temporary.replace(path)
    plt.close(figure)


def _stack(axes: Axes, runs: Sequence[dict[str, Any]]) -> None:
    """A bar for each batch size, its steps on top of each other."""
    heights: defaultdict[str, list[float]] = defaultdict(lambda: [0.0] * len(runs))
    for i, run in enumerate(runs):
        for step, seconds in run["seconds"].items():
            heights[_MERGED.get(step, step)][i] += 1000 * seconds / run["fills"]
    sizes, bottom = [f"{run['fills']:,}" for run in runs], [0.0] * len(runs)
    for label, parts in heights.items():
        axes.bar(sizes, parts, bottom=bottom, label=label)
        bottom = [x + y for x, y in zip(bottom, parts, strict=True)]
