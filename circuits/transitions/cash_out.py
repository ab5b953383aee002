"""Cash-out: a whole position in a settled market goes to the funding pool, for its worth at the final mark."""

from circuits.accounts import header, market_leaf
from circuits.bounded import Bounded
from circuits.execution import Execution
from circuits.notional import notional
from circuits.records import (
    HEADER_ROLE,
    MARKET_FUNDING,
    MARKET_MARK,
    RULES_SLOT,
    Role,
    SystemAccount,
    Tag,
)
from circuits.steps import Step
from circuits.swap import FUNDING, GIVES, OTHER, UNITS, WHOLE

LONG = GIVES  # register: 1 if the position is long, 0 if it is short
NOTIONAL_PORT, CARRY_PORT, SIZE_PORT = 0, 4, 6


def constrain(execution: Execution) -> None:
    """Settled rules show the instrument, a header the account. (Parameters have that tag too; but they stand where the
    rules of an instrument with a half would, which has no balances: their index would be no leaf of the tree.)

    No message and no margin check: anyone may file it, and what the account is worth and requires stays the same, as
    the market requires nothing any more.
    """
    step, long = Step.CASH_OUT_RULES, execution.register(LONG)
    execution.access(step, market_leaf(execution, RULES_SLOT), Tag.SETTLED)
    execution.require(step, "long is boolean", long * (long - 1))
    size = [execution.bounded_register(f"size{k}") for k in range(2)]
    execution.nonzero(step, "there is a position", (size[0] + size[1]).expression)
    _worth(execution, size)
    step = Step.CASH_OUT_HEADER
    header(execution, step, message=False, may_open=False)
    fund = execution.register("account") - int(SystemAccount.INSURANCE)  # which takes positions over
    trader = execution.old[HEADER_ROLE] - int(Role.TRADER)
    execution.require(step, "the account is a trader or the fund", trader * fund)
    market = Step.CASH_OUT_MARKET
    execution.require(market, "funding index", execution.register(FUNDING) - execution.old[MARKET_FUNDING])
    for number, value in ((OTHER, int(SystemAccount.FUNDING_POOL)), (WHOLE, 1), (UNITS[2], 0), (UNITS[3], 0)):
        execution.require(step, f"register {number}", execution.register(number) - value)


def _worth(execution: Execution, size: list[Bounded]) -> None:
    """amount = mark * size."""
    step, ports = Step.CASH_OUT_MARKET, execution.ports
    execution.access(step, market_leaf(execution, 0))
    for k, part in enumerate(size):
        execution.require(step, f"size limb {k} in range", (part - ports[SIZE_PORT + k]).expression)
    mark = [execution.old_limb(MARKET_MARK + k) for k in range(2)]
    notional(execution, step, mark, size, product_port=NOTIONAL_PORT, carry_port=CARRY_PORT)
