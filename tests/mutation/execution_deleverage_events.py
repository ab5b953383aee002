"""Forgeries of how a deleveraging is counted, written down and paid for, and of whose turn it is."""

from collections.abc import Callable
from functools import partial
from typing import Any

from circuits.bounds import AMOUNT_LIMBS, BIAS_TOP_LIMB, LIMB, LIMB_BITS, MAX_EVENTS
from circuits.execution import PORTS, REGISTERS
from circuits.field import P
from circuits.records import (
    EVENT_BOOK,
    EVENT_INTEREST,
    EVENT_PRICE,
    HEADER_EVENTS,
    HEADER_MASK,
    HEADER_OPEN,
    MARKET_FUNDING,
    RULES_INTEREST,
    RULES_STATUS,
    VENUE_ACCOUNTS,
    VENUE_EVENTS,
    VENUE_INDEX,
    Record,
    Status,
    SystemAccount,
    balance_index,
    chain_index,
    event_index,
    from_limbs,
    header_index,
    limbs,
    market_index,
    rules_index,
)
from circuits.steps import STEPS, Kind, Step
from circuits.swap import GIVES, UNITS, WHOLE
from circuits.transitions import deleverage as layout
from circuits.zero_price import CLOSES, EQUITY, NEGATIVE, PRICE
from prover.traces import swap
from prover.traces.columns import limbs_of
from state.accounts import balance_amount, balance_record
from state.audit import account_figures
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import liquidate
from state.transitions.deleverage import Deleverage
from state.transitions.liquidate import Liquidate
from state.transitions.order import Order
from state.transitions.price import SetPrice
from state.transitions.settle import SettleMarket
from tests.batches import BOB, BTC_PERP, ETH, ETH_PERP, LATE, USDC, run_batch, with_rules
from tests.deleveragings import ALICE, ERIN, FRANK, LATER, POSITIONS
from tests.mutation.deleveraging import deleverage, socialise
from tests.mutation.execution_accesses import Act
from tests.mutation.execution_deleveragings import borrowed, crashed, insured, said
from tests.mutation.execution_notionals import wrap, wrapping
from tests.mutation.execution_registers import EVERY, both, grown, setting
from tests.mutation.execution_zero_prices import worth
from tests.mutation.matching import RATES, one
from tests.mutation.script import (
    Amend,
    BentMemory,
    Hook,
    Hooks,
    Script,
    ScriptedTrace,
    add,
    nothing,
    skip,
    to,
    unchanged,
)
from tests.mutation.stage import EVE, SIZE, staged
from tests.mutation.world import Traces
from tests.tamper.forger import Forger
from tests.tamper.test_forged_liquidations import NO_LIMIT, lenient, lying

FUND = SystemAccount.INSURANCE
SALE = Liquidate(BOB, ETH_PERP, BIAS_TOP_LIMB, 1, 500)
LOTS, HALF = POSITIONS[ALICE], 1 << 2 * LIMB_BITS
VENUE, RULES, EVENT = Step.DELEVERAGE_VENUE, Step.DELEVERAGE_RULES, Step.DELEVERAGE_EVENT
kind = Kind.DELEVERAGE


def script(
    amend: Amend = nothing,
    hooks: Hooks | None = None,
    ledger: Callable[[], Ledger] = crashed,
    act: Act = deleverage,
    **more: Any,
) -> Script:
    """A deleveraging, bent."""
    return Script(act, hooks or {}, amend, ledger=ledger, time=LATER, **more)


def late(amend: Amend, ledger: Callable[[], Ledger], act: Act = deleverage, before: Amend = nothing) -> Script:
    """The same, but `amend` comes after the margin checks, and `before` before them."""
    kept: list[ScriptedTrace] = []

    def edit(_: Traces) -> None:
        amend(kept[0])

    return script(both(before, kept.append), ledger=ledger, act=act, edit=edit)


