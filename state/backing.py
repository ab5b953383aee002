"""Accesses to chains, vaults and liability totals: what moves when collateral enters or leaves the venue."""

from circuits.bounds import AMOUNT_LIMBS, AMOUNT_MAX, CAP_UNIT, COUNTER_MAX, TRANSIT
from circuits.records import (
    CHAIN_DEPOSITS,
    CHAIN_STATUS,
    VAULT_CAP,
    ChainStatus,
    Record,
    Tag,
    chain_index,
    from_limbs,
    limbs,
    record,
    total_index,
    vault_index,
)
from circuits.statement import Movement
from circuits.steps import Step
from state.accounts import next_count
from state.errors import Refusal, Rule
from state.memory import Memory
from state.venue import Instrument, Venue

IN_TRANSIT = "in transit"  # the name of what is no chain


def find_chain(venue: Venue, chain: int) -> str:
    """The chain's name. Refuses UNKNOWN_CHAIN."""
    if not 0 <= chain < len(venue.chains):
        raise Refusal(Rule.UNKNOWN_CHAIN, chain=chain, chains=len(venue.chains))
    return venue.chains[chain]


def find_asset(venue: Venue, asset: int) -> Instrument:
    """The collateral asset of that number. Refuses NOT_COLLATERAL."""
    if not 0 <= asset < len(venue.collateral):
        raise Refusal(Rule.NOT_COLLATERAL, instrument=asset)
    return venue.collateral[asset]


def vault_record(amount: int, cap: int) -> Record:
    """A vault holding `amount` base units, 0 <= amount <= AMOUNT_MAX; cap of its deposits in CAP_UNIT."""
    return record(Tag.VAULT, *limbs(amount), cap)


def total_record(amount: int, asset: int) -> Record:
    """The liabilities in an asset, in base units, 0 <= amount <= AMOUNT_MAX."""
    return record(Tag.TOTAL, *limbs(amount), 1 << asset)


def held(vault_or_total: Record) -> int:
    """The amount in a vault or total record."""
    return from_limbs(vault_or_total[:AMOUNT_LIMBS])


def count_movement(memory: Memory, step: Step, chain: int, element: int) -> None:
    """Raise the deposit or withdrawal count (CHAIN_DEPOSITS, CHAIN_WITHDRAWALS) of a chain. Refuses CHAIN_SUSPENDED and
    COUNTER_LIMIT."""
    old = memory.read(chain_index(chain))
    if old[CHAIN_STATUS] != ChainStatus.ACTIVE:
        raise Refusal(Rule.CHAIN_SUSPENDED, chain=memory.venue.chains[chain])
    new = list(old)
    new[element] = next_count("deposit or withdrawal", old[element], COUNTER_MAX)
    memory.replace(step, chain_index(chain), old, tuple(new))


def require_queued(memory: Memory, chain: int, sequence: int, account: int, asset: int, amount: int) -> None:
    """Refuse a deposit that is not the next of a known chain's queue (DEPOSIT_ORDER), or that the queue does not hold
    (UNBACKED_DEPOSIT)."""
    name, expected = memory.venue.chains[chain], memory.read(chain_index(chain))[CHAIN_DEPOSITS]
    if sequence != expected:
        raise Refusal(Rule.DEPOSIT_ORDER, sequence=sequence, chain=name, expected=expected)
    if memory.queue is not None and not memory.queue.holds(Movement(chain, sequence, account, asset, amount)):
        raise Refusal(
            Rule.UNBACKED_DEPOSIT, chain=name, sequence=sequence, account=account, amount=amount,
            asset=memory.venue.instruments[asset].name,
        )  # fmt: skip


def move_backing(
    memory: Memory, vault_step: Step, total_step: Step, chain: int, asset: Instrument, change: int
) -> None:
    """Add `change` to a vault and to the liabilities. Refuses VAULT_SHORT, DEPOSIT_CAP and TOTAL_LIMIT."""
    move_vault(memory, vault_step, chain, asset, change, capped=change > 0)
    old = memory.read(total_index(asset.number))
    total = held(old) + change  # never below 0: it is the sum of the vaults
    if total > AMOUNT_MAX:
        raise Refusal(Rule.TOTAL_LIMIT, asset=asset.name, would=total, limit=AMOUNT_MAX)
    memory.replace(total_step, total_index(asset.number), old, total_record(total, asset.number))


def move_vault(memory: Memory, step: Step, chain: int, asset: Instrument, change: int, *, capped: bool = False) -> None:
    """Add `change` to a vault; chain TRANSIT is what is under way. Refuses VAULT_SHORT and, if capped, DEPOSIT_CAP."""
    index = vault_index(chain, asset.number)
    old = memory.read(index)
    vault, cap = held(old) + change, old[VAULT_CAP] * CAP_UNIT
    name = IN_TRANSIT if chain == TRANSIT else memory.venue.chains[chain]
    if vault < 0:
        raise Refusal(Rule.VAULT_SHORT, asset=asset.name, chain=name, held=held(old), amount=-change)
    if capped and vault >= cap:
        raise Refusal(Rule.DEPOSIT_CAP, asset=asset.name, chain=name, would=vault, cap=cap)
    memory.replace(step, index, old, vault_record(vault, old[VAULT_CAP]))
