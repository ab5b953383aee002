"""Whether columns tell the truth: their transitions are replayed on an honest ledger, and its state is compared.

Columns that are no sequence of whole transitions cannot be replayed; then only what no honest batch does is false.
"""

from collections.abc import Iterator, Sequence

from circuits.acts import parameters
from circuits.bounds import MAX_INSTRUMENTS, MAX_ORDERS
from circuits.buses import Version
from circuits.records import (
    CHAIN_BASE,
    CHAIN_SLOTS,
    CHAIN_STATUS,
    EMPTY,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    ORDER_ACCOUNT,
    ORDER_BASE,
    ORDER_NONCE,
    RECORD_SIZE,
    RULES_SLOT,
    RULES_STATUS,
    SALT_SIZE,
    VAULT_CAP,
    VAULT_SLOT,
    Record,
    chain_index,
)
from circuits.statement import Statement
from circuits.steps import CONTINUATIONS, STEPS, TAKING, Kind, Step
from circuits.transitions.act import LEAF, POSITION, VALUE
from circuits.transitions.convert import LOTS, PRICE
from circuits.transitions.match import BUYS, LEFT, LIMIT
from prover.traces.columns import Columns
from state.book import Book, order_id
from state.errors import Refusal
from state.ledger import Ledger
from state.store import Salt
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.cancel import Cancel, ForceCancel
from state.transitions.cash_out import CashOut
from state.transitions.convert import Convert
from state.transitions.deposit import Deposit
from state.transitions.enact import Enact
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.receive import Receive
from state.transitions.register import Register
from state.transitions.send import Send
from state.transitions.set import SetCap, SetChain, SetStatus
from state.transitions.settle import SettleMarket
from state.transitions.take_over import TakeOver
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import default_venue
from tests.mutation.audit import Audit

Leaves = dict[int, tuple[Record, Salt]]

ASSETS = len(default_venue().collateral)
ENDS = (Kind.FILLED, Kind.DISCARD, Kind.REST)


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
    try:
        before.begin_batch(statement.time)
        for transition, leaf in transitions:
            if leaf is not None:
                prefer(before.book, leaf)
            before.apply(transition)
        honest, _ = before.close_batch()
    except (Refusal, AssertionError) as refusal:  # the latter: of what has not been settled
        return f"the ledger refuses: {refusal}"
    for index, (record, _) in leaves.items():
        if before.store.leaves.get(index, EMPTY) != record:
            return f"leaf {index} is {record}, honestly {before.store.leaves.get(index, EMPTY)}"
    if wrong := wrong_root(before, statement, leaves):
        return wrong
    for name in ("batch", "deposits", "withdrawals", "prices", "vaults", "totals", "fund", "acts"):
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
    before.store.load((index, *leaf) for index, leaf in leaves.items())
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


def kinds_in(execution: Columns) -> Iterator[tuple[Kind, int]]:
    """The kinds that the rows spell out, each with its first row. Raises Unreadable."""
    row = 0
    while row < execution.used:
        here = steps_at(execution, row)
        if not here:
            row += 1
            continue
        kinds = [kind for kind, steps in STEPS.items() if _spells(execution, row, steps)]
        if len(here) > 1 or not kinds:
            raise Unreadable(f"row {row} begins no transition")
        kind = max(kinds, key=lambda kind: len(STEPS[kind]))
        yield kind, row
        row += len(STEPS[kind])


def steps_at(execution: Columns, row: int) -> list[Step]:
    """The steps that a row is said to be."""
    return [step for step in Step if execution[f"is_{step.name.lower()}"][row] == 1]


def _spells(execution: Columns, row: int, steps: Sequence[Step]) -> bool:
    return all(steps_at(execution, row + offset) == [step] for offset, step in enumerate(steps))


