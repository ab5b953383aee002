"""What becomes of an account with negative equity that the insurance fund cannot take over.

What it has as collateral has been converted before. DELEVERAGE: one of its positions is closed, at its zero price,
against all that are on the other side of the market, each with its share (circuits/transitions/event.py). SOCIALISE:
without a position that requires anything what it owes becomes a loss, which the account LOSS owes to all and every
batch publishes.
"""

from circuits.accounts import fresh_prices, header, market_leaf
from circuits.air import Where
from circuits.bounded import unsound_bounded
from circuits.bounds import BIAS_TOP_LIMB, LIMB, MAX_EVENTS
from circuits.buses import Capped, Tier
from circuits.execution import CASH_PORTS, EQUITY_PORTS, Execution
from circuits.expression import Expression, total
from circuits.notional import notional
from circuits.records import (
    EVENT_BASE,
    HEADER_ROLE,
    RULES_INTEREST,
    RULES_SLOT,
    VENUE_EVENTS,
    VENUE_INDEX,
    Role,
    SystemAccount,
    Tag,
)
from circuits.steps import Step
from circuits.swap import FUNDING, GIVES, OTHER, UNITS, WHOLE
from circuits.zero_price import CLOSES, EQUITY, PRICE, REQUIRED

# Registers, under the names they have here.
FUND_EQUITY = ("maker_rate", "taker_rate", "chain", "sequence")  # limbs, biased
INTEREST = "asked"  # open interest before
# Ports of DELEVERAGE_VENUE: a loss, the sum of both equities (`scratch` is the carry within it), how negative the
# equity is, and the room for events.
LOSS_PORTS, SUM_PORTS, NEGATIVE_PORT, ROOM_PORT = (0, 1, 2, 3), (4, 5, 6, 7), 8, 9
# Of DELEVERAGE_RULES: the limbs of the price, of amount = price * size, its carries, and what interest is left.
PRICE_PORTS, NOTIONAL_PORT, NOTIONAL_CARRY_PORT, LEFT_PORT = (0, 1), 2, 6, 8
SIZE_PORTS, INTEREST_PORTS = (0, 1), (2, 3)  # of DELEVERAGE_EVENT


def constrain(execution: Execution) -> None:
    """Both kinds begin with the same three steps. Nobody need ask for it."""
    _equities(execution)
    _way(execution)
    _collateral(execution)
    _short(execution)
    _loss(execution)
    _count(execution)
    _close_position(execution)
    _record(execution)


def _equities(execution: Execution) -> None:
    """The equity of the fund and of the account at valid prices, and what the account requires. Those of the account
    are not capped at all: a mark that is kept back would be at the expense of whoever is opposite."""
    account = execution.register("account")
    fund, step = Step.DELEVERAGE_FUND, Step.DELEVERAGE_HEADER
    for each, capped in ((fund, Capped.ADVERSE), (step, Capped.ALL)):
        header(execution, each, message=False, may_open=False, checked=True)
        execution.ask(each, int(Tier.ZERO))
        fresh_prices(execution, each, capped=capped)
    execution.require(fund, "it is the fund", account - int(SystemAccount.INSURANCE))
    execution.require(step, "the account is a trader", execution.old[HEADER_ROLE] - int(Role.TRADER))
    for k, name in enumerate(FUND_EQUITY):
        found = execution.ports[EQUITY_PORTS[k]].expression
        execution.hand_over(f"deleverage_fund: equity limb {k}", execution.step(fund), name, found)
    execution.release(fund, *FUND_EQUITY, "account", "mask", "fails", "moment")
    execution.release(step, "mask", "fails", "moment", "forced")


def _way(execution: Execution) -> None:
    """After the account's header comes, if a position is to be closed, its zero price, then the venue."""
    step, closes = execution.step(Step.DELEVERAGE_HEADER), execution.register(CLOSES)
    execution.require(Step.DELEVERAGE_HEADER, "closing is boolean", closes * (closes - 1))
    prices = execution.step(Step.ZERO_MARKET).next()
    execution.table.constrain("what is closed has a price", step * closes * (1 - prices), Where.TRANSITION)
    execution.lead(Step.DELEVERAGE_VENUE, step * (1 - closes) + execution.step(Step.ZERO_PRICE) * closes)


