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
    FILL_MARKET = 21
    FILL_PARAMETERS = 22
    FILL_HEADER = 23
    FILL_BASE = 24
    FILL_QUOTE = 25
    FILL_FEE = 26
    CLOSE_VENUE = 27
    CLOSE_VAULT = 28
    CLOSE_TOTAL = 29
    CLOSE_FUND = 30


class Kind(IntEnum):
    """A transition kind. The CLOSE kinds end a batch: they publish what the new state holds."""

    REGISTER = 0
    DEPOSIT = 1
    WITHDRAW = 2
    TRANSFER = 3
    PRICE = 4
    FILL = 5
    CLOSE_VENUE = 6
    CLOSE_VAULT = 7
    CLOSE_TOTAL = 8
    CLOSE_FUND = 9


def _steps(prefix: str) -> tuple[Step, ...]:
    return tuple(step for step in Step if step.name.startswith(prefix))


_PARTY = (Step.FILL_HEADER, Step.FILL_BASE, Step.FILL_QUOTE, Step.FILL_FEE)

STEPS: dict[Kind, tuple[Step, ...]] = {
    Kind.REGISTER: _steps("REGISTER"),
    Kind.DEPOSIT: _steps("DEPOSIT"),
    Kind.WITHDRAW: _steps("WITHDRAW"),
    Kind.TRANSFER: _steps("TRANSFER"),
    Kind.PRICE: _steps("PRICE"),
    Kind.FILL: (Step.FILL_MARKET, Step.FILL_PARAMETERS, *_PARTY, *_PARTY),  # the maker, then the taker
    Kind.CLOSE_VENUE: (Step.CLOSE_VENUE,),
    Kind.CLOSE_VAULT: (Step.CLOSE_VAULT,),
    Kind.CLOSE_TOTAL: (Step.CLOSE_TOTAL,),
    Kind.CLOSE_FUND: (Step.CLOSE_FUND,),
}

MARGIN_STEPS = (
    Step.WITHDRAW_BALANCE,
    Step.TRANSFER_FROM_BALANCE,
    Step.FILL_QUOTE,
)  # a margin check follows these accesses
