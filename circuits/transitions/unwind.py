"""Unwinding: an order by which the insurance fund gets rid of a position, near the mark. Anyone may ask for it."""

from circuits.accounts import market_leaf
from circuits.bounded import unsound_bounded
from circuits.bounds import LIMB, PRICE_MAX
from circuits.execution import Execution
from circuits.records import MARKET_MARK, MARKET_WEIGHT, SystemAccount
from circuits.steps import Step
from circuits.transitions.match import BUYS, LIMIT, UNWINDS

RATE = "taker_rate"
LIMIT_PORT, ROOM_PORT = 0, 2


def constrain(execution: Execution) -> None:
    """The limit is worse than the mark by at most the requirement a lot. The order pays no fee, is reduce-only and
    never rests; what the fund has left after its fill, `circuits.transitions.match` checks."""
    step, ports, buys = Step.UNWIND_LIMIT, execution.ports, execution.register(BUYS)
    execution.access(step, market_leaf(execution, 0))
    for label, name, value in (
        ("the order is the fund's", "account", int(SystemAccount.INSURANCE)), ("the fund unwinds", UNWINDS, 1),
        ("the order is reduce-only", "reduce", 1), ("the order does not rest", "rests", 0), ("no fee", RATE, 0),
    ):  # fmt: skip
        execution.require(step, label, execution.register(name) - value)
    limit = ports[LIMIT_PORT] + ports[LIMIT_PORT + 1] * LIMB
    execution.require(step, "limbs of the limit", execution.register(LIMIT) - limit.expression)
    mark, weight = (
        unsound_bounded(
            execution.old[at] + execution.old[at + 1] * LIMB, 0, PRICE_MAX, "two limbs, if it is a perpetual's"
        )
        for at in (MARKET_MARK, MARKET_WEIGHT)
    )
    sign = unsound_bounded(2 * buys - 1, -1, 1, "ORDER_MARKET shows the side to be boolean")
    room = ports[ROOM_PORT] + ports[ROOM_PORT + 1] * LIMB
    execution.equal(step, "limit near the mark", sign * (mark - limit) + weight, room)
