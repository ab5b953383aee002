"""Accesses to chains, vaults and liability totals: what moves when collateral enters or leaves the venue."""

from circuits.bounds import AMOUNT_MAX, COUNTER_MAX
from circuits.records import TOTAL_BIT, Record, Tag, chain_index, from_limbs, limbs, record, total_index, vault_index
from circuits.steps import Step
from state.accounts import next_count
from state.errors import Refusal, Rule
from state.memory import Memory
from state.venue import Instrument, Venue


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


def vault_record(amount: int) -> Record:
    """A vault holding `amount` base units, 0 <= amount <= AMOUNT_MAX."""
    return record(Tag.VAULT, *limbs(amount))


def total_record(amount: int, asset: int) -> Record:
    """The liabilities in an asset, in base units, 0 <= amount <= AMOUNT_MAX."""
    return record(Tag.TOTAL, *limbs(amount), 1 << asset)


def held(vault_or_total: Record) -> int:
    """The amount in a vault or total record."""
    return from_limbs(vault_or_total[:TOTAL_BIT])


def count_movement(memory: Memory, step: Step, chain: int, element: int) -> None:
    """Raise the deposit or withdrawal count (CHAIN_DEPOSITS, CHAIN_WITHDRAWALS) of a chain. Refuses COUNTER_LIMIT."""
    old = memory.read(chain_index(chain))
    new = list(old)
    new[element] = next_count("deposit or withdrawal", old[element], COUNTER_MAX)
    memory.replace(step, chain_index(chain), old, tuple(new))


def move_backing(
    memory: Memory, vault_step: Step, total_step: Step, chain: int, asset: Instrument, change: int
) -> None:
    """Add `change` to a vault and to the liabilities. Refuses VAULT_SHORT, VAULT_LIMIT and TOTAL_LIMIT."""
    index = vault_index(chain, asset.number)
    old = memory.read(index)
    vault, name = held(old) + change, memory.venue.chains[chain]
    if vault < 0:
        raise Refusal(Rule.VAULT_SHORT, asset=asset.name, chain=name, held=held(old), amount=-change)
    if vault > AMOUNT_MAX:
        raise Refusal(Rule.VAULT_LIMIT, asset=asset.name, chain=name, would=vault, limit=AMOUNT_MAX)
    memory.replace(vault_step, index, old, vault_record(vault))
    old = memory.read(total_index(asset.number))
    total = held(old) + change  # never below 0: it is the sum of the vaults
    if total > AMOUNT_MAX:
        raise Refusal(Rule.TOTAL_LIMIT, asset=asset.name, would=total, limit=AMOUNT_MAX)
    memory.replace(total_step, total_index(asset.number), old, total_record(total, asset.number))
