"""Forgeries of the order of rows in liquidations, deleveragings and what accounts see of them: chains without their
beginning, or with another one."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from circuits.bounds import AMOUNT_LIMBS, BIAS, CAP_MAX, LIMB, LIMIT_MAX, ZERO_SHARE
from circuits.buses import Capped, Tier
from circuits.field import P
from circuits.records import (
    BALANCE_FUNDING,
    EVENT_BASE,
    EVENT_BOOK,
    EVENT_INTEREST,
    EVENT_PRICE,
    MARKET_MARK,
    MARKET_WEIGHT,
    RULES_INTEREST,
    Record,
    balance_index,
    from_limbs,
    limbs,
    market_index,
    signed_limbs,
)
from circuits.steps import STEPS, Kind, Step
from circuits.swap import GIVES, UNITS
from circuits.transitions.deleverage import LEFT_PORT, NOTIONAL_CARRY_PORT, NOTIONAL_PORT, SIZE_PORTS
from circuits.transitions.event import NUMBER
from circuits.transitions.pay_funding import ACCOUNT_PORT
from circuits.zero_price import (
    BOUNDED,
    EQUITY,
    NEGATIVE,
    PRICE,
    PRICE_PORT,
    REMAINDER,
    REQUIRED,
    ROOM_PORT,
    WITHIN_PORT,
)
from prover.traces import swap, zero_price
from prover.traces.columns import integer_of, limbs_of
from state.accounts import balance_amount, balance_record
from state.audit import account_figures
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import liquidate
from state.transitions.order import Policy
from state.transitions.set import SetCap
from state.zero_price import zero_price as zero_price_of
from tests.batches import BTC_PERP, USDC
from tests.deleveragings import ALICE, BOB, FRANK, LATER, POSITIONS, opened
from tests.mutation import execution_conversions, execution_settlements
from tests.mutation.deleveraging import deleverage, see
from tests.mutation.execution_accesses import Act, deposit
from tests.mutation.execution_deleveragings import crashed, deleveraged, insured
from tests.mutation.execution_unwinding import forced, growing, ordering
from tests.mutation.matching import one, registers
from tests.mutation.script import Amend, BentMemory, Hooks, Script, ScriptedTrace, add, nothing, skip
from tests.mutation.world import Traces
from tests.tamper.forger import Forger
from tests.tamper.test_forged_liquidations import (
    GOOD,
    MARK,
    NO_LIMIT,
    TIME,
    healthy,
    lenient,
    lying,
    never_healthy,
    poor,
)

KIND = Kind.DELEVERAGE
CHAIN = STEPS[KIND]
HEADER, PRICED, COUNTED, RULED = (
    CHAIN.index(step)
    for step in (Step.DELEVERAGE_HEADER, Step.ZERO_PRICE, Step.DELEVERAGE_VENUE, Step.DELEVERAGE_RULES)
)
RUIN, BID = 5_820_000, 500  # a mark, and the lots that Bob bids for at his best price
FEW, LITTLE = 300, 20_000_000
LOTS, OF_PRICE = POSITIONS[ALICE], (EQUITY, REQUIRED, REMAINDER)
NEVER: tuple[int, ...] = limbs(0)  # the limbs of an equity of -BIAS


def set_cap(forger: Forger) -> None:
    """A whole transition that touches no account."""
    forger.apply(SetCap(0, USDC, CAP_MAX))


def before_all(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
    """Hook: the event stands before the first one."""
    return memory.access(step, EVENT_BASE - 1, new)


def insured_crash() -> Ledger:
    """The fund can pay for Alice."""
    return insured(crashed(), ALICE)


def far(account: int) -> int:
    """From its zero price to the worst price of all."""
    ledger = opened()
    margin, market = account_figures(ledger, account).margin, ledger.read(market_index(BTC_PERP))
    mark, weight = (from_limbs(market[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
    return mark + weight // ZERO_SHARE - zero_price_of(margin.equity, margin.requirement, mark, weight, long=True)


def found(trace: ScriptedTrace) -> None:
    """ZERO_PRICE alone: the price is that of an equity of -BIAS and a requirement of BIAS, the mark and half of what a
    lot requires; the other half makes up the excess."""
    row, required = trace.at(Step.ZERO_PRICE), limbs(BIAS)
    price, weight = trace.columns[PRICE][row + 2], integer_of(trace.old[MARKET_WEIGHT : MARKET_WEIGHT + 2, row])
    within, rest = divmod(BIAS * int((weight - weight // ZERO_SHARE)[0]), LIMB**AMOUNT_LIMBS)
    registers(trace, [row, row + 1], **dict(zip(EQUITY, NEVER, strict=True)))
    for names, values in ((REQUIRED, required), (REMAINDER, limbs(rest))):
        registers(trace, [row], **dict(zip(names, values, strict=True)), **{NEGATIVE: 1, BOUNDED: 1})
    for each in (row, row + 1):
        trace.register(PRICE, each, price)
    trace.wide_port(PRICE_PORT, row, price - 1)
    trace.wide_port(WITHIN_PORT, row, one(within))
    trace.columns["scratch"][row] = weight % ZERO_SHARE
    parts = tuple([one(part) for part in values] for values in (NEVER, required, [-part for part in limbs(rest)]))
    zero_price._carries(trace, row, one(1), parts, price)


def headless(count: int, before: Act) -> Script:
    """A deleveraging without its first steps, after a whole transition or none: of Alice, for whom the fund can pay, or
    of somebody who has enough."""
    account = {HEADER: ALICE, RULED: BOB}.get(count, FRANK)
    kept: list[ScriptedTrace] = []

    def act(forger: Forger) -> None:
        before(forger)
        deleverage(forger, account, worse=far(account) if count == PRICED else 0)

    def edit(_: Traces) -> None:
        trace = kept[0]
        if count >= PRICED:
            trace.registers(KIND, forced=0)
        if count == PRICED:
            found(trace)
        if count == COUNTED:
            row = trace.at(Step.DELEVERAGE_VENUE)
            trace.register(PRICE, row, trace.columns[PRICE][row + 1])

    def believe(trace: ScriptedTrace) -> None:
        rules, event = trace.rows(KIND)[RULED : RULED + 2]
        if count > RULED:
            trace.old[RULES_INTEREST][rules] = integer_of(trace.new[EVENT_INTEREST : EVENT_INTEREST + 2, event])

    hooks: Hooks = dict.fromkeys(CHAIN[:count], skip)
    if count > COUNTED:
        hooks = {**hooks, Step.DELEVERAGE_EVENT: before_all}
    ledger = insured_crash if count == HEADER else opened
    return Script(act, hooks, kept.append, believe, edit, ledger=ledger, time=LATER)


def after_seizure() -> Script:
    """Alice is seized, and then deleveraged, though the fund can pay for her."""

    def seize(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(Step.SEIZE_HEADER, index, new)

    def amend(trace: ScriptedTrace) -> None:
        header, *rows = trace.rows(KIND)[1:]
        trace.register("tier", header, int(Tier.MAINTENANCE))
        trace.register("forced", header, 1)
        trace.register("moment", header, trace.moment(header, Capped.ADVERSE))
        for name in ("mask", "fails", "moment"):
            for row in rows:
                trace.register(name, row, trace.columns[name][header])

    hooks: Hooks = {Step.DELEVERAGE_FUND: skip, Step.DELEVERAGE_HEADER: seize}
    return Script(deleverage, hooks, amend, ledger=insured_crash, time=LATER)


def unseized(before: Act) -> Script:
    """Alice, who is healthy, sells to Bob by force."""
    order = lying(GOOD, (liquidate, "check_below", never_healthy), NO_LIMIT)

    def act(forger: Forger) -> None:
        before(forger)
        order(forger)

    missing = (Step.SEIZE_HEADER, Step.ZERO_MARKET, Step.ZERO_PRICE)
    return Script(act, dict.fromkeys(missing, skip), ledger=healthy, time=TIME)


def bankrupt() -> Ledger:
    """Bids are far above the mark, at which Alice has less than nothing."""
    ledger, leaf = poor(), market_index(BTC_PERP)
    old = ledger.read(leaf)
    ledger.store.load([(leaf, (*old[:MARKET_MARK], *limbs(RUIN, 2), *old[MARKET_WEIGHT:]), NO_SALT)])
    return ledger


def small() -> Ledger:
    """Alice, who is bankrupt but for a little, is long only so many lots."""
    ledger, leaf = poor(), balance_index(ALICE, BTC_PERP)
    old, quote = ledger.read(leaf), balance_record(LITTLE - FEW * MARK)
    ledger.store.load([(leaf, balance_record(FEW, 0, 0, old[BALANCE_FUNDING]), NO_SALT)])
    ledger.store.load([(balance_index(ALICE, USDC), quote, NO_SALT)])
    return ledger


def liquidating(ledger: Callable[[], Ledger], amend: Amend = nothing, **said: object) -> Script:
    """Alice sells what Bob bids for first, by an order that is another one."""
    lies = (liquidate, "check_below", lenient), ordering(liquidate, **said), NO_LIMIT
    return forced(replace(GOOD, size=BID), *lies, amend=amend, ledger=ledger)


def unread(*missing: Step) -> Script:
    """Bob, who is long, sees the event, but nobody reads his position, so he keeps it."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.UNMOVED)
        registers(trace, [rows[0] - 1, *rows], **{NUMBER: 0})

    def believe(trace: ScriptedTrace) -> None:
        if Step.EVENT_RECORD in missing:  # nothing could be divided by the open interest of no event
            trace.old[EVENT_INTEREST][trace.rows(Kind.UNMOVED)[0]] = 1

    act = partial(see, account=BOB, concerned=False)
    return Script(act, dict.fromkeys(missing, skip), amend, believe, ledger=partial(deleveraged, -1), time=LATER)


