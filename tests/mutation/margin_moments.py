"""Checks whose request is read otherwise, as to the moment, its flags and the tier, and rows that report too early."""

from functools import partial
from unittest.mock import patch

import numpy as np

from circuits import margin as layout
from circuits.bounds import AMOUNT_LIMBS, CAPPED_BIT, LIMB, PRICE_MAX, RATIO_ONE, SIZE_MAX
from circuits.execution import CASH_PORTS, EQUITY_PORTS, REQUIRED_PORTS
from circuits.field import P
from circuits.records import (
    MARKET_MARK,
    MARKET_VALID,
    QUOTE_BORROW,
    QUOTE_MAINTENANCE,
    limbs,
    market_index,
)
from circuits.steps import Step
from prover.traces import build
from prover.traces.columns import Columns
from prover.traces.health import take_health
from state.ledger import Ledger
from state.transitions.price import SetPrice
from tests.batches import ALICE, BTC_PERP, DEBTOR, ETH, USDC, run_batch
from tests.deleveragings import ALICE as RUINED
from tests.deleveragings import LATER as AFTER_CRASH
from tests.mutation.deleveraging import deleverage
from tests.mutation.execution_deleveragings import crashed, insured
from tests.mutation.margin_acts import (
    LOT,
    STALE,
    after,
    forged,
    on_rows,
    on_the_edge,
    seize_bid,
    turned_down,
    unedited,
    with_orders,
    withdraw_one,
)
from tests.mutation.margin_rows import (
    ALL,
    ASSET_ROW,
    CLOSING_ROW,
    PERPETUAL_ROW,
    QUOTE_ROW,
    RowEdit,
    close,
    parts,
    set_ports,
)
from tests.mutation.script import Script, ScriptedTrace
from tests.mutation.standing import Standing, standing, take_over
from tests.mutation.world import Forge, Forged

MAINTENANCE = 900  # of the initial requirement, in 1 / RATIO_ONE
LATENESS = (STALE - 1 - 3_611, STALE - 1 - 3_610)  # of the prices of ETH and BTC-PERP, less 1


def old(edit: RowEdit) -> Forge:
    """Alice withdraws a little though the prices of ETH and BTC-PERP hold no more; the rows of her check are edited."""
    return partial(forged, lambda f: f.withdraw(0, ALICE, USDC, 1), on_rows(edit), time=STALE)


def age(margin: Columns, row: int, stale: int, distance: int) -> None:
    """Whether the price visited is stale, and by how much it is or is not."""
    margin["stale"][row] = stale
    margin["unreliable"][row] = stale
    set_ports(margin, row, layout.VALIDITY, parts(distance, 2))


def ages(stale: tuple[int, int], distances: tuple[int, int], first: int = 0, jump: int = 0) -> RowEdit:
    """Which of the two prices are stale, by how much, and how many that makes; first, jump: of the count, how many come
    before the first row and how many more after the last."""

    def edit(margin: Columns) -> None:
        for row, bit, distance in zip((ASSET_ROW, PERPETUAL_ROW), stale, distances, strict=True):
            age(margin, row, bit, distance)
        counts = [first, first, first + stale[0], first + sum(stale) + jump]
        margin["stales"][: CLOSING_ROW + 1] = counts
        margin["high_carry0"][CLOSING_ROW] = pow(counts[-1], P - 2, P)

    return edit


