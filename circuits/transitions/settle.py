"""Settlement, an act of the operator: the mark of a halted market becomes final."""

from circuits.accounts import market_leaf, reliable_mark
from circuits.bounds import TIME_MAX
from circuits.buses import Public
from circuits.execution import Execution
from circuits.records import MARKET_VALID, MARKET_WEIGHT, PARAMETERS_SLOT, RULES_SLOT, RULES_STATUS, TAG, Status, Tag
from circuits.steps import Step
from circuits.transitions.act import count


def constrain(execution: Execution) -> None:
    """Rules and parameters get the tag SETTLED: no act and no price finds them any more, and no order is taken.

    The market is published, so the leaf is that of its rules or empty for ever, and only rules say HALTED. What has
    rules is a perpetual, so the other two leaves are its own. The mark is one that may be relied on now, and from now
    on always.
    """
    count(execution, Step.SETTLE_VENUE, Public.SETTLE)
    old, new = execution.old, execution.new
    step = Step.SETTLE_RULES
    execution.access(step, market_leaf(execution, RULES_SLOT), None, [RULES_STATUS, TAG])
    execution.require(step, "the market is halted", old[RULES_STATUS] - int(Status.HALTED))
    execution.require(step, "the market is settled", new[RULES_STATUS] - int(Status.SETTLED))
    execution.require(step, "new kind of record", new[TAG] - int(Tag.SETTLED))
    step = Step.SETTLE_PARAMETERS
    execution.access(step, market_leaf(execution, PARAMETERS_SLOT), None, [TAG])
    execution.require(step, "new kind of record", new[TAG] - int(Tag.SETTLED))
    step = Step.SETTLE_MARKET
    execution.access(step, market_leaf(execution, 0), None, [MARKET_WEIGHT, MARKET_WEIGHT + 1, MARKET_VALID])
    reliable_mark(execution, step)
    execution.require(step, "the mark is final", new[MARKET_VALID] - TIME_MAX)
    for k in range(2):
        execution.require(step, f"nothing is required, limb {k}", new[MARKET_WEIGHT + k])
