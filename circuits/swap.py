"""A swap: an account gives or gets lots of an instrument for quote, against one of the venue's own accounts."""

from circuits.accounts import balance
from circuits.bounded import Bounded, bounded, unsound_bounded
from circuits.execution import Execution
from circuits.records import BALANCE_FUNDING, QUOTE_INSTRUMENT
from circuits.steps import Step

# Registers, under the names they have here. All of them are shown to be what they say before a swap begins.
GIVES = "side"  # 1 if the account gives the lots and gets the amount, 0 for the opposite
UNITS = ("size0", "size1", "fee0", "fee1")  # limbs of the lots, or of the base units of an asset
FUNDING = "maker_left"  # the funding index up to which a position must be settled; of an asset 0
WHOLE = "whole"  # not 0 if nothing of the balance may be left
OTHER = "other"  # the venue's account
GOES_ON = "phase"  # 1 if more comes after SWAP_OTHER_QUOTE, which only circuits.transitions.event wants
# Steps of all others that lead to a swap.
LAST_SWAPS = (Step.CASH_OUT_HEADER, Step.PAY_MARKET, Step.CONVERT_WORTH, Step.DELEVERAGE_VENUE)


def constrain(execution: Execution) -> None:
    """Both accounts hold the instrument already, so nothing opens. Where no lots move, the quote's steps stand alone.

    No margin check follows, but later ones read the orders that rest there, without the lots that may have offset them:
    these fit the two limbs of the lots that count, as they did when they came to rest.
    """
    account, other, instrument = (execution.register(name) for name in ("account", OTHER, "instrument"))
    sign = unsound_bounded(2 * execution.register(GIVES) - 1, -1, 1, "the flag is boolean")
    units = [sign * execution.bounded_register(name) for name in UNITS]
    amount = [sign * part for part in execution.amount()]
    step, old, new = Step.SWAP_BASE, execution.old, execution.new
    balance(execution, step, account, instrument, _negative(units))
    execution.require(step, "funding is settled", old[BALANCE_FUNDING] - execution.register(FUNDING))
    # What is left is then a multiple of 2^42, and position and size are less than 2^28.
    execution.require(step, "nothing is left", execution.register(WHOLE) * (new[0] + new[1] + new[2]))
    balance(execution, Step.SWAP_OTHER_BASE, other, instrument, units)
    balance(execution, Step.SWAP_QUOTE, account, QUOTE_INSTRUMENT, amount)
    balance(execution, Step.SWAP_OTHER_QUOTE, other, QUOTE_INSTRUMENT, _negative(amount))
    starts = execution.steps(LAST_SWAPS)
    execution.table.constrain("a swap is the last one", starts * execution.register(GOES_ON))


def _negative(parts: list[Bounded]) -> list[Bounded]:
    return [bounded(0) - part for part in parts]
