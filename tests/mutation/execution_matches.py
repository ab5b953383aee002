"""Forgeries of what an order meets: the order at the head, the outcome, and the parties."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import LIMB
from circuits.buses import Tier
from circuits.execution import CARRY_OFFSET
from circuits.field import P
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    HEADER_MASK,
    HEADER_ORDERS,
    ORDER_LEFT,
    ORDER_NEXT,
    Record,
    balance_index,
    header_index,
    sentinel_index,
)
from circuits.steps import Kind, Step
from circuits.transitions.match import BEYOND_PORT, BUYS, IS_TAKER, LEFT, LIMIT, REDUCES_PORT
from prover.traces.match import _party
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from tests.batches import ALICE, BOB, BTC_PERP, ETH, ETH_PERP, LATE, USDC
from tests.mutation.execution_accesses import fill, shared, visiting
from tests.mutation.execution_registers import both, setting
from tests.mutation.matching import (
    ASK,
    BEFORE,
    LARGE,
    MAKER,
    NOTIONAL,
    RATES,
    TAKER,
    expiring,
    fail,
    failing,
    growing,
    one,
    reducing,
    registers,
    reprice,
    resettle,
    resize,
    sell,
    skip_expired,
)
from tests.mutation.script import (
    Amend,
    BentMemory,
    Hook,
    Hooks,
    Script,
    ScriptedTrace,
    add,
    pointing,
    skip,
    to,
    unchanged,
    write,
)
from tests.mutation.stage import ALICES_ASK, BID, DAVE, EVE, EVES_ASK, FRANK, MARK, SIZE, staged
from tests.tamper.forger import Forger
from tests.tamper.order_forger import EXPIRED, GROWING, OWN

BIDS, ASKS = (sentinel_index(BTC_PERP, buys) for buys in (True, False))
PARTY = (Step.FILL_HEADER, Step.FILL_BASE, Step.FILL_QUOTE, Step.FILL_FEE)
BIT = 1 << BTC_PERP
HOLDS = 7_655  # lots of Alice's, on the stage


def keep(*elements: int) -> Hook:
    """Hook: these elements of the record stay as they are."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        kept = [old[k] if k in elements else new[k] for k in range(len(new))]
        return memory.access(step, index, tuple(kept))

    return hook


def write_to(element: int, value: int) -> Hook:
    """Hook: an element of the new record is this."""

    def change(record: list[int]) -> None:
        record[element] = value

    return write(change)


def part(forger: Forger) -> None:
    """Dave takes two of Eve's lots."""
    forger.order(DAVE, BTC_PERP, True, MARK, 2).trade().filled()


def underpaid(amend: Amend) -> Script:
    """Dave pays less than the maker's price."""
    price = MARK - 10

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(notional=price * SIZE).filled()

    return Script(act, amend=both(lambda trace: reprice(trace, price), amend))


def heads() -> dict[str, Callable[[], Script]]:
    """Forgeries of what the sentinel points at, by label."""
    ahead = pointing(EVES_ASK)

    def post_only(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE, policy=Policy.POST_ONLY).trade().filled()

    def take_alices(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, 7).trade(head=ALICES_ASK).filled()

    return {
        "match_head: index": lambda: Script(take_alices, {Step.MATCH_HEAD: ahead}),
        "match_head: the head is met": lambda: Script(
            take_alices, amend=setting(Kind.MATCH, slice(0, 2), head=ALICES_ASK)
        ),
        "match_head: what is first afterwards": lambda: Script(
            fill, {Step.MATCH_HEAD: unchanged}, setting(Kind.MATCH, slice(None), after=ALICES_ASK)
        ),
        "match_head: a post-only order meets nothing": lambda: Script(post_only),
        "match_head: limbs of the price": partial(underpaid, lambda trace: None),
        "match_order: price of the maker": partial(underpaid, setting(Kind.MATCH, slice(None), price=MARK - 10)),
        "register price is kept": partial(underpaid, setting(Kind.MATCH, slice(0, 1), price=MARK - 10)),
        "register post is kept": lambda: Script(post_only, amend=setting(Kind.MATCH, slice(None), post=0)),
    }


