"""The ledger on which forgeries of the execution table play: traders of every standing, and their resting orders."""

from circuits.records import ORDER_BASE, Role
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.deposit import Deposit
from state.transitions.order import Order
from state.transitions.register import Register
from tests.batches import ALICE, BTC_PERP, CAROL, ETH, LATE, USDC, every_kind, new_ledger, run_batch

# Alice, Bob and Carol hold quote, ETH and positions. Dave and Eve hold nothing but quote, and Eve orders. Frank holds
# ETH, and the key that he chose reads like a trader's header with an open quote. Nobody has the next account.
DAVE, EVE, FRANK, NOBODY = range(CAROL + 1, CAROL + 5)
HEADER_LIKE = (int(Role.TRADER), 0, 1, 0, 0, 0, 0)
MARK = 6_181_000  # the price at which the forgeries trade BTC-PERP
BID, LOW_BID = MARK - 1_000, MARK - 2_000
SIZE = 5
EVES_ASK, ALICES_ASK, EVES_BID, ALICES_BID = range(ORDER_BASE, ORDER_BASE + 4)  # leaves
FREE = ORDER_BASE + 4
assert BTC_PERP == 2


def staged(*more: Transition, time: int = 70) -> Ledger:
    """A ledger after two batches, of which the second one ends with `more`; the next deposits are number 2, 2 and 3 of
    chains 0, 1 and 2."""
    ledger = new_ledger()
    run_batch(ledger, every_kind())
    run_batch(
        ledger,
        [
            Register(DAVE, (9,) * 7),
            Register(EVE, (9,) * 7),
            Register(FRANK, HEADER_LIKE),
            Deposit(0, 1, DAVE, USDC, 20_000_000_000),
            Deposit(1, 1, EVE, USDC, 20_000_000_000),
            Deposit(2, 2, FRANK, ETH, 30_000_000_000),
            Order(EVE, BTC_PERP, False, MARK, SIZE, LATE),
            Order(ALICE, BTC_PERP, False, MARK, 7, LATE),
            Order(EVE, BTC_PERP, True, BID, SIZE, LATE),
            Order(ALICE, BTC_PERP, True, LOW_BID, 3, LATE),
            *more,
        ],
        time,
    )
    return ledger
