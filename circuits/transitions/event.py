"""An account sees the next deleveraging: of a position on the side that was reduced its share is closed, at the event's
price.

Of lots n closed at an open interest S, a position of k lots loses ceil(k * n / S). The account ROUNDING, which has
taken the n lots, gets these; so it may come to have less than a lot for each event and account on the side that was
reduced, at that price. EVENT reads the position. UNMOVED: it is on the other side, 0, or there is none. REDUCE: it
pays, or is paid, its funding up to the event's index, then it is reduced. As the index may be behind the position's
own, that payment may go back: funding is linear in time, so what is paid in all is the same, but for rounding.

Every account sees every event, ROUNDING too, whose swap with itself changes nothing.
"""

from circuits.bounded import bounded, unsound_bounded
from circuits.bounds import ACCOUNT_SLOTS, BIAS_TOP_LIMB, LIMB
from circuits.execution import REGISTERS, Execution
from circuits.field import P
from circuits.notional import notional
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_SLOT,
    EVENT_BASE,
    EVENT_BOOK,
    EVENT_FUNDING,
    EVENT_INTEREST,
    EVENT_LOTS,
    EVENT_PRICE,
    HEADER_EVENTS,
    TAG,
    SystemAccount,
    Tag,
)
from circuits.steps import Step
from circuits.swap import FUNDING, GIVES, GOES_ON, OTHER, UNITS, WHOLE

# Registers, under the names they have here.
CONCERNED = GOES_ON  # 1 if the account is to be reduced; 0 from its swap on
LONGS = "post"  # 1 if the event reduces long positions, 0 if short ones
LOTS = ("maker_rate", "taker_rate")  # of the position, whichever side it is on
NUMBER = "sequence"
AMOUNT = ("amount0", "amount1", "amount2", "amount3")
LOTS_PORTS = (0, 1)  # of EVENT_BALANCE; scratch: 1 if the position is short
# Of EVENT_RECORD: the share, the remainder, what it is below the open interest, and the carries, each of two ports.
SHARE_PORTS, REMAINDER_PORTS, REST_PORTS, LOW_PORTS, MIDDLE_PORTS = (0, 1), (2, 3), (4, 5), (6, 7), (8, 9)
MIDDLE_OFFSET, MIDDLE_HIGH = 2 * LIMB, 4  # what the first port of the middle carry counts
PRICE_PORTS, NOTIONAL_PORT, CARRY_PORT = (0, 1), 2, 6  # of EVENT_HEADER


def constrain(execution: Execution) -> None:
    """Anyone may file it; no margin is checked, as the price is the same for all of that side."""
    _position(execution)
    _share(execution)
    _see(execution)
    _way(execution)


def _position(execution: Execution) -> None:
    """How many lots the account has on the reduced side, or, if it is not concerned, on the other.

    The account has a header and the event a market, so the leaf is a balance or empty. Every change leaves a position
    of two limbs, of ROUNDING and FUNDING_POOL perhaps of more: then they can see no event, which only a deposit to them
    would need.
    """
    step, ports, old, negative = Step.EVENT_BALANCE, execution.ports, execution.old, execution.scratch
    account, instrument = execution.register("account"), execution.register("instrument")
    execution.access(step, ACCOUNT_BASE + BALANCE_SLOT + instrument + ACCOUNT_SLOTS * account)
    concerned, longs = execution.register(CONCERNED), execution.register(LONGS)
    for name, bit in (("concern", concerned), ("the side", longs)):
        execution.require(step, f"{name} is boolean", bit * (bit - 1))
    bits = [unsound_bounded(bit, 0, 1, "boolean, as a position has two limbs") for bit in (concerned, longs, negative)]
    held = unsound_bounded(old[TAG] * pow(int(Tag.BALANCE), -1, P), 0, 1, "the leaf is a balance or empty")
    high = execution.old_limb(2) + execution.old_limb(3) * LIMB
    execution.equal(step, "sign of the position", high, held * (BIAS_TOP_LIMB * LIMB) - bits[2])
    position = execution.old_limb(0) + execution.old_limb(1) * LIMB - bits[2] * (LIMB * LIMB)
    lots = [ports[port] for port in LOTS_PORTS]
    sided = (bits[0] * 2 - 1) * (bits[1] * 2 - 1) * position
    execution.equal(step, "lots on the side", sided, lots[0] + lots[1] * LIMB)
    execution.require(step, "funding is paid to the pool", execution.register(OTHER) - int(SystemAccount.FUNDING_POOL))
    for name, part in zip(LOTS, lots, strict=True):
        execution.require(step, f"register {name}", execution.register(name) - part.expression)


