"""Forgeries of prices and their weights, and of what the close says of the batch."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from circuits.bounds import CAPPED_BIT, FRACTION_ONE, LIMB, PRICE_MAX
from circuits.field import P
from circuits.records import (
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    PARAMETERS_PRICES,
    PARAMETERS_STALENESS,
    PARAMETERS_STEP_TIME,
    PARAMETERS_TIME,
    VENUE_BATCHES,
    VENUE_TIME,
    Record,
    from_limbs,
    limbs,
)
from circuits.statement import Statement
from circuits.steps import STEPS, Kind, Step
from circuits.transitions.price import (
    ALLOWANCE_PORT,
    CAPPED,
    CAPPED_PORT,
    DISTANCE_PORT,
    ELAPSED,
    LONG,
    LONG_PORT,
    UP,
)
from circuits.transitions.price import CARRY_PORT as STEP_CARRY_PORT
from circuits.transitions.price import REMAINDER_PORT as STEP_REMAINDER_PORT
from circuits.transitions.price import REST_PORT as STEP_REST_PORT
from circuits.transitions.price import STEP_TIME as STEP_TIME_REGISTER
from prover.traces.price import fill_step
from tests.batches import BTC_PERP, ETH, STEP_TIME
from tests.mutation.execution_accesses import price, set_price, withdraw
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.matching import one
from tests.mutation.script import Amend, BentMemory, Script, ScriptedTrace, add, inverse, write
from tests.mutation.stage import DAVE, MARK, SIZE
from tests.tamper.forger import Forger

WRAP = (P - 1) // LIMB  # so many LIMBs are -1
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


def other_limbs(k: int) -> Script:
    """The new mark is written in other limbs, one of which is none, and weighed as if that one were another."""
    low, high = limbs(ETH_PRICE, 2)
    written, weighed = (low + LIMB, high - 1), (low, high - 1)
    if k:
        written, weighed = (low + 1, high + WRAP), (low + 1, high)
    weight = from_limbs(weighed) * ETH_FRACTION // FRACTION_ONE

    def rewrite(record: list[int]) -> None:
        record[MARKET_MARK : MARKET_MARK + 2] = written

    def believe(trace: ScriptedTrace) -> None:
        trace.new[MARKET_MARK + k][trace.at(Step.PRICE_MARKET)] = weighed[k]

    hooks = {Step.PRICE_STEP: write(rewrite)}
    return Script(lambda f: set_price(f, ETH, ETH_PRICE, 90, weight=weight), hooks, believe=believe)


def misstated_price() -> Script:
    """The statement's price is higher than the one that the mark follows."""

    def amend(trace: ScriptedTrace) -> None:
        for row in trace.rows(Kind.PRICE):
            trace.columns["amount0"][row] += 1

    def restate(statement: Statement) -> Statement:
        (stated,) = statement.prices
        return replace(statement, prices=(replace(stated, price=stated.price + 1),))

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

    return Script(price, {Step.PRICE_STEP: add(MARKET_VALID)}, believe=believe)


def backdated() -> Script:
    """A price is earlier than the last one; its ports say that it is later."""

    def believe(trace: ScriptedTrace) -> None:
        trace.old[PARAMETERS_TIME][trace.at(Step.PRICE_PARAMETERS)] = 5 - STEP_TIME

    return Script(lambda f: set_price(f, BTC_PERP, 6_000_000, 5), believe=believe)


