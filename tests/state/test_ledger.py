"""Any sequence of transitions: the venue stays backed, refusals change nothing, the witness replays, rollback works."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.bounds import TRANSIT
from circuits.records import (
    EMPTY,
    ORDER_ACCOUNT,
    ORDER_LEFT,
    RECORD_SIZE,
    VENUE_ACCOUNTS,
    VENUE_INDEX,
    Role,
    balance_index,
    market_index,
)
from circuits.statement import AssetAmount, Movement, Price, decode_statement
from circuits.steps import MARGIN_STEPS, STEPS, Kind, Step
from circuits.witness import ARGUMENTS, Witness
from state.audit import account_count, account_figures, invariant
from state.book import owner
from state.errors import Refusal
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.apply_event import ApplyEvent
from state.transitions.cancel import Cancel, CancelAll, Modify
from state.transitions.deposit import Deposit
from state.transitions.liquidate import Liquidate
from state.transitions.order import Order
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.sample_funding import SampleFunding
from state.transitions.take_over import TakeOver
from state.transitions.transfer import Transfer
from state.transitions.unwind import Unwind
from state.transitions.withdraw import Withdraw
from state.venue import Venue
from tests.batches import ALICE, BOB, BTC_PERP, ETH, ETH_PERP, USDC, every_kind, new_ledger, run_batch, trade
from tests.crowd import Crowd
from tests.state.test_store import check_opening, chunks
from tests.state.worlds import KEY, TIME, funded_ledger, transitions

sequences = st.lists(transitions, max_size=25)
ORDER_CHAIN = "ORDER( MATCH| FAIL| SKIP)* (FILLED|DISCARD|REST)"
CHAINS: dict[type[Transition], str] = {
    Order: ORDER_CHAIN, Modify: f"CANCEL {ORDER_CHAIN}", CancelAll: "CANCEL( CANCEL)*",
    SampleFunding: "SAMPLE_FUNDING( SAMPLE_ORDER)+ SAMPLE_END", ApplyEvent: "EVENT (UNMOVED|REDUCE)",
    Liquidate: f"LIQUIDATE {ORDER_CHAIN}", Unwind: f"UNWIND {ORDER_CHAIN}", TakeOver: "TAKE_OVER( TAKE)+ TAKEN",
}  # fmt: skip


def apply_all(ledger: Ledger, sequence: Iterable[Transition]) -> None:
    """Apply what is not refused: it adds its kinds; a refusal changes neither records nor witness."""
    kinds = ledger._opened().witness.kinds
    for transition in sequence:
        records, witness, count = ledger.records(), repr(ledger._opened().witness), len(kinds)
        try:
            ledger.apply(transition)
        except Refusal:
            assert ledger.records() == records
            assert repr(ledger._opened().witness) == witness
        else:
            added = " ".join(Kind(kind).name for kind in kinds[count:])
            assert re.fullmatch(CHAINS.get(type(transition), transition.kind.name), added)


def resting_lots(ledger: Ledger, account: int, market: int) -> tuple[int, int]:
    """The lots of an account's asks and bids, summed over the whole book."""
    sides = ([ledger.read(leaf) for leaf in ledger.book.orders(market, buys)] for buys in (False, True))
    asks, bids = (sum(order[ORDER_LEFT] for order in side if order[ORDER_ACCOUNT] == account) for side in sides)
    return asks, bids


