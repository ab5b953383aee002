"""Forgeries of deleveragings, of what accounts see of them, and of losses."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import FUNDING_START, LIMB, LIMB_BITS
from circuits.records import (
    MARKET_LOT_UNITS,
    RULES_INTEREST,
    TAG,
    Record,
    SystemAccount,
    balance_index,
    event_index,
    market_index,
)
from circuits.steps import Kind, Step
from circuits.swap import FUNDING, OTHER, UNITS
from circuits.transitions.deleverage import INTEREST_PORTS, LEFT_PORT
from circuits.transitions.event import LOTS, LOTS_PORTS, REST_PORTS, SHARE_PORTS
from prover.traces import event, swap
from prover.traces.columns import integer_of, limbs_of
from state.accounts import balance_record
from state.audit import account_figures
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import Transition
from state.transitions.apply_event import ApplyEvent
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice
from state.transitions.withdraw import Withdraw
from tests.batches import BTC_PERP, ETH, ETH_PERP, USDC, run_batch, with_funding
from tests.deleveragings import ALICE, BOB, CAROL, ERIN, LATER, crash, opened
from tests.mutation.deleveraging import deleverage, see, socialise
from tests.mutation.execution_accesses import Act
from tests.mutation.matching import one
from tests.mutation.script import Amend, BentMemory, Script, ScriptedTrace, add
from tests.tamper.forger import Forger

SHARE = -(-7_000 * 9_999 // 13_000)  # of Bob


def crashed(sign: int = 1) -> Ledger:
    """Alice cannot be paid for."""
    ledger = opened(sign=sign)
    run_batch(ledger, [crash(sign)], LATER)
    return ledger


def insured(ledger: Ledger, account: int) -> Ledger:
    """The fund has just enough to take the account over."""
    equity = account_figures(ledger, account).margin.equity
    run_batch(ledger, [Deposit(1, 0, SystemAccount.INSURANCE, USDC, -equity)], LATER)
    return ledger


def deleveraged(sign: int = 1) -> Ledger:
    """Nobody has seen it yet but Alice."""
    ledger = crashed(sign)
    run_batch(ledger, [Deleverage(ALICE, BTC_PERP), ApplyEvent(ALICE)], LATER)
    return ledger


def borrowed(lots: int = 0, quote: int = -15_000_000_000) -> Ledger:
    """Erin owes cash, and has so many lots of ether."""
    ledger = opened()
    batch: list[Transition] = [Withdraw(0, ERIN, USDC, 15_000_000_000), SetPrice(ETH, 150_000, LATER - 30)]
    run_batch(ledger, [*batch, SetPrice(ETH, 80_000, LATER)], LATER)
    units = lots * ledger.read(market_index(ETH))[MARKET_LOT_UNITS]
    for number, amount in ((ETH, units), (USDC, quote)):
        ledger.store.load([(balance_index(ERIN, number), balance_record(amount), NO_SALT)])
    return ledger


def covered() -> Ledger:
    """Erin has a lot of ether, and owes a multiple of 2^28."""
    return borrowed(1, -10 << 2 * LIMB_BITS)


def provided() -> Ledger:
    """Alice has a lot of ether."""
    ledger = crashed()
    units = ledger.read(market_index(ETH))[MARKET_LOT_UNITS]
    run_batch(ledger, [Deposit(2, 1, ALICE, ETH, units), SetPrice(ETH, 268_162, LATER)], LATER)
    return ledger


def indebted() -> Ledger:
    """Before it was deleveraged funding had come together."""
    ledger = with_funding(crashed(), BTC_PERP, 320)
    run_batch(ledger, [Deleverage(ALICE, BTC_PERP), ApplyEvent(ALICE)], LATER)
    return ledger


def twice(forger: Forger) -> None:
    """Bob sees the same event again."""
    see(forger, BOB)
    see(forger, BOB, number=0)


def lost(forger: Forger, more: int) -> None:
    """Erin gets more than she lacks."""
    socialise(forger, loss=more - account_figures(forger.ledger, ERIN).margin.equity)


def elsewhere(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
    """Hook: the event gets the next number."""
    return memory.access(step, event_index(1), new)



def insurer(trace: ScriptedTrace) -> None:
    """Alice is the one whose equity is taken for the fund's."""
    trace.register("account", trace.at(Step.DELEVERAGE_FUND), one(ALICE))


