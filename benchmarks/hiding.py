"""What hiding costs: proving one batch with and without, in turn, in one process.

`no randomness`: every draw is zeros for free. `nothing`: also no random rows and no blinding coefficients. The verifier
is not asked about the latter, which is another proof system; its tables may be lower where the random rows do not fit.
Without grinding: its time is chance, the same one in all proofs that draw nothing, and would drown the difference.
"""

from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter, process_time
from typing import Any

from benchmarks.report import print_table
from benchmarks.workload import workload
from circuits.solvent import solvent_circuit
from prover import lanes
from prover.lanes import Words
from prover.prove import prove
from prover.randomness import Randomness
from solvent import Parameters, Statement, Witness, traces_of


class NoRandomness(Randomness):
    """Draws zeros. For measuring: proofs made with it hide nothing."""

    def words(self, shape: tuple[int, ...]) -> Words:
        """See Randomness."""
        zeros = lanes.empty(shape)
        zeros[:] = 0
        return zeros

    elements = words


@dataclass(frozen=True)
class NothingRandom(Parameters):
    """Parameters that reserve nothing random but row N, on which the terminal stands."""

    @property
    def random_rows(self) -> int:
        """See Parameters."""
        return 1

    @property
    def blinding(self) -> int:
        """See Parameters."""
        return 0


@dataclass(frozen=True)
class Run:
    """One proof: seconds for traces and proof together, by the clock and of all cores, and the tables' log heights."""

    seconds: float
    core_seconds: float
    log_heights: tuple[int, ...]


def run(statement: Statement, witness: Witness, parameters: Parameters, randomness: Randomness) -> Run:
    """Prove the batch once."""
    start, core_start = perf_counter(), process_time()
    traces = traces_of(witness, parameters)
    _, report = prove(solvent_circuit(), parameters, statement, traces, randomness=randomness)
    log_heights = tuple(table.log_height for table in report.tables)
    return Run(perf_counter() - start, process_time() - core_start, log_heights)


def hiding_cost(fills: int, accounts: int | None, parameters: Parameters, rounds: int) -> dict[str, Any]:
    """`rounds` proofs of each mode, made in turn, after one of each that does not count.

    For each mode `seconds`, the median; `core_seconds`, the least of any proof, which other programs on the machine
    change least; `log_heights`; and `cost`, `core_cost`: how much more the full proof takes, as a fraction.
    """
    statement, witness = workload(fills, accounts).close()
    parameters = replace(parameters, grinding_bits=(0, 0, 0, 0, 0))
    bare = NothingRandom(**vars(parameters))
    modes: list[tuple[str, Parameters, type[Randomness]]] = [
        ("hiding", parameters, Randomness),
        ("no randomness", parameters, NoRandomness),
        ("nothing", bare, NoRandomness),
    ]
    runs: dict[str, list[Run]] = {name: [] for name, _, _ in modes}
    for number in range(rounds + 1):
        start = number % len(modes)  # nobody always follows the same neighbour
        for name, own, source in modes[start:] + modes[:start]:
            runs[name].append(run(statement, witness, own, source()))
    seconds = {name: median(one.seconds for one in own[1:]) for name, own in runs.items()}
    core_seconds = {name: min(one.core_seconds for one in own[1:]) for name, own in runs.items()}
    return {
        "fills": fills,
        "parameters": parameters.name,
        "rounds": rounds,
        "modes": {
            name: {
                "seconds": seconds[name],
                "core_seconds": core_seconds[name],
                "log_heights": own[0].log_heights,
                "cost": seconds["hiding"] / seconds[name] - 1,
                "core_cost": core_seconds["hiding"] / core_seconds[name] - 1,
            }
            for name, own in runs.items()
        },
    }


def print_hiding(found: dict[str, Any]) -> None:
    """A row for each mode."""
    rows = [
        (name, " ".join(f"2^{log}" for log in mode["log_heights"]), mode["seconds"], f"{100 * mode['cost']:+.1f} %",
         mode["core_seconds"], f"{100 * mode['core_cost']:+.1f} %")
        for name, mode in found["modes"].items()
    ]  # fmt: skip
    title = f"Hiding at {found['fills']} fills, {found['parameters']} without grinding, {found['rounds']} proofs each"
    print_table(
        title, ("mode", "heights", "median seconds", "hiding costs", "least core seconds", "hiding costs"), rows
    )
