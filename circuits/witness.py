"""What the ledger records of a batch for the prover: flat columns of machine integers, no objects."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from circuits.steps import STEPS, Kind, Step

# The arguments of each transition kind, in the order in which `begin` takes them. Amounts in base units, sizes in lots,
# prices per lot. `order` is the number of the ORDER in the batch, from 0, `left` what it has left before, `reason` a
# number of `circuits.transitions.match.REASONS`. `sample` is the number of the SAMPLE_FUNDING in the batch, `seen` the
# lots of its side and `premium` the sum of both sides, in quote base units, before. `remaining`: the bits of the
# account's balances not yet taken, the one at hand included. `shortfall`: the cash that the account owes. `fund_fails`:
# whether the insurance fund's equity is negative.
ARGUMENTS: dict[Kind, tuple[str, ...]] = {
    Kind.REGISTER: ("account",),
    Kind.DEPOSIT: ("chain", "sequence", "account", "asset", "amount"),
    Kind.WITHDRAW: ("chain", "sequence", "account", "asset", "amount"),
    Kind.TRANSFER: ("sender", "receiver", "asset", "amount"),
    Kind.PRICE: ("instrument", "sequence", "price", "time"),
    Kind.ORDER: ("account", "market", "buys", "limit", "size", "expiry", "rests", "post", "whole", "reduce"),
    Kind.MATCH: ("order", "left", "below"),  # below: whether a forced order's account still is, of its requirement
    Kind.FAIL: ("order", "left"),
    Kind.SKIP: ("order", "left", "reason"),
    **dict.fromkeys((Kind.FILLED, Kind.DISCARD, Kind.REST), ("order", "left")),
    Kind.UNWIND: ("order",),
    Kind.LIQUIDATE: ("order", "fee"),
    **dict.fromkeys((Kind.CANCEL, Kind.FORCE_CANCEL), ("account",)),
    Kind.SET: ("number", "leaf", "tag", "position", "value"),
    **dict.fromkeys(
        (Kind.ANNOUNCE, Kind.ENACT, Kind.SETTLE), ("number", "leaf", "tag", "position", "value", "instrument")
    ),
    **dict.fromkeys((Kind.SEND, Kind.RECEIVE), ("chain", "sequence", "account", "asset", "amount")),
    Kind.CASH_OUT: ("account", "market"),
    Kind.PAY_FUNDING: ("account", "market"),
    Kind.SAMPLE_FUNDING: ("market",),
    Kind.SAMPLE_ORDER: ("sample", "buys", "seen", "premium"),
    Kind.SAMPLE_END: ("sample", "premium"),
    Kind.APPLY_FUNDING: ("market",),
    Kind.DELEVERAGE: ("account", "market", "fund_fails"),
    Kind.SOCIALISE: ("account", "fund_fails"),
    **dict.fromkeys((Kind.EVENT, Kind.UNMOVED, Kind.REDUCE), ("account",)),
    Kind.TAKE_OVER: ("account",),
    Kind.TAKE: ("account", "instrument", "remaining"),
    Kind.TAKEN: (),
    Kind.CONVERT: ("account", "asset", "lots", "price", "shortfall", "fund_fails"),
    Kind.CLOSE_VENUE: ("time",),
    Kind.CLOSE_VAULT: ("chain", "asset"),
    Kind.CLOSE_TOTAL: ("asset",),
    Kind.CLOSE_FUND: ("account", "asset"),
}


def _u32() -> "array[int]":
    return array("I")


@dataclass
class Accesses:
    """One entry for each execution row: step, leaf index, the record before and after (8 elements each, flat)."""

    step: "array[int]" = field(default_factory=lambda: array("B"))
    index: "array[int]" = field(default_factory=_u32)
    old: "array[int]" = field(default_factory=_u32)
    new: "array[int]" = field(default_factory=_u32)


@dataclass
class MarginVisits:
    """One entry for each open instrument that a margin check visits, in ascending order of instrument within a check.

    row: the execution row that asked for the check. balance: 8 elements each, flat. market: 8 elements each, flat.
    """

    row: "array[int]" = field(default_factory=_u32)
    account: "array[int]" = field(default_factory=_u32)
    instrument: "array[int]" = field(default_factory=_u32)
    balance: "array[int]" = field(default_factory=_u32)
    market: "array[int]" = field(default_factory=_u32)


@dataclass
class Opening:
    """The multi-opening of the state tree: touched leaves, then the inner nodes above them, each old beside new.

    Leaves: index, old and new record (8 each), old and new salt (4 each). Nodes: depth (root = 0), index at that depth,
    old and new children (left || right, 16 each), and whether the left and right child are opened in turn.
    """

    leaf_index: "array[int]" = field(default_factory=_u32)
    leaf_old: "array[int]" = field(default_factory=_u32)
    leaf_new: "array[int]" = field(default_factory=_u32)
    leaf_old_salt: "array[int]" = field(default_factory=_u32)
    leaf_new_salt: "array[int]" = field(default_factory=_u32)
    node_depth: "array[int]" = field(default_factory=_u32)
    node_index: "array[int]" = field(default_factory=_u32)
    node_old: "array[int]" = field(default_factory=_u32)
    node_new: "array[int]" = field(default_factory=_u32)
    node_touched_left: "array[int]" = field(default_factory=lambda: array("B"))
    node_touched_right: "array[int]" = field(default_factory=lambda: array("B"))


@dataclass
class Witness:
    """A batch as the prover needs it."""

    kinds: "array[int]" = field(default_factory=lambda: array("B"))  # one for each transition, in order
    arguments: dict[Kind, dict[str, "array[int]"]] = field(
        default_factory=lambda: {kind: {name: array("q") for name in names} for kind, names in ARGUMENTS.items()}
    )
    accesses: Accesses = field(default_factory=Accesses)
    visits: MarginVisits = field(default_factory=MarginVisits)
    opening: Opening = field(default_factory=Opening)

    def begin(self, kind: Kind, *arguments: int) -> None:
        """Start a transition; its accesses follow in the order of STEPS[kind]."""
        self.kinds.append(kind)
        for column, value in zip(self.arguments[kind].values(), arguments, strict=True):
            column.append(value)

    def access(self, step: Step, index: int, old: Sequence[int], new: Sequence[int]) -> int:
        """Record one memory access; returns its execution row."""
        accesses = self.accesses
        accesses.step.append(step)
        accesses.index.append(index)
        accesses.old.extend(old)
        accesses.new.extend(new)
        return len(accesses.step) - 1

    def visit(self, row: int, account: int, instrument: int, balance: Sequence[int], market: Sequence[int]) -> None:
        """Record one visit of a margin check asked for by execution row `row`."""
        visits = self.visits
        visits.row.append(row)
        visits.account.append(account)
        visits.instrument.append(instrument)
        visits.balance.extend(balance)
        visits.market.extend(market)

    def row_count(self) -> int:
        """The number of execution rows so far."""
        return len(self.accesses.step)


def rows_of(kind: Kind) -> int:
    """Execution rows of one transition of that kind."""
    return len(STEPS[kind])
