"""Circuit and ledger agree: whatever batch the ledger accepts satisfies every constraint and balances every bus."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits.bounds import GROWTH_MAX, PRICE_MAX, SIZE_MAX
from circuits.checker import check
from circuits.records import RULES_CAP, RULES_GROWTH, RULES_INTEREST, RULES_MINIMUM, RULES_STATUS, Status
from circuits.solvent import solvent_circuit
from circuits.statement import Statement, decode_statement
from circuits.steps import Kind
from circuits.witness import Witness
from prover.traces.build import build_traces
from state.book import Reason
from state.errors import Refusal
from state.ledger import Ledger
from state.rehearsal import last_time
from state.transitions import Transition
from state.transitions.cancel import CancelAll
from state.transitions.match import SKIPPED
from state.transitions.price import SetPrice
from tests.batches import (
    ALICE,
    BTC_PERP,
    ETH,
    ETH_PERP,
    HOUR,
    every_act,
    every_funding,
    every_kind,
    every_liquidation,
    every_loss,
    every_order,
    every_rescue,
    every_settlement,
    new_ledger,
    prompt_ledger,
    run_batch,
    with_funding,
    with_rules,
)
from tests.crowd import Crowd
from tests.proving import TEST_PARAMETERS
from tests.state.worlds import funded_ledger, transitions

BETWEEN_BATCHES, STALENESS = 10, 8  # seconds; of a venue whose prices go stale between batches
WHOLE_BATCHES, LEAST_TRANSITIONS, LONG_ATTEMPTS, RUNS, BATCHES_A_RUN = 200, 100, 320, 60, 5


def assert_agreed(statement: Statement, witness: Witness) -> None:
    """The circuit accepts the batch."""
    assert decode_statement(statement.encode()) == statement
    traces = build_traces(solvent_circuit(), witness, TEST_PARAMETERS.random_rows)
    columns = {name: trace.elements().tolist() for name, trace in traces.items()}
    rows = {name: range(min(trace.used + 2, trace.active)) for name, trace in traces.items()}
    report = check(solvent_circuit(), columns, statement.messages(), rows)
    assert report.ok, str(report)


def accepted(ledger: Ledger, transition: Transition) -> bool:
    """Apply it, unless it is refused."""
    try:
        ledger.apply(transition)
    except Refusal:
        return False
    return True


def crowded_batch(
    ledger: Ledger, crowd: Crowd, attempts: int, time: int | None = None
) -> tuple[int, Statement, Witness, Counter[Reason]]:
    """A batch of what the ledger accepts of the crowd; with how many transitions, and which removals."""
    ledger.begin_batch(last_time(ledger) + BETWEEN_BATCHES if time is None else time)
    count = sum(accepted(ledger, crowd.next(ledger)) for _ in range(attempts))
    removals = Counter(removal.reason for removal in ledger.removals)
    return count, *ledger.close_batch(), removals


def test_the_circuit_accepts_every_kind() -> None:
    first = [*every_kind(), *every_order(), *every_act(), *every_funding(), *every_rescue(), *every_loss()]
    second = [*every_kind(), *every_order(), *every_act(), *every_settlement(), CancelAll(ALICE), *every_liquidation()]
    found = set()
    for batch, time in ((first, HOUR), (second, 60)):
        statement, witness = run_batch(prompt_ledger(), batch, time)
        found |= set(witness.kinds)
        reasons = set(witness.arguments[Kind.SKIP]["reason"])
        assert reasons == {SKIPPED.index(Reason.OWN), SKIPPED.index(Reason.GROWING)}
        assert_agreed(statement, witness)
    assert found == set(Kind)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(transitions, min_size=1, max_size=40))
def test_the_circuit_accepts_what_the_ledger_accepts(batch: list[Transition]) -> None:
    ledger = funded_ledger()
    ledger.begin_batch()
    for transition in batch:
        accepted(ledger, transition)
    assert_agreed(*ledger.close_batch())


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 120))
def test_the_circuit_accepts_what_the_ledger_accepts_of_a_crowd(seed: int, attempts: int) -> None:
    ledger, crowd = prompt_ledger(STALENESS if seed % 2 else None), Crowd(Random(seed))
    run_batch(ledger, crowd.opening(), time=1)
    crowded_batch(ledger, crowd, attempts)  # leaves a book
    _, statement, witness, _ = crowded_batch(ledger, crowd, attempts)
    assert_agreed(statement, witness)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 2**32),
    st.integers(1, 120),
    st.sampled_from([Status.ACTIVE, Status.REDUCE_ONLY]),
    st.integers(0, PRICE_MAX),
    st.integers(0, 4_000),
)
def test_they_agree_under_any_market_s_rules(seed: int, attempts: int, status: Status, minimum: int, cap: int) -> None:
    ledger, crowd = new_ledger(), Crowd(Random(seed))
    run_batch(ledger, crowd.opening(), time=1)
    crowded_batch(ledger, crowd, attempts)  # leaves a book, and positions
    with_rules(ledger, BTC_PERP, {RULES_STATUS: status, RULES_MINIMUM: minimum, RULES_CAP: cap})
    with_rules(ledger, ETH_PERP, {RULES_MINIMUM: minimum // 10, RULES_CAP: cap})
    _, statement, witness, _ = crowded_batch(ledger, crowd, attempts)
    assert_agreed(statement, witness)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, GROWTH_MAX), st.integers(0, SIZE_MAX), st.integers(1, PRICE_MAX))
def test_they_agree_on_any_market_s_growth(growth: int, interest: int, price: int) -> None:
    ledger = with_rules(new_ledger(), BTC_PERP, {RULES_GROWTH: growth, RULES_INTEREST: interest})
    with_rules(ledger, ETH_PERP, {RULES_GROWTH: growth // 500, RULES_INTEREST: interest // 500})
    assert_agreed(*run_batch(ledger, [SetPrice(instrument, price, 60) for instrument in (ETH, BTC_PERP, ETH_PERP)]))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(1, 120), st.integers(0, 27), st.booleans())
def test_they_agree_on_funding(seed: int, attempts: int, bits: int, falls: bool) -> None:
    ledger, crowd = prompt_ledger(), Crowd(Random(seed))
    run_batch(ledger, crowd.opening(), time=1)
    crowded_batch(ledger, crowd, attempts)  # leaves a book, and positions
    change = Random(seed).randrange(1 << bits)
    with_funding(ledger, BTC_PERP, -change if falls else change, premiums=change - 1_000, impact=1 + seed % 300)
    with_funding(ledger, ETH_PERP, 1, premiums=1_000 - change, impact=1 + seed % 1_000)
    _, statement, witness, _ = crowded_batch(ledger, crowd, attempts, HOUR)
    assert_agreed(statement, witness)


@pytest.mark.long
def test_circuit_and_ledger_agree_on_hundreds_of_whole_batches() -> None:
    kinds: Counter[Kind] = Counter()
    removals: Counter[Reason] = Counter()
    whole = 0
    for seed in range(RUNS):
        random = Random(seed)
        ledger, crowd = prompt_ledger(random.choice([None, STALENESS])), Crowd(random, random.choice([4, 10, 60]))
        run_batch(ledger, crowd.opening(), time=HOUR - 2 * BETWEEN_BATCHES)
        for _ in range(BATCHES_A_RUN):
            count, statement, witness, removed = crowded_batch(ledger, crowd, LONG_ATTEMPTS)
            assert_agreed(statement, witness)
            whole += count >= LEAST_TRANSITIONS
            kinds.update(Kind(kind) for kind in witness.kinds)
            removals += removed
    assert whole >= WHOLE_BATCHES
    seldom = [*every_kind(), *every_rescue(), *every_loss()]  # of which a crowd is not always in need
    _, witness = run_batch(prompt_ledger(), seldom, HOUR)
    kinds.update(Kind(kind) for kind in witness.kinds)
    assert set(kinds) == set(Kind)
    assert kinds[Kind.SKIP] == sum(removals[reason] for reason in SKIPPED)
    assert set(removals) == set(Reason)
