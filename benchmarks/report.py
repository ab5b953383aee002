"""What the benchmarks print: tables of kernels, of batches, and of the steps of one batch."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH = 150  # characters, where there is no terminal


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Integers are printed in groups of three digits, floats with three decimals; all columns but the first right."""
    table = Table(header[0], title=title, title_justify="left")
    for name in header[1:]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*map(_text, row))
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def _text(value: object) -> Text:
    if isinstance(value, int):
        return Text(f"{value:,}")
    return Text(f"{value:.3f}" if isinstance(value, float) else str(value))


def print_kernels(results: Iterable[dict[str, Any]]) -> None:
    """results: pytest-benchmark's, of the kernel suite."""
    rows = []
    for result in results:
        info = result["extra_info"]
        reference = info.get("reference_ns")
        against = (reference, info["ns"] / reference, info["reference"]) if reference else ("", "", "")
        rows.append((result["name"].removeprefix("test_"), info["unit"], info["ns"], *against))
    header = ("kernel", "unit", "ns", "reference ns", "ratio", "reference")
    print_table("Kernels: one core, nanoseconds a unit, median", header, rows)


def print_throughput(batches: Iterable[dict[str, Any]]) -> None:
    """batches: the extra_info of the throughput suite."""
    header = ("parameters", "fills", "transitions", "ledger", "traces", "prove", "verify", "cold", "transitions/s",
              "fills/s", "proof KB", "peak GB")  # fmt: skip
    rows = []
    for batch in batches:
        warm, cold = batch["warm"], batch["cold"]
        traces = warm["seconds"]["traces"]
        rows.append((
            batch["parameters"]["name"], warm["fills"], warm["transitions"], warm["ledger"], traces,
            warm["prove"] - traces, warm["verify"], cold["ledger"] + cold["prove"],
            round(warm["transitions_per_second"]), round(warm["fills_per_second"]), round(warm["proof_bytes"] / 1e3),
            batch["peak"] / 1e9,
        ))  # fmt: skip
    print_table(
        "Batches: seconds, warm, median; cold: ledger to proof, in a new process that may have to compile", header, rows
    )


def print_profile(found: dict[str, Any]) -> None:
    """found: what benchmarks.profiling.profile returns."""
    cold, warm = found["cold"], found["warm"] or found["cold"]
    total = sum(warm["seconds"].values())
    steps = [(step, cold["seconds"][step], seconds) for step, seconds in warm["seconds"].items()]
    sums = [(f"= {name}", cold[name], warm[name]) for name in ("ledger", "prove", "verify")]
    rows = [(*row, f"{100 * row[2] / total:.1f} %") for row in (*steps, *sums)]
    title = f"{found['parameters']}: {warm['transitions']:,} transitions, {warm['fills']:,} fills"
    print_table(title, ("step", "cold s", f"warm s, median of {found['runs']}", "share"), rows)
    print(
        f"{warm['transitions_per_second']:,.0f} transitions/s, {warm['fills_per_second']:,.0f} fills/s; "
        f"proof {warm['proof_bytes']:,} bytes; peak memory {found['peak'] / 1e9:.2f} GB"
    )
