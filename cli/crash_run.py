"""The crash scenario on a ledger's directory: venue, chains, deposits, and each batch proven and verified."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from string import Template

from circuits.bounds import FRACTION_ONE
from circuits.records import MARKET_MARK, Tag, from_limbs, market_index
from circuits.statement import Movement
from cli.directory import LedgerDirectory, create
from cli.errors import BadInputError
from cli.import_tape import pending_deposits, queue_deposits
from cli.init import DEFAULT_VENUE
from cli.prove import prove_closed
from solvent import PARAMETERS, Ledger, Venue, check_signature
from state.audit import account_count
from state.decimals import format_decimal
from state.minute_prices import MINUTE, MinuteDay
from state.prices import PriceBook
from state.rehearsal import last_time
from state.scenario.crash import Crash, asset_price
from state.scenario.path import Tick, batches, falling_day
from state.scenario.population import deposits, populate
from state.simulated_oracle import load_simulated_oracle
from state.venue import Instrument, parse_venue
from verifier.prices import encode_bundles

TEMPLATE, ORACLE = Path(__file__).parent / "crash.toml", "[oracle]"
EPOCH, PRICE = 1_704_067_200, "2680.00"  # of a generated day: 2024-01-01T00:00:00Z
STEP_SPARE = 2  # a minute lets the mark move by so many times the gap
PROOF_NAME = "batch-{:04}.proof"


@dataclass(frozen=True)
class CrashSettings:
    """gap in 1 / FRACTION_ONE; fund in whole quote; minutes of the day and of a batch; params: of the proofs."""

    gap: int
    seed: int
    accounts: int
    fund: int
    minutes: int
    every: int
    params: str


@dataclass(frozen=True)
class BatchFigures:
    """What a batch of the scenario took. Times in seconds."""

    batch: int
    time: int
    transitions: int
    apply: float
    prove: float
    verify: float  # on all chains
    proof_bytes: int


def open_or_make(path: Path, settings: CrashSettings, day: MinuteDay | None) -> LedgerDirectory:
    """The ledger's directory; a new one has a venue for this scenario. Raises BadInputError, ConfigError."""
    if not path.exists() or not any(path.iterdir()):
        create(path, scenario_venue(settings, day))
    directory = LedgerDirectory(path)
    if not directory.venue.oracle.replay:
        raise BadInputError(f"{path}: the venue's chains go by this machine's clock; a scenario needs one that replays")
    return directory


def scenario_venue(settings: CrashSettings, day: MinuteDay | None) -> Venue:
    """The venue of a new ledger, at the first price of the day."""
    epoch, price = (EPOCH, PRICE) if day is None else (day.start, day.bars[0].open)
    values = {
        "epoch": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "price": price,
        "step_time": max(2, MINUTE * FRACTION_ONE // (STEP_SPARE * max(1, settings.gap))),
    }  # fmt: skip
    oracle = DEFAULT_VENUE.read_text().partition(ORACLE)
    return parse_venue(Template(TEMPLATE.read_text()).substitute(values) + "\n" + "".join(oracle[1:]), str(TEMPLATE))


class CrashRun:
    """The scenario, batch by batch; `crash` holds what happened in it so far."""

    def __init__(self, directory: LedgerDirectory, settings: CrashSettings, day: MinuteDay | None, out: Path) -> None:
        self._directory, self._settings, self._day, self._out = directory, settings, day, out
        self.market = directory.venue.markets[0]
        self.asset = _follower(directory.venue, self.market)
        self.crash: Crash | None = None

    def batches(self, announce: Callable[[str], None]) -> Iterator[BatchFigures]:
        """Play, prove and verify all batches; proofs are written to `out`."""
        settings, oracle = self._settings, load_simulated_oracle(self._directory.venue, self._directory.path)
        before = self._directory.read()
        ticks = self._ticks(before)
        first, rng = account_count(before), Random(settings.seed)
        asset, unit = self.asset, int(before.venue.quote.units_per_one)
        price = 0 if asset is None else asset_price(self.market, asset, ticks[0].price)
        members = populate(before.venue, asset, price, range(first, first + settings.accounts), rng)
        pending, received = pending_deposits(self._directory, before), _received(self._directory)
        movements = list(deposits(members, settings.fund * unit, received))
        queue_deposits(self._directory, movements)
        planned = list(batches(ticks, settings.every * MINUTE))
        with self._directory.changing() as ledger:
            self.crash = Crash(ledger, self.market, asset, members, oracle.sign, settings.seed)
            for number, batch in enumerate(planned, 1):
                place = f"batch {number} of {len(planned)}"
                opening = [] if number > 1 else [*pending, *movements]
                yield self._batch(ledger, self.crash, batch, opening, partial(_say, announce, place))

    def _ticks(self, ledger: Ledger) -> list[Tick]:
        """The day from the ledger's time on, which is 0 if it is new."""
        start = last_time(ledger)
        if self._day is not None:
            closes = self._day.closes(self.market)[: self._settings.minutes]
            return [Tick(start + second, price) for second, price in closes]
        mark = from_limbs(ledger.read(market_index(self.market.number))[MARKET_MARK : MARKET_MARK + 2])
        prices = falling_day(mark, self._settings.gap, self._settings.minutes, Random(self._settings.seed))
        return [Tick(start + MINUTE * minute, price) for minute, price in enumerate(prices, 1)]

    def _batch(
        self, ledger: Ledger, crash: Crash, ticks: Sequence[Tick], opening: Sequence[Movement],
        announce: Callable[[str], None],
    ) -> BatchFigures:  # fmt: skip
        announce("playing")
        start, seen, book = time.perf_counter(), crash.counts.total(), PriceBook(ledger.venue, check_signature)
        ledger.begin_batch(ticks[-1].second, book)
        crash.begin()
        if opening:
            crash.open(opening)
        crash.play(ticks, book)
        statement, witness = ledger.close_batch()
        crash.end()
        bundles = encode_bundles(ledger.venue.id, book.bundles_for(statement.prices))
        played = time.perf_counter()
        proof, _ = prove_closed(statement, witness, self._settings.params, lambda step: announce(f"proving: {step}"))
        self._directory.publish(ledger, proof, bundles, self._out / PROOF_NAME.format(statement.batch))
        proven = time.perf_counter()
        for name in ledger.venue.chains:
            announce(f"verifying on {name}")
            with self._directory.open_chain(name) as chain:
                chain.accept(proof, PARAMETERS[self._settings.params], bundles)
        return BatchFigures(
            statement.batch, statement.time, crash.counts.total() - seen, played - start, proven - played,
            time.perf_counter() - proven, len(proof),
        )  # fmt: skip


def price_text(market: Instrument, price: int) -> str:
    """A price a lot as a decimal price per whole."""
    return format_decimal(price / market.price_scale)


def _say(announce: Callable[[str], None], place: str, step: str) -> None:
    announce(f"{place}: {step}")


def _received(directory: LedgerDirectory) -> list[int]:
    return [len(chain.deposits) for chain in directory.chain_states()]


def _follower(venue: Venue, market: Instrument) -> Instrument | None:
    """The collateral asset that the market is named after."""
    named = (asset for asset in venue.collateral if asset.tag == Tag.ASSET)
    return next((asset for asset in named if market.name.partition("-")[0] == asset.name), None)
