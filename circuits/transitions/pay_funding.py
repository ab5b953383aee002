"""A position pays funding to the funding pool, or is paid by it, up to the market's present index."""

from circuits.accounts import market_leaf
from circuits.bounds import LIMB, MAX_ACCOUNTS
from circuits.execution import Execution
from circuits.records import MARKET_FUNDING, SystemAccount, Tag
from circuits.steps import Step
from circuits.swap import FUNDING, OTHER

ACCOUNT_PORT, SHIFTED_PORT = 0, 2
ACCOUNT_SHIFT = LIMB * LIMB // MAX_ACCOUNTS  # the account's high limb times this is a limb


def constrain(execution: Execution) -> None:
    """No header is read, so the account is shown to be a number below MAX_ACCOUNTS: with any other one, the next leaf
    could be another balance than that of the market, and the one after it no balance. Of these leaves only those of
    accounts that exist are not empty. Anyone may file it, at any time: it costs the account no more than it owes.
    """
    step, account, ports = Step.PAY_MARKET, execution.register("account"), execution.ports
    execution.access(step, market_leaf(execution, 0), Tag.PERPETUAL)
    low, high = ports[ACCOUNT_PORT : ACCOUNT_PORT + 2]
    execution.require(step, "account in range", account - (low + high * LIMB).expression)
    shifted = (high * ACCOUNT_SHIFT - ports[SHIFTED_PORT]).expression
    execution.require(step, "account below its bound", shifted)
    execution.require(step, "index of the market", execution.register(FUNDING) - execution.old[MARKET_FUNDING])
    execution.require(step, "paid to the pool", execution.register(OTHER) - int(SystemAccount.FUNDING_POOL))