def taken_by(account: int, kind: Kind, first: int) -> Amend:
    """Amend: from some step on the account is the one that takes the lots."""

    def amend(trace: ScriptedTrace) -> None:
        for row in trace.rows(kind)[first:]:
            trace.register(OTHER, row, one(account))

    return amend


def paid_to(account: int) -> Amend:
    """Amend: funding goes to the account."""

    def amend(trace: ScriptedTrace) -> None:
        for row in (trace.at(Step.EVENT_BALANCE), *trace.rows(Kind.REDUCE)[:4]):
            trace.register(OTHER, row, one(account))

    return amend


def left(trace: ScriptedTrace) -> None:
    """The ports tell what is left of the open interest."""
    row = trace.at(Step.DELEVERAGE_RULES)
    trace.wide_port(LEFT_PORT, row, trace.new[RULES_INTEREST][row])


def said(trace: ScriptedTrace) -> None:
    """The ports hold the open interest that the event says."""
    row = trace.at(Step.DELEVERAGE_EVENT)
    trace.wide_port(INTEREST_PORTS[0], row, integer_of(trace.new[3:5, row]))



def settled(trace: ScriptedTrace) -> None:
    """The position's own funding index."""
    trace.registers(Kind.DELEVERAGE, **{FUNDING: FUNDING_START})


def larger(trace: ScriptedTrace, more: int) -> None:
    """Bob's short position seems larger."""
    row = trace.at(Step.EVENT_BALANCE)
    held = integer_of(trace.old[:4, row]) - more
    for k, part in enumerate(limbs_of(held, 4)):
        trace.old[k][row] = part


def honest_lots(trace: ScriptedTrace) -> None:
    """The ports tell how large it is."""
    trace.wide_port(LOTS_PORTS[0], trace.at(Step.EVENT_BALANCE), one(7_000))


def shared(share: int, worse: int = 0) -> Amend:
    """Amend: Bob, who is short, gives so many lots, for so much more than the event's price."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.REDUCE)
        price = trace.columns["price"][rows[3]] + worse
        for row in (trace.at(Step.EVENT_BALANCE), *rows):
            for name, part in zip(UNITS, limbs_of(one(share), 4), strict=True):
                trace.register(name, row, part)
        event.fill_price(trace, tuple(rows[4:]), price, one(share))
        swap.fill(trace, rows[5:], one(0), one(share), price * share)

    return amend


def divided(share: int) -> Amend:
    """Amend: the same, and the division has that quotient, but its remainder is too large."""

    def amend(trace: ScriptedTrace) -> None:
        shared(share)(trace)
        row = trace.at(Step.EVENT_RECORD)
        event.fill_division(trace, row, one(7_000), one(share))
        trace.wide_port(REST_PORTS[0], row, one(0))

    return amend


def miscounted(share: int) -> Amend:
    """Amend: the same, and the quotient's ports hold it, with the right remainder and carries."""

    def amend(trace: ScriptedTrace) -> None:
        shared(share)(trace)
        trace.wide_port(SHARE_PORTS[0], trace.at(Step.EVENT_RECORD), one(share))

    return amend


def renamed(trace: ScriptedTrace) -> None:
    """The register of the price holds another one than the event's."""
    shared(SHARE, 1)(trace)
    for row in (trace.at(Step.EVENT_BALANCE), *trace.rows(Kind.REDUCE)):
        trace.register("price", row, trace.columns["price"][row] + 1)


