"""Made-up captures, and what plays their order flow through the plain book."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from state.depth import Cancel, Modify, OrderEvent, OrderFlow, Take
from tests.state.plain_book import PlainBook, PlainMarket, PlainOrder, PlainPolicy, Refused

REAL = Path(__file__).parents[3] / "shared" / "data" / "binance_usdm"
START = 1_723_161_255_000  # Unix milliseconds
FOREVER = 1 << 40
Rows = Iterable[tuple[str, str]]


def snapshot(time: int, bids: Rows, asks: Rows, update: int = 0) -> dict[str, Any]:
    """All levels; time in milliseconds since START."""
    sides = {"bids": [list(row) for row in bids], "asks": [list(row) for row in asks]}
    return {"lastUpdateId": update, "E": START + time, "T": START + time, **sides}


def update(time: int, number: int, bids: Rows = (), asks: Rows = (), previous: int | None = None) -> dict[str, Any]:
    """Levels that changed."""
    event = {"e": "depthUpdate", "T": START + time, "U": number, "u": number}
    event["pu"] = number - 1 if previous is None else previous
    return event | {"b": [list(row) for row in bids], "a": [list(row) for row in asks]}


def trade(time: int, price: str, size: str, buyer_is_maker: bool) -> dict[str, Any]:
    """A trade."""
    return {"e": "trade", "T": START + time, "p": price, "q": size, "m": buyer_is_maker}


def touch(time: int, bid: str, ask: str) -> dict[str, Any]:
    """The best prices."""
    return {"e": "bookTicker", "T": START + time, "b": bid, "B": "1", "a": ask, "A": "1"}


def write_capture(path: Path, events: Iterable[dict[str, Any] | str]) -> Path:
    """A compressed capture of these events, or lines."""
    lines = (event if isinstance(event, str) else f"{START}000000 {json.dumps(event)}" for event in events)
    path.write_bytes(gzip.compress("\n".join(lines).encode(), 1))
    return path


def plain_book(markets: Iterable[int]) -> PlainBook:
    """A book of these markets, where everything may trade."""
    book = PlainBook({market: PlainMarket() for market in markets})
    book.begin_batch(0)
    return book


def play(book: PlainBook, event: OrderEvent) -> None:
    """Send an event of a flow to the book. Raises Refused."""
    if isinstance(event, Cancel):
        book.cancel(event.account, event.number)
        return
    policy = PlainPolicy.IMMEDIATE_OR_CANCEL if isinstance(event, Take) else PlainPolicy.POST_ONLY
    order = PlainOrder(
        event.number, event.account, event.market, event.buys, event.price, event.size, FOREVER, policy
    )  # fmt: skip
    if isinstance(event, Modify):
        book.modify(event.replaces, order)
    else:
        book.place(order)


def send(book: PlainBook, flow: OrderFlow, event: OrderEvent) -> bool:
    """Send an event to the book and tell the flow what became of it; whether it was accepted."""
    removals, accepted = len(book.removals), True
    try:
        play(book, event)
    except Refused:
        assert not isinstance(event, Cancel)
        accepted = False
        flow.forget(event.number)
        if isinstance(event, Modify):
            book.cancel(event.account, event.replaces)
    for removal in book.removals[removals:]:
        flow.forget(removal.order)
    return accepted


def levels(book: PlainBook, market: int, buys: bool) -> dict[int, int]:
    """What stands at each price of a side, best first."""
    sums: dict[int, int] = {}
    for entry in book.queue(market, buys):
        sums[entry.order.price] = sums.get(entry.order.price, 0) + entry.left
    return sums
