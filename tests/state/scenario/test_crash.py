"""A falling day on a ledger, unproven: the same for the same seed, backed throughout, and with forced cancels."""

from dataclasses import fields, replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from circuits.records import CHAIN_DEPOSITS, chain_index
from cli.crash_report import waterfall
from cli.crash_run import CrashSettings, scenario_venue
from cli.scenario import crash as crash_command
from solvent import LaneHasher
from state.audit import InvariantWatch, account_count, invariant
from state.errors import InvariantError
from state.health import health
from state.ledger import Ledger
from state.minute_prices import MinuteDay, read_minutes
from state.prices import PriceBook
from state.scenario.crash import Crash, asset_price
from state.scenario.path import Tick, batches, falling_day
from state.scenario.population import Role, deposits, populate
from verifier.prices import SIGNATURE_SIZE, Bundle

GAP = 1_500
HOUR = CrashSettings(gap=GAP, seed=3, accounts=60, fund=5_000, minutes=60, every=20, params="compact")
UNIT = 1_000_000  # of the quote
REAL = Path(__file__).parents[4] / "shared" / "data" / "minute" / "coinbase_ethusd_20170904_trade.zip"


def default_settings() -> CrashSettings:
    """Those of the command without options."""
    with crash_command.make_context("crash", ["--ledger", "ledger", "--report", "report"]) as context:
        return CrashSettings(**{field.name: context.params[field.name] for field in fields(CrashSettings)})


def assert_whole_waterfall(counts: dict[str, Any]) -> None:
    """What the default day must come to, of a report's counts."""
    assert counts["accounts"]["liquidations"] >= 100
    assert counts["accounts"]["takeovers"] >= 10
    assert counts["accounts"]["deleveragings"] >= 3
    assert counts["fund_exhausted"] >= 1
    assert counts["socialised"] >= 1
    assert Decimal(counts["socialised_loss"]) > 0


def new_crash(settings: CrashSettings, day: MinuteDay | None = None) -> tuple[Crash, list[list[Tick]], PriceBook]:
    """A scenario on a new ledger, its batches of ticks, and a book that takes any signature."""
    venue = scenario_venue(settings, day)
    ledger = Ledger.genesis(venue, LaneHasher())
    market, asset = venue.markets[0], venue.collateral[1]
    first = account_count(ledger)
    if day is None:
        prices = falling_day(market.initial_price, settings.gap, settings.minutes, Random(settings.seed))
        ticks = [Tick(60 * minute, price) for minute, price in enumerate(prices, 1)]
    else:
        ticks = [Tick(second, price) for second, price in day.closes(market)]
    price = asset_price(market, asset, ticks[0].price)
    members = populate(venue, asset, price, range(first, first + settings.accounts), Random(settings.seed))

    def sign(time: int, content: object) -> Bundle:
        assert isinstance(content, list)
        return Bundle(time, tuple(sorted(content)), 15, bytes(SIGNATURE_SIZE))

    crash = Crash(ledger, market, asset, members, sign, settings.seed)
    return crash, list(batches(ticks, 60 * settings.every)), PriceBook(venue, lambda keys, message, signature: True)


def played(settings: CrashSettings, day: MinuteDay | None = None) -> Crash:
    """All batches."""
    crash, planned, book = new_crash(settings, day)
    counts = [crash.ledger.read(chain_index(chain))[CHAIN_DEPOSITS] for chain in range(3)]
    for number, ticks in enumerate(planned):
        crash.ledger.begin_batch(ticks[-1].second, book)
        crash.begin()
        if not number:
            crash.open(deposits(crash.members, settings.fund * UNIT, counts))
        crash.play(ticks, book)
        crash.ledger.close_batch()
        crash.end()
    return crash


def test_a_day_is_played() -> None:
    crash = played(HOUR)
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
    first, again, other = (played(replace(HOUR, seed=seed)) for seed in (4, 4, 5))
    assert (first.series, first.counts, first.refused) == (again.series, again.counts, again.refused)
    assert first.series != other.series


def test_the_default_day_goes_down_the_whole_waterfall() -> None:
    crash = played(default_settings())
    counts = waterfall(crash.ledger.venue, crash)
    assert_whole_waterfall(counts)
    assert counts["conversions"] > 0
    assert crash.counts["Unwind"] > 0
    assert all(moment.mark == moment.price for moment in crash.series)  # no mark is capped
    falls = [(after.mark / before.mark, after.second - before.second) for before, after in pairwise(crash.series)]
    share, seconds = min(falls)
    assert share <= 1 - GAP / 10_000
    assert seconds == 60
    assert all(health(crash.ledger, member.account).distance >= 0 for member in crash.members)


@pytest.mark.long
@pytest.mark.skipif(not REAL.is_file(), reason="no market data here")
def test_a_real_day_liquidates() -> None:
    assert played(default_settings(), read_minutes(REAL)).counts["Liquidate"] > 10


def test_a_broken_invariant_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    crash, planned, book = new_crash(HOUR)
    crash.ledger.begin_batch(planned[0][-1].second, book)
    broken = invariant(crash.ledger)[:1]
    monkeypatch.setattr(InvariantWatch, "broken", lambda watch: broken)
    with pytest.raises(InvariantError, match="USDC"):
        crash.open([])
