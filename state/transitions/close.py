"""The end of a batch: its number and time, and what the new state holds, published for the statement."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import COUNTER_MAX, TRANSIT
from circuits.records import (
    VENUE_BATCHES,
    VENUE_INDEX,
    VENUE_TIME,
    SystemAccount,
    balance_index,
    total_index,
    vault_index,
)
from circuits.steps import Kind, Step
from state.accounts import next_count
from state.memory import Memory
from state.transitions import Transition
from state.venue import Venue


@dataclass(frozen=True, slots=True)
class CloseVenue:
    """Number the batch and set the ledger's time to the batch's, in seconds since the venue's epoch."""

    kind: ClassVar[Kind] = Kind.CLOSE_VENUE
    time: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        old = memory.read(VENUE_INDEX)
        new = list(old)
        new[VENUE_BATCHES] = next_count("batch", old[VENUE_BATCHES], COUNTER_MAX)
        new[VENUE_TIME] = self.time
        memory.replace(Step.CLOSE_VENUE, VENUE_INDEX, old, tuple(new))
        return (self.time,)


@dataclass(frozen=True, slots=True)
class CloseVault:
    """Publish what the vault of an asset on a chain holds."""

    kind: ClassVar[Kind] = Kind.CLOSE_VAULT
    chain: int
    asset: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        memory.look(Step.CLOSE_VAULT, vault_index(self.chain, self.asset))
        return (self.chain, self.asset)


@dataclass(frozen=True, slots=True)
class CloseTotal:
    """Publish the liabilities in an asset."""

    kind: ClassVar[Kind] = Kind.CLOSE_TOTAL
    asset: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        memory.look(Step.CLOSE_TOTAL, total_index(self.asset))
        return (self.asset,)


@dataclass(frozen=True, slots=True)
class CloseFund:
    """Publish what the insurance fund holds of an asset, or how much of it the account LOSS owes."""

    kind: ClassVar[Kind] = Kind.CLOSE_FUND
    account: int
    asset: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        memory.look(Step.CLOSE_FUND, balance_index(self.account, self.asset))
        return (self.account, self.asset)


def closing(venue: Venue, time: int) -> Iterator[Transition]:
    """The transitions that end a batch, in order."""
    chains = *range(len(venue.chains)), TRANSIT
    yield CloseVenue(time)
    yield from (CloseVault(chain, asset.number) for chain in chains for asset in venue.collateral)
    yield from (CloseTotal(asset.number) for asset in venue.collateral)
    yield from (CloseFund(SystemAccount.INSURANCE, asset.number) for asset in venue.collateral)
    yield CloseFund(SystemAccount.LOSS, venue.quote.number)
