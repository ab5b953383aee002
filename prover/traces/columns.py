"""The columns of one table under construction: named access, int64 work, canonical uint32 result."""

import numpy as np
from numpy.typing import NDArray

from circuits.air import MAX_LOG_HEIGHT, MIN_LOG_HEIGHT, Table
from circuits.bounds import BIAS, LIMB, LIMB_BITS
from circuits.field import P

Integers = NDArray[np.int64]
Elements = NDArray[np.uint32]


class TraceError(ValueError):
    """A batch that does not fit a table; the message says which, by how much, and what to do."""


def log_height(table: str, rows: int, random_rows: int) -> int:
    """The smallest height that holds `rows` active rows beside the random ones. Raises TraceError above the bound."""
    height = max(MIN_LOG_HEIGHT, (rows + random_rows - 1).bit_length())
    if height > MAX_LOG_HEIGHT:
        raise TraceError(f"{rows} rows do not fit the {table} table (at most 2^{MAX_LOG_HEIGHT}): split the batch")
    return height


class Columns:
    """Values of a table's columns on its active rows, int64 and signed until `elements` reduces them mod P."""

    def __init__(self, table: Table, rows: int, random_rows: int) -> None:
        self.table, self.used = table, rows
        self.log_height = log_height(table.name, rows, random_rows)
        self.active = (1 << self.log_height) - random_rows
        self.values: Integers = np.zeros((table.width, self.active), dtype=np.int64)
        self._numbers = {name: i for i, name in enumerate(table.column_names)}

    def __getitem__(self, name: str) -> Integers:
        """The column of that name, a view: shape (active rows,)."""
        column: Integers = self.values[self._numbers[name]]
        return column

    def elements(self) -> Elements:
        """Canonical field elements, uint32, shape (width, active rows)."""
        result = np.empty(self.values.shape, dtype=np.uint32)
        np.remainder(self.values, P, out=result, casting="unsafe")  # by blocks, with no copy of all columns in between
        return result


def limbs_of(value: Integers, count: int) -> list[Integers]:
    """The lowest `count` limbs of each value (two's complement for negative ones), lowest first."""
    return [value >> (LIMB_BITS * k) & (LIMB - 1) for k in range(count)]


def integer_of(parts: Integers) -> Integers:
    """The integers whose limbs, lowest first, are the rows of `parts`: shape (limbs, n) to (n,)."""
    total: Integers = np.zeros_like(parts[0])
    for k, part in enumerate(parts):
        total = total + (part << (LIMB_BITS * k))
    return total


def inverses(values: Integers) -> Integers:
    """1 / value mod P for each value, 0 for 0: value^(P - 2) by squaring."""
    base, result = values % P, np.ones_like(values)
    exponent = P - 2
    while exponent:
        if exponent & 1:
            result = result * base % P
        base = base * base % P
        exponent >>= 1
    return result


def long_position(limbs: Integers) -> Integers:
    """What `circuits.accounts.long_position` says of these four limbs of a balance: the position if it is long, else
    0."""
    negative = (BIAS >> 2 * LIMB_BITS) - integer_of(limbs[2:4])
    long: Integers = (1 - negative) * integer_of(limbs[:2])
    return long


def product_limbs(a: Integers, b: Integers) -> tuple[list[Integers], list[Integers], Integers]:
    """The four limbs of a * b, its low and middle carry ports, and its high carry, as `circuits.multiply` constrains
    them."""
    (a0, a1), (b0, b1) = limbs_of(a, 2), limbs_of(b, 2)
    product = limbs_of(a * b, 4)
    low = (a0 * b0 - product[0]) >> LIMB_BITS
    middle = (a0 * b1 + a1 * b0 + low - product[1]) >> LIMB_BITS
    return product, [low, middle & (LIMB - 1)], middle >> LIMB_BITS
