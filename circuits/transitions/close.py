"""Closing a batch: count it, and publish its time, every vault, the liabilities, the insurance fund's balances and the
losses."""

from circuits.accounts import AMOUNT_POSITIONS, market_leaf
from circuits.bounds import ACCOUNT_SLOTS, LIMB
from circuits.buses import Public
from circuits.execution import Execution
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_SLOT,
    CHAIN_BASE,
    CHAIN_SLOTS,
    TOTAL_SLOT,
    VAULT_SLOT,
    VENUE_BATCHES,
    VENUE_EVENTS,
    VENUE_INDEX,
    VENUE_TIME,
    Tag,
)
from circuits.steps import Step


def constrain(execution: Execution) -> None:
    """Closing steps come last, so what they read is the new state."""
    _venue(execution)
    chain, instrument = execution.register("chain"), execution.register("instrument")
    vault = CHAIN_BASE + VAULT_SLOT + CHAIN_SLOTS * chain + instrument
    balance = ACCOUNT_BASE + ACCOUNT_SLOTS * execution.register("account") + BALANCE_SLOT + instrument
    # The statement lists a vault for every asset whose total and fund it lists, so these are assets. It names the
    # accounts: the insurance fund and, for the quote, that of losses.
    for step, index, tag, public in (
        (Step.CLOSE_VAULT, vault, Tag.VAULT, Public.VAULT),
        (Step.CLOSE_TOTAL, market_leaf(execution, TOTAL_SLOT), None, Public.TOTAL),
        (Step.CLOSE_FUND, balance, None, Public.FUND),
    ):
        execution.access(step, index, tag)
        for k in AMOUNT_POSITIONS:
            execution.require(step, f"published limb {k}", execution.register(f"amount{k}") - execution.old[k])
        execution.publish(step, public)


def _venue(execution: Execution) -> None:
    """The batch number rises by one; the time, two limbs bounded by the statement, does not go back."""
    step, old, new = Step.CLOSE_VENUE, execution.old, execution.new
    execution.access(step, VENUE_INDEX, None, [VENUE_BATCHES, VENUE_TIME])
    execution.require(step, "batches are counted", new[VENUE_BATCHES] - old[VENUE_BATCHES] - 1)
    execution.require(step, "published number", execution.register("sequence") - new[VENUE_BATCHES])
    time = execution.register("amount0") + execution.register("amount1") * LIMB
    later = (execution.ports[0] + execution.ports[1] * LIMB).expression
    execution.require(step, "published time", new[VENUE_TIME] - time)
    execution.require(step, "time of the batch", new[VENUE_TIME] - execution.time)
    execution.require(step, "time does not go back", new[VENUE_TIME] - old[VENUE_TIME] - later)
    execution.require(step, "events of the venue", new[VENUE_EVENTS] - execution.events)
    execution.publish(step, Public.BATCH)
