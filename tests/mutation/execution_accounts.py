"""Forgeries of what transitions demand of accounts, chains, vaults and totals, and of sums of amounts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

from circuits.air import Table
from circuits.bounds import BIAS, BIAS_TOP_LIMB, COUNTER_MAX, MAX_ACCOUNTS
from circuits.execution import BOUND_PORT
from circuits.records import (
    EMPTY,
    HEADER_MASK,
    HEADER_NONCE,
    QUOTE_INSTRUMENT,
    VENUE_ACCOUNTS,
    VENUE_INDEX,
    Record,
    Role,
    SystemAccount,
    Tag,
    balance_index,
    header_index,
    key_index,
    record,
)
from circuits.steps import STEPS, Kind, Step
from circuits.witness import Witness
from prover.traces import build
from prover.traces.columns import Columns
from prover.traces.margin import margin_columns
from state.accounts import header_record
from state.ledger import Ledger
from state.store import NO_SALT
from tests.batches import ALICE, BOB, BTC_PERP, USDC
from tests.mutation.execution_accesses import (
    Act,
    deposit,
    opening_deposit,
    opening_transfer,
    register,
    transfer,
    withdraw,
)
from tests.mutation.execution_registers import BOBS_MASK, EVERY, TOO_MUCH, bankrupting_withdrawal, setting
from tests.mutation.script import BentMemory, Script, ScriptedTrace, add
from tests.mutation.stage import DAVE, EVE, NOBODY, staged
from tests.mutation.world import Forged
from tests.tamper.forger import Forger

BTC_BIT = 1 << BTC_PERP
USDC_TOTAL = 169_998_000_000  # on the stage
AWAY = 3  # ids that are skipped


def another_id() -> Script:
    """An account with an id out of order."""

    def aside(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, index + header_index(NOBODY + AWAY) - header_index(NOBODY), new)

    def amend(trace: ScriptedTrace) -> None:
        trace.registers(Kind.REGISTER, account=NOBODY + AWAY)
        row = trace.at(Step.REGISTER_VENUE)
        trace.wide_port(0, row, row * 0 + MAX_ACCOUNTS - 1 - NOBODY - AWAY)

    return Script(register, dict.fromkeys(STEPS[Kind.REGISTER][1:], aside), amend)


def full_ledger() -> Ledger:
    """As if all accounts had been registered."""
    ledger = staged()
    venue = ledger.read(VENUE_INDEX)
    ledger.store.load([(VENUE_INDEX, (MAX_ACCOUNTS, *venue[VENUE_ACCOUNTS + 1 :]), NO_SALT)])
    return ledger


def register_one_more(forger: Forger) -> None:
    """An account with the first id that is too large."""
    memory, account = forger.memory, MAX_ACCOUNTS
    venue = memory.read(VENUE_INDEX)
    memory.replace(Step.REGISTER_VENUE, VENUE_INDEX, venue, (account + 1, *venue[1:]))
    header = header_record(Role.TRADER, 0, 1 << QUOTE_INSTRUMENT)
    memory.replace(Step.REGISTER_HEADER, header_index(account), EMPTY, header)
    memory.replace(Step.REGISTER_KEY, key_index(account), EMPTY, record(Tag.KEY, 1, 2, 3))
    balance = record(Tag.BALANCE, 0, 0, 0, BIAS_TOP_LIMB)
    memory.replace(Step.REGISTER_QUOTE, balance_index(account, USDC), EMPTY, balance)
    memory.witness.begin(Kind.REGISTER, account)


def talkative(account: int = DAVE) -> Ledger:
    """As if the account had sent as many messages as there are nonces."""
    ledger = staged()
    header = ledger.read(header_index(account))
    old = (*header[:HEADER_NONCE], COUNTER_MAX, *header[HEADER_NONCE + 1 :])
    ledger.store.load([(header_index(account), old, NO_SALT)])
    return ledger


def bankrupting_transfer(forger: Forger) -> None:
    """Bob sends away what he needs to close his position."""
    forger.transfer(BOB, ALICE, USDC, TOO_MUCH)


@dataclass
class FailingChecks(Script):
    """The checks after this step are to fail, and do."""

    step: Step = Step.WITHDRAW_BALANCE

    def __call__(self) -> Forged:
        def columns(table: Table, witness: Witness, *rest: Any) -> Columns:
            """A check fails where UNDO_QUOTE comes next."""
            steps = witness.accesses.step
            honest = list(steps)
            for row in (row for row, step in enumerate(honest) if step == self.step):
                steps[row + 1] = Step.UNDO_QUOTE
            try:
                return margin_columns(table, witness, *rest)
            finally:
                for row, step in enumerate(honest):
                    steps[row] = step

        with patch.object(build, "margin_columns", columns):
            return super().__call__()


def past_the_bound() -> Script:
    """The total passes its bound between a deposit and a withdrawal."""

    def act(forger: Forger) -> None:
        forger.deposit(0, 2, ALICE, USDC, BIAS - 1 - USDC_TOTAL)
        forger.deposit(1, 2, EVE, USDC, 10**12)
        forger.withdraw(1, EVE, USDC, 10**12)

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.DEPOSIT_TOTAL, 1)
        trace.port(BOUND_PORT, row, row * 0)

    return Script(act, amend=amend)


def hidden_position(step: Step, act: Act, kind: Kind) -> dict[str, Callable[[], Script]]:
    """Three ways to keep the short position of the sender out of the margin check."""
    rows = slice(0, STEPS[kind].index(step) + 2)  # up to the balance step
    hidden, name = BOBS_MASK - BTC_BIT, step.name.lower()
    bit = 1 << USDC
    shrink = {step: add(HEADER_MASK, -BTC_BIT)}
    return {
        f"{name}: mask register": lambda: Script(act, amend=setting(kind, rows, mask=hidden), omit=(BTC_PERP,)),
        f"{name}: nothing opens": lambda: Script(act, shrink, setting(kind, rows, opened=-BTC_BIT // bit)),
        f"{name}: open instruments": lambda: Script(act, shrink),
    }


def wrong_bit(act: Act, step: Step, kind: Kind, bit: int) -> Script:
    """What opens does so under another instrument's bit."""

    def header(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        mask = old[HEADER_MASK] + (bit if old[HEADER_MASK] != new[HEADER_MASK] else 0)
        return memory.access(step, index, (*new[:HEADER_MASK], mask, *new[HEADER_MASK + 1 :]))

    return Script(act, {step: header}, setting(kind, EVERY, bit=bit))


def negative_transfer(k: int) -> Script:
    """Dave takes from Bob."""

    def amend(trace: ScriptedTrace) -> None:
        total, header, gain, _, loss = trace.rows(Kind.TRANSFER)
        for i in range(4):
            trace.registers(Kind.TRANSFER, **{f"amount{i}": -int(i == k)})
            trace.port(i, total, total * 0)
        limbs = [int(i == k) for i in range(4)]
        trace.change(gain, limbs)
        trace.change(loss, [-limb for limb in limbs])
        trace.amount_nonzero(header)

    return Script(lambda f: f.transfer(DAVE, BOB, USDC, -(1 << (14 * k))), amend=amend)


def unchecked_limb(k: int) -> Script:
    """The sum is right in the ports, and the record is off."""

    def believe(trace: ScriptedTrace) -> None:
        trace.new[k][trace.at(Step.DEPOSIT_BALANCE)] -= 1

    return Script(deposit, {Step.DEPOSIT_BALANCE: add(k)}, believe=believe)


def headers() -> dict[str, Callable[[], Script]]:
    """Forgeries of headers, by label."""
    acts: dict[Step, Act] = {
        Step.WITHDRAW_HEADER: withdraw,
        Step.TRANSFER_FROM_HEADER: transfer,
    }
    table: dict[str, Callable[[], Script]] = {}
    for step, act in acts.items():
        table[f"{step.name.lower()}: nonce"] = partial(Script, act, {(step, 0): add(HEADER_NONCE)})
    fee = SystemAccount.FEE
    senders: dict[Step, Act] = {
        Step.WITHDRAW_HEADER: lambda f: f.withdraw(0, fee, USDC, 1_000),
        Step.TRANSFER_FROM_HEADER: lambda f: f.transfer(fee, ALICE, USDC, 1_000),
    }
    for step, act in senders.items():
        table[f"{step.name.lower()}: sender is a trader"] = partial(Script, act)
        table[f"{step.name.lower()}: nonce within its bound"] = partial(Script, acts[step], ledger=talkative)
    table |= hidden_position(Step.WITHDRAW_HEADER, bankrupting_withdrawal, Kind.WITHDRAW)
    table |= hidden_position(Step.TRANSFER_FROM_HEADER, bankrupting_transfer, Kind.TRANSFER)
    return table | {
        "deposit_header: open instruments": lambda: Script(deposit, {Step.DEPOSIT_HEADER: add(HEADER_MASK, -2)}),
        "transfer_to_header: open instruments": lambda: Script(
            transfer, {Step.TRANSFER_TO_HEADER: add(HEADER_MASK, -2)}
        ),
        "transfer_to_header: receiver is a trader": lambda: Script(lambda f: f.transfer(BOB, fee, USDC, 5)),
    }


def backing() -> dict[str, Callable[[], Script]]:
    """Forgeries of chains and totals, by label."""
    return {
        "deposit_chain: number is the next of the chain": lambda: Script(lambda f: f.deposit(0, 5, ALICE, USDC, 7)),
        "deposit_chain: movements are counted": lambda: Script(lambda f: f.deposit(0, 2, ALICE, USDC, 7, count=0)),
        "withdraw_chain: number is the next of the chain": lambda: Script(
            lambda f: f.withdraw(0, DAVE, USDC, 7, sequence=5)
        ),
        "withdraw_chain: movements are counted": lambda: Script(withdraw, {Step.WITHDRAW_CHAIN: add(1)}),
        "deposit_total: amount within its bound": past_the_bound,
        "deposit_total: bit of the instrument": lambda: wrong_bit(
            opening_deposit, Step.DEPOSIT_HEADER, Kind.DEPOSIT, 8
        ),
        "transfer_total: bit of the instrument": lambda: wrong_bit(
            opening_transfer, Step.TRANSFER_TO_HEADER, Kind.TRANSFER, 8
        ),
    }


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    table: dict[str, Callable[[], Script]] = {
        "register_venue: account is the next id": another_id,
        "register_venue: accounts are counted": lambda: Script(register, {Step.REGISTER_VENUE: add(VENUE_ACCOUNTS)}),
        "register_venue: room for the account": lambda: Script(register_one_more, ledger=full_ledger),
        "only a maker may fail its margin check": lambda: FailingChecks(
            bankrupting_withdrawal, amend=setting(Kind.WITHDRAW, EVERY, fails=1)
        ),
        "transfer_total: not to itself": lambda: Script(lambda f: f.transfer(BOB, BOB, USDC, 5)),
        "transfer_from_header: amount is not 0": lambda: Script(lambda f: f.transfer(BOB, ALICE, USDC, 0)),
    }
    for k in range(4):
        table[f"transfer_total: amount limb {k} in range"] = partial(negative_transfer, k)
        table[f"amount limb {k} is range-checked"] = partial(unchecked_limb, k)
        table[f"amount limb {k} grows by its change"] = partial(Script, deposit, {Step.DEPOSIT_BALANCE: add(k, -1)})
    return table | headers() | backing()
