"""Steps on an account's records: its header (role, nonce, open instruments) and its balances."""

from collections.abc import Sequence

from circuits.bounded import Bounded
from circuits.bounds import ACCOUNT_INSTRUMENTS, ACCOUNT_SLOTS, BIAS_TOP_LIMB, CAPPED_BIT, LIMB
from circuits.buses import Capped
from circuits.execution import BOUND_PORT, Execution
from circuits.expression import Expression
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_ASKS,
    BALANCE_BIDS,
    BALANCE_FUNDING,
    BALANCE_SLOT,
    HEADER_EVENTS,
    HEADER_MASK,
    HEADER_NONCE,
    HEADER_OPEN,
    HEADER_ORDERS,
    HEADER_ROLE,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    MARKET_VALID,
    TAG,
    Role,
    Tag,
)
from circuits.steps import Step

AMOUNT_POSITIONS = (0, 1, 2, 3)
RESTING = (BALANCE_BIDS, BALANCE_ASKS)
NONCE_PORTS = (10, 11)
FRESH_PORT, LAST_PORT = 0, 2  # each the first of two: how long a mark may yet be relied on, its last second
ROOM_PORTS = (10, 9)  # for further instruments: of a header without, and with a message


def header(
    execution: Execution,
    step: Step,
    *,
    message: bool,
    may_open: bool,
    checked: bool = False,
    bounded: bool = True,
    orders: Expression | int | None = None,
    tag: Tag | None = Tag.HEADER,
    forced: Expression | int = 0,
    role: Expression | int = int(Role.TRADER),
) -> None:
    """Access the header of the account in the register `account`.

    The account has seen all events. message: the account itself asks for the transition: it must be of the role, and
    its nonce rises by one, but not if the transition is `forced`. checked: the register `mask` is its
    set of open instruments afterwards, for a margin check. may_open: if the register `opened` is 1, the bit in the
    register `bit` joins that set; the balance step proves that opened is 1 if the balance leaf is empty, and 0 if not,
    so the bit was not in the set, whose size is counted; bounded: it is at most ACCOUNT_INSTRUMENTS. orders: how the
    number of resting orders changes. tag None: the account is below MAX_ACCOUNTS, so the leaf is its header or empty,
    and an empty one is no trader's.
    """
    writes = [HEADER_NONCE, HEADER_MASK] if message else [HEADER_MASK]
    if orders is not None:
        writes.append(HEADER_ORDERS)
    if may_open:
        writes.append(HEADER_OPEN)
    execution.access(step, ACCOUNT_BASE + ACCOUNT_SLOTS * execution.register("account"), tag, writes)
    old, new, opened, ports = execution.old, execution.new, execution.register("opened"), execution.ports
    execution.require(step, "events are seen", old[HEADER_EVENTS] - execution.events)
    if message:
        execution.require(step, "nonce", new[HEADER_NONCE] - old[HEADER_NONCE] - 1 + forced)
        execution.require(step, "sender is a trader", old[HEADER_ROLE] - role)
        low, high = (ports[i] for i in NONCE_PORTS)
        execution.require(step, "nonce within its bound", new[HEADER_NONCE] - (low + high * LIMB).expression)
    if orders is not None:
        execution.require(step, "resting orders are counted", new[HEADER_ORDERS] - old[HEADER_ORDERS] - orders)
    if checked:
        execution.require(step, "mask register", execution.register("mask") - new[HEADER_MASK])
    if may_open:
        _count_open(execution, step, ports[ROOM_PORTS[message]].expression if bounded else None)
    else:
        execution.require(step, "nothing opens", opened)
    execution.require(
        step, "open instruments", new[HEADER_MASK] - old[HEADER_MASK] - opened * execution.register("bit")
    )


def _count_open(execution: Execution, step: Step, room: Expression | None) -> None:
    """The header's number of open instruments grows with the set; `room`, a limb, is what it is below its bound."""
    before, after = execution.old[HEADER_OPEN], execution.new[HEADER_OPEN]
    execution.require(step, "open instruments are counted", after - before - execution.register("opened"))
    if room is not None:
        execution.require(step, "room for another instrument", ACCOUNT_INSTRUMENTS - after - room)


