"""Deposit: the next entry of a chain's queue goes to its vault, to the liabilities, and to an account."""

from circuits.accounts import balance, header
from circuits.buses import Public
from circuits.execution import Execution
from circuits.records import CHAIN_DEPOSITS, SystemAccount
from circuits.steps import Step
from circuits.vaults import chain, grow_liabilities, stays_below_cap, vault


def constrain(execution: Execution) -> None:
    """Vault, liabilities and balance grow by the same amount, which the chain's own queue must show."""
    amount = execution.amount()
    chain(execution, Step.DEPOSIT_CHAIN, CHAIN_DEPOSITS, Public.DEPOSIT)
    in_transit = execution.register("account") - int(SystemAccount.IN_TRANSIT)
    execution.nonzero(Step.DEPOSIT_CHAIN, "not of what is in transit", in_transit)
    vault(execution, Step.DEPOSIT_VAULT, amount)
    stays_below_cap(execution, Step.DEPOSIT_VAULT)
    grow_liabilities(execution, Step.DEPOSIT_TOTAL, amount)
    header(execution, Step.DEPOSIT_HEADER, message=False, may_open=True)
    account, asset = execution.register("account"), execution.register("instrument")
    balance(execution, Step.DEPOSIT_BALANCE, account, asset, amount, may_open=True)