def _short(execution: Execution) -> None:
    """equity < 0 and fund's equity + equity < 0. The registers of the amount hold the equity, then the loss.

    Biased limbs of what is negative have a top limb below BIAS_TOP_LIMB. The sum of two of them is below 2 * BIAS,
    which four limbs hold.
    """
    step, ports = Step.DELEVERAGE_VENUE, execution.ports
    equity, fund = (
        [part[k] + part[k + 1] * LIMB for k in (0, 2)]
        for part in ([execution.bounded_register(name) for name in names] for names in (EQUITY, FUND_EQUITY))
    )
    top = execution.register(EQUITY[-1]) + ports[NEGATIVE_PORT].expression
    execution.require(step, "the equity is negative", top - (BIAS_TOP_LIMB - 1))
    execution.require(step, "carry of the sum is boolean", execution.scratch * (execution.scratch - 1))
    carry = unsound_bounded(execution.scratch, 0, 1, "constrained to be boolean on this step")
    low, high = (ports[k] + ports[k + 1] * LIMB for k in (SUM_PORTS[0], SUM_PORTS[2]))
    execution.equal(step, "the fund cannot take it over, low half", equity[0] + fund[0], low + carry * (LIMB * LIMB))
    execution.equal(step, "the fund cannot take it over, high half", equity[1] + fund[1] + carry, high)


def _collateral(execution: Execution) -> None:
    """Equity + cash owed = 0, so the account's collateral counts nothing. (If it owed no cash, and had some, its
    equity would not be negative.)

    The equity is biased, so the sum is BIAS. By halves, of two limbs each: either low = 0 and the high one is that of
    BIAS, or there is a carry, low = LIMB^2, and the high one is one less. The first constraint says: low = 0 or one
    less, the second: low = LIMB^2 or not less. As no sum reaches P, only these two remain.
    """
    step, ports = Step.DELEVERAGE_HEADER, [port.expression for port in execution.ports]
    limbs = [ports[equity] + ports[owed] for equity, owed in zip(EQUITY_PORTS, CASH_PORTS, strict=True)]
    low, above = limbs[0] + limbs[1] * LIMB, limbs[2] + (limbs[3] - BIAS_TOP_LIMB) * LIMB
    execution.require(step, "no collateral is left, or a carry", low * (above + 1))
    execution.require(step, "no collateral is left, or no carry", (low - LIMB * LIMB) * above)


def _loss(execution: Execution) -> None:
    """A loss is the cash that the account owes, all that it lacks. Both are integers of four limbs."""
    step, ports = Step.DELEVERAGE_VENUE, [port.expression for port in execution.ports]
    header, pays = (execution.step(each) * (1 - execution.register(CLOSES)) for each in (Step.DELEVERAGE_HEADER, step))
    for k, half in ((0, "low"), (2, "high")):
        low, high = (ports[LOSS_PORTS[i]].next() - ports[CASH_PORTS[i]] for i in (k, k + 1))
        label = f"a loss is what is owed, {half} half"
        execution.table.constrain(label, header * (low + high * LIMB), Where.TRANSITION)
    for k, name in enumerate(EQUITY):
        execution.hand_over(f"deleverage_venue: limb {k} of the loss", pays, name, ports[LOSS_PORTS[k]])
    execution.release(step, *EQUITY, "forced")