def divisions() -> dict[str, Callable[[], Script]]:
    """Of Bob's share."""

    def of(amend: Amend, share: int | None = None, worse: int = 0) -> Callable[[], Script]:
        act = partial(see, account=BOB, share=share, worse=worse)
        return lambda: Script(act, ledger=deleveraged, time=LATER, amend=amend)

    return {
        "event_record: remainder below the open interest": of(divided(SHARE + 1), share=SHARE + 1),
        "event_record: share, limb 0": of(miscounted(SHARE + 1), share=SHARE + 1),
        "event_record: share, limb 1": of(miscounted(SHARE + LIMB), share=SHARE + LIMB),
        "event_record: register size0": of(shared(SHARE + 1), share=SHARE + 1),
        "event_record: register size1": of(shared(SHARE + LIMB), share=SHARE + LIMB),
        "event_header: limbs of the price": of(shared(SHARE, 1), worse=1),
        "event_record: price": of(renamed, worse=1),
    }


def scripts() -> dict[str, Callable[[], Script]]:
    """Label of the constraint that each one breaks alone."""
    fund = "deleverage_venue: the fund cannot take it over, high half"

    def of(act: Act, ledger: Callable[[], Ledger] = crashed, **more: object) -> Callable[[], Script]:
        return lambda: Script(act, ledger=ledger, time=LATER, **more)  # type: ignore[arg-type]

    recorded, rules = Step.DELEVERAGE_EVENT, Step.DELEVERAGE_RULES
    return divisions() | {
        fund: of(deleverage, lambda: insured(crashed(), ALICE)),
        "deleverage_fund: it is the fund": of(
            partial(deleverage, insurer=ALICE), lambda: insured(crashed(), ALICE), amend=insurer
        ),
        "deleverage_venue: who takes it": of(
            partial(deleverage, taker=SystemAccount.FUNDING_POOL),
            amend=taken_by(SystemAccount.FUNDING_POOL, Kind.DELEVERAGE, 0),
        ),
        "deleverage_venue: a loss is of one that requires nothing": of(partial(socialise, account=ALICE)),
        "deleverage_header: no collateral is left, or a carry": of(
            partial(socialise, loss=10 << 2 * LIMB_BITS), covered
        ),
        "deleverage_header: no collateral is left, or no carry": of(deleverage, provided),
        **{f"deleverage_venue: limb {k} of the loss": of(partial(lost, more=LIMB**k), borrowed) for k in range(4)},
        "deleverage_rules: open interest shrinks": of(deleverage, hooks={rules: add(RULES_INTEREST)}, amend=left),
        "deleverage_event: index": of(deleverage, hooks={recorded: elsewhere}),
        "deleverage_event: new element 0": of(deleverage, hooks={recorded: add(0)}),
        "deleverage_event: new element 1": of(partial(deleverage, closed=10_000)),
        "deleverage_event: new element 2": of(partial(deleverage, closed=9_999 + LIMB)),
        "deleverage_event: new element 6": of(deleverage, hooks={recorded: add(6)}, amend=settled),
        "deleverage_event: new element 7": of(deleverage, hooks={recorded: add(TAG)}),
        "deleverage_event: limbs of the open interest": of(partial(deleverage, interest=9_999), amend=said),
        "event_balance: index": of(partial(see, account=BOB, market=ETH_PERP, concerned=False), deleveraged),
        "event_balance: lots on the side": of(partial(see, account=BOB, concerned=False), deleveraged),
        "event_balance: funding is paid to the pool": of(
            partial(see, account=BOB, pool=CAROL), indebted, amend=paid_to(CAROL)
        ),
        "event_header: it is the next event": of(twice, deleveraged),
        "event_header: events are counted": of(partial(see, account=BOB, counts=0), deleveraged),
        "event_header: register other": of(
            partial(see, account=BOB, taker=SystemAccount.FUNDING_POOL), deleveraged,
            amend=taken_by(SystemAccount.FUNDING_POOL, Kind.REDUCE, 4),
        ),
        **{
            f"event_balance: register {name}": of(
                partial(see, account=BOB, share=-(-(7_000 + more) * 9_999 // 13_000)), deleveraged,
                believe=partial(larger, more=more), amend=honest_lots,
            )
            for name, more in zip(LOTS, (-100, LIMB), strict=True)
        },
    }  # fmt: skip
