"""The records as an open batch sees them, and the log of every access, which is the batch's witness."""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from circuits.air import MAX_LOG_HEIGHT
from circuits.records import EMPTY, RECORD_SIZE, Record, balance_index, market_index
from circuits.statement import Movement
from circuits.steps import Kind, Step
from circuits.witness import Witness
from state.book import Book, Removal, Trade
from state.errors import Refusal, Rule
from state.store import Store
from state.venue import Venue

# Execution and margin rows of a batch. A check of n visits has n + 1 margin rows, which is at most 2 n. What is left of
# a table holds the random rows and the closing steps.
MOST_ROWS = (1 << MAX_LOG_HEIGHT) - (1 << 14)
Mark = tuple[int, int, int, int, int]


class Unsettled(Exception):  # noqa: N818 - no error: the ledger settles it and tries again
    """An access would rest on a position that owes funding."""

    def __init__(self, account: int, market: int) -> None:
        self.account, self.market = account, market
        super().__init__(f"account {account} owes funding of instrument {market}")


class Behind(Exception):  # noqa: N818 - as Unsettled
    """An access would rest on an account that has not seen all deleveragings."""

    def __init__(self, account: int) -> None:
        self.account = account
        super().__init__(f"account {account} has not seen all deleveragings")


class DepositQueue(Protocol):
    """What the caller knows of the chains."""

    def holds(self, deposit: Movement, /) -> bool:
        """Whether that very deposit stands in its chain's queue."""
        ...


class PriceOracle(Protocol):
    """What the caller knows of signed prices."""

    def objection(self, instrument: int, price: int, time: int, /) -> str | None:
        """Why the price does not count as signed for that time; None if it does."""
        ...


class Memory:
    """The committed records with the open batch's writes over them. All but `read` is recorded in the witness."""

    def __init__(
        self,
        venue: Venue,
        store: Store,
        queue: DepositQueue | None,
        time: int = 0,
        oracle: PriceOracle | None = None,
    ) -> None:
        self.venue, self.queue, self.time, self.oracle = venue, queue, time, oracle
        self.witness = Witness()
        self.followed: list[tuple[Kind, tuple[int, ...]]] = []  # by the present transition's first kind
        self.trades: list[Trade] = []
        self.removals: list[Removal] = []
        self._committed, self._written = store.leaves, dict[int, Record]()

    def read(self, index: int) -> Record:
        """The present record of a leaf."""
        found = self._written.get(index)
        return self._committed.get(index, EMPTY) if found is None else found

    def look(self, step: Step, index: int) -> Record:
        """An access that changes nothing; returns the record."""
        record = self.read(index)
        self.witness.access(step, index, record, record)
        return record

    def replace(self, step: Step, index: int, old: Record, new: Record) -> int:
        """An access that turns `old`, the present record, into `new`; returns its execution row."""
        self._written[index] = new
        return self.witness.access(step, index, old, new)

    def amend(self, row: int, element: int, value: int) -> None:
        """What an earlier access wrote, and nothing has read since, has another element."""
        accesses = self.witness.accesses
        accesses.new[RECORD_SIZE * row + element] = value
        self._written[accesses.index[row]] = tuple(accesses.new[RECORD_SIZE * row : RECORD_SIZE * (row + 1)])

    def visit(self, row: int, account: int, instrument: int, balance: Sequence[int], market: Sequence[int]) -> None:
        """A visit of the margin check that row asked for."""
        self.witness.visit(row, account, instrument, balance, market)

    @cached_property
    def book(self) -> Book:
        """The resting orders."""
        return Book(self.venue, self.read)

    def order_count(self) -> int:
        """How many orders the batch has seen before the present transition."""
        return len(self.witness.arguments[Kind.ORDER]["account"])

    def sample_count(self) -> int:
        """How many samples of premiums the batch has seen before the present transition."""
        return len(self.witness.arguments[Kind.SAMPLE_FUNDING]["market"])

    def follow(self, kind: Kind, *arguments: int) -> None:
        """The accesses since the last call, or the transition's beginning, were the previous kind's; now this one."""
        self.followed.append((kind, arguments))

    def require_room(self) -> None:
        """Refuse (BATCH_FULL) what no proof could hold: more rows than the tables have, some left for the closing."""
        visits = len(self.witness.visits.row)
        for table, rows in (("execution", self.witness.row_count()), ("margin", 2 * visits)):
            if rows > MOST_ROWS:
                raise Refusal(Rule.BATCH_FULL, rows=rows, table=table, limit=MOST_ROWS)

    def mark(self) -> Mark:
        """This moment, for `undo`."""
        rows, visits = self.witness.row_count(), len(self.witness.visits.row)
        return rows, visits, len(self.trades), len(self.removals), self.book.moment()

    def undo(self, mark: Mark) -> None:
        """Take back all accesses and visits since the mark."""
        row_count, visit_count, trade_count, removal_count, moment = mark
        del self.trades[trade_count:], self.removals[removal_count:]
        self.followed.clear()
        self.book.undo(moment)
        accesses, visits = self.witness.accesses, self.witness.visits
        for row in reversed(range(row_count, len(accesses.step))):
            self._written[accesses.index[row]] = tuple(accesses.old[RECORD_SIZE * row : RECORD_SIZE * (row + 1)])
        for scalars in (accesses.step, accesses.index):
            del scalars[row_count:]
        for records in (accesses.old, accesses.new):
            del records[RECORD_SIZE * row_count :]
        for scalars in (visits.row, visits.account, visits.instrument):
            del scalars[visit_count:]
        for records in (visits.balance, visits.market):
            del records[RECORD_SIZE * visit_count :]

    def touched(self) -> set[int]:
        """The leaves accessed or visited."""
        visits = self.witness.visits
        visited = set(zip(visits.account, visits.instrument, strict=True))
        balances = {balance_index(account, instrument) for account, instrument in visited}
        markets = {market_index(instrument) for instrument in set(visits.instrument)}
        return balances | markets | set(self.witness.accesses.index)

    def changed(self) -> dict[int, Record]:
        """The leaves whose record differs from the committed one."""
        return {index: record for index, record in self._written.items() if self._committed.get(index, EMPTY) != record}
