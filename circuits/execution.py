"""The execution table: every transition of the batch in order, a row a step, one memory access a row.

The row number is the clock, so the order of transitions is the order of rows and nothing can interleave. Which step a
row is stands in one-hot selectors; registers hold what a transition carries from step to step; limb ports hold what a
step needs range-checked. The transition files say what each step accesses and writes; this file holds what all steps
share.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from circuits.air import Table, Where
from circuits.bounded import Bounded, bounded, unsound_bounded
from circuits.bounds import AMOUNT_LIMBS, BIAS_TOP_LIMB, LIMB, TIMES_PER_CLOCK
from circuits.buses import HEALTH, MARGIN, MEMORY, PUBLIC, Public
from circuits.expression import Expression, lift, total
from circuits.range_table import limb
from circuits.records import RECORD_SIZE, TAG, Tag
from circuits.steps import (
    CONTINUATIONS,
    FAILING_STEPS,
    HEALTH_STEPS,
    LINKS,
    MARGIN_STEPS,
    OPEN_STEPS,
    OUTCOME_LINKS,
    OUTCOMES,
    SAMPLING,
    SEIZURES,
    STEPS,
    TAKE_LINKS,
    TAKING,
    WALKS,
    Step,
)

REGISTERS = (
    "account",
    "other",
    "instrument",
    "bit",
    "amount0",
    "amount1",
    "amount2",
    "amount3",
    "price",
    "size0",
    "size1",
    "fee0",
    "fee1",
    "fee2",
    "maker_rate",
    "taker_rate",
    "chain",
    "sequence",
    "side",
    "phase",
    "mask",
    "opened",
    "head",
    "after",
    "maker_left",
    "fails",
    "removed",
    "expired",
    "own",
    "growing",
    "expiry",
    "rests",
    "post",
    "whole",
    "reduce",
    "other_reduce",
    "placed",
    "moment",
    "restricted",
    "interest",
    "asked",
    "achieved",
    "tier",
    "forced",
    "mark",
    "quarter",
)
LOCAL = ("expired", "own", "placed", "tier")  # registers that one row alone reads
LATER = CONTINUATIONS + SAMPLING + OUTCOMES + TAKING  # kinds that begin no transition
FIRST_STEPS = frozenset(steps[0] for kind, steps in STEPS.items() if kind not in LATER)
CHOICES = frozenset(after for _, after in LINKS) | {*SEIZURES, Step.FUND_HEADER}
PORTS = 12
# Ports of a step that takes what its margin check has found; the scratch column says whether the cash is negative.
EQUITY_PORTS, REQUIRED_PORTS, CASH_PORTS = range(4), range(4, 8), range(8, 12)
CARRY_PORTS = (4, 5, 6)  # of an amount's sum; ports 0..3 hold its new limbs
BOUND_PORT = 7  # holds the distance of an amount's top limb to its bound
CARRY_OFFSET = 8  # carries of an amount's sum lie in [-8, 8)

_MEMORY_REASON = "a record's limbs are range-checked by whoever writes them, and genesis is public"
_REGISTER_REASON = "range-checked, or matched with a bounded public message, in a row of the same transition"


@dataclass
class Execution:
    """The table under construction: its columns by name, and the shared constraints that steps contribute to."""

    table: Table
    selectors: dict[Step, Expression]
    clock: Expression
    index: Expression
    old: list[Expression]
    new: list[Expression]
    registers: dict[str, Expression]
    ports: list[Bounded]
    scratch: Expression  # what a step needs beside limbs: the high part of a carry, a sign, or an inverse
    time: Expression  # of the batch, the same on all rows
    events: Expression  # how many deleveragings there have been
    _kept: dict[int, list[Expression]] = field(default_factory=dict)  # record element -> steps that keep it
    _deltas: list[tuple[Expression, list[Bounded]]] = field(
        default_factory=list
    )  # (step, change of the amount by limb)
    _opening: list[Expression] = field(default_factory=list)  # amount steps whose leaf may be empty before
    _released: dict[str, set[Step]] = field(default_factory=dict)  # register -> steps after which it may change
    _held: dict[tuple[Step, str], Expression] = field(default_factory=dict)
    _tiers: dict[Step, Expression | int] = field(default_factory=dict)  # of margin checks, if not the initial one
    _published: list[tuple[Expression, Public]] = field(default_factory=list)
    _flow: dict[Step, list[Expression]] = field(default_factory=dict)  # step -> what leads to it, a row before

    def step(self, step: Step) -> Expression:
        """The selector of a step."""
        return self.selectors[step]

    def steps(self, steps: Collection[Step]) -> Expression:
        """1 on rows of any of the steps."""
        return total([self.selectors[step] for step in steps])

    def register(self, name: str) -> Expression:
        """The register's column, the same on all rows of a transition unless released."""
        return self.registers[name]

    def amount(self) -> list[Bounded]:
        """The four limbs of the amount register."""
        return [self.bounded_register(f"amount{i}") for i in range(AMOUNT_LIMBS)]

    def amount_sum(self) -> Expression:
        """The sum of the amount's limbs, below P: 0 only if the amount is 0."""
        return total([part.expression for part in self.amount()])

    def bounded_register(self, name: str) -> Bounded:
        """A register that holds a limb."""
        return unsound_bounded(self.registers[name], 0, LIMB - 1, _REGISTER_REASON)

    def old_limb(self, position: int) -> Bounded:
        """An element of the record before that is a limb."""
        return unsound_bounded(self.old[position], 0, LIMB - 1, _MEMORY_REASON)

    def require(self, step: Step, label: str, expression: Expression | int) -> None:
        """expression == 0 on rows of the step."""
        self.table.constrain(f"{step.name.lower()}: {label}", self.selectors[step] * lift(expression))

    def equal(self, step: Step, label: str, left: Bounded, right: Bounded | int) -> None:
        """left == right over the integers on rows of the step."""
        self.table.equal(f"{step.name.lower()}: {label}", left, right, self.selectors[step])

    def nonzero(self, step: Step, label: str, value: Expression) -> None:
        """value is not 0 on rows of the step: `scratch` is its inverse."""
        self.require(step, label, value * self.scratch - 1)

    def access(
        self, step: Step, index: Expression | int | None, tag: Tag | None = None, writes: Collection[int] = ()
    ) -> None:
        """The step reads and writes the record at `index`, of kind `tag`, and changes no element but `writes`.

        tag None: the kind follows from the index and from what else the transition proves; the caller says how. index
        None: it is any leaf of which the caller demands enough.
        """
        if index is not None:
            self.require(step, "index", self.index - index)
        for position in set(range(RECORD_SIZE)) - set(writes):
            self._kept.setdefault(position, []).append(self.selectors[step])
        if tag is not None:
            self.require(step, "kind of record", self.old[TAG] - int(tag))

    def create(self, step: Step, index: Expression, elements: Sequence[Expression | int | None]) -> None:
        """The step writes this record at `index`, whatever stood there; None leaves an element free."""
        self.require(step, "index", self.index - index)
        for position, element in enumerate(elements):
            if element is not None:
                self.require(step, f"new element {position}", self.new[position] - element)

    def change_amount(self, step: Step, delta: Sequence[Bounded], may_open: bool = False) -> None:
        """The record's amount (elements 0..3) grows by the integer with these signed limbs.

        It cannot overflow or underflow: the new limbs are range-checked and no carry leaves the top limb. may_open: an
        empty leaf becomes a balance, from 0, exactly if the register `opened` is 1.
        """
        self._deltas.append((self.selectors[step], list(delta)))
        if may_open:
            self._opening.append(self.selectors[step])

    def release(self, step: Step, *names: str) -> None:
        """After this step, not the last of its transition, these registers need not keep their value."""
        for name in names:
            self._released.setdefault(name, set()).add(step)

    def hand_over(self, label: str, selector: Expression, name: str, value: Expression | int) -> None:
        """Where selector is not 0, the register's value in the next row is `value` of this row."""
        self.table.constrain(label, selector * (self.registers[name].next() - value), Where.TRANSITION)

    def lead(self, step: Step, source: Expression) -> None:
        """Where source is 1, the next row is this step."""
        self._flow.setdefault(step, []).append(source)

    def _keeper(self, name: str, step: Step, selector: Expression) -> Expression | int:
        """1 on rows of the step if the register keeps its value to the next row."""
        if step in self._released.get(name, ()):
            return 0
        return self._held.get((step, name), selector)

    def hold(self, step: Step, selector: Expression, *names: str) -> None:
        """After this step these registers keep their value only where `selector`, or that of another call, is 1."""
        for name in names:
            earlier = self._held.get((step, name))
            self._held[step, name] = selector if earlier is None else earlier + selector

    def ask(self, step: Step, tier: Expression | int) -> None:
        """The step's margin check is of this tier, not the initial one."""
        self._tiers[step] = tier

    def publish(self, step: Step, kind: Public) -> None:
        """The step puts (kind, account, instrument, chain, sequence, amount) from the registers onto the public bus."""
        self._published.append((self.selectors[step], kind))

    def finish(self) -> None:
        """Emit what the steps have contributed to, and the bus messages."""
        self._finish_records()
        self._finish_amounts()
        self._finish_messages()

    def _finish_records(self) -> None:
        for position in range(RECORD_SIZE):
            change = self.new[position] - self.old[position]
            self.table.constrain(f"record element {position} is kept", total(self._kept[position]) * change)
        opening, balance = total(self._opening), int(Tag.BALANCE)
        # The leaf is a balance or empty, so this also shows that `opened` is 0 or 1.
        before = self.old[TAG] - balance * (1 - self.register("opened"))
        self.table.constrain("a balance that does not open is one before", opening * before)
        self.table.constrain("a balance that may open is one after", opening * (self.new[TAG] - balance))

    def _finish_amounts(self) -> None:
        """new + LIMB * carry = old + bias if it opens + delta + carry from below, limb by limb; the top carry is 0."""
        selector = total([step for step, _ in self._deltas])
        opens = unsound_bounded(
            total(self._opening) * self.register("opened"), 0, 1, "selectors are one-hot, opened is 0 or 1 there"
        )
        carry_in = bounded(0)
        for k in range(AMOUNT_LIMBS):
            delta = unsound_bounded(
                total([step * parts[k].expression for step, parts in self._deltas]),
                min(parts[k].low for _, parts in self._deltas),
                max(parts[k].high for _, parts in self._deltas),
                "exactly one selector is 1 on these rows",
            )
            bias = BIAS_TOP_LIMB if k == AMOUNT_LIMBS - 1 else 0
            self.table.constrain(
                f"amount limb {k} is range-checked", selector * (self.new[k] - self.ports[k].expression)
            )
            carry = self.ports[CARRY_PORTS[k]] - CARRY_OFFSET if k < AMOUNT_LIMBS - 1 else bounded(0)
            after = self.ports[k] + carry * LIMB
            before = self.old_limb(k) + opens * bias + carry_in
            # On rows of no amount step `selector` is 0; on the others it is 1, so it multiplies all but delta.
            whole = unsound_bounded(
                selector * (after - before).expression,
                (after - before).low,
                (after - before).high,
                "the selector is 0 or 1",
            )
            self.table.equal(f"amount limb {k} grows by its change", whole, delta)
            carry_in = carry

    def _finish_messages(self) -> None:
        names = ("account", "instrument", "chain", "sequence", "amount0", "amount1", "amount2", "amount3")
        kind = total([step * int(public) for step, public in self._published])
        count = Bounded(total([step for step, _ in self._published]), 0, 1)
        self.table.send(PUBLIC, "public message", [kind, *(self.register(name) for name in names)], count)
        asks = Bounded(self.steps(MARGIN_STEPS), 0, 1)
        fails = self.register("fails")
        others = [step for step in MARGIN_STEPS if step not in (*OPEN_STEPS, *FAILING_STEPS)]
        self.table.constrain("only a maker may fail its margin check", self.steps(others) * fails)
        self.table.constrain("a seizure needs a check that fails", self.steps(FAILING_STEPS) * (fails - 1))
        tier, named = self.register("tier"), total([self.step(step) * lift(t) for step, t in self._tiers.items()])
        self.table.constrain("tier of the margin check", asks.expression * tier - named)
        account, mask, moment = (self.register(name) for name in ("account", "mask", "moment"))
        self.table.send(MARGIN, "margin request", [self.clock, account, mask, fails, moment, tier], asks)
        health = [self.clock, *(port.expression for port in self.ports), self.scratch]
        self.table.receive(HEALTH, "health", health, Bounded(self.steps(HEALTH_STEPS), 0, 1))


