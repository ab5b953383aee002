"""Margin fractions that did not grow, or grew by other numbers: a named constraint stops each."""

import pytest

from circuits.bounds import GROWTH_MAX
from state.transitions.price import SetPrice
from tests.batches import BTC_PERP
from tests.mutation.execution_growth import PRICE, growing, scripts
from tests.mutation.script import Script
from tests.mutation.world import report_of
from tests.proving import proof_is_accepted

FORGERIES = {
    "another market's growth": "price_rules: index",
    "some of the open interest is not seen": "price_rules: open interest",
    "a fraction below its base": "price_rules: capped is boolean",
    "a fraction of 1 before it has grown to it": "price_rules: capped, both ways",
    "growth is skipped": "price_rules: fraction",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_named_constraint_fails_and_no_proof_verifies(name: str) -> None:
    label = FORGERIES[name]
    forged = scripts()[label]()()
    assert {f"{f.table}: {f.label}" for f in report_of(forged).failures} == {f"execution: {label}"}
    assert not proof_is_accepted(forged.statement, forged.traces)


@pytest.mark.parametrize("growth", [0, 40, GROWTH_MAX])
def test_what_has_grown_is_proven(growth: int) -> None:
    honest = Script(lambda f: f.apply(SetPrice(BTC_PERP, PRICE, 90)), ledger=lambda: growing(growth))()
    assert report_of(honest).ok
    assert proof_is_accepted(honest.statement, honest.traces)
