"""The amount register as a product: what so many lots are worth at a price."""

from collections.abc import Sequence

from circuits.bounded import Bounded
from circuits.execution import Execution
from circuits.multiply import multiply
from circuits.steps import Step


def notional(
    execution: Execution,
    step: Step,
    price: Sequence[Bounded],
    size: Sequence[Bounded],
    *,
    product_port: int,
    carry_port: int,
) -> None:
    """amount = price * size over the integers: two range-checked limbs each, four limbs of the product.

    product_port: the first of four ports, carry_port of two. `scratch` is what the middle carry has above one limb.
    """
    product = execution.ports[product_port : product_port + 4]
    for k, port in enumerate(product):
        execution.require(step, f"notional limb {k} in range", execution.register(f"amount{k}") - port.expression)
    name, carries = f"{step.name.lower()}: notional", execution.ports[carry_port : carry_port + 2]
    multiply(execution.table, name, execution.step(step), (price, size), product, carries, execution.scratch)
