"""Batches that liquidate, or unwind the fund, against the rules: the checker names the constraint that stops them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from circuits.bounds import FUNDING_START
from circuits.buses import Tier
from circuits.execution import EQUITY_PORTS, REQUIRED_PORTS
from circuits.records import SystemAccount, balance_index, limbs, market_index, signed_limbs
from circuits.steps import Step
from prover.traces import zero_price
from prover.traces.execution import ExecutionTrace
from state.accounts import balance_amount, balance_record
from state.errors import Rule
from state.ledger import Ledger
from state.margin import Margin, visit_all
from state.memory import Memory
from state.store import NO_SALT
from state.transitions import Transition, liquidate, order, unwind
from state.transitions.liquidate import Liquidate
from state.transitions.match import Traded, meet
from state.transitions.order import Order
from state.transitions.unwind import Unwind
from tests.batches import (
    ALICE,
    BOB,
    BTC_PERP,
    ETH_PERP,
    LATE,
    USDC,
    every_kind,
    every_liquidation,
    prompt_ledger,
    run_batch,
)
from tests.tamper.forger import Forger
from tests.tamper.forgery import UNDER_MARGIN, Forgery, is_refused, is_stopped

TIME, MARK = 60, 5_950_000
*PREPARED, _, _ = every_liquidation()
GOOD = Liquidate(ALICE, BTC_PERP, 7_000, 5_900_000, 1_000)  # the one there
FUND = SystemAccount.INSURANCE


def poor() -> Ledger:
    """Alice is below her maintenance requirement, the fund has a short position and little else; Bob bids for lots of
    BTC-PERP, and offers some."""
    ledger = prompt_ledger()
    lots, quote = balance_record(-50, 0, 0, FUNDING_START), balance_record(50 * MARK + 49_999)
    orders = Order(BOB, BTC_PERP, True, MARK - 3_000, 500, LATE), Order(BOB, BTC_PERP, False, MARK + 1_000, 50, LATE)
    run_batch(ledger, [*every_kind(), *PREPARED, *orders], TIME)
    leaves = (balance_index(FUND, BTC_PERP), lots, NO_SALT), (balance_index(FUND, USDC), quote, NO_SALT)
    ledger.store.load(leaves)
    return ledger


def healthy() -> Ledger:
    """The same, but Alice has more."""
    ledger, leaf = poor(), balance_index(ALICE, USDC)
    ledger.store.load([(leaf, balance_record(balance_amount(ledger.read(leaf)) + 10**9), NO_SALT)])
    return ledger


def lying(transition: Transition, *lies: tuple[object, str, Any]) -> Callable[[Forger], None]:
    """The ledger applies the transition, deceived about some of its rules: (module or class, name, what it is then)."""

    def forge(forger: Forger) -> None:
        with ExitStack() as stack:
            for owner, name, lie in lies:
                stack.enter_context(patch.object(owner, name, lie))
            forger.apply(transition)

    return forge


def never_healthy(memory: Memory, row: int, account: int, tier: object) -> Margin:
    return visit_all(memory, row, account, reduces=False)


def lenient(memory: Memory, row: int, account: int, tier: Tier) -> SimpleNamespace:
    """The account's sums, but that it has what it needs to be liquidated."""
    margin = never_healthy(memory, row, account, tier)
    return SimpleNamespace(equity=max(margin.equity, 0), requirement=margin.requirement)


def nothing(*_: object) -> None:
    """No rule."""


def bob_alone(margin: Margin, tier: Tier) -> bool:
    """Whether the sums are Bob's, who is rich."""
    return margin.equity > 10**10


def meet_on(*arguments: Any) -> Traded:
    """The order goes on whatever the account has."""
    return replace(meet(*arguments), stops=False)


def of_eth_perp(memory: Memory, account: int, market: int, margin: Margin) -> int:
    """The zero price by ETH-PERP's mark and requirement, which is lower."""
    memory.look(Step.ZERO_MARKET, market_index(market))
    memory.look(Step.ZERO_PRICE, market_index(ETH_PERP))
    return 1


