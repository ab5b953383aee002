"""Forgeries of prices and their weights, and of what the close says of the batch."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from circuits.bounds import FRACTION_ONE, LIMB
from circuits.field import P
from circuits.records import (
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    PARAMETERS_PRICES,
    PARAMETERS_STALENESS,
    PARAMETERS_TIME,
    VENUE_BATCHES,
    VENUE_TIME,
    Record,
)
from circuits.statement import Statement
from circuits.steps import STEPS, Kind, Step
from tests.batches import BTC_PERP, ETH
from tests.mutation.execution_accesses import price, set_price, withdraw
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.matching import one
from tests.mutation.script import Amend, BentMemory, Script, ScriptedTrace, add, inverse
from tests.mutation.stage import DAVE, MARK, SIZE
from tests.tamper.forger import Forger

ETH_FRACTION, ETH_PRICE = 8_500, 268_163
VALUE, REMAINDER = divmod(ETH_PRICE * ETH_FRACTION, FRACTION_ONE)  # of a lot of ETH as collateral
REMAINDER_PORT, REST_PORT, CARRY_PORT = 4, 5, 6


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


def long_lasting() -> Script:
    """A price lasts longer than the parameters say."""

    def believe(trace: ScriptedTrace) -> None:
        trace.old[PARAMETERS_STALENESS][trace.at(Step.PRICE_PARAMETERS)] += 1

    return Script(price, {Step.PRICE_MARKET: add(MARKET_VALID)}, believe=believe)


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
        "price_parameters: staleness": long_lasting,
        "price_parameters: time is recorded": lambda: Script(price, {Step.PRICE_PARAMETERS: add(PARAMETERS_TIME)}),
        "price_market: last second": lambda: Script(price, {Step.PRICE_MARKET: add(MARKET_VALID)}),
        "price_parameters: time does not go back": lambda: Script(lambda f: set_price(f, BTC_PERP, 6_000_000, 5)),
    }
    for k in range(2):
        table[f"price_market: mark{k} in range"] = partial(off_record, MARKET_MARK + k)
        table[f"price_market: weight{k} in range"] = partial(off_record, MARKET_WEIGHT + k)
        table[f"price_market: published price limb {k}"] = partial(misstated_price, k)
    return table


def timed(time: int, rows: slice = EVERY) -> Amend:
    """Amend: the batch has this time, on some rows."""

    def amend(trace: ScriptedTrace) -> None:
        moment = trace.columns["moment"]
        trace.columns["time"][rows], moment[rows] = time, np.where(moment[rows] == 0, 0, time)

    return amend


def wrong_time() -> Script:
    """The venue's time is not the published one."""

    def amend(trace: ScriptedTrace) -> None:
        trace.wide_port(0, trace.at(Step.CLOSE_VENUE), one(29))

    return Script(withdraw, {Step.CLOSE_VENUE: add(VENUE_TIME, -1)}, both(amend, timed(99)))


def back_in_time() -> Script:
    """The batch ends before the one before."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, index, (*new[:VENUE_TIME], 60, *new[VENUE_TIME + 1 :]))

    amend = both(setting(Kind.CLOSE_VENUE, EVERY, amount0=60), timed(60))
    return Script(withdraw, {Step.CLOSE_VENUE: hook}, amend, restate=lambda statement: replace(statement, time=60))


def in_time(rows: slice) -> Script:
    """An order that has expired is held to an earlier time."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE, expiry=80).trade().filled()

    return Script(act, believe=timed(80, rows))


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
        "close_venue: time of the batch": partial(in_time, EVERY),
        "a batch has one time": partial(in_time, slice(0, len(STEPS[Kind.ORDER]))),
        "close_venue: time does not go back": back_in_time,
    }
    return prices() | closing