def oracle_passes(ledger: Ledger, venue: Venue, account: int) -> bool:
    """The margin rule of the design, in rationals, from the balances and the marks."""
    cash, equity, requirement = Fraction(0), Fraction(0), Fraction(0)
    for number, amount in account_figures(ledger, account).balances.items():
        instrument, market = venue.instruments[number], ledger.read(market_index(number))
        mark = market[2] + market[3] * 2**14
        if number == USDC:
            cash += amount
        elif number == ETH:
            assert amount >= 0
            equity += amount // instrument.lot_units * (mark * instrument.fraction // 10_000)
        else:
            cash += amount * mark
            asks, bids = resting_lots(ledger, account, number)
            requirement += max(abs(amount + bids), abs(amount - asks)) * -(-mark * instrument.fraction // 10_000)
    shortfall = max(Fraction(0), -cash)
    return cash + equity >= requirement + shortfall * Fraction(venue.borrow_fraction, 1_000)


@settings(max_examples=20, deadline=None)
@given(st.lists(sequences, min_size=1, max_size=3))
def test_any_sequence_keeps_the_venue_backed(batches: list[list[Transition]]) -> None:
    ledger = funded_ledger()
    for number, sequence in enumerate(batches):
        check_batch(ledger, TIME + 10 * number, sequence)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_crowd_keeps_the_venue_backed(seed: int, count: int) -> None:
    ledger, crowd = new_ledger(), Crowd(Random(seed), accounts=4)
    check_batch(ledger, 1, crowd.opening())
    for time in (10, 20, 30):
        check_batch(ledger, time, (crowd.next(ledger) for _ in range(count)))


def check_batch(ledger: Ledger, time: int, transitions: Iterable[Transition]) -> None:
    """A batch of what is not refused: backed at its end, with a statement and a witness that hang together."""
    committed, old_root = dict(ledger.store.leaves), ledger.root
    ledger.begin_batch(time)
    apply_all(ledger, transitions)
    assert ledger.root == old_root
    statement, witness = ledger.close_batch()
    assert all(backing.holds for backing in invariant(ledger))
    assert decode_statement(statement.encode()) == statement
    assert (statement.old_root, statement.new_root) == (old_root, ledger.root)
    check_witness(witness, committed, ledger)
    check_opening(witness.opening, 30, old_root, ledger.root)


def check_witness(witness: Witness, committed: dict[int, tuple[int, ...]], ledger: Ledger) -> None:
    """The accesses replay from the old records to the new ones; the opening holds exactly what was touched."""
    accesses, visits = witness.accesses, witness.visits
    steps = [step for kind in witness.kinds for step in STEPS[Kind(kind)]]
    assert [Step(step) for step in accesses.step] == steps
    records = dict(committed)
    old, new = chunks(accesses.old, RECORD_SIZE), chunks(accesses.new, RECORD_SIZE)
    asked = dict.fromkeys((row for row, step in enumerate(steps) if step in MARGIN_STEPS), 0)
    touched, visit = set(accesses.index), 0
    balances, markets = chunks(visits.balance, RECORD_SIZE), chunks(visits.market, RECORD_SIZE)
    for row, index in enumerate(accesses.index):
        assert old[row] == records.get(index, EMPTY)
        records[index] = new[row]
        seen = []
        while visit < len(visits.row) and visits.row[visit] == row:
            account, instrument = visits.account[visit], visits.instrument[visit]
            assert balances[visit] == records[balance_index(account, instrument)]
            assert markets[visit] == records[market_index(instrument)]
            touched |= {balance_index(account, instrument), market_index(instrument)}
            seen.append(instrument)
            visit += 1
        assert seen == sorted(set(seen))
        if row in asked:
            held = {i for i in range(4) if records.get(balance_index(visits.account[visit - 1], i), EMPTY) != EMPTY}
            assert set(seen) == held
        else:
            assert not seen
    assert visit == len(visits.row)
    assert {index: record for index, record in records.items() if record != EMPTY} == ledger.store.leaves
    assert list(witness.opening.leaf_index) == sorted(touched)
    for kind, names in ARGUMENTS.items():
        assert all(len(witness.arguments[kind][name]) == witness.kinds.count(kind) for name in names)


@settings(max_examples=60, deadline=None)
@given(sequences)
def test_whoever_moved_passes_the_margin_oracle(sequence: list[Transition]) -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    for transition in sequence:
        nonces = {a: account_figures(ledger, a).nonce for a in range(account_count(ledger))}
        trades = len(ledger.trades)
        try:
            ledger.apply(transition)
        except Refusal:
            continue
        if isinstance(transition, (Cancel, CancelAll)):
            continue  # never raises the requirement, and is free to those who are below it
        makers = {owner(trade.maker_order) for trade in ledger.trades[trades:]}
        for account in range(account_count(ledger)):
            figures = account_figures(ledger, account)
            if account in makers or figures.nonce != nonces.get(account, 0):
                assert figures.role == Role.TRADER
                assert oracle_passes(ledger, ledger.venue, account)
                assert figures.margin.suffices


@settings(max_examples=20, deadline=None)
@given(st.lists(sequences, min_size=2, max_size=4), st.data())
def test_rollback_to_any_root(batches: list[list[Transition]], data: st.DataObject) -> None:
    ledger = funded_ledger()
    versions = {ledger.root: dict(ledger.store.leaves)}
    for sequence in batches:
        ledger.begin_batch()
        apply_all(ledger, sequence)
        ledger.close_batch()
        versions[ledger.root] = dict(ledger.store.leaves)
    assert ledger.roots()[1:] == list(versions)
    root = data.draw(st.sampled_from(list(versions)))
    ledger.rollback(root)
    assert (ledger.root, ledger.store.leaves) == (root, versions[root])
    ledger.begin_batch()
    ledger.apply(Register(ledger.read(VENUE_INDEX)[VENUE_ACCOUNTS], KEY))
    statement, _ = ledger.close_batch()
    assert statement.old_root == root


def test_statement_of_every_kind() -> None:
    ledger = new_ledger()
    statement, _ = run_batch(ledger, every_kind())
    deposits = [t for t in every_kind() if isinstance(t, Deposit)]
    withdrawals = [t for t in every_kind() if isinstance(t, Withdraw)]
    prices = [t for t in every_kind() if isinstance(t, SetPrice)]
    assert statement.deposits == tuple(sorted(Movement(*astuple(t)) for t in deposits))
    assert statement.withdrawals == tuple(Movement(t.chain, 0, t.account, t.asset, t.amount) for t in withdrawals)
    numbers = [sum(earlier.instrument == t.instrument for earlier in prices[:k]) for k, t in enumerate(prices)]
    assert statement.prices == tuple(
        sorted(Price(t.instrument, n, t.price, t.time) for n, t in zip(numbers, prices, strict=True))
    )
    assert (statement.batch, statement.time, statement.venue_id) == (1, 60, ledger.venue.id)
    assert [(v.chain, v.asset) for v in statement.vaults] == [(c, a) for c in (0, 1, 2, TRANSIT) for a in (USDC, ETH)]
    assert statement.totals == (AssetAmount(USDC, 129_998_000_000), AssetAmount(ETH, 2_234_567_886))
    assert statement.fund == (AssetAmount(USDC, 0), AssetAmount(ETH, 0))
    assert run_batch(ledger, [])[0].batch == 2


def test_every_message_raises_its_sender_s_nonce_and_nobody_else_s() -> None:
    ledger = new_ledger()
    ledger.begin_batch(60)
    nonces: Counter[int] = Counter()
    for transition in every_kind():
        ledger.apply(transition)
        if isinstance(transition, Withdraw):
            nonces[transition.account] += 1
        elif isinstance(transition, Transfer):
            nonces[transition.sender] += 1
        elif isinstance(transition, Order):
            nonces[transition.account] += 1
        found = {account: account_figures(ledger, account).nonce for account in range(account_count(ledger))}
        assert found == {account: nonces[account] for account in found}


def test_abort_forgets_the_batch() -> None:
    ledger = funded_ledger()
    root, records = ledger.root, ledger.records()
    ledger.begin_batch()
    ledger.apply(Deposit(0, 1, ALICE, USDC, 5))
    assert ledger.records() != records
    ledger.abort_batch()
    assert (ledger.root, ledger.records(), ledger.in_batch) == (root, records, False)


def test_a_programming_error_changes_nothing_either() -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    before = repr(ledger._opened().witness)
    with pytest.raises(TypeError):
        ledger.apply(Deposit(0, 1, ALICE, USDC, "5"))  # type: ignore[arg-type]
    assert repr(ledger._opened().witness) == before


def test_the_root_hides_balances_behind_salts() -> None:
    roots = {run_batch(new_ledger(), every_kind())[0].new_root for _ in range(2)}
    assert len(roots) == 2


def test_positions_open_once_and_stay_listed() -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    fills = (BTC_PERP, ALICE, BOB, 6_170_000, True), (BTC_PERP, ALICE, BOB, 6_170_000, False)
    for market, maker, taker, price, buys in (*fills, (ETH_PERP, BOB, ALICE, 2_680_000, True)):
        for transition in trade(market, maker, taker, price, 5, buys):
            ledger.apply(transition)
    assert account_figures(ledger, ALICE).balances.keys() == {USDC, BTC_PERP, ETH_PERP}
    assert account_figures(ledger, BOB).balances[BTC_PERP] == 0


def test_genesis_follows_from_the_venue_alone() -> None:
    assert new_ledger().root == new_ledger().root
