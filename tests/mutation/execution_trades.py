"""Forgeries of numbers: prices and their weights, sizes, notionals, fees, limits, and what the close publishes."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from prover.traces.fill import _fee_ports, _party_amounts
from state.transitions.fill import Fill

from circuits.bounds import FEE_ONE, FRACTION_ONE, LIMB
from circuits.field import P
from circuits.records import (
    MARKET_MARK,
    MARKET_TIME,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    PARAMETERS_PRICES,
    VENUE_BATCHES,
    VENUE_TIME,
    Record,
)
from circuits.statement import Statement
from circuits.steps import Kind, Step
from prover.traces.columns import Integers, limbs_of
from state.ledger import Ledger
from state.transitions.price import SetPrice
from tests.batches import BOB, BTC_PERP, ETH, USDC, run_batch
from tests.mutation.execution_accesses import fill, price, set_price, withdraw
from tests.mutation.execution_registers import MAKER, NOTIONAL, PARTY, RATES, SIZE, grown, setting
from tests.mutation.script import BentMemory, Hooks, Script, ScriptedTrace, add, inverse, skip
from tests.mutation.stage import DAVE, EVE, MARK, staged
from tests.tamper.forger import Forger

ETH_FRACTION, ETH_PRICE = 8_500, 268_163
VALUE, REMAINDER = divmod(ETH_PRICE * ETH_FRACTION, FRACTION_ONE)  # of a lot of ETH as collateral
REMAINDER_PORT, REST_PORT, CARRY_PORT = 4, 5, 6


def one(value: int) -> Integers:
    """The value as an array of one."""
    return np.array([value], dtype=np.int64)


def mispriced(weight: int, remainder: int, rest: int, carry: int, high: int) -> Script:
    """ETH counts more as collateral than its price allows; the division's ports as said."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.PRICE_MARKET)
        for number, value in ((REMAINDER_PORT, remainder), (REST_PORT, rest), (CARRY_PORT, carry)):
            trace.port(number, row, one(value))
        trace.columns["scratch"][row] = high

    return Script(lambda f: set_price(f, ETH, ETH_PRICE, 90, weight=weight), amend=amend)


def wrong_weight(weight: int) -> Script:
    """The ports of the division are those of the honest weight."""
    return mispriced(weight, REMAINDER, FRACTION_ONE - 1 - REMAINDER, *carry_of(VALUE, REMAINDER))


def wrapped_weight() -> Script:
    """The weight of a product that is P larger: one field element as carry makes both halves of the division fit."""
    weight, remainder = divmod(ETH_PRICE * ETH_FRACTION + P, FRACTION_ONE)
    low = ETH_PRICE % LIMB * ETH_FRACTION - remainder - weight % LIMB * FRACTION_ONE
    high = (low * inverse(LIMB) + LIMB) * inverse(LIMB) % P
    return mispriced(weight, remainder, FRACTION_ONE - 1 - remainder, 0, high)


def overcounted_remainder() -> Script:
    """Rounded down once too often."""
    remainder = REMAINDER + FRACTION_ONE
    return mispriced(VALUE - 1, remainder, 0, *carry_of(VALUE - 1, remainder))


def carry_of(weight: int, remainder: int) -> tuple[int, int]:
    """Port and high part of the low limb's carry."""
    low = (ETH_PRICE % LIMB * ETH_FRACTION - remainder - weight % LIMB * FRACTION_ONE) // LIMB + LIMB
    return low % LIMB, low // LIMB


def off_record(element: int) -> Script:
    """The ports are right, and the record is off."""

    def believe(trace: ScriptedTrace) -> None:
        trace.new[element][trace.at(Step.PRICE_MARKET)] -= 1

    return Script(price, {Step.PRICE_MARKET: add(element)}, believe=believe)


def misstated_price(k: int) -> Script:
    """The statement's price is higher than the recorded one."""

    def amend(trace: ScriptedTrace) -> None:
        for row in trace.rows(Kind.PRICE):
            trace.columns[f"amount{k}"][row] += 1

    def restate(statement: Statement) -> Statement:
        (stated,) = statement.prices
        return replace(statement, prices=(replace(stated, price=stated.price + (1 << (14 * k))),))

    return Script(price, amend=amend, restate=restate)


