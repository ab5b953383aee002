"""The ledger: one authenticated state, moved by batches of transitions, each leaving a statement and a witness."""

from collections.abc import Callable, Iterator

from circuits.acts import Act, ActKind
from circuits.bounds import TIME_MAX, TRANSIT
from circuits.records import (
    EMPTY,
    RECORD_SIZE,
    VENUE_BATCHES,
    VENUE_INDEX,
    VENUE_TIME,
    Record,
    SystemAccount,
    balance_index,
    total_index,
    vault_index,
)
from circuits.statement import AssetAmount, Movement, Price, Statement, Vault
from circuits.steps import Kind
from circuits.witness import Witness
from state.accounts import balance_amount
from state.backing import held
from state.book import Book, Removal, Trade
from state.errors import Refusal, Rule, require_range
from state.genesis import genesis_records
from state.memory import DepositQueue, Memory, PriceOracle
from state.settling import apply_settled
from state.store import NO_SALT, Hasher, RandomElements, Root, Store, secret_elements
from state.transitions import Transition
from state.transitions.close import closing
from state.venue import Venue


class BatchStateError(RuntimeError):
    """A call that does not fit: applying without an open batch, or opening, rolling back or saving inside one."""


class Ledger:
    """The state of a venue between batches, and the open batch if there is one.

    queue, if given, is asked whether the chains hold a deposit before it is credited.
    """

    def __init__(self, venue: Venue, store: Store, queue: DepositQueue | None = None) -> None:
        self.venue, self.store, self.queue = venue, store, queue
        self._memory: Memory | None = None

    @classmethod
    def genesis(
        cls,
        venue: Venue,
        hasher: Hasher,
        random_elements: RandomElements = secret_elements,
        queue: DepositQueue | None = None,
    ) -> "Ledger":
        """A new venue's ledger; its root follows from the venue file alone, because genesis hides nothing.

        random_elements draws the salts of later batches; anything but the default is for tests only.
        """
        store = Store(hasher, random_elements)
        store.load((index, record, NO_SALT) for index, record in genesis_records(venue).items())
        return cls(venue, store, queue)

    @property
    def root(self) -> Root:
        """The root after the last closed batch: 8 field elements."""
        return self.store.root

    @property
    def in_batch(self) -> bool:
        """Whether a batch is open."""
        return self._memory is not None

    def read(self, index: int) -> Record:
        """The present record of a leaf, the open batch's writes included."""
        return self.store.leaves.get(index, EMPTY) if self._memory is None else self._memory.read(index)

    def records(self) -> dict[int, Record]:
        """All present records by leaf index, the open batch's writes included."""
        return {**self.store.leaves, **(self._memory.changed() if self._memory else {})}

    @property
    def time(self) -> int:
        """The open batch's time, in seconds since the venue's epoch."""
        return self._opened().time

    @property
    def trades(self) -> list[Trade]:
        """What traded in the open batch so far, in order."""
        return self._opened().trades

    @property
    def removals(self) -> list[Removal]:
        """The orders that the open batch took out of the book untraded, in order."""
        return self._opened().removals

    @property
    def book(self) -> Book:
        """The resting orders, those of the open batch included."""
        return (self._memory or Memory(self.venue, self.store, None)).book

    def changes(self, start: int) -> Iterator[tuple[int, Record, Record]]:
        """Leaf index, old and new record of each access of the open batch, from execution row `start` on."""
        accesses = self._opened().witness.accesses
        for row in range(start, len(accesses.step)):
            record = slice(RECORD_SIZE * row, RECORD_SIZE * (row + 1))
            yield accesses.index[row], tuple(accesses.old[record]), tuple(accesses.new[record])

    def begin_batch(self, time: int | None = None, oracle: PriceOracle | None = None) -> None:
        """Open a batch. time: of all that is in it, in seconds since the venue's epoch; by default the last batch's.

        oracle, if given, is asked whether a price is signed before it is set.
        Raises BatchStateError if one is open, Refusal for a time that cannot be.
        """
        self.require_closed()
        last = self.read(VENUE_INDEX)[VENUE_TIME]
        time = last if time is None else time
        require_range("time", time, 0, TIME_MAX)
        if time < last:
            raise Refusal(Rule.TIME_BACKWARD, time=time, current=last)
        self._memory = Memory(self.venue, self.store, self.queue, time, oracle)

    def abort_batch(self) -> None:
        """Drop the open batch and all it did."""
        self._opened()
        self._memory = None

    def apply(self, transition: Transition) -> None:
        """Apply one transition, and before it what it needs settled (`state.settling`).

        Raises Refusal; then neither state nor witness has changed, but for what was settled.
        """
        apply_settled(lambda one: self._apply(one, Memory.require_room), transition)

    def _apply(self, transition: Transition, check: Callable[[Memory], None] = lambda memory: None) -> None:
        memory = self._opened()
        mark = memory.mark()
        try:
            arguments = transition.apply(memory)
            check(memory)
        except BaseException:
            memory.undo(mark)
            raise
        for kind, values in ((transition.kind, arguments), *memory.followed):
            memory.witness.begin(kind, *values)
        memory.followed.clear()

    def close_batch(self) -> tuple[Statement, Witness]:
        """End the batch and commit it to the tree."""
        memory = self._opened()
        for transition in closing(self.venue, memory.time):
            self._apply(transition)
        old_root = self.root
        memory.witness.opening = self.store.commit(memory.touched(), memory.changed())
        self._memory = None
        return self._statement(old_root, memory.witness), memory.witness

    def roots(self) -> list[Root]:
        """The roots that `rollback` can return to, oldest first, and the present one last."""
        return self.store.roots()

    def rollback(self, root: Root) -> None:
        """Return to the state that had this root. Raises UnknownRootError, BatchStateError."""
        self.require_closed()
        self.store.rollback(root)

    def require_closed(self) -> None:
        """Raises BatchStateError if a batch is open."""
        if self._memory is not None:
            raise BatchStateError("a batch is open: close or abort it first")

    def _opened(self) -> Memory:
        if self._memory is None:
            raise BatchStateError("no batch is open: call begin_batch first")
        return self._memory

    def _statement(self, old_root: Root, witness: Witness) -> Statement:
        read, assets, arguments = self.store.leaves.__getitem__, self.venue.collateral, witness.arguments
        deposits, withdrawals = (
            tuple(sorted(Movement(*row) for kind in kinds for row in zip(*arguments[kind].values(), strict=True)))
            for kinds in ((Kind.DEPOSIT, Kind.RECEIVE), (Kind.WITHDRAW, Kind.SEND))
        )
        fund = SystemAccount.INSURANCE
        return Statement(
            venue_id=self.venue.id, old_root=old_root, new_root=self.root,
            batch=read(VENUE_INDEX)[VENUE_BATCHES], time=arguments[Kind.CLOSE_VENUE]["time"][0],
            deposits=deposits, withdrawals=withdrawals,
            prices=tuple(sorted(Price(*row) for row in zip(*arguments[Kind.PRICE].values(), strict=True))),
            vaults=tuple(
                Vault(chain, a.number, held(read(vault_index(chain, a.number))))
                for chain in (*range(len(self.venue.chains)), TRANSIT) for a in assets
            ),
            totals=tuple(AssetAmount(a.number, held(read(total_index(a.number)))) for a in assets),
            acts=_acts(witness),
            fund=tuple(AssetAmount(a.number, balance_amount(read(balance_index(fund, a.number)))) for a in assets),
            loss=-balance_amount(read(balance_index(SystemAccount.LOSS, self.venue.quote.number))),
        )


def _acts(witness: Witness) -> tuple[Act, ...]:
    """The operator's acts in their order, without what they change of which instrument, which the leaf says."""
    kinds = (Kind.SET, Kind.ANNOUNCE, Kind.ENACT, Kind.SETTLE)
    return tuple(
        sorted(
            Act(number, ActKind[kind.name], leaf, tag, position, value)
            for kind in kinds
            for number, leaf, tag, position, value, *_ in zip(*witness.arguments[kind].values(), strict=True)
        )
    )
