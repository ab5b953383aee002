"""Forgeries of takeovers: of whom, of what, at whose expense, and of what is left."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from circuits.bounds import ACCOUNT_SLOTS, AMOUNT_LIMBS, BIAS, CAPPED_BIT, FUNDING_START
from circuits.buses import Capped
from circuits.field import P
from circuits.records import (
    HEADER_MASK,
    RULES_INTEREST,
    RULES_SLOT,
    Role,
    SystemAccount,
    Tag,
    balance_index,
    header_index,
    key_index,
    limbs,
    market_index,
    record,
    rules_index,
)
from circuits.steps import Kind, Step
from circuits.transitions.take_over import GAP_PORT, MORE, PERPETUAL, REMAINING, WAIVED
from state.accounts import balance_record, header_record
from state.ledger import Ledger
from tests.batches import BTC_PERP, CAROL, DEBTOR, ETH, ETH_PERP, USDC
from tests.mutation.execution_accesses import Act, deposit
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.execution_unsettled import ahead
from tests.mutation.matching import one, registers
from tests.mutation.script import Amend, Hooks, Script, ScriptedTrace, add, inverse, nothing, skip, to, unchanged
from tests.mutation.stage import EVE, FRANK
from tests.mutation.standing import FUND, Standing, amount_of, capped, check, standing, take_over
from tests.tamper.forger import Forger

RICH = 50_000_000_000
POOL = SystemAccount.FUNDING_POOL
PERPETUALS = (BTC_PERP, ETH_PERP)
SHORT = -20_000  # lots, so many that the fund would be bankrupt if they were seen
BESIDE = (DEBTOR + inverse(ACCOUNT_SLOTS)) % P  # of which the key is the header
NEXT = BTC_PERP + ACCOUNT_SLOTS  # the instrument that is the next account's BTC-PERP


def at(**said: int | bool | dict[int, tuple[int, ...]]) -> Callable[[], Ledger]:
    """A ledger on which the debtor and the fund stand so."""
    return partial(standing, Standing(**said))  # type: ignore[arg-type]


def of_take(number: int, values: Mapping[str, int]) -> Amend:
    """Amend: registers of the number-th balance that is taken."""
    return lambda trace: registers(trace, trace.rows(Kind.TAKE), number, **values)


def script(
    amend: Amend = nothing, hooks: Hooks | None = None, ledger: Callable[[], Ledger] = standing, **act: Any
) -> Script:
    """A takeover, bent."""
    return Script(partial(take_over, **act), hooks or {}, amend, ledger=ledger)


def of_other_header() -> Script:
    """Frank, who has the same instruments open and no orders, shows his header."""
    further = {
        header_index(FRANK): header_record(Role.TRADER, 0, 7),
        balance_index(FRANK, BTC_PERP): balance_record(0, funding=FUNDING_START),
    }
    return script(hooks={Step.TAKE_HEADER: to(header_index(FRANK))}, ledger=at(order=True, further=further))


def of_key() -> Script:
    """The debtor's key reads like a header: ether is taken for quote and ETH-PERP for BTC-PERP."""
    amounts = {ETH: 1_000_000, ETH_PERP: -1}

    def act(forger: Forger) -> None:
        memory = forger.memory
        row = memory.replace(Step.TAKE_HEADER, key_index(DEBTOR), KEY, KEY)
        for shown, real in ((USDC, ETH), (BTC_PERP, ETH_PERP)):
            memory.visit(row, BESIDE, shown, memory.read(balance_index(DEBTOR, real)), memory.read(market_index(shown)))
        memory.witness.begin(Kind.TAKE_OVER, BESIDE)
        for shown, real, left in ((USDC, ETH, 5), (BTC_PERP, ETH_PERP, 4)):
            memory.look(Step.TAKE_MARKET, market_index(shown))
            forger.balance(Step.TAKE_BASE, DEBTOR, real, -amounts[real])
            forger.balance(Step.TAKE_FUND_BASE, FUND, shown, amounts[real])
            memory.look(Step.TAKE_RULES, rules_index(shown))
            memory.witness.begin(Kind.TAKE, BESIDE, shown, left)
        check(forger, forger.header(Step.FUND_HEADER, FUND), FUND)
        memory.witness.begin(Kind.TAKEN)

    further = {
        key_index(DEBTOR): KEY,
        header_index(DEBTOR): header_record(Role.TRADER, 0, 15),
        balance_index(DEBTOR, ETH_PERP): balance_record(-1, funding=FUNDING_START),
    }
    return Script(act, ledger=at(eth=amounts[ETH], further=further))


