"""Forgeries of what a step accesses: the index, the kind of the record there, and the elements it must keep."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from circuits.bounds import BIAS, BIAS_TOP_LIMB, TRANSIT
from circuits.field import P
from circuits.records import (
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    PARAMETERS_FRACTION,
    PARAMETERS_PRICES,
    PARAMETERS_STALENESS,
    PARAMETERS_TIME,
    TAG,
    Record,
    Tag,
    balance_index,
    chain_index,
    from_limbs,
    header_index,
    key_index,
    limbs,
    market_index,
    parameters_index,
    total_index,
    vault_index,
)
from circuits.statement import Statement, Vault
from circuits.steps import Kind, Step
from state.ledger import Ledger
from state.transitions.close import CloseVault
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice, market_record
from state.transitions.register import Register
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, ETH_PERP, USDC, run_batch
from tests.mutation.script import Amend, BentMemory, Hook, Hooks, Script, ScriptedTrace, add, inverse, nothing, skip, to
from tests.mutation.stage import DAVE, EVE, FRANK, MARK, NOBODY, SIZE, staged
from tests.tamper.forger import Forger

Act = Callable[[Forger], None]


def register(forger: Forger) -> None:
    """The next account."""
    forger.apply(Register(NOBODY, (9,) * 7))


def deposit(forger: Forger) -> None:
    """To an account that holds the asset already."""
    forger.deposit(0, 2, ALICE, USDC, 7_000_000)


def opening_deposit(forger: Forger) -> None:
    """To an account that does not hold the asset yet."""
    forger.deposit(2, 3, DAVE, ETH, 7_000_000)


def withdraw(forger: Forger) -> None:
    forger.withdraw(0, DAVE, USDC, 1_000_000)


def transfer(forger: Forger) -> None:
    forger.transfer(DAVE, ALICE, USDC, 1_000_000)


def opening_transfer(forger: Forger) -> None:
    forger.transfer(BOB, DAVE, ETH, 10)


def price(forger: Forger) -> None:
    forger.apply(SetPrice(BTC_PERP, 6_000_000, 90))


def fill(forger: Forger) -> None:
    """A first trade: Eve, whose order goes, sells to Dave."""
    forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade().filled()


def set_price(
    forger: Forger,
    instrument: int,
    price: int,
    time: int,
    *,
    mark: int | None = None,
    valid: int | None = None,
    stepped: int | None = None,
    weight: int | None = None,
    sequence: int | None = None,
) -> None:
    """A price after which mark, last second and weight, and whose number in the statement, are as said; by default the
    mark is the price, and all else follows from it. stepped: the instrument whose mark moves."""
    memory = forger.memory
    parameters = memory.read(parameters_index(instrument))
    count = parameters[PARAMETERS_PRICES]
    counted = list(parameters)
    counted[PARAMETERS_PRICES], counted[PARAMETERS_TIME] = count + 1, time
    memory.replace(Step.PRICE_PARAMETERS, parameters_index(instrument), parameters, tuple(counted))
    leaf = market_index(instrument if stepped is None else stepped)
    old, mark = memory.read(leaf), price if mark is None else mark
    valid = time + parameters[PARAMETERS_STALENESS] if valid is None else valid
    moved = (*old[:MARKET_MARK], *limbs(mark, 2), *old[MARKET_WEIGHT:MARKET_VALID], valid, old[TAG])
    memory.replace(Step.PRICE_STEP, leaf, old, moved)
    old = memory.read(market_index(instrument))
    if weight is None:
        mark = from_limbs(old[MARKET_MARK : MARKET_MARK + 2])
        honest = market_record(Tag(old[TAG]), old[0], old[1], mark, parameters[PARAMETERS_FRACTION], valid)
        weight = from_limbs(honest[MARKET_WEIGHT : MARKET_WEIGHT + 2])
    weighed = (*old[:MARKET_WEIGHT], *limbs(weight, 2), *old[MARKET_VALID:])
    memory.replace(Step.PRICE_MARKET, market_index(instrument), old, weighed)
    memory.witness.begin(Kind.PRICE, instrument, count if sequence is None else sequence, price, time)


def shared(step: Step, target: int, act: Act, ledger: Callable[[], Ledger] = staged) -> Script:
    """The step's access goes to another leaf."""
    return Script(act, {step: to(target)}, ledger=ledger)


