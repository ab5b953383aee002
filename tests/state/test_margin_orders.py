"""Margin with resting orders: the ledger's sums are the worst case, and the circuit proves just that outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from circuits import margin as layout
from circuits.bounds import (
    AMOUNT_LIMBS,
    AMOUNT_MAX,
    BIAS,
    BORROW_MAX,
    CAP_UNIT,
    CAPPED_BIT,
    FUNDING_START,
    LIMB,
    LOT_UNITS_MAX,
    MAINTENANCE_MIN,
    PRICE_MAX,
    RATIO_ONE,
    SIZE_MAX,
    TIME_MAX,
)
from circuits.buses import Capped, Tier
from circuits.checker import check_table
from circuits.field import P
from circuits.records import (
    EMPTY,
    MARKET_WEIGHT,
    QUOTE_BORROW,
    QUOTE_BORROW_CAP,
    RULES_CAP,
    RULES_MINIMUM,
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
from state.store import NO_SALT
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
CAP_LIMIT = AMOUNT_MAX // CAP_UNIT


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
    """quote in base units, the borrow fraction, (units, units of a lot, value of a lot) of ETH, positions, the venue's
    borrow cap and ratios, and the last second of all prices."""

    quote: int
    borrow: int
    asset: tuple[int, int, int] | None
    markets: tuple[Market, ...]
    cap: int = CAP_LIMIT
    maintenance: int = 600
    close_out: int = 400
    valid: int = MOMENT

    def cash(self) -> int:
        """Quote and the value of positions."""
        return self.quote + sum(m.position * m.mark for m in self.markets)

    def asset_lots(self) -> int:
        """Whole lots of ETH, of which at most SIZE_MAX count."""
        return min(self.asset[0] // self.asset[1], SIZE_MAX) if self.asset else 0

    def collateral(self) -> int:
        """What they are worth."""
        return self.asset_lots() * self.asset[2] if self.asset else 0

    def required(self) -> int:
        """Of the initial tier, in the worst of all ways in which the orders of all markets can trade."""
        return sum(m.worst() * m.requirement for m in self.markets)

    def slack(self, share: Fraction = Fraction(1)) -> Fraction:
        """Equity less that share of what is required."""
        return self.cash() + self.collateral() - share * self.required()

    def passes(self, tier: Tier = Tier.INITIAL) -> bool:
        """Whether what is above the tier's share of the requirement covers that of the borrow fraction of what is owed,
        and, of the initial tier, that is below the cap and no price is stale."""
        owed = max(0, -self.cash())
        share = {Tier.INITIAL: RATIO_ONE, Tier.MAINTENANCE: self.maintenance, Tier.CLOSE_OUT: self.close_out}
        ratio = share.get(tier, 0)
        covers = self.slack(Fraction(ratio, RATIO_ONE)) >= owed * Fraction(self.share(ratio), RATIO_ONE)
        return covers and (tier is not Tier.INITIAL or (owed < self.cap * CAP_UNIT and not self.stale()))

    def share(self, ratio: int) -> int:
        """That part of the borrow fraction, in whole 1 / RATIO_ONE."""
        return int(Fraction(self.borrow * ratio, RATIO_ONE))

    def stale(self) -> bool:
        """Whether it has a price that is, and on which something depends."""
        return self.valid < MOMENT and (self.asset_lots() > 0 or any(market.worst() for market in self.markets))

    def too_many_lots(self) -> bool:
        """Whether a position can come to more lots than two limbs hold."""
        return any(market.worst() > SIZE_MAX for market in self.markets)

    def magnitude(self) -> int:
        """The sum of the sizes of all that is added up."""
        positions = sum(abs(m.position) * m.mark + m.worst() * m.requirement for m in self.markets)
        return abs(self.quote) + self.collateral() + positions

    def entries(self) -> list[Entry]:
        """Its records."""
        quote = record(Tag.QUOTE, 1, 1, self.maintenance, self.close_out, self.borrow, self.cap)
        found: list[Entry] = [(USDC, balance_record(self.quote), quote)]
        if self.asset:
            units, lot, value = self.asset
            found.append((ETH, balance_record(units), record(Tag.ASSET, 2, lot, 0, 0, *limbs(value, 2), self.valid)))
        for number, market in zip((BTC_PERP, ETH_PERP), self.markets, strict=False):
            balance = balance_record(market.position, sum(market.bids), sum(market.asks), FUNDING_START)
            prices = (*limbs(market.mark, 2), *limbs(market.requirement, 2))
            found.append((number, balance, record(Tag.PERPETUAL, 1 << number, FUNDING_START, *prices, self.valid)))
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


ratios = st.tuples(
    mostly(st.integers(MAINTENANCE_MIN, RATIO_ONE - 1), MAINTENANCE_MIN, RATIO_ONE - 1),
    mostly(st.integers(1, MAINTENANCE_MIN - 1), 1, MAINTENANCE_MIN - 1),
)
tiers = st.sampled_from(Tier)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Accounts, half of them so that a comparison is decided by a unit or two."""
    borrow = draw(mostly(st.integers(0, BORROW_MAX), 0, BORROW_MAX))
    asset, held = draw(st.none() | assets()), tuple(draw(st.lists(markets, max_size=2)))
    quote = draw(mostly(st.integers(-(10**13), 10**13), 0, AMOUNT_MAX, -AMOUNT_MAX))
    rest = Account(0, borrow, asset, held)
    maintenance, close_out = draw(ratios)
    share = draw(st.sampled_from([RATIO_ONE, maintenance, close_out, 0]))
    left = RATIO_ONE * (rest.cash() + rest.collateral()) - share * rest.required()
    cap = draw(st.sampled_from([CAP_LIMIT, CAP_LIMIT, 0, 1, draw(st.integers(0, CAP_LIMIT))]))
    edges = [
        quote,
        quote,
        -rest.cash(),  # nothing owed
        -rest.cash() - cap * CAP_UNIT,  # as much as the cap
        -left // RATIO_ONE,  # equity is the share of the requirement
        -(left + rest.share(share) * rest.cash()) // (RATIO_ONE + rest.share(share)),  # what is owed is covered
        AMOUNT_MAX - rest.cash() - rest.collateral(),
    ]
    quote = draw(st.sampled_from(edges)) + draw(st.integers(-2, 2))
    assume(abs(quote) <= AMOUNT_MAX)
    valid = draw(st.sampled_from([MOMENT] * 5 + [MOMENT - 1]))
    return Account(quote, borrow, asset, held, cap, maintenance, close_out, valid)


