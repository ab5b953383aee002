"""Ledgers with accounts that nobody can pay for, for the tests of deleveragings and losses."""

from collections.abc import Collection, Iterator, Mapping

from circuits.records import FIRST_TRADER, balance_index
from state.accounts import balance_amount, balance_record
from state.audit import account_figures
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import Transition
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice
from state.transitions.register import Register
from tests.batches import BTC_PERP, ETH, STEP_TIME, USDC, new_ledger, run_batch, trade

ALICE, BOB, CAROL, DAVE, ERIN, FRANK = range(FIRST_TRADER, FIRST_TRADER + 6)
KEY = (1, 2, 3, 4, 5, 6, 7)
PRICE = 6_180_030  # of a lot of BTC-PERP, at first
POSITIONS = {ALICE: 9_999, FRANK: 3_001, BOB: -7_000, CAROL: -5_002, DAVE: -998}  # lots; Erin has none
RICH, POOR = 60_000_000_000, 8_000_000_000
LATER = STEP_TIME + 100  # the time of the second batch


def opened(
    positions: Mapping[int, int] = POSITIONS, poor: Collection[int] = (ALICE,), money: int = POOR, sign: int = 1
) -> Ledger:
    """These accounts stand against one another in BTC-PERP, the poor ones with hardly any money; Erin has ether."""
    ledger = new_ledger()
    accounts = range(FIRST_TRADER, max((ERIN, *positions)) + 1)
    batch: list[Transition] = [*(Register(account, KEY) for account in accounts)]
    amounts = {account: money if account in poor else RICH for account in positions}
    batch += [Deposit(0, k, account, USDC, amount) for k, (account, amount) in enumerate(amounts.items())]
    batch += [Deposit(2, 0, ERIN, ETH, 1_000_000_000), SetPrice(BTC_PERP, PRICE, 10), SetPrice(ETH, 268_162, 10)]
    batch += _matched({account: sign * lots for account, lots in positions.items()})
    run_batch(ledger, batch)
    return ledger


def _matched(positions: Mapping[int, int]) -> Iterator[Transition]:
    """Trades that lead to these positions, whose sum is 0."""
    longs, shorts = ([[a, abs(n)] for a, n in positions.items() if n * side > 0] for side in (1, -1))
    while longs and shorts:
        size = min(longs[0][1], shorts[0][1])
        yield from trade(BTC_PERP, longs[0][0], shorts[0][0], PRICE, size, False)
        for side in (longs, shorts):
            side[0][1] -= size
            if not side[0][1]:
                del side[0]


def endow(ledger: Ledger, account: int, equity: int) -> None:
    """The account's quote becomes what gives it that equity, as if it had always been so."""
    leaf = balance_index(account, USDC)
    more = equity - account_figures(ledger, account).margin.equity
    ledger.store.load([(leaf, balance_record(balance_amount(ledger.read(leaf)) + more), NO_SALT)])


def crash(sign: int = 1) -> SetPrice:
    """A price that ruins who is poor and long, or, with sign -1, short."""
    return SetPrice(BTC_PERP, PRICE * (6 - sign) // 6, LATER)