def another_order() -> Script:
    """Eve's order is at the head, and Alice's is met."""
    hooks: Hooks = {Step.MATCH_HEAD: unchanged}
    return Script(lambda f: f.order(DAVE, BTC_PERP, True, MARK, 2).trade(head=ALICES_ASK).filled(), hooks)


def too_much() -> Script:
    """Dave buys more than Eve's order has left; she has more orders."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, 7).trade(7, removed=True).filled()

    more = partial(staged, Order(EVE, BTC_PERP, False, MARK + 10, 10, LATE))
    return Script(act, amend=lambda trace: resize(trace, [7], [0], [0]), ledger=more)


def beyond_the_order() -> Script:
    """Dave buys more than he ordered."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, ASK, 2).trade(SIZE).discard()

    ledger = partial(staged, Order(EVE, BTC_PERP, False, ASK, SIZE, LATE))
    return Script(act, amend=lambda trace: resize(trace, [SIZE], [0], [0]), ledger=ledger)


def in_parts() -> Script:
    """Two trades where one would do; so fees are rounded up twice."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(2).trade(3).filled()

    return Script(act, amend=lambda trace: resize(trace, [2, 3], [3, 0], [3, 0]))


def wide_size() -> Script:
    """The lower limb of the size is negative, the upper one makes up for it, and the product is another one."""
    price, high, notional = wide_product()

    def act(forger: Forger) -> None:
        forger.order(DAVE, ETH_PERP, True, price, SIZE).trade(notional=notional).filled()

    def amend(trace: ScriptedTrace) -> None:
        low = SIZE - high * LIMB
        trace.registers(Kind.MATCH, size0=low, size1=high)
        trace.amount(Kind.MATCH, one(notional))
        trace.port(2, trace.at(Step.MATCH_ORDER), one(0))
        trace.port(3, trace.at(Step.MATCH_ORDER), one(high))
        head, low_carry, middle = trace.at(Step.MATCH_HEAD), *wide_carries(price, high)
        for k in range(4):
            trace.port(2 + k, head, one(notional >> (14 * k) & (LIMB - 1)))
        trace.port(6, head, one(low_carry))
        trace.port(7, head, one(middle % LIMB))
        trace.columns["scratch"][head] = middle // LIMB
        resettle(trace)

    return Script(act, amend=amend, ledger=partial(staged, Order(EVE, ETH_PERP, False, price, SIZE, LATE)))


def wide_carries(price: int, high: int) -> tuple[int, int]:
    """The carries of price * size whose limbs are SIZE - high * LIMB and high, mod P."""
    a0, a1, low = price % LIMB, price // LIMB, SIZE - high * LIMB
    carry = (a0 * low % P) // LIMB
    return carry, (a0 * high + a1 * low + carry) % P // LIMB


def wide_product() -> tuple[int, int, int]:
    """A price of one limb, the size's upper limb, and the notional that then passes for the product."""
    for price in range(1, LIMB):
        for high in range(1, CARRY_OFFSET + 1):
            first, (carry, middle) = price * (SIZE - high * LIMB) % P, wide_carries(price, high)
            if first < LIMB**2:
                return price, high, first % LIMB + ((price * high + carry) % LIMB << 14) + (middle << 28)
    raise AssertionError("no price will do")