def free_weight() -> Script:
    """A perpetual that requires no margin."""

    def believe(trace: ScriptedTrace) -> None:
        trace.old[PARAMETERS_FRACTION][trace.at(Step.PRICE_PARAMETERS)] = 0

    return Script(lambda f: set_price(f, BTC_PERP, 6_000_000, 90, weight=0), believe=believe)


def prices() -> dict[str, Callable[[], Script]]:
    """Forgeries of price updates, by label."""
    table: dict[str, Callable[[], Script]] = {
        "price_parameters: prices are numbered": lambda: Script(
            lambda f: set_price(f, BTC_PERP, 6_000_000, 90, sequence=7)
        ),
        "price_parameters: prices are counted": lambda: Script(price, {Step.PRICE_PARAMETERS: add(PARAMETERS_PRICES)}),
        "price_parameters: fraction": free_weight,
        "price_market: remainder below one": overcounted_remainder,
        "price_market: high carry is boolean": wrapped_weight,
        "price_market: weight, low limb": partial(wrong_weight, VALUE + 1),
        "price_market: weight, high limb": partial(wrong_weight, VALUE + LIMB),
        "price_market: time is recorded": lambda: Script(price, {Step.PRICE_MARKET: add(MARKET_TIME)}),
        "price_market: time does not go back": lambda: Script(lambda f: set_price(f, BTC_PERP, 6_000_000, 5)),
    }
    for k in range(2):
        table[f"price_market: mark{k} in range"] = partial(off_record, MARKET_MARK + k)
        table[f"price_market: weight{k} in range"] = partial(off_record, MARKET_WEIGHT + k)
        table[f"price_market: published price limb {k}"] = partial(misstated_price, k)
    return table


def holding_positions() -> Ledger:
    """BTC-PERP is worth next to nothing, and Dave holds very many lots that Eve owes."""
    ledger = staged()
    run_batch(ledger, [SetPrice(BTC_PERP, 1, 75), Fill(BTC_PERP, EVE, DAVE, 1, 1 << 27, True, 1, 1)], 75)
    return ledger


