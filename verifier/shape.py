"""The shape of a proof: everything that follows from circuit, parameters and heights, for verifier and prover alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from circuits.air import MAX_LOG_HEIGHT, MIN_LOG_HEIGHT, Circuit, Table
from circuits.expression import Program
from circuits.field import EXTENSION_DEGREE, GENERATOR, P, reverse_bits, root_of_unity
from verifier.errors import Reason, Rejection
from verifier.params import ARITY, CHUNKS, LOG_ARITY, LOG_FINAL, Parameters

QUOTIENT_TABLE = -1  # in place of a table's number, for the opened values of the quotient
LOGUP_CONSTRAINTS = 2  # besides one for each auxiliary column: the running sum starts at 0 and ends at the terminal


class Round(StrEnum):
    """The commitments before FRI, in transcript order."""

    MAIN = "main"
    AUXILIARY = "auxiliary"
    QUOTIENT = "quotient"


@dataclass(frozen=True)
class Domain:
    """The coset shift * <w> of order 2^log_size; row r is the point shift * w^bitrev(r)."""

    log_size: int
    shift: int

    @property
    def generator(self) -> int:
        """w_(log_size)."""
        return root_of_unity(self.log_size)

    def point(self, row: int) -> int:
        """The point of a row."""
        return self.shift * pow(self.generator, reverse_bits(row, self.log_size), P) % P


@dataclass(frozen=True)
class TreeClass:
    """The matrices of one class in a tree: 2^log_rows rows each, widths in base elements, in order."""

    log_rows: int
    widths: tuple[int, ...]


@dataclass(frozen=True)
class TreeShape:
    """One Merkle tree over the matrices of some classes, tallest class first."""

    name: str
    classes: tuple[TreeClass, ...]

    @property
    def log_leaves(self) -> int:
        """The log number of leaves, the rows of the tallest class."""
        return self.classes[0].log_rows


@dataclass(frozen=True)
class Opened:
    """One opened value: column `column` of table number `table`, or chunk `column` and QUOTIENT_TABLE.

    The point is z, or g_t z if `next`. A column of AUXILIARY and a chunk is five base columns wide.
    """

    round: Round
    table: int
    column: int
    next: bool


@dataclass(frozen=True)
class TableShape:
    """One table of the proof: its number in the circuit, log height, log class and its share of the constraints."""

    number: int
    table: Table
    program: Program
    log_height: int
    log_class: int
    random_rows: int
    first_constraint: int

    @property
    def height(self) -> int:
        """n."""
        return 1 << self.log_height

    @property
    def active_rows(self) -> int:
        """N: rows N .. n-1 are random."""
        return self.height - self.random_rows

    @property
    def generator(self) -> int:
        """g, of order n."""
        return root_of_unity(self.log_height)

    @property
    def next_columns(self) -> list[int]:
        """The main columns that are opened at g z, ascending."""
        return sorted(index for index, offset in self.program.inputs if offset)

    @property
    def constraint_count(self) -> int:
        """The number of the circuit's constraints, then one for each auxiliary column, then start and terminal."""
        return len(self.table.constraints) + self.table.auxiliary_width + LOGUP_CONSTRAINTS

    def openings(self) -> list[Opened]:
        """The opened values of the table, in order."""
        auxiliary_width = self.table.auxiliary_width
        return [
            *(Opened(Round.MAIN, self.number, i, False) for i in range(self.table.width)),
            *(Opened(Round.AUXILIARY, self.number, k, False) for k in range(auxiliary_width)),
            *(Opened(Round.MAIN, self.number, i, True) for i in self.next_columns),
            Opened(Round.AUXILIARY, self.number, auxiliary_width - 1, True),
        ]


