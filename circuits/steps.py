"""The steps of each transition kind, in order: one row of the execution table, one memory access each."""

from enum import IntEnum


class Step(IntEnum):
    """A step; its name says the transition and the record it accesses."""

    REGISTER_VENUE = 0
    REGISTER_HEADER = 1
    REGISTER_KEY = 2
    REGISTER_QUOTE = 3
    DEPOSIT_CHAIN = 4
    DEPOSIT_VAULT = 5
    DEPOSIT_TOTAL = 6
    DEPOSIT_HEADER = 7
    DEPOSIT_BALANCE = 8
    WITHDRAW_CHAIN = 9
    WITHDRAW_VAULT = 10
    WITHDRAW_TOTAL = 11
    WITHDRAW_HEADER = 12
    WITHDRAW_BALANCE = 13
    TRANSFER_TOTAL = 14
    TRANSFER_FROM_HEADER = 15
    TRANSFER_FROM_BALANCE = 16
    TRANSFER_TO_HEADER = 17
    TRANSFER_TO_BALANCE = 18
    PRICE_PARAMETERS = 19
    PRICE_MARKET = 20
    ORDER_MARKET = 21
    ORDER_PARAMETERS = 22
    MATCH_HEAD = 23
    MATCH_ORDER = 24
    FILL_HEADER = 25
    FILL_BASE = 26
    FILL_QUOTE = 27
    FILL_FEE = 28
    UNDO_QUOTE = 29
    UNDO_BASE = 30
    SKIP_HEADER = 31
    SKIP_BASE = 32
    BEST_HEAD = 33
    BEST_ORDER = 34
    REST_PREDECESSOR = 35
    REST_SUCCESSOR = 36
    REST_ORDER = 37
    END_HEADER = 38
    END_BASE = 39
    CANCEL_HEADER = 40
    CANCEL_PREDECESSOR = 41
    CANCEL_ORDER = 42
    CANCEL_BASE = 43
    CLOSE_VENUE = 44
    CLOSE_VAULT = 45
    CLOSE_TOTAL = 46
    CLOSE_FUND = 47


class Kind(IntEnum):
    """A kind of row sequence.

    An order is a chain of them: ORDER, then MATCH, FAIL and SKIP any number of times, one for each order met at the
    head of the opposite side, then FILLED, DISCARD or REST. The CLOSE kinds end a batch: they publish what the new
    state holds.
    """

    REGISTER = 0
    DEPOSIT = 1
    WITHDRAW = 2
    TRANSFER = 3
    PRICE = 4
    ORDER = 5
    MATCH = 6  # taker and maker trade
    FAIL = 7  # the maker would not keep its margin, and its order goes
    SKIP = 8  # the maker's order is expired, the taker's own, or reduce-only and would not reduce; it goes
    FILLED = 9  # nothing of the order is left
    DISCARD = 10  # what is left meets no price, and is dropped
    REST = 11  # what is left meets no price, and joins the book
    CANCEL = 12
    CLOSE_VENUE = 13
    CLOSE_VAULT = 14
    CLOSE_TOTAL = 15
    CLOSE_FUND = 16


def _steps(prefix: str) -> tuple[Step, ...]:
    return tuple(step for step in Step if step.name.startswith(prefix))


_MEET = (Step.MATCH_HEAD, Step.MATCH_ORDER)
_PARTY = (Step.FILL_HEADER, Step.FILL_BASE, Step.FILL_QUOTE, Step.FILL_FEE)
_BEST = (Step.BEST_HEAD, Step.BEST_ORDER)

STEPS: dict[Kind, tuple[Step, ...]] = {
    Kind.REGISTER: _steps("REGISTER"),
    Kind.DEPOSIT: _steps("DEPOSIT"),
    Kind.WITHDRAW: _steps("WITHDRAW"),
    Kind.TRANSFER: _steps("TRANSFER"),
    Kind.PRICE: _steps("PRICE"),
    Kind.ORDER: _steps("ORDER"),
    Kind.MATCH: (*_MEET, *_PARTY, *_PARTY),  # the maker, then the taker
    Kind.FAIL: (*_MEET, *_PARTY[:-1], Step.UNDO_QUOTE, Step.UNDO_BASE),
    Kind.SKIP: (*_MEET, Step.SKIP_HEADER, Step.SKIP_BASE),
    Kind.FILLED: (Step.END_HEADER,),
    Kind.DISCARD: (*_BEST, Step.END_HEADER),
    Kind.REST: (*_BEST, *_steps("REST"), Step.END_HEADER, Step.END_BASE),
    Kind.CANCEL: _steps("CANCEL"),
    Kind.CLOSE_VENUE: (Step.CLOSE_VENUE,),
    Kind.CLOSE_VAULT: (Step.CLOSE_VAULT,),
    Kind.CLOSE_TOTAL: (Step.CLOSE_TOTAL,),
    Kind.CLOSE_FUND: (Step.CLOSE_FUND,),
}

# What the order book's chain of kinds goes on with; no transition starts with these.
CONTINUATIONS = (Kind.MATCH, Kind.FAIL, Kind.SKIP, Kind.FILLED, Kind.DISCARD, Kind.REST)

# Where an order goes on: from the last step of one of its kinds to the first step of the next.
LINKS = frozenset(
    (STEPS[before][-1], STEPS[after][0])
    for before in (Kind.ORDER, Kind.MATCH, Kind.FAIL, Kind.SKIP)
    for after in CONTINUATIONS
)

# A margin check follows these accesses.
MARGIN_STEPS = (Step.WITHDRAW_BALANCE, Step.TRANSFER_FROM_BALANCE, Step.FILL_QUOTE, Step.END_BASE)