# A second after BTC-PERP's last price, its mark may move by ALLOWANCE.
BEFORE, SECOND = 6_180_030, 11
ALLOWANCE = -(-BEFORE // STEP_TIME)
LEFT_OVER = ALLOWANCE * STEP_TIME - BEFORE
FAR = 9_000_000  # a price further away
OVER = FAR - BEFORE - ALLOWANCE
# On the row of PRICE_STEP; ports are set one by one.
Cells = dict[str, int]


def on_step(cells: Cells, parameters: Cells | None = None, elapsed: int = 1) -> Amend:
    """Amend: so many seconds have elapsed, and these cells of PRICE_STEP and PRICE_PARAMETERS are as said."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.PRICE)
        for row in rows:
            trace.register(ELAPSED, row, elapsed)
        stated = trace.argument(Kind.PRICE, "price")
        fill_step(trace, rows[2], stated, one(elapsed), trace.columns[STEP_TIME_REGISTER][rows[2]])
        for row, values in ((rows[2], cells), (rows[0], parameters or {})):
            for name, value in values.items():
                trace.columns[name][row] = value

    return amend


def two_ports(port: int, value: int) -> Cells:
    """The cells of a value that fills two ports."""
    return {f"port{port}": value % LIMB, f"port{port + 1}": value // LIMB}


def division(allowance: int, remainder: int) -> Cells:
    """The cells of an allowance of a second after the last price; the carry is what fits the low limb, mod P."""
    low = BEFORE % LIMB + remainder - allowance % LIMB * STEP_TIME
    carry = (low // LIMB if low % LIMB == 0 else low * inverse(LIMB)) + LIMB
    small = 0 <= carry < 2 * LIMB
    high = carry // LIMB if small else carry * inverse(LIMB) % P
    rest = max(STEP_TIME - 1 - remainder, 0)
    return two_ports(ALLOWANCE_PORT, allowance) | {
        f"port{STEP_REMAINDER_PORT}": remainder,
        f"port{STEP_REST_PORT}": rest,
        f"port{STEP_CARRY_PORT}": carry % LIMB if small else 0,
        "scratch": high,
    }


def step_to(stated: int, allowance: int, cells: Cells) -> Script:
    """A price of that second moves the mark as far as if it were within this allowance."""
    slack = two_ports(CAPPED_PORT, allowance - (stated - BEFORE)) | {CAPPED: 0}
    return Script(lambda f: set_price(f, BTC_PERP, stated, SECOND), amend=on_step(cells | slack))


def wrong_allowance(more: int) -> Script:
    """The mark moves by more than its allowance, of which the division's cells are the honest ones."""
    cells = division(ALLOWANCE, LEFT_OVER) | two_ports(ALLOWANCE_PORT, ALLOWANCE + more)
    return step_to(BEFORE + ALLOWANCE + more, ALLOWANCE + more, cells)


def wrapped_allowance() -> Script:
    """The allowance of a product that is P larger."""
    allowance = -(-(BEFORE + P) // STEP_TIME)
    return step_to(FAR, allowance, division(allowance, allowance * STEP_TIME - BEFORE - P))


def overcounted_allowance() -> Script:
    """The remainder could hold the step time once more; so a price over its step is within it."""
    return step_to(BEFORE + ALLOWANCE + 1, ALLOWANCE + 1, division(ALLOWANCE + 1, LEFT_OVER + STEP_TIME))


def half_up() -> Script:
    """A sign that is neither 1 nor -1 makes a price far away a near one, and its square the mark anything."""
    distance, mark = next(
        (distance, mark)
        for distance in range(1, ALLOWANCE)
        if 0 < (mark := (BEFORE + distance**2 * inverse(FAR - BEFORE)) % P) <= PRICE_MAX
    )
    sign = distance * inverse(FAR - BEFORE)
    cells = {UP: (sign + 1) * inverse(2) % P, CAPPED: 0} | two_ports(DISTANCE_PORT, distance)
    amend = on_step(cells | two_ports(CAPPED_PORT, ALLOWANCE - distance))
    return Script(lambda f: set_price(f, BTC_PERP, FAR, SECOND, mark=mark), amend=amend)


def half_capped() -> Script:
    """A price over its step moves the mark by another distance, and how long it may be relied on is anything."""
    for move in range(ALLOWANCE):
        flag = (OVER + ALLOWANCE - move) * inverse(OVER) % P
        slack = (flag * (2 * OVER - 1) - OVER) % P
        if slack < LIMB**2:
            break
    valid = (SECOND + 3_600 + flag * CAPPED_BIT) % P
    amend = on_step({CAPPED: flag} | two_ports(CAPPED_PORT, slack))
    return Script(lambda f: set_price(f, BTC_PERP, FAR, SECOND, mark=BEFORE + move, valid=valid), amend=amend)


def half_long() -> Script:
    """A second is neither short nor long, but as long as you like."""
    missing = STEP_TIME - 1
    for elapsed in range(missing // 2 + 1, LIMB):
        flag = (elapsed - 1) * inverse(missing - 1) % P
        slack = (missing - 1 + flag * (1 - 2 * missing)) % P
        if slack < LIMB**2:
            break
    amend = on_step({}, {LONG: flag} | two_ports(LONG_PORT, slack), elapsed)
    return Script(lambda f: set_price(f, BTC_PERP, FAR, SECOND), amend=amend)


def longer(elapsed: int, parameters: Cells | None, stated: int, time: int) -> Script:
    """More seconds count than may."""
    return Script(lambda f: set_price(f, BTC_PERP, stated, time), amend=on_step({}, parameters, elapsed))


def short_step_time() -> Script:
    """The step time is shorter than the parameters say."""

    def believe(trace: ScriptedTrace) -> None:
        trace.old[PARAMETERS_STEP_TIME][trace.at(Step.PRICE_PARAMETERS)] = 2

    return Script(lambda f: set_price(f, BTC_PERP, FAR, SECOND), believe=believe)


def prices() -> dict[str, Callable[[], Script]]:
    """Forgeries of price updates, by label."""
    table: dict[str, Callable[[], Script]] = {
        "price_parameters: prices are numbered": lambda: Script(
            lambda f: set_price(f, BTC_PERP, 6_000_000, 90, sequence=7)
        ),
        "price_parameters: prices are counted": lambda: Script(price, {Step.PRICE_PARAMETERS: add(PARAMETERS_PRICES)}),
        "price_parameters: fraction": free_weight,
        "price_parameters: staleness": long_lasting,
        "price_parameters: time is recorded": lambda: Script(price, {Step.PRICE_PARAMETERS: add(PARAMETERS_TIME)}),
        "price_parameters: time does not go back": backdated,
        "price_market: remainder below one": overcounted_remainder,
        "price_market: high carry is boolean": wrapped_weight,
        "price_market: weight, low limb": partial(wrong_weight, VALUE + 1),
        "price_market: weight, high limb": partial(wrong_weight, VALUE + LIMB),
    }
    for k in range(2):
        table[f"price_market: mark{k} in range"] = partial(other_limbs, k)
        table[f"price_market: weight{k} in range"] = partial(off_record, MARKET_WEIGHT + k)
    return table


def steps() -> dict[str, Callable[[], Script]]:
    """Forgeries of how far a price moves the mark, by label."""
    days = 80  # seconds after the last price: more than the step time
    as_short = {LONG: 0} | two_ports(LONG_PORT, 0)
    return {
        "price_parameters: step time": short_step_time,
        "price_parameters: long is boolean": half_long,
        "price_parameters: long, both ways": partial(longer, days, as_short, 2 * BEFORE + 1, 10 + days),
        "price_parameters: elapsed time": partial(longer, STEP_TIME - 1, None, FAR, SECOND),
        "price_step: remainder below step time": overcounted_allowance,
        "price_step: high carry is boolean": wrapped_allowance,
        "price_step: allowance, low limb": partial(wrong_allowance, 1),
        "price_step: allowance, high limb": partial(wrong_allowance, LIMB),
        "price_step: up is boolean": half_up,
        "price_step: distance": misstated_price,
        "price_step: capped is boolean": half_capped,
        "price_step: capped, both ways": lambda: Script(
            lambda f: set_price(f, BTC_PERP, FAR, SECOND), amend=on_step({CAPPED: 0} | two_ports(CAPPED_PORT, 0))
        ),
        "price_step: new mark": lambda: Script(lambda f: set_price(f, BTC_PERP, 6_000_000, 90, mark=6_000_001)),
        "price_step: last second": lambda: Script(price, {Step.PRICE_STEP: add(MARKET_VALID)}),
    }


def timed(time: int, rows: slice = EVERY) -> Amend:
    """Amend: the batch has this time, on some rows."""

    def amend(trace: ScriptedTrace) -> None:
        moment = trace.columns["moment"]
        flags = moment[rows] // CAPPED_BIT * CAPPED_BIT
        trace.columns["time"][rows], moment[rows] = time, np.where(moment[rows] == 0, 0, flags + time)

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
    return prices() | steps() | closing