def new_execution() -> Execution:
    """The table's columns, the order of steps, the memory access of every row, and the carrying of registers."""
    table = Table("execution")
    selectors = {step: _selector(table, step) for step in Step}
    clock, index = table.column("clock"), table.column("index")
    execution = Execution(
        table,
        selectors,
        clock,
        index,
        table.columns("old", RECORD_SIZE),
        table.columns("new", RECORD_SIZE),
        {name: table.column(name) for name in REGISTERS},
        [limb(table, f"port{i}") for i in range(PORTS)],
        table.column("scratch"),
        table.column("time"),
        table.column("events"),
    )
    table.constrain("a batch has one time", execution.time.next() - execution.time, Where.TRANSITION)
    _memory_access(execution)
    return execution


def _selector(table: Table, step: Step) -> Expression:
    """The selector of a step. Only those of first steps and of what may be chosen to go on with are constrained here:
    `sequence` derives the others from them."""
    name = f"is_{step.name.lower()}"
    return table.boolean(name).expression if step in FIRST_STEPS | CHOICES else table.column(name)


def _memory_access(execution: Execution) -> None:
    """Each active row takes the record's last value, written at an earlier time, and leaves the new one at 64 *
    clock.

    The clock may start anywhere: only differences of times matter, and the times of a batch lie within less than 2^27
    of each other, so none is reached by going round mod P (circuits/tree.py speaks of the first access to a leaf).
    """
    table, clock = execution.table, execution.clock
    active = Bounded(total(list(execution.selectors.values())), 0, 1)
    table.constrain("at most one step a row", active.expression * (active.expression - 1))
    table.constrain("the clock counts rows", clock.next() - clock - 1, Where.TRANSITION)
    previous = table.column("previous_time")
    gap = [limb(table, f"gap{i}") for i in range(2)]
    time = clock * TIMES_PER_CLOCK
    elapsed = (gap[0] + gap[1] * LIMB).expression
    table.constrain("the record was last written earlier", active.expression * (time - previous - 1 - elapsed))
    table.receive(MEMORY, "record before", [execution.index, previous, *execution.old], active)
    table.send(MEMORY, "record after", [execution.index, time, *execution.new], active)


