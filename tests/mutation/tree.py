"""For every constraint of the tree table, a root that is not the records' passes without it."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from unittest.mock import patch

from circuits.buses import Version
from circuits.poseidon2_constants import WIDTH
from circuits.records import (
    CHAIN_DEPOSITS,
    DIGEST_SIZE,
    LEAF_DOMAIN,
    RECORD_SIZE,
    SALT_SIZE,
    balance_index,
    chain_index,
)
from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from prover.traces.columns import Columns
from state.memory import Memory
from tests.batches import ALICE, CAROL, ETH, USDC
from tests.mutation.margin_acts import (
    Operator,
    ask_and_improve,
    deposit_later,
    limit,
    nobody,
)
from tests.mutation.margin_acts import forged as forged_margin
from tests.mutation.rechain import follow, rechain, visit_time
from tests.mutation.tree_rows import COMMITTED, copied, digest_of, inputs_of, put, rehash, row_at, set_inputs
from tests.mutation.world import Forge, Forged, Implied, Traces, honest, ledger_with_history, rows_where, traced
from tests.tamper.aliasing import swap_below_the_bottom
from tests.tamper.forger import Forger

BOTTOM = 30
SIDES = ("left", "right")
# What Carol holds: the quote is the left one of two leaves, ETH the right one.
HELD = {"left": balance_index(CAROL, USDC), "right": balance_index(CAROL, ETH)}
ASSETS = {"left": USDC, "right": ETH}
AMOUNT = 5


def resolve(label: str) -> Forge | Implied:
    """A forgery that nothing but this constraint stops. Raises KeyError for a label without one."""
    return FORGERIES[label]


Edit = Callable[[Columns, Statement], Statement]


def quiet(edit: Edit, touched: Collection[int] = ()) -> Forged:
    """An empty batch that opens some more leaves, and an edit of its tree."""
    honest_touched = Memory.touched

    def touching(memory: Memory) -> set[int]:
        return honest_touched(memory) | set(touched)

    with patch.object(Memory, "touched", touching):
        forged = honest()
    return replace(forged, statement=edit(forged.traces["tree"], forged.statement))


# The permutation.


def disturb(column: int) -> Forge:
    """A cell of the new root's permutation is off by 1, and so are all that follow, the new root as well."""

    def edit(tree: Columns, statement: Statement) -> Statement:
        row = row_at(tree, new=1, depth=0, index=0)
        set_inputs(tree, row, inputs_of(tree, row), column)
        return replace(statement, new_root=tuple(digest_of(tree, row)))

    return partial(quiet, edit)


def permutation() -> dict[str, Forge]:
    """One for every round constant's constraint: they are the committed columns after the inputs, in order."""
    labels = [c.label for c in solvent_circuit().table("tree").constraints if " round " in c.label]
    assert len(labels) == COMMITTED - WIDTH
    return {label: disturb(WIDTH + number) for number, label in enumerate(labels)}


# Nodes.


def richer(inputs: list[int]) -> list[int]:
    """The inputs of a leaf with a larger balance."""
    return [inputs[0] + AMOUNT, *inputs[1:]]


def forget_sibling(side: str) -> Forge:
    """Neither tree says what an untouched child is, and the new one changes it."""
    offset = DIGEST_SIZE * SIDES.index(side)

    def edit(tree: Columns, statement: Statement) -> Statement:
        row = rows_where(tree, is_new=1, is_node=1, **{f"{side}_opened": 0})[0]
        old = row_at(tree, new=0, depth=int(tree["depth"][row]), index=int(tree["index"][row]))
        for node in (old, row):
            put(tree, node, **{f"{side}_count": 0})
        inputs = inputs_of(tree, row)
        inputs[offset] += 1
        set_inputs(tree, row, inputs)
        return rehash(tree, row, statement)

    return partial(quiet, edit)


def backwards(side: str) -> Forged:
    """A balance falls by a withdrawal, in memory; but the old tree's leaf is taken for the new one and vice versa."""
    leaf = HELD[side]
    forged, tree = fall_to_present(side)
    old, new = (row_at(tree, new=version, depth=BOTTOM, index=leaf) for version in (0, 1))
    put(tree, old, is_new=1, memory_count=-1, time=int(tree["time"][new]))
    put(tree, new, is_new=0, memory_count=1, time=0)
    for version in (0, 1):
        put(tree, row_at(tree, new=version, depth=BOTTOM - 1, index=leaf >> 1), **{f"{side}_version": 1 - version})
    set_inputs(tree, new, richer(inputs_of(tree, new)))
    return replace(forged, statement=rehash(tree, new, forged.statement))


def fall_to_present(side: str) -> tuple[Forged, Columns]:
    """Carol withdraws from a balance that memory begins with too high, so that it ends as it is."""
    ledger = ledger_with_history()
    forger = Forger(ledger)
    leaf, asset = HELD[side], ASSETS[side]
    forger.memory._written[leaf] = tuple(richer(list(ledger.read(leaf))))
    forger.withdraw(2 if asset else 0, CAROL, asset, AMOUNT)
    forged = traced(ledger, *forger.close())
    return forged, forged.traces["tree"]


