"""Forgeries of the order of rows within orders and cancellations: chains without their beginning."""

from collections.abc import Callable, Sequence
from functools import partial

from circuits.execution import plain_successions
from circuits.steps import STEPS, Kind, Step
from circuits.transitions.match import BUYS, LEFT
from prover.traces.match import _party, _undo
from state.ledger import Ledger
from tests.batches import BTC_PERP
from tests.mutation.execution_accesses import Act, deposit, fill
from tests.mutation.execution_cancels import ASKS, cancel
from tests.mutation.execution_orders import drop, rest, unordered
from tests.mutation.execution_registers import EVERY, setting
from tests.mutation.matching import (
    ASK,
    LARGE,
    MAKER,
    RATES,
    expiring,
    failing,
    one,
    registers,
    resize,
)
from tests.mutation.script import Amend, Hooks, Script, ScriptedTrace, nothing, skip
from tests.mutation.stage import (
    ALICES_ASK,
    ALICES_BID,
    DAVE,
    EVE,
    EVES_ASK,
    EVES_BID,
    FREE,
    MARK,
    SIZE,
    staged,
)
from tests.tamper.forger import Forger
from tests.tamper.order_forger import EXPIRED

BIT, EVES_MASK = 1 << BTC_PERP, 1 | 1 << BTC_PERP
RATED = {"bit": BIT, "maker_rate": RATES[0], "taker_rate": RATES[1]}
IS_EVE = {"account": EVE, "other": DAVE, BUYS: 0, "reduce": 0, "other_reduce": 0, "opened": 0, "mask": EVES_MASK}


def as_matched(trace: ScriptedTrace) -> None:
    """Amend: Dave's trade with Eve, whatever rows of it there are."""
    rows = trace.rows(Kind.MATCH)
    setting(Kind.FILLED, EVERY, **RATED)(trace)
    registers(trace, rows, price=MARK, head=EVES_ASK, after=ALICES_ASK, maker_left=SIZE, removed=1, **RATED)
    registers(trace, rows[MAKER], **IS_EVE)
    resize(trace, [SIZE], [0], [0])
    registers(trace, rows[MAKER], **IS_EVE)
    registers(trace, rows[:2], **{LEFT: SIZE})
    registers(trace, rows[2:], **{LEFT: 0})


def as_failed(trace: ScriptedTrace) -> None:
    """Amend: what Eve gets back, whatever rows of it there are."""
    rows = trace.rows(Kind.FAIL)
    setting(Kind.DISCARD, EVERY, **RATED)(trace)
    registers(trace, rows, price=ASK, size0=SIZE, size1=0, maker_left=LARGE, fails=1, removed=1, **RATED, **IS_EVE)
    trace.amount(Kind.FAIL, one(ASK * SIZE))
    _party(trace, Kind.FAIL, rows[2:5], 0)
    _undo(trace, rows[2:])


def as_skipped(trace: ScriptedTrace) -> None:
    """Amend: Eve's expired order, whatever rows of it there are."""
    setting(Kind.DISCARD, EVERY, **RATED)(trace)
    registers(trace, trace.rows(Kind.SKIP)[2:], maker_left=6, **IS_EVE)
    registers(trace, trace.rows(Kind.SKIP), **RATED)


def as_dropped(trace: ScriptedTrace) -> None:
    """Amend: Eve's order that meets nothing, whatever rows of it there are."""
    setting(Kind.DISCARD, EVERY, head=EVES_ASK, mask=EVES_MASK, opened=0)(trace)


def as_rested(trace: ScriptedTrace) -> None:
    """Amend: Eve's order that joins the book, whatever rows of it there are."""
    setting(Kind.REST, slice(2, None), head=ASKS, after=FREE)(trace)
    registers(trace, trace.rows(Kind.REST)[-1:], mask=EVES_MASK)


def as_cancelled(trace: ScriptedTrace) -> None:
    """Amend: Eve's bid, whatever rows of its end there are."""
    order = {"head": EVES_BID, "after": ALICES_BID, "maker_left": SIZE, "instrument": BTC_PERP, BUYS: 1, "opened": 0}
    setting(Kind.CANCEL, EVERY, **order)(trace)


def fail_unmet(forger: Forger) -> None:
    """Eve's order fails, though it is out of reach."""
    forger.order(DAVE, BTC_PERP, True, ASK - 1, SIZE).fail().discard()


def skip_unmet(forger: Forger) -> None:
    """Eve's order is skipped, though it is out of reach."""
    forger.order(DAVE, BTC_PERP, True, ASK - 1, SIZE).skip(EXPIRED).discard()


# What happens, its steps, and how its registers are set right.
CHAINS: tuple[tuple[Act, tuple[Kind, ...], Amend, Callable[[], Ledger]], ...] = (
    (drop, (Kind.ORDER, Kind.DISCARD), as_dropped, staged),
    (rest, (Kind.ORDER, Kind.REST), as_rested, staged),
    (cancel, (Kind.CANCEL,), as_cancelled, staged),
    (fill, (Kind.ORDER, Kind.MATCH, Kind.FILLED), as_matched, staged),
    (fail_unmet, (Kind.ORDER, Kind.FAIL, Kind.DISCARD), as_failed, failing),
    (skip_unmet, (Kind.ORDER, Kind.SKIP, Kind.DISCARD), as_skipped, expiring),
)


def beheaded(steps: Sequence[Step], chain: int, before: Act) -> Script:
    """The chain without these steps, after a whole transition or none."""
    act, _, amend, ledger = CHAINS[chain]

    def both(forger: Forger) -> None:
        before(forger)
        act(forger)

    hooks = {(step, list(steps[:number]).count(step)): skip for number, step in enumerate(steps)}
    return Script(both, hooks, amend, ledger=ledger)


def marketless() -> dict[str, Callable[[], Script]]:
    """An order whose market nobody looks at, by label; its `reduce` is no bit."""
    hooks: Hooks = {Step.ORDER_MARKET: skip}
    return {
        "the first row is no order_parameters": partial(unordered, nothing, hooks),
        "order_market leads to order_parameters": partial(unordered, deposit, hooks),
    }


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    table: dict[str, Callable[[], Script]] = marketless()
    plain = {after: f"{before.name.lower()} leads to {after.name.lower()}" for before, after in plain_successions()}
    for chain, (_, kinds, _, _) in enumerate(CHAINS):
        steps = [step for kind in kinds for step in STEPS[kind]]
        for number, step in enumerate(steps[1:], start=1):
            if step is Step.END_HEADER and kinds[-1] is not Kind.REST:
                continue  # alone it counts an order that rests, or does no harm
            name = step.name.lower()
            leads = plain.get(step, f"what leads to {name}")
            if step in (Step.MATCH_HEAD, Step.BEST_HEAD, Step.END_HEADER):
                leads = "an order goes on or ends"
            table.setdefault(f"the first row is no {name}", partial(beheaded, steps[:number], chain, nothing))
            table.setdefault(leads, partial(beheaded, steps[:number], chain, deposit))
    return table