def sequence(execution: Execution) -> None:
    """Steps follow one another in the order of their transition, registers are kept meanwhile, closing comes last.

    Because selectors are one-hot, "what leads to a step == next row's selector of it" says both that the step follows
    and that nothing else leads to it. So the selectors of later steps are 0 or 1 too: they are 0 in the first row, and
    in any other what led to them a row before. The last row cannot break a transition off: the statement demands a
    closing step, and after one come only closing steps and idle rows.
    """
    table, flow = execution.table, execution._flow
    for after, before in plain_successions().items():
        label = f"{' or '.join(step.name.lower() for step in before)} leads to {after.name.lower()}"
        table.constrain(label, execution.steps(before) - execution.step(after).next(), Where.TRANSITION)
    for after, sources in sorted(flow.items()):
        arrival, always = execution.step(after).next(), execution.steps(always_before(after))
        table.constrain(f"what leads to {after.name.lower()}", total(sources) + always - arrival, Where.TRANSITION)
    for later in Step:
        if later not in FIRST_STEPS | {Step.FUND_HEADER}:  # a check of the fund beside others does no harm
            table.constrain(f"the first row is no {later.name.lower()}", execution.step(later), Where.FIRST)
    goes_on = {step for pair in successions() for step in pair[:1]}
    continuing = {step: execution.step(step) for step in sorted(goes_on)}
    for name in (name for name in REGISTERS if name not in LOCAL):
        keepers = [execution._keeper(name, step, selector) for step, selector in continuing.items()]
        value = execution.register(name)
        table.constrain(f"register {name} is kept", total(keepers) * (value.next() - value), Where.TRANSITION)
    _seizing(execution)
    _ending(execution)


