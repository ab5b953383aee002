"""Set at once what an operator must be able to set at once: a market's status, a chain's status, a deposit cap."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.acts import Target, chain_status, deposit_cap, market_status
from circuits.records import TAG, ChainStatus, Status, Tag
from circuits.steps import Kind, Step
from state.acts import count_act, require_value, write_element
from state.backing import find_asset, find_chain
from state.errors import Refusal, Rule
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class SetStatus:
    """The status of a market: ACTIVE, REDUCE_ONLY or HALTED."""

    kind: ClassVar[Kind] = Kind.SET
    market: int
    status: Status

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_A_MARKET, also for a settled one."""
        target, instruments = market_status(self.market), memory.venue.instruments
        known = len(memory.venue.collateral) <= self.market < len(instruments)
        if not known or memory.read(target.leaf)[TAG] != Tag.RULES:
            raise Refusal(Rule.NOT_A_MARKET, instrument=self.market)
        return _set(memory, "status", target, self.status)


@dataclass(frozen=True, slots=True)
class SetChain:
    """The status of a chain: a suspended one takes no deposits and makes no withdrawals."""

    kind: ClassVar[Kind] = Kind.SET
    chain: int
    status: ChainStatus

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses UNKNOWN_CHAIN."""
        find_chain(memory.venue, self.chain)
        return _set(memory, "status", chain_status(self.chain), self.status)


@dataclass(frozen=True, slots=True)
class SetCap:
    """The cap below which deposits may fill a vault, in units of CAP_UNIT base units; 0 stops them."""

    kind: ClassVar[Kind] = Kind.SET
    chain: int
    asset: int
    cap: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses UNKNOWN_CHAIN, NOT_COLLATERAL and OUT_OF_RANGE."""
        find_chain(memory.venue, self.chain)
        find_asset(memory.venue, self.asset)
        return _set(memory, "cap", deposit_cap(self.chain, self.asset), self.cap)


def _set(memory: Memory, name: str, target: Target, value: int) -> tuple[int, ...]:
    require_value(name, target, value)
    number = count_act(memory, Step.SET_VENUE)
    write_element(memory, Step.SET_RECORD, target.leaf, target.position, value)
    return (number, target.leaf, target.tag, target.position, int(value))
