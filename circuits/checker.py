"""The third evaluation of a circuit, after prover and verifier: on plain traces, naming the rules a row breaks."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from circuits.air import Bus, Circuit, Message, Table, Where
from circuits.expression import Expression, Program, compile_program
from circuits.field import P

Columns = Sequence[Sequence[int]]  # one sequence a column, each of all active rows


@dataclass(frozen=True, order=True)
class Failure:
    """A constraint that does not hold on a row."""

    table: str
    row: int
    label: str


@dataclass(frozen=True)
class Imbalance:
    """A message that is on a bus `net` times: sent too often if net > 0, received too often if net < 0."""

    bus: str
    values: tuple[int, ...]
    net: int


@dataclass(frozen=True)
class Report:
    """All that is wrong with a trace; str() lists it."""

    failures: list[Failure] = field(default_factory=list)
    imbalances: list[Imbalance] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures and not self.imbalances

    def __str__(self) -> str:
        lines = [f"{f.table}, row {f.row}: {f.label}" for f in self.failures]
        lines += [f"bus {i.bus}: {i.values} is {i.net:+d} times on the bus" for i in self.imbalances]
        return "\n".join(lines) or "all constraints hold and all buses balance"


def check(
    circuit: Circuit,
    columns: Mapping[str, Columns],
    messages: Sequence[Message],
    rows: Mapping[str, Iterable[int]] | None = None,
) -> Report:
    """Check the active rows of all tables, with the verifier's own messages.

    rows restricts the constraints (never the buses) to some rows by table; none of a table that it does not name.
    Raises ValueError for columns that do not fit their table.
    """
    failures: list[Failure] = []
    for table in circuit.tables:
        selected = None if rows is None else rows.get(table.name, ())
        failures += check_table(table, columns[table.name], selected)
    return Report(failures, check_buses(circuit, columns, messages))


def check_table(table: Table, columns: Columns, rows: Iterable[int] | None = None) -> list[Failure]:
    """The failing constraints of a table, by row; `rows` restricts the check to some rows."""
    height = _height(table, columns)
    selected = range(height) if rows is None else sorted(set(rows))
    if any(not 0 <= row < height for row in selected):
        raise ValueError(f"table {table.name} has rows 0 .. {height - 1}")
    failures = []
    for where in Where:
        constraints = [c for c in table.constraints if c.where == where]
        if not constraints:
            continue
        labels = [c.label for c in constraints]
        evaluate = _row_function([c.expression for c in constraints])
        for row in selected:
            if _holds_on(where, row, height):
                values = evaluate(columns, row)
                if any(values):
                    failures += [Failure(table.name, row, label) for label, v in zip(labels, values, strict=True) if v]
    return sorted(failures)


def check_buses(circuit: Circuit, columns: Mapping[str, Columns], messages: Sequence[Message]) -> list[Imbalance]:
    """The messages that are not sent as often as they are received, mod P."""
    counts: defaultdict[tuple[int, ...], int] = defaultdict(int)  # by bus number, then the values
    for message in messages:
        counts[message.bus.number, *(value % P for value in message.values)] += message.multiplicity
    for table in circuit.tables:
        height = _height(table, columns[table.name])
        for interaction in table.interactions:
            evaluate = _row_function([interaction.multiplicity, *interaction.values])
            number = interaction.bus.number
            for row in range(height):
                multiplicity, *values = evaluate(columns[table.name], row)
                if multiplicity:
                    counts[number, *values] += multiplicity
    buses: dict[int, Bus] = {bus.number: bus for bus in circuit.buses}
    return [
        Imbalance(buses[number].name, tuple(values), _signed(count))
        for (number, *values), count in sorted(counts.items())
        if count % P
    ]


def _height(table: Table, columns: Columns) -> int:
    lengths = {len(column) for column in columns}
    if len(columns) != table.width or len(lengths) != 1:
        shape = f"{len(columns)} columns of lengths {sorted(lengths)}"
        raise ValueError(f"table {table.name} has {table.width} columns of equal length, not {shape}")
    return lengths.pop()


def _holds_on(where: Where, row: int, height: int) -> bool:
    if where == Where.TRANSITION:
        return row < height - 1
    if where == Where.FIRST:
        return row == 0
    return where == Where.ACTIVE or row == height - 1


def _signed(count: int) -> int:
    residue = count % P
    return residue if residue <= P // 2 else residue - P


def _row_function(expressions: Sequence[Expression]) -> Callable[[Columns, int], tuple[int, ...]]:
    """(columns, row) -> the values of the expressions in [0, P), compiled: Program.run makes a call at every step."""
    namespace: dict[str, Any] = {}
    exec(compile(_source(compile_program(expressions)), "<constraints>", "exec"), namespace)
    function: Callable[[Columns, int], tuple[int, ...]] = namespace["evaluate"]
    return function


def _source(program: Program) -> str:
    lines = ["def evaluate(columns, row):"]
    for number, (index, offset) in enumerate(program.inputs):
        lines.append(f" v{number} = int(columns[{index}][row + {offset}])")
    names = [f"v{number}" for number in range(len(program.inputs))] + [str(c) for c in program.constants]
    for operation, i, j in program.operations:
        reduced = f" % {P}" if operation == "*" else ""
        lines.append(f" v{len(names)} = {names[i]} {operation} {names[j]}{reduced}")
        names.append(f"v{len(names)}")
    outputs = "".join(f"{names[number]} % {P}, " for number in program.outputs)
    return "\n".join([*lines, f" return ({outputs})"])
