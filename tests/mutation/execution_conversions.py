"""Forgeries of conversions: of whom, what and how much of it the insurance fund buys, and at which price."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from circuits.bounds import ACCOUNT_SLOTS, AMOUNT_LIMBS, LIMB, LIMB_BITS, SIZE_MAX
from circuits.execution import BOUND_PORT, CASH_PORTS
from circuits.field import P
from circuits.records import MARKET_WEIGHT, balance_index, market_index
from circuits.steps import STEPS, Kind, Step
from circuits.swap import GIVES, OTHER, UNITS
from circuits.transitions import convert as layout
from prover.traces.columns import integer_of, limbs_of
from prover.traces.convert import bound_price
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.register import Register
from tests.batches import CAROL, DEBTOR, ETH, USDC
from tests.mutation.execution_accesses import Act, deposit
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.execution_takeovers import POOL, RICH, at
from tests.mutation.matching import one
from tests.mutation.script import Amend, Hooks, Script, ScriptedTrace, inverse, nothing, skip, to
from tests.mutation.stage import FRANK, NOBODY
from tests.mutation.standing import FUND, convert, standing
from tests.tamper.forger import Forger

LOTS, PRICE, MARK = 1_000, 265_000, 268_162
LOW = MARK - MARK // 50
LOT = 10_000  # units
OWED = 1_000 * PRICE  # with which 1,000 lots are enough
HALF = 1 << 2 * LIMB_BITS
VALUE = MARK * 85 // 100  # as collateral
SOLVENT = at(quote=-23_411_000_000)  # with hardly any equity
FULL = at(fund_eth=SIZE_MAX * LOT, fund_quote=-SIZE_MAX * VALUE)  # a fund of which all lots count, and no more will
kind = Kind.CONVERT


def script(
    amend: Amend = nothing, hooks: Hooks | None = None, ledger: Callable[[], Ledger] = standing, **act: Any
) -> Script:
    """A conversion, bent."""
    return Script(partial(convert, **act), hooks or {}, amend, ledger=ledger)


def every(**values: int) -> Amend:
    """Amend: registers on all rows."""
    return setting(kind, EVERY, **values)


def port(step: Step, number: int, value: int) -> Amend:
    """Amend: a port holds this."""
    return lambda trace: trace.port(number, trace.at(step), one(value))


def giving(units: int, sign: int = 1) -> Amend:
    """Amend: so many units change hands."""

    def amend(trace: ScriptedTrace) -> None:
        parts = limbs_of(one(units), AMOUNT_LIMBS)
        trace.registers(kind, **dict(zip(UNITS, parts, strict=True)))
        rows = trace.rows(kind)
        for row, direction in ((rows[3], -sign), (rows[4], sign)):
            trace.change(row, [direction * part for part in parts])

    return amend


def paying(amount: int, sign: int = 1, price: int = PRICE) -> Amend:
    """Amend: so much is paid, and compared with what is needed."""

    def amend(trace: ScriptedTrace) -> None:
        parts, rows = limbs_of(one(amount), AMOUNT_LIMBS), trace.rows(kind)
        trace.amount(kind, one(amount))
        for row, direction in ((rows[5], sign), (rows[6], -sign)):
            trace.change(row, [direction * part for part in parts])
        short = integer_of(np.array([trace.columns[name][rows[2]] for name in layout.SHORTFALL]))
        low = short % HALF - amount % HALF + price - 1
        trace.register(layout.BORROW, rows[2], low >> 2 * LIMB_BITS)
        trace.wide_port(layout.LEFT_PORT, rows[2], low)
        trace.wide_port(layout.LEFT_PORT + 2, rows[2], short - amount + price - 1 >> 2 * LIMB_BITS)

    return amend


def overgiven(k: int, claimed: bool) -> Script:
    """The account gives more by one in limb k; claimed: as a product's limb."""
    units = LOTS * LOT + (1 << 14 * k)

    def amend(trace: ScriptedTrace) -> None:
        giving(units)(trace)
        if claimed:
            trace.columns[f"port{layout.UNITS_PORT + k}"][trace.at(Step.CONVERT_MARKET)] += 1

    eth = 10_000_000_000_000 if k > 1 else 1_000_000_000
    quote = -70_000_000_000_000 if k > 1 else -24_000_000_000
    return script(amend, ledger=at(eth=eth, quote=quote), units=units)