def zero_price_of_alice() -> int:
    """As the event of an honest deleveraging says it."""
    ledger = crashed()
    run_batch(ledger, [Deleverage(ALICE, BTC_PERP)], LATER)
    return ledger.read(event_index(0))[EVENT_PRICE]


def loaded(ledger: Ledger, leaves: dict[int, Record]) -> Ledger:
    """The ledger as if these records had always been so."""
    ledger.store.load((index, record, NO_SALT) for index, record in leaves.items())
    return ledger


def with_element(record: Record, element: int, value: int) -> Record:
    """The record with one element replaced."""
    return (*record[:element], value, *record[element + 1 :])


def closing(lots: int, price: int | None = None) -> Amend:
    """Amend: so many lots change hands, at the event's price or at another one."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(kind)
        rules, event = rows[5:7]
        paid = trace.columns[PRICE][rules] if price is None else one(price)
        trace.wide_port(layout.PRICE_PORTS[0], rules, paid)
        ports = {"product_port": layout.NOTIONAL_PORT, "carry_port": layout.NOTIONAL_CARRY_PORT}
        amount = trace.notional(rules, paid, one(lots), **ports)
        for names, parts in ((UNITS, limbs_of(one(lots), AMOUNT_LIMBS)), (EQUITY, amount)):
            for row in rows[5:] if names is EQUITY else rows:
                for name, part in zip(names, parts, strict=True):
                    trace.register(name, row, part)
        trace.wide_port(layout.LEFT_PORT, rules, trace.new[RULES_INTEREST][rules])
        trace.wide_port(layout.SIZE_PORTS[0], event, one(lots))
        trace.nonzero(event, one(lots % LIMB + lots // LIMB))
        swap.fill(trace, rows[7:], trace.columns[GIVES][rules], one(lots), paid * lots)

    return amend


def paid(more: int) -> Hooks:
    """Hooks: Alice gets so much more."""
    return {Step.SWAP_QUOTE: grown(more), Step.SWAP_OTHER_QUOTE: grown(-more)}


def amounting(amount: int) -> Amend:
    """Amend: so much is paid."""

    def amend(trace: ScriptedTrace) -> None:
        rows, parts = trace.rows(kind), limbs_of(one(amount), AMOUNT_LIMBS)
        for row in rows[5:]:
            for name, part in zip(EQUITY, parts, strict=True):
                trace.register(name, row, part)
        for row, sign in ((rows[9], 1), (rows[10], -1)):
            trace.change(row, [sign * part for part in parts])

    return amend


def port(step: Step, values: dict[int, int]) -> Amend:
    """Amend: ports hold these values."""

    def amend(trace: ScriptedTrace) -> None:
        for number, value in values.items():
            trace.port(number, trace.at(step), one(value))

    return amend


def overpaid(k: int, claimed: bool) -> Script:
    """Alice gets more than price times size, by one in limb k; claimed: as a product's limb."""
    honest, more = LOTS * zero_price_of_alice(), 1 << LIMB_BITS * k
    shown = {layout.NOTIONAL_PORT + k: limbs(honest)[k] + 1} if claimed else {}
    return script(both(amounting(honest + more), port(RULES, shown)), paid(more))


def wrapped() -> Script:
    """A carry of the product is no small integer, so its upper limbs need not be those of price times size."""
    price = zero_price_of_alice()
    amount, high = wrapping(price, LOTS)

    def amend(trace: ScriptedTrace) -> None:
        amounting(amount)(trace)
        ports = {"product_port": layout.NOTIONAL_PORT, "carry_port": layout.NOTIONAL_CARRY_PORT}
        wrap(trace, trace.at(RULES), amount, high, **ports)

    return script(amend, paid(amount - LOTS * price))


def priced_apart() -> Script:
    """Alice is paid a base unit a lot more than the event says."""
    return script(closing(LOTS, zero_price_of_alice() + 1), paid(LOTS))


