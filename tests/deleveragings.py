"""Ledgers with an account that nobody can pay for, for the tests of deleveragings and losses."""

from circuits.records import FIRST_TRADER
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.apply_event import ApplyEvent
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice
from state.transitions.register import Register
from tests.batches import BTC_PERP, ETH, STEP_TIME, USDC, new_ledger, run_batch, trade

ALICE, BOB, CAROL, DAVE, ERIN = range(FIRST_TRADER, FIRST_TRADER + 5)
KEY = (1, 2, 3, 4, 5, 6, 7)
PRICE = 6_180_030  # of a lot of BTC-PERP, at first
LOTS = {BOB: 7_000, CAROL: 2_001, DAVE: 998}  # that Alice sells to, or buys from, each
CRASH = STEP_TIME + 100  # the time of the second batch


def opened(*, long: bool = True, ruined: int = 8_000_000_000) -> Ledger:
    """Alice stands against Bob, Carol and Dave in BTC-PERP, with hardly any money; Erin owes cash against ether."""
    ledger = new_ledger()
    batch: list[Transition] = [*(Register(account, KEY) for account in (ALICE, BOB, CAROL, DAVE, ERIN))]
    amounts = [(ALICE, ruined), *((account, 60_000_000_000) for account in LOTS)]
    batch += [Deposit(0, k, account, USDC, amount) for k, (account, amount) in enumerate(amounts)]
    batch += [Deposit(2, 0, ERIN, ETH, 50_000_000_000), SetPrice(BTC_PERP, PRICE, 10)]
    for account, lots in LOTS.items():
        batch += trade(BTC_PERP, account, ALICE, PRICE, lots, long)
    run_batch(ledger, batch)
    return ledger


def moved(price: int, time: int = CRASH) -> SetPrice:
    """BTC-PERP has another price."""
    return SetPrice(BTC_PERP, price, time)


def crash(*, long: bool = True) -> list[Transition]:
    """Alice is ruined by more than the fund, which has nothing, could pay, and is deleveraged; all others see it."""
    price = PRICE * 5 // 6 if long else PRICE * 7 // 6
    return [moved(price), Deleverage(ALICE, BTC_PERP), *(ApplyEvent(account) for account in (ALICE, *LOTS, ERIN))]
