"""The made-up tape is repeatable, legal for the venue, and looks like one: both markets, bursts, a heavy tail."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from circuits.bounds import AMOUNT_MAX, FRACTION_ONE, PRICE_MAX, SIZE_MAX
from state.synthetic import synthetic_trades
from tests.batches import BTC_PERP, ETH_PERP, default_venue

VENUE = default_venue()


@given(count=st.integers(0, 300), seed=st.integers())
def test_same_seed_same_legal_tape(count: int, seed: int) -> None:
    trades = list(synthetic_trades(VENUE, count, seed))
    assert trades == list(synthetic_trades(VENUE, count, seed))
    assert len(trades) == count
    assert all(a.time <= b.time for a, b in pairwise(trades))
    assert all(1 <= trade.price <= PRICE_MAX and 1 <= trade.size <= SIZE_MAX for trade in trades)
    assert all(trade.price * trade.size <= AMOUNT_MAX for trade in trades)


def test_another_seed_is_another_tape() -> None:
    assert list(synthetic_trades(VENUE, 20, 1)) != list(synthetic_trades(VENUE, 20, 2))


def test_the_tape_looks_like_one() -> None:
    trades = list(synthetic_trades(VENUE, 5_000, 3))
    assert min(Counter(trade.market for trade in trades)[market] for market in (BTC_PERP, ETH_PERP)) > 1_500
    assert 1_500 < sum(trade.taker_buys for trade in trades) < 3_500
    notionals = sorted(trade.price * trade.size for trade in trades)
    assert sum(notionals[-250:]) > sum(notionals) // 2  # a twentieth of the trades is most of the volume
    gaps = sorted(b.time - a.time for a, b in pairwise(trades))
    assert gaps[len(gaps) // 2] * 20 < gaps[-1]  # bursts between silences
    for market in VENUE.markets:
        prices = [trade.price for trade in trades if trade.market == market.number]
        assert len(set(prices)) > 50
        assert all(abs(b - a) * FRACTION_ONE <= 10 * a for a, b in pairwise(prices))
        assert all(market.initial_price // 2 < price < 2 * market.initial_price for price in prices)