def met() -> dict[str, Callable[[], Script]]:
    """Forgeries of the order that is met, by label."""

    def cheap(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK - 10, SIZE).trade().filled()

    def stays(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(removed=False).filled()

    def vanishes(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, 2).trade(removed=True).filled()

    table: dict[str, Callable[[], Script]] = {
        "match_order: index": another_order,
        "match_order: price within the limit": lambda: Script(cheap),
        "match_order: size limb 0 in range": wide_size,
        "match_order: lots of the maker": lambda: Script(
            skip_expired,
            {Step.SKIP_BASE: add(BALANCE_ASKS, SIZE)},
            setting(Kind.SKIP, slice(None), maker_left=1),
            ledger=expiring,
        ),
        "match_order: rest of the maker": too_much,
        "match_order: rest of the taker": beyond_the_order,
        "match_order: one of them has no rest": in_parts,
        "match_order: what follows becomes first": lambda: Script(fill, {Step.MATCH_HEAD: write_to(ORDER_NEXT, BIDS)}),
        "match_order: an order without lots does not stay": lambda: Script(stays),
        "match_order: what trades stays with its rest": lambda: Script(vanishes),
        "register after is kept": lambda: Script(
            fill,
            {Step.MATCH_HEAD: write_to(ORDER_NEXT, BIDS)},
            setting(Kind.MATCH, slice(1, None), after=ALICES_ASK),
        ),
        "register removed is kept": lambda: Script(
            fill, {(Step.FILL_HEADER, 0): keep(HEADER_ORDERS)}, setting(Kind.MATCH, slice(2, None), removed=0)
        ),
        "register maker_left is kept": lambda: Script(
            skip_expired,
            {Step.SKIP_BASE: add(BALANCE_ASKS, SIZE)},
            setting(Kind.SKIP, slice(2, None), maker_left=1),
            ledger=expiring,
        ),
    }
    for k in range(8):
        table[f"match_order: element {k} afterwards"] = partial(Script, part, {Step.MATCH_ORDER: add(k)})
    return table


def two_reasons() -> Script:
    """An order that is expired and fails adds its lots to the taker's."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, MARK, SIZE).skip(EXPIRED)
        order.left += SIZE
        order.trade().trade().filled()

    def amend(trace: ScriptedTrace) -> None:
        setting(Kind.SKIP, slice(None), fails=1)(trace)
        setting(Kind.SKIP, slice(2, None), **{LEFT: 2 * SIZE})(trace)
        trace.nonzero(trace.at(Step.SKIP_HEADER), one(2 * SIZE))

    return Script(act, amend=amend, ledger=partial(staged, Order(EVE, BTC_PERP, False, ASK, SIZE, 80)))


def stays_in_the_way() -> Script:
    """An expired order stays with a part of its lots; the next time it goes."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, ASK, SIZE)
        order.skip(EXPIRED).skip(EXPIRED).discard()

    def amend(trace: ScriptedTrace) -> None:
        registers(trace, trace.rows(Kind.SKIP), removed=0)
        trace.nonzero(trace.at(Step.MATCH_ORDER), one(6 - SIZE))

    hooks: Hooks = {(Step.MATCH_HEAD, 0): unchanged, (Step.MATCH_ORDER, 0): write_rest}
    return Script(act, hooks, amend, ledger=expiring)


def write_rest(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
    """Hook: the order stays with what SIZE leaves of it."""
    return memory.access(step, index, (*old[:ORDER_LEFT], old[ORDER_LEFT] - SIZE, *old[ORDER_LEFT + 1 :]))


def trade_expired(amend: Amend, size: int = SIZE) -> Script:
    """Dave trades with Eve's expired order."""
    return Script(lambda f: f.order(DAVE, BTC_PERP, True, ASK, size).trade().filled(), amend=amend, ledger=expiring)


def negative_reason() -> Script:
    """Two reasons cancel each other, and the expired order trades."""

    def amend(trace: ScriptedTrace) -> None:
        setting(Kind.MATCH, slice(None), expired=1, growing=-1)(trace)
        row = trace.at(Step.MATCH_ORDER)
        trace.wide_port(8, row, one(100 - 80 - 1))

    return trade_expired(amend, 3)  # as many as are left of Eve's


def lots_vanish() -> Script:
    """The expired order fails -1 times: it goes, and takes the taker's lots along."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, MARK, 8).skip(EXPIRED)
        order.left -= 6
        order.trade().filled()

    def amend(trace: ScriptedTrace) -> None:
        setting(Kind.SKIP, slice(None), fails=-1)(trace)
        setting(Kind.SKIP, slice(2, None), **{LEFT: 2})(trace)
        trace.nonzero(trace.at(Step.SKIP_HEADER), one(2))

    return Script(act, amend=amend, ledger=expiring)


def outcomes() -> dict[str, Callable[[], Script]]:
    """Forgeries of why an order goes or stays, by label."""

    def skip_live(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, ASK, SIZE).skip(OWN).discard()

    alive = partial(staged, Order(EVE, BTC_PERP, False, ASK, SIZE, LATE))
    return {
        "match_order: growing is boolean": negative_reason,
        "match_order: fails is boolean": lots_vanish,
        "match_order: at most one reason": two_reasons,
        "match_order: what does not trade goes": stays_in_the_way,
        "match_order: an own order is the taker's": lambda: Script(skip_live, ledger=alive),
        "match_order: expired or not": partial(trade_expired, lambda trace: None),
        "register fails is kept": fails_later,
        "register growing is kept": lambda: Script(
            lambda f: f.order(DAVE, BTC_PERP, True, ASK, SIZE, policy=Policy.GOOD_TILL_TIME).skip(GROWING).rest(),
            amend=setting(Kind.SKIP, slice(2, None), growing=0),
            ledger=alive,
        ),
    }


def fails_later() -> Script:
    """Eve's check fails, but her order is said to trade: it stays, and Dave is told that he has what he wanted."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, ASK, SIZE).fail()
        order.left = 0
        order.filled()

    def amend(trace: ScriptedTrace) -> None:
        setting(Kind.FAIL, slice(0, 2), fails=0)(trace)
        setting(Kind.FAIL, slice(None), removed=0)(trace)
        setting(Kind.FAIL, slice(2, None), **{LEFT: 0})(trace)
        trace.nonzero(trace.at(Step.MATCH_ORDER), one(LARGE - SIZE))

    hooks: Hooks = {
        Step.MATCH_HEAD: unchanged, Step.MATCH_ORDER: write_rest, (Step.FILL_HEADER, 0): keep(HEADER_ORDERS),
    }  # fmt: skip
    return Script(act, hooks, amend, ledger=failing)


def unaffordable() -> Script:
    """Eve's new position is in her header, but not in the margin check."""
    ledger = partial(staged, Order(EVE, BTC_PERP, False, ASK, 60_000, LATE), SetPrice(BTC_PERP, 9_000_000, 70))
    hooks: Hooks = {(Step.FILL_QUOTE, 0): visiting(EVE, (USDC,))}

    def act(forger: Forger) -> None:
        forger.omit = range(4)
        order = forger.order(FRANK, BTC_PERP, True, ASK, SIZE).trade()
        forger.omit = ()
        order.filled()

    hooks = {**hooks, (Step.FILL_QUOTE, 1): visiting(FRANK, (USDC, ETH, BTC_PERP))}
    return Script(act, hooks, setting(Kind.MATCH, MAKER, mask=1), ledger=ledger)


def fills() -> dict[str, Callable[[], Script]]:
    """Forgeries of the parties' steps, by label."""
    header, base = Step.FILL_HEADER, Step.FILL_BASE
    daves = partial(staged, Order(DAVE, BTC_PERP, True, 1, 1, LATE))

    def grow(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE, reduce_only=True).trade().filled()

    def own(forger: Forger) -> None:
        forger.order(EVE, BTC_PERP, True, MARK, SIZE).trade().filled()

    def nothing_fails(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, ASK, SIZE).trade().fail().filled()

    return {
        "fill_header: index": lambda: Script(fill, {(header, 0): to(header_index(DAVE))}, ledger=daves),
        "fill_header: resting orders are counted": lambda: Script(fill, {(header, 0): add(HEADER_ORDERS)}),
        "fill_header: mask register": unaffordable,
        "fill_header: open instruments": lambda: Script(fill, {(header, 0): add(HEADER_MASK, -BIT)}),
        "fill_header: not with itself": lambda: Script(own),
        "fill_base: index": lambda: Script(fill, {(base, 0): to(balance_index(ALICE, BTC_PERP))}),
        "fill_base: resting bids": lambda: Script(fill, {(base, 0): add(BALANCE_BIDS)}),
        "fill_base: resting asks": lambda: Script(fill, {(base, 0): add(BALANCE_ASKS)}),
        "fill_base: sign of the position": wrong_sign,
        "fill_base: a reduce-only order does not grow": lambda: Script(grow),
        "fill_quote: index": lambda: shared(Step.FILL_QUOTE, balance_index(FRANK, USDC), fill),
        "fill_quote: price and size are not 0": lambda: Script(
            nothing_fails,
            ledger=partial(
                staged, BEFORE, Order(EVE, BTC_PERP, False, ASK, LARGE, LATE), SetPrice(BTC_PERP, 9_000_000, 70)
            ),
        ),
        "fill_fee: index": lambda: shared(Step.FILL_FEE, balance_index(DAVE, USDC), fill),
        "register side is kept": gift_to_maker,
        "register phase is kept": partial(maker_alone, slice(5, 6)),
        "register other_reduce is kept": lambda: Script(
            grow, amend=both(setting(Kind.MATCH, slice(5, 6), other_reduce=0), reduce_forgotten)
        ),
        "match: the taker's order waits": lambda: Script(
            grow, amend=both(setting(Kind.MATCH, MAKER, other_reduce=0), reduce_forgotten)
        ),
        "match: the taker's order is at hand": lambda: Script(grow, amend=reduce_forgotten),
    }


def wrong_sign() -> Script:
    """A long position counts as a short one, so that a reduce-only order that buys does not seem to grow it."""

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE, reduce_only=True).trade().filled()

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.FILL_BASE, 1)
        trace.columns["scratch"][row] = 1
        trace.wide_port(BEYOND_PORT, row, one(LIMB * LIMB - SIZE))
        trace.port(REDUCES_PORT, row, one(1))
        setting(Kind.MATCH, TAKER, moment=0)(trace)
        setting(Kind.MATCH, slice(8, 9), tier=int(Tier.MAINTENANCE))(trace)

    return Script(act, amend=amend)


