"""Margin with resting orders: the ledger's sums are the worst case, and the circuit proves just that outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from circuits.bounds import AMOUNT_MAX, BORROW_MAX, FRACTION_ONE, LIMB, LOT_UNITS_MAX, PRICE_MAX, SIZE_MAX
from circuits.checker import check_table
from circuits.records import (
    MARKET_WEIGHT,
    RULES_CAP,
    RULES_MINIMUM,
    Record,
    Tag,
    balance_index,
    from_limbs,
    limbs,
    market_index,
    record,
)
from circuits.solvent import solvent_circuit
from circuits.steps import Step
from circuits.witness import Witness
from prover.traces.build import looked_up
from prover.traces.columns import Columns
from prover.traces.margin import margin_columns
from prover.traces.memory import timeline
from state.accounts import balance_record
from state.errors import Refusal
from state.margin import Entry, Margin, assess
from state.transitions.deposit import Deposit
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.withdraw import Withdraw
from tests.batches import (
    ALICE,
    BOB,
    BTC_PERP,
    CAROL,
    ETH,
    ETH_PERP,
    LATE,
    USDC,
    brisk_venue,
    default_venue,
    new_ledger,
    run_batch,
    with_rules,
)
from tests.mutation.world import honest, report_of
from tests.state.worlds import KEY, mostly

TABLE = solvent_circuit().table("margin")
RANDOM_ROWS = 64
HALF = SIZE_MAX // 2
MOMENT = 9  # the last second of prices


@dataclass(frozen=True)
class Market:
    """A perpetual as one account sees it: position in lots, sizes of its resting orders, prices a lot."""

    position: int
    bids: tuple[int, ...]
    asks: tuple[int, ...]
    mark: int
    requirement: int

    def worst(self) -> int:
        """The largest position that any set of the orders can lead to."""
        outcomes = [
            abs(self.position + sum(bought) - sum(sold)) for bought in subsets(self.bids) for sold in subsets(self.asks)
        ]
        return max(outcomes)


def subsets(lots: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All selections of these orders."""
    return [chosen for count in range(len(lots) + 1) for chosen in combinations(lots, count)]


