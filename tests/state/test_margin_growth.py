"""What open interest makes of a market's margin fraction, and when."""

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.acts import Parameter
from circuits.bounds import FRACTION_ONE, GROWTH_MAX, LIMB, SIZE_MAX
from circuits.records import (
    EMPTY,
    MARKET_MARK,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    RULES_GROWTH,
    RULES_INTEREST,
    Tag,
    from_limbs,
    market_index,
    parameters_index,
    rules_index,
)
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.transitions.announce import Announce
from state.transitions.deposit import Deposit
from state.transitions.enact import Enact
from state.transitions.order import Order
from state.transitions.price import SetPrice
from tests.batches import (
    ALICE,
    BOB,
    BTC_PERP,
    ETH,
    ETH_PERP,
    LATE,
    USDC,
    brisk_venue,
    every_kind,
    new_ledger,
    prompt_ledger,
    run_batch,
    trade,
    with_rules,
)

BASE = 500  # of BTC-PERP
PRICE = 6_180_000


def weight(ledger: Ledger, instrument: int) -> int:
    return from_limbs(ledger.read(market_index(instrument))[MARKET_WEIGHT : MARKET_WEIGHT + 2])


def mark(ledger: Ledger, instrument: int) -> int:
    return from_limbs(ledger.read(market_index(instrument))[MARKET_MARK : MARKET_MARK + 2])


def interest(ledger: Ledger) -> int:
    return ledger.read(rules_index(BTC_PERP))[RULES_INTEREST]


@given(st.integers(1, 10_000_000), st.integers(0, GROWTH_MAX), st.integers(0, SIZE_MAX))
def test_a_lot_requires_what_the_grown_fraction_says(price: int, growth: int, held: int) -> None:
    ledger = with_rules(new_ledger(), BTC_PERP, {RULES_GROWTH: growth, RULES_INTEREST: held})
    run_batch(ledger, [SetPrice(BTC_PERP, price, 60)])
    fraction = min(Fraction(1), Fraction(BASE, FRACTION_ONE) + Fraction(growth, FRACTION_ONE) * floor(held / LIMB))
    assert weight(ledger, BTC_PERP) == ceil(fraction * mark(ledger, BTC_PERP))


@pytest.mark.parametrize(
    ("growth", "held", "fraction"),
    [
        (40, 0, BASE),
        (40, LIMB - 1, BASE),
        (40, LIMB, BASE + 40),
        (0, SIZE_MAX, BASE),
        (9_499, LIMB, FRACTION_ONE - 1),
        (9_500, LIMB, FRACTION_ONE),
        (9_501, LIMB, FRACTION_ONE),
        (GROWTH_MAX, SIZE_MAX, FRACTION_ONE),
    ],
)
def test_it_grows_by_whole_limbs_of_lots_and_up_to_one(growth: int, held: int, fraction: int) -> None:
    ledger = with_rules(new_ledger(), BTC_PERP, {RULES_GROWTH: growth, RULES_INTEREST: held})
    run_batch(ledger, [SetPrice(BTC_PERP, FRACTION_ONE * 600, 60)])
    assert weight(ledger, BTC_PERP) == 600 * fraction


def test_it_follows_what_is_held_at_the_next_price() -> None:
    """And of the next price only: until then a lot requires what it did."""
    ledger = with_rules(new_ledger(), BTC_PERP, {RULES_GROWTH: 300})
    run_batch(ledger, every_kind())
    before = weight(ledger, BTC_PERP)
    assert interest(ledger) < LIMB
    more = [Deposit(0, 1, ALICE, USDC, 90_000_000_000), Deposit(1, 1, BOB, USDC, 90_000_000_000)]
    run_batch(ledger, [*more, *trade(BTC_PERP, ALICE, BOB, PRICE, 2 * LIMB, True)], 70)
    assert LIMB <= interest(ledger) < 2 * LIMB
    assert weight(ledger, BTC_PERP) == before
    run_batch(ledger, [SetPrice(BTC_PERP, PRICE, 71)], 71)
    assert weight(ledger, BTC_PERP) == PRICE * (BASE + 300) // FRACTION_ONE
    run_batch(ledger, trade(BTC_PERP, BOB, ALICE, PRICE, 2 * LIMB, True), 72)  # back
    run_batch(ledger, [SetPrice(BTC_PERP, PRICE, 73)], 73)
    assert interest(ledger) < LIMB
    assert weight(ledger, BTC_PERP) == PRICE * BASE // FRACTION_ONE


def test_an_order_needs_the_grown_margin() -> None:
    order = Order(ALICE, BTC_PERP, True, 5_000_000, 90_000, LATE)

    def priced(growth: int) -> Ledger:
        ledger = new_ledger()
        run_batch(ledger, every_kind())
        with_rules(ledger, BTC_PERP, {RULES_GROWTH: growth, RULES_INTEREST: LIMB}).begin_batch(80)
        ledger.apply(SetPrice(BTC_PERP, PRICE, 80))
        return ledger

    priced(0).apply(order)
    with pytest.raises(Refusal) as caught:
        priced(4_000).apply(order)
    assert caught.value.rule is Rule.INITIAL_MARGIN


def test_an_asset_and_another_market_keep_their_own() -> None:
    """An asset has no rules; ETH-PERP's do not grow."""
    grows = with_rules(new_ledger(), BTC_PERP, {RULES_GROWTH: GROWTH_MAX, RULES_INTEREST: SIZE_MAX})
    for ledger in (grows, new_ledger()):
        run_batch(ledger, [SetPrice(ETH, 268_163, 60), SetPrice(ETH_PERP, 2_681_620, 60)])
        assert ledger.read(rules_index(ETH)) == EMPTY
        assert weight(ledger, ETH) == 268_163 * 8_500 // FRACTION_ONE
        assert weight(ledger, ETH_PERP) == 2_681_620 * BASE // FRACTION_ONE


def test_the_growth_is_the_venue_file_s_until_another_is_enacted() -> None:
    venue = brisk_venue()
    markets = (replace(one, margin_growth=7) if one.tag == Tag.PERPETUAL else one for one in venue.instruments)
    ledger = new_ledger(notice=0, venue=replace(venue, instruments=tuple(markets)))
    assert ledger.read(rules_index(BTC_PERP))[RULES_GROWTH] == 7
    ledger = with_rules(prompt_ledger(), BTC_PERP, {RULES_INTEREST: 5 * LIMB})
    first = weight(ledger, BTC_PERP)
    run_batch(ledger, [Announce(BTC_PERP, (Parameter.MARGIN_GROWTH, 9)), Enact(BTC_PERP)])
    assert ledger.read(rules_index(BTC_PERP))[RULES_GROWTH] == 9
    assert ledger.read(parameters_index(BTC_PERP))[PARAMETERS_FRACTION] == BASE
    assert weight(ledger, BTC_PERP) == first
    run_batch(ledger, [SetPrice(BTC_PERP, PRICE, 60)])
    assert weight(ledger, BTC_PERP) == PRICE * (BASE + 45) // FRACTION_ONE
