"""Enact the change of an instrument's parameters that was announced, once it is due."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.records import EMPTY, PENDING_DUE, PENDING_LEAF, TAG, Record, Tag, pending_index
from circuits.steps import Kind, Step
from state.acts import count_act, write_element
from state.errors import Refusal, Rule, require_range
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Enact:
    """Whatever is pending of the instrument."""

    kind: ClassVar[Kind] = Kind.ENACT
    instrument: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOTHING_PENDING, NOT_YET_DUE and SETTLED."""
        leaf, position, value = self._pending(memory)[:3]
        number = count_act(memory, Step.ENACT_VENUE)
        index, tag = pending_index(self.instrument), memory.read(leaf)[TAG]
        memory.replace(Step.ENACT_PENDING, index, memory.read(index), EMPTY)
        write_element(memory, Step.ENACT_RECORD, leaf, position, value)
        return (number, leaf, tag, position, value, self.instrument)

    def _pending(self, memory: Memory) -> Record:
        require_range("instrument", self.instrument, 0, len(memory.venue.instruments) - 1)
        pending, name = memory.read(pending_index(self.instrument)), memory.venue.instruments[self.instrument].name
        if pending == EMPTY:
            raise Refusal(Rule.NOTHING_PENDING, instrument=name)
        if memory.time < (due := pending[PENDING_DUE]):
            raise Refusal(Rule.NOT_YET_DUE, instrument=name, due=due, time=memory.time)
        if memory.read(pending[PENDING_LEAF])[TAG] == Tag.SETTLED:
            raise Refusal(Rule.SETTLED, market=name)
        return pending
