"""The zero price of a position: to close at it keeps the ratio of the account's equity to its requirement.

    Z = M - sigma * E * w / R, rounded in the account's favour, but no further than h = floor(w / 2) from M

for a position of sign sigma (1: long) in a market with mark M and requirement w a lot, of an account with equity E and
requirement R (of the initial tier), which is not 0. So whoever stands opposite loses no more than half of what the lots
themselves require: an account that has at least half of its requirement keeps its ratio.

With Q = sigma * (M - Z), and the sign s of E, one of the two holds:
    not BOUNDED: E * w = Q * R + remainder, 0 <= remainder < R, and |Q| <= h;
    BOUNDED: Q = s * h, and |E| * w = h * R + excess, 0 <= excess.
Each shows Q to be the one of the formula, and so they agree where both hold. Where E * w = Q * R + remainder, Q has the
sign of E or is 0, so |Q| <= h if s * Q <= h. As 2 * h = w - odd,
    w - 2 * s * Q = odd + 2 * within, and no `within` if BOUNDED,
which, with odd 0 or 1, says s * Q <= h, or s * Q = h.

The row before ZERO_MARKET is one of an account's header that takes what its margin check has found, and no order of
the account rests. After DELEVERAGE_HEADER the venue may follow instead, with the same registers of the check.
ZERO_PRICE leaves the price in a register. In a settled market, where w is 0, it is the mark.
"""

from circuits.accounts import market_leaf
from circuits.air import Where
from circuits.bounded import Bounded, bounded, bounded_total, unsound_bounded
from circuits.bounds import AMOUNT_LIMBS, BIAS_TOP_LIMB, LIMB, LIMIT_MAX, ZERO_SHARE
from circuits.execution import EQUITY_PORTS, REQUIRED_PORTS, Execution
from circuits.records import HEADER_ORDERS, MARKET_MARK, MARKET_WEIGHT, Tag
from circuits.steps import Step

# Registers, under the names they have here.
GIVES = "side"  # 1 if the position is long; what follows shows it
PRICE = "price"  # the zero price, within 1..LIMIT_MAX
NEGATIVE = "rests"  # 1 exactly if the equity is less than 0
EQUITY = ("amount0", "amount1", "amount2", "amount3")  # biased; this and the next two are free again after ZERO_PRICE
REQUIRED = ("size0", "size1", "fee0", "fee1")
REMAINDER = ("head", "after", "removed", "expiry")  # or lower limbs of the excess
BOUNDED = "other_reduce"  # 1 if the price is as far from the mark as it may be

CLOSES = "growing"  # 1 if the position is to be closed at the price: ZERO_PRICE leads to DELEVERAGE_VENUE; 0 if not

HEADERS = (Step.SEIZE_HEADER, Step.DELEVERAGE_HEADER)  # what comes before ZERO_MARKET

REMAINDER_PORT, REST_PORT, LOW_CARRY_PORT, EQUITY_PORT, ROOM_PORT = 0, 4, 8, 9, 10  # on ZERO_MARKET
# On ZERO_PRICE; what is left up to half the requirement, or upper limbs of the excess; two ports for each carry. All
# twelve are taken: `scratch` is what the requirement is above an even number.
PRICE_PORT, WITHIN_PORT, CARRY_PORT = 0, 2, 4
HIGH_CARRY = 6  # what the second port of a carry counts: the two hold 0 .. 7 * (LIMB - 1)
CARRY_OFFSET = 11 * LIMB // 4  # products of a position sum up to a carry between -5/2 LIMB and 4 LIMB, and a little


def constrain(execution: Execution) -> None:
    """Both steps read the same record; anything but a perpetual has no position."""
    for step in (Step.ZERO_MARKET, Step.ZERO_PRICE):
        execution.access(step, market_leaf(execution, 0), Tag.PERPETUAL if step is Step.ZERO_MARKET else None)
    _found(execution)
    _remainder(execution)
    _price(execution)


def _found(execution: Execution) -> None:
    """Equity and requirement come from the margin check of the row before, which visits positions alone."""
    for step in HEADERS:
        execution.release(step, *EQUITY, *REQUIRED, *REMAINDER, BOUNDED, PRICE)
    arrives, deleverages = execution.step(Step.ZERO_MARKET).next(), execution.step(Step.DELEVERAGE_HEADER)
    rest, closes = execution.old[HEADER_ORDERS], execution.register(CLOSES)
    execution.table.constrain("zero price: no order rests", arrives * rest, Where.TRANSITION)
    for name, registers, ports in (("equity", EQUITY, EQUITY_PORTS), ("requirement", REQUIRED, REQUIRED_PORTS)):
        for k, (register, port) in enumerate(zip(registers, ports, strict=True)):
            value = execution.ports[port].expression
            execution.hand_over(f"zero price: {name} limb {k}", arrives + deleverages * (1 - closes), register, value)
    execution.table.constrain("zero price: who closes", arrives * (closes.next() - deleverages), Where.TRANSITION)
    liquidates = execution.step(Step.ZERO_PRICE) * (1 - closes)
    execution.lead(Step.LIQUIDATE_LIMIT, liquidates)


