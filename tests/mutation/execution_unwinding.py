"""Forgeries of orders that nobody signs: the insurance fund's, and how those of liquidations go on and end."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

from circuits.bounds import CAPPED_BIT, FUNDING_START
from circuits.buses import Tier
from circuits.records import (
    HEADER_MASK,
    HEADER_OPEN,
    ORDER_NONCE,
    SystemAccount,
    balance_index,
    header_index,
)
from circuits.steps import Kind, Step
from circuits.transitions.match import STOPS
from circuits.transitions.unwind import LIMIT_PORT, ROOM_PORT
from circuits.zero_price import GIVES
from state.accounts import balance_record
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import Transition, liquidate, order, unwind
from state.transitions.order import Order, Policy
from state.transitions.unwind import Unwind
from tests.batches import BOB, BTC_PERP, USDC
from tests.mutation.execution_fairness import ports
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.matching import TAKER
from tests.mutation.script import Amend, Hooks, Script, add, nothing, to
from tests.tamper.test_forged_liquidations import GOOD, MARK, NEAR, NO_LIMIT, TIME, lying, meet_on, poor

FUND, FEES = SystemAccount.INSURANCE, SystemAccount.FEE
Lie = tuple[object, str, Any]
FAR = replace(NEAR, size=49, price=MARK * 2)  # the fund buys at twice the mark
NO_ROOM: Lie = (unwind, "from_limbs", lambda _: MARK * 2)
LESS = replace(NEAR, size=10)
WEIGHT = 297_500  # what a lot requires
PAYS, CHARGED = slice(8, 9), slice(9, 10)  # rows of a MATCH on which the taker pays


def forced(
    transition: Transition, *lies: Lie, amend: Amend = nothing, hooks: Hooks | None = None,
    ledger: Callable[[], Ledger] = poor,
) -> Script:  # fmt: skip
    """A ledger that is deceived about some rules applies the transition; `amend` has the last word on registers."""
    return Script(lying(transition, *lies), hooks or {}, amend, ledger=ledger, time=TIME)


def short(account: int = FUND, quote: int = 10**9) -> Ledger:
    """One of the venue's own accounts is short, like the fund, and has so much beyond what its lots are worth."""
    ledger, header = poor(), list(poor().read(header_index(account)))
    header[HEADER_MASK] |= 1 << BTC_PERP
    header[HEADER_OPEN] = int(header[HEADER_MASK]).bit_count()
    ledger.store.load([
        (header_index(account), tuple(header), NO_SALT),
        (balance_index(account, BTC_PERP), balance_record(-50, 0, 0, FUNDING_START), NO_SALT),
        (balance_index(account, USDC), balance_record(50 * MARK + quote), NO_SALT),
    ])  # fmt: skip
    return ledger


def ordering(module: object = unwind, **said: Any) -> Lie:
    """What the fund, or who is liquidated, orders is another order."""
    return module, "Order", lambda *numbers, **flags: replace(Order(*numbers, **flags), **said)


def grows() -> Script:
    """The fund sells, though it is short."""
    sale = Unwind(BTC_PERP, False, 10, MARK - 3_000)
    return forced(sale, ordering(reduce_only=False), amend=growing(Tier.CLOSE_OUT), ledger=short)


def growing(tier: Tier) -> Amend:
    """Amend: the check of a forced order that does not reduce, at prices of which two demands are added up."""
    moments = setting(Kind.MATCH, TAKER, moment=2 * TIME + 3 * CAPPED_BIT)
    return both(moments, setting(Kind.MATCH, PAYS, tier=int(tier)))


def rests() -> Script:
    """The fund's order meets nothing and joins the book, with the nonce that the fund has."""
    bid, policy = Unwind(BTC_PERP, True, 10, MARK), Policy.GOOD_TILL_TIME
    return forced(bid, ordering(policy=policy), hooks={Step.REST_ORDER: add(ORDER_NONCE, -1)}, ledger=short)


def wrong_side() -> Script:
    """The order of an account that is long buys; so it meets nothing, and the account stays as it is."""
    return forced(
        GOOD, (liquidate, "position_of", lambda *_: -1), NO_LIMIT, amend=setting(Kind.LIQUIDATE, EVERY, **{GIVES: 1})
    )


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    near = ports(Step.UNWIND_LIMIT, {LIMIT_PORT: MARK, ROOM_PORT: WEIGHT})
    as_fees: Lie = (unwind, "SystemAccount", SimpleNamespace(INSURANCE=FEES))
    passing: Lie = (unwind, "Tier", SimpleNamespace(ZERO=Tier.MAINTENANCE))  # so the ledger does not refuse
    return {
        "unwind_limit: index": lambda: forced(
            FAR, NO_ROOM, hooks={Step.UNWIND_LIMIT: to(balance_index(BOB, USDC))}
        ),
        "unwind_limit: the order is the fund's": lambda: forced(LESS, as_fees, ledger=partial(short, FEES)),
        "unwind_limit: the order is reduce-only": grows,
        "unwind_limit: the order does not rest": rests,
        "unwind_limit: limbs of the limit": lambda: forced(FAR, NO_ROOM, amend=near),
        "fill_quote: the fund has no less than nothing": lambda: forced(NEAR, passing),
        "match: the forced order stops": lambda: forced(
            GOOD, (order, "meet", meet_on), amend=setting(Kind.MATCH, CHARGED, **{STOPS: 0})
        ),
        "liquidation: the order gives the position": wrong_side,
    }
