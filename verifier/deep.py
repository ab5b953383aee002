"""The batched DEEP quotients G_c of each class at the queried rows (docs/protocol.md, A7)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter
from operator import mul as multiply

from circuits.field import EXTENSION_DEGREE, ZERO, Extension, P, add, batch_invert, embed, mul, scale, sub
from verifier.constraints import BASIS
from verifier.merkle import Opening, class_rows
from verifier.shape import QUOTIENT_TABLE, Round, Shape

Z_POINT = -1  # key of z among the points; g_t z has the log height of the table as its key


@dataclass
class PointBatch:
    """The opened values of one class at one point: sum of coefficient * element of an opened row, minus constant."""

    point: Extension
    coefficients: dict[int, Extension] = field(default_factory=dict)  # by index in the opened row
    constant: Extension = ZERO  # sum of lambda * opened value

    def numerators(self, rows: Sequence[Sequence[int]]) -> list[Extension]:
        """sum of lambda * (f(X) - e) for every row."""
        indices = sorted(self.coefficients)
        pick = itemgetter(*indices)  # at least the 5 coordinates of one column, so it gives a tuple
        by_coordinate = list(zip(*(self.coefficients[i] for i in indices), strict=True))
        numerators = []
        for row in rows:
            picked = pick(row)
            a, b, c, d, e = (sum(map(multiply, picked, weights)) % P for weights in by_coordinate)
            numerators.append(sub((a, b, c, d, e), self.constant))
        return numerators


def class_batches(
    shape: Shape, z: Extension, opened_values: Sequence[Extension], lambdas: Sequence[Extension]
) -> dict[int, list[PointBatch]]:
    """The batches of every log class. The row of a class is its main row, auxiliary row and, for H, quotient row."""
    offsets = _row_offsets(shape)
    batches: dict[int, dict[int, PointBatch]] = {log_class: {} for log_class in shape.classes}
    for opened, value, coefficient in zip(shape.openings, opened_values, lambdas, strict=True):
        table = None if opened.round == Round.QUOTIENT else shape.tables[opened.table]
        log_class = table.log_class if table else shape.log_tallest
        key, point = (table.log_height, scale(z, table.generator)) if table and opened.next else (Z_POINT, z)
        batch = batches[log_class].setdefault(key, PointBatch(point))
        batch.constant = add(batch.constant, mul(coefficient, value))
        start = offsets[opened.round, opened.table]
        if opened.round == Round.MAIN:
            batch.coefficients[start + opened.column] = coefficient
        else:
            for i, basis in enumerate(BASIS):
                batch.coefficients[start + EXTENSION_DEGREE * opened.column + i] = mul(coefficient, basis)
    return {log_class: list(by_point.values()) for log_class, by_point in batches.items()}


def _row_offsets(shape: Shape) -> dict[tuple[Round, int], int]:
    """Where the columns of each table of each round start in the opened row of its class."""
    offsets: dict[tuple[Round, int], int] = {}
    for log_class in shape.classes:
        tables = shape.tables_of(log_class)
        keys = [(Round.MAIN, table.number) for table in tables] + [(Round.AUXILIARY, table.number) for table in tables]
        widths = [table.table.width for table in tables]
        widths += [EXTENSION_DEGREE * table.table.auxiliary_width for table in tables]
        starts = list(accumulate(widths, initial=0))
        offsets.update(zip(keys, starts, strict=False))
        if log_class == shape.log_tallest:
            offsets[Round.QUOTIENT, QUOTIENT_TABLE] = starts[-1]
    return offsets


def class_values(
    shape: Shape,
    batches: dict[int, list[PointBatch]],
    positions: Sequence[int],
    openings: dict[Round, Opening],
) -> dict[int, dict[int, Extension]]:
    """For each log class, G_c at each queried row of its domain, by row. z must not be in the base field."""
    values: dict[int, dict[int, Extension]] = {}
    for number, (log_class, tree_class) in enumerate(zip(shape.classes, shape.main_tree.classes, strict=True)):
        row_numbers = class_rows(shape.main_tree, tree_class, positions)
        opened = [openings[r].classes[number].rows for r in (Round.MAIN, Round.AUXILIARY)]
        if number == 0:
            opened.append(openings[Round.QUOTIENT].classes[0].rows)
        rows = [tuple(element for part in parts for element in part) for parts in zip(*opened, strict=True)]
        domain = shape.domain(log_class)
        points = [embed(domain.point(row)) for row in row_numbers]
        # The random polynomial is the last column of the quotient's matrix and enters as it is.
        totals = [_last_extension(row) for row in rows] if number == 0 else [ZERO] * len(rows)
        for batch in batches[log_class]:
            inverses = batch_invert([sub(point, batch.point) for point in points])
            quotients = map(mul, batch.numerators(rows), inverses)
            totals = list(map(add, totals, quotients))
        values[log_class] = dict(zip(row_numbers, totals, strict=True))
    return values


def _last_extension(row: Sequence[int]) -> Extension:
    a, b, c, d, e = row[-EXTENSION_DEGREE:]
    return (a, b, c, d, e)
