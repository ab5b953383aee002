"""The range table: supplies every limb value 0 .. LIMB - 1, four a row, as often as the other tables look it up."""

from circuits.air import Table, Where
from circuits.bounded import Bounded
from circuits.bounds import LIMB
from circuits.buses import RANGE

VALUES_A_ROW = 4
VALUE_ROWS = LIMB // VALUES_A_ROW  # rows with distinct values; the last value repeats after them


def build_range_table() -> Table:
    """Columns: value (0, 4, 8, ..., the last repeated) and four counts.

    The value starts at 0, each row adds 0 or 4, and it ends at LIMB - 4: so all of 0 .. LIMB - 1 and nothing else is
    supplied.
    """
    table = Table("range")
    value = table.column("value")
    step = value.next() - value
    table.constrain("value starts at 0", value, Where.FIRST)
    table.constrain("value stays or grows by one row of values", step * (step - VALUES_A_ROW), Where.TRANSITION)
    table.constrain("value ends at the last limb", value - (LIMB - VALUES_A_ROW), Where.LAST)
    for offset, count in enumerate(table.columns("count", VALUES_A_ROW)):
        table.supply(RANGE, f"value + {offset}", [value + offset], count)
    return table


def limb(table: Table, name: str) -> Bounded:
    """A new column of `table`, looked up in the range table on every active row: an integer in [0, LIMB)."""
    value = table.column(name)
    table.receive(RANGE, f"{name} is a limb", [value])
    return Bounded(value, 0, LIMB - 1)
