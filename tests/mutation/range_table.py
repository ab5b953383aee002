"""For every constraint of the range table, a number that is no limb passes as one without it."""

from collections.abc import Callable
from functools import partial

import numpy as np

from circuits.bounds import LIMB, SIZE_MAX
from circuits.range_table import VALUE_ROWS, VALUES_A_ROW
from prover.traces.build import looked_up
from prover.traces.columns import Columns, Integers
from state.ledger import Ledger
from tests.mutation.margin import on_other_ledger
from tests.mutation.margin_acts import FULL_HOLDING, after, forged, lift_cap, withdraw_more
from tests.mutation.margin_rows import ASSET_ROW, close, set_asset, signed_balance
from tests.mutation.rechain import rechain
from tests.mutation.world import Forge, Forged, Implied, Traces


def resolve(label: str) -> Forge | Implied:
    """A forgery that nothing but this constraint stops. Raises KeyError for a label without one."""
    return FORGERIES[label]


def below_zero(values: Callable[[Integers], Integers]) -> Forged:
    """Alice withdraws too much: her excess ends in a limb of -1."""
    result = forged(withdraw_more(), claim_enough)
    supply(result.traces, values)
    return result


def claim_enough(traces: Traces) -> None:
    """Every check has an excess, be it negative."""
    margin = traces["margin"]
    for row in np.flatnonzero(margin["is_closing"][: margin.used] == 1):
        close(margin, int(row))
    rechain(traces)


def start_early(rows: Integers) -> Integers:
    """The values start below 0."""
    return np.minimum(rows * VALUES_A_ROW - VALUES_A_ROW, LIMB - VALUES_A_ROW)


def look_back(rows: Integers) -> Integers:
    """The values go below 0 once, after the last."""
    return np.where(rows == VALUE_ROWS, -VALUES_A_ROW, np.minimum(rows * VALUES_A_ROW, LIMB - VALUES_A_ROW))


def without_cap() -> Ledger:
    """A ledger where Alice can owe all that her ETH covers."""
    ledger = after(*FULL_HOLDING)()
    lift_cap(ledger)
    return ledger


def run_on() -> Forged:
    """The values do not end: more lots of Alice's ETH count than two limbs hold."""
    result = on_other_ledger(withdraw_more(), more_lots_than_limbs_hold, without_cap)()
    supply(result.traces, lambda rows: rows * VALUES_A_ROW)
    return result


def more_lots_than_limbs_hold(margin: Columns) -> None:
    """The high limb of the lots is LIMB."""
    units = int(margin["lot_units0"][ASSET_ROW])
    set_asset(margin, ASSET_ROW, SIZE_MAX + 1, signed_balance(margin, ASSET_ROW) - (SIZE_MAX + 1) * units)


def supply(traces: Traces, values: Callable[[Integers], Integers]) -> None:
    """Give the range table the values of its row numbers, and count what the other tables look up."""
    table = traces["range"]
    table.values[:], table.used = 0, table.active
    table["value"][:] = values(np.arange(table.active, dtype=np.int64))
    first = {int(value): row for row, value in reversed(list(enumerate(table["value"])))}
    others = [trace for trace in traces.values() if trace is not table]
    columns = [trace.values[number] for trace in others for number in looked_up(trace.table)]
    for number, count in zip(*np.unique(np.concatenate(columns), return_counts=True), strict=True):
        offset = int(number) % VALUES_A_ROW
        table[f"count{offset}"][first[int(number) - offset]] += count


FORGERIES: dict[str, Forge | Implied] = {
    "value starts at 0": partial(below_zero, start_early),
    "value stays or grows by one row of values": partial(below_zero, look_back),
    "value ends at the last limb": run_on,
}