def _count(execution: Execution) -> None:
    """A deleveraging is counted; a loss is of an account that requires nothing, and goes to the account for losses."""
    step, ports, old, new = Step.DELEVERAGE_VENUE, execution.ports, execution.old, execution.new
    counts = execution.register(CLOSES)
    socialises = 1 - counts
    execution.access(step, VENUE_INDEX, None, [VENUE_EVENTS])
    required = total([execution.register(name) for name in REQUIRED])  # four limbs: no sum of them is P
    execution.require(step, "a loss is of one that requires nothing", socialises * required)
    execution.require(step, "events are counted", new[VENUE_EVENTS] - old[VENUE_EVENTS] - counts)
    room = (ports[ROOM_PORT] + ports[ROOM_PORT + 1] * LIMB).expression
    execution.require(step, "room for the event", new[VENUE_EVENTS] + room - MAX_EVENTS)
    change = execution.events.next() - execution.events - execution.step(step) * counts
    execution.table.constrain("events are counted", change, Where.TRANSITION)
    rounding, loss = int(SystemAccount.ROUNDING), int(SystemAccount.LOSS)
    execution.require(step, "who takes it", execution.register(OTHER) - rounding - socialises * (loss - rounding))
    execution.require(step, "the account gets the loss", socialises * (execution.register(GIVES) - 1))
    selector = execution.step(step)
    execution.lead(Step.SWAP_QUOTE, selector * socialises)
    execution.lead(Step.DELEVERAGE_RULES, selector * counts)


def _close_position(execution: Execution) -> None:
    """amount = price * size; the open interest loses the lots already, although the other side has them yet.

    Count the positions of all accounts but FUNDING_POOL and ROUNDING as they will be when all have seen every
    deleveraging. Those of either side come to the open interest S at most: it starts as their sum, orders and takeovers
    change both alike, and of K <= S lots on the side that is reduced shares, rounded up, leave no more than
    K * (1 - n / S) <= S - n. So the position, n lots, is never more than S.
    """
    step, ports = Step.DELEVERAGE_RULES, execution.ports
    execution.access(step, market_leaf(execution, RULES_SLOT), Tag.RULES, [RULES_INTEREST])
    size = [execution.bounded_register(name) for name in UNITS[:2]]
    price = [ports[port] for port in PRICE_PORTS]
    limbs = (price[0] + price[1] * LIMB).expression
    execution.require(step, "limbs of the price", execution.register(PRICE) - limbs)
    notional(execution, step, price, size, product_port=NOTIONAL_PORT, carry_port=NOTIONAL_CARRY_PORT)
    before, after = execution.old[RULES_INTEREST], execution.new[RULES_INTEREST]
    execution.require(step, "open interest before", execution.register(INTEREST) - before)
    execution.require(step, "open interest shrinks", before - after - _lots(execution))
    left = (ports[LEFT_PORT] + ports[LEFT_PORT + 1] * LIMB).expression
    execution.require(step, "no more than the open interest", after - left)
    for name, value in ((WHOLE, 1), (UNITS[2], 0), (UNITS[3], 0)):
        execution.require(step, f"register {name}", execution.register(name) - value)


def _lots(execution: Execution) -> Expression:
    return execution.register(UNITS[0]) + execution.register(UNITS[1]) * LIMB


def _record(execution: Execution) -> None:
    """The event, for all who see it. The funding index is the market's: the swap that follows compares it with the
    account's, and the account's check compared that."""
    step, ports, new = Step.DELEVERAGE_EVENT, execution.ports, execution.new
    size, interest = ([ports[k].expression for k in at] for at in (SIZE_PORTS, INTEREST_PORTS))
    book = 2 * execution.register("instrument") + 1 - execution.register(GIVES)
    price, funding = execution.register(PRICE), execution.register(FUNDING)
    record: list[Expression | int | None] = [book, *size, *interest, price, funding, int(Tag.EVENT)]
    execution.create(step, EVENT_BASE + execution.events - 1, record)
    for k, part in enumerate(size):
        execution.require(step, f"size limb {k} in range", execution.register(UNITS[k]) - part)
    execution.nonzero(step, "there is a position", size[0] + size[1])
    execution.require(step, "limbs of the open interest", execution.register(INTEREST) - new[3] - new[4] * LIMB)
