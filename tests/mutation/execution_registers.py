"""Forgeries of registers: one changes within its transition, or is handed over wrongly to the second party."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import LIMB
from circuits.records import (
    HEADER_MASK,
    Record,
    balance_index,
    header_index,
    vault_index,
)
from circuits.steps import Kind, Step
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, USDC
from tests.mutation.execution_accesses import deposit, fill, opening_deposit, set_price
from tests.mutation.script import Amend, BentMemory, Hook, Hooks, Script, ScriptedTrace, add, to
from tests.mutation.stage import DAVE
from tests.tamper.forger import Forger

EVERY = slice(None)
BOBS_MASK, TOO_MUCH = 15, 120_000_000_000


def setting(kind: Kind, rows: slice, **values: int) -> Amend:
    """Amend: registers have these values on some rows of the transition."""

    def amend(trace: ScriptedTrace) -> None:
        for row in trace.rows(kind)[rows]:
            for name, value in values.items():
                trace.register(name, row, value)

    return amend


def both(*amends: Amend) -> Amend:
    """Amend: one after the other."""

    def amend(trace: ScriptedTrace) -> None:
        for each in amends:
            each(trace)

    return amend


def grown(change: int) -> Hook:
    """Hook: the new amount is off by this."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        value = sum(part << (14 * k) for k, part in enumerate(new[:4])) + change
        return memory.access(step, index, (*(value >> (14 * k) & (LIMB - 1) for k in range(4)), *new[4:]))

    return hook


def grows(
    step: Step, act: Callable[[Forger], None], name: str, count: int, k: int, sign: int = 1, number: int = 0
) -> Script:
    """Limb k of what the step adds (sign 1) or takes is one more on its row than on the others."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.at(step, number)
        trace.columns[f"{name}{k}"][rows] += 1
        limbs = [sign * trace.columns[f"{name}{i}"][rows] for i in range(count)]
        trace.change(rows, [*limbs, *[0] * (4 - count)])

    return Script(act, {(step, number): grown(sign << (14 * k))}, amend)


def other_receiver() -> Script:
    """Bob sends to himself what he says that he sends to Carol."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.TRANSFER_TOTAL)
        trace.register("other", row, CAROL)
        trace.nonzero(row, trace.columns["account"][row] - CAROL)

    return Script(lambda f: f.transfer(BOB, BOB, USDC, 5), amend=amend)


def bankrupting_withdrawal(forger: Forger) -> None:
    """Bob, who is short, takes out what he needs to close his position."""
    forger.deposit(1, 2, ALICE, USDC, TOO_MUCH)
    forger.withdraw(1, BOB, USDC, TOO_MUCH)


def unlisted_opening() -> Script:
    """Dave's first ETH does not show in his header."""

    def header(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, index, old)

    return Script(opening_deposit, {Step.DEPOSIT_HEADER: header}, setting(Kind.DEPOSIT, slice(0, 4), opened=0))


def kept() -> dict[str, Callable[[], Script]]:
    """One register each that changes within a transition."""
    bobs: Hooks = {Step.DEPOSIT_HEADER: to(header_index(BOB)), Step.DEPOSIT_BALANCE: to(balance_index(BOB, USDC))}
    alice_eth: Hooks = {Step.DEPOSIT_BALANCE: to(balance_index(ALICE, ETH))}
    table: dict[str, Callable[[], Script]] = {
        "account": lambda: Script(deposit, bobs, setting(Kind.DEPOSIT, slice(3, 5), account=BOB)),
        "other": other_receiver,
        "instrument": lambda: Script(deposit, alice_eth, setting(Kind.DEPOSIT, slice(4, 5), instrument=ETH)),
        "bit": lambda: Script(
            opening_deposit, {Step.DEPOSIT_HEADER: add(HEADER_MASK, 6)}, setting(Kind.DEPOSIT, slice(3, 5), bit=8)
        ),
        "chain": lambda: Script(
            deposit, {Step.DEPOSIT_VAULT: to(vault_index(1, USDC))}, setting(Kind.DEPOSIT, slice(1, 5), chain=1)
        ),
        "sequence": lambda: Script(
            lambda f: set_price(f, BTC_PERP, 6_000_000, 90, sequence=7),
            amend=setting(Kind.PRICE, slice(0, 1), sequence=1),
        ),
        "mask": lambda: Script(
            bankrupting_withdrawal,
            amend=setting(Kind.WITHDRAW, slice(4, 5), mask=BOBS_MASK - (1 << BTC_PERP)),
            omit=(BTC_PERP,),
        ),
        "opened": unlisted_opening,
    }
    for k in range(4):
        table[f"amount{k}"] = partial(grows, Step.DEPOSIT_BALANCE, deposit, "amount", 4, k)
    for k in range(3):
        table[f"fee{k}"] = partial(grows, Step.FILL_FEE, fill, "fee", 3, k)
    for k in range(2):
        table[f"size{k}"] = partial(grows, Step.FILL_BASE, fill, "size", 2, k, number=1)
    return table


def other_transferee() -> Script:
    """Dave sends to Alice, and Bob receives."""
    hooks: Hooks = {
        Step.TRANSFER_TO_HEADER: to(header_index(BOB)),
        Step.TRANSFER_TO_BALANCE: to(balance_index(BOB, USDC)),
    }
    amend = setting(Kind.TRANSFER, slice(3, 5), account=BOB)
    return Script(lambda f: f.transfer(DAVE, ALICE, USDC, 1_000_000), hooks, amend)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return {f"register {name} is kept": script for name, script in kept().items()} | {
        "transfer: the receiver follows the sender": other_transferee,
    }
