"""The batches that are benchmarked: synthetic trades between funded accounts, or the order flow of captures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from solvent import Ledger, Statement, Venue, Witness, load_venue, new_ledger
from state.activity import Settings, make_activity
from state.capture import open_capture
from state.depth_tape import DepthSettings, make_depth_activity
from state.synthetic import synthetic_trades
from state.transitions import Transition

_VENUE_FILE = Path(__file__).parent.parent / "cli" / "venue.toml"
_SEED = 1
_MAX_ACCOUNTS = 500
_FILLS_AN_ACCOUNT = 4  # at least, in small batches; each fill has two sides


@dataclass(frozen=True)
class Workload:
    """A batch for a fresh ledger of the default venue: registrations and deposits, then prices and fills."""

    venue: Venue
    fills: int
    transitions: list[Transition]
    time: int

    def ledger(self) -> Ledger:
        """A fresh ledger with an open batch, of which nothing is applied yet."""
        ledger = new_ledger(self.venue)
        ledger.begin_batch(self.time)
        return ledger

    def close(self) -> tuple[Statement, Witness]:
        """The whole batch, applied and closed."""
        ledger = self.ledger()
        for transition in self.transitions:
            ledger.apply(transition)
        return ledger.close_batch()


@cache
def workload(fills: int, accounts: int | None = None) -> Workload:
    """A batch of so many fills. accounts: by default 500, fewer in batches of less than 2,000 fills.

    Raises ValueError if a fill is refused: the batch would be smaller than it says.
    """
    venue = load_venue(_VENUE_FILE)
    if accounts is None:
        accounts = min(_MAX_ACCOUNTS, max(2, fills // _FILLS_AN_ACCOUNT))
    settings = Settings(accounts=accounts, seed=_SEED)
    activity = make_activity(new_ledger(venue), synthetic_trades(venue, fills, _SEED), settings)
    if activity.report.refused:
        raise ValueError(f"{len(activity.report.refused)} of {fills} fills refused, first {activity.report.refused[0]}")
    return Workload(venue, fills, activity.transitions, activity.time)


def depth_workload(tapes: Sequence[str], events: int | None, accounts: int | None = None) -> Workload:
    """A batch of the first events of the order flow of captures, named MARKET=FILE. Raises TapeError, ActivityError."""
    venue = load_venue(_VENUE_FILE)
    settings = DepthSettings(accounts=accounts or _MAX_ACCOUNTS)
    captures = [open_capture(venue, tape) for tape in tapes]
    activity = make_depth_activity(new_ledger(venue), captures, settings, limit=events)
    return Workload(venue, activity.report.fills, activity.transitions, activity.time)
