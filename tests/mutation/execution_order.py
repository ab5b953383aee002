"""Forgeries of the order of rows: transitions without their head, rows out of time, steps after the end."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from circuits.bounds import LIMB, MAX_ACCOUNTS, TIMES_PER_CLOCK, TRANSIT
from circuits.field import P
from circuits.records import (
    EMPTY,
    INSTRUMENT_SLOTS,
    PARAMETERS_FRACTION,
    PARAMETERS_STALENESS,
    PARAMETERS_STEP_TIME,
    TAG,
    TOTAL_BIT,
    VENUE_BATCHES,
    VENUE_INDEX,
    VENUE_TIME,
    Record,
    SystemAccount,
    Tag,
    balance_index,
    record,
    total_index,
    vault_index,
)
from circuits.statement import Statement
from circuits.steps import STEPS, Kind, Step
from prover.traces.columns import limbs_of
from state.ledger import Ledger
from state.store import NO_SALT
from tests.batches import ALICE, BOB, BTC_PERP, ETH, USDC
from tests.mutation.execution_accesses import Act, chain_left_out, deposit, price, register, withdraw
from tests.mutation.execution_registers import setting
from tests.mutation.script import (
    SKIPPED,
    BentMemory,
    Hooks,
    Script,
    ScriptedTrace,
    inverse,
    nothing,
    skip,
    write,
)
from tests.mutation.stage import DAVE, EVE, FRANK, NOBODY, staged
from tests.mutation.world import Traces, rows_where
from tests.tamper.forger import Forger

NOWHERE = 5  # a leaf that nothing uses
IDLE = 255  # no step


def complete(step: Step) -> Act:
    """The transition whose head will be missing; without its vault's step an amount would show in the totals.

    A transfer that need not be of collateral is one of a position. A withdrawal without its vault's step is one of ETH,
    about which the statement keeps quiet.
    """
    acts: dict[Kind, Act] = {
        Kind.REGISTER: register,
        Kind.DEPOSIT: lambda f: f.deposit(2, 3, DAVE, ETH, 0 if step is Step.DEPOSIT_TOTAL else 7_000_000),
        Kind.WITHDRAW: lambda f: (
            f.withdraw(2, FRANK, ETH, 7_000_000)
            if step is Step.WITHDRAW_TOTAL
            else f.withdraw(0, DAVE, USDC, 1_000_000)
        ),
        Kind.TRANSFER: lambda f: (
            f.transfer(ALICE, BOB, BTC_PERP, 100)
            if step is Step.TRANSFER_FROM_HEADER
            else f.transfer(DAVE, EVE, USDC, 1_000_000)
        ),
        Kind.PRICE: price,
    }
    return acts[kind_of(step)]


def kind_of(step: Step) -> Kind:
    """The transition kind that has the step."""
    return next(kind for kind, steps in STEPS.items() if step in steps)


def headless(step: Step, before: Act) -> Script:
    """A transition that begins with this step."""
    kind = kind_of(step)
    hooks: Hooks = {(other, 0): skip for other in STEPS[kind][: STEPS[kind].index(step)]}
    if step is Step.WITHDRAW_TOTAL:
        hooks = {**hooks, **UNSAID_ETH}

    def act(forger: Forger) -> None:
        before(forger)
        complete(step)(forger)

    def restate(statement: Statement) -> Statement:
        if kind not in (Kind.DEPOSIT, Kind.WITHDRAW):
            return statement
        if kind is Kind.DEPOSIT:
            return replace(statement, deposits=())
        statement = replace(statement, withdrawals=())
        return without_eth(statement) if step is Step.WITHDRAW_TOTAL else statement

    def believe(trace: ScriptedTrace) -> None:
        if kind is Kind.PRICE:
            parameters = {PARAMETERS_FRACTION: 500, PARAMETERS_STALENESS: 3_600, PARAMETERS_STEP_TIME: 60}
            for element, value in parameters.items():
                trace.old[element][trace.rows(kind)[0]] = value
        if kind is Kind.DEPOSIT and step > Step.DEPOSIT_TOTAL:
            trace.old[TOTAL_BIT][trace.rows(kind)[2]] = 1 << ETH

    def amend(trace: ScriptedTrace) -> None:
        if step in (Step.WITHDRAW_BALANCE, Step.TRANSFER_FROM_BALANCE):
            trace.register("mask", trace.at(step), 1)

    return Script(act, hooks, amend, believe, restate=restate)


def unless_eth(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
    """Hook: leave the access out if it would publish an amount of ETH."""
    vaults = (vault_index(chain, ETH) for chain in (*range(len(memory.venue.chains)), TRANSIT))
    if index in (total_index(ETH), balance_index(SystemAccount.INSURANCE, ETH), *vaults):
        return SKIPPED
    return memory.access(step, index, new)


UNSAID_ETH: Hooks = dict.fromkeys((Step.CLOSE_VAULT, Step.CLOSE_TOTAL, Step.CLOSE_FUND), unless_eth)


def without_eth(statement: Statement) -> Statement:
    """The statement keeps quiet about all ETH; so vaults need not back the liabilities in it."""
    vaults = tuple(vault for vault in statement.vaults if vault.asset != ETH)
    totals, fund = (
        tuple(amount for amount in amounts if amount.asset != ETH) for amounts in (statement.totals, statement.fund)
    )
    return replace(statement, vaults=vaults, totals=totals, fund=fund)


def before_it(step: Step) -> Act:
    """A whole transition of another kind."""
    return withdraw if kind_of(step) is Kind.DEPOSIT else deposit


def stale(statement: Statement) -> Statement:
    """What the statement says without the deposit that came too late for it."""
    (late_one,), (vault, *vaults), (total, *totals) = statement.deposits, statement.vaults, statement.totals
    vault = replace(vault, amount=vault.amount - late_one.amount)
    total = replace(total, amount=total.amount - late_one.amount)
    return replace(statement, vaults=(vault, *vaults), totals=(total, *totals))


def late(edit: Callable[[Traces], None], pause: bool = False) -> Script:
    """A deposit after vaults and totals have been published."""

    def after(forger: Forger) -> None:
        if pause:
            forger.memory.witness.access(IDLE, NOWHERE, EMPTY, EMPTY)  # type: ignore[arg-type]  # no step at all
        deposit(forger)

    return Script(after=after, edit=edit, restate=stale)


def make_idle(traces: Traces) -> None:
    """The row of no step accesses nothing."""
    execution, tree = traces["execution"], traces["tree"]
    row = int(np.flatnonzero(execution["index"] == NOWHERE)[0])
    kept = {name: execution[name][row] for name in ("clock", "time")}
    execution.values[:, row] = 0
    for name, value in kept.items():
        execution[name][row] = value
    tree["time"][(tree["index"] == NOWHERE) & (tree["is_leaf"] == 1)] = 0


def put_first(traces: Traces) -> None:
    """The late deposit's rows move to the beginning, with their clocks."""
    execution, length = traces["execution"], len(STEPS[Kind.DEPOSIT])
    order = np.roll(np.arange(execution.used), length)
    execution.values[:, : execution.used] = execution.values[:, order]


