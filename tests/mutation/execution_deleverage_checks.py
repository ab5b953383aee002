"""Forgeries of what deleveragings and losses rest on: the checks of the insurance fund and of the account."""

from collections.abc import Callable
from functools import partial

from circuits.execution import EQUITY_PORTS
from circuits.records import (
    HEADER_MASK,
    VENUE_EVENTS,
    VENUE_INDEX,
    Role,
    Tag,
    balance_index,
    header_index,
    key_index,
    market_index,
    record,
)
from circuits.steps import Kind, Step
from circuits.transitions.deleverage import FUND_EQUITY
from prover.traces import deleverage as traces
from state.accounts import balance_record
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.apply_event import ApplyEvent
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice
from state.transitions.register import Register
from tests.batches import BTC_PERP, DEBTOR, ETH, ETH_PERP, USDC, run_batch
from tests.deleveragings import ALICE, BOB, CAROL, ERIN, FRANK, KEY, LATER, crash, opened
from tests.mutation.deleveraging import INSURANCE, LOSS, deleverage, put, socialise
from tests.mutation.execution_deleveragings import borrowed, crashed, insured
from tests.mutation.execution_registers import EVERY, setting
from tests.mutation.execution_takeovers import BESIDE
from tests.mutation.execution_takeovers import script as takeover
from tests.mutation.matching import one
from tests.mutation.script import Hooks, Script, ScriptedTrace, add, skip, to
from tests.mutation.standing import Standing, check, standing
from tests.mutation.world import Implied, Traces
from tests.tamper.forger import Forger

FUND, HEADER = Step.DELEVERAGE_FUND, Step.DELEVERAGE_HEADER
ETHER, OWED = 1_000_000_000, 24_000_000_000  # more than what Alice lacks, and than what the fund has
HIDDEN = ETH, ETH_PERP
WITHOUT_ETHER = 1 << USDC | 1 << BTC_PERP  # as Bob's header says
LONG_AFTER = 5_000  # a second at which no price of the stage holds any more


def provided(account: int) -> Ledger:
    """The account has ether enough to pay for Alice."""
    ledger = crashed()
    run_batch(ledger, [Deposit(2, 1, account, ETH, ETHER), SetPrice(ETH, 268_162, LATER)], LATER)
    return ledger


def behind(account: int) -> Ledger:
    """Frank has been deleveraged; the account, Alice or the fund, has not seen it. Nobody can pay for Alice either."""
    ledger = opened({ALICE: 6_000, FRANK: 7_000, BOB: -7_000, CAROL: -6_000}, (ALICE, FRANK), 5_000_000_000)
    seen = [ApplyEvent(other) for other in (ALICE, INSURANCE) if other != account]
    run_batch(ledger, [crash(), Deleverage(FRANK, BTC_PERP), *seen], LATER)
    return ledger


def without_ether(account: int, hooks: Hooks | None = None, mask: int | None = None) -> Script:
    """Alice is deleveraged because the check of the account, hers or the fund's, does not see its ether."""
    step = FUND if account == INSURANCE else HEADER

    def amend(trace: ScriptedTrace) -> None:
        if mask is not None:
            trace.register("mask", trace.at(step), one(mask))

    act = partial(deleverage, unseen={account: HIDDEN})
    return Script(act, hooks or {}, amend, ledger=partial(provided, account), time=LATER)


def unseen(account: int) -> dict[str, Callable[[], Script]]:
    """Three ways to hide the ether, and an event that the account has not seen."""
    step = FUND if account == INSURANCE else HEADER
    open_ether = 1 << ETH | (1 << ETH_PERP if account == INSURANCE else 0)
    name = step.name.lower()
    return {
        f"{name}: index": partial(without_ether, account, {step: to(header_index(BOB))}),
        f"{name}: mask register": partial(without_ether, account, mask=WITHOUT_ETHER),
        f"{name}: open instruments": partial(without_ether, account, {step: add(HEADER_MASK, -open_ether)}),
        f"{name}: events are seen": lambda: Script(deleverage, ledger=partial(behind, account), time=LATER),
    }


def poorer(k: int) -> Script:
    """The fund is taken to have less, in limb k, than its check has found."""
    kept: list[ScriptedTrace] = []

    def edit(_: Traces) -> None:
        port, row = kept[0].columns[f"port{EQUITY_PORTS[k]}"], kept[0].at(FUND)
        port[row] -= 1
        traces.fill_equities(kept[0])
        port[row] += 1

    return Script(deleverage, amend=kept.append, edit=edit, ledger=lambda: insured(crashed(), ALICE), time=LATER)


