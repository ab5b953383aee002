"""One file a transition kind: what its steps access, write and require. `ALL` is the registry."""

from collections.abc import Callable

from circuits import swap
from circuits.execution import Execution
from circuits.transitions import (
    act,
    cancel,
    cash_out,
    close,
    convert,
    deposit,
    match,
    order,
    price,
    register,
    settle,
    take_over,
    transfer,
    transit,
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
    act.constrain,
    transit.constrain,
    settle.constrain,
    cash_out.constrain,
    swap.constrain,
    take_over.constrain,
    convert.constrain,
    close.constrain,
)
