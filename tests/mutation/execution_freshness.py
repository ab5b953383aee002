"""Forgeries of the moment at which the prices of a margin check must be valid: they are not, and the check passes."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import LIMB
from circuits.field import P
from circuits.steps import Kind, Step
from circuits.transitions.match import BEYOND_PORT, REDUCES_PORT
from state.transitions.order import Order, Policy
from tests.batches import BOB, BTC_PERP, LATE, USDC
from tests.mutation.execution_accesses import fill
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.matching import ASK, one
from tests.mutation.script import Amend, Script, ScriptedTrace
from tests.mutation.stage import DAVE, EVE, LOW_BID, SIZE, staged
from tests.tamper.forger import Forger

STALE = 4_000  # a second at which no price of the stage holds any more
PARTIES, MAKER_PAYS, TAKER_PAYS = slice(2, 10), slice(4, 6), slice(8, 10)  # rows of a MATCH
MANY = 60_000  # lots
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
        setting(Kind.MATCH, PARTIES, moment=STALE * (1 - bit))(trace)

    return amend


def neither_reduces_nor_grows() -> Script:
    """A bit of thousands, with which a large growth goes round mod P, asks for prices of long ago."""
    bit, beyond = next(
        (bit, beyond) for bit in range(LIMB) if bit * (bit - 1) > 0 and (beyond := around(bit)) < LIMB * LIMB
    )

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, ASK, MANY).trade().filled()

    ledger = partial(staged, Order(EVE, BTC_PERP, False, ASK, MANY, LATE))
    return stale(act, amend=said_to_reduce(bit, beyond), ledger=ledger)


def around(bit: int) -> int:
    """By how much a position that grows to MANY lots is said to be reduced."""
    return ((1 - 2 * bit) * MANY + bit - 1) % P


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
