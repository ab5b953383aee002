"""A made-up tape, the same for the same seed: random walks in bursts of trades, sizes with a heavy tail."""

from collections.abc import Iterator
from random import Random

from circuits.bounds import PRICE_MAX, SIZE_MAX
from state.tape import Trade
from state.venue import Venue

_TICKS = 50_000  # ticks in a price: 0.2 basis points each
_MEAN_BURST = 6  # trades
_TYPICAL_NOTIONAL = 100  # whole quote, of the smallest trades
_DOUBLINGS = 12  # at most, of a size: each half as likely as the one before, so that P(size > s) falls like 1 / s
_MILLISECOND = 10**6  # nanoseconds


def synthetic_trades(venue: Venue, count: int, seed: int) -> Iterator[Trade]:
    """`count` trades over all markets of the venue, in order of time, from the first second after the venue's epoch
    and its initial prices on."""
    rng = Random(seed)
    prices = {market.number: market.initial_price for market in venue.markets}
    time = (venue.epoch + 1) * 10**9
    market, taker_buys, left = venue.markets[0], True, 0
    for _ in range(count):
        if not left:
            market, taker_buys = rng.choice(venue.markets), bool(rng.getrandbits(1))
            left = rng.randint(1, 2 * _MEAN_BURST - 1)
            time += rng.randrange(400) * _MILLISECOND
        left -= 1
        time += rng.randrange(3) * _MILLISECOND
        tick = max(1, prices[market.number] // _TICKS)
        step = rng.choice((-1, 0, 0, 1, 2)) * (tick if taker_buys else -tick)  # takers push the price their way
        price = prices[market.number] = min(max(1, prices[market.number] + step), PRICE_MAX)
        yield Trade(time, market.number, price, _size(venue, price, rng), taker_buys)


def _size(venue: Venue, price: int, rng: Random) -> int:
    doublings = 0
    while doublings < _DOUBLINGS and rng.getrandbits(1):
        doublings += 1
    base = max(1, _TYPICAL_NOTIONAL * int(venue.quote.units_per_one) // price)
    return min(rng.randint(base, base << doublings), SIZE_MAX)
