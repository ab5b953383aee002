"""All constraints at the out-of-domain point, combined and compared with the quotient (docs/protocol.md, A5 and A7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from circuits.air import Where
from circuits.field import (
    ONE,
    ZERO,
    Extension,
    P,
    add,
    batch_invert,
    embed,
    horner,
    mul,
    power,
    sub,
)
from verifier.buses import Fingerprint, logup_values
from verifier.errors import Reason, Rejection
from verifier.params import CHUNKS
from verifier.shape import Shape, TableShape

# 1, x, x^2, x^3, x^4
BASIS: tuple[Extension, ...] = ((1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, 0, 1))


class ExtensionArithmetic:
    """Runs programs on extension elements."""

    constant = staticmethod(embed)
    add = staticmethod(add)
    sub = staticmethod(sub)
    mul = staticmethod(mul)


@dataclass(frozen=True)
class TableValues:
    """The opened values of one table: main and auxiliary columns at z, next columns by index and running sum at g z."""

    main: list[Extension]
    auxiliary: list[Extension]
    next_main: dict[int, Extension]
    next_sum: Extension

    def read(self, index: int, offset: int) -> Extension:
        """A main column at z (offset 0) or g z (offset 1)."""
        return self.next_main[index] if offset else self.main[index]

    def mask(self) -> Extension:
        """The main columns 0 .. 4 as the coordinates of one extension element."""
        return _combine(BASIS, self.main)


def split_openings(shape: Shape, values: Sequence[Extension]) -> tuple[list[TableValues], list[Extension]]:
    """The opened values by table, and those of the quotient chunks."""
    remaining = iter(values)

    def take(count: int) -> list[Extension]:
        return [next(remaining) for _ in range(count)]

    tables = []
    for table in shape.tables:
        main, auxiliary = take(table.table.width), take(table.table.auxiliary_width)
        next_columns = table.next_columns
        tables.append(
            TableValues(main, auxiliary, dict(zip(next_columns, take(len(next_columns)), strict=True)), *take(1))
        )
    return tables, take(CHUNKS)


@dataclass(frozen=True)
class Selectors:
    """selector / Z of A3 at z, for one table."""

    active: Extension
    transition: Extension
    first: Extension
    last: Extension
    terminal: Extension

    def on(self, where: Where) -> Extension:
        """The selector of the rows `where`."""
        return {
            Where.ACTIVE: self.active,
            Where.TRANSITION: self.transition,
            Where.FIRST: self.first,
            Where.LAST: self.last,
        }[where]


def selectors_at(table: TableShape, z: Extension) -> Selectors:
    """The selectors of a table at z, which is not in the base field, so that no denominator vanishes."""
    g = table.generator
    last_row = pow(g, table.active_rows - 1, P)
    z_minus_last = sub(z, embed(last_row))
    vanishing = sub(power(z, table.height), ONE)
    random_rows, point = ONE, last_row
    for _ in range(table.random_rows):
        point = point * g % P
        random_rows = mul(random_rows, sub(z, embed(point)))
    denominators = [vanishing, sub(z, ONE), z_minus_last, sub(z, embed(last_row * g))]
    over_vanishing, first, last, terminal = batch_invert(denominators)
    active = mul(random_rows, over_vanishing)
    return Selectors(active, mul(active, z_minus_last), first, last, terminal)


def table_terms(
    table: TableShape, values: TableValues, z: Extension, fingerprint: Fingerprint, terminal: Extension
) -> list[Extension]:
    """selector * C / Z at z for every constraint of a table, in the order of A5."""
    selectors = selectors_at(table, z)
    own = table.program.run(values.read, ExtensionArithmetic)
    terms = [mul(selectors.on(c.where), value) for c, value in zip(table.table.constraints, own, strict=True)]
    logup = logup_values(
        table.table.groups(), fingerprint, values.main, values.auxiliary, values.next_sum, (values.mask(), terminal)
    )
    terms += [mul(selectors.active, value) for value in logup.active]
    return [*terms, mul(selectors.first, logup.first), mul(selectors.terminal, logup.terminal)]


def check_composition(
    shape: Shape,
    opened_values: Sequence[Extension],
    terminals: Sequence[Extension],
    fingerprint: Fingerprint,
    alpha: Extension,
    z: Extension,
) -> None:
    """Raises Rejection unless the constraints, combined with the powers of alpha, are the quotient at z.

    z must not be in the base field.
    """
    tables, chunks = split_openings(shape, opened_values)
    terms: list[Extension] = []
    for table, values, terminal in zip(shape.tables, tables, terminals, strict=True):
        terms += table_terms(table, values, z, fingerprint, terminal)
    composition = horner(terms, alpha)
    quotient = horner(chunks, power(z, shape.chunk_stride))
    if composition != quotient:
        detail = f"at {z} the {len(terms)} constraints combine to {composition}, the quotient is {quotient}"
        raise Rejection(Reason.COMPOSITION, detail)


def _combine(weights: Sequence[Extension], values: Sequence[Extension]) -> Extension:
    result = ZERO
    for weight, value in zip(weights, values, strict=False):
        result = add(result, mul(weight, value))
    return result
