"""Steps on what backs the balances: a chain's queue counter, its vault of an asset, and the asset's liabilities.

Chain and instrument are published, so they are below MAX_CHAINS and MAX_INSTRUMENTS, and a vault's index is that of the
very vault or of a leaf that is empty for ever. The statement lists the vault of every movement, and CLOSE_VAULT shows
that what it lists is one; nothing else changes the kind of such a leaf. So chain, asset and liabilities exist too.
"""

from collections.abc import Sequence

from circuits.accounts import AMOUNT_POSITIONS, market_leaf, stays_below_bound
from circuits.bounded import Bounded
from circuits.buses import Public
from circuits.execution import Execution
from circuits.records import CHAIN_BASE, CHAIN_SLOTS, TOTAL_BIT, TOTAL_SLOT, VAULT_SLOT, Tag
from circuits.steps import Step


def chain(execution: Execution, step: Step, counter: int, public: Public) -> None:
    """Count one movement on the chain in the register `chain`, publish it, and range-check its amount.

    Its number (register `sequence`) is the count before, so each number is used once. The amount, ids and number are
    bounded by the statement, which the public message must match.
    """
    execution.access(step, CHAIN_BASE + CHAIN_SLOTS * execution.register("chain"), None, [counter])
    execution.require(step, "number is the next of the chain", execution.register("sequence") - execution.old[counter])
    execution.require(step, "movements are counted", execution.new[counter] - execution.old[counter] - 1)
    execution.publish(step, public)


def vault(execution: Execution, step: Step, change: Sequence[Bounded]) -> None:
    """Change the vault of the instrument on the chain; it stays between 0 and the liabilities, which it is part of."""
    index = CHAIN_BASE + VAULT_SLOT + CHAIN_SLOTS * execution.register("chain") + execution.register("instrument")
    execution.access(step, index, None, AMOUNT_POSITIONS)
    execution.change_amount(step, change)


def grow_liabilities(execution: Execution, step: Step, change: Sequence[Bounded]) -> None:
    """Raise the total of a collateral instrument, to at most AMOUNT_MAX; its bit goes to the register `bit`."""
    execution.access(step, market_leaf(execution, TOTAL_SLOT), None, AMOUNT_POSITIONS)
    execution.require(step, "bit of the instrument", execution.register("bit") - execution.old[TOTAL_BIT])
    execution.change_amount(step, change)
    stays_below_bound(execution, step)


def shrink_liabilities(execution: Execution, step: Step, change: Sequence[Bounded]) -> None:
    """Lower the total of a collateral instrument, not below 0."""
    execution.access(step, market_leaf(execution, TOTAL_SLOT), None, AMOUNT_POSITIONS)
    execution.change_amount(step, change)


def collateral(execution: Execution, step: Step) -> None:
    """The instrument has a total, so it is collateral; its bit goes to the register `bit`."""
    execution.access(step, market_leaf(execution, TOTAL_SLOT), Tag.TOTAL)
    execution.require(step, "bit of the instrument", execution.register("bit") - execution.old[TOTAL_BIT])