def _seizing(execution: Execution) -> None:
    """A seizure leads to one of the transitions that need one, a limit to its order, and these are forced exactly after
    those."""
    table, seizes, forced = execution.table, execution.step(Step.SEIZE_HEADER), execution.register("forced")
    limits, order = (Step.LIQUIDATE_LIMIT, Step.UNWIND_LIMIT), execution.step(Step.ORDER_MARKET)
    limit = execution.steps(limits)
    started = total([execution.step(step).next() for step in SEIZURES])
    table.constrain("a seizure leads to what it is for", seizes * (1 - started), Where.TRANSITION)
    table.constrain("a limit leads to its order", limit * (1 - order.next()), Where.TRANSITION)
    deleverages = execution.step(Step.DELEVERAGE_HEADER)
    follows = (started + order.next()) * (forced.next() - seizes - limit - deleverages)
    table.constrain("what is forced follows a seizure", follows, Where.TRANSITION)
    table.constrain("nothing is forced in the first row", (1 - seizes - limit) * forced, Where.FIRST)


def successions() -> set[tuple[Step, Step]]:
    """Every pair of steps of which the second can follow the first."""
    return {pair for steps in STEPS.values() for pair in pairwise(steps)} | LINKS | WALKS | OUTCOME_LINKS | TAKE_LINKS


