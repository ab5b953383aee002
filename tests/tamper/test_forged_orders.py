"""Batches whose orders break the book's rules: the checker names the constraint, and no proof verifies."""

from functools import partial

import numpy as np
import pytest

from circuits.records import sentinel_index
from circuits.statement import Statement
from prover.traces.columns import Columns
from state.book import order_id
from state.errors import Rule
from state.transitions.cancel import Cancel
from state.transitions.order import Order, Policy
from tests.batches import ALICE, BTC_PERP, ETH_PERP, LATE
from tests.mutation.matching import ASK, expiring, failing, growing, reducing
from tests.mutation.stage import (
    ALICES_ASK,
    BID,
    DAVE,
    EVE,
    EVES_ASK,
    EVES_BID,
    FRANK,
    LOW_BID,
    MARK,
    SIZE,
    staged,
)
from tests.tamper.forger import Forger
from tests.tamper.forgery import UNDER_MARGIN, Forgery, is_refused, is_stopped
from tests.tamper.order_forger import EXPIRED, GROWING, OWN

TIME = 100
better = partial(staged, Order(EVE, BTC_PERP, False, ASK, SIZE, LATE))
large = partial(staged, Order(FRANK, BTC_PERP, False, ASK, 100_000, LATE))
EVES_BID_NUMBER = order_id(EVE, 2)
buy = partial(Order, DAVE, BTC_PERP, True)


def take(forger: Forger, limit: int = MARK, size: int = SIZE, head: int | None = None) -> None:
    """Dave buys."""
    forger.order(DAVE, BTC_PERP, True, limit, size).trade(head=head).filled()


def rest(forger: Forger, limit: int, before: int | None = None, leaf: int | None = None) -> None:
    """Dave's bid joins the book."""
    forger.order(DAVE, BTC_PERP, True, limit, SIZE, policy=Policy.GOOD_TILL_TIME).rest(before, leaf)


def remove(forger: Forger, reason: int) -> None:
    """The head goes, and Dave buys nothing."""
    forger.order(DAVE, BTC_PERP, True, ASK, SIZE).skip(reason).discard()


def swap_rows(traces: dict[str, Columns], statement: Statement) -> Statement:
    """Interleave: the first row of the second order comes before the second row of the first."""
    execution = traces["execution"]
    clock = execution["clock"].copy()
    first, second = 1, int(np.flatnonzero(execution["is_order_market"])[1])
    execution.values[:, [first, second]] = execution.values[:, [second, first]]
    execution["clock"][:] = clock
    return statement


def take_twice(forger: Forger) -> None:
    """Two orders, one after the other."""
    take(forger)
    take(forger)


