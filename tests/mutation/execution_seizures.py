"""Forgeries of seizures: accounts that are healthy, or whose prices are old, lose their orders by force."""

from collections.abc import Callable
from functools import partial

from circuits.records import (
    HEADER_MASK,
    Role,
    SystemAccount,
    Tag,
    balance_index,
    header_index,
    key_index,
    market_index,
)
from circuits.steps import Kind, Step
from state.accounts import balance_record
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.order import Order
from state.transitions.transfer import Transfer
from tests.batches import BTC_PERP, DEBTOR, ETH, LATE, USDC
from tests.mutation.execution_accesses import Act, deposit
from tests.mutation.execution_registers import setting
from tests.mutation.execution_takeovers import BESIDE
from tests.mutation.execution_unsettled import ahead
from tests.mutation.script import Hooks, Script, add, nothing, skip, to
from tests.mutation.stage import DAVE, EVE, EVES_BID, FRANK, FREE, LOW_BID, SIZE, staged
from tests.mutation.standing import FUND, Standing, check, convert, standing
from tests.tamper.forger import Forger

SEIZE = Step.SEIZE_HEADER
HERS = slice(0, 1)  # the row of the check
STALE = 4_000  # a second at which no price holds any more
REQUIREMENT = SIZE * 309_002  # of Eve's orders on either side
WITHOUT_ETHER = 1 << USDC | 1 << BTC_PERP


def seize(forger: Forger) -> None:
    """Eve's bid goes."""
    forger.seize(EVE, EVES_BID)


def left(quote: int) -> Callable[[], Ledger]:
    """Eve has only so much quote."""

    def make() -> Ledger:
        ledger = staged()
        ledger.store.load([(balance_index(EVE, USDC), balance_record(quote), NO_SALT)])
        return ledger

    return make


def borrowing() -> Ledger:
    """Frank owes a unit of quote, has ETH, and a bid."""
    return staged(Transfer(FRANK, DAVE, USDC, 1), Order(FRANK, BTC_PERP, True, LOW_BID - 1, 3, LATE))


def without_ether(hooks: Hooks | None = None, **registers: int) -> Script:
    """Frank is checked as if he had no ETH, and loses his bid."""
    amend = setting(Kind.FORCE_CANCEL, HERS, **registers)
    return Script(lambda f: f.seize(FRANK, FREE), hooks or {}, amend, ledger=borrowing, omit=(ETH,))


def unchecked(before: Act) -> Script:
    """Eve's bid goes by force, and nobody looks at her margin."""

    def act(forger: Forger) -> None:
        before(forger)
        seize(forger)

    return Script(act, {SEIZE: skip})


def of_loss() -> Script:
    """The fund buys ether of the venue's account of losses."""
    amounts = {USDC: -23_400_000_000, ETH: 1_000_000_000}
    further = {balance_index(SystemAccount.LOSS, asset): balance_record(amount) for asset, amount in amounts.items()}
    return Script(partial(convert, account=SystemAccount.LOSS), ledger=partial(standing, Standing(further=further)))


def of_key() -> Script:
    """The debtor's key reads like a header: its positions are bought as ether, for what it is said to owe."""
    lots, price, units, owed = 1_000, 265_000, 10_000, 24_000_000_000
    shown = ((USDC, ETH), (ETH, BTC_PERP))
    key = (int(Role.TRADER), 0, 1 << USDC | 1 << ETH, 0, 0, 0, 0, int(Tag.KEY))

    def act(forger: Forger) -> None:
        memory = forger.memory
        row = memory.replace(SEIZE, key_index(DEBTOR), key, key)
        for said, real in shown:
            memory.visit(row, BESIDE, said, memory.read(balance_index(DEBTOR, real)), memory.read(market_index(said)))
        for step in (Step.CONVERT_MARKET, Step.CONVERT_WORTH):
            memory.look(step, market_index(ETH))
        forger.balance(Step.SWAP_BASE, DEBTOR, BTC_PERP, -lots * units)
        forger.balance(Step.SWAP_OTHER_BASE, FUND, ETH, lots * units)
        forger.balance(Step.SWAP_QUOTE, DEBTOR, ETH, lots * price)
        forger.balance(Step.SWAP_OTHER_QUOTE, FUND, USDC, -lots * price)
        check(forger, forger.header(Step.FUND_HEADER, FUND), FUND)
        memory.witness.begin(Kind.CONVERT, BESIDE, ETH, lots, price, owed, 0)

    amounts = {ETH: -owed, BTC_PERP: 1_000_000_000}
    further = {balance_index(DEBTOR, number): balance_record(amount) for number, amount in amounts.items()}
    said = Standing(further={key_index(DEBTOR): key, **further})
    return Script(act, ledger=partial(standing, said))


def position_closes() -> Script:
    """The debtor's position, with which it is healthy, leaves its header: one that opens is worth less than none."""
    said = Standing(quote=-26_000_000_000, btc=1_000)
    amend = setting(Kind.CONVERT, slice(0, 7), opened=1, bit=-(1 << BTC_PERP))
    return Script(convert, {SEIZE: add(HEADER_MASK, -(1 << BTC_PERP))}, amend, ledger=partial(standing, said))


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return {
        "seize_header: index": partial(without_ether, {SEIZE: to(header_index(EVE))}),
        "seize_header: kind of record": of_key,
        "seize_header: events are seen": partial(ahead, convert, DEBTOR, standing),
        "seize_header: nothing opens": position_closes,
        "seize_header: the account is a trader": of_loss,
        "seize_header: mask register": partial(without_ether, mask=WITHOUT_ETHER),
        "seize_header: open instruments": partial(without_ether, {SEIZE: add(HEADER_MASK, -(1 << ETH))}),
        "seize_header: moment of prices": lambda: Script(
            seize, amend=setting(Kind.FORCE_CANCEL, HERS, moment=0), ledger=left(1), time=STALE
        ),
        "a seizure needs a check that fails": lambda: Script(
            seize, amend=setting(Kind.FORCE_CANCEL, HERS, fails=0)
        ),
        "tier of the margin check": lambda: Script(
            seize, amend=setting(Kind.FORCE_CANCEL, HERS, tier=0), ledger=left(REQUIREMENT * 8 // 10)
        ),
        "what is forced follows a seizure": partial(unchecked, deposit),
        "nothing is forced in the first row": partial(unchecked, nothing),
    }