def too_many_lots(k: int) -> Script:
    """More lots than two limbs hold, the surplus in limb k: Eve buys back twice what she owes."""
    low, high = (5 + LIMB, LIMB - 1) if k == 0 else (5, LIMB)

    def act(forger: Forger) -> None:
        forger.fill(BTC_PERP, EVE, DAVE, 1, low + high * LIMB, taker_buys=False)

    def amend(trace: ScriptedTrace) -> None:
        trace.registers(Kind.FILL, size0=low, size1=high)
        trace.port(1, trace.at(Step.FILL_MARKET), one(high % LIMB))
        parameters = trace.at(Step.FILL_PARAMETERS)
        trace.port(6, parameters, one(low // LIMB))
        trace.port(7, parameters, one((high + low // LIMB) // LIMB))
        trace.columns["scratch"][parameters] = 0
        for party, sign in ((0, 1), (1, -1)):
            trace.change(trace.at(Step.FILL_BASE, party), [sign * low, sign * high, 0, 0])

    return Script(act, amend=amend, ledger=holding_positions)


def settle(trace: ScriptedTrace, notional: int) -> None:
    """Derive fees and changes from this notional."""
    rows, size = trace.rows(Kind.FILL), limbs_of(one(SIZE), 2)
    trace.amount(Kind.FILL, one(notional))
    for taker, own in ((0, rows[2:6]), (1, rows[6:])):
        trace.amount_nonzero(own[2])
        _party_amounts(trace, own, one(RATES[taker]), one(taker), one(notional), size)


def wrong_notional(k: int, claimed: bool) -> Script:
    """More is paid than price times size, by one in limb k; claimed: as a product's limb."""
    notional = NOTIONAL + (1 << (14 * k))

    def act(forger: Forger) -> None:
        forger.deposit(0, 2, DAVE, USDC, 10**13)
        forger.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, notional=notional)

    def amend(trace: ScriptedTrace) -> None:
        settle(trace, notional)
        if claimed:
            row = trace.at(Step.FILL_PARAMETERS)
            trace.port(2 + k, row, trace.columns[f"port{2 + k}"][row] + 1)

    return Script(act, amend=amend)


def wrapped_notional() -> Script:
    """A carry of the product is no small integer, so the limbs need not be the product's."""
    (a0, a1), (b0, b1) = ((value % LIMB, value // LIMB) for value in (MARK, SIZE))

    def carried(limb: int) -> int:
        """The middle carry, free mod P, that this second limb of the product leads to."""
        return (a0 * b1 + a1 * b0 + a0 * b0 // LIMB - limb) * inverse(LIMB) % P

    wrong = [limb for limb in range(LIMB) if limb != NOTIONAL // LIMB % LIMB]
    top, limb = min(((a1 * b1 + carried(limb)) % P, limb) for limb in wrong)  # small enough to be two limbs, and paid
    notional = a0 * b0 % LIMB + (limb << 14) + (top << 28)

    def act(forger: Forger) -> None:
        forger.deposit(0, 2, DAVE, USDC, 10**15)
        forger.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, notional=notional)

    def amend(trace: ScriptedTrace) -> None:
        settle(trace, notional)
        row = trace.at(Step.FILL_PARAMETERS)
        for number, value in ((3, limb), (4, top % LIMB), (5, top // LIMB), (7, 0)):
            trace.port(number, row, one(value))
        trace.columns["scratch"][row] = carried(limb) * inverse(LIMB) % P

    return Script(act, amend=amend)


def wrong_fee(change: int, ports: Callable[[ScriptedTrace, Integers, int], None]) -> Script:
    """The maker's fee is off by `change`; the ports of its division are set by `ports` (trace, header row, fee)."""
    fee = -(-NOTIONAL * RATES[0] // FEE_ONE) + change

    def act(forger: Forger) -> None:
        forger.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, fees=(fee, None))

    def amend(trace: ScriptedTrace) -> None:
        header, _, quote, fee_row = own = trace.rows(Kind.FILL)[2:6]
        parts = [*limbs_of(one(fee), 3), one(0)]
        for row in own:
            for k in range(3):
                trace.register(f"fee{k}", row, parts[k])
        notional = limbs_of(one(NOTIONAL), 4)
        trace.change(quote, [part - paid for part, paid in zip(notional, parts, strict=True)])
        trace.change(fee_row, parts)
        ports(trace, header, fee)

    return Script(act, amend=amend)


def divide(trace: ScriptedTrace, header: Integers, fee: int) -> None:
    """The ports of a division that gives this fee, as far as it goes."""
    _fee_ports(trace, header, limbs_of(one(NOTIONAL), 4), limbs_of(one(fee), 3), one(RATES[0]))


def honest_ports(trace: ScriptedTrace, header: Integers, fee: int) -> None:
    """The ports stay those of the honest fee."""


def shift_carry(k: int, trace: ScriptedTrace, header: Integers, fee: int) -> None:
    """Limb k of the fee is one more, and its carry makes up for that in the next limb."""
    for number, change in ((k, 1), (7 + k, FEE_ONE // LIMB)):
        trace.port(number, header, trace.columns[f"port{number}"][header] + change)


def fees() -> dict[str, Callable[[], Script]]:
    """Forgeries of fees, by label."""
    product = NOTIONAL * RATES[0]
    surplus = -(-(product + (1 << 42)) // FEE_ONE) - -(-product // FEE_ONE)  # wraps in the top carry
    table: dict[str, Callable[[], Script]] = {
        "fill_header: fee remainder below one": partial(wrong_fee, 1, divide),
        "fill_header: fee, limb 3": partial(wrong_fee, surplus, divide),
    }
    for k in range(3):
        table[f"fill_header: fee limb {k} in range"] = partial(wrong_fee, 1 << (14 * k), honest_ports)
        table[f"fill_header: fee, limb {k}"] = partial(wrong_fee, 1 << (14 * k), partial(shift_carry, k))
    return table


def threefold() -> Script:
    """A side that is neither buying nor selling multiplies both legs by three."""

    def amend(trace: ScriptedTrace) -> None:
        for party, rows, side in ((0, MAKER, 2), (1, slice(6, 10), -1)):
            setting(Kind.FILL, rows, side=side)(trace)
            sign, quote = 2 * side - 1, trace.at(Step.FILL_QUOTE, party)
            trace.change(trace.at(Step.FILL_BASE, party), [sign * SIZE, 0, 0, 0])
            limbs = limbs_of(one(NOTIONAL), 4)
            paid = [trace.columns[f"fee{k}"][quote] for k in range(3)]
            trace.change(quote, [-sign * limb - fee for limb, fee in zip(limbs, [*paid, one(0)], strict=True)])

    hooks: Hooks = {
        (Step.FILL_BASE, 0): grown(4 * SIZE),
        (Step.FILL_QUOTE, 0): grown(-4 * NOTIONAL),
        (Step.FILL_BASE, 1): grown(-4 * SIZE),
        (Step.FILL_QUOTE, 1): grown(4 * NOTIONAL),
    }
    return Script(fill, hooks, amend)


def begin_with_taker(trace: ScriptedTrace) -> None:
    """A fill whose first party is the one that buys, Dave."""
    setting(Kind.FILL, slice(0, 2), account=DAVE, phase=1, side=1)(trace)
    setting(Kind.FILL, slice(0, 10), other=EVE)(trace)
    trace.nonzero(trace.rows(Kind.FILL)[0], one(DAVE - EVE))


def taker_alone() -> Script:
    """The fill has no maker."""
    return Script(fill, {(step, 0): skip for step in PARTY}, begin_with_taker)


def forgotten_limit() -> Script:
    """The limit that is compared is not the seller's."""

    def amend(trace: ScriptedTrace) -> None:
        trace.wide_port(7, trace.at(Step.FILL_BASE), one(MARK))
        trace.wide_port(9, trace.at(Step.FILL_BASE), one(0))

    return Script(lambda f: f.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, limits=(MARK + 10, MARK)), amend=amend)


def fills() -> dict[str, Callable[[], Script]]:
    """Forgeries of fills, by label."""
    table: dict[str, Callable[[], Script]] = {
        "fill_market: not with itself": lambda: Script(lambda f: f.fill(BTC_PERP, BOB, BOB, MARK, SIZE)),
        "fill_quote: price and size are not 0": lambda: Script(lambda f: f.fill(BTC_PERP, EVE, DAVE, MARK, 0)),
        "fill_market: side is boolean": threefold,
        "fill_market: the maker is first": taker_alone,
        "fill_base: limit in range": forgotten_limit,
        "fill_base: price within the limit": lambda: Script(
            lambda f: f.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, limits=(MARK + 10, MARK))
        ),
        "fill_parameters: notional, high carry is 0, 1 or 2": wrapped_notional,
        "fill_parameters: notional, limb 0": partial(wrong_notional, 0, True),
        "fill_parameters: notional, limb 1": partial(wrong_notional, 1, True),
        "fill_parameters: notional, limbs 2 and 3": partial(wrong_notional, 2, True),
    }
    for k in range(2):
        table[f"fill_market: size limb {k} in range"] = partial(too_many_lots, k)
    for k in range(4):
        table[f"fill_parameters: notional limb {k} in range"] = partial(wrong_notional, k, False)
    return table


def wrong_time() -> Script:
    """The venue's time is not the published one."""

    def amend(trace: ScriptedTrace) -> None:
        trace.wide_port(0, trace.at(Step.CLOSE_VENUE), one(29))

    return Script(withdraw, {Step.CLOSE_VENUE: add(VENUE_TIME, -1)}, amend)


def back_in_time() -> Script:
    """The batch ends before the one before."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, index, (*new[:VENUE_TIME], 60, *new[VENUE_TIME + 1 :]))

    amend = setting(Kind.CLOSE_VENUE, slice(None), amount0=60)
    return Script(withdraw, {Step.CLOSE_VENUE: hook}, amend, restate=lambda statement: replace(statement, time=60))


def wrong_number() -> Script:
    """The statement's batch number is one too high."""

    def amend(trace: ScriptedTrace) -> None:
        trace.columns["sequence"][trace.at(Step.CLOSE_VENUE)] += 1

    return Script(withdraw, amend=amend, restate=lambda statement: replace(statement, batch=statement.batch + 1))


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    closing: dict[str, Callable[[], Script]] = {
        "close_venue: batches are counted": lambda: Script(withdraw, {Step.CLOSE_VENUE: add(VENUE_BATCHES)}),
        "close_venue: published number": wrong_number,
        "close_venue: published time": wrong_time,
        "close_venue: time does not go back": back_in_time,
    }
    return prices() | fees() | fills() | closing
