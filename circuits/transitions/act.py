"""Acts of the operator: each is numbered and published; it changes one element of a record, at once or with notice.

Which elements, and to which values, `circuits.acts` says in the clear; so the constraints know no single parameter.
"""

from circuits.accounts import market_leaf
from circuits.bounds import LIMB
from circuits.buses import Public
from circuits.execution import Execution
from circuits.expression import Expression, total
from circuits.records import (
    PENDING_DUE,
    PENDING_LEAF,
    PENDING_POSITION,
    PENDING_SLOT,
    PENDING_VALUE,
    RECORD_SIZE,
    TAG,
    VENUE_ACTS,
    VENUE_INDEX,
    VENUE_NOTICE,
    Tag,
)
from circuits.steps import Step

# Registers, under the names they have here; all but the last are published, with the act's number in `sequence`.
LEAF, POSITION, VALUE, RECORD_TAG, DUE = "account", "chain", "amount0", "amount1", "price"
CHOSEN = ("size0", "size1", "fee0", "fee1", "fee2", "maker_rate", "taker_rate")  # 1 for the element that is written
DUE_PORT = 0  # and the next one: the time since an announced change was due


def constrain(execution: Execution) -> None:
    """The venue counts every act; an announcement replaces what was pending of the instrument."""
    for step, public in (
        (Step.SET_VENUE, Public.SET),
        (Step.ANNOUNCE_VENUE, Public.ANNOUNCE),
        (Step.ENACT_VENUE, Public.ENACT),
    ):
        count(execution, step, public)
    _write(execution, Step.SET_RECORD)
    due = execution.register(DUE)
    notice = execution.old[VENUE_NOTICE]
    execution.require(Step.ANNOUNCE_VENUE, "due after the notice", due - execution.time - notice)
    names = {PENDING_LEAF: LEAF, PENDING_POSITION: POSITION, PENDING_VALUE: VALUE}
    said = [execution.register(name) for name in names.values()]
    announced: list[Expression | int | None] = [*said, due, 0, 0, 0, int(Tag.PENDING)]
    execution.create(Step.ANNOUNCE_PENDING, market_leaf(execution, PENDING_SLOT), announced)
    _pending(execution, names)
    _write(execution, Step.ENACT_RECORD)


def count(execution: Execution, step: Step, public: Public) -> None:
    """The act has the venue's next number, and is published."""
    execution.access(step, VENUE_INDEX, None, [VENUE_ACTS])
    execution.require(step, "acts are numbered", execution.register("sequence") - execution.old[VENUE_ACTS])
    execution.require(step, "acts are counted", execution.new[VENUE_ACTS] - execution.old[VENUE_ACTS] - 1)
    execution.publish(step, public)


def _write(execution: Execution, step: Step) -> None:
    """The element at POSITION, published and so one of 0..6, becomes VALUE; no other changes, and the record is of the
    published kind. A flag other than that of POSITION is 0, so that one is 1."""
    execution.access(step, execution.register(LEAF), None, range(TAG))
    execution.require(step, "kind of record", execution.old[TAG] - execution.register(RECORD_TAG))
    chosen = [execution.register(name) for name in CHOSEN]
    execution.require(step, "one element is chosen", total(chosen) - 1)
    position, value = execution.register(POSITION), execution.register(VALUE)
    for k, flag in enumerate(chosen):
        old, new = execution.old[k], execution.new[k]
        execution.require(step, f"element {k} is chosen by its position", flag * (position - k))
        execution.require(step, f"element {k}", new - old - flag * (value - old))


def _pending(execution: Execution, names: dict[int, str]) -> None:
    """What is enacted is what was announced: its leaf is none of an empty record. It is due, and pending no more."""
    step = Step.ENACT_PENDING
    execution.create(step, market_leaf(execution, PENDING_SLOT), [0] * RECORD_SIZE)
    for k, name in names.items():
        label = f"announced {('leaf', 'position', 'value')[k]}"
        execution.require(step, label, execution.register(name) - execution.old[k])
    since = execution.ports[DUE_PORT] + execution.ports[DUE_PORT + 1] * LIMB
    execution.require(step, "due", execution.time - execution.old[PENDING_DUE] - since.expression)
