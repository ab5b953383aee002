"""One file a transition kind: what its steps access, write and require. `ALL` is the registry."""

from collections.abc import Callable

from circuits import payment, swap, zero_price
from circuits.execution import Execution
from circuits.transitions import (
    act,
    apply_funding,
    cancel,
    cash_out,
    close,
    convert,
    deleverage,
    deposit,
    event,
    liquidate,
    match,
    order,
    pay_funding,
    price,
    register,
    sample_funding,
    settle,
    take_over,
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
    deleverage.constrain,
    event.constrain,
    payment.constrain,
    pay_funding.constrain,
    sample_funding.constrain,
    apply_funding.constrain,
    take_over.constrain,
    convert.constrain,
    close.constrain,
)