def far_beyond(number: int, value: int) -> Script:
    """Alice gives 2^42 lots more than she has, of which the event says nothing."""
    more = value << number * LIMB_BITS

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(kind)
        parts = [*limbs(LOTS), *[0] * AMOUNT_LIMBS][:AMOUNT_LIMBS]
        parts[number] = value
        for row in rows:
            trace.register(UNITS[number], row, value)
        for row, sign in ((rows[7], -1), (rows[8], 1)):
            trace.change(row, [sign * part for part in parts])

    return script(amend, {Step.SWAP_BASE: grown(-more), Step.SWAP_OTHER_BASE: grown(more)})


def elements(change: Callable[[Record], dict[int, int]]) -> Hook:
    """Hook: elements of the event are these instead."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        for element, value in change(new).items():
            new = with_element(new, element, value % P)
        return memory.access(step, index, new)

    return hook


def unreduced(at: int) -> Script:
    """The open interest of the event is right mod P, but one of its two elements is no limb."""

    def change(event: Record) -> dict[int, int]:
        interest = from_limbs(event[EVENT_INTEREST:][:2])
        low, high = (interest - LIMB, 1) if at == 0 else (0, interest * pow(LIMB, -1, P))
        return {EVENT_INTEREST: low, EVENT_INTEREST + 1: high}

    right = {layout.INTEREST_PORTS[0]: 0, layout.INTEREST_PORTS[1]: 1 - at}
    return script(port(EVENT, right), {EVENT: elements(change)})


def dearer() -> Script:
    """The event says a price that is higher than what Alice is paid."""

    def believe(trace: ScriptedTrace) -> None:
        trace.new[EVENT_PRICE][trace.at(EVENT)] -= 1

    return script(hooks={EVENT: add(EVENT_PRICE)}, believe=believe)


def miscounted(closed: int) -> Script:
    """The event says so many lots."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(EVENT)
        trace.wide_port(layout.SIZE_PORTS[0], row, one(closed))
        trace.nonzero(row, one(closed % LIMB + closed // LIMB))

    return script(amend, act=partial(deleverage, closed=closed))


def holding(lots: int, settled: bool = False) -> Ledger:
    """Alice, who cannot be paid for, has also so many lots of ETH-PERP; settled: BTC-PERP is settled before that."""
    ledger = crashed()
    run_batch(ledger, [SetPrice(ETH_PERP, 2_681_620, LATER)], LATER)
    if settled:
        with_rules(ledger, BTC_PERP, {RULES_STATUS: Status.HALTED})
        run_batch(ledger, [SettleMarket(BTC_PERP)], LATER)
    header = ledger.read(header_index(ALICE))
    header = with_element(header, HEADER_MASK, header[HEADER_MASK] | 1 << ETH_PERP)
    funding = ledger.read(market_index(ETH_PERP))[MARKET_FUNDING]
    leaves = {
        header_index(ALICE): with_element(header, HEADER_OPEN, header[HEADER_OPEN] + 1),
        balance_index(ALICE, ETH_PERP): balance_record(lots, funding=funding),
    }
    return loaded(ledger, leaves)


def behind() -> Ledger:
    """Frank cannot be paid for either, and neither he nor the fund has seen that Alice was deleveraged."""
    ledger = crashed()
    run_batch(ledger, [Deleverage(ALICE, BTC_PERP)], LATER)
    leaf = balance_index(FRANK, USDC)
    lost = account_figures(ledger, FRANK).margin.equity + 1_000_000_000
    return loaded(ledger, {leaf: balance_record(balance_amount(ledger.read(leaf)) - lost)})


def again(venue: Hook) -> Script:
    """Frank's deleveraging takes the place of Alice's, which is forgotten; venue: what becomes of the count."""

    def first(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, event_index(0), new)

    def edit(traces: Traces) -> None:
        execution = traces["execution"]
        row = int(execution[f"is_{VENUE.name.lower()}"].argmax())
        execution["events"][: row + 1], execution["events"][row + 1 :] = 0, 1

    hooks: Hooks = {VENUE: venue, EVENT: first}
    return script(hooks=hooks, ledger=behind, act=partial(deleverage, account=FRANK), edit=edit)


def full() -> Ledger:
    """There have been as many deleveragings as there may be, and all have seen them."""
    ledger = crashed()
    venue = ledger.read(VENUE_INDEX)
    headers = (header_index(account) for account in range(venue[VENUE_ACCOUNTS]))
    leaves = {index: with_element(ledger.read(index), HEADER_EVENTS, MAX_EVENTS) for index in headers}
    return loaded(ledger, leaves | {VENUE_INDEX: with_element(venue, VENUE_EVENTS, MAX_EVENTS)})


def even() -> Ledger:
    """Alice's equity is 0, and the fund owes something."""
    return loaded(worth(0), {balance_index(FUND, USDC): balance_record(-1)})


def not_short() -> Script:
    """Alice is deleveraged at the mark, though she has lost no more than she had."""

    def amend(trace: ScriptedTrace) -> None:
        for row in trace.rows(kind):
            trace.register(NEGATIVE, row, 0)
        trace.port(layout.NEGATIVE_PORT, trace.at(VENUE), one(0))

    return late(amend, ledger=even, before=setting(kind, slice(1, 2), fails=0))


def payable(sums: Callable[[int, int], tuple[int, int, int]]) -> Script:
    """The fund could take Alice over. sums: from the sums of both equities' halves to those that are shown, and the
    carry."""

    def amend(trace: ScriptedTrace) -> None:
        row, columns = trace.at(VENUE), trace.columns
        parts = [int(columns[a][row][0] + columns[b][row][0]) for a, b in zip(EQUITY, layout.FUND_EQUITY, strict=True)]
        low, high, carry = sums(from_limbs(parts[:2]), from_limbs(parts[2:]))
        for k, value in enumerate((low, high)):
            trace.wide_port(layout.SUM_PORTS[2 * k], row, one(value))
        columns["scratch"][row] = carry

    return late(amend, ledger=lambda: insured(crashed(), ALICE))


def overstated(more: int) -> Script:
    """Erin gets more than what she owes."""
    loss = more - account_figures(borrowed(), ERIN).margin.equity
    shown = dict(zip(layout.LOSS_PORTS, limbs(loss), strict=True))
    return late(port(VENUE, shown), borrowed, partial(socialise, loss=loss))


def robbed() -> Script:
    """Erin pays what she lacks once more."""
    loss = -account_figures(borrowed(), ERIN).margin.equity

    def amend(trace: ScriptedTrace) -> None:
        rows, parts = trace.rows(Kind.SOCIALISE), limbs_of(one(loss), AMOUNT_LIMBS)
        trace.registers(Kind.SOCIALISE, **{GIVES: 0})
        for row, sign in ((rows[3], -1), (rows[4], 1)):
            trace.change(row, [sign * part for part in parts])
            for name, part in zip(EQUITY, parts, strict=True):
                trace.register(name, row, part)

    return script(amend, ledger=borrowed, act=partial(socialise, loss=-loss))


def of_another_market() -> Script:
    """The open interest of ETH-PERP falls."""
    there = 20_000

    def ledger() -> Ledger:
        return with_rules(crashed(), ETH_PERP, {RULES_INTEREST: there})

    return script(hooks={RULES: to(rules_index(ETH_PERP))}, ledger=ledger, act=partial(deleverage, interest=there))


def bidden() -> Ledger:
    """Eve bids for ETH-PERP, and Bob, who has no ether, owes a unit more than his positions are worth. The limbs of the
    fund's equity are a maker's rate, a fee, a limit and, as it is not negative, some lots."""
    quote = SALE.price * HALF + SALE.fee * LIMB + RATES[0]
    ledger = staged(Order(EVE, ETH_PERP, True, 2_681_000, SIZE, LATE))
    owed = balance_amount(ledger.read(balance_index(BOB, USDC))) - account_figures(ledger, BOB).margin.cash - 1
    poor = {balance_index(BOB, USDC): balance_record(owed), balance_index(BOB, ETH): balance_record(0)}
    return loaded(ledger, poor | {balance_index(FUND, USDC): balance_record(quote)})


def forced_sale() -> Script:
    """Bob, who is bankrupt, is checked as if a position was to be closed; a forced order on the book follows."""
    kept: list[ScriptedTrace] = []

    def act(forger: Forger) -> None:
        socialise(forger, BOB, loss=0)
        lying(SALE, (liquidate, "check_below", lenient), NO_LIMIT)(forger)

    def edit(traces: Traces) -> None:
        execution, trace = traces["execution"], kept[0]
        order = int(trace.at(Step.ORDER_MARKET)[0])
        execution[CLOSES][order : order + 2] = 1
        for row in (order - 1, order - 2):
            for name in REGISTERS:
                if name not in ("account", "mask", "fails", "moment", "tier", "forced", *layout.FUND_EQUITY):
                    execution[name][row] = execution[name][row + 1]
        for number in range(PORTS):
            execution[f"port{number}"][execution.used] = 0  # of what has been left out

    left_out = (*STEPS[Kind.SOCIALISE][2:], *STEPS[Kind.LIQUIDATE])
    return Script(act, dict.fromkeys(left_out, skip), kept.append, edit=edit, ledger=bidden)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    venue, rules, event = "deleverage_venue", "deleverage_rules", "deleverage_event"
    another = LOTS + LIMB
    table: dict[str, Callable[[], Script]] = {
        "what is closed has a price": forced_sale,
        f"{venue}: the equity is negative": not_short,
        f"{venue}: carry of the sum is boolean": lambda: payable(
            lambda low, high: ((low + 7 * HALF) % P, high - 7, -7)
        ),
        "a loss is what is owed, low half": partial(overstated, 1),
        "a loss is what is owed, high half": partial(overstated, HALF),
        f"{venue}: the fund cannot take it over, low half": lambda: payable(lambda low, high: (0, high, 0)),
        f"{venue}: index": lambda: again(to(chain_index(0))),
        f"{venue}: events are counted": lambda: again(unchanged),
        f"{venue}: room for the event": lambda: script(
            port(VENUE, {layout.ROOM_PORT: 0, layout.ROOM_PORT + 1: 0}), ledger=full
        ),
        f"{venue}: the account gets the loss": robbed,
        f"{rules}: index": of_another_market,
        f"{rules}: kind of record": lambda: script(ledger=partial(holding, 10, settled=True)),
        f"{rules}: limbs of the price": priced_apart,
        f"{rules}: notional, high carry is 0, 1 or 2": wrapped,
        f"{rules}: open interest before": lambda: script(
            both(setting(kind, EVERY, **{layout.INTEREST: another}), said), act=partial(deleverage, interest=another)
        ),
        f"{rules}: register {WHOLE}": lambda: script(
            both(closing(5), setting(kind, EVERY, **{WHOLE: 0})), act=partial(deleverage, lots=5)
        ),
        f"{rules}: register {UNITS[2]}": partial(far_beyond, 2, LIMB),
        f"{rules}: register {UNITS[3]}": partial(far_beyond, 3, 1),
        f"{event}: new element 3": partial(unreduced, 0),
        f"{event}: new element 4": partial(unreduced, 1),
        f"{event}: new element 5": dearer,
        f"{event}: size limb 0 in range": partial(miscounted, LOTS - 1),
        f"{event}: size limb 1 in range": partial(miscounted, LOTS + LIMB),
        f"{event}: there is a position": lambda: script(
            hooks={EVENT: add(EVENT_BOOK)}, ledger=partial(holding, 0), act=partial(deleverage, market=ETH_PERP)
        ),
    }
    for k in range(AMOUNT_LIMBS):
        table[f"{rules}: notional limb {k} in range"] = partial(overpaid, k, False)
    for k, label in enumerate(("limb 0", "limb 1", "limbs 2 and 3")):
        table[f"{rules}: notional, {label}"] = partial(overpaid, k, True)
    return table
