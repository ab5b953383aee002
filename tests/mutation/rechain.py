"""Memory's order of accesses after an edit of columns: who takes the record that whom left, and who takes it last."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from circuits import margin as layout
from circuits.bounds import ACCOUNT_SLOTS, LIMB, TIMES_PER_CLOCK
from circuits.field import P
from circuits.records import ACCOUNT_BASE, BALANCE_SLOT, INSTRUMENT_BASE, INSTRUMENT_SLOTS
from prover.traces.columns import Columns
from tests.mutation.world import Traces, rows_where

Access = tuple[str, int]  # "access" of an execution row, or "balance" or "market" of a margin row
PORTS = {"balance": layout.BALANCE_GAP, "market": layout.MARKET_GAP}


def rechain(traces: Traces, order: Mapping[Access, int] | None = None, apart: Collection[Access] = ()) -> None:
    """Set the previous time and the gap of every access, and the time of every new leaf.

    order: instead of its time, where an access stands among those of its leaf. apart: accesses that are left as they
    are.
    """
    times: defaultdict[int, list[tuple[int, int, Access]]] = defaultdict(list)
    for access, index, time in accesses(traces):
        if access not in apart:
            times[index].append(((order or {}).get(access, time), time, access))
    for entries in times.values():
        previous = 0
        for _, time, access in sorted(entries):
            follow(traces, access, previous)
            previous = time
    tree = traces["tree"]
    for row in rows_where(tree, is_leaf=1, is_new=1):
        entries = sorted(times[int(tree["index"][row])])
        tree["time"][row] = entries[-1][1] if entries else 0


def accesses(traces: Traces) -> list[tuple[Access, int, int]]:
    """Every access with its leaf and its time."""
    execution, margin = traces["execution"], traces["margin"]
    found: list[tuple[Access, int, int]] = [
        (("access", row), int(execution["index"][row]), access_time(execution, row)) for row in range(execution.used)
    ]
    for row in visits(margin):
        account, instrument = int(margin["account"][row]), int(margin["instrument"][row])
        balance = ACCOUNT_BASE + BALANCE_SLOT + ACCOUNT_SLOTS * account + instrument
        market = INSTRUMENT_BASE + INSTRUMENT_SLOTS * instrument
        time = visit_time(margin, row)
        found += [(("balance", row), balance % P, time), (("market", row), market % P, time)]
    return found


def access_time(execution: Columns, row: int) -> int:
    """When an execution row accesses memory."""
    return TIMES_PER_CLOCK * int(execution["clock"][row])


def visits(margin: Columns) -> list[int]:
    """The rows that read memory."""
    return sorted({row for kind in ("quote", "asset", "perpetual") for row in rows_where(margin, **{f"is_{kind}": 1})})


def visit_time(margin: Columns, row: int) -> int:
    """When a visit reads."""
    return (TIMES_PER_CLOCK * int(margin["clock"][row]) + int(margin["visit"][row])) % P


def follow(traces: Traces, access: Access, previous: int) -> None:
    """The access takes what was left at `previous`; its gap says so as long as it can."""
    name, row = access
    if name == "access":
        columns, gaps = traces["execution"], ("gap0", "gap1")
        time = access_time(columns, row)
        columns["previous_time"][row] = previous
    else:
        columns = traces["margin"]
        time, gaps = visit_time(columns, row), (f"port{PORTS[name][0]}", f"port{PORTS[name][1]}")
        columns[f"{name}_previous"][row] = previous
    gap = (time - previous - 1) % P
    gap = gap if gap < LIMB * LIMB else 0
    columns[gaps[0]][row], columns[gaps[1]][row] = gap % LIMB, gap // LIMB
