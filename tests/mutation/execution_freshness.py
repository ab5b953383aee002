"""Forgeries of the moment at which the prices of a margin check must be valid: they are not, and the check passes."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import CAPPED_BIT, LIMB, TIME_MAX
from circuits.field import P
from circuits.steps import Kind, Step
from circuits.transitions.match import BEYOND_PORT, REDUCES_PORT
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from tests.batches import ALICE, BOB, BTC_PERP, USDC
from tests.mutation.execution_accesses import fill
from tests.mutation.execution_fairness import holding
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.matching import ASK, one
from tests.mutation.script import Amend, Script, ScriptedTrace
from tests.mutation.stage import DAVE, LOW_BID, SIZE
from tests.tamper.forger import Forger

STALE = 4_000  # a second at which no price of the stage holds any more
PARTIES, MAKER_PAYS, TAKER_PAYS = slice(2, 10), slice(4, 6), slice(8, 10)  # rows of a MATCH
MANY = 60_000  # lots of Dave's
stale = partial(Script, time=STALE)


def rest(forger: Forger) -> None:
    """Dave's bid joins the book."""
    forger.order(DAVE, BTC_PERP, True, LOW_BID, SIZE, policy=Policy.GOOD_TILL_TIME).rest()


def said_to_reduce(bit: int, beyond: int) -> Amend:
    """Amend: both parties' fills say this of whether they reduce, and by how much."""

    def amend(trace: ScriptedTrace) -> None:
        for number in range(2):
            row = trace.at(Step.FILL_BASE, number)
            trace.port(REDUCES_PORT, row, one(bit))
            trace.wide_port(BEYOND_PORT, row, one(beyond))
        setting(Kind.MATCH, PARTIES, moment=(STALE + CAPPED_BIT) * (1 - bit) % P)(trace)
        for rows in (slice(4, 5), slice(8, 9)):
            setting(Kind.MATCH, rows, tier=bit)(trace)

    return amend


def neither_reduces_nor_grows() -> Script:
    """With a bit of thousands, by which a large position goes round mod P, Dave's check asks for prices of long ago.

    He buys at a price that is not fair to him, so the bit does not show in the tier; Alice reduces her position.
    """
    bit, beyond = next((bit, beyond) for bit in range(2, LIMB) if (beyond := around(bit)) < LIMB * LIMB)
    time, moment = when(bit)

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, ASK, SIZE, expiry=TIME_MAX).trade().filled()

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.FILL_BASE, 1)
        trace.port(REDUCES_PORT, row, one(bit))
        trace.wide_port(BEYOND_PORT, row, one(beyond))
        setting(Kind.MATCH, slice(6, 10), moment=moment)(trace)

    ask = Order(ALICE, BTC_PERP, False, ASK, SIZE, TIME_MAX, reduce_only=True)
    ledger = partial(holding, MANY, 10**12, BTC_PERP, ask, SetPrice(BTC_PERP, 6_000_000, 70))
    return Script(act, amend=amend, ledger=ledger, time=time)


def around(bit: int) -> int:
    """By how much a position that grows to MANY lots and SIZE is said to be reduced."""
    return ((1 - 2 * bit) * (MANY + SIZE) + bit - 1) % P


def when(bit: int) -> tuple[int, int]:
    """A time when the prices of the stage are stale, and the early moment that the bit makes of it, mod P."""
    times = ((rounds * P // (bit - 1) - CAPPED_BIT, rounds * P % (bit - 1)) for rounds in range(bit))
    return next((time, moment) for time, moment in times if STALE <= time <= TIME_MAX and 0 < moment < STALE // 2)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return {
        "withdraw_balance: moment of prices": lambda: stale(
            lambda f: f.withdraw(0, BOB, USDC, 1_000_000), amend=setting(Kind.WITHDRAW, EVERY, moment=0)
        ),
        "transfer_from_balance: moment of prices": lambda: stale(
            lambda f: f.transfer(BOB, DAVE, USDC, 1_000_000), amend=setting(Kind.TRANSFER, EVERY, moment=0)
        ),
        "end_base: moment of prices": lambda: stale(rest, amend=setting(Kind.REST, EVERY, moment=0)),
        "fill_base: moment of prices": lambda: stale(fill, amend=setting(Kind.MATCH, PARTIES, moment=0)),
        "fill_base: reduces or grows": lambda: stale(fill, amend=said_to_reduce(1, 0)),
        "fill_base: reducing is boolean": neither_reduces_nor_grows,
        "register moment is kept": lambda: stale(
            fill, amend=both(*(setting(Kind.MATCH, rows, moment=0) for rows in (MAKER_PAYS, TAKER_PAYS)))
        ),
    }