def put_first_in_time(traces: Traces) -> None:
    """The same, and the clock counts rows; so the closing steps read what was written before their records were."""
    execution, tree, used = traces["execution"], traces["tree"], traces["execution"].used
    put_first(traces)
    times = np.zeros((used + 1) * TIMES_PER_CLOCK, dtype=np.int64)
    times[execution["clock"][:used] * TIMES_PER_CLOCK] = (np.arange(used) + 1) * TIMES_PER_CLOCK
    execution["clock"][:used] = np.arange(used) + 1
    execution["previous_time"][:used] = times[execution["previous_time"][:used]]
    elapsed = execution["clock"][:used] * TIMES_PER_CLOCK - execution["previous_time"][:used] - 1
    for k, part in enumerate(limbs_of(elapsed, 2)):
        execution[f"gap{k}"][:used] = part
    leaves = (tree["is_leaf"] == 1) & (tree["is_new"] == 1)
    tree["time"][leaves] = times[tree["time"][leaves]]


def unread_total() -> Script:
    """The liabilities in ETH are published in the table's last row, from where no memory is accessed.

    A transfer that runs backwards cancels the access; where its next step would be, the table is at its end.
    """

    def edit(traces: Traces) -> None:
        execution = traces["execution"]
        row = execution.active - 1
        execution.used = execution.active
        bit = 1 << ETH
        values = {"is_transfer_total": -1, "is_close_total": 1, "index": total_index(ETH), "instrument": ETH}
        values |= {"bit": bit, "other": 1, "scratch": -1}  # account 0 differs from account 1
        for version in ("old", "new"):
            values |= {f"{version}{TOTAL_BIT}": bit, f"{version}{TAG}": int(Tag.TOTAL)}
        for name, value in values.items():
            execution[name][row] = value

    script = chain_left_out(5, {(Step.CLOSE_TOTAL, 1): skip}, nothing)
    return replace(script, edit=edit)


