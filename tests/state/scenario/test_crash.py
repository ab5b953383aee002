"""A falling day on a ledger, unproven: the same for the same seed, backed throughout, and with forced cancels."""

from random import Random

import pytest

from circuits.records import CHAIN_DEPOSITS, chain_index
from cli.crash_run import CrashSettings, scenario_venue
from solvent import LaneHasher
from state.audit import InvariantWatch, account_count, invariant
from state.errors import InvariantError
from state.health import health
from state.ledger import Ledger
from state.prices import PriceBook
from state.scenario.crash import Crash, asset_price
from state.scenario.path import Tick, batches, falling_day
from state.scenario.population import Role, deposits, populate
from verifier.prices import SIGNATURE_SIZE, Bundle

ACCOUNTS, MINUTES, GAP = 60, 60, 1_500
SETTINGS = CrashSettings(gap=GAP, seed=3, accounts=ACCOUNTS, fund=5_000, minutes=MINUTES, every=20, params="compact")


def new_crash(seed: int) -> tuple[Crash, list[list[Tick]], PriceBook]:
    """A scenario on a new ledger, its batches of ticks, and a book that takes any signature."""
    venue = scenario_venue(SETTINGS, None)
    ledger = Ledger.genesis(venue, LaneHasher())
    market, asset, rng = venue.markets[0], venue.collateral[1], Random(seed)
    first = account_count(ledger)
    price = asset_price(market, asset, market.initial_price)
    members = populate(venue, asset, price, range(first, first + ACCOUNTS), rng)
    prices = falling_day(market.initial_price, GAP, MINUTES, rng)
    ticks = [Tick(60 * minute, price) for minute, price in enumerate(prices, 1)]

    def sign(time: int, content: object) -> Bundle:
        assert isinstance(content, list)
        return Bundle(time, tuple(sorted(content)), 15, bytes(SIGNATURE_SIZE))

    crash = Crash(ledger, market, asset, members, sign, seed)
    return crash, list(batches(ticks, 1_200)), PriceBook(venue, lambda keys, message, signature: True)


def played(seed: int) -> Crash:
    """The whole day."""
    crash, planned, book = new_crash(seed)
    counts = [crash.ledger.read(chain_index(chain))[CHAIN_DEPOSITS] for chain in range(3)]
    for number, ticks in enumerate(planned):
        crash.ledger.begin_batch(ticks[-1].second, book)
        crash.begin()
        if not number:
            crash.open(deposits(crash.members, 5_000_000_000, counts))
        crash.play(ticks, book)
        crash.ledger.close_batch()
        crash.end()
    return crash


def test_a_day_is_played() -> None:
    crash = played(3)
    assert all(one.holds for one in invariant(crash.ledger))
    assert crash.checks == crash.counts.total() > 500
    assert crash.counts["ForceCancel"] > 0
    assert min(moment.mark for moment in crash.series) * 10_000 < crash.series[0].mark * (10_000 - GAP)
    assert [moment.second for moment in crash.series] == sorted({moment.second for moment in crash.series})
    assert all(moment.mark == moment.price for moment in crash.series)  # no mark is capped
    assert max(moment.open_interest for moment in crash.series) > 0
    roles = {member.role for member in crash.members}
    assert roles == set(Role)
    assert sum(one.borrows > 0 for one in crash.members) > 0
    assert crash.counts["Withdraw"] > 0
    sizes = [one.size for member in crash.members for one in health(crash.ledger, member.account).positions]
    assert min(sizes) < 0 < max(sizes)


def test_a_seed_determines_the_day() -> None:
    first, again, other = played(4), played(4), played(5)
    assert (first.series, first.counts, first.refused) == (again.series, again.counts, again.refused)
    assert first.series != other.series


def test_a_broken_invariant_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    crash, planned, book = new_crash(3)
    crash.ledger.begin_batch(planned[0][-1].second, book)
    broken = invariant(crash.ledger)[:1]
    monkeypatch.setattr(InvariantWatch, "broken", lambda watch: broken)
    with pytest.raises(InvariantError, match="USDC"):
        crash.open([])
