"""Forgeries of what is behind: accounts that have not seen all events, and positions that owe funding."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import FUNDING_ONE, FUNDING_START, LIMB
from circuits.records import BALANCE_FUNDING, HEADER_EVENTS, SystemAccount, balance_index, header_index
from circuits.steps import Kind, Step
from circuits.swap import FUNDING, OTHER, UNITS, WHOLE
from prover.traces.columns import limbs_of
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.order import Policy
from tests.batches import ALICE, BTC_PERP, USDC
from tests.mutation.execution_accesses import Act, fill
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.execution_settlements import MARKED, cash_out, multiplied, position_of_alice, resized, settled
from tests.mutation.matching import ASK, expiring, one
from tests.mutation.script import Amend, Hooks, Script, ScriptedTrace, add, to
from tests.mutation.stage import DAVE, EVE, EVES_BID, LOW_BID, SIZE, staged
from tests.mutation.world import Traces
from tests.tamper.forger import Forger
from tests.tamper.order_forger import EXPIRED

OTHERS = SystemAccount.INSURANCE
ABOVE = 1 << 42  # lots that a position may have beyond what a cash-out looks at


def changed(index: int, element: int, by: int, ledger: Callable[[], Ledger] = staged) -> Callable[[], Ledger]:
    """The ledger with one element of one record off."""

    def make() -> Ledger:
        result = ledger()
        record = list(result.read(index))
        record[element] += by
        result.store.load([(index, tuple(record), NO_SALT)])
        return result

    return make


def ahead(act: Act, account: int = EVE, ledger: Callable[[], Ledger] = staged) -> Script:
    """The account has not seen the venue's events, but one that there has not been."""
    return Script(act, ledger=changed(header_index(account), HEADER_EVENTS, 1, ledger))


def owing(act: Act, account: int, hooks: Hooks, ledger: Callable[[], Ledger] = staged) -> Script:
    """The account's BTC-PERP are not settled."""
    return Script(act, hooks, ledger=changed(balance_index(account, BTC_PERP), BALANCE_FUNDING, -1, ledger))


def to_eve(forger: Forger) -> None:
    """A deposit."""
    forger.deposit(0, 2, EVE, USDC, 7_000_000)


def rest(forger: Forger) -> None:
    """A second bid of Eve's joins the book."""
    forger.order(EVE, BTC_PERP, True, LOW_BID - 1_000, SIZE, policy=Policy.GOOD_TILL_TIME).rest()


def out_of_reach(forger: Forger) -> None:
    """Eve's order meets nothing and goes."""
    forger.order(EVE, BTC_PERP, True, LOW_BID, SIZE).discard()


def skip_eve(forger: Forger) -> None:
    """Eve's order is expired, and skipped."""
    forger.order(DAVE, BTC_PERP, True, ASK, SIZE).skip(EXPIRED).discard()


def eventful(until: Step | None) -> Script:
    """Eve has seen an event that has not been; there is said to have been one, until that step is over or for ever."""

    def edit(traces: Traces) -> None:
        execution = traces["execution"]
        end = int(execution[f"is_{until.name.lower()}"].argmax()) + 1 if until else execution.active
        execution["events"][:end] = 1

    script = ahead(to_eve)
    script.edit = edit
    return script


def said_settled() -> Script:
    """A cash-out takes the index that Alice's position has for the market's."""
    script = owing(cash_out, ALICE, {}, settled)
    script.amend = setting(Kind.CASH_OUT, EVERY, **{FUNDING: FUNDING_START - 1})
    return script


def other_payer() -> Script:
    """The insurance fund takes over Alice's position."""
    hooks: Hooks = {
        Step.SWAP_OTHER_BASE: to(balance_index(OTHERS, BTC_PERP)),
        Step.SWAP_OTHER_QUOTE: to(balance_index(OTHERS, USDC)),
    }
    return Script(cash_out, hooks, setting(Kind.CASH_OUT, EVERY, **{OTHER: int(OTHERS)}), ledger=settled)


def in_part() -> Script:
    """Five lots of Alice's position go."""
    amend = both(resized(5, 5 * MARKED), multiplied(5), setting(Kind.CASH_OUT, EVERY, **{WHOLE: 0}))
    return Script(partial(cash_out, size=5), amend=amend, ledger=settled)


def far_beyond(name: str, value: int) -> Script:
    """Alice gives so many lots more than she has that the lowest limbs of the rest are those of nothing."""
    size = position_of_alice()
    worth = size * MARKED

    def sized(trace: ScriptedTrace) -> None:
        lots = dict(zip(UNITS, [*limbs_of(one(size), 2), one(0), one(0)], strict=True)) | {name: one(value)}
        trace.registers(Kind.CASH_OUT, **lots)
        base, other_base = trace.rows(Kind.CASH_OUT)[3:5]
        for row, sign in ((base, -1), (other_base, 1)):
            trace.change(row, [sign * part for part in lots.values()])

    amend: Amend = both(resized(size, worth), multiplied(size), sized)
    return Script(partial(cash_out, size=size + ABOVE, worth=worth), amend=amend, ledger=settled)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    held = changed(balance_index(EVE, BTC_PERP), 0, FUNDING_ONE)  # lots that owe a unit
    pays = add(BALANCE_FUNDING)
    return {
        "deposit_header: events are seen": partial(ahead, to_eve),
        "withdraw_header: events are seen": partial(ahead, lambda f: f.withdraw(0, EVE, USDC, 1)),
        "transfer_from_header: events are seen": partial(ahead, lambda f: f.transfer(EVE, DAVE, USDC, 1)),
        "transfer_to_header: events are seen": partial(ahead, lambda f: f.transfer(DAVE, EVE, USDC, 1)),
        "fill_header: events are seen": partial(ahead, fill),
        "skip_header: events are seen": partial(ahead, skip_eve, EVE, expiring),
        "end_header: events are seen": partial(ahead, out_of_reach),
        "cancel_header: events are seen": partial(ahead, lambda f: f.cancel(EVE, EVES_BID)),
        "cash_out_header: events are seen": partial(ahead, cash_out, ALICE, settled),
        "events are counted": partial(eventful, Step.DEPOSIT_HEADER),
        "close_venue: events of the venue": partial(eventful, None),
        "fill_base: funding index is kept": partial(owing, fill, EVE, {(Step.FILL_BASE, 0): pays}, held),
        "end_base: funding index is kept": partial(owing, rest, EVE, {Step.END_BASE: pays}, held),
        "swap_base: funding is settled": partial(owing, cash_out, ALICE, {}, settled),
        "cash_out_market: funding index": said_settled,
        f"cash_out_header: register {OTHER}": other_payer,
        f"cash_out_header: register {WHOLE}": in_part,
        f"cash_out_header: register {UNITS[2]}": partial(far_beyond, UNITS[2], LIMB),
        f"cash_out_header: register {UNITS[3]}": partial(far_beyond, UNITS[3], 1),
    }
