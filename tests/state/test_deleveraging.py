"""Deleveraging: everybody opposite gives its share at the zero price whenever it is touched; nothing is lost."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import permutations
from math import ceil
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits.bounds import FUNDING_ONE, FUNDING_START, SIZE_MAX
from circuits.records import (
    EVENT_PRICE,
    FIRST_TRADER,
    HEADER_EVENTS,
    MARKET_MARK,
    MARKET_WEIGHT,
    RULES_INTEREST,
    SystemAccount,
    balance_index,
    event_index,
    from_limbs,
    header_index,
    market_index,
    rules_index,
)
from state.accounts import balance_amount, balance_record
from state.audit import account_figures, invariant
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import Transition
from state.transitions.apply_event import ApplyEvent
from state.transitions.convert import Convert
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.order import Order
from state.transitions.pay_funding import PayFunding
from state.transitions.price import SetPrice
from state.transitions.socialise import Socialise
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import BTC_PERP, ETH, ETH_PERP, LATE, USDC, run_batch, trade, with_funding
from tests.circuits.test_agreement import assert_agreed
from tests.deleveragings import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    FRANK,
    LATER,
    POSITIONS,
    PRICE,
    RICH,
    crash,
    endow,
    opened,
)

ROUNDING, LOSS = SystemAccount.ROUNDING, SystemAccount.LOSS


def balance(ledger: Ledger, account: int, instrument: int = USDC) -> int:
    return balance_amount(ledger.read(balance_index(account, instrument)))


def interest(ledger: Ledger) -> int:
    return ledger.read(rules_index(BTC_PERP))[RULES_INTEREST]


def shares(positions: dict[int, int], account: int) -> dict[int, int]:
    """What each account's position is once all have seen that the account's was closed, by fractions."""
    closed = positions[account]
    total = sum(abs(n) for n in positions.values() if n * closed > 0)
    kept = {a: n for a, n in positions.items() if a != account}
    for other, lots in kept.items():
        if lots * closed < 0:
            kept[other] = lots + (1 if closed > 0 else -1) * ceil(Fraction(abs(lots) * abs(closed), total))
    return {**kept, account: 0}


def all_seen(ledger: Ledger, accounts: Iterable[int]) -> None:
    for account in accounts:
        ledger.apply(ApplyEvent(account))


@pytest.mark.parametrize("sign", [1, -1])
def test_everybody_opposite_gives_its_share_at_the_zero_price(sign: int) -> None:
    ledger = opened(money=9_500_000_000, sign=sign)
    positions = {account: sign * lots for account, lots in POSITIONS.items()}
    before = {account: account_figures(ledger, account).margin.equity for account in POSITIONS}
    cash = {account: balance(ledger, account) for account in POSITIONS}
    ledger.begin_batch(LATER)
    ledger.apply(crash(sign))
    ledger.apply(Deleverage(ALICE, BTC_PERP))
    assert (balance(ledger, ROUNDING, BTC_PERP), interest(ledger)) == (positions[ALICE], 13_000 - 9_999)
    price = ledger.read(event_index(0))[EVENT_PRICE]
    assert 0 <= balance(ledger, ALICE) < 9_999  # the zero price is rounded in her favour
    assert before[ALICE] + sign * 9_999 * (price - PRICE) == balance(ledger, ALICE)
    all_seen(ledger, (*POSITIONS, ERIN))
    expected = shares(positions, ALICE)
    assert {account: balance(ledger, account, BTC_PERP) for account in POSITIONS} == expected
    for account in (BOB, CAROL, DAVE, FRANK):
        given_away = positions[account] - expected[account]
        assert balance(ledger, account) == cash[account] + given_away * price
    assert -len(POSITIONS) < sign * balance(ledger, ROUNDING, BTC_PERP) <= 0
    assert balance(ledger, ROUNDING) == -balance(ledger, ROUNDING, BTC_PERP) * price
    assert all(backing.holds for backing in invariant(ledger))
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("sign", [1, -1])
def test_no_more_than_half_the_requirement_is_taken_from_those_opposite(sign: int) -> None:
    ledger = opened(sign=sign)
    run_batch(ledger, [crash(sign)], LATER)
    margin = account_figures(ledger, ALICE).margin
    assert 2 * -margin.equity > margin.requirement
    mark, weight = (from_limbs(ledger.read(market_index(BTC_PERP))[at:][:2]) for at in (MARKET_MARK, MARKET_WEIGHT))
    run_batch(ledger, [Deleverage(ALICE, BTC_PERP)], LATER)
    assert ledger.read(event_index(0))[EVENT_PRICE] == mark + sign * (weight // 2)
    assert account_figures(ledger, ALICE).margin.equity == margin.equity + 9_999 * (weight // 2)


shares_of = st.integers(0, 1_500) | st.just(500)  # of a requirement, in thousandths


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([1, -1]), st.integers(1, 3_000), st.tuples(*[st.integers(1, 2_000)] * 3),
    st.tuples(*[shares_of] * 4), st.integers(2, 60),
)  # fmt: skip
def test_whoever_has_half_of_what_is_required_keeps_its_ratio(
    sign: int, lacks: int, lots: tuple[int, int, int], has: tuple[int, ...], falls: int
) -> None:
    """Bob has another position besides; Alice lacks so many thousandths of what she requires; the mark moves by one
    part in `falls`."""
    opposite = dict(zip((BOB, CAROL, DAVE), lots, strict=True))
    ledger = opened({ALICE: sum(lots), **{a: -n for a, n in opposite.items()}}, money=RICH, sign=sign)
    price = SetPrice(BTC_PERP, PRICE * (falls - sign) // falls, LATER)
    other = [SetPrice(ETH_PERP, 2_681_621, LATER), *trade(ETH_PERP, BOB, ALICE, 2_681_621, 90, False)]
    run_batch(ledger, [price, *other], LATER)
    for account, share in ((ALICE, -lacks), *zip((*opposite, ERIN), has, strict=True)):
        required = account_figures(ledger, account).margin.requirement
        endow(ledger, account, -(-required * share // 1_000) or share - 750)
    before = {account: account_figures(ledger, account).margin for account in (*opposite, ERIN)}
    ledger.begin_batch(LATER)
    for number, market in enumerate((BTC_PERP, ETH_PERP)):
        ledger.apply(Deleverage(ALICE, market))
        all_seen(ledger, (*(() if number else (ALICE,)), *opposite, ERIN))
    for account, margin in before.items():
        after = account_figures(ledger, account).margin
        if 2 * margin.equity >= margin.requirement:
            assert after.equity * margin.requirement >= margin.equity * after.requirement
            assert after.equity >= 0


def test_in_whatever_order_they_see_it_it_comes_to_the_same() -> None:
    found = set()
    for order in permutations((BOB, CAROL, DAVE)):
        ledger = opened()
        ledger.begin_batch(LATER)
        ledger.apply(crash())
        ledger.apply(Deleverage(ALICE, BTC_PERP))
        all_seen(ledger, order)
        held = (ROUNDING, *POSITIONS)
        found.add(tuple(balance(ledger, account, i) for account in held for i in (USDC, BTC_PERP)))
    assert len(found) == 1


def test_who_is_touched_sees_it_first() -> None:
    ledger = opened()
    run_batch(ledger, [crash(), Order(CAROL, BTC_PERP, True, PRICE // 2, 9, LATE)], LATER)
    statement, witness = run_batch(ledger, [
        Deleverage(ALICE, BTC_PERP), Transfer(BOB, ERIN, USDC, 5),
        Order(FRANK, BTC_PERP, False, PRICE // 2, 4, LATE),  # meets Carol, who has not seen it
    ], LATER)  # fmt: skip
    seen = {account: ledger.read(header_index(account))[HEADER_EVENTS] for account in (*POSITIONS, ERIN)}
    assert seen == {ALICE: 0, BOB: 1, CAROL: 1, DAVE: 0, ERIN: 1, FRANK: 1}
    expected = shares(dict(POSITIONS), ALICE)
    assert balance(ledger, CAROL, BTC_PERP) == expected[CAROL] + 4
    assert_agreed(statement, witness)


def test_of_two_events_each_takes_its_share_of_what_is_left() -> None:
    positions = {ALICE: 4_000, BOB: 3_000, CAROL: 3_000, DAVE: -5_001, FRANK: -4_999}
    ledger = opened(positions, poor=(ALICE, BOB), money=2_500_000_000)
    ledger.begin_batch(LATER)
    ledger.apply(crash())
    ledger.apply(Deleverage(ALICE, BTC_PERP))
    ledger.apply(Deleverage(BOB, BTC_PERP))  # sees the first event, of its own side, before
    for account in (DAVE, FRANK, DAVE, FRANK):
        ledger.apply(ApplyEvent(account))
    once = shares(positions, ALICE)
    once.pop(ALICE)
    # The second time the shares are of an open interest that counts what rounding took.
    left = {a: once[a] + ceil(Fraction(-once[a] * 3_000, 6_000)) for a in (DAVE, FRANK)}
    assert {account: balance(ledger, account, BTC_PERP) for account in left} == left
    assert -4 < balance(ledger, ROUNDING, BTC_PERP) <= 0
    assert interest(ledger) == balance(ledger, CAROL, BTC_PERP) == 3_000
    with pytest.raises(Refusal) as caught:
        ledger.apply(ApplyEvent(DAVE))
    assert caught.value.rule is Rule.NOTHING_TO_SEE
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("sign", [1, -1])
def test_nobody_sees_an_event_with_more_lots_than_two_limbs_hold(sign: int) -> None:
    ledger = opened()
    run_batch(ledger, [crash(), Deleverage(ALICE, BTC_PERP)], LATER)
    most = balance_record(sign * (SIZE_MAX + 1), 0, 0, FUNDING_START)
    ledger.store.load([(balance_index(ROUNDING, BTC_PERP), most, NO_SALT)])
    ledger.begin_batch(LATER)
    with pytest.raises(Refusal) as caught:
        ledger.apply(ApplyEvent(ROUNDING))
    assert caught.value.rule is Rule.HOLDING_LIMIT


@pytest.mark.parametrize("early", [(), (CAROL,), (CAROL, BOB, DAVE)])
def test_funding_is_that_of_the_lots_held_at_each_moment(early: tuple[int, ...]) -> None:
    rises = 320  # of the index after the event
    ledger = opened()
    cash = {account: balance(ledger, account) for account in POSITIONS}
    run_batch(ledger, [crash(), Deleverage(ALICE, BTC_PERP)], LATER)
    price = ledger.read(event_index(0))[EVENT_PRICE]
    with_funding(ledger, BTC_PERP, rises)
    ledger.begin_batch(LATER)
    for account in early:  # settled beyond the event, with the lots of before
        ledger.apply(PayFunding(account, BTC_PERP))
    for account in (BOB, CAROL, DAVE):
        ledger.apply(ApplyEvent(account))
        ledger.apply(PayFunding(account, BTC_PERP))
        lots = balance(ledger, account, BTC_PERP)
        due = Fraction(-lots * rises, FUNDING_ONE)
        got = balance(ledger, account) - cash[account] - (POSITIONS[account] - lots) * price
        assert due - 3 < got <= due
    assert all(backing.holds for backing in invariant(ledger))
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("account", [account for account in SystemAccount if account is not SystemAccount.IN_TRANSIT])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_system_account_takes_deposits_after_an_event(account: SystemAccount, sign: int) -> None:
    ledger = opened(sign=sign)
    ledger.begin_batch(LATER)
    ledger.apply(crash(sign))
    ledger.apply(Deleverage(ALICE, BTC_PERP))
    lots, money = balance(ledger, account, BTC_PERP) if account is ROUNDING else 0, balance(ledger, account)
    ledger.apply(Deposit(1, 0, account, USDC, 7))
    assert balance(ledger, account) == money + 7
    if account is ROUNDING:
        assert balance(ledger, account, BTC_PERP) == lots == sign * 9_999
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("change", [1, -1])
def test_it_waits_until_marks_have_arrived(sign: int, change: int) -> None:
    ledger = opened(sign=sign)
    run_batch(ledger, [crash(sign), SetPrice(BTC_PERP, crash(sign).price + change, LATER)], LATER)
    ledger.begin_batch(LATER + 60)
    assert account_figures(ledger, ALICE).margin.equity < 0
    with pytest.raises(Refusal) as caught:
        ledger.apply(Deleverage(ALICE, BTC_PERP))
    assert caught.value.rule is Rule.STALE_PRICE
    ledger.apply(SetPrice(BTC_PERP, crash(sign).price + change, LATER + 60))
    ledger.apply(Deleverage(ALICE, BTC_PERP))
    assert_agreed(*ledger.close_batch())


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("owed", [0, 10_000_000_000])
def test_assets_go_before_positions(sign: int, owed: int) -> None:
    """Also to a fund that owes, at what they count; then her equity is what it was, and she has none left."""
    ledger, lots = opened(sign=sign), 300
    ether = Deposit(2, 1, ALICE, ETH, lots * 10_000 + 1), SetPrice(ETH, 268_162, LATER)
    run_batch(ledger, [crash(sign), *ether], LATER)
    ledger.store.load([(balance_index(SystemAccount.INSURANCE, USDC), balance_record(-owed), NO_SALT)])
    equity, value = account_figures(ledger, ALICE).margin.equity, 268_162 * 85 // 100
    ledger.begin_batch(LATER)
    for part in (lots - 1, 1):
        with pytest.raises(Refusal) as caught:
            ledger.apply(Deleverage(ALICE, BTC_PERP))
        assert caught.value.rule is Rule.HAS_COLLATERAL
        ledger.apply(Convert(ALICE, ETH, part, value))
    figures = [account_figures(ledger, account).margin.equity for account in (ALICE, SystemAccount.INSURANCE)]
    assert figures == [equity, -owed]
    ledger.apply(Deleverage(ALICE, BTC_PERP))
    assert balance(ledger, ALICE, ETH) == 1
    assert_agreed(*ledger.close_batch())


def borrowed() -> Ledger:
    """Erin owes cash that her ether, which the insurance fund has bought, did not cover any more."""
    ledger = opened()
    batch: list[Transition] = [Withdraw(0, ERIN, USDC, 15_000_000_000), SetPrice(ETH, 150_000, LATER - 30)]
    run_batch(ledger, [*batch, SetPrice(ETH, 80_000, LATER)], LATER)
    ledger.begin_batch(LATER)
    with pytest.raises(Refusal) as caught:
        ledger.apply(Socialise(ERIN))
    assert caught.value.rule is Rule.HAS_COLLATERAL
    ledger.apply(Convert(ERIN, ETH, 100_000, 68_000))
    ledger.close_batch()
    return ledger


def test_what_nobody_can_pay_becomes_a_loss_that_is_stated() -> None:
    ledger = borrowed()
    owed = -account_figures(ledger, ERIN).margin.equity
    assert owed > 0
    statement, witness = run_batch(ledger, [Socialise(ERIN)], LATER)
    assert statement.loss == owed == -balance(ledger, LOSS)
    assert account_figures(ledger, ERIN).margin.equity == 0
    assert all(backing.holds for backing in invariant(ledger))
    assert_agreed(statement, witness)
    statement, witness = run_batch(ledger, [Deposit(1, 0, LOSS, USDC, owed + 9)], LATER)
    assert statement.loss == -9
    assert_agreed(statement, witness)


def test_the_fund_pays_before_anybody_loses() -> None:
    ledger = borrowed()
    owed = -account_figures(ledger, ERIN).margin.equity
    ledger.begin_batch(LATER)
    ledger.apply(Deposit(1, 0, SystemAccount.INSURANCE, USDC, owed))
    with pytest.raises(Refusal) as caught:
        ledger.apply(Socialise(ERIN))
    assert caught.value.rule is Rule.FUND_CAN_PAY
    ledger.abort_batch()
    run_batch(ledger, [Deposit(1, 0, SystemAccount.INSURANCE, USDC, owed - 1), Socialise(ERIN)], LATER)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_any_events_come_to_what_a_plain_model_says(seed: int) -> None:
    """Random positions of eight accounts of which some are deleveraged in turn, while others see it or not."""
    random = Random(seed)
    sign, accounts = random.choice([1, -1]), list(range(FIRST_TRADER, FIRST_TRADER + 8))
    lots = [random.randint(1, 2_000) for _ in range(7)]
    model = {a: n if k < 4 else -n for k, (a, n) in enumerate(zip(accounts, lots, strict=False))}
    model[accounts[7]] = -sum(model.values())
    poor = random.sample([a for a in accounts if model[a] > 0], 2)
    ledger = opened(model, poor=poor, money=random.randint(700_000_000, 1_200_000_000), sign=sign)
    model = {account: sign * n for account, n in model.items()}
    total = open_interest = sum(n for n in model.values() if n > 0)
    ledger.begin_batch(LATER)
    ledger.apply(crash(sign))
    events = 0
    for account in poor:
        while ledger.read(header_index(account))[HEADER_EVENTS] < events:
            ledger.apply(ApplyEvent(account))
        if account_figures(ledger, account).margin.equity >= 0:
            continue
        ledger.apply(Deleverage(account, BTC_PERP))
        closed, model[account], events = model[account], 0, events + 1
        for other, held in model.items():
            if held * closed < 0:
                step = 1 if closed > 0 else -1
                model[other] = held + step * ceil(Fraction(abs(held) * abs(closed), open_interest))
        open_interest -= abs(closed)
        for other in random.sample(accounts, random.randint(0, 8)):
            if ledger.read(header_index(other))[HEADER_EVENTS] < events:
                ledger.apply(ApplyEvent(other))
    for account in accounts:
        while ledger.read(header_index(account))[HEADER_EVENTS] < events:
            ledger.apply(ApplyEvent(account))
    assert {account: balance(ledger, account, BTC_PERP) for account in accounts} == model
    assert interest(ledger) == open_interest <= total
    assert -events * len(accounts) <= sign * balance(ledger, ROUNDING, BTC_PERP) <= 0
    for side in (1, -1):
        assert sum(max(0, side * lots) for lots in model.values()) <= open_interest
    assert all(backing.holds for backing in invariant(ledger))
    assert_agreed(*ledger.close_batch())
