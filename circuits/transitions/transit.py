"""Send and receive: an amount leaves one chain's vault and, once the bridge has brought it, joins another's."""

from circuits.execution import Execution
from circuits.steps import STEPS, Kind
from circuits.vaults import in_transit


def constrain(execution: Execution) -> None:
    """The chain that sends pays the bridge: for it this is a withdrawal. The bridge pays into the queue of the other
    one: for that one it is a deposit. What is between them backs the liabilities too."""
    for kind in (Kind.SEND, Kind.RECEIVE):
        first, source, transit = STEPS[kind]
        in_transit(execution, (first, source, transit), sent=kind is Kind.SEND)