def said_to_matter(column: str, value: int, stales: int) -> RowEdit:
    """Of both prices this column says otherwise; so many then count as stale."""

    def edit(margin: Columns) -> None:
        margin[column][ASSET_ROW : PERPETUAL_ROW + 1] = value
        for row, count_of in ((PERPETUAL_ROW, stales // 2), (CLOSING_ROW, stales)):
            margin["stales"][row] = count_of
        margin["high_carry0"][CLOSING_ROW] = pow(stales, P - 2, P)

    return edit


def aliased(up: int, down: int, shift: int) -> RowEdit:
    """ETH's price holds `shift` seconds longer, or shorter, as these flags, which are no bits, go round mod P."""

    def edit(margin: Columns) -> None:
        second = int(margin["valid"][ASSET_ROW]) + shift
        distance = second - int(margin["moment"][ASSET_ROW])
        set_ports(margin, ASSET_ROW, layout.LAST_SECOND, parts(second, 2))
        set_ports(margin, ASSET_ROW, layout.CAPPED, [up, down])
        ages((0, 0), (distance, int(margin["valid"][PERPETUAL_ROW] - margin["moment"][PERPETUAL_ROW])))(margin)
        margin["unreliable"][ASSET_ROW] = up + down
        margin["stales"][PERPETUAL_ROW : CLOSING_ROW + 1] = up + down
        margin["high_carry0"][CLOSING_ROW] = pow(up + down, P - 2, P)

    return edit


def for_a_moment(moment: int) -> RowEdit:
    """The moment changes after the first row, and with it what is stale."""

    def edit(margin: Columns) -> None:
        margin["moment"][ASSET_ROW : CLOSING_ROW + 1] = moment
        distances = [int(margin["valid"][row]) - moment for row in (ASSET_ROW, PERPETUAL_ROW)]
        stale = [int(distance < 0) for distance in distances]
        found = [-1 - distance if bit else distance for bit, distance in zip(stale, distances, strict=True)]
        ages((stale[0], stale[1]), (found[0], found[1]))(margin)

    return edit


def cancelling() -> RowEdit:
    """Two bits that add up to 0, and with which both distances are small mod P."""

    def edit(margin: Columns) -> None:
        late = [STALE - int(margin["valid"][row]) for row in (ASSET_ROW, PERPETUAL_ROW)]
        for distance in range(LIMB):
            bit = (distance + late[0]) * pow(2 * late[0] - 1, -1, P) % P
            other = (bit - late[1] * (1 + 2 * bit)) % P
            if other < LIMB * LIMB:
                ages((bit, -bit), (distance, other))(margin)
                return
        raise ValueError("no bits cancel")

    return edit


def a_bit_of_another_kind(margin: Columns) -> None:
    """ETH's price, which holds, is stale x times."""
    left = int(margin["valid"][ASSET_ROW] - margin["moment"][ASSET_ROW])
    bit = left * pow(2 * left + 1, -1, P) % P  # with which the distance is 0
    ages((bit, 0), (0, int(margin["valid"][PERPETUAL_ROW] - margin["moment"][PERPETUAL_ROW])))(margin)


# What a request says is the moment, CAPPED_BIT more if it is strict, and twice that if it judges, or less if it doubts.


def read_as(moment: int, strict: int, judged: int) -> RowEdit:
    """The request is split so, and with that moment both prices hold."""

    def edit(margin: Columns) -> None:
        for name, value in (("moment", moment), ("strict", strict), ("judged", judged)):
            margin[name][ALL] = value % P
        set_ports(margin, QUOTE_ROW, layout.MOMENT, [0, 0])
        left = [int(margin["valid"][row]) - moment for row in (ASSET_ROW, PERPETUAL_ROW)]
        ages((0, 0), (left[0], left[1]))(margin)

    return edit


def forgotten(flag: str) -> RowEdit:
    """After the first row the flag is 0, and no price counts as stale."""

    def edit(margin: Columns) -> None:
        margin[flag][ASSET_ROW : CLOSING_ROW + 1] = 0
        said_to_matter("unreliable", 0, 0)(margin)

    return edit


def sunk() -> Ledger:
    """Frank, who owes what he can, lacks even the maintenance margin at the mark of ETH; but its price is higher."""
    ledger = on_the_edge()
    run_batch(ledger, [SetPrice(ETH, 200_000, 95), SetPrice(ETH, 400_000, 95)], 95)
    return ledger


# The tier is its low bit and twice its high one.


def owing_the_most() -> Ledger:
    """The debtor's position is as short as can be, and it has as much ether as counts: the cash that it owes, in
    CAP_UNIT, is within the borrow cap of LIMB^2. Its equity is between the close-out requirement and four fifths of the
    initial one. Cash that is owed requires nothing. (The ledger itself would not judge it before the prices fall.)"""
    weight = 10
    ledger = standing()
    quote, eth, btc = (list(ledger.read(market_index(number))) for number in (USDC, ETH, BTC_PERP))
    quote[QUOTE_MAINTENANCE], quote[QUOTE_BORROW] = MAINTENANCE, 0
    eth[MARKET_MARK:MARKET_VALID] = [*limbs(PRICE_MAX, 2), *limbs(PRICE_MAX, 2)]
    btc[MARKET_MARK:MARKET_VALID] = [*limbs(PRICE_MAX, 2), *limbs(weight, 2)]
    further = {market_index(number): tuple(record) for number, record in ((USDC, quote), (ETH, eth), (BTC_PERP, btc))}
    return standing(Standing(6 * weight * SIZE_MAX // 10, SIZE_MAX * LOT, -SIZE_MAX, further=further))


def low_bit_of_two(margin: Columns) -> None:
    """CLOSE_OUT is said to be twice the low bit: then its ratio is twice that of MAINTENANCE less that of INITIAL."""
    set_ports(margin, QUOTE_ROW, layout.TIER, [2, 0])
    margin["ratio"][ALL] = 2 * MAINTENANCE - RATIO_ONE
    margin["cap"][ALL] = 2 * layout.NO_CAP - int(margin["weight1"][QUOTE_ROW])
    close(margin, CLOSING_ROW)


# What the closing row finds.


def report_at_first(execution: ScriptedTrace, margin: Columns) -> None:
    """Of the fund's check the row of the quote reports, that the equity is the least that there is."""
    take_health(execution, margin)
    asking = execution.at(Step.DELEVERAGE_FUND)
    first, *_, closing = (int(row) for row in np.flatnonzero(margin["clock"] == asking[0] + 1))
    margin["reports"][[first, closing]] = 1, 0
    set_ports(margin, first, layout.EQUITY, [0] * AMOUNT_LIMBS)
    for ports, numbers in (
        (EQUITY_PORTS, layout.EQUITY), (REQUIRED_PORTS, layout.REQUIRED), (CASH_PORTS, layout.SHORT),
    ):  # fmt: skip
        for port, number in zip(ports, numbers, strict=True):
            execution.port(port, asking, margin[f"port{number}"][[first]])


def deleverage_insured() -> Forged:
    """Alice's position is closed, though the fund could take it over."""
    script = Script(deleverage, ledger=lambda: insured(crashed(), RUINED), time=AFTER_CRASH)
    with patch.object(build, "take_health", report_at_first):
        return script()


FORGERIES: dict[str, Forge] = {
    "strict is boolean": old(read_as(0, 1 + STALE * pow(CAPPED_BIT, -1, P), 0)),
    "judged is -1, 0 or 1": old(read_as(0, 1, STALE * pow(2 * CAPPED_BIT, -1, P))),
    "the moment in range": old(read_as(STALE - CAPPED_BIT, 0, 1)),
    "strictness is kept": partial(
        forged, withdraw_one, on_rows(forgotten("strict")), after(SetPrice(ETH, 600_000, 80))
    ),
    "judging is kept": partial(forged, seize_bid, on_rows(forgotten("judged")), sunk),
    "low bit of the tier is boolean": lambda: Script(
        lambda f: take_over(f, DEBTOR), edit=on_rows(low_bit_of_two), ledger=owing_the_most
    )(),
    "only closing rows report": deleverage_insured,
    "the moment is kept": old(for_a_moment(0)),
    "stale is boolean": old(cancelling()),
    "stale or not": old(ages((0, 0), (0, 0))),
    # 127 * 2^31 = -128 mod P
    "capped upwards is boolean": turned_down(aliased(1016, 0, 128)),
    "capped downwards is boolean": turned_down(aliased(0, 508, 128)),
    "last second and whether capped": turned_down(aliased(1, 0, 0)),
    "stale, or capped where that matters": old(said_to_matter("unreliable", 0, 0)),
    "a price matters if any lots count": old(said_to_matter("lots_inverse", 0, 0)),
    "stale prices are counted from 0": old(ages((1, 1), LATENESS, first=-2)),
    "stale prices are counted": old(ages((1, 1), LATENESS, jump=-2)),
    "no check passes on a stale price or over the borrow cap": old(unedited),
    "only the initial tier has checks on stale prices": partial(
        forged, seize_bid, on_rows(unedited), with_orders, time=STALE
    ),
}
