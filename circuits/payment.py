"""A payment of funding: a position is settled up to an index, for quote of one of the venue's own accounts."""

from circuits.bounded import Bounded, unsound_bounded
from circuits.bounds import ACCOUNT_SLOTS, BIAS_TOP_LIMB, FUNDING_ONE, LIMB
from circuits.execution import Execution
from circuits.expression import Expression
from circuits.records import ACCOUNT_BASE, BALANCE_FUNDING, BALANCE_SLOT
from circuits.steps import Step
from circuits.swap import FUNDING, GIVES

# Registers, under the names they have here; FUNDING, the index up to which the position pays, is shown before PAY_BASE,
# and the account and the instrument to be such.
FALLS, HIGH_CARRY = "own", "expired"  # of PAY_BASE alone: 1 if the index falls; what the low carry has above one limb

# Ports of PAY_BASE. What fills several is named after the first.
SIZE_PORT, CHANGE_PORT, AMOUNT_PORT, TOP_PORT = 0, 2, 4, 7
REMAINDER_PORT, REST_PORT, CARRY_PORT = 8, 9, 10
CARRY_MAX = 2  # what the middle carry has above one limb, at most; it is in `scratch`


def constrain(execution: Execution) -> None:
    """amount = |lots| * |change of the index| / FUNDING_ONE, rounded against the account. SWAP_QUOTE moves it next.

    A long position pays when the index rises, a short one when it falls. The leaf is a balance or empty, and an empty
    one's limbs, not biased, are no position that fits two.
    """
    step, old, flag = Step.PAY_BASE, execution.old, execution.register(FALLS)
    account, instrument = execution.register("account"), execution.register("instrument")
    index = ACCOUNT_BASE + BALANCE_SLOT + instrument + ACCOUNT_SLOTS * account
    execution.access(step, index, None, [BALANCE_FUNDING])
    execution.require(step, "funding index", execution.new[BALANCE_FUNDING] - execution.register(FUNDING))
    negative = _size(execution, step)
    execution.require(step, "falling is boolean", flag * (flag - 1))
    falls = unsound_bounded(flag, 0, 1, "constrained to be boolean on this step")
    target, before = (
        unsound_bounded(value, 0, LIMB * LIMB - 1, "a market's index is range-checked, and copied")
        for value in (execution.register(FUNDING), old[BALANCE_FUNDING])
    )
    execution.equal(step, "change of the index", (1 - falls * 2) * (target - before), _two(execution, CHANGE_PORT))
    gets = negative + flag - 2 * negative * flag
    execution.require(step, "who pays", execution.register(GIVES) - gets)
    _amount(execution, step)


def _size(execution: Execution, step: Step) -> Expression:
    """The size ports hold the lots without their sign; returns 1 if that is negative, else 0.

    position = low limbs - negative * LIMB^2, where the high limbs are those of BIAS less `negative`.
    """
    old = execution.old
    negative = BIAS_TOP_LIMB * LIMB - old[2] - old[3] * LIMB
    execution.require(step, "the position fits two limbs", negative * (negative - 1))
    bit = unsound_bounded(negative, 0, 1, "constrained to be boolean on this step")
    position = execution.old_limb(0) + execution.old_limb(1) * LIMB - bit * (LIMB * LIMB)
    execution.equal(step, "size of the position", (1 - bit * 2) * position, _two(execution, SIZE_PORT))
    return negative


def _amount(execution: Execution, step: Step) -> None:
    """size * change +- remainder = amount * FUNDING_ONE, plus if the account pays; 0 <= remainder < FUNDING_ONE makes
    the amount unique.

    Limb by limb, with carries no less than -FUNDING_ONE. The top limb of the amount times FUNDING_ONE is a limb. If
    that is no multiple of FUNDING_ONE, the top limb, its quotient mod P, is beyond LIMB on either side of 0, because
    FUNDING_ONE divides P - 1; and SWAP_QUOTE, which adds it to a limb and gets another one, does not go with that.
    """
    size, change, amount = (execution.ports[k : k + 3] for k in (SIZE_PORT, CHANGE_PORT, AMOUNT_PORT))
    for k, port in enumerate(amount):
        execution.require(step, f"amount limb {k} in range", execution.register(f"amount{k}") - port.expression)
    top, remainder, rest = (execution.ports[k] for k in (TOP_PORT, REMAINDER_PORT, REST_PORT))
    execution.require(step, "amount limb 3 in range", execution.register("amount3") * FUNDING_ONE - top.expression)
    execution.equal(step, "remainder below one", remainder + rest, FUNDING_ONE - 1)
    high = execution.register(HIGH_CARRY)
    execution.require(step, "high part of the low carry is boolean", high * (high - 1))
    highest = execution.scratch * (execution.scratch - 1) * (execution.scratch - CARRY_MAX)
    execution.require(step, "high part of the middle carry is 0, 1 or 2", highest)
    low, middle = (
        execution.ports[CARRY_PORT + k] + unsound_bounded(part, 0, most, "constrained above") * LIMB - FUNDING_ONE
        for k, (part, most) in enumerate(((high, 1), (execution.scratch, CARRY_MAX)))
    )
    sign = unsound_bounded(1 - 2 * execution.register(GIVES), -1, 1, "shown to be boolean on this step")
    execution.equal(
        step, "amount, limb 0", size[0] * change[0] + sign * remainder, amount[0] * FUNDING_ONE + low * LIMB
    )
    cross = size[0] * change[1] + size[1] * change[0]
    execution.equal(step, "amount, limb 1", cross + low, amount[1] * FUNDING_ONE + middle * LIMB)
    execution.equal(step, "amount, limbs 2 and 3", size[1] * change[1] + middle, amount[2] * FUNDING_ONE + top * LIMB)


def _two(execution: Execution, port: int) -> Bounded:
    """The integer of two ports."""
    return execution.ports[port] + execution.ports[port + 1] * LIMB
