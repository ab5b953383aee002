"""The records as an open batch sees them, and the log of every access, which is the batch's witness."""

from collections.abc import Sequence
from typing import Protocol

from circuits.records import EMPTY, RECORD_SIZE, Record, balance_index, market_index
from circuits.statement import Movement
from circuits.steps import Step
from circuits.witness import Witness
from state.store import Store
from state.venue import Venue

Mark = tuple[int, int]


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
        self, venue: Venue, store: Store, queue: DepositQueue | None, oracle: PriceOracle | None = None
    ) -> None:
        self.venue, self.queue, self.oracle = venue, queue, oracle
        self.witness = Witness()
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

    def visit(self, row: int, account: int, instrument: int, balance: Sequence[int], market: Sequence[int]) -> None:
        """A visit of the margin check that row asked for."""
        self.witness.visit(row, account, instrument, balance, market)

    def mark(self) -> Mark:
        """This moment, for `undo`."""
        return self.witness.row_count(), len(self.witness.visits.row)

    def undo(self, mark: Mark) -> None:
        """Take back all accesses and visits since the mark."""
        row_count, visit_count = mark
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
