"""Ledgers and operators for forgeries of the margin table: withdrawals that the margin check must refuse."""

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

from circuits.bounds import AMOUNT_MAX, CAP_UNIT, FEE_ONE, LIMB, SIZE_MAX
from circuits.records import (
    BALANCE_FUNDING,
    CHAIN_DEPOSITS,
    MARKET_MARK,
    QUOTE_BORROW_CAP,
    RULES_MAKER_FEE,
    Record,
    balance_index,
    chain_index,
    from_limbs,
    market_index,
    rules_index,
)
from prover.traces.columns import Columns
from state.ledger import Ledger
from state.margin import Margin, assess, open_entries
from state.memory import Memory
from state.store import NO_SALT
from state.transitions import Transition, match, order
from state.transitions.deposit import Deposit
from state.transitions.order import Order
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, LATE, USDC, run_batch
from tests.mutation.margin_rows import RowEdit
from tests.mutation.script import recount
from tests.mutation.world import Forge, Forged, Traces, ledger_with_history, rows_where, traced
from tests.tamper.forger import Forger

Act = Callable[[Forger], None]
Edit = Callable[[Traces], None]
DAVE, EVE, FRANK = range(CAROL + 1, CAROL + 4)  # with ETH and no position; Eve has more, Frank has orders in the book
TIME, LATER = 100, 99  # of the batch; of a price after the withdrawal
STALE = 4_000  # a second at which no price holds any more
LOT = 10_000  # base units of ETH
ASK, ASK_SIZE = 6_180_500, 1_000  # the better one of Frank's


def stocked() -> Ledger:
    """Alice is long BTC-PERP, Bob short; all but Carol have ETH against which they can owe quote."""
    ledger = ledger_with_history()
    transitions: list[Transition] = [
        *(Register(account, (9,) * 7) for account in (DAVE, EVE)),
        Transfer(BOB, ALICE, ETH, 300_001_234),
        Deposit(0, 1, CAROL, USDC, 100_000_000_000),
        Deposit(2, 2, DAVE, ETH, 1_000_000_000),
        Deposit(2, 3, EVE, ETH, 3_000_000_000),
    ]
    run_batch(ledger, transitions, 70)
    return ledger


def with_orders(*deposits: Transition) -> Ledger:
    """That ledger with two asks and a bid of Frank's, who has ETH, and with some deposits more."""
    return after(
        Register(FRANK, (9,) * 7),
        Deposit(2, 4, FRANK, ETH, 2_000_000_000),
        Order(FRANK, BTC_PERP, False, ASK, ASK_SIZE, LATE),
        Order(FRANK, BTC_PERP, False, ASK + 500, ASK_SIZE, LATE),
        Order(FRANK, BTC_PERP, True, ASK - 500, ASK_SIZE, LATE),
        *deposits,
    )()


def after(*transitions: Transition) -> Callable[[], Ledger]:
    """That ledger after some deposits more."""

    def ledger() -> Ledger:
        result = stocked()
        run_batch(result, list(transitions), 80)
        return result

    return ledger


class Operator(Forger):
    """A forger whose margin checks another may carry out: `check` visits for an execution row and an account."""

    def __init__(
        self, ledger: Ledger, check: "Callable[[Operator, int, int], None] | None" = None, time: int = TIME
    ) -> None:
        super().__init__(ledger, time=time)
        self._other_check, self.asked = check, dict[int, int]()  # the row that last asked for an account's check

    def check(self, row: int, account: int) -> None:
        self.asked[account] = row
        if self._other_check is None:
            super().check(row, account)
        else:
            self._other_check(self, row, account)

    def visit(self, row: int, account: int, instrument: int) -> None:
        """Visit an instrument as it stands now."""
        records: list[Record] = [
            self.memory.read(index) for index in (balance_index(account, instrument), market_index(instrument))
        ]
        self.memory.visit(row, account, instrument, *records)

    def trade(self, placed: Order, *, fails: bool = False) -> None:
        """An order of which nobody looks at the margin; `fails`: the makers that it meets are said to lack it."""

        def visit_all(memory: Memory, row: int, account: int, *, reduces: bool) -> Margin:
            self.check(row, account)
            return Margin(cash=-1 if fails else 0)

        with (
            patch.object(match, "visit_all", visit_all),
            patch.object(match, "check_margin", visit_all),
            patch.object(order, "check_margin", visit_all),
        ):
            self.apply(placed)

    def visit_late(self, account: int = ALICE) -> None:
        """Carry out the account's last check, on what stands now."""
        super().check(self.asked[account], account)


def forged(
    act: Callable[[Operator], None],
    edit: Edit,
    ledger: Callable[[], Ledger] = stocked,
    check: Callable[[Operator, int, int], None] | None = None,
    time: int = TIME,
) -> Forged:
    """What the operator does, with columns edited afterwards."""
    operator = Operator(ledger(), check, time)
    act(operator)
    result = traced(operator.ledger, *operator.close())
    edit(result.traces)
    recount(result.traces)
    return result


def limit(ledger: Ledger, account: int, change: int = 0) -> int:
    """The most quote that the account can withdraw within its margin, also after a change of its cash."""
    margin = assess(ledger.venue, account, open_entries(ledger.read, account))

    def suffices(amount: int) -> bool:
        cash = margin.cash + change - amount
        return Margin(cash, margin.collateral, margin.requirement, margin.borrow_fraction).suffices

    low, high = 0, 1 << 50
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if suffices(middle) else (low, middle)
    return low