def of_key() -> Script:
    """The debtor's key reads like a header: the ether that it owes is taken for quote, and becomes a loss."""
    key = record(Tag.KEY, Role.TRADER, 0, 1 << USDC)

    def act(forger: Forger) -> None:
        memory = forger.memory
        check(forger, forger.header(FUND, INSURANCE), INSURANCE)
        row = memory.replace(HEADER, key_index(DEBTOR), key, key)
        memory.visit(row, BESIDE, USDC, memory.read(balance_index(DEBTOR, ETH)), memory.read(market_index(USDC)))
        put(memory, Step.DELEVERAGE_VENUE, VENUE_INDEX, VENUE_EVENTS, 0)
        forger.balance(Step.SWAP_QUOTE, DEBTOR, ETH, OWED)
        forger.balance(Step.SWAP_OTHER_QUOTE, LOSS, USDC, -OWED)
        memory.witness.begin(Kind.SOCIALISE, BESIDE, 0)

    return Script(act, ledger=partial(standing, Standing(eth=-OWED, further={key_index(DEBTOR): key})))


def of_fund() -> Script:
    """What the fund itself owes becomes a loss."""

    def ledger() -> Ledger:
        made = crashed()
        made.store.load([(balance_index(INSURANCE, USDC), balance_record(-1_000), NO_SALT)])
        return made

    return Script(partial(socialise, account=INSURANCE), ledger=ledger, time=LATER)


def headless() -> Script:
    """What Erin owes becomes a loss, though the fund, which nobody looks at, could pay."""

    def act(forger: Forger) -> None:
        forger.apply(Register(FRANK + 1, KEY))
        socialise(forger)

    return Script(act, {FUND: skip}, ledger=lambda: insured(borrowed(), ERIN), time=LATER)


def long_ago() -> Script:
    """The debtor's position is taken over at an old price; the fund has the opposite one, so that no price matters to
    its own check."""
    stood = Standing(quote=-1_000_000_000, eth=0, fund_btc=-100)
    made = takeover(setting(Kind.TAKE_OVER, EVERY, moment=75), ledger=partial(standing, stood))
    made.time = LONG_AFTER
    return made


def held_back(step: Step) -> Script:
    """A mark is taken for reliable that is capped: of the fund's ether, which is worth more, or, of Alice's position,
    in her favour."""
    ether = Deposit(2, 1, INSURANCE, ETH, 10_000), SetPrice(ETH, 268_162, LATER), SetPrice(ETH, 300_000, LATER)

    def ledger() -> Ledger:
        made = crashed()
        run_batch(made, list(ether) if step is FUND else [SetPrice(BTC_PERP, crash().price - 1, LATER)], LATER)
        return made

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(step)
        trace.register("moment", row, trace.columns["time"][row])

    return Script(deleverage, amend=amend, ledger=ledger, time=LATER)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return {
        **unseen(INSURANCE),
        **unseen(ALICE),
        **{f"deleverage_fund: equity limb {k}": partial(poorer, k) for k in range(len(FUND_EQUITY))},
        "deleverage_header: kind of record": of_key,
        "deleverage_header: the account is a trader": of_fund,
        **{f"{step.name.lower()}: moment of prices": partial(held_back, step) for step in (FUND, HEADER)},
        "deleverage_fund leads to deleverage_header": headless,
        "take_header: moment of prices": long_ago,
    }


_BOTH = (
    "DELEVERAGE_HEADER comes after DELEVERAGE_FUND, and after nothing else, and the register is kept in between, where "
    "0 is demanded of it on the other row too. It is kept because either step says by itself what it changes."
)
IMPLIED = {
    "is_deleverage_fund is boolean": Implied(
        "Take the first row on which it is neither 0 nor 1. It takes so many copies of what the check with the row's "
        "clock has found. SEIZE_HEADER and DELEVERAGE_HEADER, which alone take that too, demand a trader's header, and "
        "this one the fund's; and closing rows tell it once at most. So it is the number of those that do. With the "
        "other steps of the row, 0 or 1 each, it adds up to 0 or 1. It is kept because the bounds of multiplicities "
        "rest on it."
    ),
    "deleverage_fund: kind of record": Implied(
        "The index is that of the fund's header, which has been one since genesis. It is kept so that an access says "
        "what it is of."
    ),
    "deleverage_fund: nothing opens": Implied(_BOTH),
    "deleverage_header: nothing opens": Implied(_BOTH),
    "deleverage_header: closing is boolean": Implied(
        "If the register is not 0, ZERO_MARKET follows, as what is closed has a price. There it is 1, as that row says "
        "who closes; and it is kept up to there. It is kept because the way on rests on it."
    ),
}