def transitions_in(execution: Columns) -> Iterator[tuple[Transition, int | None]]:
    """The transitions that the rows spell out, the closing ones left out; with an order that rests, where. Raises
    Unreadable."""
    order: Transition | None = None
    taken: Transition | None = None
    for kind, row in kinds_in(execution):
        if (kind in CONTINUATIONS) != (order is not None) or (kind in TAKING) != (taken is not None):
            raise Unreadable(f"row {row} is no {kind.name}")
        if kind is Kind.TAKE_OVER:
            taken = TakeOver(int(execution["account"][row]))
        elif taken is not None:
            if kind is Kind.TAKEN:
                yield taken, None
                taken = None
        elif kind is Kind.ORDER:
            order = _order(execution, row)
        elif order is not None:
            if kind in ENDS:
                leaf = row + STEPS[kind].index(Step.REST_ORDER) if kind is Kind.REST else None
                yield order, None if leaf is None else int(execution["index"][leaf])
                order = None
        elif (transition := _transition(execution, kind, row)) is not None:
            yield transition, None
    if order is not None or taken is not None:
        raise Unreadable("the last order or takeover has no end")


def prefer(book: Book, leaf: int) -> None:
    """Let the next order rest at that leaf, if it may: any free one is as good as the lowest."""
    slot = leaf - ORDER_BASE
    if 0 <= slot < MAX_ORDERS and book._read(leaf) == EMPTY:
        if slot >= book._top:
            book._free, book._top = [*book._free, *range(book._top, slot + 1)], slot + 1
        book._free.remove(slot)
        book._free.insert(0, slot)


def _order(execution: Columns, row: int) -> Order:
    """A flag that is not 0 says yes."""
    names = ("account", "instrument", BUYS, LIMIT, LEFT, "expiry", "rests", "post", "whole", "reduce")
    account, market, buys, limit, size, expiry, rests, post, whole, reduce = (int(execution[n][row]) for n in names)
    policy = Policy.GOOD_TILL_TIME if rests else Policy.IMMEDIATE_OR_CANCEL
    if post and rests:
        policy = Policy.POST_ONLY
    if whole:
        policy = Policy.FILL_OR_KILL
    return Order(account, market, bool(buys), limit, size, expiry, policy, bool(reduce))


def act_in(kind: Kind, leaf: int, position: int, value: int, instrument: int) -> Transition:
    """The operator's act that the numbers speak of, or one that the ledger refuses."""
    place = leaf, position
    if kind is Kind.ENACT:
        return Enact(instrument)
    if kind is Kind.ANNOUNCE:
        known = parameters(instrument, ASSETS) if 0 <= instrument < MAX_INSTRUMENTS else {}
        parameter = next((name for name, t in known.items() if (t.leaf, t.position) == place), None)
        return Enact(-1) if parameter is None else Announce(instrument, (parameter, value))
    chain, slot = divmod(leaf - CHAIN_BASE, CHAIN_SLOTS)
    if place == (chain_index(chain), CHAIN_STATUS):
        return SetChain(chain, value)  # type: ignore[arg-type]  # whatever it is
    if position == VAULT_CAP and leaf < INSTRUMENT_BASE:
        return SetCap(chain, slot - VAULT_SLOT, value)
    market, slot = divmod(leaf - INSTRUMENT_BASE, INSTRUMENT_SLOTS)
    return SetStatus(market if (slot, position) == (RULES_SLOT, RULES_STATUS) else -1, value)  # type: ignore[arg-type]


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
    if kind in (Kind.SET, Kind.ANNOUNCE, Kind.ENACT):
        return act_in(kind, *(register(name) for name in (LEAF, POSITION, VALUE, "instrument")))
    if kind is Kind.SEND:
        return Send(chain, asset, amount)
    if kind is Kind.RECEIVE:
        return Receive(chain, register("sequence"), asset, amount)
    if kind is Kind.SETTLE:
        return SettleMarket(asset)
    if kind is Kind.CASH_OUT:
        return CashOut(account, asset)
    if kind is Kind.CONVERT:
        lots, price = (sum(register(name) << (14 * k) for k, name in enumerate(names)) for names in (LOTS, PRICE))
        return Convert(account, asset, lots, price)
    if kind in (Kind.CANCEL, Kind.FORCE_CANCEL):
        order = row + STEPS[kind].index(Step.CANCEL_ORDER)
        owner, nonce = (int(execution[f"old{k}"][order]) for k in (ORDER_ACCOUNT, ORDER_NONCE))
        return (Cancel if kind is Kind.CANCEL else ForceCancel)(account, order_id(owner, nonce))
    return None
