"""Withdraw: an amount leaves an account, the liabilities and a chain's vault; the account keeps its initial margin."""

from circuits.accounts import balance, fresh_prices, header
from circuits.buses import Capped, Public
from circuits.execution import Execution, negate
from circuits.records import CHAIN_WITHDRAWALS
from circuits.steps import Step
from circuits.vaults import chain, shrink_liabilities, vault


def constrain(execution: Execution) -> None:
    """Vault, liabilities and balance shrink by the same amount, which is published and so not 0.

    A margin check follows the last step; it also shows that no asset but the quote falls below 0.
    """
    change = negate(execution.amount())
    chain(execution, Step.WITHDRAW_CHAIN, CHAIN_WITHDRAWALS, Public.WITHDRAWAL)
    vault(execution, Step.WITHDRAW_VAULT, change)
    shrink_liabilities(execution, Step.WITHDRAW_TOTAL, change)
    header(execution, Step.WITHDRAW_HEADER, message=True, may_open=False, checked=True, tag=None)
    account, asset = execution.register("account"), execution.register("instrument")
    balance(execution, Step.WITHDRAW_BALANCE, account, asset, change)
    fresh_prices(execution, Step.WITHDRAW_BALANCE, capped=Capped.ALL)
