"""Steps on an account's records: its header (role, nonce, open instruments) and its balances."""

from collections.abc import Sequence

from circuits.bounded import Bounded
from circuits.bounds import ACCOUNT_SLOTS, BIAS_TOP_LIMB, LIMB
from circuits.execution import MARGIN_PORT, Execution
from circuits.expression import Expression
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_SLOT,
    HEADER_MASK,
    HEADER_NONCE,
    HEADER_ROLE,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    Role,
    Tag,
)
from circuits.steps import Step

AMOUNT_POSITIONS = (0, 1, 2, 3)
NONCE_PORTS = (10, 11)


def header(execution: Execution, step: Step, *, message: bool, may_open: bool) -> None:
    """Access the header of the account in the register `account`.

    message: the account itself asks for the transition: it must be a trader, and its nonce rises by one. may_open: if
    the register `opened` is 1, the bit in the register `bit` joins the set of open instruments; the balance step proves
    that opened is 1 exactly if the balance leaf is empty, so the bit was not in the set. The register `mask` is the set
    afterwards.
    """
    writes = [HEADER_NONCE, HEADER_MASK]
    execution.access(step, ACCOUNT_BASE + ACCOUNT_SLOTS * execution.register("account"), Tag.HEADER, writes)
    old, new, opened, ports = execution.old, execution.new, execution.register("opened"), execution.ports
    execution.require(step, "nonce", new[HEADER_NONCE] - old[HEADER_NONCE] - int(message))
    if message:
        execution.require(step, "sender is a trader", old[HEADER_ROLE] - int(Role.TRADER))
        low, high = (ports[i] for i in NONCE_PORTS)
        execution.require(step, "nonce within its bound", new[HEADER_NONCE] - (low + high * LIMB).expression)
    if may_open:
        execution.require(step, "opened is boolean", opened * (opened - 1))
    else:
        execution.require(step, "nothing opens", opened)
    execution.require(
        step, "open instruments", new[HEADER_MASK] - old[HEADER_MASK] - opened * execution.register("bit")
    )
    execution.require(step, "mask register", execution.register("mask") - new[HEADER_MASK])


def balance(
    execution: Execution,
    step: Step,
    account: Expression | int,
    instrument: Expression | int,
    change: Sequence[Bounded],
    *,
    may_open: bool = False,
) -> None:
    """Change the balance of the account in the instrument by the signed limbs `change`."""
    index = ACCOUNT_BASE + BALANCE_SLOT + instrument + ACCOUNT_SLOTS * account
    execution.access(step, index, Tag.BALANCE, AMOUNT_POSITIONS, may_open)
    execution.change_amount(step, change, may_open)


def stays_positive(execution: Execution, step: Step) -> None:
    """Only the quote balance may be negative: unless the register `phase` says that the instrument is the quote, new >=
    0.

    The biased top limb of a balance is at least BIAS_TOP_LIMB exactly if the balance is not negative.
    """
    phase, distance = execution.register("phase"), execution.ports[MARGIN_PORT].expression
    execution.require(step, "quote flag only for the quote", phase * execution.register("instrument"))
    execution.require(
        step, "balance other than quote stays positive", distance - execution.new[3] + BIAS_TOP_LIMB * (1 - phase)
    )


def stays_below_bound(execution: Execution, step: Step) -> None:
    """An unsigned amount (vault, total) stays at most AMOUNT_MAX: its top limb stays below BIAS_TOP_LIMB."""
    execution.require(
        step,
        "amount within its bound",
        execution.ports[MARGIN_PORT].expression + execution.new[3] - (BIAS_TOP_LIMB - 1),
    )


def market_leaf(execution: Execution, slot: int) -> Expression:
    """Leaf index of a record of the instrument in the register `instrument`."""
    return INSTRUMENT_BASE + slot + INSTRUMENT_SLOTS * execution.register("instrument")
