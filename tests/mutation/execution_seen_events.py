"""Forgeries of what an account sees of a deleveraging: which event it is, what is paid for it, and its first row."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import ACCOUNT_SLOTS, FUNDING_START, LIMB
from circuits.field import P
from circuits.records import EVENT_PRICE, SystemAccount, balance_index, event_index, header_index, signed_limbs
from circuits.steps import Kind, Step
from circuits.swap import FUNDING, GIVES, OTHER, UNITS
from circuits.transitions.event import (
    AMOUNT,
    CARRY_PORT,
    LONGS,
    LOTS,
    LOTS_PORTS,
    MIDDLE_HIGH,
    MIDDLE_PORTS,
    NOTIONAL_PORT,
    NUMBER,
    SHARE_PORTS,
)
from prover.traces import swap
from prover.traces.columns import Integers, limbs_of
from state.accounts import balance_record
from state.ledger import Ledger
from tests.batches import BTC_PERP, ETH_PERP, USDC
from tests.deleveragings import BOB, FRANK, LATER, POSITIONS
from tests.mutation.deleveraging import see
from tests.mutation.execution_accesses import Act, fund_of
from tests.mutation.execution_deleveragings import SHARE, deleveraged, shared, twice
from tests.mutation.execution_notionals import wrap, wrapping
from tests.mutation.execution_registers import grown
from tests.mutation.matching import one
from tests.mutation.script import Amend, Hooks, Script, ScriptedTrace, inverse, nothing, skip, to
from tests.mutation.world import Traces
from tests.tamper.forger import Forger

REDUCED = 5  # rows of REDUCE before the position's swap
BEYOND = 4  # an instrument that the venue does not have


def price() -> int:
    """Of the event."""
    return deleveraged().read(event_index(0))[EVENT_PRICE]


def rows_of(trace: ScriptedTrace) -> list[Integers]:
    """All rows on which accounts see events."""
    return [trace.at(Step.EVENT_BALANCE), *trace.rows(Kind.REDUCE), *trace.rows(Kind.UNMOVED)]


def setting(**values: int) -> Amend:
    """Amend: registers have these values wherever an event is seen."""

    def amend(trace: ScriptedTrace) -> None:
        for row in rows_of(trace):
            for name, value in values.items():
                trace.register(name, row, value)

    return amend


def script(act: Act, amend: Amend = nothing, hooks: Hooks | None = None, believe: Amend = nothing) -> Script:
    """On the ledger on which nobody but Alice has seen the event: short positions are to be reduced."""
    return Script(act, hooks or {}, amend, believe, ledger=deleveraged, time=LATER)


def more(lots: int, quote: int) -> Hooks:
    """Bob gets so many lots more than his share, and pays so much more for it."""
    return {
        (Step.SWAP_BASE, 0): grown(lots),
        (Step.SWAP_OTHER_BASE, 0): grown(-lots),
        (Step.SWAP_QUOTE, 1): grown(-quote),
        (Step.SWAP_OTHER_QUOTE, 1): grown(quote),
    }


def swapping(lots: int, quote: int, gives: int = 0) -> Amend:
    """Amend: Bob's swap is of so many lots for so much."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.REDUCE)
        setting(**dict(zip(UNITS, (int(part[0]) for part in limbs_of(one(lots), 4)), strict=True)))(trace)
        for row in rows[REDUCED - 1 :]:
            trace.register(GIVES, row, gives)
            for name, part in zip(AMOUNT, limbs_of(one(quote), 4), strict=True):
                trace.register(name, row, part)
        swap.fill(trace, rows[REDUCED:], one(gives), one(lots), one(quote))

    return amend


def overpaid(k: int, claimed: bool) -> Script:
    """Bob pays more than price times lots, by one in limb k; claimed: as a product's limb."""
    surplus = LIMB**k

    def amend(trace: ScriptedTrace) -> None:
        swapping(SHARE, price() * SHARE + surplus)(trace)
        if claimed:
            trace.columns[f"port{NOTIONAL_PORT + k}"][trace.at(Step.EVENT_HEADER)] += 1

    return script(partial(see, account=BOB), amend, more(0, surplus))


def wrapped() -> Script:
    """A carry of the product is no small integer."""
    honest = price() * SHARE
    quote, high = wrapping(price(), SHARE)

    def amend(trace: ScriptedTrace) -> None:
        swapping(SHARE, quote)(trace)
        row = trace.at(Step.EVENT_HEADER)
        wrap(trace, row, quote, high, product_port=NOTIONAL_PORT, carry_port=CARRY_PORT)

    return script(partial(see, account=BOB), amend, more(0, quote - honest))


def overflown() -> Script:
    """Bob's share times the open interest is more by a multiple of LIMB^2, which only the upper limbs show."""
    interest = sum(lots for lots in POSITIONS.values() if lots > 0)
    above = LIMB * LIMB // (interest & -interest)
    share = SHARE + above

    def amend(trace: ScriptedTrace) -> None:
        shared(share)(trace)
        row = trace.at(Step.EVENT_RECORD)
        trace.wide_port(SHARE_PORTS[0], row, one(share))
        high, low = (trace.columns[f"port{port}"] for port in MIDDLE_PORTS)
        held = high[row] * MIDDLE_HIGH + low[row] - above * interest // LIMB**2
        high[row], low[row] = held // MIDDLE_HIGH, held % MIDDLE_HIGH

    return script(partial(see, account=BOB, share=share), amend)


def unpaid(lots: int) -> Script:
    """Bob gets so many lots more, for which he pays nothing."""
    return script(partial(see, account=BOB), swapping(SHARE + lots, price() * SHARE), more(lots, 0))


