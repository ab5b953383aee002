"""Set the mark of an instrument, and with it what a lot is worth as collateral or requires as initial margin."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import COUNTER_MAX, FRACTION_ONE, PRICE_MAX
from circuits.records import (
    MARKET_BIT,
    MARKET_LOT_UNITS,
    MARKET_TIME,
    PARAMETERS_FRACTION,
    PARAMETERS_PRICES,
    QUOTE_INSTRUMENT,
    Record,
    Tag,
    limbs,
    market_index,
    parameters_index,
    record,
)
from circuits.steps import Kind, Step
from state.accounts import next_count
from state.errors import Refusal, Rule, require_range
from state.memory import Memory


def market_record(tag: Tag, bit: int, lot_units: int, mark: int, fraction: int, time: int) -> Record:
    """Its weight: an asset's collateral value a lot, rounded down; a perpetual's requirement, rounded up."""
    weight = mark * fraction // FRACTION_ONE if tag == Tag.ASSET else -(-mark * fraction // FRACTION_ONE)
    return record(tag, bit, lot_units, *limbs(mark, 2), *limbs(weight, 2), time)


@dataclass(frozen=True, slots=True)
class SetPrice:
    """Price in quote base units a lot, at a time in seconds since the venue's epoch."""

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
        index = market_index(self.instrument)
        old = memory.read(index)
        if self.time < old[MARKET_TIME]:
            raise Refusal(Rule.TIME_BACKWARD, time=self.time, current=old[MARKET_TIME])
        self._require_signed(memory)
        tag = memory.venue.instruments[self.instrument].tag
        sequence, fraction = self._count(memory)
        new = market_record(tag, old[MARKET_BIT], old[MARKET_LOT_UNITS], self.price, fraction, self.time)
        memory.replace(Step.PRICE_MARKET, index, old, new)
        return (self.instrument, sequence, self.price, self.time)

    def _require_signed(self, memory: Memory) -> None:
        problem = memory.oracle and memory.oracle.objection(self.instrument, self.price, self.time)
        if problem:
            name = memory.venue.instruments[self.instrument].name
            raise Refusal(Rule.UNSIGNED_PRICE, instrument=name, price=self.price, time=self.time, problem=problem)

    def _count(self, memory: Memory) -> tuple[int, int]:
        """Count the price; returns its number and the instrument's fraction. Refuses COUNTER_LIMIT."""
        index = parameters_index(self.instrument)
        old = memory.read(index)
        sequence = old[PARAMETERS_PRICES]
        count = next_count("price", sequence, COUNTER_MAX)
        new = (*old[:PARAMETERS_PRICES], count, *old[PARAMETERS_PRICES + 1 :])
        memory.replace(Step.PRICE_PARAMETERS, index, old, new)
        return sequence, old[PARAMETERS_FRACTION]
