"""Forgeries of orders: their numbers, the look at the best price, the place in the book, and the end."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import ACCOUNT_ORDERS, LIMIT_MAX, PRICE_MAX, SIZE_MAX
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    BALANCE_FUNDING,
    HEADER_MASK,
    HEADER_NONCE,
    HEADER_OPEN,
    HEADER_ORDERS,
    ORDER_EXPIRY,
    ORDER_NEXT,
    ORDER_NONCE,
    RULES_MAKER_FEE,
    RULES_MINIMUM,
    RULES_TAKER_FEE,
    TAG,
    SystemAccount,
    balance_index,
    header_index,
    key_index,
    market_index,
    rules_index,
    sentinel_index,
)
from circuits.steps import STEPS, Kind, Step
from circuits.transitions.order import NONCE, RESTING_PORTS
from state.accounts import balance_record
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.order import Order, Policy
from state.transitions.register import Register
from tests.batches import ALICE, BTC_PERP, ETH, ETH_PERP, LATE, USDC
from tests.mutation.execution_accesses import SHIFTED_FRANK, Act, as_shifted_frank, fill
from tests.mutation.execution_accounts import talkative
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.execution_rules import revalue, ruled
from tests.mutation.matching import RATES, one
from tests.mutation.script import (
    Amend,
    BentMemory,
    Hooks,
    Script,
    ScriptedTrace,
    add,
    nothing,
    skip,
    to,
    unchanged,
    write,
)
from tests.mutation.stage import (
    ALICES_ASK,
    ALICES_BID,
    BID,
    DAVE,
    EVE,
    EVES_BID,
    FRANK,
    FREE,
    LOW_BID,
    MARK,
    NOBODY,
    SIZE,
    staged,
)
from tests.tamper.forger import Forger

BIDS, ASKS = (sentinel_index(BTC_PERP, buys) for buys in (True, False))
NO_BIDS, NO_ASKS = (sentinel_index(ETH_PERP, buys) for buys in (True, False))
BIT = 1 << BTC_PERP
GOOD_TILL_TIME = Policy.GOOD_TILL_TIME


def drop(forger: Forger) -> None:
    """Eve's order meets no price and is dropped."""
    forger.order(EVE, BTC_PERP, True, 5, 3).discard()


def rest(forger: Forger) -> None:
    """Eve's order joins the book, behind all bids."""
    forger.order(EVE, BTC_PERP, True, 5, 3, policy=GOOD_TILL_TIME).rest()


def rest_last(forger: Forger) -> None:
    """A first order of Dave."""
    forger.order(DAVE, BTC_PERP, True, 5, 3, policy=GOOD_TILL_TIME).rest()


def place(limit: int, before: int, hooks: Hooks | None = None, amend: Amend = nothing) -> Script:
    """Dave's bid is placed behind the order at `before`."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, limit, 3, policy=GOOD_TILL_TIME).rest(before)

    return Script(act, hooks or {}, amend)


def free_of_charge(taker: int, amend: Amend) -> Script:
    """One party pays no fee."""
    element = RULES_TAKER_FEE if taker else RULES_MAKER_FEE

    def believe(trace: ScriptedTrace) -> None:
        trace.old[element][trace.at(Step.ORDER_RULES)] = 0

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(fees=(None, 0) if taker else (0, None)).filled()

    return Script(act, amend=amend, believe=believe)


def rate_falls(taker: int) -> Script:
    """The rate is read honestly, and 0 afterwards."""
    name = "taker_rate" if taker else "maker_rate"
    return free_of_charge(taker, setting(Kind.ORDER, EVERY, **{name: RATES[taker]}))


def without_bit() -> Script:
    """Dave's first position does not show in his header."""
    amends = [setting(kind, EVERY, bit=0) for kind in (Kind.ORDER, Kind.MATCH, Kind.FILLED)]
    return Script(fill, {(Step.FILL_HEADER, 1): add(HEADER_MASK, -BIT)}, both(*amends))


def unordered() -> Script:
    """An order that is none by its record joins the book."""
    amends = [setting(kind, EVERY, reduce=2) for kind in (Kind.ORDER, Kind.REST)]
    amends.append(setting(Kind.REST, EVERY, moment=-Script.time))
    return Script(rest, {Step.REST_ORDER: add(TAG, 2)}, both(*amends))


