"""The ledger on which forgeries of the execution table play: traders of every standing."""

from circuits.records import Role
from state.ledger import Ledger
from state.transitions.deposit import Deposit
from state.transitions.register import Register
from tests.batches import BTC_PERP, CAROL, ETH, USDC, every_kind, new_ledger, run_batch

# Alice, Bob and Carol hold quote, ETH and positions. Dave and Eve hold nothing but quote. Frank holds ETH, and the key
# that he chose reads like a trader's header with an open quote. Nobody has the next account.
DAVE, EVE, FRANK, NOBODY = range(CAROL + 1, CAROL + 5)
HEADER_LIKE = (int(Role.TRADER), 0, 1, 0, 0, 0, 0)
MARK = 6_181_000  # the price at which the forgeries trade BTC-PERP
assert BTC_PERP == 2


def staged() -> Ledger:
    """A ledger after two batches; the next deposits are number 2, 2 and 3 of chains 0, 1 and 2."""
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
        ],
        time=70,
    )
    return ledger
