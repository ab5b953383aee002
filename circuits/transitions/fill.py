"""Fill: a maker and a taker trade size lots of a perpetual at a price; each pays its fee and keeps its initial
margin."""

from circuits.accounts import balance, header, market_leaf
from circuits.bounded import Bounded, bounded, unsound_bounded
from circuits.bounds import AMOUNT_LIMBS, FEE_LIMBS, FEE_ONE, LIMB
from circuits.execution import LIMIT, OTHER_LIMIT, Execution
from circuits.multiply import multiply
from circuits.records import (
    MARKET_BIT,
    PARAMETERS_MAKER_FEE,
    PARAMETERS_SLOT,
    PARAMETERS_TAKER_FEE,
    QUOTE_INSTRUMENT,
    SystemAccount,
    Tag,
)
from circuits.steps import Step

BUYS, IS_TAKER = "side", "phase"  # registers of the party at hand; the maker comes first
FEE_CARRY_OFFSET = LIMB // 4


def constrain(execution: Execution) -> None:
    """Base and quote move between the parties in opposite directions by the same integers; fees move to the fee
    account. A perpetual has a parameters record."""
    _market(execution)
    _notional(execution)
    _fee(execution)
    _parties(execution)
    account, instrument = execution.register("account"), execution.register("instrument")
    header(execution, Step.FILL_HEADER, message=True, may_open=True)
    side = unsound_bounded(2 * execution.register(BUYS) - 1, -1, 1, "the side is boolean")
    size = [execution.bounded_register(f"size{k}") * side for k in range(2)]
    balance(execution, Step.FILL_BASE, account, instrument, [*size, bounded(0), bounded(0)], may_open=True)
    _limit(execution, side)
    fee = [*(execution.bounded_register(f"fee{k}") for k in range(FEE_LIMBS)), bounded(0)]
    paid = [bounded(0) - notional * side - part for notional, part in zip(execution.amount(), fee, strict=True)]
    balance(execution, Step.FILL_QUOTE, account, QUOTE_INSTRUMENT, paid)
    execution.nonzero(Step.FILL_QUOTE, "price and size are not 0", execution.amount_sum())
    balance(execution, Step.FILL_FEE, int(SystemAccount.FEE), QUOTE_INSTRUMENT, fee)


def _market(execution: Execution) -> None:
    """The instrument is a perpetual, the parties are two; size is range-checked; the maker is the first party."""
    step, ports = Step.FILL_MARKET, execution.ports
    execution.access(step, market_leaf(execution, 0), Tag.PERPETUAL)
    execution.require(step, "bit of the market", execution.register("bit") - execution.old[MARKET_BIT])
    execution.nonzero(step, "not with itself", execution.register("account") - execution.register("other"))
    for k in range(2):
        execution.require(step, f"size limb {k} in range", execution.register(f"size{k}") - ports[k].expression)
    side = execution.register(BUYS)
    execution.require(step, "side is boolean", side * (side - 1))
    execution.require(step, "the maker is first", execution.register(IS_TAKER))


def _notional(execution: Execution) -> None:
    """Fee rates, and amount = price * size as four limbs by schoolbook multiplication with carries."""
    step, ports = Step.FILL_PARAMETERS, execution.ports
    execution.access(step, market_leaf(execution, PARAMETERS_SLOT))
    execution.require(step, "maker rate", execution.register("maker_rate") - execution.old[PARAMETERS_MAKER_FEE])
    execution.require(step, "taker rate", execution.register("taker_rate") - execution.old[PARAMETERS_TAKER_FEE])
    price, notional = ports[:2], ports[2:6]
    execution.require(step, "limbs of the price", execution.register("price") - (price[0] + price[1] * LIMB).expression)
    for k, port in enumerate(notional):
        execution.require(step, f"notional limb {k} in range", execution.register(f"amount{k}") - port.expression)
    size = [execution.bounded_register(f"size{k}") for k in range(2)]
    name, selector = f"{step.name.lower()}: notional", execution.step(step)
    multiply(execution.table, name, selector, (price, size), notional, ports[6:8], execution.scratch)


def _fee(execution: Execution) -> None:
    """fee = ceil(notional * rate / FEE_ONE): notional * rate + remainder = fee * FEE_ONE with 0 <= remainder < FEE_ONE.

    Compared limb by limb with carries in [-LIMB/4, 3 LIMB/4), which hold every carry of a rate of at most FEE_MAX.
    """
    step, ports = Step.FILL_HEADER, execution.ports
    fee, remainder, rest, carry_ports = ports[:3], ports[3:5], ports[5:7], ports[7:10]
    for k, port in enumerate(fee):
        execution.require(step, f"fee limb {k} in range", execution.register(f"fee{k}") - port.expression)
    whole = remainder[0] + rest[0] + (remainder[1] + rest[1]) * LIMB
    execution.equal(step, "fee remainder below one", whole, FEE_ONE - 1)
    maker, taker = execution.register("maker_rate"), execution.register("taker_rate")
    rate = unsound_bounded(
        maker + execution.register(IS_TAKER) * (taker - maker), 0, LIMB - 1, "a limb of the parameters record"
    )
    low, high = FEE_ONE % LIMB, FEE_ONE // LIMB
    notional = execution.amount()
    carry_in = bounded(0)
    for k in range(AMOUNT_LIMBS):
        left = notional[k] * rate + carry_in + (remainder[k] if k < len(remainder) else 0)
        right = (fee[k] * low if k < FEE_LIMBS else bounded(0)) + (fee[k - 1] * high if k else 0)
        carry = carry_ports[k] - FEE_CARRY_OFFSET if k < FEE_LIMBS else bounded(0)
        execution.equal(step, f"fee, limb {k}", left, right + carry * LIMB)
        carry_in = carry


def _limit(execution: Execution, side: Bounded) -> None:
    """A buyer pays at most its limit, a seller receives at least its limit."""
    step, ports = Step.FILL_BASE, execution.ports
    limit, distance = (ports[i] + ports[i + 1] * LIMB for i in (7, 9))
    execution.require(step, "limit in range", execution.register(LIMIT) - limit.expression)
    price = unsound_bounded(execution.register("price"), 0, LIMB * LIMB - 1, "FILL_PARAMETERS shows its two limbs")
    execution.equal(step, "price within the limit", side * (limit - price), distance)


def _parties(execution: Execution) -> None:
    """After the maker's last step the taker takes its place, on the other side; fee, mask and opened become its own."""
    again = execution.step(Step.FILL_FEE) * (1 - execution.register(IS_TAKER))
    execution.release(Step.FILL_FEE, "account", "other", LIMIT, OTHER_LIMIT, BUYS, IS_TAKER)
    for step in (Step.FILL_FEE, Step.FILL_PARAMETERS):
        execution.release(step, "mask", "opened", "fee0", "fee1", "fee2")
    execution.hand_over("fill: the taker follows the maker", again, "account", execution.register("other"))
    execution.hand_over("fill: the taker's limit follows", again, LIMIT, execution.register(OTHER_LIMIT))
    execution.hand_over("fill: the taker is on the other side", again, BUYS, 1 - execution.register(BUYS))
    execution.hand_over("fill: the taker is second", again, IS_TAKER, execution.register(IS_TAKER) + 1)