def numbers() -> dict[str, Callable[[], Script]]:
    """Forgeries of what an order says, by label."""

    def order(buys: bool, limit: int, size: int = SIZE, expiry: int = LATE) -> Callable[[], Script]:
        return lambda: Script(lambda f: f.order(DAVE, BTC_PERP, buys, limit, size, expiry=expiry).trade().filled())

    def on_spot(hooks: Hooks) -> Script:
        """Frank opens a book for ETH itself."""
        return Script(lambda f: f.order(FRANK, ETH, True, 1, 3).discard(), hooks)

    return {
        "order_market: index": lambda: on_spot({Step.ORDER_MARKET: to(market_index(BTC_PERP))}),
        "order_market: kind of record": lambda: on_spot({}),
        "order_market: bit of the market": without_bit,
        "order_market: reduce is boolean": unordered,
        "order_rules: index": lambda: Script(
            lambda f: f.order(DAVE, BTC_PERP, True, MARK, SIZE).trade().filled(),
            {Step.ORDER_RULES: to(rules_index(ETH_PERP))},
        ),
        "order_rules: maker rate": partial(free_of_charge, 0, nothing),
        "order_rules: taker rate": partial(free_of_charge, 1, nothing),
        "order_market: limit is at least 1": order(False, 0),
        "order_market: limit is below the sentinels": order(True, LIMIT_MAX + 1),
        "order_market: lots in range": lambda: Script(
            lambda f: f.order(DAVE, BTC_PERP, True, 5, SIZE_MAX + 1).discard(),
            amend=lambda trace: revalue(trace, 0),
            ledger=partial(ruled, {RULES_MINIMUM: 0}),
        ),
        "order_rules: at least one lot": lambda: Script(
            lambda f: f.order(DAVE, BTC_PERP, True, 5, 0).filled(), ledger=partial(ruled, {RULES_MINIMUM: 0})
        ),
        "order_rules: not expired": order(True, MARK, expiry=99),
        "order_rules: expiry in range": order(True, MARK, expiry=1 << 28),
        "register maker_rate is kept": partial(rate_falls, 0),
        "register taker_rate is kept": partial(rate_falls, 1),
    }


def order_of_nothing() -> Script:
    """An order of which nothing is left joins the book, where nobody gets past it."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE + 7, policy=GOOD_TILL_TIME).trade().trade().rest(placed=0)

    traded = [setting(kind, EVERY, achieved=SIZE + 7) for kind in (Kind.ORDER, Kind.MATCH, Kind.REST)]
    return Script(act, {Step.END_BASE: skip}, both(*traded, setting(Kind.REST, EVERY, placed=0, opened=0)))


def blind(act: Act, hooks: Hooks, amend: Amend = nothing) -> Script:
    """The order at which the taker looks is not the best."""
    return Script(act, {Step.BEST_ORDER: to(NO_BIDS), **hooks}, amend)


def untraded(forger: Forger) -> None:
    """Dave's order crosses, and is dropped."""
    forger.order(DAVE, BTC_PERP, True, MARK, SIZE).discard()


def best() -> dict[str, Callable[[], Script]]:
    """Forgeries of the look at the best price, by label."""
    fill_or_kill = Policy.FILL_OR_KILL
    return {
        "an order with lots left looks at the best": lambda: Script(
            lambda f: f.order(DAVE, BTC_PERP, True, MARK, SIZE).filled()
        ),
        "best_head: index": lambda: blind(untraded, {Step.BEST_HEAD: to(NO_ASKS)}),
        "best_head: the best is the head": lambda: blind(untraded, {}, setting(Kind.DISCARD, EVERY, head=NO_BIDS)),
        "best_head: the order need not be whole": lambda: Script(
            lambda f: f.order(DAVE, BTC_PERP, True, 5, 3, policy=fill_or_kill).discard()
        ),
        "best_head: lots are left": order_of_nothing,
        "best_order: index": lambda: blind(untraded, {}),
        "best_order: out of reach": lambda: Script(untraded),
        "register head is kept": lambda: blind(untraded, {}, setting(Kind.DISCARD, slice(1, None), head=NO_BIDS)),
    }


def behind_a_key() -> Script:
    """An account's key is taken for the last bid."""

    def act(forger: Forger) -> None:
        forger.apply(Register(NOBODY, (ASKS, PRICE_MAX, 0, 0, 0, 2 * BTC_PERP + 1, 0)))
        forger.order(DAVE, BTC_PERP, True, 5, 3, policy=GOOD_TILL_TIME).rest(key_index(NOBODY))

    return Script(act)