KEY = record(Tag.KEY, Role.TRADER, 0, 5)


def of_loss() -> Script:
    """The fund pays what nobody could pay."""
    further = {balance_index(SystemAccount.LOSS, USDC): balance_record(-1_000)}
    return script(ledger=at(further=further), account=SystemAccount.LOSS, taken=(USDC, ETH))


def beyond(forger: Forger, market: int) -> None:
    """The next account's position goes to the next of the venue's accounts; `market` is what is read before."""
    memory = forger.memory
    memory.look(Step.TAKE_MARKET, market)
    amount = amount_of(forger, EVE, BTC_PERP)
    forger.balance(Step.TAKE_BASE, EVE, BTC_PERP, -amount)
    forger.balance(Step.TAKE_FUND_BASE, POOL, BTC_PERP, amount)
    memory.look(Step.TAKE_RULES, market_index(NEXT) + RULES_SLOT)


def of_next_account(taken: tuple[int, ...], market: int, left: int) -> Script:
    """The last balance that is taken, after these, is the next account's."""

    def further_step(forger: Forger) -> None:
        beyond(forger, market)
        forger.memory.witness.begin(Kind.TAKE, DEBTOR, NEXT, left)

    def amend(trace: ScriptedTrace) -> None:
        registers(trace, trace.rows(Kind.TAKE)[1:], len(taken), **{REMAINING: 0, MORE: 0})
        registers(trace, trace.rows(Kind.TAKE), len(taken) - 1, **{MORE: 1})
        tag = 20 // 2 if market == market_index(NEXT) else 1
        registers(trace, trace.rows(Kind.TAKE), len(taken), **{PERPETUAL: tag, MORE: 0})

    further = {balance_index(EVE, BTC_PERP): shortened(EVE)}
    return script(amend, ledger=at(further=further), taken=taken, also=further_step)


def shortened(account: int) -> tuple[int, ...]:
    """The account's balance of BTC-PERP, but short of five lots."""
    old = standing().read(balance_index(account, BTC_PERP))
    return (*limbs(BIAS - 5), *old[4:])


