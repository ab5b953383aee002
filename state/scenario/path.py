"""The price of a day, minute by minute: generated, or that of a tape; and which of it becomes marks, batch by batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from circuits.bounds import FRACTION_ONE

MINUTE = 60
_NOISE_ONE = 1_000_000
_NOISE = 300  # in 1 / _NOISE_ONE a minute; what is left of it fades by a tenth a minute
_SPARE = 100  # in 1 / FRACTION_ONE: by how much more than the gap the price falls, so that noise does not close it
# The level at the end of each stretch of the day, in 1 / FRACTION_ONE of the price: before the fall, of what it is
# after the fall when it has slid on, and at the end.
_BEFORE, _SLID, _AFTER = 9_400, 9_200, 10_400
MOVED = 100  # in 1 / FRACTION_ONE: a price this far from the last one becomes a mark
MOST_MINUTES = 30  # after so many, any price does
JUMP = 200  # in 1 / FRACTION_ONE: a price this far from that of a minute before makes that one a mark, too


@dataclass(frozen=True)
class Tick:
    """A price a lot, at a time in seconds since the venue's epoch."""

    second: int
    price: int


def falling_day(price: int, gap: int, minutes: int, rng: Random) -> list[int]:
    """The price at the end of each minute of a calm day, but for a fall of at least `gap` (in 1 / FRACTION_ONE) within
    one minute after two fifths of it, which goes on for a while and is then made up for."""
    levels, noise, prices = _levels(gap, minutes), 0, []
    for level in levels:
        noise = (9 * noise + 10 * rng.randint(-_NOISE, _NOISE)) // 10
        prices.append(max(1, price * level * (_NOISE_ONE + noise) // (FRACTION_ONE * _NOISE_ONE)))
    return prices


def _levels(gap: int, minutes: int) -> list[int]:
    calm, slide = max(1, 2 * minutes // 5), max(1, minutes // 24)
    fallen = _BEFORE * (FRACTION_ONE - gap - _SPARE) // FRACTION_ONE
    bottom = fallen * _SLID // FRACTION_ONE
    stretches = (
        (FRACTION_ONE, _BEFORE, calm), (fallen, fallen, 1), (fallen, bottom, slide),
        (bottom, _AFTER, max(0, minutes - calm - slide - 1)),
    )  # fmt: skip
    return [low + (high - low) * k // length for low, high, length in stretches for k in range(1, length + 1)][:minutes]


def batches(ticks: Sequence[Tick], seconds: int) -> Iterator[list[Tick]]:
    """What becomes marks, in batches of that length: prices that moved, or that are the first for a while, the last one
    before a jump, and the last of each batch, which is the batch's time."""
    last, skipped, batch = Tick(-MOST_MINUTES * MINUTE, 0), None, list[Tick]()
    for position, tick in enumerate(ticks):
        ends = position + 1 == len(ticks) or (ticks[position + 1].second - 1) // seconds != (tick.second - 1) // seconds
        if skipped is not None and _apart(skipped, tick, JUMP):
            batch.append(skipped)
            last = skipped
        skipped = tick
        if ends or _apart(last, tick, MOVED) or tick.second - last.second >= MOST_MINUTES * MINUTE:
            batch.append(tick)
            last, skipped = tick, None
        if ends:
            yield batch
            batch = []


def _apart(before: Tick, after: Tick, distance: int) -> bool:
    return abs(after.price - before.price) * FRACTION_ONE >= before.price * distance