def assessed(account: Account) -> Margin | None:
    """The ledger's sums; None if it refuses them."""
    try:
        return assess(default_venue(), ALICE, account.entries(), MOMENT)
    except Refusal:
        return None


def checks(
    accounts: Sequence[Account], failing: Sequence[bool], tier: Tier = Tier.INITIAL, moment: int = MOMENT
) -> Columns:
    """The margin table of a check of each account, said to fail or not."""
    witness, nothing = Witness(), EMPTY
    for number, account in enumerate(accounts):
        row = witness.access(Step.FILL_QUOTE, balance_index(ALICE + number, USDC), nothing, nothing)
        for instrument, balance, market in account.entries():
            witness.visit(row, ALICE + number, instrument, balance, market)
    requests = {
        "moment": np.full(len(accounts), moment, dtype=np.int64), "tier": np.full(len(accounts), int(tier)),
        "fails": np.array(failing, dtype=np.int64),
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
    assert (margin.equity, margin.requirement) == (account.cash() + account.collateral(), account.required())
    assert margin.cash == account.cash()
    assert (margin.stale is not None) == account.stale()
    assert margin.passes() == account.passes()
    for tier in (Tier.MAINTENANCE, Tier.CLOSE_OUT, Tier.ZERO):
        assert margin.reaches(tier) == account.passes(tier)


@settings(max_examples=60, deadline=None)
@given(found=st.lists(accounts(), min_size=1, max_size=8), tier=tiers)
def test_the_circuit_proves_the_outcome_and_says_what_it_found(found: list[Account], tier: Tier) -> None:
    provable = [account for account in found if assessed(account) and (tier is Tier.INITIAL or not account.stale())]
    assume(provable)
    columns = checks(provable, [not account.passes(tier) for account in provable], tier)
    assert objections(columns) == []
    closing = np.flatnonzero(columns["is_closing"])
    for row, account in zip(closing, provable, strict=True):
        equity, required, short = (
            from_limbs([int(columns[f"port{number}"][row]) for number in ports])
            for ports in (layout.EQUITY, layout.REQUIRED, layout.SHORT)
        )
        assert len(layout.EQUITY) == len(layout.REQUIRED) == len(layout.SHORT) == AMOUNT_LIMBS
        assert (equity - BIAS, required) == (account.cash() + account.collateral(), account.required())
        assert (short, columns["negative"][row]) == (abs(account.cash()), account.cash() < 0)


@settings(max_examples=60, deadline=None)
@given(account=accounts(), tier=tiers)
def test_the_circuit_proves_no_other_outcome(account: Account, tier: Tier) -> None:
    assume(assessed(account))
    assert objections(checks([account], [account.passes(tier)], tier)) != []


@pytest.mark.parametrize("tier", list(Tier)[1:])
@pytest.mark.parametrize("fails", [False, True])
def test_the_lower_tiers_have_no_check_on_stale_prices(tier: Tier, fails: bool) -> None:
    account = Account(5, 0, (7, 1, 5), (), valid=MOMENT - 1)
    assert "only the initial tier has checks on stale prices" in objections(checks([account], [fails], tier))


@pytest.mark.parametrize("tier", Tier)
def test_a_stale_price_on_which_nothing_depends_is_as_good_as_none(tier: Tier) -> None:
    nothing = (Market(0, (), (), 100, 5),)
    for quote, asset in ((5, (6, 7, 5)), (0, (0, 1, 5))):
        account = Account(quote, 0, asset, nothing, valid=MOMENT - 1)
        assert objections(checks([account], [False], tier)) == []
        assert objections(checks([account], [True], tier)) != []


@pytest.mark.parametrize(
    "held",
    [Market(1, (), (), 100, 0), Market(-1, (), (), 100, 0), Market(0, (1,), (), 100, 0), Market(0, (), (1,), 100, 0)],
)
def test_a_stale_price_of_a_position_or_an_order_matters(held: Market) -> None:
    account = Account(5_000, 0, None, (held,), valid=MOMENT - 1)
    assert objections(checks([account], [True])) == []
    assert objections(checks([account], [False])) != []


UP, DOWN = CAPPED_BIT, 2 * CAPPED_BIT  # a mark is capped, its price being above it, or below


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("doubted", Capped)
@pytest.mark.parametrize(
    ("asset", "position", "against"),
    [((7, 1, 5), None, UP), (None, 3, UP), (None, -3, DOWN), ((0, 1, 5), None, None), (None, 0, None)],
)
def test_a_mark_that_is_capped_counts_as_stale_for_whom_the_check_says(
    tier: Tier, doubted: Capped, asset: tuple[int, int, int] | None, position: int | None, against: int | None
) -> None:
    markets = () if position is None else (Market(position, (), (), 100, 5),)
    for capped, time in product((0, UP, DOWN), (MOMENT, 0)):
        account = Account(5_000, 0, asset, markets, valid=time + capped)
        sides = {Capped.ALL: (UP, DOWN), Capped.ADVERSE: (against,), Capped.FAVOURABLE: (UP + DOWN - (against or 0),)}
        stale = against is not None and capped in sides[doubted]
        margin = assess(default_venue(), ALICE, account.entries(), time, capped=doubted)
        assert (margin.stale is not None) == stale
        assert assess(default_venue(), ALICE, account.entries(), capped=doubted).stale is None
        for fails in (False, True):
            provable = fails == stale and not (stale and tier is not Tier.INITIAL)
            moment = time + doubted * CAPPED_BIT
            assert (objections(checks([account], [fails], tier, moment)) == []) == provable


def test_the_moments_of_a_request_are_read_in_one_way() -> None:
    """Six ranges mod P of moments, by what they say of capped marks."""
    starts = [(strict + 2 * judged) * CAPPED_BIT for strict, judged in product((0, 1), (-1, 0, 1))]
    assert {doubted * CAPPED_BIT for doubted in Capped} < set(starts)
    ranges = sorted((start % P, start % P + TIME_MAX) for start in starts)
    assert len(ranges) == 6
    assert all(end < start for (_, end), (start, _) in pairwise([*ranges, (P, P)]))


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_position_that_owes_funding_passes_no_check(tier: Tier, change: int) -> None:
    class Owing(Account):
        def entries(self) -> list[Entry]:
            quote, (number, balance, market) = super().entries()
            return [quote, (number, (*balance[:6], balance[6] + change, balance[7]), market)]

    account = Owing(5_000, 0, None, (Market(1, (), (), 100, 5),))
    for fails in (False, True):
        assert "funding is settled" in objections(checks([account], [fails], tier))


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_at_the_bounds(sign: int) -> None:
    sizes = [(SIZE_MAX, (), (SIZE_MAX,)), (0, (SIZE_MAX,), (SIZE_MAX,)), (HALF + 1, (HALF,), ()), (1, (), ())]
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
    with_cap = list(ledger.read(market_index(USDC)))
    with_cap[QUOTE_BORROW_CAP] = CAP_LIMIT
    ledger.store.load([(market_index(USDC), tuple(with_cap), NO_SALT)])
    value = from_limbs(ledger.read(market_index(ETH))[MARKET_WEIGHT : MARKET_WEIGHT + 2])
    most = SIZE_MAX * value * RATIO_ONE // (RATIO_ONE + with_cap[QUOTE_BORROW])
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
            Order(ALICE, BTC_PERP, True, 1, SIZE_MAX, LATE),
            Order(BOB, BTC_PERP, False, 2, SIZE_MAX, LATE),
            Order(CAROL, BTC_PERP, False, 1, 1, LATE, Policy.FILL_OR_KILL),
        ],
        ledger,
        3,
    )
    assert str(report_of(forged)) == "all constraints hold and all buses balance"