def reduce_forgotten(trace: ScriptedTrace) -> None:
    """Amend: when the taker is at hand again, its order is not reduce-only."""
    setting(Kind.MATCH, TAKER, reduce=0)(trace)
    setting(Kind.FILLED, slice(None), reduce=0)(trace)


def gift_to_maker() -> Script:
    """The maker buys, and is paid too."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.FILL_QUOTE)
        trace.register(BUYS, row, 0)
        limbs = [trace.columns[f"amount{k}"][row] for k in range(4)]
        trace.change(row, [*(limbs[k] - trace.columns[f"fee{k}"][row] for k in range(3)), limbs[3]])

    return Script(sell, {(Step.FILL_QUOTE, 0): gained(2 * BID * SIZE)}, amend)


def gained(change: int) -> Hook:
    """Hook: the new amount is off by this."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        value = sum(part << (14 * k) for k, part in enumerate(new[:4])) + change
        return memory.access(step, index, (*(value >> (14 * k) & (LIMB - 1) for k in range(4)), *new[4:]))

    return hook


def maker_alone(rows: slice) -> Script:
    """The match ends after its maker, who is taken for the taker from then on."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade()
        order.account, order.buys = EVE, False
        order.filled()

    hooks: Hooks = {(step, 1): skip for step in PARTY}
    ends = setting(Kind.FILLED, slice(None), **{"account": EVE, BUYS: 0})
    return Script(act, hooks, both(setting(Kind.MATCH, rows, **{IS_TAKER: 1}), ends))


def removals() -> dict[str, Callable[[], Script]]:
    """Forgeries of orders that fail or are skipped, by label."""
    quote, base = Step.UNDO_QUOTE, Step.UNDO_BASE
    header, lots = Step.SKIP_HEADER, Step.SKIP_BASE

    def failed(hooks: Hooks) -> Callable[[], Script]:
        return lambda: Script(fail, hooks, ledger=failing)

    def skipped(hooks: Hooks, amend: Amend = lambda trace: None) -> Callable[[], Script]:
        return lambda: Script(skip_expired, hooks, amend, ledger=expiring)

    def done(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, ASK, SIZE).trade().skip(EXPIRED).filled()

    def skip_growing(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, ASK, SIZE, policy=Policy.GOOD_TILL_TIME).skip(GROWING).rest()

    alive = partial(staged, Order(EVE, BTC_PERP, False, ASK, SIZE, LATE))
    expires_next = partial(staged, BEFORE, Order(EVE, BTC_PERP, False, ASK, 6, 80))
    return {
        "undo_quote: index": failed({quote: to(balance_index(FRANK, USDC))}),
        "undo_base: index": failed({base: to(balance_index(ALICE, BTC_PERP))}),
        "undo_base: resting bids": failed({base: add(BALANCE_BIDS)}),
        "undo_base: resting asks": failed({base: add(BALANCE_ASKS)}),
        "skip_header: index": skipped({header: to(header_index(ALICE))}),
        "skip_header: resting orders are counted": skipped({header: add(HEADER_ORDERS)}),
        "skip_header: nothing opens": skipped(
            {header: add(HEADER_MASK, -BIT)}, setting(Kind.SKIP, slice(2, None), opened=-1)
        ),
        "skip_header: open instruments": skipped({header: add(HEADER_MASK, -BIT)}),
        "skip_header: the taker has lots left": lambda: Script(done, ledger=expires_next),
        "skip_base: index": skipped({lots: to(balance_index(ALICE, BTC_PERP))}),
        "skip_base: resting bids": skipped({lots: add(BALANCE_BIDS)}),
        "skip_base: resting asks": skipped({lots: add(BALANCE_ASKS)}),
        "skip_base: only a reduce-only order may not grow": lambda: Script(skip_growing, ledger=alive),
        "skip_base: it would grow": lambda: Script(skip_growing, ledger=reducing),
        "skip_base: flip is boolean": lambda: Script(
            skip_growing, amend=would_grow(0, 2_000, 2_000 * (SIZE - 1) - HOLDS), ledger=reducing
        ),
        "skip_base: sign of the position": lambda: Script(
            skip_growing, amend=would_grow(1, 0, LIMB * LIMB - HOLDS), ledger=reducing
        ),
        "match: the maker's order is as it is": lambda: Script(
            lambda f: f.order(DAVE, BTC_PERP, True, ASK, SIZE).trade().filled(),
            amend=setting(Kind.MATCH, MAKER, reduce=0),
            ledger=growing,
        ),
    }


def would_grow(negative: int, flips: int, beyond: int) -> Amend:
    """Amend: the sign, the flip and the distance by which a skipped order is said to grow."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.SKIP_BASE)
        trace.columns["scratch"][row] = negative
        trace.port(2, row, one(flips))
        trace.wide_port(0, row, one(beyond))

    return amend


