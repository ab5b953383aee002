"""Conversion: the insurance fund buys lots of an asset from an account that owes cash and is below its maintenance
requirement, no more than what it owes is worth."""

from circuits.accounts import market_leaf
from circuits.air import Where
from circuits.bounded import Bounded, unsound_bounded
from circuits.bounds import BIAS_TOP_LIMB, CONVERSION_DISCOUNT, LIMB
from circuits.execution import BOUND_PORT, CASH_PORTS, EQUITY_PORTS, REGISTERS, Execution
from circuits.expression import Expression
from circuits.notional import notional
from circuits.records import HEADER_ORDERS, MARKET_LOT_UNITS, MARKET_MARK, MARKET_WEIGHT, SystemAccount, Tag
from circuits.steps import Step
from circuits.swap import GIVES, OTHER, UNITS
from circuits.transitions.take_over import OF_CHECK, WAIVED

# Registers, under the names they have here, as limbs.
PRICE, LOTS = ("maker_rate", "taker_rate"), ("after", "expiry")
SHORTFALL = ("chain", "sequence", "asked", "achieved")  # the cash that is owed
BORROW = "own"  # register of CONVERT_WORTH alone: the carry between the halves of a difference
LOWER = "own"  # of CONVERT_MARKET alone: 1 if the price is no less than the collateral value, whatever the mark
INVERSE = "placed"  # of CONVERT_MARKET alone: of the sum of the value's limbs, if LOWER is 1
LOT = "interest"  # base units of a lot
# Ports of CONVERT_MARKET and of CONVERT_WORTH.
PRICE_PORT, BELOW_PORT, ABOVE_PORT, ABOVE_CARRY_PORT, UNITS_PORT, UNITS_CARRY_PORT = 0, 2, 4, 6, 7, 10
NEGATIVE_PORT = 11  # of CONVERT_MARKET: how negative the equity is, if LOWER is 1
NOTIONAL_PORT, NOTIONAL_CARRY_PORT, LOTS_PORT, LEFT_PORT = 0, 4, 6, 8
ROOM_PORT = 8  # of SWAP_OTHER_BASE: how much more the fund may have, in LIMB^2 base units
ABOVE_CARRY_OFFSET = CONVERSION_DISCOUNT


def constrain(execution: Execution) -> None:
    """What an account requires stays the same, and its equity does not fall if an asset's haircut is at least the
    discount, nor at a price that is lower than that. Its funding index is that of an asset, 0, in the swap."""
    _need(execution)
    _price(execution)
    _units(execution)
    _worth(execution)
    _waive(execution)
    _end(execution)


def _need(execution: Execution) -> None:
    """The seizure just before has found the account to owe the shortfall, and no order of it rests."""
    step, comes = Step.CONVERT_MARKET, execution.step(Step.CONVERT_MARKET).next()
    execution.require(step, "it follows a seizure", execution.register("forced") - 1)

    def demand(label: str, value: Expression) -> None:
        execution.table.constrain(f"convert: {label}", comes * value, Where.TRANSITION)

    demand("no orders rest", execution.old[HEADER_ORDERS])
    demand("cash is owed", execution.scratch - 1)
    for k, (name, port) in enumerate(zip(SHORTFALL, CASH_PORTS, strict=True)):
        demand(f"shortfall, limb {k}", execution.register(name) - execution.ports[port].expression)
    top = execution.ports[EQUITY_PORTS[-1]].expression + execution.ports[NEGATIVE_PORT].expression.next()
    demand("a lower price is of negative equity", execution.register(LOWER).next() * (top - (BIAS_TOP_LIMB - 1)))


def _price(execution: Execution) -> None:
    """mark - floor(mark / DISCOUNT) <= price <= mark, that is, DISCOUNT * price >= (DISCOUNT - 1) * mark; or, if LOWER
    is 1, 0 < value <= price <= mark, where the value is that of a lot as collateral: a fund without equity loses none.
    """
    step, ports = Step.CONVERT_MARKET, execution.ports
    execution.access(step, market_leaf(execution, 0), Tag.ASSET)
    price, mark = _registers(execution, PRICE), [execution.old_limb(MARKET_MARK + k) for k in range(2)]
    for k, part in enumerate(price):
        execution.require(step, f"price limb {k} in range", (part - ports[PRICE_PORT + k]).expression)
    below = ports[BELOW_PORT] + ports[BELOW_PORT + 1] * LIMB
    execution.equal(step, "price not above the mark", mark[0] + mark[1] * LIMB - price[0] - price[1] * LIMB, below)
    carry = ports[ABOVE_CARRY_PORT] - ABOVE_CARRY_OFFSET
    flag, value = execution.register(LOWER), [execution.old_limb(MARKET_WEIGHT + k) for k in range(2)]
    execution.require(step, "a lower price is boolean", flag * (flag - 1))
    lower = unsound_bounded(flag, 0, 1, "constrained to be boolean on this step")
    worth = (value[0] + value[1]).expression  # below P: 0 only if both limbs are
    execution.require(step, "a lower price has a value", flag * (worth * execution.register(INVERSE) - 1))
    near = (1 - lower) * (CONVERSION_DISCOUNT - 1)
    low, high = ((p - m) * near + p - v * lower for p, m, v in zip(price, mark, value, strict=True))
    execution.equal(step, "price within the discount, low limb", low, ports[ABOVE_PORT] + carry * LIMB)
    execution.equal(step, "price within the discount, high limb", high + carry, ports[ABOVE_PORT + 1])


