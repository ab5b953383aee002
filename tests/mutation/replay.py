"""Whether columns tell the truth: their transitions are replayed on an honest ledger, and its state is compared.

Columns that are no sequence of whole transitions cannot be replayed; then only what no honest batch does is false.
"""

from collections.abc import Iterator

from circuits.buses import Version
from circuits.records import EMPTY, ORDER_NONCE, RECORD_SIZE, SALT_SIZE, Record
from circuits.statement import Statement
from circuits.steps import CONTINUATIONS, STEPS, Kind, Step
from prover.traces.columns import Columns
from state.book import order_id
from state.errors import Refusal
from state.ledger import Ledger
from state.store import Salt
from state.transitions import Transition
from state.transitions.cancel import Cancel
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.mutation.audit import Audit

Leaves = dict[int, tuple[Record, Salt]]


class Unreadable(Exception):  # noqa: N818 - an answer, not an error
    """The rows are not a sequence of whole transitions."""


def falsehood(before: Ledger, statement: Statement, execution: Columns, tree: Columns) -> str | None:
    """What is false about a statement that extends the ledger `before` (moved by this), or None if it is all true.

    The columns' opened new records must be those that the honest ledger reaches with the same transitions, the new root
    must be that of the honest records under the columns' salts, and the statement must list what the ledger lists.
    """
    if statement.old_root != before.root:
        return "the old root is not the ledger's"
    leaves = opened_leaves(tree)
    try:
        transitions = list(transitions_in(execution))
    except Unreadable as unreadable:
        broken = broken_rule(before, statement, leaves)
        return broken and f"{unreadable}; {broken}"
    before.begin_batch(statement.time)
    try:
        for transition in transitions:
            before.apply(transition)
        honest, _ = before.close_batch()
    except Refusal as refusal:
        return f"the ledger refuses: {refusal}"
    for index, (record, _) in leaves.items():
        if before.store.leaves.get(index, EMPTY) != record:
            return f"leaf {index} is {record}, honestly {before.store.leaves.get(index, EMPTY)}"
    if wrong := wrong_root(before, statement, leaves):
        return wrong
    for name in ("batch", "deposits", "withdrawals", "prices", "vaults", "totals", "fund"):
        if getattr(statement, name) != getattr(honest, name):
            return f"{name}: {getattr(statement, name)}, honestly {getattr(honest, name)}"
    return None


def broken_rule(before: Ledger, statement: Statement, leaves: Leaves) -> str | None:
    """What no honest batch does, among what the opened leaves show; None if there is nothing."""
    old = dict(before.store.leaves)
    new = old | {index: record for index, (record, _) in leaves.items()}
    return wrong_root(before, statement, leaves) or Audit(before.venue, old, new, statement).broken_rule()


def wrong_root(before: Ledger, statement: Statement, leaves: Leaves) -> str | None:
    """Put the leaves into the ledger's store; what is wrong if the statement's new root is not theirs."""
    before.store.load((index, record, salt) for index, (record, salt) in leaves.items() if record != EMPTY)
    if statement.new_root == before.root:
        return None
    return f"the new root is {statement.new_root}, honestly {before.root}"


def opened_leaves(tree: Columns) -> Leaves:
    """The records and salts of the new tree's opened leaves, by index."""
    leaves: Leaves = {}
    for row in range(tree.used):
        if tree["is_leaf"][row] == 1 and tree["is_new"][row] == int(Version.NEW):
            inputs = tuple(int(tree[f"input{i}"][row]) for i in range(RECORD_SIZE + SALT_SIZE))
            leaves[int(tree["index"][row])] = inputs[:RECORD_SIZE], inputs[RECORD_SIZE:]
    return leaves


def transitions_in(execution: Columns) -> Iterator[Transition]:
    """The transitions that the rows spell out, the closing ones left out. Raises Unreadable."""
    row = 0
    while row < execution.used:
        here = [step for step in Step if execution[f"is_{step.name.lower()}"][row] == 1]
        if not here:
            row += 1
            continue
        kind = next((kind for kind in STEPS if _spells(execution, row, kind)), None)
        if kind is None or len(here) > 1:
            raise Unreadable(f"row {row} begins nothing")
        transition = None if kind in CONTINUATIONS else _transition(execution, kind, row)
        if transition is not None:
            yield transition
        row += len(STEPS[kind])


def _spells(execution: Columns, row: int, kind: Kind) -> bool:
    """Whether the rows from this one on are the steps of that kind."""
    rows = list(enumerate(STEPS[kind], start=row))
    return rows[-1][0] < execution.used and all(execution[f"is_{step.name.lower()}"][at] == 1 for at, step in rows)


def _transition(execution: Columns, kind: Kind, row: int) -> Transition | None:
    def register(name: str, at: int = row) -> int:
        return int(execution[name][at])

    amount = sum(register(f"amount{k}") << (14 * k) for k in range(4))
    account, asset, chain = register("account"), register("instrument"), register("chain")
    if kind is Kind.REGISTER:
        key = tuple(int(execution[f"new{i}"][row + 2]) for i in range(7))
        return Register(account, key)
    if kind is Kind.DEPOSIT:
        return Deposit(chain, register("sequence"), account, asset, amount)
    if kind is Kind.WITHDRAW:
        return Withdraw(chain, account, asset, amount)
    if kind is Kind.TRANSFER:
        return Transfer(account, register("other"), asset, amount)
    if kind is Kind.PRICE:
        price = register("amount0", row + 1) + (register("amount1", row + 1) << 14)
        return SetPrice(asset, price, register("amount2", row + 1))
    if kind is Kind.ORDER:
        return _order(execution, row)
    if kind is Kind.CANCEL:
        return Cancel(account, order_id(account, register(f"old{ORDER_NONCE}", row + 2)))
    return None


def _order(execution: Columns, row: int) -> Order:
    account, market, buys, limit, size, expiry, rests, post, whole, reduce = (
        int(execution[name][row])
        for name in (
            "account", "instrument", "side", "chain", "sequence", "expiry", "rests", "post", "whole", "reduce",
        )
    )  # fmt: skip
    resting = Policy.POST_ONLY if post else Policy.GOOD_TILL_TIME
    policy = resting if rests else Policy.FILL_OR_KILL if whole else Policy.IMMEDIATE_OR_CANCEL
    return Order(account, market, buys == 1, limit, size, expiry, policy, reduce == 1)