def count_elsewhere(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
    """Hook: a price is counted as one of ETH."""
    record = list(memory.read(parameters_index(ETH)))
    record[PARAMETERS_PRICES] += 1
    record[PARAMETERS_TIME] = new[PARAMETERS_TIME]
    return memory.access(step, parameters_index(ETH), tuple(record))


def register_at_large() -> Script:
    """A unit from nowhere: the count of accounts is read and raised in the low limb of a balance."""
    target = balance_index(FRANK, ETH)

    def act(forger: Forger) -> None:
        forger.apply(Register(NOBODY, (9,) * 7))

    def divert(account: int) -> Hook:
        def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
            return memory.access(step, index + header_index(account) - header_index(NOBODY), new)

        return hook

    account = limbs(30_000_000_000 + BIAS)[0]

    def amend(trace: ScriptedTrace) -> None:
        trace.registers(Kind.REGISTER, account=account)
        trace.wide_port(
            0, trace.at(Step.REGISTER_VENUE), (1 << 23) - 1 - trace.columns["account"][trace.at(Step.REGISTER_VENUE)]
        )

    def unit(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        here = memory.read(target)
        return memory.access(step, target, (here[0] + 1, *here[1:]))

    created = (Step.REGISTER_HEADER, Step.REGISTER_KEY, Step.REGISTER_QUOTE)
    return Script(act, {Step.REGISTER_VENUE: unit, **{step: divert(account) for step in created}}, amend)


def crossed_totals() -> Script:
    """Two deposits of the same amount raise each other's total, so that Dave's ETH is opened under the quote's bit."""

    def act(forger: Forger) -> None:
        forger.deposit(2, 3, DAVE, ETH, 7_000_000)
        forger.deposit(0, 2, ALICE, USDC, 7_000_000)

    def amend(trace: ScriptedTrace) -> None:
        for rows in trace.rows(Kind.DEPOSIT):
            trace.register("bit", rows[:1], 1 << USDC)
            trace.register("bit", rows[1:], 1 << ETH)

    hooks = {
        (Step.DEPOSIT_TOTAL, 0): to(total_index(USDC)),
        (Step.DEPOSIT_TOTAL, 1): to(total_index(ETH)),
        Step.DEPOSIT_HEADER: lambda memory, step, index, old, new: memory.access(
            step, index, old if old == new else (*new[:2], old[2] + (1 << USDC), *new[3:])
        ),
    }
    return Script(act, hooks, amend)


def crossed_withdrawals() -> Script:
    """Totals trade places, so that the quote's passes its bound unseen between a deposit and a withdrawal."""
    amount = 10**12

    def act(forger: Forger) -> None:
        forger.deposit(0, 2, ALICE, USDC, BIAS - 1 - 150_001_000_000 - amount // 2)
        forger.deposit(2, 3, FRANK, ETH, amount)
        forger.withdraw(2, FRANK, ETH, amount)
        forger.deposit(1, 2, EVE, USDC, amount)
        forger.withdraw(1, EVE, USDC, amount)

    hooks = {
        (Step.WITHDRAW_TOTAL, 0): to(total_index(USDC)),
        (Step.WITHDRAW_TOTAL, 1): to(total_index(ETH)),
    }
    return Script(act, hooks)


def batch_elsewhere() -> Script:
    """The batch counts itself and its time in Frank's header: his nonce, and his open instruments."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        header = memory.read(header_index(FRANK))
        return memory.access(step, header_index(FRANK), (header[0], header[1] + 1, 100, *header[3:]))

    return Script(withdraw, {Step.CLOSE_VENUE: hook}, restate=lambda statement: replace(statement, batch=1))


def swapped_vaults() -> Script:
    """The statement lets two chains trade the contents of their vaults."""
    hooks: Hooks = {
        (Step.CLOSE_VAULT, 0): to(vault_index(1, USDC)),
        (Step.CLOSE_VAULT, 2): to(vault_index(0, USDC)),
    }

    def restate(statement: Statement) -> Statement:
        vaults = list(statement.vaults)
        vaults[0], vaults[2] = replace(vaults[0], amount=vaults[2].amount), replace(vaults[2], amount=vaults[0].amount)
        return replace(statement, vaults=tuple(vaults))

    return Script(withdraw, hooks, restate=restate)


def drained(left: int) -> Ledger:
    """All ETH has been withdrawn, then so much deposited."""
    ledger, holders = staged(), ((FRANK, 30_000_000_000), (BOB, 1_234_567_880), (CAROL, 999_999_996), (ALICE, 10))
    withdrawals = [Withdraw(2, account, ETH, amount) for account, amount in holders]
    run_batch(ledger, [*withdrawals, Deposit(2, 3, ALICE, ETH, left)], time=80)
    return ledger


def chain_left_out(left: int, hooks: Hooks, amend: Amend) -> Script:
    """The statement keeps quiet about the last chain, which holds all ETH, and about the liabilities in ETH."""

    def restate(statement: Statement) -> Statement:
        usdc, eth = statement.totals
        vaults = tuple(vault for vault in statement.vaults if vault.chain in (0, 1, TRANSIT))
        return replace(statement, vaults=vaults, totals=(usdc, replace(eth, amount=0)))

    last = {(Step.CLOSE_VAULT, 4): skip, (Step.CLOSE_VAULT, 5): skip}
    return Script(withdraw, {**last, **hooks}, amend, restate=restate, ledger=partial(drained, left))


def unpublished_limb(k: int) -> Script:
    """Liabilities that differ from the published ones in limb k."""
    return chain_left_out(3 << (14 * k), {}, lambda t: t.register(f"amount{k}", t.at(Step.CLOSE_TOTAL, 1), 0))


def publish_wrong_vaults(k: int) -> Script:
    """What one vault is said to hold less, another is said to hold more."""

    def amend(trace: ScriptedTrace) -> None:
        for number, change in ((0, 1), (2, -1)):
            rows = trace.at(Step.CLOSE_VAULT, number)
            trace.register(f"amount{k}", rows, trace.columns[f"amount{k}"][rows] + change)

    def restate(statement: Statement) -> Statement:
        vaults = list(statement.vaults)
        for number, change in ((0, 1), (2, -1)):
            vaults[number] = replace(vaults[number], amount=vaults[number].amount + (change << (14 * k)))
        return replace(statement, vaults=tuple(vaults))

    def act(forger: Forger) -> None:
        for chain in (0, 1):
            forger.deposit(chain, 2, ALICE, USDC, 5 + (5 << 14) + (5 << 28) + (5 << 42))

    return Script(act, amend=amend, restate=restate)


def publish_wrong_fund(k: int) -> Script:
    """The fund is said to hold more than it does."""

    def amend(trace: ScriptedTrace) -> None:
        trace.columns[f"amount{k}"][trace.at(Step.CLOSE_FUND)] += 1

    return Script(withdraw, amend=amend, restate=lambda statement: fund_of(statement, 1 << (14 * k)))


def fund_of(statement: Statement, amount: int) -> Statement:
    """The statement with another quote balance of the fund."""
    return replace(statement, fund=(replace(statement.fund[0], amount=amount), *statement.fund[1:]))


ONE_MORE = partial(staged, Register(NOBODY, (9,) * 7))  # with nothing but quote

INDEX: dict[str, Callable[[], Script]] = {
    "register_venue": register_at_large,
    "register_header": lambda: shared(Step.REGISTER_HEADER, header_index(NOBODY + 1), register),
    "register_key": lambda: shared(Step.REGISTER_KEY, key_index(NOBODY + 1), register),
    "register_quote": lambda: shared(Step.REGISTER_QUOTE, balance_index(NOBODY + 1, USDC), register),
    "deposit_chain": lambda: shared(
        Step.DEPOSIT_CHAIN, chain_index(2), lambda f: f.deposit(0, 3, ALICE, USDC, 7_000_000)
    ),
    "deposit_vault": lambda: shared(Step.DEPOSIT_VAULT, vault_index(1, USDC), deposit),
    "deposit_total": crossed_totals,
    "deposit_header": lambda: shared(Step.DEPOSIT_HEADER, header_index(EVE), opening_deposit),
    "deposit_balance": lambda: shared(Step.DEPOSIT_BALANCE, balance_index(BOB, USDC), deposit),
    "withdraw_chain": lambda: shared(
        Step.WITHDRAW_CHAIN, chain_index(1), lambda f: f.withdraw(0, DAVE, USDC, 1_000_000, sequence=1)
    ),
    "withdraw_vault": lambda: shared(Step.WITHDRAW_VAULT, vault_index(1, USDC), withdraw),
    "withdraw_total": crossed_withdrawals,
    "withdraw_header": lambda: shared(Step.WITHDRAW_HEADER, header_index(NOBODY), withdraw, ONE_MORE),
    "withdraw_balance": lambda: shared(Step.WITHDRAW_BALANCE, balance_index(BOB, USDC), withdraw),
    "transfer_total": lambda: Script(
        lambda f: f.transfer(ALICE, BOB, BTC_PERP, 100),
        {Step.TRANSFER_TOTAL: to(total_index(USDC))},
    ),
    "transfer_from_header": lambda: shared(Step.TRANSFER_FROM_HEADER, header_index(NOBODY), transfer, ONE_MORE),
    "transfer_from_balance": lambda: shared(Step.TRANSFER_FROM_BALANCE, balance_index(BOB, USDC), transfer),
    "transfer_to_header": lambda: shared(Step.TRANSFER_TO_HEADER, header_index(EVE), opening_transfer),
    "transfer_to_balance": lambda: shared(Step.TRANSFER_TO_BALANCE, balance_index(BOB, USDC), transfer),
    "price_parameters": lambda: Script(
        lambda f: set_price(f, BTC_PERP, 6_000_000, 90, weight=5_100_000, sequence=2),
        {Step.PRICE_PARAMETERS: count_elsewhere},
    ),
    "price_step": lambda: Script(lambda f: set_price(f, BTC_PERP, 2_681_700, 90, stepped=ETH_PERP)),
    "price_market": lambda: Script(
        price,
        {
            Step.PRICE_MARKET: lambda memory, step, index, old, new: memory.access(
                step, market_index(ETH_PERP), memory.read(market_index(ETH_PERP))
            )
        },
    ),
    "close_venue": batch_elsewhere,
    "close_vault": swapped_vaults,
    "close_fund": lambda: Script(
        withdraw,
        {(Step.CLOSE_FUND, 0): to(balance_index(EVE, USDC))},
        restate=lambda statement: fund_of(statement, 20_000_000_000),
    ),
    "close_total": lambda: chain_left_out(5, {(Step.CLOSE_TOTAL, 1): to(vault_index(0, ETH))}, nothing),
}

# An account number by which Frank's key stands where a header stands, and his ETH where the quote stands.
SHIFTED_FRANK = (FRANK + inverse(32)) % P


def as_shifted_frank(instruments: tuple[int, ...]) -> Hook:
    """Hook: the access goes to the next leaf, and the margin check that follows visits these instruments."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        row = to(index + 1)(memory, step, index, old, new)
        for instrument in instruments:
            balance = memory.read(balance_index(FRANK, instrument) + 1)
            memory.visit(row, SHIFTED_FRANK, instrument, balance, memory.read(market_index(instrument)))
        return row

    return hook


def key_as_sender() -> Script:
    """Frank sends his ETH as if it were quote."""

    def amend(trace: ScriptedTrace) -> None:
        own = trace.rows(Kind.TRANSFER)[:3]
        for rows in own:
            trace.register("account", rows, SHIFTED_FRANK)
        trace.nonzero(own[0], SHIFTED_FRANK - trace.columns["other"][own[0]])

    hooks = {Step.TRANSFER_FROM_HEADER: as_shifted_frank(()), Step.TRANSFER_FROM_BALANCE: as_shifted_frank((USDC,))}
    return Script(lambda f: f.transfer(FRANK, ALICE, USDC, 1_000_000), hooks, amend, omit=range(4))


def key_as_receiver() -> Script:
    """Frank receives quote as if it were ETH."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.TRANSFER)
        trace.registers(Kind.TRANSFER, other=SHIFTED_FRANK)
        for own in rows[3:]:
            trace.register("account", own, SHIFTED_FRANK)
        trace.nonzero(rows[0], trace.columns["account"][rows[0]] - SHIFTED_FRANK)

    hooks = {Step.TRANSFER_TO_HEADER: as_shifted_frank(()), Step.TRANSFER_TO_BALANCE: as_shifted_frank(())}
    return Script(lambda f: f.transfer(ALICE, FRANK, USDC, 1_000_000), hooks, amend)


def visiting(account: int, instruments: tuple[int, ...]) -> Hook:
    """Hook: after the access the margin check visits these instruments."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        row = memory.access(step, index, new)
        for instrument in instruments:
            balance, market = balance_index(account, instrument), market_index(instrument)
            memory.visit(row, account, instrument, memory.read(balance), memory.read(market))
        return row

    return hook


def phantom_vault() -> Script:
    """The statement lists the vaults of a chain that does not exist."""

    def after(forger: Forger) -> None:
        for asset in (USDC, ETH):
            forger.apply(CloseVault(3, asset))

    def restate(statement: Statement) -> Statement:
        *vaults, usdc, eth = statement.vaults  # what is in transit comes last
        return replace(statement, vaults=(*vaults, Vault(3, USDC, 0), Vault(3, ETH, 0), usdc, eth))

    return Script(withdraw, restate=restate, after=after)


def asset_as_perpetual() -> Script:
    """What a lot of ETH counts as collateral is rounded up."""

    def believe(trace: ScriptedTrace) -> None:
        trace.old[TAG][trace.at(Step.PRICE_MARKET)] = int(Tag.PERPETUAL)

    return Script(lambda f: set_price(f, ETH, 268_163, 90, weight=-(-268_163 * 8_500 // 10_000)), believe=believe)


KIND: dict[str, Callable[[], Script]] = {
    "deposit_header": lambda: Script(lambda f: f.deposit(0, 2, NOBODY, USDC, 7_000_000)),
    "transfer_total": lambda: Script(lambda f: f.transfer(ALICE, BOB, BTC_PERP, 100)),
    "transfer_from_header": key_as_sender,
    "transfer_to_header": key_as_receiver,
    "price_market": asset_as_perpetual,
    "close_vault": phantom_vault,
}


def unbiased_opening() -> Script:
    """Dave's first ETH is a huge debt that his header does not list."""

    def debt(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, index, (*new[:3], new[3] - BIAS_TOP_LIMB, *new[4:]))

    def header(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, index, old)

    hooks = {Step.DEPOSIT_HEADER: header, Step.DEPOSIT_BALANCE: debt}
    return Script(opening_deposit, hooks, lambda t: t.registers(Kind.DEPOSIT, opened=0))


def elements() -> dict[str, Callable[[], Script]]:
    """Single elements of new records that are off by one."""
    table: dict[str, Callable[[], Script]] = {}
    for step, positions in (
        (Step.REGISTER_HEADER, range(8)),
        (Step.REGISTER_KEY, (7,)),
        (Step.REGISTER_QUOTE, range(8)),
    ):
        for k in positions:
            table[f"{step.name.lower()}: new element {k}"] = partial(Script, register, {step: add(k)})
    for k in range(8):
        table[f"record element {k} is kept"] = partial(
            Script, withdraw, {(Step.CLOSE_FUND, 0): add(k)}, restate=partial(fund_of, amount=0)
        )
    for k in range(4):
        table[f"close_vault: published limb {k}"] = partial(publish_wrong_vaults, k)
        table[f"close_total: published limb {k}"] = partial(unpublished_limb, k)
        table[f"close_fund: published limb {k}"] = partial(publish_wrong_fund, k)
    table["a balance that does not open is one before"] = unbiased_opening
    table["a balance that may open is one after"] = partial(Script, deposit, {Step.DEPOSIT_BALANCE: add(TAG, -1)})
    return table


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return (
        {f"{step}: index": script for step, script in INDEX.items()}
        | {f"{step}: kind of record": script for step, script in KIND.items()}
        | elements()
    )
