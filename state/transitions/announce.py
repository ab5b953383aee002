"""Announce a change of an instrument's parameters, which may be enacted once the venue's notice is over."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.acts import Parameter, parameters
from circuits.records import TAG, VENUE_INDEX, VENUE_NOTICE, Tag, pending_index, record
from circuits.steps import Kind, Step
from state.acts import count_act, require_value
from state.errors import Refusal, Rule, require_range
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Announce:
    """change: a parameter of the instrument and its value to be, as its record holds it. It replaces what was announced
    of the instrument and not enacted."""

    kind: ClassVar[Kind] = Kind.ANNOUNCE
    instrument: int
    change: tuple[Parameter, int]

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_PARAMETER and OUT_OF_RANGE."""
        venue, (parameter, value) = memory.venue, self.change
        require_range("instrument", self.instrument, 0, len(venue.instruments) - 1)
        target = parameters(self.instrument, len(venue.collateral)).get(parameter)
        if target is None or memory.read(target.leaf)[TAG] != target.tag:
            name = venue.instruments[self.instrument].name
            raise Refusal(Rule.NOT_A_PARAMETER, parameter=parameter.value, instrument=name)
        require_value(parameter.value, target, value)
        due = memory.time + memory.read(VENUE_INDEX)[VENUE_NOTICE]
        number = count_act(memory, Step.ANNOUNCE_VENUE)
        leaf = pending_index(self.instrument)
        pending = record(Tag.PENDING, target.leaf, target.position, value, due)
        memory.replace(Step.ANNOUNCE_PENDING, leaf, memory.read(leaf), pending)
        return (number, target.leaf, target.tag, target.position, value, self.instrument)
