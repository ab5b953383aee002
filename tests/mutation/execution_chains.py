"""Forgeries of the order of rows within orders and cancellations: chains without their beginning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from circuits.bounds import FAIR_SHARE
from circuits.execution import plain_successions
from circuits.records import HEADER_MASK, TAG
from circuits.steps import STEPS, Kind, Step
from circuits.transitions.match import BUYS, LEFT, QUARTER
from circuits.transitions.match import MARK as MARK_REGISTER
from circuits.transitions.order import EXEMPTION, QUARTER_PORT
from prover.traces.match import _fairness, _party, _undo
from state.ledger import Ledger
from tests.batches import BTC_PERP
from tests.mutation.execution_accesses import Act, deposit, fill
from tests.mutation.execution_cancels import ASKS, cancel
from tests.mutation.execution_orders import ODD, rest
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
from tests.mutation.script import Amend, Hooks, Script, ScriptedTrace, add, inverse, nothing, skip
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
UNSEEN = RATED | {"bit": 0}
# Of a market: the mark, and the share of a lot's requirement that a fill may lose.
MARKED, RISEN = (6_180_030, 309_002 // FAIR_SHARE), (9_000_000, 450_000 // FAIR_SHARE)
HIDDEN = add(HEADER_MASK, -BIT)
IS_EVE = {"account": EVE, "other": DAVE, BUYS: 0, "reduce": 0, "other_reduce": 0, "opened": 0, "mask": EVES_MASK}


def as_marked(trace: ScriptedTrace, kind: Kind, end: Kind, price: int, said: tuple[int, int] = MARKED) -> None:
    """The order knows mark and share, whatever rows of its beginning there are; who loses at the price follows."""
    mark, quarter = said
    for each in (Kind.ORDER, kind, end):
        setting(each, EVERY, **{MARK_REGISTER: mark, QUARTER: quarter})(trace)
    trace.wide_port(QUARTER_PORT, trace.rows(Kind.ORDER)[1], one(quarter))
    _fairness(trace, trace.rows(kind), one(price))


def as_matched(trace: ScriptedTrace) -> None:
    """Amend: Dave's trade with Eve, which his header does not show, whatever rows of it there are."""
    rows = trace.rows(Kind.MATCH)
    setting(Kind.FILLED, EVERY, **UNSEEN)(trace)
    registers(trace, rows, price=MARK, after=ALICES_ASK, maker_left=SIZE, **UNSEEN)
    registers(trace, rows[:2], head=EVES_ASK)
    registers(trace, rows[:5], removed=1)
    registers(trace, rows[MAKER], **IS_EVE)
    as_marked(trace, Kind.MATCH, Kind.FILLED, MARK)
    resize(trace, [SIZE], [0], [0])
    registers(trace, rows[MAKER], **IS_EVE)
    registers(trace, rows[:2], **{LEFT: SIZE})
    registers(trace, rows[2:], **{LEFT: 0})


def as_failed(trace: ScriptedTrace) -> None:
    """Amend: what Eve gets back, whatever rows of it there are."""
    rows = trace.rows(Kind.FAIL)
    setting(Kind.DISCARD, EVERY, **RATED)(trace)
    registers(trace, rows, price=ASK, size0=SIZE, size1=0, maker_left=LARGE, fails=1, **RATED, **IS_EVE)
    registers(trace, rows[:5], removed=1)
    trace.amount(Kind.FAIL, one(ASK * SIZE))
    as_marked(trace, Kind.FAIL, Kind.DISCARD, ASK, RISEN)
    _party(trace, Kind.FAIL, rows[2:5], 0)
    _undo(trace, rows[2:])


def as_skipped(trace: ScriptedTrace) -> None:
    """Amend: Eve's expired order, whatever rows of it there are."""
    setting(Kind.DISCARD, EVERY, **RATED)(trace)
    registers(trace, trace.rows(Kind.SKIP)[2:], maker_left=6, **IS_EVE)
    registers(trace, trace.rows(Kind.SKIP), **RATED)
    as_marked(trace, Kind.SKIP, Kind.DISCARD, ASK)


def as_rested(trace: ScriptedTrace) -> None:
    """Amend: Eve's order that joins the book as a record of no kind, whatever rows of it there are."""
    setting(Kind.ORDER, EVERY, reduce=ODD, bit=BIT, **{EXEMPTION: inverse(ODD)})(trace)
    setting(Kind.REST, EVERY, reduce=ODD, bit=BIT, mask=EVES_MASK, opened=0, moment=1)(trace)
    setting(Kind.REST, slice(0, 2), head=EVES_ASK)(trace)
    setting(Kind.REST, slice(2, None), head=ASKS, after=FREE)(trace)


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


@dataclass(frozen=True)
class Chain:
    """What happens, its steps, how its registers are set right, and how its accesses are bent."""

    act: Act
    kinds: tuple[Kind, ...]
    amend: Amend
    ledger: Callable[[], Ledger] = staged
    hooks: Hooks = field(default_factory=dict)


CHAINS = (
    Chain(rest, (Kind.ORDER, Kind.REST), as_rested, hooks={(Step.REST_ORDER, 0): add(TAG, ODD)}),
    Chain(cancel, (Kind.CANCEL,), as_cancelled),
    Chain(fill, (Kind.ORDER, Kind.MATCH, Kind.FILLED), as_matched, hooks={(Step.FILL_HEADER, 1): HIDDEN}),
    Chain(fail_unmet, (Kind.ORDER, Kind.FAIL, Kind.DISCARD), as_failed, failing),
    Chain(skip_unmet, (Kind.ORDER, Kind.SKIP, Kind.DISCARD), as_skipped, expiring),
)


def beheaded(steps: Sequence[Step], chain: Chain, before: Act) -> Script:
    """The chain without these steps, after a whole transition or none."""

    def both(forger: Forger) -> None:
        before(forger)
        chain.act(forger)

    missing = {(step, list(steps[:number]).count(step)): skip for number, step in enumerate(steps)}
    return Script(both, {**chain.hooks, **missing}, chain.amend, ledger=chain.ledger)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    table: dict[str, Callable[[], Script]] = {}
    plain = {
        after: f"{' or '.join(step.name.lower() for step in before)} leads to {after.name.lower()}"
        for after, before in plain_successions().items()
    }
    for chain in CHAINS:
        steps = [step for kind in chain.kinds for step in STEPS[kind]]
        for number, step in enumerate(steps[1:], start=1):
            name = step.name.lower()
            leads = plain.get(step, f"what leads to {name}")
            if step in (Step.MATCH_HEAD, Step.BEST_HEAD, Step.END_HEADER):
                leads = "an order goes on or ends"
            table.setdefault(f"the first row is no {name}", partial(beheaded, steps[:number], chain, nothing))
            table.setdefault(leads, partial(beheaded, steps[:number], chain, deposit))
    return table
