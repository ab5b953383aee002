"""The AIR builder: tables of named columns, labelled constraints, and LogUp buses that join the tables to a circuit."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from circuits.bounded import Bounded
from circuits.expression import Affine, Expression, Program, affine, column, compile_program, lift
from circuits.field import P

MAX_DEGREE = 4  # of constraints and of LogUp groups: the quotient then fits four chunks
GROUP_SIZE = 3  # interactions a LogUp column: 1 (the column) + 3 (denominators) = MAX_DEGREE
MIN_LOG_HEIGHT, MAX_LOG_HEIGHT = 10, 20
MASK_COLUMNS = 5  # main columns whose first random row masks the table's LogUp terminal


class Where(StrEnum):
    """The rows on which a constraint holds. Active rows are all but the random rows at the table's end."""

    ACTIVE = "active"
    TRANSITION = "transition"  # active rows but the last: the next row is active too
    FIRST = "first"
    LAST = "last"  # the last active row


class CircuitError(ValueError):
    """A table or circuit that breaks a rule of the builder; the message names the table and the label."""


@dataclass(frozen=True)
class Constraint:
    """expression == 0 on the rows `where`."""

    label: str
    expression: Expression
    where: Where


@dataclass(frozen=True)
class Bus:
    """A named multiset equality: what is sent equals what is received, message by message.

    number separates the buses inside the fingerprint; length is the number of elements of every message.
    """

    name: str
    number: int
    length: int


@dataclass(frozen=True)
class Interaction:
    """On every active row, `multiplicity` copies of `values` go onto the bus (negative: are taken off it).

    values and multiplicity are affine in columns of the current row. max_multiplicity bounds |multiplicity|; None: it
    is free, because the interaction is a supply.
    """

    label: str
    bus: Bus
    values: tuple[Expression, ...]
    multiplicity: Expression
    max_multiplicity: int | None

    def affine_values(self) -> list[Affine]:
        """The affine forms of the values."""
        return [affine(value) for value in self.values]


@dataclass(frozen=True)
class Message:
    """What the verifier itself puts onto a bus (multiplicity > 0: sends)."""

    bus: Bus
    values: tuple[int, ...]
    multiplicity: int


