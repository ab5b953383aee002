"""A ledger and a plain book that get the same transitions: after each, their answers, trades and removals are equal."""

from collections import Counter

import pytest

from circuits.records import ORDER_ACCOUNT, ORDER_LEFT, ORDER_NONCE, ORDER_PRICE
from state.book import Reason
from state.errors import Refusal
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.cancel import Cancel, Modify
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from tests.state.plain_book import (
    PlainBook,
    PlainMargin,
    PlainMarket,
    PlainOrder,
    PlainPolicy,
    PlainPrice,
    PlainTrade,
    Refused,
)
from tests.state.plain_book import Reason as PlainReason

REASONS = {
    Reason.EXPIRED: PlainReason.EXPIRED, Reason.OWN: PlainReason.SELF_TRADE, Reason.GROWING: PlainReason.REDUCE_ONLY,
    Reason.MARGIN: PlainReason.MARGIN, Reason.STALE: PlainReason.STALE,
}  # fmt: skip
NONCES = 2**28  # of an account
CAP_UNIT = 2**28  # base units of the quote


class SideBySide:
    """Both, in the first batch of a ledger of that venue. The plain side reckons balances, prices, margin, open
    interest and order numbers by itself."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, venue = ledger, ledger.venue
        terms = {m.number: (m.maker_fee, m.taker_fee, m.minimum_notional, m.interest_cap) for m in venue.markets}
        self.book = PlainBook({market: PlainMarket(*values) for market, values in terms.items()})
        self.book.begin_batch(ledger.time)
        priced = [instrument for instrument in venue.instruments if instrument.initial_price]
        for one in priced:
            self.book.prices[one.number] = PlainPrice(one.initial_price, one.staleness, one.step_time)
        assets = [asset for asset in venue.collateral if asset in priced]
        fractions = {one.number: one.fraction for one in priced if one not in assets}
        haircuts = {asset.number: asset.fraction for asset in assets}
        growths = {market.number: market.margin_growth for market in venue.markets}
        cap = venue.borrow_cap * CAP_UNIT
        self.margin = PlainMargin(
            self.book, fractions, venue.borrow_fraction, haircuts, growths=growths, borrow_cap=cap,
            maintenance=venue.maintenance,
        )
        self.book.objection = self.margin.objection
        self._lot_units = {asset.number: asset.lot_units for asset in assets}
        self._units: Counter[tuple[int, int]] = Counter()  # by account and asset
        self._messages: Counter[int] = Counter()  # by account
        self.refused = 0

    def apply(self, transition: Transition) -> None:
        """Send a transition to both, and compare. Raises the ledger's Refusal, if the plain side refuses too."""
        trades, removals = len(self.book.trades), len(self.book.removals)
        seen_trades, seen_removals = len(self.ledger.trades), len(self.ledger.removals)
        try:
            self.ledger.apply(transition)
        except Refusal:
            with pytest.raises(Refused):
                self._play(transition)
            self.refused += 1
            raise
        self._play(transition)
        assert [
            PlainTrade(t.market, t.maker_order, t.taker_order, t.price, t.size, t.taker_buys)
            for t in self.ledger.trades[seen_trades:]
        ] == self.book.trades[trades:]
        found = [removal for removal in self.ledger.removals[seen_removals:] if removal.reason in REASONS]
        assert [(removal.order, REASONS[removal.reason]) for removal in found] == [
            (removal.order, removal.reason) for removal in self.book.removals[removals:]
        ]

    def compare_books(self) -> None:
        """Every side of every market holds the same orders in the same order, with as much left."""
        for market in self.book.markets:
            for buys in (True, False):
                records = [self.ledger.read(leaf) for leaf in self.ledger.book.orders(market, buys)]
                assert [
                    (r[ORDER_ACCOUNT] * NONCES + r[ORDER_NONCE], r[ORDER_PRICE], r[ORDER_LEFT]) for r in records
                ] == [(e.order.number, e.order.price, e.left) for e in self.book.queue(market, buys)]

    def _play(self, transition: Transition) -> None:
        """Raises Refused."""
        if isinstance(transition, SetPrice):
            self.book.publish(transition.instrument, transition.price, transition.time)
        elif isinstance(transition, Deposit):
            self._deposit(transition)
        elif isinstance(transition, Cancel):
            self.book.cancel(transition.account, transition.order)
            self._messages[transition.account] += 1
        elif isinstance(transition, Modify):
            self.book.modify(transition.order, self._order(transition, 2))
            self._messages[transition.account] += 2
        elif isinstance(transition, Order):
            self.book.place(self._order(transition, 1))
            self._messages[transition.account] += 1

    def _order(self, order: Order | Modify, messages: int) -> PlainOrder:
        """The order, which the last of so many new messages of its account places."""
        number = order.account * NONCES + self._messages[order.account] + messages
        return PlainOrder(
            number, order.account, order.market, order.buys, order.price, order.size, order.expiry,
            PlainPolicy[Policy(order.policy).name], order.reduce_only,
        )  # fmt: skip

    def _deposit(self, deposit: Deposit) -> None:
        key = deposit.account, deposit.asset
        if deposit.asset in self._lot_units:
            self.book.opened.add(key)
            self._units[key] += deposit.amount
            self.margin.holdings[key] = self._units[key] // self._lot_units[deposit.asset]
        else:
            self.book.quote[deposit.account] += deposit.amount