def by_funding() -> Script:
    """Bob, who is long, is paid funding, and goes on as if his position had been read, and were none."""

    def paying(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        market = market_index(BTC_PERP)
        return memory.access(Step.PAY_MARKET, market, memory.read(market))

    def believe(trace: ScriptedTrace) -> None:
        for element, part in enumerate(signed_limbs(0)):
            trace.old[element][trace.at(Step.PAY_MARKET)] = part

    def amend(trace: ScriptedTrace) -> None:
        trace.wide_port(ACCOUNT_PORT, trace.at(Step.PAY_MARKET), one(BOB))

    act = partial(see, account=BOB, share=0)
    ledger = partial(deleveraged, -1)
    return Script(act, {Step.EVENT_BALANCE: paying}, amend, believe, ledger=ledger, time=LATER)


def threefold() -> tuple[Ledger, int]:
    """Alice, who is short and cannot be paid for, and what her zero price is below the mark: a multiple of 3."""
    ledger, leaf = crashed(-1), balance_index(ALICE, USDC)
    margin, market = account_figures(ledger, ALICE).margin, ledger.read(market_index(BTC_PERP))
    weight = from_limbs(market[MARKET_WEIGHT : MARKET_WEIGHT + 2])
    below = weight // 9 * 3
    equity = -(below * margin.requirement // weight)
    quote = balance_amount(ledger.read(leaf)) + equity - margin.equity
    ledger.store.load([(leaf, balance_record(quote), NO_SALT)])
    return ledger, below


def thrice() -> Script:
    """The flag is -1, which turns a third of her lots into all of them, and has the price a third as far from the mark;
    the event is of other lots, of another side of another market."""
    below, third = threefold()[1], LOTS // 3
    kept: list[ScriptedTrace] = []

    def amend(trace: ScriptedTrace) -> None:
        kept.append(trace)
        rules, event, *swapped = rows = trace.rows(KIND)[RULED:]
        price, interest = trace.new[EVENT_PRICE][event], trace.old[RULES_INTEREST][rules]
        amount = trace.notional(rules, price, one(third), product_port=NOTIONAL_PORT, carry_port=NOTIONAL_CARRY_PORT)
        lots = dict(zip(UNITS, limbs_of(one(third), 4), strict=True))
        trace.registers(KIND, **lots)
        for row in rows:
            for name, part in zip(EQUITY, amount, strict=True):
                trace.register(name, row, part)
        trace.wide_port(LEFT_PORT, rules, interest - third)
        trace.wide_port(SIZE_PORTS[0], event, one(third))
        trace.nonzero(event, lots[UNITS[0]] + lots[UNITS[1]])
        swap.fill(trace, swapped, one(-1), one(third), price * third)

    def edit(_: Traces) -> None:
        trace, first = kept[0], kept[0].at(Step.ZERO_MARKET)
        price = trace.columns[PRICE][trace.at(Step.DELEVERAGE_RULES)]
        trace.registers(KIND, **{GIVES: P - 1})
        for offset in range(3):
            trace.register(PRICE, first + offset, price)
        trace.wide_port(ROOM_PORT, first, LIMIT_MAX - price)
        trace.wide_port(PRICE_PORT, first + 1, price - 1)
        equity, required, left = ([trace.columns[name][first] for name in names] for names in OF_PRICE)
        zero_price._carries(trace, first + 1, one(-3), (equity, required, left), price)

    hooks: Hooks = {Step.DELEVERAGE_RULES: add(RULES_INTEREST, LOTS - third), Step.DELEVERAGE_EVENT: add(EVENT_BOOK)}
    act = partial(deleverage, worse=below - below // 3, closed=third)
    return Script(act, hooks, amend, edit=edit, ledger=lambda: threefold()[0], time=LATER)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    sold = execution_conversions.headless
    paid = partial(execution_settlements.headless, Kind.CASH_OUT, Step.SWAP_QUOTE)
    table: dict[str, Callable[[], Script]] = {
        "zero_market: long is boolean": thrice,
        "a swap is the last one": by_funding,
        "zero price: who closes": after_seizure,
        "zero_market leads to zero_price": partial(headless, PRICED, set_cap),
        "what leads to deleverage_venue": partial(headless, COUNTED, set_cap),
        "what leads to deleverage_rules": partial(headless, RULED, set_cap),
        "deleverage_rules leads to deleverage_event": partial(headless, RULED + 1, set_cap),
        "what leads to liquidate_limit": partial(unseized, set_cap),
        "the first row is no liquidate_limit": partial(unseized, nothing),
        "liquidate_limit: not bankrupt, and the order does not rest": lambda: liquidating(
            bankrupt, policy=Policy.GOOD_TILL_TIME
        ),
        "liquidate_limit: the order is reduce-only": lambda: liquidating(
            small, growing(Tier.INITIAL), reduce_only=False
        ),
        "what leads to swap_base": partial(sold, 3, deposit),
        "what leads to swap_quote": partial(paid, deposit),
        "the first row is no swap_quote": partial(paid, nothing),
        "the first row is no event_record": partial(unread, Step.EVENT_BALANCE),
        "the first row is no event_header": partial(unread, Step.EVENT_BALANCE, Step.EVENT_RECORD),
    }
    for count in (HEADER, PRICED, COUNTED, RULED, RULED + 1):
        table[f"the first row is no {CHAIN[count].name.lower()}"] = partial(headless, count, nothing)
    return table