def _remainder(execution: Execution) -> None:
    """remainder + rest + 1 = R, so 0 <= remainder < R; compared by halves. If BOUNDED, rest + 1 = R: R is not 0.

    NEGATIVE is exact: the equity is biased.
    """
    step, ports = Step.ZERO_MARKET, execution.ports
    execution.require(step, "what is forced", execution.register("forced") - 1)
    for label, name in (("long", GIVES), ("negative", NEGATIVE), ("bounded", BOUNDED)):
        flag = execution.register(name)
        execution.require(step, f"{label} is boolean", flag * (flag - 1))
    carry = ports[LOW_CARRY_PORT].expression
    execution.require(step, "carry is boolean", carry * (carry - 1))
    carries = unsound_bounded(carry, 0, 1, "constrained to be boolean on this step")
    for k, name in enumerate(REMAINDER):
        part = execution.register(name) - ports[REMAINDER_PORT + k].expression
        execution.require(step, f"remainder limb {k} in range", part)
    required, rest = _limbs(execution, REQUIRED), ports[REST_PORT : REST_PORT + AMOUNT_LIMBS]
    keeps = 1 - _flag(execution, BOUNDED)
    whole = [keeps * a + b for a, b in zip(_limbs(execution, REMAINDER), rest, strict=True)]
    low, high = whole[0] + whole[1] * LIMB + 1, whole[2] + whole[3] * LIMB + carries
    low_required, high_required = (required[k] + required[k + 1] * LIMB for k in (0, 2))
    execution.equal(step, "remainder below the requirement, low half", low, low_required + carries * LIMB * LIMB)
    execution.equal(step, "remainder below the requirement, high half", high, high_required)
    negative = _flag(execution, NEGATIVE)
    above = execution.bounded_register(EQUITY[3]) - BIAS_TOP_LIMB
    execution.equal(step, "sign of the equity", (1 - negative * 2) * above - negative, ports[EQUITY_PORT])
    room = (ports[ROOM_PORT] + ports[ROOM_PORT + 1] * LIMB).expression
    execution.require(step, "price is below the sentinels", LIMIT_MAX - execution.register(PRICE) - room)


def _price(execution: Execution) -> None:
    """E * w and Q * R + remainder, or Q * R + s * excess, are the same, limb by limb with signed carries."""
    step, ports = Step.ZERO_PRICE, execution.ports
    low, high = ports[PRICE_PORT] + 1, ports[PRICE_PORT + 1]
    execution.require(step, "price is at least 1", execution.register(PRICE) - (low + high * LIMB).expression)
    long, negative, is_bounded = (_flag(execution, name) for name in (GIVES, NEGATIVE, BOUNDED))
    mark, weight = ([execution.old_limb(at + k) for k in range(2)] for at in (MARKET_MARK, MARKET_WEIGHT))
    share = [(2 * long - 1) * (m - z) for m, z in zip(mark, (low, high), strict=True)]
    within, sign = ports[WITHIN_PORT] + ports[WITHIN_PORT + 1] * LIMB, 1 - 2 * negative
    odd = execution.scratch
    execution.require(step, "oddness is boolean", odd * (odd - 1))
    rest = unsound_bounded(odd, 0, 1, "constrained to be boolean on this step") + ZERO_SHARE * (1 - is_bounded) * within
    left = weight[0] + weight[1] * LIMB - ZERO_SHARE * sign * (share[0] + share[1] * LIMB)
    execution.equal(step, "no further from the mark than half the requirement", left, rest)
    equity, required, remainder = (_limbs(execution, names) for names in (EQUITY, REQUIRED, REMAINDER))
    equity[-1] = equity[-1] - BIAS_TOP_LIMB
    turns = unsound_bounded((1 - 2 * is_bounded * negative).expression, -1, 1, "both flags are boolean")
    carry_in = bounded(0)
    for k in range(AMOUNT_LIMBS + 1):
        top = k == AMOUNT_LIMBS
        carry, rest = (bounded(0), is_bounded * sign * within) if top else (_carry(execution, k), turns * remainder[k])
        right = _products(share, required, k) + rest + carry * LIMB
        execution.equal(step, f"share of the equity, limb {k}", _products(weight, equity, k) + carry_in, right)
        carry_in = carry
    execution.release(step, *REQUIRED, *REMAINDER, BOUNDED)
    execution.hold(step, execution.step(step) * execution.register(CLOSES), *EQUITY)


def _flag(execution: Execution, name: str) -> Bounded:
    return unsound_bounded(execution.register(name), 0, 1, "constrained to be boolean on ZERO_MARKET")


def _products(two: list[Bounded], four: list[Bounded], position: int) -> Bounded:
    """The sum of the products that belong to a limb of the whole."""
    return bounded_total([two[i] * four[position - i] for i in range(2) if 0 <= position - i < AMOUNT_LIMBS])


def _carry(execution: Execution, number: int) -> Bounded:
    low, high = execution.ports[CARRY_PORT + 2 * number : CARRY_PORT + 2 * number + 2]
    return low + high * HIGH_CARRY - CARRY_OFFSET


def _limbs(execution: Execution, names: tuple[str, ...]) -> list[Bounded]:
    return [execution.bounded_register(name) for name in names]