def balance(
    execution: Execution,
    step: Step,
    account: Expression | int,
    instrument: Expression | int,
    change: Sequence[Bounded],
    *,
    may_open: bool = False,
    resting: tuple[Expression, Expression] | None = None,
    funded: bool = False,
) -> None:
    """Change the balance of the account in the instrument by the signed limbs `change`, and if `resting` is given, the
    lots of its resting bids and asks by those.

    The account has a header and the instrument is one of the venue's, so the leaf is a balance or empty. Without
    may_open it is no empty one: an account has its quote balance from the start, and of an empty leaf's 0 nothing can
    be taken away. funded: a balance that opens has a funding index, which the margin check that follows compares with
    the market's.
    """
    index = ACCOUNT_BASE + BALANCE_SLOT + instrument + ACCOUNT_SLOTS * account
    writes = [*AMOUNT_POSITIONS, *((TAG,) if may_open else ()), *(RESTING if resting else ())]
    if funded:
        writes.append(BALANCE_FUNDING)
        changed = execution.new[BALANCE_FUNDING] - execution.old[BALANCE_FUNDING]
        execution.require(step, "funding index is kept", (1 - execution.register("opened")) * changed)
    execution.access(step, index, None, writes)
    execution.change_amount(step, change, may_open)
    for position, lots in zip(RESTING, resting or (), strict=False):
        label = "resting bids" if position == BALANCE_BIDS else "resting asks"
        execution.require(step, label, execution.new[position] - execution.old[position] - lots)


def fresh_prices(
    execution: Execution,
    step: Step,
    unless: Expression | int = 0,
    *,
    capped: Capped = Capped.ADVERSE,
    also: Expression | int = 0,
) -> None:
    """The prices that the margin check reads must be fresh at the batch's time, where marks that are `capped` so are
    not, unless the bit `unless` is 1. Where the bit `also` is 1, and so is `unless`, they must be fresh, and not capped
    against the account."""
    judged = execution.time + int(Capped.ADVERSE) * CAPPED_BIT
    moment = (execution.time + int(capped) * CAPPED_BIT) * (1 - unless) + judged * also
    execution.require(step, "moment of prices", execution.register("moment") - moment)


def reliable_mark(execution: Execution, step: Step) -> None:
    """The mark of the market record before is fresh at the batch's time, and not capped, for its last second is two
    limbs."""
    valid = execution.old[MARKET_VALID]
    left, last = ((execution.ports[k] + execution.ports[k + 1] * LIMB).expression for k in (FRESH_PORT, LAST_PORT))
    execution.require(step, "the mark is fresh", valid - execution.time - left)
    execution.require(step, "the mark is not capped", valid - last)


def stays_below_bound(execution: Execution, step: Step) -> None:
    """An unsigned amount stays at most AMOUNT_MAX: its top limb stays below BIAS_TOP_LIMB."""
    execution.require(
        step,
        "amount within its bound",
        execution.ports[BOUND_PORT].expression + execution.new[3] - (BIAS_TOP_LIMB - 1),
    )


def long_position(record: Sequence[Expression]) -> Expression:
    """The lots of a balance if it is a long position, else 0: (1 - negative) * low limbs, where `negative`, 0 or 1, is
    what the high limbs are short of those of BIAS. A margin check has bounded the position, or will. Of an empty leaf
    the low limbs are 0."""
    negative = BIAS_TOP_LIMB * LIMB - record[2] - record[3] * LIMB
    return (1 - negative) * (record[0] + record[1] * LIMB)


def market_leaf(execution: Execution, slot: int) -> Expression:
    """Leaf index of a record of the instrument in the register `instrument`."""
    return INSTRUMENT_BASE + slot + INSTRUMENT_SLOTS * execution.register("instrument")