FORGERIES = [
    Forgery(
        "a better price is passed over",
        lambda f: take(f, head=EVES_ASK),
        "execution: match_order: index",
        ledger=better,
    ),
    Forgery("an earlier order is passed over", lambda f: take(f, head=ALICES_ASK), "execution: match_order: index"),
    Forgery(
        "a live order is removed as expired",
        lambda f: remove(f, EXPIRED),
        "execution: match_order: expired or not",
        ledger=better,
    ),
    Forgery(
        "another account's order is removed as one's own",
        lambda f: remove(f, OWN),
        "execution: match_order: an own order is the taker's",
        ledger=better,
    ),
    Forgery(
        "an order is removed as if it were reduce-only",
        lambda f: remove(f, GROWING),
        "execution: skip_base: only a reduce-only order may not grow",
        ledger=better,
    ),
    Forgery(
        "a reduce-only order that would reduce is removed",
        lambda f: remove(f, GROWING),
        "execution: skip_base: it would grow",
        ledger=reducing,
    ),
    Forgery(
        "the order of an account with enough margin is removed",
        lambda f: f.order(DAVE, BTC_PERP, True, ASK, SIZE, policy=Policy.GOOD_TILL_TIME).fail().rest(),
        UNDER_MARGIN,
        ledger=better,
    ),
    Forgery(
        "an expired order fills",
        lambda f: take(f, ASK),
        "execution: match_order: expired or not",
        ledger=expiring,
    ),
    Forgery(
        "an order fills with one of the same account",
        lambda f: f.order(EVE, BTC_PERP, True, MARK, SIZE).trade().filled(),
        "execution: fill_header: not with itself",
    ),
    Forgery(
        "a resting reduce-only order grows a position",
        lambda f: take(f, ASK),
        "execution: fill_base: a reduce-only order does not grow",
        ledger=growing,
    ),
    Forgery(
        "a maker's order fills beyond its margin",
        lambda f: take(f, ASK),
        UNDER_MARGIN,
        ledger=failing,
    ),
    Forgery(
        "a taker buys beyond its margin",
        lambda f: take(f, ASK, 100_000),
        UNDER_MARGIN,
        buy(ASK, 100_000, LATE, Policy.IMMEDIATE_OR_CANCEL),
        Rule.INITIAL_MARGIN,
        ledger=large,
    ),
    Forgery(
        "an order stands before a better price",
        lambda f: rest(f, LOW_BID + 5, sentinel_index(BTC_PERP, True)),
        "execution: rest_successor: before every worse price",
    ),
    Forgery(
        "an order stands before an earlier one of its price",
        lambda f: rest(f, BID, sentinel_index(BTC_PERP, True)),
        "execution: rest_successor: before every worse price",
    ),
    Forgery(
        "an order stands behind a worse price",
        lambda f: rest(f, BID + 5, EVES_BID),
        "execution: rest_predecessor: not before a better price",
    ),
    Forgery(
        "an order stands in another market's list",
        lambda f: rest(f, 5, sentinel_index(ETH_PERP, True)),
        "execution: rest_predecessor: the predecessor is of the same list",
    ),
    Forgery(
        "an order takes another one's leaf",
        lambda f: rest(f, LOW_BID + 5, leaf=ALICES_ASK),
        "execution: rest_order: the leaf is free",
    ),
    Forgery(
        "an order that crosses joins the book",
        lambda f: rest(f, MARK),
        "execution: best_order: out of reach",
    ),
    Forgery(
        "an order is taken after its expiry",
        lambda f: f.order(DAVE, BTC_PERP, True, MARK, SIZE, expiry=TIME - 1).trade().filled(),
        "execution: order_rules: not expired",
        buy(MARK, SIZE, TIME - 1),
        Rule.ORDER_EXPIRED,
    ),
    Forgery(
        "an order fills beyond its size",
        lambda f: f.order(DAVE, BTC_PERP, True, ASK, 2).trade(SIZE).discard(),
        "execution: amount limb 0 grows by its change",
        ledger=better,
    ),
    Forgery(
        "a resting order fills beyond its size",
        lambda f: f.order(DAVE, BTC_PERP, True, MARK, 7).trade(7, removed=True).filled(),
        "execution: amount limb 0 grows by its change",
        ledger=partial(staged, Order(EVE, BTC_PERP, False, MARK + 10, 10, LATE)),
    ),
    Forgery(
        "a fill is outside the taker's limit",
        lambda f: take(f, MARK - 1),
        "execution: match_order: price within the limit",
    ),
    Forgery(
        "a reduce-only order grows a position",
        lambda f: f.order(DAVE, BTC_PERP, True, MARK, SIZE, reduce_only=True).trade().filled(),
        "execution: fill_base: a reduce-only order does not grow",
        buy(MARK, SIZE, LATE, Policy.GOOD_TILL_TIME, True),
        Rule.REDUCE_ONLY,
    ),
    Forgery(
        "a post-only order takes",
        lambda f: f.order(DAVE, BTC_PERP, True, MARK, SIZE, policy=Policy.POST_ONLY).trade().filled(),
        "execution: match_head: a post-only order meets nothing",
        buy(MARK, SIZE, LATE, Policy.POST_ONLY),
        Rule.POST_ONLY,
    ),
    Forgery(
        "a fill-or-kill order fills in part",
        lambda f: f.order(DAVE, BTC_PERP, True, MARK, 20, policy=Policy.FILL_OR_KILL).trade().trade().discard(),
        "execution: best_head: the order need not be whole",
        buy(MARK, 20, LATE, Policy.FILL_OR_KILL),
        Rule.FILL_OR_KILL,
    ),
    Forgery(
        "an order of nothing",
        lambda f: f.order(DAVE, BTC_PERP, True, MARK, 0).filled(),
        "execution: order_rules: at least one lot",
        buy(MARK, 0, LATE),
        Rule.OUT_OF_RANGE,
    ),
    Forgery(
        "an order of which nothing is left joins the book",
        lambda f: f.order(DAVE, BTC_PERP, True, MARK, SIZE + 7, policy=Policy.GOOD_TILL_TIME).trade().trade().rest(),
        "execution: best_head: lots are left",
    ),
    Forgery(
        "a fee is not credited",
        lambda f: f.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(credit_fee=False).filled(),
        "execution: amount limb 0 grows by its change",
    ),
    Forgery(
        "somebody else's order is cancelled",
        lambda f: f.cancel(ALICE, EVES_BID),
        "execution: cancel_order: the order is the sender's",
        Cancel(ALICE, EVES_BID_NUMBER),
        Rule.NOT_THE_OWNER,
    ),
    Forgery(
        "two orders are interleaved",
        take_twice,
        "execution: order_market leads to order_rules",
        edit=swap_rows,
    ),
]


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery) -> None:
    assert is_refused(forgery, (forgery.ledger or staged)(), TIME)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery) -> None:
    assert is_stopped(forgery, (forgery.ledger or staged)(), TIME)
