"""Forgeries of a market's rules: status, minimum notional, open interest and its cap; and of open instruments."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from circuits.bounds import ACCOUNT_INSTRUMENTS, LIMB
from circuits.field import P
from circuits.records import (
    HEADER_OPEN,
    MARKET_MARK,
    RULES_CAP,
    RULES_MINIMUM,
    RULES_STATUS,
    Status,
    from_limbs,
    header_index,
    market_index,
)
from circuits.steps import Kind, Step
from prover.traces.columns import integer_of
from prover.traces.order import _rules
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.order import Policy
from tests.batches import BOB, BTC_PERP, with_rules
from tests.mutation.execution_accesses import Act, fill, opening_deposit, opening_transfer
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.matching import ASK, MAKER, failing, one, resettle
from tests.mutation.script import Amend, Script, ScriptedTrace, add, inverse
from tests.mutation.stage import DAVE, EVE, MARK, SIZE, staged
from tests.tamper.forger import Forger

WORTH = from_limbs(staged().read(market_index(BTC_PERP))[MARKET_MARK : MARKET_MARK + 2]) * SIZE


def ruled(rules: dict[int, int]) -> Ledger:
    """The stage with other rules of BTC-PERP."""
    return with_rules(staged(), BTC_PERP, rules)


def drop(forger: Forger) -> None:
    """Eve's order meets no price and is dropped."""
    forger.order(EVE, BTC_PERP, True, 5, SIZE).discard()


def claim(trace: ScriptedTrace, worth: int) -> None:
    """The order is said to be worth this."""
    trace.amount(Kind.ORDER, one(worth))
    _rules(trace, trace.at(Step.ORDER_RULES), one(worth))