@dataclass(frozen=True)
class Shape:
    """Build it with shape_of. `tables` are in circuit order."""

    parameters: Parameters
    tables: tuple[TableShape, ...]

    @cached_property
    def log_tallest(self) -> int:
        """H."""
        return max(table.log_height for table in self.tables)

    @cached_property
    def classes(self) -> list[int]:
        """The log classes that have tables, descending; the first is H."""
        return sorted({table.log_class for table in self.tables}, reverse=True)

    def tables_of(self, log_class: int) -> list[TableShape]:
        """The tables of a class in circuit order."""
        return [table for table in self.tables if table.log_class == log_class]

    @property
    def log_domain(self) -> int:
        """The log size of the domain of class H, from which query positions are drawn."""
        return self.log_tallest + self.parameters.log_blowup

    def domain(self, log_class: int) -> Domain:
        """The evaluation domain of a class; also that of FRI layer j for log_class = H - LOG_ARITY * j."""
        steps = (self.log_tallest - log_class) // LOG_ARITY
        return Domain(log_class + self.parameters.log_blowup, pow(GENERATOR, ARITY**steps, P))

    @property
    def chunk_stride(self) -> int:
        """2^H - h: chunk i of the quotient carries the coefficients from i * chunk_stride on."""
        return (1 << self.log_tallest) - self.parameters.blinding

    @cached_property
    def constraint_count(self) -> int:
        """The number of powers of alpha."""
        return sum(table.constraint_count for table in self.tables)

    @cached_property
    def openings(self) -> list[Opened]:
        """All opened values, in the order of the proof and of the coefficients lambda."""
        tables = [opened for table in self.tables for opened in table.openings()]
        return tables + [Opened(Round.QUOTIENT, QUOTIENT_TABLE, chunk, False) for chunk in range(CHUNKS)]

    @cached_property
    def main_tree(self) -> TreeShape:
        """The tree of the main columns."""
        return self._tree(Round.MAIN, [table.table.width for table in self.tables])

    @cached_property
    def auxiliary_tree(self) -> TreeShape:
        """The tree of the LogUp columns."""
        return self._tree(Round.AUXILIARY, [EXTENSION_DEGREE * table.table.auxiliary_width for table in self.tables])

    def _tree(self, name: Round, widths: Sequence[int]) -> TreeShape:
        classes = (
            TreeClass(self.domain(c).log_size, tuple(widths[table.number] for table in self.tables_of(c)))
            for c in self.classes
        )
        return TreeShape(name, tuple(classes))

    @cached_property
    def quotient_tree(self) -> TreeShape:
        """The tree of the quotient chunks and the random polynomial."""
        return TreeShape(Round.QUOTIENT, (TreeClass(self.log_domain, (EXTENSION_DEGREE * (CHUNKS + 1),)),))

    @property
    def layers(self) -> int:
        """The number of committed FRI layers."""
        return -(-max(0, self.log_tallest - LOG_FINAL) // LOG_ARITY)

    def layer_class(self, layer: int) -> int:
        """H - LOG_ARITY * layer: the log degree bound of a FRI layer, and the class that is injected into it."""
        return self.log_tallest - LOG_ARITY * layer

    def injects(self, layer: int) -> bool:
        """Whether folding this layer injects a class into the next one."""
        return self.layer_class(layer + 1) in self.classes

    def layer_tree(self, layer: int) -> TreeShape:
        """The tree of a FRI layer: ARITY extension elements a row."""
        log_rows = self.domain(self.layer_class(layer)).log_size - LOG_ARITY
        return TreeShape(f"layer {layer}", (TreeClass(log_rows, (EXTENSION_DEGREE * ARITY,)),))

    @property
    def final_length(self) -> int:
        """The number of coefficients of the final polynomial."""
        return 1 << self.layer_class(self.layers)


def shape_of(circuit: Circuit, parameters: Parameters, log_heights: Sequence[int]) -> Shape:
    """The shape of a proof with these log heights, in circuit order. Raises Rejection for a height out of bounds."""
    if len(log_heights) != len(circuit.tables):
        raise Rejection(Reason.HEIGHT, f"{len(log_heights)} heights for {len(circuit.tables)} tables")
    for table, log_height in zip(circuit.tables, log_heights, strict=True):
        bound = min(table.max_log_height, MAX_LOG_HEIGHT)
        if not MIN_LOG_HEIGHT <= log_height <= bound:
            bounds = f"2^{MIN_LOG_HEIGHT} .. 2^{bound}"
            raise Rejection(Reason.HEIGHT, f"table {table.name} has height 2^{log_height}, not in {bounds}")
    tallest = max(log_heights)
    tables: list[TableShape] = []
    first_constraint = 0
    for number, (table, log_height) in enumerate(zip(circuit.tables, log_heights, strict=True)):
        log_class = tallest - LOG_ARITY * ((tallest - log_height) // LOG_ARITY)
        tables.append(
            TableShape(number, table, table.program(), log_height, log_class, parameters.random_rows, first_constraint)
        )
        first_constraint += tables[-1].constraint_count
    return Shape(parameters, tuple(tables))