@dataclass
class Table:
    """One table of the circuit, built column by column and constraint by constraint."""

    name: str
    max_log_height: int = MAX_LOG_HEIGHT
    column_names: list[str] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    _labels: set[str] = field(default_factory=set)

    @property
    def width(self) -> int:
        """The number of main columns."""
        return len(self.column_names)

    @property
    def auxiliary_width(self) -> int:
        """The number of LogUp columns, each an extension element: one for every GROUP_SIZE interactions."""
        return -(-len(self.interactions) // GROUP_SIZE)

    def column(self, name: str) -> Expression:
        """A new column."""
        if name in self.column_names:
            raise CircuitError(f"table {self.name}: column {name} exists already")
        self.column_names.append(name)
        return column(name, len(self.column_names) - 1)

    def columns(self, name: str, count: int) -> list[Expression]:
        """`count` new columns name0, name1, ..."""
        return [self.column(f"{name}{i}") for i in range(count)]

    def boolean(self, name: str) -> Bounded:
        """A new column constrained to 0 or 1 on active rows."""
        value = self.column(name)
        self.constrain(f"{name} is boolean", value * (value - 1))
        return Bounded(value, 0, 1)

    def constrain(self, label: str, expression: Expression | int, where: Where = Where.ACTIVE) -> None:
        """Require expression == 0 on the rows `where`. The label is mandatory, unique in the table, and readable."""
        expression = lift(expression)
        self._claim(label)
        if expression.degree > MAX_DEGREE:
            raise CircuitError(f"{self.name}: {label}: degree {expression.degree} is above {MAX_DEGREE}")
        if expression.degree == 0:
            raise CircuitError(f"{self.name}: {label}: the constant {expression} is no constraint")
        if where in (Where.FIRST, Where.LAST) and expression.degree >= MAX_DEGREE:
            raise CircuitError(
                f"{self.name}: {label}: degree {expression.degree} on a single row leaves no room to blind"
            )
        if where in (Where.ACTIVE, Where.LAST) and reads_next_row(expression):
            raise CircuitError(f"{self.name}: {label}: reads the next row, which the last active row does not have")
        self.constraints.append(Constraint(label, expression, where))

    def equal(self, label: str, left: Bounded, right: Bounded | int, selector: Expression | int = 1) -> None:
        """Require left == right over the INTEGERS where selector is not 0.

        Sound because the difference lies strictly between -P and P by the bounds of its parts: it is 0 mod P only if it
        is 0.
        """
        difference = left - right
        if difference.low <= -P or difference.high >= P:
            raise CircuitError(
                f"{self.name}: {label}: difference in [{difference.low}, {difference.high}] may wrap mod P"
            )
        self.constrain(label, lift(selector) * difference.expression)

    def send(self, bus: Bus, label: str, values: Sequence[Expression | int], multiplicity: Bounded | int = 1) -> None:
        """Put the message on the bus `multiplicity` times."""
        self._interact_bounded(bus, label, values, multiplicity, 1)

    def receive(
        self, bus: Bus, label: str, values: Sequence[Expression | int], multiplicity: Bounded | int = 1
    ) -> None:
        """Take the message off the bus `multiplicity` times."""
        self._interact_bounded(bus, label, values, multiplicity, -1)

    def supply(self, bus: Bus, label: str, values: Sequence[Expression | int], count: Expression) -> None:
        """Offer the message as often as it is asked for: a lookup table's entry, with a free count.

        The count needs no bound: whatever it is mod P, demands of fewer than P copies (the circuit checks that) of a
        message cannot cancel unless something supplies that very message.
        """
        self._interact(bus, label, values, count, None)

    def _interact_bounded(
        self, bus: Bus, label: str, values: Sequence[Expression | int], multiplicity: Bounded | int, sign: int
    ) -> None:
        count = (
            Bounded(lift(multiplicity), multiplicity, multiplicity) if isinstance(multiplicity, int) else multiplicity
        )
        signed = count.expression if sign > 0 else -count.expression
        self._interact(bus, label, values, signed, max(abs(count.low), abs(count.high)))

    def _interact(
        self, bus: Bus, label: str, values: Sequence[Expression | int], multiplicity: Expression, bound: int | None
    ) -> None:
        self._claim(label)
        if len(values) != bus.length:
            raise CircuitError(f"{self.name}: {label}: {len(values)} values on bus {bus.name} of length {bus.length}")
        expressions = tuple(lift(value) for value in values)
        for expression in (*expressions, multiplicity):
            affine(expression)
        self.interactions.append(Interaction(label, bus, expressions, multiplicity, bound))

    def _claim(self, label: str) -> None:
        if not label or label in self._labels:
            raise CircuitError(f"table {self.name}: the label {label!r} is empty or in use")
        self._labels.add(label)

    def next_columns(self) -> list[int]:
        """Main columns that some constraint reads in the next row, ascending: they are opened at the next point too."""
        program = compile_program([c.expression for c in self.constraints]) if self.constraints else None
        return sorted(index for index, offset in program.inputs if offset) if program else []

    def program(self) -> Program:
        """The straight-line program of all constraints, in order."""
        return compile_program([c.expression for c in self.constraints])

    def groups(self) -> list[list[Interaction]]:
        """The interactions by LogUp column; the last group is the one of the running-sum column."""
        return [self.interactions[i : i + GROUP_SIZE] for i in range(0, len(self.interactions), GROUP_SIZE)]

    def description(self) -> object:
        """Everything that defines the table, as JSON data; the circuit digest covers it."""
        program = self.program()
        return {
            "name": self.name,
            "columns": self.column_names,
            "max_log_height": self.max_log_height,
            "program": [program.inputs, program.constants, program.operations, program.outputs],
            "constraints": [[c.label, c.where.value] for c in self.constraints],
            "interactions": [
                [
                    i.label,
                    i.bus.number,
                    i.max_multiplicity,
                    [[v.constant, v.terms] for v in (*i.affine_values(), affine(i.multiplicity))],
                ]
                for i in self.interactions
            ],
        }


def reads_next_row(expression: Expression) -> bool:
    """Whether the expression reads a column of the next row."""
    return any(offset for _, offset in compile_program([expression]).inputs)


@dataclass(frozen=True)
class Circuit:
    """A list of tables joined by buses."""

    name: str
    tables: tuple[Table, ...]
    buses: tuple[Bus, ...]

    def __post_init__(self) -> None:
        if len({bus.number for bus in self.buses}) != len(self.buses):
            raise CircuitError("two buses share a number")
        for table in self.tables:
            if not table.interactions or table.width < MASK_COLUMNS:
                raise CircuitError(
                    f"table {table.name} needs a bus interaction and {MASK_COLUMNS} columns for its mask"
                )
        self._check_multiplicities()

    def copies(self, bus: Bus) -> int:
        """How many copies of one message the tables can put on or take off the bus, supplies aside."""
        return sum(
            interaction.max_multiplicity << table.max_log_height
            for table in self.tables
            for interaction in table.interactions
            if interaction.bus == bus and interaction.max_multiplicity is not None
        )

    def _check_multiplicities(self) -> None:
        """No bus can carry P or more copies of one message: LogUp counts mod P."""
        for bus in self.buses:
            copies = self.copies(bus)
            if copies >= P:
                raise CircuitError(f"bus {bus.name}: {copies} possible messages reach P = {P}")

    def table(self, name: str) -> Table:
        """The table of that name; raises KeyError."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def digest(self) -> bytes:
        """SHA-256 of the description of all tables and buses: 32 bytes that name this circuit."""
        description = {
            "name": self.name,
            "tables": [table.description() for table in self.tables],
            "buses": [[bus.name, bus.number, bus.length] for bus in self.buses],
        }
        return hashlib.sha256(json.dumps(description, separators=(",", ":")).encode()).digest()