def cuts_the_list() -> Script:
    """The new order is the only bid."""
    hooks = {Step.REST_SUCCESSOR: to(ASKS), Step.REST_ORDER: add(ORDER_NEXT, ASKS - EVES_BID)}
    return place(5, BIDS, hooks, setting(Kind.REST, slice(2, None), head=ASKS))


def at_leaf(leaf: int, act: Act | None = None) -> Script:
    """The order is written there, and the list points there."""

    def rest_there(forger: Forger) -> None:
        forger.order(EVE, BTC_PERP, True, LOW_BID + 5, 3, policy=GOOD_TILL_TIME).rest(leaf=leaf)

    return Script(act or rest_there)


def beside() -> Script:
    """The order is written to another leaf than the list points at."""

    def hook(memory: BentMemory, step: Step, index: int, old: object, new: tuple[int, ...]) -> int:
        return memory.access(step, FREE + 1, new)

    return Script(rest, {Step.REST_ORDER: hook})


def places() -> dict[str, Callable[[], Script]]:
    """Forgeries of an order's place and record, by label."""
    table: dict[str, Callable[[], Script]] = {
        "rest_predecessor: the predecessor is an order": behind_a_key,
        "rest_predecessor: the predecessor is of the same list": lambda: place(5, NO_BIDS),
        "rest_predecessor: what follows": cuts_the_list,
        "rest_predecessor: the new order comes next": lambda: place(
            5, ALICES_BID, {Step.REST_PREDECESSOR: unchanged}, setting(Kind.REST, slice(2, None), after=FREE)
        ),
        "rest_predecessor: not before a better price": lambda: place(BID + 5, EVES_BID),
        "rest_successor: index": lambda: place(LOW_BID + 5, BIDS, {Step.REST_SUCCESSOR: to(ALICES_BID)}),
        "rest_successor: before every worse price": lambda: place(BID, BIDS),
        "rest_order: index": beside,
        "rest_order: the leaf is free": lambda: at_leaf(ALICES_ASK),
        "rest_order: the leaf is one for orders": lambda: at_leaf(header_index(NOBODY)),
        "register expiry is kept": lambda: Script(
            rest, {Step.REST_ORDER: add(ORDER_EXPIRY)}, setting(Kind.REST, slice(4, None), expiry=LATE + 1)
        ),
        "register reduce is kept": lambda: Script(
            rest,
            {Step.REST_ORDER: add(TAG)},
            both(setting(Kind.REST, slice(4, None), reduce=1), setting(Kind.REST, EVERY, moment=0)),
        ),
        "register rests is kept": lambda: Script(rest, amend=setting(Kind.ORDER, EVERY, rests=0)),
        "register whole is kept": lambda: Script(rest, amend=setting(Kind.ORDER, EVERY, whole=1)),
    }
    for k in range(8):
        table[f"rest_order: new element {k}"] = partial(Script, rest, {Step.REST_ORDER: add(k)})
    return table


def crowded() -> Ledger:
    """As if Eve had as many orders as an account may have."""
    ledger = staged()
    header = ledger.read(header_index(EVE))
    old = (*header[:HEADER_ORDERS], ACCOUNT_ORDERS, *header[HEADER_ORDERS + 1 :])
    ledger.store.load([(header_index(EVE), old, NO_SALT)])
    return ledger


def key_as_taker() -> Script:
    """Frank orders with his ETH as quote."""

    def act(forger: Forger) -> None:
        forger.order(FRANK, BTC_PERP, True, 5, 3).discard()

    amends = [setting(kind, EVERY, account=SHIFTED_FRANK) for kind in (Kind.ORDER, Kind.DISCARD)]
    hooks = {Step.END_HEADER: as_shifted_frank(()), Step.END_BASE: as_shifted_frank((USDC, BTC_PERP))}
    return Script(act, hooks, both(*amends), omit=range(4))


def unaffordable(forger: Forger) -> None:
    """An order that Eve's margin does not cover."""
    forger.order(EVE, BTC_PERP, True, 5, 200_000, policy=GOOD_TILL_TIME).rest()


def not_counted() -> Script:
    """The order rests, and neither it nor its lots are counted."""

    def act(forger: Forger) -> None:
        forger.order(EVE, BTC_PERP, True, 5, 3, policy=GOOD_TILL_TIME).rest(placed=0)

    nothing_achieved = [setting(kind, EVERY, achieved=0) for kind in (Kind.ORDER, Kind.REST)]
    return Script(act, {Step.END_BASE: skip}, both(*nothing_achieved, setting(Kind.REST, EVERY, placed=0, opened=0)))