def open_twice(traces: Traces) -> None:
    """Alice's quote balance is opened and closed twice; the last margin check reads one copy, the other one changes."""
    tree, leaf = traces["tree"], balance_index(ALICE, USDC)
    read = ("balance", rows_where(traces["margin"], is_quote=1)[-1])
    rechain(traces, apart=[read])
    for version in (0, 1):
        parent = row_at(tree, new=version, depth=BOTTOM - 1, index=leaf >> 1)
        child = row_at(tree, new=version, depth=BOTTOM, index=leaf)
        copied(tree, parent)
        # Minus one node: its other child is sent once in all, and this one taken as a sibling's digest.
        counts = {"left_count": 2 * version - 1, "right_count": -1}
        copied(tree, parent, is_node=-1, left_opened=0, left_version=Version.SIBLING, **counts)
        copied(tree, child, time=visit_time(traces["margin"], read[1]) if version else 0)
    follow(traces, read, 0)


def first_check(f: Operator, row: int, account: int) -> None:
    """Check: only the batch's first one is carried out."""
    if not f.memory.witness.visits.row:
        Forger.check(f, row, account)


def there_and_back(f: Operator) -> None:
    """Alice withdraws what is within her margin, then ETH that she needs for it, and the former returns."""
    amount = limit(f.ledger, ALICE)
    f.withdraw(0, ALICE, USDC, amount)
    f.withdraw(2, ALICE, ETH, 1_000_000)
    f.deposit(0, f.memory.read(chain_index(0))[CHAIN_DEPOSITS], ALICE, USDC, amount)
    f.visit_late()


# Leaves.


def change_domain(position: int) -> Forge:
    """A new leaf is hashed under another domain."""

    def edit(tree: Columns, statement: Statement) -> Statement:
        row = rows_where(tree, is_new=1, is_leaf=1)[0]
        inputs = inputs_of(tree, row)
        inputs[RECORD_SIZE + SALT_SIZE + position] += LEAF_DOMAIN
        set_inputs(tree, row, inputs)
        return rehash(tree, row, statement)

    return partial(quiet, edit)


def outside_memory() -> Forged:
    """A balance that no transition accesses grows, outside memory."""
    leaf = HELD["left"]

    def edit(tree: Columns, statement: Statement) -> Statement:
        for row in rows_where(tree, index=leaf, is_leaf=1):
            put(tree, row, memory_count=0)
        row = row_at(tree, new=1, depth=BOTTOM, index=leaf)
        set_inputs(tree, row, richer(inputs_of(tree, row)))
        return rehash(tree, row, statement)

    return quiet(edit, [leaf])


def give_before_taking(traces: Traces) -> None:
    """Alice's last balance of ETH is put into memory early, for her check, and taken out once more."""
    tree, margin, leaf = traces["tree"], traces["margin"], balance_index(ALICE, ETH)
    read = ("balance", rows_where(margin, instrument=ETH)[0])
    rechain(traces, apart=[read])
    time, row = visit_time(margin, read[1]), row_at(tree, new=1, depth=BOTTOM, index=leaf)
    copied(tree, row, time=time)
    copied(tree, row, is_leaf=-1, memory_count=1, time=time - 1)
    follow(traces, read, time - 1)


_FLAG = (
    "As long as a position has one old and one new row, the child on the other side, whose flag is 0 or 1, has as well,"
    " or is a sibling of both. With another flag than 0 or 1 this child would have more old rows than new ones or vice "
    "versa (a new node sends a child of version t 3 - 2 t times, an old one once). So would its own child on the other "
    "side, and so on down to a leaf, whose cell of memory would not be opened as often as closed. Each of the two flags"
    " needs only the other one to be 0 or 1, so they are kept, both for symmetry."
)
IMPLIED = {
    "is_new is boolean": "A row takes its digest under its version, and nothing but versions 0 to 2 is sent. Rows of "
    "version 2 unfold a sibling, which changes nothing until they reach a leaf; that would take a record off memory "
    "three times which no old leaf has put there. It rests on both flags `opened` being 0 or 1: with left_opened free"
    " a leaf of version 1/2 would have no part in memory, which is a forgery.",
    "left_opened is boolean": _FLAG,
    "right_opened is boolean": _FLAG,
    "leaf is at the bottom": "The leaves of the old tree are at the bottom, by induction over the batches. A new leaf"
    " above the bottom stands where the old tree has a node with leaves below it, which must all be opened, because "
    "nobody would receive a sibling's digest. So the cell of the last of them is opened, and closed by another new "
    "leaf above the bottom with that index, which is farther right; and so on. It is kept because without it that "
    "induction, which all else rests on, would hang on the balance of memory.",
}

FORGERIES: dict[str, Forge | Implied] = {
    **permutation(),
    **{f"{side} version is the node's if opened, else sibling": partial(backwards, side) for side in SIDES},
    **{f"{side} child is sent once, a new sibling received once": forget_sibling(side) for side in SIDES},
    **{f"leaf domain element {position}": change_domain(position) for position in range(4)},
    "is_node is boolean": partial(forged_margin, there_and_back, open_twice, check=first_check),
    "is_leaf is boolean": partial(forged_margin, ask_and_improve(deposit_later), give_before_taking, check=nobody),
    **{label: Implied(reason) for label, reason in IMPLIED.items()},
    "a node is above the bottom": lambda: swap_below_the_bottom(ledger_with_history()),
    "old leaf opens memory, new leaf closes it": outside_memory,
}