def far_more() -> Script:
    """The account gives 2^42 units more."""
    units = LOTS * LOT + (1 << 42)
    return script(giving(units), ledger=at(eth=10_000_000_000_000, quote=-70_000_000_000_000), units=units)


def overpaid(k: int, claimed: bool) -> Script:
    """The fund pays more by one in limb k; claimed: as a product's limb."""
    amount = LOTS * PRICE + (1 << 14 * k)

    def amend(trace: ScriptedTrace) -> None:
        paying(amount)(trace)
        if claimed:
            trace.columns[f"port{layout.NOTIONAL_PORT + k}"][trace.at(Step.CONVERT_WORTH)] += 1

    huge = at(quote=-70_000_000_000_000, fund_quote=20_000_000_000_000)
    return script(amend, ledger=huge if k > 2 else at(fund_quote=RICH), amount=amount)


def wrapped() -> Script:
    """A carry of the product is no small integer, so the upper limbs need not be the product's."""
    (a0, a1), (b0, b1) = ((value % LIMB, value // LIMB) for value in (PRICE, LOTS))
    honest = PRICE * LOTS // LIMB % LIMB
    for limb in range(LIMB):
        middle = (a0 * b1 + a1 * b0 + a0 * b0 // LIMB - limb) * inverse(LIMB) % P
        upper = (a1 * b1 + middle) % P
        if limb != honest and upper < 1 << 17:
            break
    amount = PRICE * LOTS % LIMB + (limb << 14) + (upper << 28)

    def amend(trace: ScriptedTrace) -> None:
        paying(amount)(trace)
        row = trace.at(Step.CONVERT_WORTH)
        for k, part in enumerate(limbs_of(one(amount), AMOUNT_LIMBS)):
            trace.port(layout.NOTIONAL_PORT + k, row, part)
        trace.port(layout.NOTIONAL_CARRY_PORT + 1, row, one(0))
        trace.columns["scratch"][row] = middle * inverse(LIMB) % P

    return script(amend, ledger=at(quote=-70_000_000_000_000, fund_quote=70_000_000_000_000), amount=amount)


def owing(k: int) -> Script:
    """The shortfall is said to be more by one in limb k, so that one more lot is needed."""
    ledger = at(quote=-OWED - 100 * 6_180_030, eth=1_200 * LOT)
    return script(ledger=ledger, lots=1_001, shortfall=OWED + (1 << 14 * k))


def beyond_need(over: int, amend: Callable[[int, int], Amend]) -> Script:
    """Lots for about so much more than is owed; amend: from both halves of what is left, below 0 together."""
    owed = 24_000_000_000 - 100 * 6_180_030
    for lots in range((owed + over) // PRICE, 100_000):
        low = owed % HALF - lots * PRICE % HALF + PRICE - 1
        high = (owed >> 28) - (lots * PRICE >> 28)
        if high + (low >> 28) == -1 and low >> 28 == 0 and low > 1 << 24:
            break
    return script(amend(low, high), ledger=at(fund_quote=RICH), lots=lots)


def halves(borrow: int, low: int, high: int) -> Amend:
    """Amend: the carry between the halves of what is left, and the halves."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.CONVERT_WORTH)
        trace.register(layout.BORROW, row, borrow)
        trace.wide_port(layout.LEFT_PORT, row, one(low))
        trace.wide_port(layout.LEFT_PORT + 2, row, one(high))

    return amend


def elsewhere() -> Script:
    """Frank's ether goes to the rounding account, and the debtor is paid for it."""
    away = FRANK - DEBTOR
    hooks: Hooks = {
        Step.SWAP_BASE: to(balance_index(FRANK, ETH)),
        Step.SWAP_OTHER_BASE: to(balance_index(FUND + away, ETH)),
    }
    return script(every(instrument=ETH + ACCOUNT_SLOTS * away), hooks)


def bought() -> Script:
    """The fund sells ether to the account instead."""
    amend = both(every(**{GIVES: 0}), giving(LOTS * LOT, -1), paying(LOTS * PRICE, -1))
    return script(amend, ledger=at(fund_eth=1_000_000_000), units=-LOTS * LOT, amount=-LOTS * PRICE)


def other_buyer() -> Script:
    """The pool buys."""
    hooks: Hooks = {
        Step.SWAP_OTHER_BASE: to(balance_index(POOL, ETH)), Step.SWAP_OTHER_QUOTE: to(balance_index(POOL, USDC)),
    }  # fmt: skip
    return script(every(**{OTHER: int(POOL)}), hooks)


def unneeded(forger: Forger) -> None:
    """After a registration, of an account that owes nothing."""
    forger.apply(Register(NOBODY, (9,) * 7))
    convert(forger, shortfall=OWED)


def unseized() -> Script:
    """No check comes before; the row of the registration says what it would have found."""

    def amend(trace: ScriptedTrace) -> None:
        every(forced=0)(trace)
        row = trace.at(Step.REGISTER_QUOTE)
        trace.columns["scratch"][row] = 1
        trace.registers(Kind.REGISTER, **dict(zip(layout.SHORTFALL, limbs_of(one(OWED), AMOUNT_LIMBS), strict=True)))
        for number, part in zip(CASH_PORTS, limbs_of(one(OWED), AMOUNT_LIMBS), strict=True):
            trace.port(number, row, part)

    hooks: Hooks = {Step.SEIZE_HEADER: skip, Step.FUND_HEADER: skip}
    return Script(unneeded, hooks, amend, ledger=at(quote=5_000_000_000))


def headless(count: int, before: Act) -> Script:
    """Carol gives a lot for nothing: the conversion begins without so many steps, after a whole transition or none."""

    def act(forger: Forger) -> None:
        before(forger)
        convert(forger, 1, 0, account=CAROL, shortfall=1, units=LOT)

    hooks: Hooks = dict.fromkeys((*STEPS[kind][:count], Step.FUND_HEADER), skip)
    return Script(act, hooks, both(every(forced=0), giving(LOT)))


def unforced() -> Script:
    """The row that gives the ether away is said to be of another swap."""
    amend = both(setting(kind, slice(3, 4), forced=0), port(Step.SWAP_BASE, BOUND_PORT, 0))
    return script(amend, ledger=at(eth=2 * LOT), lots=3)


def worthless() -> Ledger:
    """The debtor's ether counts nothing."""
    ledger, index = standing(), market_index(ETH)
    market = list(ledger.read(index))
    market[MARKET_WEIGHT : MARKET_WEIGHT + 2] = 0, 0
    ledger.store.load([(index, tuple(market), NO_SALT)])
    return ledger


def of_fund() -> dict[str, Callable[[], Script]]:
    """Forgeries of what a fund that owes may buy, by label."""
    return {
        "convert_market: a lower price has a value": lambda: script(ledger=worthless, price=0),
        **{
            f"convert_market: the fund's check is waived at the collateral value, limb {k}": partial(
                script, ledger=at(fund_quote=0), price=VALUE + LIMB**k, fund_fails=1
            )
            for k in range(2)
        },
        "swap_other_base: where it is waived all lots count": lambda: script(ledger=FULL, price=VALUE, fund_fails=1),
        "convert_market: units of a lot": lambda: script(
            every(**{layout.LOT: LOT + 1}), ledger=FULL, price=VALUE, fund_fails=1
        ),
    }


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    market, swapped = Step.CONVERT_MARKET, Step.SWAP_BASE
    thin = at(quote=-6_170_000_000, btc=1_000, eth=3 * LOT)
    table: dict[str, Callable[[], Script]] = {
        "convert_market: it follows a seizure": unseized,
        "convert: no orders rest": lambda: script(ledger=at(order=True)),
        "convert: cash is owed": lambda: script(ledger=thin, lots=1, shortfall=10_030_000),
        "convert_market: index": elsewhere,
        "convert_market: kind of record": lambda: script(
            ledger=at(quote=500_000_000, btc=-100, eth=300 * LOT), asset=USDC, lots=1, price=6_500_000
        ),
        "convert_market: price not above the mark": lambda: script(
            both(port(market, layout.BELOW_PORT, 0), port(market, layout.BELOW_PORT + 1, 0)), price=MARK + 1
        ),
        "convert_market: price within the discount, low limb": lambda: script(
            both(near, raised_carry), price=LOW - 1, ledger=SOLVENT
        ),
        "convert_market: price within the discount, high limb": lambda: script(
            both(near, port(market, layout.ABOVE_PORT + 1, 0)), price=LOW - 1, ledger=SOLVENT
        ),
        "convert_market: a lower price is boolean": lambda: script(twice_lower, price=1),
        "convert: a lower price is of negative equity": lambda: script(price=LOW - 1, ledger=SOLVENT),
        "convert_market: at least one lot": lambda: script(lots=0),
        "convert_market: units, limb 0": partial(overgiven, 0, True),
        "convert_market: units, limbs 1 and 2": partial(overgiven, 1, True),
        f"convert_market: register {GIVES}": bought,
        f"convert_market: register {OTHER}": other_buyer,
        f"convert_market: register {UNITS[3]}": far_more,
        "convert_worth: notional, high carry is 0, 1 or 2": wrapped,
        "convert_worth: carry is -1, 0 or 1": lambda: beyond_need(
            10_000_000, lambda low, high: halves(8, low - 8 * HALF + P, high + 8)
        ),
        "convert_worth: no more than needed, low half": lambda: beyond_need(
            10_000_000, lambda low, high: halves(1, low, high + 1)
        ),
        "convert_worth: no more than needed, high half": lambda: beyond_need(
            10_000_000, lambda low, high: halves(0, low, 0)
        ),
        "swap_base: no more than the account has": lambda: script(
            port(swapped, BOUND_PORT, 0), ledger=at(eth=2 * LOT), lots=3
        ),
        "convert_market leads to convert_worth": partial(headless, 2, deposit),
        "the first row is no convert_worth": partial(headless, 2, nothing),
        "the first row is no swap_base": partial(headless, 3, nothing),
        "register forced is kept": unforced,
        **of_fund(),
    }
    for k in range(AMOUNT_LIMBS):
        table[f"convert: shortfall, limb {k}"] = partial(owing, k)
        table[f"convert_worth: notional limb {k} in range"] = partial(overpaid, k, False)
    for k in range(3):
        table[f"convert_market: units limb {k} in range"] = partial(overgiven, k, False)
    for k, label in enumerate(("limb 0", "limb 1", "limbs 2 and 3")):
        table[f"convert_worth: notional, {label}"] = partial(overpaid, k, True)
    return table


def near(trace: ScriptedTrace) -> None:
    """Amend: the price is bounded by the mark."""
    bound_price(trace, trace.at(Step.CONVERT_MARKET), one(LOW - 1), one(0))


def twice_lower(trace: ScriptedTrace) -> None:
    """Amend: the flag is 2, which turns the distance from the mark around."""
    bound_price(trace, trace.at(Step.CONVERT_MARKET), one(1), one(2))


def raised_carry(trace: ScriptedTrace) -> None:
    """Amend: the carry out of the low limb is one more."""
    trace.columns[f"port{layout.ABOVE_CARRY_PORT}"][trace.at(Step.CONVERT_MARKET)] += 1
    trace.columns[f"port{layout.ABOVE_PORT + 1}"][trace.at(Step.CONVERT_MARKET)] += 1
