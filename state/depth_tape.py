"""Order flow of captures as a batch: new accounts, their deposits, prices, and orders that follow the captured book.

The captures are read once. Their flow is first played with ample deposits, to learn what each account must have, and
then with the deposits of the batch; of these some are too small, so that a ledger's refusals and removals occur.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from itertools import islice
from random import Random
from typing import ClassVar

from circuits.records import HEADER_NONCE, RULES_MINIMUM, header_index, rules_index
from circuits.statement import Movement
from state import depth
from state.activity import Activity, ActivityError, Report, Settings, fund, good_until
from state.book import Reason, order_id, owner
from state.capture import Event
from state.depth import FlowSettings, OrderEvent, OrderFlow
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.marks import Marks
from state.rehearsal import Rehearsal, last_time
from state.transitions import Transition
from state.transitions.cancel import Cancel, Modify
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice

Apply = Callable[[Transition], None]  # raises Refusal


@dataclass(frozen=True)
class DepthSettings(Settings):
    """How to make a batch of captures."""

    thin: int = 12  # one account in so many deposits less than its orders ask for; 0: none


@dataclass
class DepthReport(Report):
    """What became of the flow. `trades` are those of the captures, `refused` is by position of the event from 0."""

    unit: ClassVar[str] = "event"
    events: int = 0  # of the flow
    places: int = 0  # orders that came to rest, not those of a modification
    takes: int = 0  # orders that crossed the book
    modifies: int = 0
    cancels: int = 0
    partial_fills: int = 0  # those that left something of the maker's order
    queues: int = 0  # times that a second order joined one that stood alone at its price
    removed: Counter[Reason] = field(default_factory=Counter)  # orders that left the book untraded and unasked


def make_depth_activity(
    ledger: Ledger,
    captures: Sequence[Iterable[Event]],
    settings: DepthSettings,
    pending: Sequence[Movement] = (),
    limit: int | None = None,
) -> Activity:
    """A batch of the captures' order flow for this ledger, which is only read; its report is a DepthReport.

    captures: of different markets, read once. limit: the most events of the flow. Raises what the captures and
    `make_activity` raise.
    """
    ledger.require_closed()
    flow_settings = make_flow_settings(ledger, settings)
    events, firsts = read_events(captures, flow_settings, limit)
    time = max(last_time(ledger), *(one[-1].time // 10**9 - ledger.venue.epoch for one in events if one))
    rng = Random(settings.seed)

    def play(onto: Ledger, apply: Apply, report: DepthReport) -> list[Transition]:
        marks = Marks(onto, firsts, settings.price_move, settings.price_interval)
        player = DepthPlayer(onto, OrderFlow(events, flow_settings), rehearsal.accounts, marks, apply)
        return list(player.play(report, limit))

    rehearsal = Rehearsal(ledger, time, settings.accounts, pending, rng)
    play(rehearsal.ledger, rehearsal.apply, DepthReport())
    report = DepthReport(accounts=settings.accounts)
    movements = fund(rehearsal, rng, report, settings.thin)
    funded = Ledger(ledger.venue, ledger.store)
    funded.begin_batch(time)
    opening = [*rehearsal.opening, *(Deposit(*astuple(movement)) for movement in movements)]
    for transition in opening:
        funded.apply(transition)
    return Activity([*opening, *play(funded, funded.apply, report)], time, movements, report)


def make_flow_settings(ledger: Ledger, settings: DepthSettings) -> FlowSettings:
    """A flow whose orders are as large as the markets of the ledger demand, if marks are near the orders' prices."""
    least = {market.number: ledger.read(rules_index(market.number))[RULES_MINIMUM] for market in ledger.venue.markets}
    return FlowSettings(accounts=settings.accounts, seed=settings.seed, least_notionals=least)


def read_events(
    captures: Sequence[Iterable[Event]], settings: FlowSettings, limit: int | None = None
) -> tuple[list[list[Event]], list[depth.Terms]]:
    """The events of each capture as far as a flow reads them for its first `limit` events, and the first order of each
    market among these.

    Raises what the captures raise, ActivityError if they make none.
    """
    events: list[list[Event]] = [[] for _ in captures]
    flow = OrderFlow([_kept(capture, kept) for capture, kept in zip(captures, events, strict=True)], settings)
    firsts: dict[int, depth.Terms] = {}
    for event in islice(flow, limit):
        if isinstance(event, depth.Terms):
            firsts.setdefault(event.market, event)
    if not firsts:
        raise ActivityError("the captures hold no orders")
    return events, list(firsts.values())


