"""A node below the tree's bottom would have children whose indices alias others mod P; the circuit has no such node."""

from array import array
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pytest

from circuits.checker import check
from circuits.field import P
from circuits.poseidon2 import trace_row
from circuits.records import Record, market_index
from circuits.solvent import solvent_circuit
from circuits.witness import Opening
from prover.traces.build import build_traces
from prover.traces.columns import Columns
from state.store import Store
from tests.batches import BTC_PERP, every_kind, new_ledger, run_batch
from tests.proving import TEST_PARAMETERS, proof_is_accepted

VICTIM = market_index(BTC_PERP)
FAR = VICTIM + (1 << 30) - (1 << 23)  # an unused leaf
JUNK = [0, 0, 0, 0, 1, 0, 0, 0]  # salt and domain of an empty leaf


def swap_halves(columns: Columns, market: Record) -> None:
    """Make nodes of both leaves; the new versions swap the victim's left half with the far leaf's right half."""
    for index in (VICTIM, FAR):
        for row in np.flatnonzero((columns["index"] == index) & (columns["is_leaf"] == 1)):
            new = int(columns["is_new"][row])
            for name, value in (("is_leaf", 0), ("is_node", 1), ("memory_count", 0), ("time", 0)):
                columns[name][row] = value
            for side in ("left", "right"):
                columns[f"{side}_opened"][row], columns[f"{side}_version"][row] = 0, 2
                columns[f"{side}_count"][row] = 1 - 2 * new
            if new:
                inputs = [*JUNK, *JUNK] if index == VICTIM else [0] * 8 + list(market)
                columns.values[:164, row] = trace_row(inputs)


def test_swapping_halves_below_the_bottom_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (2 * FAR + 1) % P == 2 * VICTIM
    ledger = new_ledger()
    run_batch(ledger, every_kind())
    market = ledger.read(VICTIM)
    honest_digests, honest_commit = Store._leaf_digests, Store.commit

    def forged_digests(store: Store, indices: Sequence[int]) -> dict[int, bytes]:
        digests = honest_digests(store, indices)
        if VICTIM in digests:
            digests.update(store._compress([VICTIM, FAR], array("I", [*JUNK, *JUNK, *[0] * 8, *market])))
        return digests

    def touching_both(store: Store, touched: Iterable[int], written: Mapping[int, Record]) -> Opening:
        return honest_commit(store, {*touched, VICTIM, FAR}, written)

    monkeypatch.setattr(Store, "_leaf_digests", forged_digests)
    monkeypatch.setattr(Store, "commit", touching_both)
    statement, witness = run_batch(ledger, [])
    traces = build_traces(solvent_circuit(), witness, TEST_PARAMETERS.random_rows)
    swap_halves(traces["tree"], market)
    columns = {name: trace.elements().tolist() for name, trace in traces.items()}
    report = check(solvent_circuit(), columns, statement.messages())
    assert {(f.table, f.label) for f in report.failures} == {("tree", "a node is above the bottom")}
    assert not report.imbalances
    assert not proof_is_accepted(statement, traces)
