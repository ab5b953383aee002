"""An order is cancelled by force exactly if its account is below its maintenance requirement."""

import pytest

from circuits.bounds import RATIO_ONE
from circuits.records import HEADER_NONCE, HEADER_ORDERS, balance_index, header_index
from state.accounts import balance_record
from state.book import Reason, Removal, order_id
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.cancel import ForceCancel
from state.transitions.order import Order
from tests.batches import ALICE, BOB, BTC_PERP, LATE, USDC
from tests.state.worlds import TIME, funded_ledger

SIZE = 1_000
REQUIREMENT = SIZE * 6_170_000 // 20  # initial
MAINTENANCE = REQUIREMENT * 6 // 10
COLLATERAL = 10_000 * 227_800  # Bob's ether


def resting(account: int, quote: int) -> Ledger:
    """A ledger in whose book an order of the account rests, which then comes to have that much quote."""
    ledger = funded_ledger()
    ledger.begin_batch(TIME)
    ledger.apply(Order(account, BTC_PERP, True, 6_000_000, SIZE, LATE))
    ledger.close_batch()
    ledger.store.load([(balance_index(account, USDC), balance_record(quote), NO_SALT)])
    ledger.begin_batch(TIME)
    return ledger


def owed_at_the_edge(room: int) -> int:
    """The most that may be owed if so much equity stands above the requirement before: of a tenth more, maintenance
    demands six tenths."""
    return room * RATIO_ONE // (RATIO_ONE + 60)


@pytest.mark.parametrize(
    ("account", "least"), [(ALICE, MAINTENANCE), (BOB, -owed_at_the_edge(COLLATERAL - MAINTENANCE))]
)
def test_below_the_maintenance_requirement_orders_go(account: int, least: int) -> None:
    order = order_id(account, 1)
    ledger = resting(account, least)
    with pytest.raises(Refusal) as caught:
        ledger.apply(ForceCancel(account, order))
    assert caught.value.rule == Rule.HEALTHY
    ledger = resting(account, least - 1)
    before = ledger.read(header_index(account))
    ledger.apply(ForceCancel(account, order))
    after = ledger.read(header_index(account))
    assert after[HEADER_NONCE] == before[HEADER_NONCE]
    assert after[HEADER_ORDERS] == before[HEADER_ORDERS] - 1 == 0
    assert ledger.read(balance_index(account, BTC_PERP))[4:6] == (0, 0)
    assert ledger.removals == [Removal(order, Reason.CANCELLED)]
    assert list(ledger.book.orders(BTC_PERP, True)) == []


def test_an_account_that_is_healthy_again_keeps_its_other_orders() -> None:
    ledger = funded_ledger()
    ledger.begin_batch(TIME)
    for _ in range(2):
        ledger.apply(Order(ALICE, BTC_PERP, True, 6_000_000, SIZE, LATE))
    ledger.close_batch()
    ledger.store.load([(balance_index(ALICE, USDC), balance_record(2 * MAINTENANCE - 1), NO_SALT)])
    ledger.begin_batch(TIME)
    ledger.apply(ForceCancel(ALICE, order_id(ALICE, 2)))
    with pytest.raises(Refusal, match="healthy"):
        ledger.apply(ForceCancel(ALICE, order_id(ALICE, 1)))
