"""Steps on an account's records: its header (role, nonce, open instruments) and its balances."""

from collections.abc import Sequence

from circuits.bounded import Bounded
from circuits.bounds import ACCOUNT_SLOTS, BIAS_TOP_LIMB, LIMB
from circuits.execution import BOUND_PORT, Execution
from circuits.expression import Expression
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_SLOT,
    HEADER_MASK,
    HEADER_NONCE,
    HEADER_ROLE,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    TAG,
    Role,
    Tag,
)
from circuits.steps import Step

AMOUNT_POSITIONS = (0, 1, 2, 3)
NONCE_PORTS = (10, 11)


def header(execution: Execution, step: Step, *, message: bool, may_open: bool, tag: Tag | None = Tag.HEADER) -> None:
    """Access the header of the account in the register `account`.

    message: the account itself asks for the transition: it must be a trader, its nonce rises by one, and the register
    `mask` is its set of open instruments afterwards, for the margin check. may_open: if the register `opened` is 1, the
    bit in the register `bit` joins that set; the balance step proves that opened is 1 if the balance leaf is empty, and
    0 if not, so the bit was not in the set. tag None: the account is below MAX_ACCOUNTS, so the leaf is its header or
    empty, and an empty one is no trader's.
    """
    writes = [HEADER_NONCE, HEADER_MASK]
    execution.access(step, ACCOUNT_BASE + ACCOUNT_SLOTS * execution.register("account"), tag, writes)
    old, new, opened, ports = execution.old, execution.new, execution.register("opened"), execution.ports
    execution.require(step, "nonce", new[HEADER_NONCE] - old[HEADER_NONCE] - int(message))
    if message:
        execution.require(step, "sender is a trader", old[HEADER_ROLE] - int(Role.TRADER))
        low, high = (ports[i] for i in NONCE_PORTS)
        execution.require(step, "nonce within its bound", new[HEADER_NONCE] - (low + high * LIMB).expression)
        execution.require(step, "mask register", execution.register("mask") - new[HEADER_MASK])
    if not may_open:
        execution.require(step, "nothing opens", opened)
    execution.require(
        step, "open instruments", new[HEADER_MASK] - old[HEADER_MASK] - opened * execution.register("bit")
    )


def balance(
    execution: Execution,
    step: Step,
    account: Expression | int,
    instrument: Expression | int,
    change: Sequence[Bounded],
    *,
    may_open: bool = False,
) -> None:
    """Change the balance of the account in the instrument by the signed limbs `change`.

    The account has a header and the instrument is one of the venue's, so the leaf is a balance or empty. Without
    may_open it is no empty one: an account has its quote balance from the start, and of an empty leaf's 0 nothing can
    be taken away.
    """
    index = ACCOUNT_BASE + BALANCE_SLOT + instrument + ACCOUNT_SLOTS * account
    execution.access(step, index, None, (*AMOUNT_POSITIONS, TAG) if may_open else AMOUNT_POSITIONS)
    execution.change_amount(step, change, may_open)


def stays_below_bound(execution: Execution, step: Step) -> None:
    """An unsigned amount stays at most AMOUNT_MAX: its top limb stays below BIAS_TOP_LIMB."""
    execution.require(
        step,
        "amount within its bound",
        execution.ports[BOUND_PORT].expression + execution.new[3] - (BIAS_TOP_LIMB - 1),
    )


def market_leaf(execution: Execution, slot: int) -> Expression:
    """Leaf index of a record of the instrument in the register `instrument`."""
    return INSTRUMENT_BASE + slot + INSTRUMENT_SLOTS * execution.register("instrument")