def _units(execution: Execution) -> None:
    """units = lots * units of a lot, three limbs; at least one lot. The account gives them to the fund."""
    step, ports = Step.CONVERT_MARKET, execution.ports
    lots, units, carry = _registers(execution, LOTS), _registers(execution, UNITS), ports[UNITS_CARRY_PORT]
    execution.nonzero(step, "at least one lot", (lots[0] + lots[1]).expression)
    for k in range(3):
        execution.require(step, f"units limb {k} in range", (units[k] - ports[UNITS_PORT + k]).expression)
    lot = execution.old_limb(MARKET_LOT_UNITS)
    execution.equal(step, "units, limb 0", lots[0] * lot, ports[UNITS_PORT] + carry * LIMB)
    rest = ports[UNITS_PORT + 1] + ports[UNITS_PORT + 2] * LIMB
    execution.equal(step, "units, limbs 1 and 2", lots[1] * lot + carry, rest)
    for name, value in ((GIVES, 1), (OTHER, int(SystemAccount.INSURANCE)), (UNITS[3], 0)):
        execution.require(step, f"register {name}", execution.register(name) - value)


def _worth(execution: Execution) -> None:
    """amount = price * lots, and amount - price < shortfall: with a lot less some cash would still be owed.

    shortfall - amount + price - 1 is compared in halves of two limbs each. The row is there for its ports: what it
    reads, any leaf, does not matter.
    """
    step, ports = Step.CONVERT_WORTH, execution.ports
    execution.access(step, None)
    price, lots, short = (_registers(execution, names) for names in (PRICE, LOTS, SHORTFALL))
    for k, part in enumerate(lots):
        execution.require(step, f"lots limb {k} in range", (part - ports[LOTS_PORT + k]).expression)
    notional(execution, step, price, lots, product_port=NOTIONAL_PORT, carry_port=NOTIONAL_CARRY_PORT)
    bit = execution.register(BORROW)
    execution.require(step, "carry is -1, 0 or 1", bit * (bit - 1) * (bit + 1))
    carry = unsound_bounded(bit, -1, 1, "constrained above")
    less = [owed - paid for owed, paid in zip(short, execution.amount(), strict=True)]
    low = less[0] + price[0] - 1 + (less[1] + price[1]) * LIMB
    left = [ports[LEFT_PORT + k] + ports[LEFT_PORT + k + 1] * LIMB for k in (0, 2)]
    execution.equal(step, "no more than needed, low half", low, left[0] + carry * (LIMB * LIMB))
    execution.equal(step, "no more than needed, high half", less[2] + less[3] * LIMB + carry, left[1])


def _waive(execution: Execution) -> None:
    """At the collateral value itself the fund's equity stays the same, so its check may fail, provided that all its
    lots count afterwards, at most SIZE_MAX: it has less than LIMB^2 lots, so the high half of its units is less than
    the units of a lot.
    """
    waived, step = execution.register(WAIVED), Step.CONVERT_MARKET
    for k, name in enumerate(PRICE):
        apart = execution.register(name) - execution.old[MARKET_WEIGHT + k]
        execution.require(step, f"the fund's check is waived at the collateral value, limb {k}", waived * apart)
    execution.require(step, "units of a lot", execution.register(LOT) - execution.old[MARKET_LOT_UNITS])
    step, new = Step.SWAP_OTHER_BASE, execution.new
    held = new[2] + (new[3] - BIAS_TOP_LIMB) * LIMB + execution.ports[ROOM_PORT].expression
    forced = execution.register("forced") * waived
    execution.require(step, "where it is waived all lots count", forced * (execution.register(LOT) - 1 - held))


def _end(execution: Execution) -> None:
    """The account does not come to owe the asset, and the fund's check follows the swap.

    No other swap is forced, and then nothing follows it: as the selector of FUND_HEADER is boolean, so is `forced`
    there.
    """
    forced, last = execution.register("forced"), Step.SWAP_OTHER_QUOTE
    held = execution.new[3] - BIAS_TOP_LIMB - execution.ports[BOUND_PORT].expression
    execution.require(Step.SWAP_BASE, "no more than the account has", forced * held)
    follows = execution.step(last) * forced
    execution.lead(Step.FUND_HEADER, follows)
    execution.hold(last, follows, *(name for name in REGISTERS if name not in ("account", *OF_CHECK)))


def _registers(execution: Execution, names: tuple[str, ...]) -> list[Bounded]:
    return [execution.bounded_register(name) for name in names]
