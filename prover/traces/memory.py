"""The time of every memory access, and the time of the access before it at the same address."""

from dataclasses import dataclass

import numpy as np

from circuits.bounds import ACCOUNT_SLOTS, TIMES_PER_CLOCK
from circuits.field import P
from circuits.records import ACCOUNT_BASE, BALANCE_SLOT, INSTRUMENT_BASE, INSTRUMENT_SLOTS
from circuits.witness import Witness
from prover.traces.columns import Integers


@dataclass(frozen=True)
class Timeline:
    """Times are 64 * clock for an execution row, whose clock is its row number + 1, and 64 * clock + n for the n-th
    visit after it."""

    execution_previous: Integers  # (rows,)
    visit_number: Integers  # (visits,) 1, 2, ... within a check
    balance_previous: Integers  # (visits,)
    market_previous: Integers  # (visits,)
    final: dict[int, int]  # leaf index -> time of its last access


def timeline(witness: Witness) -> Timeline:
    """The times of all accesses of a batch."""
    execution_index = np.frombuffer(witness.accesses.index, np.uint32).astype(np.int64)
    row = np.frombuffer(witness.visits.row, np.uint32).astype(np.int64)
    account = np.frombuffer(witness.visits.account, np.uint32).astype(np.int64)
    instrument = np.frombuffer(witness.visits.instrument, np.uint32).astype(np.int64)
    number = visit_numbers(row)
    visit_time = (row + 1) * TIMES_PER_CLOCK + number
    rows, visits = len(execution_index), len(row)
    index = np.concatenate(
        [
            execution_index,
            ACCOUNT_BASE + BALANCE_SLOT + ACCOUNT_SLOTS * account + instrument,
            INSTRUMENT_BASE + INSTRUMENT_SLOTS * instrument,
        ]
    )
    index %= P  # as the tables compute it
    time = np.concatenate([(np.arange(rows, dtype=np.int64) + 1) * TIMES_PER_CLOCK, visit_time, visit_time])
    order = np.lexsort((time, index))
    sorted_index, sorted_time = index[order], time[order]
    same = np.zeros(len(order), dtype=bool)
    same[1:] = sorted_index[1:] == sorted_index[:-1]
    previous = np.empty_like(time)
    previous[order] = np.where(same, np.roll(sorted_time, 1), 0)
    last = np.append(~same[1:], True) if len(order) else same
    final = dict(zip(sorted_index[last].tolist(), sorted_time[last].tolist(), strict=True))
    return Timeline(previous[:rows], number, previous[rows : rows + visits], previous[rows + visits :], final)


def visit_numbers(row: Integers) -> Integers:
    """1, 2, ... along each run of visits that the same execution row asked for."""
    position = np.arange(len(row), dtype=np.int64)
    starts = np.ones(len(row), dtype=bool)
    starts[1:] = row[1:] != row[:-1]
    return position - np.maximum.accumulate(np.where(starts, position, 0)) + 1
