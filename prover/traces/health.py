"""What margin checks have found, on the execution rows that ask for it."""

import numpy as np

from circuits import margin as layout
from circuits.execution import CASH_PORTS, EQUITY_PORTS, REQUIRED_PORTS
from circuits.steps import HEALTH_STEPS
from prover.traces.columns import Columns
from prover.traces.execution import ExecutionTrace


def take_health(execution: ExecutionTrace, margin: Columns) -> None:
    """Copy equity, requirement and cash from the closing rows, which are then said to report."""
    closing = np.flatnonzero(margin["is_closing"])
    asking = margin["clock"][closing] - 1
    told = np.isin(execution.step[asking], [int(step) for step in HEALTH_STEPS])
    closing, asking = closing[told], asking[told]
    margin["reports"][closing] = 1
    for ports, numbers in (
        (EQUITY_PORTS, layout.EQUITY), (REQUIRED_PORTS, layout.REQUIRED), (CASH_PORTS, layout.SHORT),
    ):  # fmt: skip
        for port, number in zip(ports, numbers, strict=True):
            execution.port(port, asking, margin[f"port{number}"][closing])
    execution.columns["scratch"][asking] = margin["negative"][closing]
