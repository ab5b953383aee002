"""What each policy, option and end of an order does, and cancelling and modifying: seen in the book, its events and
balances."""

from dataclasses import astuple, replace

import pytest

from circuits.records import ORDER_ACCOUNT, ORDER_LEFT, ORDER_NONCE, ORDER_PRICE
from circuits.steps import Kind
from state.audit import account_figures
from state.book import Reason, Removal, Trade, order_id
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.cancel import Cancel, CancelAll, Modify
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.transfer import Transfer
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH_PERP, USDC
from tests.state.worlds import TIME, funded_ledger

MARK = 6_170_000
ASK = Order(ALICE, BTC_PERP, False, MARK, 100, TIME)
BUY = Order(BOB, BTC_PERP, True, MARK, 60, TIME)
BUY_NOW = replace(BUY, policy=Policy.IMMEDIATE_OR_CANCEL)
FIRST, SECOND, THIRD = (order_id(ALICE, nonce) for nonce in (1, 2, 3))
TAKER = order_id(BOB, 1)
RESTS = [Policy.GOOD_TILL_TIME, Policy.POST_ONLY]


def applied(*transitions: Transition, ledger: Ledger | None = None) -> Ledger:
    """An open batch of the funded ledger, these applied; or more in the batch at hand."""
    if ledger is None:
        ledger = funded_ledger()
        ledger.begin_batch()
        ledger.apply(Transfer(BOB, CAROL, USDC, 1_000_000_000))  # the first message of Bob
        ledger.apply(Transfer(CAROL, BOB, USDC, 1))
    for transition in transitions:
        ledger.apply(transition)
    return ledger


def side(ledger: Ledger, buys: bool, market: int = BTC_PERP) -> list[tuple[int, int, int]]:
    """The orders of a side, best first: number, price, lots left."""
    records = [ledger.read(leaf) for leaf in ledger.book.orders(market, buys)]
    return [(order_id(r[ORDER_ACCOUNT], r[ORDER_NONCE]), r[ORDER_PRICE], r[ORDER_LEFT]) for r in records]


def kinds(ledger: Ledger) -> list[Kind]:
    """What the witness has of the last order."""
    found = [Kind(kind) for kind in ledger._opened().witness.kinds]
    return found[len(found) - found[::-1].index(Kind.ORDER) :]


def position(ledger: Ledger, account: int) -> int:
    """Lots of BTC-PERP."""
    return account_figures(ledger, account).balances.get(BTC_PERP, 0)
