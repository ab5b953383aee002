"""Forgeries of registers: one changes within its transition, or is handed over wrongly to the second party."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import LIMB
from circuits.execution import OTHER_LIMIT
from circuits.records import (
    HEADER_MASK,
    MARKET_BIT,
    PARAMETERS_MAKER_FEE,
    PARAMETERS_TAKER_FEE,
    Record,
    balance_index,
    header_index,
    vault_index,
)
from circuits.steps import Kind, Step
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, USDC
from tests.mutation.execution_accesses import deposit, fill, opening_deposit, set_price
from tests.mutation.script import Amend, BentMemory, Hook, Hooks, Script, ScriptedTrace, add, skip, to
from tests.mutation.stage import DAVE, EVE, MARK
from tests.tamper.forger import Forger

SIZE, RATES = 5, (200, 500)
NOTIONAL = MARK * SIZE
MAKER, TAKER = slice(0, 6), slice(6, 10)  # the rows of a fill that show a party's registers
EVERY = slice(None)
BOBS_MASK, TOO_MUCH = 15, 120_000_000_000
PARTY = (Step.FILL_HEADER, Step.FILL_BASE, Step.FILL_QUOTE, Step.FILL_FEE)


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


def grows(step: Step, act: Callable[[Forger], None], name: str, count: int, k: int, sign: int = 1) -> Script:
    """Limb k of what the step adds (sign 1) or takes is one more on its row than on the others."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.at(step)
        trace.columns[f"{name}{k}"][rows] += 1
        limbs = [sign * trace.columns[f"{name}{i}"][rows] for i in range(count)]
        trace.change(rows, [*limbs, *[0] * (4 - count)])

    return Script(act, {(step, 0): grown(sign << (14 * k))}, amend)


def rate_falls(taker: int) -> Script:
    """The rate is read honestly, and 0 afterwards."""
    name = "taker_rate" if taker else "maker_rate"
    return free_of_charge(taker, setting(Kind.FILL, slice(0, 2), **{name: RATES[taker]}))


def free_of_charge(taker: int, amend: Amend) -> Script:
    """One party pays no fee."""
    element = PARAMETERS_TAKER_FEE if taker else PARAMETERS_MAKER_FEE

    def believe(trace: ScriptedTrace) -> None:
        trace.old[element][trace.at(Step.FILL_PARAMETERS)] = 0

    def act(forger: Forger) -> None:
        forger.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, fees=(None, 0) if taker else (0, None))

    return Script(act, amend=amend, believe=believe)


def other_receiver() -> Script:
    """Bob sends to himself what he says that he sends to Carol."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.TRANSFER_TOTAL)
        trace.register("other", row, CAROL)
        trace.nonzero(row, trace.columns["account"][row] - CAROL)

    return Script(lambda f: f.transfer(BOB, BOB, USDC, 5), amend=amend)


def outside_limit(amend: Amend) -> Script:
    """Eve sells below her limit; price and limit meet where they are compared."""

    def meet(trace: ScriptedTrace) -> None:
        trace.wide_port(9, trace.at(Step.FILL_BASE), trace.at(Step.FILL_BASE) * 0)
        trace.wide_port(9, trace.at(Step.FILL_BASE, 1), trace.at(Step.FILL_BASE, 1) * 0)

    limits = (MARK + 10, MARK + 10)
    return Script(lambda f: f.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, limits=limits), amend=both(amend, meet))


def maker_buys(forger: Forger) -> None:
    """Eve buys from Dave."""
    forger.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, taker_buys=False)


def bankrupting_withdrawal(forger: Forger) -> None:
    """Bob, who is short, takes out what he needs to close his position."""
    forger.deposit(1, 2, ALICE, USDC, TOO_MUCH)
    forger.withdraw(1, BOB, USDC, TOO_MUCH)


def gift_to_maker() -> Script:
    """The maker buys, and is paid too."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.FILL_QUOTE)
        trace.register("side", row, 0)
        limbs = [trace.columns[f"amount{k}"][row] for k in range(4)]
        trace.change(row, [*(limbs[k] - trace.columns[f"fee{k}"][row] for k in range(3)), limbs[3]])

    return Script(maker_buys, {(Step.FILL_QUOTE, 0): grown(2 * NOTIONAL)}, amend)