def _share(execution: Execution) -> None:
    """lots * n + remainder = share * S with remainder < S, limb by limb: the share is rounded up.

    n <= S, so the share is at most the lots. Every carry fits: that of the low limbs is within LIMB, that of the middle
    ones within 2 * LIMB.
    """
    step, ports, old = Step.EVENT_RECORD, execution.ports, execution.old
    execution.access(step, EVENT_BASE + execution.register(NUMBER), Tag.EVENT)
    book = 2 * execution.register("instrument") + execution.register(LONGS)
    execution.require(step, "market and side", old[EVENT_BOOK] - book)
    execution.require(step, "price", execution.register("price") - old[EVENT_PRICE])
    execution.require(step, "funding index", execution.register(FUNDING) - old[EVENT_FUNDING])
    lots = [execution.bounded_register(name) for name in LOTS]
    closed, interest = ([execution.old_limb(at + k) for k in range(2)] for at in (EVENT_LOTS, EVENT_INTEREST))
    share, remainder, rest = ([ports[k] for k in at] for at in (SHARE_PORTS, REMAINDER_PORTS, REST_PORTS))
    below = remainder[0] + rest[0] + (remainder[1] + rest[1]) * LIMB + 1
    execution.equal(step, "remainder below the open interest", below, interest[0] + interest[1] * LIMB)
    low = ports[LOW_PORTS[0]] - ports[LOW_PORTS[1]]
    middle = ports[MIDDLE_PORTS[0]] * MIDDLE_HIGH + ports[MIDDLE_PORTS[1]] - MIDDLE_OFFSET
    crossed = [lots[0] * closed[1] + lots[1] * closed[0], share[0] * interest[1] + share[1] * interest[0]]
    execution.equal(step, "share, limb 0", lots[0] * closed[0] + remainder[0], share[0] * interest[0] + low * LIMB)
    execution.equal(step, "share, limb 1", crossed[0] + remainder[1] + low, crossed[1] + middle * LIMB)
    execution.equal(step, "share, limbs 2 and 3", lots[1] * closed[1] + middle, share[1] * interest[1])
    for name, part in zip(UNITS, (*share, bounded(0), bounded(0)), strict=True):
        execution.require(step, f"register {name}", execution.register(name) - part.expression)


def _see(execution: Execution) -> None:
    """It is the first event that the account has not seen; then it has. amount = price * share, against ROUNDING."""
    step, ports, old, new = Step.EVENT_HEADER, execution.ports, execution.old, execution.new
    execution.access(step, ACCOUNT_BASE + ACCOUNT_SLOTS * execution.register("account"), Tag.HEADER, [HEADER_EVENTS])
    execution.require(step, "it is the next event", old[HEADER_EVENTS] - execution.register(NUMBER))
    execution.require(step, "events are counted", new[HEADER_EVENTS] - old[HEADER_EVENTS] - 1)
    price = [ports[port] for port in PRICE_PORTS]
    limbs = (price[0] + price[1] * LIMB).expression
    execution.require(step, "limbs of the price", execution.register("price") - limbs)
    share = [execution.bounded_register(name) for name in UNITS[:2]]
    notional(execution, step, price, share, product_port=NOTIONAL_PORT, carry_port=CARRY_PORT)
    execution.require(step, "the side gives", execution.register(GIVES) - execution.register(LONGS))
    for name, value in ((OTHER, int(SystemAccount.ROUNDING)), (WHOLE, 0)):
        execution.require(step, f"register {name}", execution.register(name) - value)


def _way(execution: Execution) -> None:
    """Who is concerned is paid its funding before it sees the event, and is reduced after."""
    concerned = execution.register(CONCERNED)
    balance, header, paid = (execution.step(s) for s in (Step.EVENT_BALANCE, Step.EVENT_HEADER, Step.SWAP_OTHER_QUOTE))
    execution.lead(Step.PAY_BASE, balance * concerned)
    execution.lead(Step.EVENT_RECORD, balance * (1 - concerned) + paid * concerned)
    execution.lead(Step.SWAP_BASE, header * concerned)
    for step in (Step.SWAP_OTHER_QUOTE, Step.EVENT_HEADER):
        execution.hold(step, execution.step(step) * concerned, *REGISTERS)
    execution.release(Step.EVENT_RECORD, *AMOUNT, GIVES, OTHER)
    execution.release(Step.EVENT_HEADER, CONCERNED)
    execution.hand_over("event_header: then the swap is the last one", header * concerned, CONCERNED, 0)
