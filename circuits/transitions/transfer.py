"""Transfer of collateral between two accounts; the sender keeps its initial margin."""

from circuits.accounts import balance, fresh_prices, header
from circuits.buses import Capped
from circuits.execution import Execution, negate
from circuits.records import HEADER_ROLE, Role
from circuits.steps import Step
from circuits.vaults import collateral


def constrain(execution: Execution) -> None:
    """The receiver gains what the sender loses.

    The margin check that follows the sender's step also shows that no asset but the quote falls below 0.
    """
    amount = execution.amount()
    collateral(execution, Step.TRANSFER_TOTAL)
    parties = execution.register("account"), execution.register("other")
    execution.nonzero(Step.TRANSFER_TOTAL, "not to itself", parties[0] - parties[1])
    for k, part in enumerate(amount):
        execution.require(Step.TRANSFER_TOTAL, f"amount limb {k} in range", (part - execution.ports[k]).expression)
    header(execution, Step.TRANSFER_FROM_HEADER, message=True, may_open=False, checked=True)
    execution.nonzero(Step.TRANSFER_FROM_HEADER, "amount is not 0", execution.amount_sum())
    account, asset = execution.register("account"), execution.register("instrument")
    balance(execution, Step.TRANSFER_FROM_BALANCE, account, asset, negate(amount))
    fresh_prices(execution, Step.TRANSFER_FROM_BALANCE, capped=Capped.ALL)
    switch = execution.step(Step.TRANSFER_FROM_BALANCE)
    execution.release(Step.TRANSFER_FROM_BALANCE, "account", "mask", "opened")
    execution.hand_over("transfer: the receiver follows the sender", switch, "account", execution.register("other"))
    header(execution, Step.TRANSFER_TO_HEADER, message=False, may_open=True)
    receiver = execution.old[HEADER_ROLE]
    execution.require(Step.TRANSFER_TO_HEADER, "receiver is a trader", receiver - int(Role.TRADER))
    balance(execution, Step.TRANSFER_TO_BALANCE, account, asset, amount, may_open=True)
