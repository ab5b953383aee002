"""Withdraw: an amount leaves an account, the liabilities and a chain's vault; the account keeps its initial margin."""

from circuits.accounts import balance, header, stays_positive
from circuits.buses import Public
from circuits.execution import Execution, negate
from circuits.records import CHAIN_WITHDRAWALS
from circuits.steps import Step
from circuits.vaults import chain, liabilities, vault


def constrain(execution: Execution) -> None:
    """Vault, liabilities and balance shrink by the same amount; a margin check follows the last step."""
    change = negate(execution.amount())
    chain(execution, Step.WITHDRAW_CHAIN, CHAIN_WITHDRAWALS, Public.WITHDRAWAL)
    vault(execution, Step.WITHDRAW_VAULT, change)
    liabilities(execution, Step.WITHDRAW_TOTAL, change)
    header(execution, Step.WITHDRAW_HEADER, message=True, may_open=False)
    account, asset = execution.register("account"), execution.register("instrument")
    balance(execution, Step.WITHDRAW_BALANCE, account, asset, change)
    stays_positive(execution, Step.WITHDRAW_BALANCE)