@dataclass(frozen=True)
class Account:
    """quote in base units, the borrow fraction, (units, units of a lot, value of a lot) of ETH, and positions."""

    quote: int
    borrow: int
    asset: tuple[int, int, int] | None
    markets: tuple[Market, ...]

    def cash(self) -> int:
        """Quote and the value of positions."""
        return self.quote + sum(m.position * m.mark for m in self.markets)

    def asset_lots(self) -> int:
        """Whole lots of ETH, of which at most SIZE_MAX count."""
        return min(self.asset[0] // self.asset[1], SIZE_MAX) if self.asset else 0

    def collateral(self) -> int:
        """What they are worth."""
        return self.asset_lots() * self.asset[2] if self.asset else 0

    def slack(self) -> int:
        """Equity less requirement, in the worst of all ways in which the orders of all markets can trade."""
        return self.cash() + self.collateral() - sum(m.worst() * m.requirement for m in self.markets)

    def passes(self) -> bool:
        """Whether what is above the requirement covers the borrow fraction of what is owed."""
        return self.slack() >= max(Fraction(0), -self.cash() * Fraction(self.borrow, FRACTION_ONE))

    def too_many_lots(self) -> bool:
        """Whether a position can come to more lots than two limbs hold."""
        return any(market.worst() > SIZE_MAX for market in self.markets)

    def magnitude(self) -> int:
        """The sum of the sizes of all that is added up."""
        positions = sum(abs(m.position) * m.mark + m.worst() * m.requirement for m in self.markets)
        return abs(self.quote) + self.collateral() + positions

    def entries(self) -> list[Entry]:
        """Its records."""
        quote = record(Tag.QUOTE, 1, 1, 0, 0, *limbs(self.borrow, 2), 9)
        found: list[Entry] = [(USDC, balance_record(self.quote), quote)]
        if self.asset:
            units, lot, value = self.asset
            found.append((ETH, balance_record(units), record(Tag.ASSET, 2, lot, 0, 0, *limbs(value, 2), 9)))
        for number, market in zip((BTC_PERP, ETH_PERP), self.markets, strict=False):
            balance = balance_record(market.position, sum(market.bids), sum(market.asks))
            prices = (*limbs(market.mark, 2), *limbs(market.requirement, 2))
            found.append((number, balance, record(Tag.PERPETUAL, 1 << number, 1, *prices, 9)))
        return found


lots = mostly(st.integers(1, 50_000), 1, HALF, SIZE_MAX)
prices = mostly(st.integers(1, 10_000_000), 0, 1, PRICE_MAX)
positions = mostly(st.integers(-50_000, 50_000), 0, 1, -1, -HALF, HALF + 1, SIZE_MAX, -SIZE_MAX)
orders = st.lists(lots, max_size=3).map(tuple)
markets = st.builds(Market, positions, orders, orders, prices, prices)


@st.composite
def assets(draw: st.DrawFn) -> tuple[int, int, int]:
    """Units, units of a lot and value of a lot: often of SIZE_MAX lots or one more or less, or as much as can be."""
    lot = draw(mostly(st.integers(1, LOT_UNITS_MAX), 1, LOT_UNITS_MAX))
    full = (SIZE_MAX + draw(st.integers(-1, 1))) * lot + draw(st.integers(0, lot - 1))
    held = draw(st.integers(0, 10**12) | st.sampled_from([0, 1, full, AMOUNT_MAX]))
    return held, lot, draw(prices)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Accounts, half of them so that a comparison is decided by a unit or two."""
    borrow = draw(mostly(st.integers(0, BORROW_MAX), 0, BORROW_MAX))
    asset, held = draw(st.none() | assets()), tuple(draw(st.lists(markets, max_size=2)))
    quote = draw(mostly(st.integers(-(10**13), 10**13), 0, AMOUNT_MAX, -AMOUNT_MAX))
    rest = Account(0, borrow, asset, held)
    required = sum(m.worst() * m.requirement for m in held)
    edges = [
        quote,
        quote,
        -rest.cash(),  # nothing owed
        -rest.slack() - required,  # equity is 0
        -rest.slack(),  # equity is the requirement
        -(FRACTION_ONE * rest.slack() + borrow * rest.cash()) // (FRACTION_ONE + borrow),  # what is owed is covered
        AMOUNT_MAX - rest.slack() - required,
    ]
    quote = draw(st.sampled_from(edges)) + draw(st.integers(-2, 2))
    assume(abs(quote) <= AMOUNT_MAX)
    return Account(quote, borrow, asset, held)


def assessed(account: Account) -> Margin | None:
    """The ledger's sums; None if it refuses them."""
    try:
        return assess(default_venue(), ALICE, account.entries())
    except Refusal:
        return None


def checks(accounts: Sequence[Account], failing: Sequence[bool]) -> Columns:
    """The margin table of a check of each account, said to fail or not."""
    witness = Witness()
    for number, (account, fails) in enumerate(zip(accounts, failing, strict=True)):
        nothing: Record = (0,) * 8
        row = witness.access(Step.FILL_QUOTE, balance_index(ALICE + number, USDC), nothing, nothing)
        for instrument, balance, market in account.entries():
            witness.visit(row, ALICE + number, instrument, balance, market)
        following = Step.UNDO_QUOTE if fails else Step.FILL_FEE
        witness.access(following, market_index(USDC) + 1, nothing, nothing)
    steps = np.frombuffer(witness.accesses.step, np.uint8)
    requests = {
        "moment": np.full(len(steps), MOMENT, dtype=np.int64), "tier": np.zeros(len(steps), dtype=np.int64),
        "fails": (np.roll(steps, -1) == int(Step.UNDO_QUOTE)).astype(np.int64),
    }  # fmt: skip
    return margin_columns(TABLE, witness, timeline(witness), requests, RANDOM_ROWS)


def objections(columns: Columns) -> list[str]:
    """What the circuit has against the rows: failing constraints, and ports that hold no limb."""
    failures = check_table(TABLE, columns.elements().tolist(), range(columns.used))
    ports = columns.values[looked_up(TABLE)]
    wide = np.flatnonzero(((ports < 0) | (ports >= LIMB)).any(axis=1))
    return [failure.label for failure in failures] + [f"lookup {number}" for number in wide]


@given(account=accounts())
def test_the_sums_are_the_worst_case(account: Account) -> None:
    margin = assessed(account)
    if margin is None:
        assert account.too_many_lots() or account.magnitude() > AMOUNT_MAX
        return
    assert not account.too_many_lots()
    assert margin.equity - margin.requirement == account.slack()
    assert margin.cash == account.cash()
    assert margin.suffices == account.passes()


@settings(max_examples=60, deadline=None)
@given(found=st.lists(accounts(), min_size=1, max_size=8))
def test_the_circuit_proves_the_outcome(found: list[Account]) -> None:
    provable = [account for account in found if assessed(account)]
    assume(provable)
    assert objections(checks(provable, [not account.passes() for account in provable])) == []


@settings(max_examples=60, deadline=None)
@given(account=accounts())
def test_the_circuit_proves_no_other_outcome(account: Account) -> None:
    assume(assessed(account))
    assert objections(checks([account], [account.passes()])) != []


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_at_the_bounds(sign: int) -> None:
    sizes = [(SIZE_MAX, (), (SIZE_MAX, SIZE_MAX)), (0, (SIZE_MAX,), (SIZE_MAX,)), (HALF + 1, (HALF,), ()), (1, (), ())]
    found = []
    for (position, bids, asks), quote in product(sizes, (0, AMOUNT_MAX - 2 * SIZE_MAX, 2 * SIZE_MAX - AMOUNT_MAX)):
        turned = (bids, asks) if sign > 0 else (asks, bids)
        found.append(Account(quote, BORROW_MAX, None, (Market(sign * position, *turned, 1, 1),)))
    assert all(map(assessed, found))
    assert {account.passes() for account in found} == {True, False}
    assert objections(checks(found, [not account.passes() for account in found])) == []


@pytest.mark.parametrize("held", [SIZE_MAX - 1, SIZE_MAX, SIZE_MAX + 1, AMOUNT_MAX // 7 - 1])
def test_of_a_holding_at_most_size_max_lots_count(held: int) -> None:
    worth = min(held, SIZE_MAX) * 1_000_000
    covered, short = (Account(-worth - more, 0, (7 * held + 6, 7, 1_000_000), ()) for more in (0, 1))
    for account, suffices in ((covered, True), (short, False)):
        margin = assessed(account)
        assert margin is not None
        assert margin.collateral == worth
        assert margin.suffices == suffices
        assert objections(checks([account], [not suffices])) == []
        assert objections(checks([account], [suffices])) != []


def test_a_holding_beyond_the_lots_that_count_is_provable() -> None:
    ledger = new_ledger()
    run_batch(
        ledger,
        [
            *(Register(account, KEY) for account in (ALICE, BOB)),
            Deposit(0, 0, BOB, USDC, 10**15),
            Deposit(2, 0, ALICE, ETH, AMOUNT_MAX),
            SetPrice(ETH, 268_162, 1),
        ],
        2,
    )
    borrow, value = (
        from_limbs(ledger.read(market_index(number))[MARKET_WEIGHT : MARKET_WEIGHT + 2]) for number in (USDC, ETH)
    )
    most = SIZE_MAX * value * FRACTION_ONE // (FRACTION_ONE + borrow)
    forged = honest([Withdraw(0, ALICE, USDC, most)], ledger, 3)
    assert str(report_of(forged)) == "all constraints hold and all buses balance"
    ledger.begin_batch(4)
    with pytest.raises(Refusal, match="margin"):
        ledger.apply(Withdraw(0, ALICE, USDC, 1))


def test_the_largest_position_and_orders_are_provable() -> None:
    ledger = new_ledger(venue=brisk_venue(BTC_PERP="0.01"))
    with_rules(ledger, BTC_PERP, {RULES_MINIMUM: 0, RULES_CAP: SIZE_MAX})
    run_batch(
        ledger,
        [
            *(Register(account, KEY) for account in (ALICE, BOB, CAROL)),
            *(Deposit(0, n, account, USDC, 10**12) for n, account in enumerate((ALICE, BOB, CAROL))),
            Order(ALICE, BTC_PERP, False, 1, SIZE_MAX, LATE),
            Order(BOB, BTC_PERP, True, 1, SIZE_MAX, LATE, Policy.FILL_OR_KILL),
        ],
        2,
    )
    forged = honest(
        [
            *(Withdraw(0, account, USDC, 1) for account in (ALICE, BOB)),
            *(Order(ALICE, BTC_PERP, True, 1, SIZE_MAX, LATE) for _ in range(2)),
            *(Order(BOB, BTC_PERP, False, 2, SIZE_MAX, LATE) for _ in range(2)),
            Order(CAROL, BTC_PERP, False, 1, 1, LATE, Policy.FILL_OR_KILL),
        ],
        ledger,
        3,
    )
    assert str(report_of(forged)) == "all constraints hold and all buses balance"