BATCHES = MAX_ACCOUNTS // LIMB  # so many, because of the time that `unseen_batch` reads out of the venue's record


def long_lived() -> Ledger:
    """As if so many batches had been closed, at the time from which on an unseen one fits."""
    ledger = staged()
    ledger.store.load([(VENUE_INDEX, record(Tag.VENUE, NOBODY, BATCHES, 2 * NOBODY + 1), NO_SALT)])
    return ledger


def unseen_batch(selector: str, instrument: int) -> Script:
    """A batch ends while an account is registered, and another step that runs backwards takes its message back.

    That step would keep the whole record, so it cancels what the other two keep. It publishes the record's first
    elements as an amount, which makes the time of the unseen batch: two limbs, the number of accounts and that of
    batches. The batch that is seen has the same time. The room for accounts is the time that has passed.
    """

    time = NOBODY + BATCHES * LIMB

    def close(venue: list[int]) -> None:
        venue[VENUE_TIME] = time
        venue[VENUE_BATCHES] += 1

    def edit(traces: Traces) -> None:
        execution = traces["execution"]
        (row,) = rows_where(execution, is_register_venue=1)
        execution["is_close_venue"][row], execution[selector][row] = 1, -1

    amounts = {f"amount{k}": part for k, part in enumerate((NOBODY, BATCHES, 2 * NOBODY + 1, 0))}
    amend = setting(Kind.REGISTER, slice(None), instrument=instrument % P, sequence=BATCHES + 1, **amounts)
    return Script(register, {Step.REGISTER_VENUE: write(close)}, amend, edit=edit, ledger=long_lived, time=time)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    table: dict[str, Callable[[], Script]] = {
        "nothing but closing follows closing": partial(late, nothing),
        "no step follows an idle row": partial(late, make_idle, pause=True),
        "the clock counts rows": partial(late, put_first),
        "the record was last written earlier": partial(late, put_first_in_time),
        "is_transfer_total is boolean": unread_total,
        # The instrument of which the leaf is the venue's.
        "is_close_total is boolean": partial(
            unseen_batch, "is_close_total", -total_index(0) * inverse(INSTRUMENT_SLOTS)
        ),
        "is_close_fund is boolean": partial(unseen_batch, "is_close_fund", -balance_index(NOBODY, 0)),
    }
    for kind in (Kind.REGISTER, Kind.DEPOSIT, Kind.WITHDRAW, Kind.TRANSFER, Kind.PRICE):
        for before, step in pairwise(STEPS[kind]):
            name = step.name.lower()
            table[f"{before.name.lower()} leads to {name}"] = partial(headless, step, before_it(step))
            table[f"the first row is no {name}"] = partial(headless, step, nothing)
    return table