def other_maker() -> Script:
    """Eve's order is met, and Alice sells."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, MARK, SIZE)
        order.maker = ALICE
        order.trade().filled()

    return Script(act, amend=both(setting(Kind.MATCH, MAKER, account=ALICE), resettle))


def other_taker(named: bool) -> Script:
    """Dave orders, and Bob trades; named: the maker's rows say so."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, MARK, SIZE)
        order.account = BOB
        order.trade().filled()

    amends = [setting(Kind.MATCH, TAKER, account=BOB), setting(Kind.FILLED, slice(None), account=BOB)]
    if named:
        amends.append(setting(Kind.MATCH, MAKER, other=BOB))
    return Script(act, amend=both(*amends, resettle))


def sides(maker_buys: bool, taker_buys: bool) -> Script:
    """The parties are not on the sides on which they should be."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, MARK, SIZE)
        order.sides = maker_buys, taker_buys
        order.trade()
        order.buys = taker_buys
        order.filled()

    maker, taker = ({BUYS: int(buys)} for buys in (maker_buys, taker_buys))
    amends = setting(Kind.MATCH, MAKER, **maker), setting(Kind.MATCH, TAKER, **taker)
    return Script(act, amend=both(*amends, setting(Kind.FILLED, slice(None), **taker), resettle))


def keeps_its_lots() -> Script:
    """Dave's order has as much left after a trade as before."""

    def act(forger: Forger) -> None:
        order = forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade()
        order.left = SIZE
        order.trade().filled()

    return Script(act, amend=lambda trace: registers(trace, trace.rows(Kind.MATCH)[2:], **{LEFT: SIZE}))