def withdraw_more(account: int = ALICE, extra: int = 1) -> Callable[[Operator], None]:
    """A withdrawal of quote, a little more than the margin allows."""
    return lambda f: f.withdraw(0, account, USDC, limit(f.ledger, account) + extra)


def borrow_more(f: Operator) -> None:
    """Alice withdraws so much quote that she owes as much as the cap: a unit too much."""
    margin = assess(f.ledger.venue, ALICE, open_entries(f.ledger.read, ALICE))
    f.withdraw(0, ALICE, USDC, margin.cash + margin.borrow_cap)


def owe_a_multiple_of_three(f: Operator) -> None:
    """Alice withdraws a little more than the margin allows; what she owes then can be divided by 3."""
    cash = assess(f.ledger.venue, ALICE, open_entries(f.ledger.read, ALICE)).cash
    withdraw_more(extra=1 + (cash - limit(f.ledger, ALICE) - 1) % 3)(f)


def ask_and_improve(improve: Callable[[Operator], None]) -> Callable[[Operator], None]:
    """The withdrawal, then something that helps the account; the check reads what stands after that."""

    def act(f: Operator) -> None:
        withdraw_more()(f)
        improve(f)
        f.visit_late()

    return act


def deposit_later(f: Operator) -> None:
    """Alice deposits ETH."""
    f.deposit(2, f.memory.read(chain_index(2))[CHAIN_DEPOSITS], ALICE, ETH, 500_000_000)


def price_later(f: Operator) -> None:
    """ETH is priced higher."""
    f.apply(SetPrice(ETH, 400_000, LATER))


def nobody(f: Operator, row: int, account: int) -> None:
    """Check: no visits."""


def of_eve(f: Operator, row: int, account: int) -> None:
    """Check: the account's quote, and Eve's ETH."""
    f.visit(row, account, USDC)
    f.visit(row, EVE, ETH)


def only(*instruments: int) -> Callable[[Operator, int, int], None]:
    """Check: these instruments, in this order."""

    def check(f: Operator, row: int, account: int) -> None:
        for instrument in instruments:
            f.visit(row, account, instrument)

    return check


def on_the_edge(*deposits: Transition) -> Ledger:
    """The ledger with orders; Frank has withdrawn all that his margin leaves after his better ask has traded."""
    ledger = with_orders(*deposits)
    if deposits:
        lift_cap(ledger)
    market, notional = ledger.read(market_index(BTC_PERP)), ASK * ASK_SIZE
    mark = from_limbs(market[MARKET_MARK : MARKET_MARK + 2])
    rate = ledger.read(rules_index(BTC_PERP))[RULES_MAKER_FEE]
    change = notional - mark * ASK_SIZE - -(-notional * rate // FEE_ONE)
    run_batch(ledger, [Withdraw(0, FRANK, USDC, limit(ledger, FRANK, change))], 90)
    return ledger


def lift_cap(ledger: Ledger) -> None:
    """Let accounts owe as much as can be."""
    index = market_index(USDC)
    quote = list(ledger.read(index))
    quote[QUOTE_BORROW_CAP] = AMOUNT_MAX // CAP_UNIT
    ledger.store.load([(index, tuple(quote), NO_SALT)])


def turn_down(f: Operator) -> None:
    """Eve buys what Frank asks for; the operator says that he lacks margin, and her order rests."""
    f.trade(Order(EVE, BTC_PERP, True, ASK, ASK_SIZE, LATE), fails=True)


def overdraw_ether(f: Operator) -> None:
    """Alice withdraws ETH that Bob has deposited."""
    f.withdraw(2, ALICE, ETH, 1_800_000_000_000)


def withdraw_one(f: Operator) -> None:
    """Alice withdraws a unit of quote."""
    f.withdraw(0, ALICE, USDC, 1)


def seize_bid(f: Operator) -> None:
    """Frank, who is healthy, loses his bid by force."""
    f.seize(FRANK, f.orders(BTC_PERP, True)[0])


def owing() -> Ledger:
    """The ledger, where Alice's position is settled up to an older funding index than the market's."""
    ledger, index = stocked(), balance_index(ALICE, BTC_PERP)
    balance = list(ledger.read(index))
    balance[BALANCE_FUNDING] -= 1
    ledger.store.load([(index, tuple(balance), NO_SALT)])
    return ledger


HUGE_VAULT = Deposit(2, 4, BOB, ETH, 2_000_000_000_000)
RICH_VENUE = Deposit(0, 2, CAROL, USDC, 100_000_000_000_000)  # what Alice or Frank can owe who has SIZE_MAX lots of ETH
FULL_HOLDING = (RICH_VENUE, Deposit(2, 4, ALICE, ETH, (SIZE_MAX + 1) * LOT + 5 - 300_001_244))
HOLDING_BEYOND = (RICH_VENUE, Deposit(2, 5, FRANK, ETH, 5 * LIMB**3 // 4))  # with a top limb of its own


def later_clock(traces: Traces, step: str) -> int:
    """The clock of the last row of that step."""
    execution: Columns = traces["execution"]
    return int(execution["clock"][rows_where(execution, **{f"is_{step}": 1})[-1]])


def on_rows(edit: RowEdit) -> Edit:
    """The edit of the margin table alone."""

    def whole(traces: Traces) -> None:
        edit(traces["margin"])

    return whole


def turned_down(edit: RowEdit, ledger: Callable[[], Ledger] = on_the_edge) -> Forge:
    """Frank is within his margin, just so, after his ask has traded; but his check is said to fail, and edited."""
    return partial(forged, turn_down, on_rows(edit), ledger)


def unedited(margin: Columns) -> None:
    """What the trace itself makes of it."""
