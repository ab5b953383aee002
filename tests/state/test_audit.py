"""The invariant that is kept up to date agrees with the one that is summed up anew, and notices what breaks it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.records import SystemAccount, balance_index
from circuits.steps import Step
from state.accounts import balance_amount, balance_record
from state.audit import InvariantWatch, invariant
from state.errors import Refusal
from state.transitions import Transition
from state.transitions.order import Order
from state.transitions.transfer import Transfer
from tests.batches import ALICE, BOB, BTC_PERP, USDC
from tests.state.worlds import TIME, funded_ledger, transitions


@settings(deadline=None, max_examples=40)
@given(st.lists(transitions, max_size=25))
def test_it_holds_after_every_transition(batch: list[Transition]) -> None:
    ledger = funded_ledger()
    watch = InvariantWatch(ledger)
    ledger.begin_batch(TIME)
    watch.begin()
    for transition in batch:
        try:
            ledger.apply(transition)
        except Refusal:
            continue
        assert watch.broken() == []
        assert {one.instrument: one for one in invariant(ledger)} == sums(watch)


def sums(watch: InvariantWatch) -> dict[int, object]:
    """What the watch has summed up."""
    template = invariant(funded_ledger())
    return {
        one.instrument: replace(one, balances=b, liabilities=o, vaults=v)
        for one in template for b, o, v in [watch.sums[one.instrument]]
    }  # fmt: skip


def test_money_from_nowhere_is_noticed() -> None:
    ledger = funded_ledger()
    ledger.begin_batch(TIME)
    watch = InvariantWatch(ledger)
    ledger.apply(Transfer(ALICE, BOB, USDC, 5))
    assert watch.broken() == []
    ledger.apply(Order(ALICE, BTC_PERP, True, 6_170_000, 10, TIME))
    memory = ledger._memory
    assert memory is not None
    index = balance_index(SystemAccount.FEE, USDC)
    old = memory.read(index)
    memory.replace(Step.FILL_FEE, index, old, balance_record(balance_amount(old) + 1))
    assert [one.instrument for one in watch.broken()] == [USDC]
