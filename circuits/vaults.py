"""Steps on what backs the balances: a chain's queue counter, its vault of an asset, and the asset's liabilities.

Chain and instrument are published, so they are below MAX_CHAINS and MAX_INSTRUMENTS, and a vault's index is that of the
very vault or of a leaf that is empty for ever. The statement lists the vault of every movement, and CLOSE_VAULT shows
that what it lists is one; nothing else changes the kind of such a leaf. So chain, asset and liabilities exist too.
"""

from collections.abc import Sequence

from circuits.accounts import AMOUNT_POSITIONS, market_leaf, stays_below_bound
from circuits.bounded import Bounded
from circuits.bounds import LIMB, TRANSIT
from circuits.buses import Public
from circuits.execution import Execution, negate
from circuits.expression import Expression, lift
from circuits.records import (
    CHAIN_BASE,
    CHAIN_DEPOSITS,
    CHAIN_SLOTS,
    CHAIN_STATUS,
    CHAIN_WITHDRAWALS,
    TOTAL_BIT,
    TOTAL_SLOT,
    VAULT_CAP,
    VAULT_SLOT,
    ChainStatus,
    SystemAccount,
    Tag,
)
from circuits.steps import Step

CAP_PORTS = (8, 9)  # beside those of the vault's sum


def chain(execution: Execution, step: Step, counter: int, public: Public) -> None:
    """Count one movement on the chain in the register `chain`, which is active, and publish it.

    Its number (register `sequence`) is the count before, so each number is used once. The amount, ids and number are
    bounded by the statement, which the public message must match.
    """
    execution.access(step, CHAIN_BASE + CHAIN_SLOTS * execution.register("chain"), None, [counter])
    execution.require(step, "number is the next of the chain", execution.register("sequence") - execution.old[counter])
    execution.require(step, "movements are counted", execution.new[counter] - execution.old[counter] - 1)
    execution.require(step, "the chain is active", execution.old[CHAIN_STATUS] - int(ChainStatus.ACTIVE))
    execution.publish(step, public)


def vault(
    execution: Execution, step: Step, change: Sequence[Bounded], chain: Expression | int | None = None
) -> None:
    """Change the vault of the instrument on a chain, by default that of the register `chain`; it stays between 0 and
    the liabilities, which it is part of."""
    number = execution.register("chain") if chain is None else chain
    index = CHAIN_BASE + VAULT_SLOT + CHAIN_SLOTS * lift(number) + execution.register("instrument")
    execution.access(step, index, None, AMOUNT_POSITIONS)
    execution.change_amount(step, change)


def stays_below_cap(execution: Execution, step: Step) -> None:
    """A vault stays below its cap, which counts units of LIMB^2: cap - 1 - (its upper limbs) is at least 0."""
    low, high = (execution.ports[i] for i in CAP_PORTS)
    upper = execution.new[2] + execution.new[3] * LIMB
    execution.require(
        step, "the vault stays below its cap", execution.old[VAULT_CAP] - 1 - upper - (low + high * LIMB).expression
    )


def in_transit(execution: Execution, steps: tuple[Step, Step, Step], sent: bool) -> None:
    """An amount moves from a chain's vault to what is under way to others, or back, counted as a withdrawal or deposit
    of the account IN_TRANSIT. Liabilities do not change."""
    amount = execution.amount()
    counter, public = (CHAIN_WITHDRAWALS, Public.WITHDRAWAL) if sent else (CHAIN_DEPOSITS, Public.DEPOSIT)
    first, source, transit = steps
    chain(execution, first, counter, public)
    execution.require(first, "in transit", execution.register("account") - int(SystemAccount.IN_TRANSIT))
    out, back = negate(amount), amount
    vault(execution, source, out if sent else back)
    vault(execution, transit, back if sent else out, TRANSIT)


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
