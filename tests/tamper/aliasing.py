"""A forged batch in which nodes stand below the tree's bottom, where indices alias others mod P."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from unittest.mock import patch

import numpy as np

from circuits.field import P
from circuits.records import EMPTY, Record, market_index
from circuits.witness import Opening
from prover.traces.columns import Columns
from state.ledger import Ledger
from state.store import NO_SALT, Store
from tests.batches import BTC_PERP, run_batch
from tests.mutation.tree_rows import set_inputs
from tests.mutation.world import Forged, traced

VICTIM = market_index(BTC_PERP)
FAR = VICTIM + (1 << 30) - (1 << 23)  # an unused leaf
JUNK = [0, 0, 0, 0, 1, 0, 0, 0]  # salt and domain of an empty leaf
assert (2 * FAR + 1) % P == 2 * VICTIM


def swap_below_the_bottom(ledger: Ledger) -> Forged:
    """An empty batch, but the new versions of both leaves are nodes that have swapped a half."""
    market = ledger.read(VICTIM)
    honest_digests, honest_commit = Store._leaf_digests, Store.commit

    def forged_digests(store: Store, indices: Sequence[int]) -> dict[int, bytes]:
        digests = honest_digests(store, indices)
        if VICTIM in digests:
            digests.update(store._compress([VICTIM, FAR], array("I", [*JUNK, *JUNK, *[0] * 8, *market])))
        return digests

    def touching_both(store: Store, touched: Iterable[int], written: Mapping[int, Record]) -> Opening:
        return honest_commit(store, {*touched, VICTIM, FAR}, written)

    with patch.object(Store, "_leaf_digests", forged_digests), patch.object(Store, "commit", touching_both):
        forged = traced(ledger, *run_batch(ledger, [], 100))
    ledger.store.load([(VICTIM, market, NO_SALT), (FAR, EMPTY, NO_SALT)])  # the ledger itself is honest
    swap_halves(forged.traces["tree"], market)
    return forged


def swap_halves(tree: Columns, market: Record) -> None:
    """Make nodes of both leaves; the new versions swap the victim's left half with the far leaf's right half."""
    for index in (VICTIM, FAR):
        for row in np.flatnonzero((tree["index"] == index) & (tree["is_leaf"] == 1)):
            new = int(tree["is_new"][row])
            for name, value in (("is_leaf", 0), ("is_node", 1), ("memory_count", 0), ("time", 0)):
                tree[name][row] = value
            for side in ("left", "right"):
                tree[f"{side}_opened"][row], tree[f"{side}_version"][row] = 0, 2
                tree[f"{side}_count"][row] = 1 - 2 * new
            if new:
                set_inputs(tree, int(row), [*JUNK, *JUNK] if index == VICTIM else [0] * 8 + list(market))