def overpaid(k: int) -> Script:
    """The fund gets one more in limb k."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.TAKE)
        for row in rows:
            trace.columns[f"amount{k}"][row[:1]] += 1
        row = rows[2][:1]
        bias = limbs(BIAS)
        trace.change(row, [trace.columns[f"amount{i}"][row] - bias[i] for i in range(AMOUNT_LIMBS)])

    return script(amend, more=1 << (14 * k))


def miscounted(rows: slice) -> Script:
    """One lot more is counted on these rows of the position."""

    def amend(trace: ScriptedTrace) -> None:
        for row in trace.rows(Kind.TAKE)[rows]:
            trace.columns["interest"][row[2:3]] += 1

    return script(amend, {(Step.TAKE_RULES, 2): add(RULES_INTEREST)}, at(fund_btc=-40))


def again() -> Script:
    """The ether is taken three times, the position not at all."""

    def amend(trace: ScriptedTrace) -> None:
        trace.port(GAP_PORT, trace.rows(Kind.TAKE)[0][2:], one(0))

    return script(amend, ledger=at(fund_quote=RICH), taken=(USDC, ETH, ETH, ETH), remaining=(7, 6, 4, 2))


def skipping() -> Script:
    """The ether leaves what remains together with the quote."""

    def amend(trace: ScriptedTrace) -> None:
        registers(trace, trace.rows(Kind.TAKE)[1:], 0, **{REMAINING: 4})
        trace.port(GAP_PORT, trace.rows(Kind.TAKE)[0][1:], one(1))

    return script(amend, ledger=at(fund_quote=RICH), taken=(USDC, BTC_PERP), remaining=(7, 4))


def unchecked() -> Script:
    """The fund is ruined, and nothing follows; the registers are those of the end of the batch."""

    def amend(trace: ScriptedTrace) -> None:
        number = int(trace.columns["sequence"][trace.at(Step.CLOSE_VENUE)][0])
        trace.registers(Kind.TAKE_OVER, sequence=number)
        trace.registers(Kind.TAKE, sequence=number)

    return script(amend, {Step.FUND_HEADER: skip}, at(fund_quote=0))


def ruining(waived: int) -> Script:
    """The fund is ruined; its check fails, and that is said to be waived or not."""
    kinds = (Kind.TAKE_OVER, Kind.TAKE, Kind.TAKEN)
    amend = both(*(setting(kind, EVERY, **{WAIVED: waived}) for kind in kinds), setting(Kind.TAKEN, EVERY, fails=1))
    return script(amend, ledger=at(fund_quote=0))


def fund_with(mask: int, hooks: Hooks | None = None, **values: int) -> Script:
    """The fund's check does not see its perpetuals."""
    amend = setting(Kind.TAKEN, EVERY, mask=mask, **values)
    return script(amend, hooks, at(fund_btc=SHORT), unseen_of_fund=PERPETUALS)


def headless(count: int, before: Act) -> Script:
    """A takeover of Carol's quote alone, without its first steps, after a whole transition or none."""
    steps = [Step.TAKE_HEADER, Step.TAKE_MARKET, Step.TAKE_BASE, Step.TAKE_FUND_BASE, Step.TAKE_RULES]
    number = BTC_PERP if count == 4 else USDC

    def act(forger: Forger) -> None:
        before(forger)
        take_over(forger, CAROL, taken=(number,), remaining=(1 << number,))

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.TAKE)
        registers(trace, rows, **{REMAINING: 0, MORE: 0, PERPETUAL: int(count == 4), "account": CAROL})
        registers(trace, rows[:1], **{REMAINING: 1 << number})
        registers(trace, trace.rows(Kind.TAKEN), **{REMAINING: 0})
        if count == 3:
            amount = trace.new[:AMOUNT_LIMBS, rows[2]] - trace.old[:AMOUNT_LIMBS, rows[2]]
            bias = limbs(BIAS)
            for row in rows[2:]:
                for k in range(AMOUNT_LIMBS):
                    trace.register(f"amount{k}", row, amount[k] + bias[k])
            trace.change(rows[2], list(amount))
        if count == 4:
            registers(trace, rows[4 - 1:], interest=1)

    hooks: Hooks = {(step, 0): skip for step in steps[:count]}
    if count == 4:
        hooks = {**hooks, Step.TAKE_RULES: add(RULES_INTEREST)}
    return Script(act, hooks, amend)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    rich = at(fund_quote=RICH)
    without_ether: dict[str, Any] = {"taken": (USDC, BTC_PERP), "remaining": (5, 4)}
    no_ether: Hooks = {Step.TAKE_HEADER: add(HEADER_MASK, -2)}
    short = at(fund_btc=-40)
    table: dict[str, Callable[[], Script]] = of_fund() | {
        "take_header: index": of_other_header,
        "take_header: kind of record": of_key,
        "take_header: mask register": lambda: script(
            setting(Kind.TAKE_OVER, EVERY, mask=5), ledger=at(quote=-20_000_000_000), unseen=(ETH,)
        ),
        "take_header: nothing opens": lambda: script(
            setting(Kind.TAKE_OVER, EVERY, opened=1, bit=-2), no_ether, rich, **without_ether
        ),
        "take_header: open instruments": lambda: script(hooks=no_ether, ledger=rich, **without_ether),
        "take_header: the account is a trader": of_loss,
        "take_header: no orders rest": lambda: script(ledger=at(order=True)),
        "take_header: all of it is taken": lambda: script(
            setting(Kind.TAKE_OVER, EVERY, **{REMAINING: 5}), ledger=rich, **without_ether
        ),
        "take_market: index": lambda: of_next_account((USDC, ETH), market_index(BTC_PERP), 4),
        "take_market: kind of record": lambda: of_next_account((USDC, ETH, BTC_PERP), market_index(NEXT), 0),
        "take_market: position or not": lambda: script(
            of_take(2, {PERPETUAL: 0}), {(Step.TAKE_RULES, 2): unchanged}, short
        ),
        "take: its bit leaves what remains": skipping,
        "take_base: index": lambda: script(sources={USDC: EVE}),
        "take: a long position goes": lambda: miscounted(slice(2, None)),
        "take_fund_base: index": lambda: script(hooks={(Step.TAKE_FUND_BASE, 0): to(balance_index(POOL, USDC))}),
        "take: the fund's long position changes": lambda: miscounted(slice(3, None)),
        "take_rules: index": lambda: script(hooks={(Step.TAKE_RULES, 2): to(rules_index(ETH_PERP))}, ledger=short),
        "take_rules: open interest": lambda: script(hooks={(Step.TAKE_RULES, 2): add(RULES_INTEREST)}),
        "take: instruments ascend": again,
    }
    names = ("take_market", "take_base", "take_fund_base", "take_rules")
    for count, name in enumerate(names, start=1):
        leads = "what leads to take_market" if count == 1 else f"{names[count - 2]} leads to {name}"
        table[leads] = partial(headless, count, deposit)
        table[f"the first row is no {name}"] = partial(headless, count, nothing)
    for k in range(AMOUNT_LIMBS):
        table[f"take_base: what is taken, limb {k}"] = partial(overpaid, k)
        table[f"take_base: nothing is left, limb {k}"] = partial(script, hooks={(Step.TAKE_BASE, 0): add(k)})
    return table