def revalue(trace: ScriptedTrace, size: int) -> None:
    """The order is worth as much as one of this size."""
    row = trace.at(Step.ORDER_MARKET)
    mark = integer_of(trace.old[MARKET_MARK : MARKET_MARK + 2, row])
    trace.wide_port(0, row, one(size))
    trace.notional(row, mark, one(size), product_port=2, carry_port=6)
    claim(trace, WORTH // SIZE * size)


def dear(worth: int, amend: Amend) -> Script:
    """Eve's order is one unit short of the minimum, and said to be worth more."""
    least = min(worth, WORTH + LIMB)
    return Script(
        drop,
        amend=both(lambda trace: claim(trace, worth), amend),
        ledger=partial(ruled, {RULES_MINIMUM: least}),
    )


def wrong_worth(k: int, claimed: bool) -> Script:
    """One more in limb k; claimed: as a product's limb."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.ORDER_MARKET)
        trace.port(2 + k, row, trace.columns[f"port{2 + k}"][row] + int(claimed))

    return dear(WORTH + (1 << (14 * k)), amend)


def wrapped_worth() -> Script:
    """A carry of the product is no small integer, so the limbs need not be the product's."""
    (a0, a1), (b0, b1) = ((value % LIMB, value // LIMB) for value in (WORTH // SIZE, SIZE))

    def carried(limb: int) -> int:
        """The middle carry, free mod P, that this second limb of the product leads to."""
        return (a0 * b1 + a1 * b0 + a0 * b0 // LIMB - limb) * inverse(LIMB) % P

    tops = {limb: (a1 * b1 + carried(limb)) % P for limb in range(LIMB)}
    limb, top = next((limb, top) for limb, top in tops.items() if 0 < top < LIMB**2)

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.ORDER_MARKET)
        for number, value in ((3, limb), (4, top % LIMB), (5, top // LIMB), (7, 0)):
            trace.port(number, row, one(value))
        trace.columns["scratch"][row] = carried(limb) * inverse(LIMB) % P

    return dear(a0 * b0 % LIMB + (limb << 14) + (top << 28), amend)


def worths() -> dict[str, Callable[[], Script]]:
    """Forgeries of what an order is worth, by label."""
    table: dict[str, Callable[[], Script]] = {
        "order_market: notional, high carry is 0, 1 or 2": wrapped_worth,
        "order_market: notional, limb 0": partial(wrong_worth, 0, True),
        "order_market: notional, limb 1": partial(wrong_worth, 1, True),
        "order_market: notional, limbs 2 and 3": partial(wrong_worth, 2, True),
        "order_rules: the order is worth the minimum": lambda: Script(
            drop, ledger=partial(ruled, {RULES_MINIMUM: WORTH + 1})
        ),
    }
    for k in range(4):
        table[f"order_market: notional limb {k} in range"] = partial(wrong_worth, k, False)
    return table


def unrestricted() -> Script:
    """Bob reduces what he is short of, in a market where all may only do that, and Eve comes to be short."""

    def act(forger: Forger) -> None:
        forger.order(BOB, BTC_PERP, True, MARK, SIZE, reduce_only=True).trade().filled()

    forgets = [setting(kind, EVERY, restricted=0) for kind in (Kind.MATCH, Kind.FILLED)]
    amend = both(*forgets, setting(Kind.MATCH, MAKER, reduce=0), resettle)
    return Script(act, amend=amend, ledger=partial(ruled, {RULES_STATUS: Status.REDUCE_ONLY}))


def statuses() -> dict[str, Callable[[], Script]]:
    """Forgeries of a market's status, by label."""
    halted = partial(ruled, {RULES_STATUS: Status.HALTED})
    active = both(*(setting(kind, EVERY, restricted=0) for kind in (Kind.ORDER, Kind.DISCARD)))
    return {
        "order_rules: status of the market": lambda: Script(drop, amend=active, ledger=halted),
        "order_rules: the market takes the order": lambda: Script(drop, ledger=halted),
        "register restricted is kept": unrestricted,
    }


def uncounted(*places: tuple[Kind, slice]) -> Script:
    """The market does not count Dave's first trade, as these rows pretend."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, MARK, SIZE)
        order.counts = False
        order.trade().filled()

    def amend(trace: ScriptedTrace) -> None:
        for kind, rows in places:
            for row in trace.rows(kind)[rows]:
                trace.columns["interest"][row] += SIZE

    return Script(act, amend=amend)


def interests() -> dict[str, Callable[[], Script]]:
    """Forgeries of the open interest, by label."""
    end, after = (Kind.FILLED, EVERY), (Kind.MATCH, slice(8, None))
    return {
        "order_rules: open interest": lambda: uncounted((Kind.ORDER, EVERY), (Kind.MATCH, EVERY), end),
        "match: open interest": lambda: uncounted(after, end),
        "register interest is kept": lambda: uncounted(end),
        "end_header: open interest is counted": uncounted,
        "order_rules: open interest within its cap": lambda: Script(fill, ledger=partial(ruled, {RULES_CAP: 10})),
    }


def diverse() -> Ledger:
    """As if Dave had as many open instruments as an account may have."""
    ledger, leaf = staged(), header_index(DAVE)
    header = list(ledger.read(leaf))
    header[HEADER_OPEN] = ACCOUNT_INSTRUMENTS
    ledger.store.load([(leaf, tuple(header), NO_SALT)])
    return ledger


def opening_rest(forger: Forger) -> None:
    """A first order of Dave."""
    forger.order(DAVE, BTC_PERP, True, 5, 3, policy=Policy.GOOD_TILL_TIME).rest()


def instruments() -> dict[str, Callable[[], Script]]:
    """Forgeries of the number of open instruments, by label."""
    table: dict[str, Callable[[], Script]] = {}
    cases: tuple[tuple[Step, int, int, Act], ...] = (
        (Step.DEPOSIT_HEADER, 0, 10, opening_deposit),
        (Step.TRANSFER_TO_HEADER, 0, 10, opening_transfer),
        (Step.FILL_HEADER, 1, 10, fill),
        (Step.END_HEADER, 0, 9, opening_rest),
    )
    for step, number, port, act in cases:

        def no_room(trace: ScriptedTrace, step: Step = step, number: int = number, port: int = port) -> None:
            trace.port(port, trace.at(step, number), one(0))

        name, hooks = step.name.lower(), {(step, number): add(HEADER_OPEN)}
        table[f"{name}: open instruments are counted"] = partial(Script, act, hooks)
        if step is not Step.FILL_HEADER:
            table[f"{name}: room for another instrument"] = partial(Script, act, amend=no_room, ledger=diverse)
    return table


def clearing(*kinds: Kind) -> Script:
    """Dave's order removes Eve's and neither trades nor rests; it is said to on rows of these kinds."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, ASK, SIZE).fail().discard()

    def amend(trace: ScriptedTrace) -> None:
        for kind in kinds:
            setting(kind, EVERY, achieved=1)(trace)
        trace.nonzero(trace.at(Step.MATCH_ORDER), one(1))

    return Script(act, amend=amend, ledger=failing)


def achievements() -> dict[str, Callable[[], Script]]:
    """Forgeries of what an order achieves, by label."""
    everywhere = (Kind.ORDER, Kind.FAIL, Kind.DISCARD)

    def asked(*kinds: Kind) -> Script:
        script = clearing(*everywhere)
        return replace(script, amend=both(script.amend, *(setting(kind, EVERY, asked=SIZE + 1) for kind in kinds)))

    return {
        "match_order: who clears the book trades or rests": clearing,
        "end_header: what is traded, and whether it rests": lambda: clearing(*everywhere),
        "register achieved is kept": lambda: clearing(Kind.FAIL),
        "order_market: lots asked for": lambda: asked(*everywhere),
        "register asked is kept": lambda: asked(Kind.DISCARD),
    }


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return worths() | statuses() | interests() | instruments() | achievements()
