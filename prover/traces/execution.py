"""The execution table's columns: what all steps share; the transition files add registers and ports."""

from collections.abc import Sequence

import numpy as np

from circuits.accounts import FRESH_PORT, LAST_PORT, NONCE_PORTS, ROOM_PORTS
from circuits.air import Table
from circuits.bounds import ACCOUNT_INSTRUMENTS, AMOUNT_LIMBS, BIAS_TOP_LIMB, CAPPED_BIT, LIMB_BITS, TIMES_PER_CLOCK
from circuits.buses import Capped, Tier
from circuits.execution import BOUND_PORT, CARRY_OFFSET, CARRY_PORTS
from circuits.records import HEADER_MASK, HEADER_NONCE, HEADER_OPEN, MARKET_VALID, RECORD_SIZE, TAG, VENUE_EVENTS
from circuits.steps import STEPS, Kind, Step
from circuits.witness import Witness
from prover.traces.columns import Columns, Integers, inverses, limbs_of, product_limbs
from prover.traces.memory import Timeline


class ExecutionTrace:
    """Columns of the execution table; rows of transitions of one kind are addressed by their first rows."""

    def __init__(self, table: Table, witness: Witness, times: Timeline, random_rows: int) -> None:
        self.columns = Columns(table, witness.row_count(), random_rows)
        self.witness = witness
        self.step = np.frombuffer(witness.accesses.step, np.uint8).astype(np.int64)
        self.old = np.frombuffer(witness.accesses.old, np.uint32).reshape(-1, RECORD_SIZE).T.astype(np.int64)
        self.new = np.frombuffer(witness.accesses.new, np.uint32).reshape(-1, RECORD_SIZE).T.astype(np.int64)
        self._change: Integers = np.zeros((AMOUNT_LIMBS, self.columns.used), dtype=np.int64)
        self._changed = np.zeros(self.columns.used, dtype=bool)
        self._fill_accesses(times)

    def _fill_accesses(self, times: Timeline) -> None:
        columns, used = self.columns, self.columns.used
        columns["clock"][:] = np.arange(columns.active) + 1
        columns["time"][:] = sum(self.witness.arguments[Kind.CLOSE_VENUE]["time"])  # there is one
        columns["events"][:] = self._events()
        columns["index"][:used] = np.frombuffer(self.witness.accesses.index, np.uint32)
        columns["previous_time"][:used] = times.execution_previous
        elapsed = columns["clock"][:used] * TIMES_PER_CLOCK - times.execution_previous - 1
        for k, part in enumerate(limbs_of(elapsed, 2)):
            columns[f"gap{k}"][:used] = part
        for k in range(RECORD_SIZE):
            columns[f"old{k}"][:used] = self.old[k]
            columns[f"new{k}"][:used] = self.new[k]
        for step in Step:
            columns[f"is_{step.name.lower()}"][:used] = self.step == step

    def _events(self) -> Integers:
        """How many deleveragings there have been, on every row before its access."""
        counts: Integers = np.zeros(self.columns.active, dtype=np.int64)
        venue = np.flatnonzero(self.step == int(Step.DELEVERAGE_VENUE))
        counts[venue] = self.new[VENUE_EVENTS][venue] - self.old[VENUE_EVENTS][venue]
        last: int = self.old[VENUE_EVENTS][np.flatnonzero(self.step == int(Step.CLOSE_VENUE))].sum()
        before: Integers = last - counts.sum() + np.cumsum(counts) - counts
        return before

    def starts(self, kind: Kind) -> Integers:
        """The first row of every transition of that kind."""
        kinds = np.frombuffer(self.witness.kinds, np.uint8).astype(np.int64)
        lengths = np.array([len(STEPS[k]) for k in Kind], dtype=np.int64)[kinds]
        starts: Integers = np.cumsum(lengths) - lengths
        of_kind: Integers = starts[kinds == kind]
        return of_kind

    def argument(self, kind: Kind, name: str) -> Integers:
        """An argument of every transition of that kind."""
        return np.frombuffer(self.witness.arguments[kind][name], np.int64).copy()

    def register(self, name: str, rows: Integers, values: Integers | int) -> None:
        """Set a register on rows."""
        self.columns[name][rows] = values

    def registers(self, kind: Kind, **values: Integers | int) -> None:
        """Set registers on all rows of all transitions of that kind."""
        for rows in self.rows(kind):
            for name, value in values.items():
                self.register(name, rows, value)

    def amount(self, kind: Kind, value: Integers) -> None:
        """Set the amount registers on all rows of the kind."""
        self.registers(kind, **{f"amount{k}": part for k, part in enumerate(limbs_of(value, AMOUNT_LIMBS))})

    def port(self, number: int, rows: Integers, values: Integers) -> None:
        """Set a limb port on rows."""
        self.columns[f"port{number}"][rows] = values

    def wide_port(self, number: int, rows: Integers, values: Integers) -> None:
        """Set two ports, from `number` on, to the limbs of a value."""
        for k, part in enumerate(limbs_of(values, 2)):
            self.port(number + k, rows, part)

    def rows(self, kind: Kind) -> list[Integers]:
        """The rows of all transitions of that kind, by position in the transition."""
        starts = self.starts(kind)
        return [starts + offset for offset in range(len(STEPS[kind]))]

    def nonzero(self, rows: Integers, values: Integers) -> None:
        """Set `scratch` on rows to the inverses of the values."""
        self.columns["scratch"][rows] = inverses(values)

    def amount_nonzero(self, rows: Integers) -> None:
        """Set `scratch` on rows to the inverse of the sum of the amount's limbs."""
        limbs = [self.columns[f"amount{k}"][rows] for k in range(AMOUNT_LIMBS)]
        self.nonzero(rows, np.sum(limbs, axis=0))

    def change(self, rows: Integers, parts: Sequence[Integers | int]) -> None:
        """Note that the amount changes on these rows by the signed limbs `parts`."""
        self._changed[rows] = True
        for k, part in enumerate(parts):
            self._change[k][rows] = part

    def header(
        self,
        header_rows: Integers,
        balance_rows: Integers | None,
        shared: Sequence[Integers],
        *,
        message: bool = False,
        checked: bool = False,
    ) -> None:
        """Set `opened` on all rows of `shared`, from whether the balance leaf, if one is accessed, was empty; if the
        margin is checked also `mask`, from the header; its room for instruments; of a message the nonce's ports."""
        empty = 0 if balance_rows is None else (self.old[TAG][balance_rows] == 0).astype(np.int64)
        for rows in shared:
            self.register("opened", rows, empty)
            if checked:
                self.register("mask", rows, self.new[HEADER_MASK][header_rows])
        self.port(ROOM_PORTS[message], header_rows, ACCOUNT_INSTRUMENTS - self.new[HEADER_OPEN][header_rows])
        if message:
            self.wide_port(NONCE_PORTS[0], header_rows, self.new[HEADER_NONCE][header_rows])

    def reliable_mark(self, rows: Integers) -> None:
        """The ports that show a mark to be fresh, and not capped."""
        last = self.old[MARKET_VALID][rows]
        self.wide_port(FRESH_PORT, rows, last - self.columns["time"][rows])
        self.wide_port(LAST_PORT, rows, last)

    def moment(self, rows: Integers, capped: Capped = Capped.ADVERSE) -> Integers:
        """The moment of checks for which marks that are `capped` so are stale: see `circuits.accounts.fresh_prices`."""
        moment: Integers = self.columns["time"][rows] + int(capped) * CAPPED_BIT
        return moment

    def ask(
        self, rows: Integers, tier: Tier, fails: Integers | int, *, capped: Capped = Capped.ADVERSE
    ) -> None:
        """The registers of a check of this tier that follows a header's access, at prices that are fresh, where marks
        that are `capped` so are not."""
        for name, values in (
            ("mask", self.new[HEADER_MASK][rows]), ("moment", self.moment(rows, capped)),
            ("fails", fails), ("tier", int(tier)),
        ):  # fmt: skip
            self.register(name, rows, values)

    def notional(
        self, rows: Integers, price: Integers, size: Integers, *, product_port: int, carry_port: int
    ) -> list[Integers]:
        """Set the ports of `circuits.notional` and `scratch`; returns the limbs of price * size."""
        product, carries, high = product_limbs(price, size)
        for first, parts in ((product_port, product), (carry_port, carries)):
            for k, part in enumerate(parts):
                self.port(first + k, rows, part)
        self.columns["scratch"][rows] = high
        return product

    def stays_below_bound(self, rows: Integers) -> None:
        """The port that shows an unsigned amount to be at most AMOUNT_MAX."""
        self.port(BOUND_PORT, rows, BIAS_TOP_LIMB - 1 - self.new[AMOUNT_LIMBS - 1][rows])

    def finish(self) -> Columns:
        """Fill the ports of the amount sums."""
        rows = np.flatnonzero(self._changed)
        bias = np.where(self.old[TAG][rows] == 0, BIAS_TOP_LIMB, 0)
        carry: Integers = np.zeros(len(rows), dtype=np.int64)
        for k in range(AMOUNT_LIMBS):
            new = self.new[k][rows]
            self.port(k, rows, new)
            whole = self.old[k][rows] + self._change[k][rows] + carry + (bias if k == AMOUNT_LIMBS - 1 else 0)
            carry = (whole - new) >> LIMB_BITS
            if k < AMOUNT_LIMBS - 1:
                self.port(CARRY_PORTS[k], rows, carry + CARRY_OFFSET)
        return self.columns
