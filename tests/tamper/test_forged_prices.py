"""Prices that move a mark further than time allows, or less far, or that are late: a named constraint stops each."""

import pytest

from circuits.bounds import CAPPED_BIT
from circuits.records import MARKET_MARK, MARKET_VALID, Record, market_index
from circuits.statement import Statement
from circuits.transitions.price import ELAPSED
from prover.traces.columns import Columns
from state.errors import Rule
from state.transitions.price import SetPrice, allowance
from tests.batches import BTC_PERP, STEP_TIME
from tests.mutation.execution_accesses import set_price
from tests.mutation.stage import staged
from tests.mutation.world import rows_where
from tests.tamper.forger import Forger
from tests.tamper.forgery import Forgery, is_refused, is_stopped

TIME = 100
BEFORE, LAST = 6_180_030, 10  # mark of BTC-PERP and time of its last price
FAR, NEAR = 9_000_000, 6_200_000
CAPPED = BEFORE + allowance(BEFORE, 1, STEP_TIME)


def longer(traces: dict[str, Columns], statement: Statement) -> Statement:
    """A second counts as the whole step time."""
    execution = traces["execution"]
    for selector in ("is_price_parameters", "is_price_rules", "is_price_step", "is_price_market"):
        execution[ELAPSED][rows_where(execution, **{selector: 1})] = STEP_TIME - 1
    return statement


FORGERIES = [
    Forgery(
        "a price over its step sets the mark",
        lambda f: set_price(f, BTC_PERP, FAR, LAST + 1),
        "execution: price_step: new mark",
    ),
    Forgery(
        "a price of before the last one",
        lambda f: set_price(f, BTC_PERP, BEFORE, LAST - 1),
        "execution: price_parameters: time does not go back",
        SetPrice(BTC_PERP, BEFORE, LAST - 1),
        Rule.TIME_BACKWARD,
    ),
    Forgery(
        "more time has passed than the published one says",
        lambda f: set_price(f, BTC_PERP, FAR, LAST + 1),
        "execution: price_parameters: elapsed time",
        edit=longer,
    ),
    Forgery(
        "a price within its step is capped",
        lambda f: set_price(f, BTC_PERP, NEAR, LAST + 1, mark=NEAR - 1, valid=0),
        "execution: price_step: new mark",
    ),
    Forgery(
        "a price within its step is not relied on",
        lambda f: set_price(f, BTC_PERP, NEAR, LAST + 1, valid=0),
        "execution: price_step: last second",
    ),
    Forgery(
        "a capped mark is relied on",
        lambda f: set_price(f, BTC_PERP, FAR, LAST + 1, mark=CAPPED),
        "execution: price_step: last second",
    ),
]


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery) -> None:
    assert is_refused(forgery, staged(), TIME)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery) -> None:
    assert is_stopped(forgery, staged(), TIME)


@pytest.mark.parametrize(("price", "mark"), [(NEAR, NEAR), (FAR, CAPPED)])
def test_the_forger_s_way_to_an_honest_price_is_the_ledger_s(price: int, mark: int) -> None:
    found: list[Record] = []
    for honest in (True, False):
        ledger = staged()
        forger = Forger(ledger, time=TIME)
        if honest:
            forger.apply(SetPrice(BTC_PERP, price, LAST + 1))
        else:
            valid = None if price == mark else found[0][MARKET_VALID]
            set_price(forger, BTC_PERP, price, LAST + 1, mark=mark, valid=valid)
        found.append(ledger.read(market_index(BTC_PERP)))
    assert found[0] == found[1]
    assert found[0][MARKET_MARK] == mark % 2**14
    assert (found[0][MARKET_VALID] >= CAPPED_BIT) == (price != mark)