def flattered(act: Act, kind: Kind) -> Script:
    """The fund's check takes the marks that the account's takes; ETH's is above its price, and the fund gets some."""
    amend = setting(kind, slice(-1, None), moment=Script.time + Capped.ADVERSE * CAPPED_BIT)
    return Script(act, amend=amend, ledger=partial(capped, ETH, 200_000, Standing(fund_quote=RICH)))


def of_fund() -> dict[str, Callable[[], Script]]:
    """Forgeries of the fund's check, by label."""
    rich, no_perpetuals = at(fund_quote=RICH), {Step.FUND_HEADER: add(HEADER_MASK, -12)}
    return {
        "fund_header: index": lambda: fund_with(3, {Step.FUND_HEADER: to(header_index(SystemAccount.FEE))}),
        "fund_header: mask register": lambda: fund_with(3),
        "fund_header: open instruments": lambda: fund_with(3, no_perpetuals),
        "fund_header: nothing opens": lambda: fund_with(3, no_perpetuals, opened=1, bit=-12),
        "fund_header: the fund": lambda: script(
            setting(Kind.TAKEN, EVERY, account=CAROL), ledger=at(fund_quote=0), fund=CAROL
        ),
        "fund_header: nothing remains": lambda: script(
            both(of_take(1, {MORE: 0}), setting(Kind.TAKEN, EVERY, **{REMAINING: 2})),
            ledger=rich, taken=(USDC, BTC_PERP), remaining=(7, 6),
        ),
        "fund_header: moment of prices": lambda: flattered(take_over, Kind.TAKEN),
        "take_header: the fund's check is not waived": partial(ruining, 1),
        "fund_header: fails only if waived": partial(ruining, 0),
        "what leads to fund_header": unchecked,
        "take_header: events are seen": partial(ahead, take_over, DEBTOR, standing),
        "fund_header: events are seen": partial(ahead, take_over, FUND, standing),
    }  # fmt: skip