def counted_for_nothing() -> Script:
    """Dave's order trades all it has; it is counted as if it rested, and is in no book."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade().rest()

    return Script(act, {step: skip for step in STEPS[Kind.REST] if step < Step.END_HEADER})


def ends() -> dict[str, Callable[[], Script]]:
    """Forgeries of an order's end, by label."""
    header, base, dave = Step.END_HEADER, Step.END_BASE, Order(DAVE, BTC_PERP, True, 1, 1, LATE)
    hide = add(HEADER_MASK, -BIT)
    return {
        "end_header: index": lambda: Script(drop, {header: to(header_index(DAVE))}, ledger=partial(staged, dave)),
        "end_header: kind of record": key_as_taker,
        "end_header: nonce": lambda: Script(drop, {header: add(HEADER_NONCE)}),
        "end_header: sender is a trader": lambda: Script(
            lambda f: f.order(SystemAccount.FEE, BTC_PERP, True, 5, 3).discard()
        ),
        "end_header: nonce within its bound": lambda: Script(drop, ledger=partial(talkative, EVE)),
        "end_header: resting orders are counted": lambda: Script(drop, {header: add(HEADER_ORDERS)}),
        "end_header: mask register": lambda: Script(
            unaffordable, amend=setting(Kind.REST, EVERY, mask=1), omit=(BTC_PERP,)
        ),
        "end_header: open instruments": lambda: Script(drop, {header: hide}),
        "end_header: what is left rests if it shall": not_counted,
        "end_header: nothing opens but for an order that rests": lambda: Script(
            dropped, {header: write(open_unused)}, setting(Kind.DISCARD, EVERY, opened=1)
        ),
        "end_header: nothing does not rest": counted_for_nothing,
        "end_header: nonce of the order": lambda: Script(
            rest, {Step.REST_ORDER: add(ORDER_NONCE)}, off_by_one(Kind.REST, NONCE)
        ),
        "end_header: room for another order": lambda: Script(
            rest, amend=lambda trace: trace.port(0, trace.at(header), one(0)), ledger=crowded
        ),
        "end_base: index": lambda: Script(rest, {base: to(balance_index(ALICE, BTC_PERP))}),
        "end_base: resting bids": lambda: Script(rest, {base: add(BALANCE_BIDS)}),
        "end_base: resting asks": lambda: Script(rest, {base: add(BALANCE_ASKS)}),
        "end_base: bids fit a margin check": partial(uncountable, True),
        "end_base: asks fit a margin check": partial(uncountable, False),
    }


def laden(buys: bool) -> Ledger:
    """Alice has as many lots resting as a margin check can count, a position that offsets some, and the means."""
    ledger, sign = staged(), 1 if buys else -1
    rich, resting = balance_record(10**15), ((0, SIZE_MAX), (SIZE_MAX, 0))[buys]
    balance = balance_record(-10 * sign, *resting, ledger.read(balance_index(ALICE, BTC_PERP))[BALANCE_FUNDING])
    ledger.store.load([(balance_index(ALICE, USDC), rich, NO_SALT), (balance_index(ALICE, BTC_PERP), balance, NO_SALT)])
    return ledger


def uncountable(buys: bool) -> Script:
    """Three lots more come to rest on that side."""

    def amend(trace: ScriptedTrace) -> None:
        for port in RESTING_PORTS.values():
            trace.wide_port(port, trace.at(Step.END_BASE), one(0))

    def act(forger: Forger) -> None:
        forger.order(ALICE, BTC_PERP, buys, 5 if buys else LIMIT_MAX, 3, policy=GOOD_TILL_TIME).rest()

    return Script(act, amend=amend, ledger=partial(laden, buys))


def dropped(forger: Forger) -> None:
    """A first order of Dave meets no price and is dropped."""
    forger.order(DAVE, BTC_PERP, True, 5, 3).discard()


def open_unused(header: list[int]) -> None:
    """The market joins the open instruments."""
    header[HEADER_MASK] += BIT
    header[HEADER_OPEN] += 1


def off_by_one(kind: Kind, name: str) -> Amend:
    """Amend: a register is one more on all rows of the kind."""

    def amend(trace: ScriptedTrace) -> None:
        for row in trace.rows(kind):
            trace.columns[name][row] += 1

    return amend


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return numbers() | best() | places() | ends()