def maker_alone() -> Script:
    """The fill ends after its maker."""
    hooks: Hooks = {(step, 1): skip for step in PARTY}
    return Script(fill, hooks, setting(Kind.FILL, slice(5, 6), phase=1))


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
        "price": lambda: outside_limit(setting(Kind.FILL, slice(2, 10), price=MARK + 10)),
        "maker_rate": partial(rate_falls, 0),
        "taker_rate": partial(rate_falls, 1),
        "chain": lambda: Script(
            deposit, {Step.DEPOSIT_VAULT: to(vault_index(1, USDC))}, setting(Kind.DEPOSIT, slice(1, 5), chain=1)
        ),
        "sequence": lambda: Script(
            lambda f: set_price(f, BTC_PERP, 6_000_000, 90, sequence=7),
            amend=setting(Kind.PRICE, slice(0, 1), sequence=1),
        ),
        "side": gift_to_maker,
        "phase": maker_alone,
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
        table[f"size{k}"] = partial(grows, Step.FILL_BASE, maker_buys, "size", 2, k)
    return table


def other_taker() -> Script:
    """Eve agreed with Alice, and Dave gets the fill."""

    def amend(trace: ScriptedTrace) -> None:
        setting(Kind.FILL, MAKER, other=ALICE)(trace)
        trace.nonzero(trace.at(Step.FILL_MARKET), trace.at(Step.FILL_MARKET) * 0 + EVE - ALICE)

    return Script(fill, amend=amend)


def two_sellers() -> Script:
    """Both parties sell."""

    def amend(trace: ScriptedTrace) -> None:
        setting(Kind.FILL, TAKER, side=0)(trace)
        base, quote = trace.at(Step.FILL_BASE, 1), trace.at(Step.FILL_QUOTE, 1)
        trace.change(base, [-SIZE, 0, 0, 0])
        limbs = [trace.columns[f"amount{k}"][quote] for k in range(4)]
        trace.change(quote, [*(limbs[k] - trace.columns[f"fee{k}"][quote] for k in range(3)), limbs[3]])

    hooks: Hooks = {(Step.FILL_BASE, 1): grown(-2 * SIZE), (Step.FILL_QUOTE, 1): grown(2 * NOTIONAL)}
    return Script(fill, hooks, amend)


def three_parties() -> Script:
    """Dave counts as a second maker, and a third party sells to him once more."""

    def act(forger: Forger) -> None:
        fee = -(-NOTIONAL * RATES[0] // 10**6)
        forger.fill(BTC_PERP, EVE, DAVE, MARK, SIZE, fees=(None, fee))
        forger.fill(BTC_PERP, DAVE, ALICE, MARK, SIZE, taker_buys=False)

    def believe(trace: ScriptedTrace) -> None:
        first, second = trace.rows(Kind.FILL)[1]
        trace.old[PARAMETERS_TAKER_FEE][first] = RATES[0]
        for element, value in ((MARKET_BIT, 1 << BTC_PERP), (PARAMETERS_MAKER_FEE, 200), (PARAMETERS_TAKER_FEE, 500)):
            trace.old[element][second] = value

    def amend(trace: ScriptedTrace) -> None:
        for row in trace.rows(Kind.FILL):
            trace.register("taker_rate", row[:1], RATES[1])
        for row in trace.rows(Kind.FILL)[TAKER]:
            trace.register("phase", row[:1], 0)
            trace.register("other", row[:1], ALICE)

    hooks: Hooks = {(Step.FILL_MARKET, 1): skip, (Step.FILL_PARAMETERS, 1): skip, **{(s, 2): skip for s in PARTY}}
    return Script(act, hooks, amend, believe)


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
        "fill: the taker follows the maker": other_taker,
        "fill: the taker's limit follows": lambda: Script(
            fill, amend=setting(Kind.FILL, MAKER, **{OTHER_LIMIT: MARK - 1})
        ),
        "fill: the taker is on the other side": two_sellers,
        "fill: the taker is second": three_parties,
        "transfer: the receiver follows the sender": other_transferee,
        "fill_parameters: maker rate": partial(free_of_charge, 0, lambda trace: None),
        "fill_parameters: taker rate": partial(free_of_charge, 1, lambda trace: None),
        "fill_parameters: limbs of the price": lambda: outside_limit(setting(Kind.FILL, EVERY, price=MARK + 10)),
    }