def plain_successions() -> dict[Step, list[Step]]:
    """Each step that nothing leads to but steps after which it always comes, and these."""
    pairs = successions()
    leading = {b: sorted(a for a, follower in pairs if follower == b) for b in sorted({b for _, b in pairs})}
    return {b: found for b, found in leading.items() if b not in FIRST_STEPS and found == always_before(b)}


def always_before(after: Step) -> list[Step]:
    """The steps after which this one always comes."""
    pairs, ends = successions(), {steps[-1] for steps in STEPS.values()}
    choosing = {a for a, count in Counter(a for a, _ in pairs).items() if count > 1} | ends
    return sorted(a for a, follower in pairs if follower == after and a not in choosing)


def _ending(execution: Execution) -> None:
    closing = execution.steps([s for s in Step if s.name.startswith("CLOSE")])
    active = total(list(execution.selectors.values()))
    starts = [step for step in sorted(FIRST_STEPS) if not step.name.startswith("CLOSE")]
    next_start = total([execution.selectors[start].next() for start in starts])
    next_active = total([selector.next() for selector in execution.selectors.values()])
    execution.table.constrain("nothing but closing follows closing", closing * next_start, Where.TRANSITION)
    execution.table.constrain("no step follows an idle row", (1 - active) * next_active, Where.TRANSITION)


def negate(parts: Sequence[Bounded]) -> list[Bounded]:
    """The limbs of the opposite change."""
    return [bounded(0) - part for part in parts]
