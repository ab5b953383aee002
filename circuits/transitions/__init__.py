"""One file a transition kind: what its steps access, write and require. `ALL` is the registry."""

from collections.abc import Callable

from circuits import swap, zero_price
from circuits.execution import Execution
from circuits.transitions import (
    act,
    cancel,
    cash_out,
    close,
    deposit,
    liquidate,
    match,
    order,
    price,
    register,
    settle,
    transfer,
    transit,
    unwind,
    withdraw,
)

ALL: tuple[Callable[[Execution], None], ...] = (
    register.constrain,
    deposit.constrain,
    withdraw.constrain,
    transfer.constrain,
    price.constrain,
    order.constrain,
    match.constrain,
    cancel.constrain,
    zero_price.constrain,
    liquidate.constrain,
    unwind.constrain,
    act.constrain,
    transit.constrain,
    settle.constrain,
    cash_out.constrain,
    swap.constrain,
    close.constrain,
)
