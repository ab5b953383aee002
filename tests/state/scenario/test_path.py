"""Generated days fall as they should, and nothing that moved is left out of the batches."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from circuits.bounds import FRACTION_ONE
from state.scenario.path import JUMP, MINUTE, MOST_MINUTES, MOVED, Tick, batches, falling_day


@given(st.integers(10_000, 10**8), st.integers(0, 5_000), st.integers(10, 1_440), st.integers())
def test_one_minute_has_the_fall_and_the_rest_is_calm(price: int, gap: int, minutes: int, seed: int) -> None:
    day = falling_day(price, gap, minutes, Random(seed))
    assert len(day) == minutes
    assert day == falling_day(price, gap, minutes, Random(seed))
    falls = [FRACTION_ONE * (before - after) // before for before, after in pairwise([price, *day])]
    assert max(falls) >= gap
    if minutes == 1_440:
        assert sorted(falls)[-2] < 100
        assert day[-1] > min(day)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(900_000, 1_100_000)), min_size=1), st.integers(1, 60))
def test_batches_have_all_that_moved_and_end_with_their_last_price(steps: list[tuple[int, int]], every: int) -> None:
    ticks, minute = [], 0
    for gap, price in steps:
        minute += gap
        ticks.append(Tick(MINUTE * minute, price))
    made = list(batches(ticks, every * MINUTE))
    chosen = [tick for batch in made for tick in batch]
    assert chosen == sorted(set(chosen), key=ticks.index)
    for batch in made:
        number = (batch[0].second - 1) // (every * MINUTE)
        own = [tick for tick in ticks if (tick.second - 1) // (every * MINUTE) == number]
        assert batch[-1] == own[-1]
        assert set(batch) <= set(own)
    assert {(tick.second - 1) // (every * MINUTE) for tick in ticks} == {
        (batch[0].second - 1) // (every * MINUTE) for batch in made
    }
    for tick in set(ticks) - set(chosen):
        last = max((one for one in chosen if one.second < tick.second), key=lambda one: one.second)
        assert abs(tick.price - last.price) * FRACTION_ONE < last.price * MOVED
        assert tick.second - last.second < MOST_MINUTES * MINUTE
    for before, after in pairwise(ticks):
        if abs(after.price - before.price) * FRACTION_ONE >= before.price * JUMP:
            assert {before, after} <= set(chosen)