@contextmanager
def with_sums(equity: int | None, required: int | None) -> Iterator[None]:
    """The zero price is found from other sums than the check's."""
    honest = zero_price.fill

    def fill(trace: ExecutionTrace) -> None:
        rows = [*(trace.step == int(Step.ZERO_MARKET)).nonzero()[0] - 1]
        kept = trace.columns.values.copy()
        for ports, parts in (
            (EQUITY_PORTS, None if equity is None else signed_limbs(equity)),
            (REQUIRED_PORTS, None if required is None else limbs(required)),
        ):
            for port, part in zip(ports, parts or (), strict=bool(parts)):
                trace.columns[f"port{port}"][rows] = part
        honest(trace)
        trace.columns.values[:, rows] = kept[:, rows]

    with patch.object(zero_price, "fill", fill):
        yield


CHEAP = replace(GOOD, price=5_000_000)
NO_LIMIT: tuple[object, str, Any] = (Liquidate, "_check_price", nothing)
NEAR = Unwind(BTC_PERP, True, 50, MARK + 1_000)

FORGERIES = [
    Forgery(
        "a healthy account is liquidated",
        lying(GOOD, (liquidate, "check_below", never_healthy), NO_LIMIT),
        UNDER_MARGIN,
        GOOD,
        Rule.HEALTHY,
        ledger=healthy,
    ),
    Forgery(
        "it goes on after the account is healthy",
        lying(GOOD, (order, "meet", meet_on)),
        "execution: a forced order ends once it has done enough",
    ),
    Forgery(
        "an account that is healthy again is said to be below",
        lying(GOOD, (Margin, "reaches", bob_alone)),
        UNDER_MARGIN,
    ),
    Forgery(
        "an account gives its position away",
        lying(CHEAP, NO_LIMIT),
        "execution: liquidate_limit: no worse than the zero price",
        CHEAP,
        Rule.BELOW_ZERO_PRICE,
    ),
    Forgery(
        "with the fee the price is worse than the zero price",
        lying(replace(GOOD, price=5_830_000, fee=10_000), NO_LIMIT),
        "execution: liquidate_limit: fee within the distance, limbs 2 and 3",
        replace(GOOD, price=5_830_000, fee=10_000),
        Rule.BELOW_ZERO_PRICE,
    ),
    Forgery(
        "the fee is beyond its bound",
        lying(replace(GOOD, fee=10_001), (liquidate, "require_range", nothing)),
        "bus range",
        replace(GOOD, fee=10_001),
        Rule.OUT_OF_RANGE,
    ),
    Forgery(
        "the price is one by another market's requirement",
        lying(CHEAP, (liquidate, "find_zero_price", of_eth_perp)),
        "execution: zero_price: index",
        CHEAP,
        Rule.BELOW_ZERO_PRICE,
    ),
    Forgery(
        "the fund trades far from the mark",
        lying(replace(NEAR, size=49, price=MARK * 2), (unwind, "from_limbs", lambda _: MARK * 2)),
        "execution: unwind_limit: limit near the mark",
        replace(NEAR, price=MARK * 2),
        Rule.UNWIND_PRICE,
    ),
    Forgery(
        "the fund loses more than it has",
        lying(NEAR, (Margin, "reaches", lambda *_: True)),
        UNDER_MARGIN,
        NEAR,
        Rule.FUND_SHORT,
    ),
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_constraint_stops_it(forgery: Forgery) -> None:
    assert is_stopped(forgery, (forgery.ledger or poor)(), TIME)


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda forgery: forgery.name)
def test_the_ledger_refuses_it(forgery: Forgery) -> None:
    assert is_refused(forgery, (forgery.ledger or poor)(), TIME)


@pytest.mark.parametrize(("equity", "required", "label"), [
    (40_000_000_000, None, "zero price: equity limb 2"), (None, 1_000_000_000, "zero price: requirement limb 1"),
])  # fmt: skip
def test_the_sums_are_the_account_s_own(equity: int | None, required: int | None, label: str) -> None:
    """With another account's equity or requirement the zero price would be lower."""
    forgery = Forgery(label, lying(replace(CHEAP, price=2_000_000), NO_LIMIT), f"execution: {label}")
    with with_sums(equity, required):
        assert is_stopped(forgery, poor(), TIME)


def test_what_is_forged_here_is_done_by_the_rules_too() -> None:
    ledger = poor()
    ledger.begin_batch(TIME)
    ledger.apply(GOOD)
    assert [trade.size for trade in ledger.trades] == [1_500, 2_500]
    assert ledger.records()[balance_index(ALICE, BTC_PERP)] != ledger.read(balance_index(BOB, BTC_PERP))