def maker_as_taker() -> Script:
    """The maker is taken for the taker from the start: it pays the taker's fee, and its order is not counted."""

    def act(forger: Forger) -> None:
        fee = -(-NOTIONAL * RATES[1] // 10**6)
        order = forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(fees=(fee, None))
        order.account, order.buys = EVE, False
        order.filled()

    hooks: Hooks = {(step, 1): skip for step in PARTY}
    hooks = {**hooks, (Step.FILL_HEADER, 0): keep(HEADER_ORDERS), (Step.FILL_BASE, 0): keep(BALANCE_ASKS)}
    ends = setting(Kind.FILLED, slice(None), **{"account": EVE, BUYS: 0})

    def amend(trace: ScriptedTrace) -> None:
        setting(Kind.MATCH, MAKER, **{IS_TAKER: 1})(trace)
        _party(trace, Kind.MATCH, trace.rows(Kind.MATCH)[MAKER], 1)
        ends(trace)

    return Script(act, hooks, amend)


def three_parties() -> Script:
    """Dave counts as a second maker, and a third party sells to him once more."""
    resting = Order(DAVE, BTC_PERP, True, 5, 10, LATE)

    def act(forger: Forger) -> None:
        fee = -(-MARK * 2 * RATES[0] // 10**6)
        order = forger.order(DAVE, BTC_PERP, True, MARK, 2).trade(fees=(None, fee))
        order.account, order.sides, order.left = ALICE, (True, False), 2
        order.trade(2, head=EVES_ASK)
        order.buys, order.left = False, 0
        order.filled()

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.MATCH)
        first, third = [row[:1] for row in rows], [row[1:] for row in rows]
        for name in NAMES:
            for row in third[TAKER]:
                trace.register(name, row, trace.columns[name][first[9]])
        for row in first[TAKER]:
            trace.register(IS_TAKER, row, 0)
            trace.register("other", row, ALICE)
        for row in third[TAKER]:
            trace.register("account", row, ALICE)
            trace.register(BUYS, row, 0)
            trace.register(IS_TAKER, row, 1)
        _party(trace, Kind.MATCH, first[TAKER], 0)
        _party(trace, Kind.MATCH, third[TAKER], 1)
        setting(Kind.FILLED, slice(None), **{"account": ALICE, BUYS: 0})(trace)

    hooks: Hooks = {(Step.MATCH_HEAD, 1): skip, (Step.MATCH_ORDER, 1): skip, **{(step, 2): skip for step in PARTY}}
    hooks = {**hooks, (Step.FILL_BASE, 1): add(BALANCE_BIDS, -2)}
    return Script(act, hooks, amend, ledger=partial(staged, resting))


NAMES = (
    "instrument", "bit", "amount0", "amount1", "amount2", "amount3", "price", "size0", "size1", "maker_rate",
    "taker_rate", LIMIT, LEFT, "head", "after", "maker_left", "fails", "removed", "expired", "own", "growing", "expiry",
    "rests", "post", "whole", "reduce", "placed",
)  # fmt: skip


def parties() -> dict[str, Callable[[], Script]]:
    """Forgeries of who is at hand when, by label."""
    return {
        "match: the maker is next": other_maker,
        "match: the taker is the other": partial(other_taker, True),
        "match: the taker follows the maker": partial(other_taker, False),
        "match: the maker is on the other side": partial(sides, True, False),
        "match: the taker is on its side again": partial(sides, False, False),
        "match: the maker is first": maker_as_taker,
        "match: the taker has the rest left": keeps_its_lots,
        "match: the taker is second": three_parties,
    }


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return heads() | met() | outcomes() | fills() | removals() | parties()
