"""Move the mark of an instrument towards a price, and with it what a lot is worth as collateral or requires as initial
margin."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import CAPPED_BIT, COUNTER_MAX, FRACTION_ONE, LIMB, PRICE_MAX, TIME_MAX
from circuits.records import (
    MARKET_BIT,
    MARKET_LOT_UNITS,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    PARAMETERS_PRICES,
    PARAMETERS_STALENESS,
    PARAMETERS_STEP_TIME,
    PARAMETERS_TIME,
    QUOTE_INSTRUMENT,
    RULES_GROWTH,
    RULES_INTEREST,
    TAG,
    Record,
    Tag,
    from_limbs,
    limbs,
    market_index,
    parameters_index,
    record,
    rules_index,
)
from circuits.steps import Kind, Step
from state.accounts import next_count
from state.errors import Refusal, Rule, require_range
from state.memory import Memory


def market_record(tag: Tag, bit: int, lot_units: int, mark: int, fraction: int, valid: int) -> Record:
    """valid: the last second at which the mark may be relied on.

    Its weight: an asset's collateral value a lot, rounded down; a perpetual's requirement, rounded up.
    """
    weight = mark * fraction // FRACTION_ONE if tag == Tag.ASSET else -(-mark * fraction // FRACTION_ONE)
    return record(tag, bit, lot_units, *limbs(mark, 2), *limbs(weight, 2), valid)


def allowance(mark: int, since: int, step_time: int) -> int:
    """By how much the mark may move after so many seconds, rounded up."""
    return -(-mark * min(since, step_time - 1) // step_time)


def grown(fraction: int, rules: Record) -> int:
    """The margin fraction under the open interest of the market with these rules; an asset has none, EMPTY."""
    return min(FRACTION_ONE, fraction + rules[RULES_GROWTH] * (rules[RULES_INTEREST] // LIMB))


def capped_times(price: int, mark: int) -> int:
    """How often the mark's last second has CAPPED_BIT: once if the price is above the mark, twice if it is below."""
    return int(price > mark) + 2 * int(price < mark)


@dataclass(frozen=True, slots=True)
class SetPrice:
    """Price in quote base units a lot, at a time in seconds since the venue's epoch.

    A price further from the mark than the time since the last one allows moves the mark as far as that; the mark is
    then *capped*, and cannot be relied on (its last second is 0) until a price within its step. A seizure relies on a
    mark that is capped in favour of the account.
    """

    kind: ClassVar[Kind] = Kind.PRICE
    instrument: int
    price: int
    time: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        if not QUOTE_INSTRUMENT < self.instrument < len(memory.venue.instruments):
            raise Refusal(Rule.NOT_PRICED, instrument=self.instrument)
        require_range("price", self.price, 1, PRICE_MAX)
        require_range("time", self.time, 0, memory.time)
        self._require_signed(memory)
        parameters = self._count(memory)
        rules = memory.look(Step.PRICE_RULES, rules_index(self.instrument))
        self._move(memory, parameters)
        self._weigh(memory, grown(parameters[PARAMETERS_FRACTION], rules))
        return (self.instrument, parameters[PARAMETERS_PRICES], self.price, self.time)

    def _move(self, memory: Memory, parameters: Record) -> None:
        """The mark moves; its weight is yet the old one's."""
        index = market_index(self.instrument)
        old = memory.read(index)
        mark = from_limbs(old[MARKET_MARK : MARKET_MARK + 2])
        most = allowance(mark, self.time - parameters[PARAMETERS_TIME], parameters[PARAMETERS_STEP_TIME])
        moved = min(max(self.price, mark - most), mark + most)
        last = self.time + parameters[PARAMETERS_STALENESS]
        require_range("last second", last, 0, TIME_MAX)  # as a margin check reads it
        valid = last + CAPPED_BIT * capped_times(self.price, moved)
        new = (*old[:MARKET_MARK], *limbs(moved, 2), *old[MARKET_WEIGHT:MARKET_VALID], valid, old[TAG])
        memory.replace(Step.PRICE_STEP, index, old, new)

    def _weigh(self, memory: Memory, fraction: int) -> None:
        index, tag = market_index(self.instrument), memory.venue.instruments[self.instrument].tag
        old = memory.read(index)
        mark = from_limbs(old[MARKET_MARK : MARKET_MARK + 2])
        new = market_record(tag, old[MARKET_BIT], old[MARKET_LOT_UNITS], mark, fraction, old[MARKET_VALID])
        memory.replace(Step.PRICE_MARKET, index, old, new)

    def _require_signed(self, memory: Memory) -> None:
        problem = memory.oracle and memory.oracle.objection(self.instrument, self.price, self.time)
        if problem:
            name = memory.venue.instruments[self.instrument].name
            raise Refusal(Rule.UNSIGNED_PRICE, instrument=name, price=self.price, time=self.time, problem=problem)

    def _count(self, memory: Memory) -> Record:
        """Count the price and note its time; returns the parameters before. Refuses SETTLED, TIME_BACKWARD,
        COUNTER_LIMIT."""
        index = parameters_index(self.instrument)
        old = memory.read(index)
        if old[TAG] == Tag.SETTLED:
            raise Refusal(Rule.SETTLED, market=memory.venue.instruments[self.instrument].name)
        if self.time < old[PARAMETERS_TIME]:
            raise Refusal(Rule.TIME_BACKWARD, time=self.time, current=old[PARAMETERS_TIME])
        count = next_count("price", old[PARAMETERS_PRICES], COUNTER_MAX)
        new = list(old)
        new[PARAMETERS_PRICES], new[PARAMETERS_TIME] = count, self.time
        memory.replace(Step.PRICE_PARAMETERS, index, old, tuple(new))
        return old
