"""Circuit and ledger agree: whatever batch the ledger accepts satisfies every constraint and balances every bus."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state.transitions.fill import Fill

from circuits.checker import check
from circuits.solvent import solvent_circuit
from circuits.statement import decode_statement
from prover.traces.build import build_traces
from state.errors import Refusal
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, ETH_PERP, USDC, every_kind, new_ledger, run_batch
from tests.proving import TEST_PARAMETERS

ACCOUNTS = st.sampled_from([ALICE, BOB, CAROL])
ASSETS = st.sampled_from([USDC, ETH])
AMOUNTS = st.one_of(st.integers(1, 100), st.integers(1, 20_000_000_000), st.integers(1 << 28, 1 << 54))
SIZES = st.one_of(st.integers(1, 10), st.integers(1, 50_000), st.just((1 << 14) - 1), st.just(1 << 14))


@st.composite
def fills(draw: st.DrawFn) -> Fill:
    market, base = draw(st.sampled_from([(BTC_PERP, 6_180_000), (ETH_PERP, 2_681_000)]))
    price = base + draw(st.integers(-2_000, 2_000))
    buys, slack = draw(st.booleans()), [draw(st.integers(0, 3)) for _ in range(2)]
    maker_limit, taker_limit = (price - slack[0], price + slack[1]) if buys else (price + slack[0], price - slack[1])
    return Fill(market, draw(ACCOUNTS), draw(ACCOUNTS), price, draw(SIZES), buys, maker_limit, taker_limit)


@st.composite
def prices(draw: st.DrawFn) -> SetPrice:
    instrument, base = draw(st.sampled_from([(BTC_PERP, 6_180_000), (ETH_PERP, 2_681_000), (ETH, 268_100)]))
    return SetPrice(instrument, draw(st.integers(base * 9 // 10, base * 11 // 10)), draw(st.integers(55, 90)))


def transitions() -> st.SearchStrategy[Transition]:
    """Mostly plausible transitions; the ledger decides."""
    chains = st.integers(0, 2)
    return st.one_of(
        fills(),
        fills(),
        prices(),
        st.builds(Deposit, chains, st.integers(0, 4), ACCOUNTS, ASSETS, AMOUNTS),
        st.builds(Withdraw, chains, ACCOUNTS, ASSETS, AMOUNTS),
        st.builds(Transfer, ACCOUNTS, ACCOUNTS, ASSETS, AMOUNTS),
        st.builds(Register, st.integers(CAROL + 1, CAROL + 3), st.just((9,) * 7)),
    )


def apply_what_passes(ledger: Ledger, batch: list[Transition]) -> int:
    """Apply a batch, leaving out what is refused; returns how many were applied."""
    applied = 0
    for transition in batch:
        try:
            ledger.apply(transition)
        except Refusal:
            continue
        applied += 1
    return applied


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(transitions(), min_size=1, max_size=40))
def test_the_circuit_accepts_what_the_ledger_accepts(batch: list[Transition]) -> None:
    ledger = new_ledger()
    run_batch(ledger, every_kind())
    ledger.begin_batch()
    apply_what_passes(ledger, batch)
    statement, witness = ledger.close_batch(100)
    assert decode_statement(statement.encode()) == statement
    traces = build_traces(solvent_circuit(), witness, TEST_PARAMETERS.random_rows)
    columns = {name: trace.elements().tolist() for name, trace in traces.items()}
    rows = {name: range(min(trace.used + 2, trace.active)) for name, trace in traces.items()}
    report = check(solvent_circuit(), columns, statement.messages(), rows)
    assert report.ok, str(report)