def _kept(events: Iterable[Event], kept: list[Event]) -> Iterator[Event]:
    for event in events:
        kept.append(event)
        yield event


class DepthPlayer:
    """Sends a flow to a ledger's open batch, and tells the flow what the ledger refuses and removes.

    accounts: those of the flow, as the ledger numbers them. apply: how to send a transition, by default to the ledger.
    """

    def __init__(
        self, ledger: Ledger, flow: OrderFlow, accounts: Sequence[int], marks: Marks, apply: Apply | None = None
    ) -> None:
        self._ledger, self._flow, self._accounts, self._marks = ledger, flow, accounts, marks
        self._apply = apply or ledger.apply
        self._expiry = good_until(ledger.time)
        self._orders: dict[int, int] = {}  # number in the ledger, by number in the flow
        self._numbers: dict[int, int] = {}  # and back

    def play(self, report: DepthReport, limit: int | None = None) -> Iterator[Transition]:
        """The transitions that the ledger took of so many events, and prices; it ends early if the batch is full."""
        yield from self._price(self._marks.opening(), report)
        for position, event in enumerate(islice(self._flow, limit)):
            report.events += 1
            try:
                if isinstance(event, depth.Terms):
                    marks = self._marks.before if isinstance(event, depth.Take) else self._marks.again
                    yield from self._price(marks(event.market, event.price, event.time), report)
                yield from self._send(position, event, report)
            except Refusal as refusal:  # BATCH_FULL
                report.refused.append((position, refusal))
                break
        report.trades, report.queues = self._flow.statistics.trades, self._flow.statistics.queues
        report.idle = self._idle()

    def _price(self, updates: Iterable[SetPrice], report: DepthReport) -> Iterator[SetPrice]:
        for update in updates:
            self._apply(update)
            report.prices[update.instrument] += 1
            yield update

    def _send(self, position: int, event: OrderEvent, report: DepthReport) -> Iterator[Transition]:
        """One event, or the cancellation of what a refused one should have replaced. Refuses BATCH_FULL."""
        transition, trades, removals = self._transition(event), len(self._ledger.trades), len(self._ledger.removals)
        try:
            self._apply(transition)
        except Refusal as refusal:
            if refusal.rule is Rule.BATCH_FULL:
                raise
            report.refused.append((position, refusal))
            self._flow.forget(event.number)
            if isinstance(event, depth.Modify):
                yield from self._send(position, depth.Cancel(event.time, event.replaces, event.account), report)
            return
        if isinstance(event, depth.Terms):
            self._note(event)
        self._count(event, trades, report)
        for removal in self._ledger.removals[removals:]:
            if removal.reason is not Reason.CANCELLED:
                report.removed[removal.reason] += 1
                if removal.order in self._numbers:  # not one that was in the book before
                    self._flow.forget(self._numbers[removal.order])
        yield transition

    def _note(self, event: depth.Terms) -> None:
        """The order that was just placed has the number of its account's last message."""
        account = self._accounts[event.account]
        order = order_id(account, self._ledger.read(header_index(account))[HEADER_NONCE])
        self._orders[event.number], self._numbers[order] = order, event.number

    def _transition(self, event: OrderEvent) -> Transition:
        account = self._accounts[event.account]
        if isinstance(event, depth.Cancel):
            return Cancel(account, self._orders[event.number])
        policy = Policy.IMMEDIATE_OR_CANCEL if isinstance(event, depth.Take) else Policy.POST_ONLY
        terms = account, event.market, event.buys, event.price, event.size, self._expiry, policy
        return Modify(self._orders[event.replaces], *terms) if isinstance(event, depth.Modify) else Order(*terms)

    def _count(self, event: OrderEvent, seen: int, report: DepthReport) -> None:
        report.places += isinstance(event, depth.Place)
        report.takes += isinstance(event, depth.Take)
        report.modifies += isinstance(event, depth.Modify)
        report.cancels += isinstance(event, depth.Cancel)
        trades = self._ledger.trades[seen:]
        report.fills += len(trades)
        report.partial_fills += sum(self._ledger.book.rests(trade.maker_order) for trade in trades)

    def _idle(self) -> int:
        """How many accounts did not trade in every market that did."""
        traded = {(owner(order), t.market) for t in self._ledger.trades for order in (t.maker_order, t.taker_order)}
        markets = {market for _, market in traded}
        return sum(not all((account, market) in traded for market in markets) for account in self._accounts)
