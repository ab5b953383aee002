"""Cash-out: a whole position in a settled market goes to the funding pool, for its worth at the final mark."""

from circuits.accounts import balance, header, market_leaf
from circuits.bounded import Bounded, bounded, unsound_bounded
from circuits.bounds import LIMB
from circuits.execution import Execution
from circuits.multiply import multiply
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    HEADER_ROLE,
    MARKET_MARK,
    QUOTE_INSTRUMENT,
    RULES_SLOT,
    Role,
    SystemAccount,
    Tag,
)
from circuits.steps import Step

LONG = "side"  # register: 1 if the position is long, 0 if it is short
NOTIONAL_PORT, CARRY_PORT, SIZE_PORT = 0, 4, 6
RESTING_PORTS = {BALANCE_BIDS: 8, BALANCE_ASKS: 10}  # and the next one, by element of the balance


def constrain(execution: Execution) -> None:
    """Settled rules show the instrument, a header the account. (Parameters have that tag too; but they stand where the
    rules of an instrument with a half would, which has no balances: their index would be no leaf of the tree.)

    No message and no margin check: anyone may file it, and what the account is worth and requires stays the same, as
    the market requires nothing any more. But later checks read the orders that rest there, without the position that
    may have offset them, so these must fit the two limbs of the lots that count.
    """
    step, long = Step.CASH_OUT_RULES, execution.register(LONG)
    execution.access(step, market_leaf(execution, RULES_SLOT), Tag.SETTLED)
    execution.require(step, "long is boolean", long * (long - 1))
    size = [execution.bounded_register(f"size{k}") for k in range(2)]
    execution.nonzero(step, "there is a position", (size[0] + size[1]).expression)
    _notional(execution, size)
    step = Step.CASH_OUT_HEADER
    header(execution, step, message=False, may_open=False)
    execution.require(step, "the account is a trader", execution.old[HEADER_ROLE] - int(Role.TRADER))
    sign = unsound_bounded(2 * long - 1, -1, 1, "long is boolean")
    base = [sign * part for part in size]
    quote = [sign * part for part in execution.amount()]
    account, market, pool = execution.register("account"), execution.register("instrument"), SystemAccount.FUNDING_POOL
    zero = bounded(0)
    step = Step.CASH_OUT_BASE
    balance(execution, step, account, market, [*(0 - part for part in base), zero, zero])
    new = execution.new
    for position, port in RESTING_PORTS.items():
        lots = (execution.ports[port] + execution.ports[port + 1] * LIMB).expression
        side = "bids" if position == BALANCE_BIDS else "asks"
        execution.require(step, f"resting {side} fit a margin check", new[position] - lots)
    # What is left is then a multiple of 2^42, and position and size are less than 2^28.
    execution.require(step, "nothing is left", new[0] + new[1] + new[2])
    balance(execution, Step.CASH_OUT_QUOTE, account, QUOTE_INSTRUMENT, quote)
    balance(execution, Step.CASH_OUT_POOL_BASE, int(pool), market, [*base, zero, zero])
    balance(execution, Step.CASH_OUT_POOL_QUOTE, int(pool), QUOTE_INSTRUMENT, [0 - part for part in quote])


def _notional(execution: Execution, size: list[Bounded]) -> None:
    """amount = mark * size."""
    step, ports = Step.CASH_OUT_MARKET, execution.ports
    execution.access(step, market_leaf(execution, 0))
    for k, part in enumerate(size):
        execution.require(step, f"size limb {k} in range", (part - ports[SIZE_PORT + k]).expression)
    notional = ports[NOTIONAL_PORT : NOTIONAL_PORT + 4]
    for k, port in enumerate(notional):
        execution.require(step, f"notional limb {k} in range", execution.register(f"amount{k}") - port.expression)
    mark = [execution.old_limb(MARKET_MARK + k) for k in range(2)]
    name, carries = f"{step.name.lower()}: notional", ports[CARRY_PORT : CARRY_PORT + 2]
    multiply(execution.table, name, execution.step(step), (mark, size), notional, carries, execution.scratch)