def turned(trace: ScriptedTrace) -> None:
    """Believe: Bob's position has another sign."""
    row = trace.at(Step.EVENT_BALANCE)
    for k, part in enumerate(signed_limbs(0)[2:], start=2):
        trace.old[k][row] = part


def renumbered(trace: ScriptedTrace) -> None:
    """Amend: what is seen again has the next number."""
    for row in (trace.rows(Kind.EVENT)[0], *trace.rows(Kind.REDUCE)):
        trace.register(NUMBER, row[1:2], 1)


def shifted() -> Script:
    """Of an account that is 1/16 more than Bob his quote is the header, and an empty leaf the position."""
    account = (BOB + 2 * inverse(ACCOUNT_SLOTS)) % P
    hooks = {Step.EVENT_BALANCE: to(balance_index(BOB, BEYOND)), Step.EVENT_HEADER: to(balance_index(BOB, USDC))}
    return script(partial(see, account=BOB, concerned=False), setting(account=account), hooks)


def others() -> dict[str, Callable[[], Script]]:
    """Whose position it is, which event and which header."""
    escape = partial(see, account=BOB, concerned=False)
    beside = partial(see, account=BOB, market=ETH_PERP, concerned=False)
    later = FUNDING_START + 160
    return {
        "event_balance: the side is boolean": lambda: script(
            beside, setting(instrument=ETH_PERP, **dict.fromkeys((LONGS, GIVES), 2 * (BTC_PERP - ETH_PERP)))
        ),
        "event_balance: sign of the position": lambda: script(escape, believe=turned),
        "event_record: index": lambda: script(twice, renumbered),
        "event_record: market and side": lambda: script(beside, setting(instrument=ETH_PERP)),
        "event_record: funding index": lambda: script(
            partial(see, account=BOB, funding=later), setting(**{FUNDING: later})
        ),
        "event_header: index": lambda: script(
            partial(see, account=FRANK), hooks={Step.EVENT_HEADER: to(header_index(BOB))}
        ),
        "event_header: kind of record": shifted,
    }


def headless(steps: tuple[Step, ...], believe: Amend, amend: Amend) -> Script:
    """After Frank, whom it does not concern, Bob sees the event without these steps. Long positions are reduced."""

    def act(forger: Forger) -> None:
        see(forger, FRANK)
        see(forger, BOB, concerned=False)

    ledger: Callable[[], Ledger] = partial(deleveraged, -1)
    return Script(act, {(step, 1): skip for step in steps}, amend, believe, ledger=ledger, time=LATER)


def no_position() -> Script:
    """Without his position, which then seems to be none: the row before is Frank's last."""

    def believe(trace: ScriptedTrace) -> None:
        trace.old[:, trace.rows(Kind.UNMOVED)[1][:1]] = 0

    def amend(trace: ScriptedTrace) -> None:
        trace.register(OTHER, trace.rows(Kind.UNMOVED)[1], int(SystemAccount.ROUNDING))

    return headless((Step.EVENT_BALANCE,), believe, amend)


def no_record() -> Script:
    """Without the event; as its row is none, what seems to be before it is the last closing row."""

    def believe(trace: ScriptedTrace) -> None:
        record = trace.rows(Kind.UNMOVED)[0]
        trace.old[:, record[1]] = trace.old[:, record[0]]

    def amend(trace: ScriptedTrace) -> None:
        record, header = trace.rows(Kind.UNMOVED)
        for row in (header, record[1:] - 1):
            trace.register(NUMBER, row, 0)

    return headless((Step.EVENT_BALANCE, Step.EVENT_RECORD), believe, amend)


def unread_fund() -> Script:
    """What the fund holds is published in the table's last row, from where no memory is accessed.

    The balance of one who sees an event cancels the access; where the event would be, the table is at its end.
    """
    amount, fund = 5, int(SystemAccount.INSURANCE)

    def edit(traces: Traces) -> None:
        execution = traces["execution"]
        row = execution.active - 1
        execution.used = execution.active
        values = {"is_event_balance": -1, "is_close_fund": 1, "index": balance_index(fund, USDC), "account": fund}
        values |= {OTHER: int(SystemAccount.FUNDING_POOL), LOTS[0]: amount, f"port{LOTS_PORTS[0]}": amount}
        for k, part in enumerate(balance_record(amount)):
            values |= {f"old{k}": part, f"new{k}": part}
        values |= {name: values[f"old{k}"] for k, name in enumerate(AMOUNT)}
        for name, value in values.items():
            execution[name][row] = value

    return Script(nothing, {(Step.CLOSE_FUND, 0): skip}, edit=edit, restate=lambda s: fund_of(s, amount))


def scripts() -> dict[str, Callable[[], Script]]:
    """Label of the constraint that each one breaks alone."""
    table: dict[str, Callable[[], Script]] = {
        "is_event_balance is boolean": unread_fund,
        "event_record: share, limbs 2 and 3": overflown,
        "event_header: notional, high carry is 0, 1 or 2": wrapped,
        "event_header: the side gives": lambda: script(
            partial(see, account=BOB, share=-SHARE), swapping(SHARE, price() * SHARE, gives=1)
        ),
        "what leads to event_record": no_position,
        "event_record leads to event_header": no_record,
    }
    for k in (2, 3):
        table[f"event_record: register {UNITS[k]}"] = partial(unpaid, LIMB**k)
    for k in range(4):
        table[f"event_header: notional limb {k} in range"] = partial(overpaid, k, False)
    for k, name in enumerate(("limb 0", "limb 1", "limbs 2 and 3")):
        table[f"event_header: notional, {name}"] = partial(overpaid, k, True)
    return table | others()
