"""Forgeries of settlements and of positions that are cashed out."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from circuits.bounds import ACCOUNT_SLOTS, CAPPED_BIT, FUNDING_START, LIMB, TIME_MAX
from circuits.execution import plain_successions
from circuits.field import P
from circuits.records import (
    HEADER_MASK,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    RULES_STATUS,
    TAG,
    VENUE_ACTS,
    VENUE_INDEX,
    Record,
    Status,
    SystemAccount,
    Tag,
    balance_index,
    chain_index,
    from_limbs,
    from_signed_limbs,
    key_index,
    limbs,
    market_index,
    parameters_index,
    record,
    rules_index,
    signed_limbs,
)
from circuits.statement import Statement
from circuits.steps import STEPS, Kind, Step
from circuits.transitions.cash_out import CARRY_PORT, LONG, NOTIONAL_PORT
from prover.traces.columns import limbs_of, product_limbs
from state.accounts import balance_record
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.settle import SettleMarket
from tests.batches import ALICE, BOB, BTC_PERP, ETH, ETH_PERP, USDC, run_batch, with_rules
from tests.mutation.execution_accesses import Act, deposit, set_price
from tests.mutation.execution_registers import both, setting
from tests.mutation.matching import one
from tests.mutation.script import Amend, BentMemory, Hooks, Script, ScriptedTrace, add, inverse, nothing, skip, to
from tests.mutation.stage import EVE, HEADER_LIKE, NOBODY, staged
from tests.tamper.forger import Forger

POOL, MARKED = SystemAccount.FUNDING_POOL, 6_180_030
STALE = 4_000  # a second at which no price of the stage holds any more
WIDE = P // (LIMB - 1) + 1  # lots, as one limb less than 8 * LIMB; times LIMB - 1 it is a little above P


def halted() -> Ledger:
    """Both markets are halted."""
    ledger = staged()
    for market in (BTC_PERP, ETH_PERP):
        with_rules(ledger, market, {RULES_STATUS: Status.HALTED})
    return ledger


def settled() -> Ledger:
    """Both markets are halted, and BTC-PERP is settled."""
    ledger = halted()
    run_batch(ledger, [SettleMarket(BTC_PERP)], 75)
    return ledger


def settle(forger: Forger, market: int = BTC_PERP, number: int | None = None) -> None:
    """A settlement, whatever the market's status and mark are; by default it is numbered honestly."""
    memory, rules = forger.memory, rules_index(market)
    count = memory.read(VENUE_INDEX)[VENUE_ACTS]
    for step, index, element, value in (
        (Step.SETTLE_VENUE, VENUE_INDEX, VENUE_ACTS, count + 1),
        (Step.SETTLE_RULES, rules, RULES_STATUS, int(Status.SETTLED)),
        (Step.SETTLE_PARAMETERS, parameters_index(market), TAG, int(Tag.SETTLED)),
        (Step.SETTLE_MARKET, market_index(market), MARKET_VALID, TIME_MAX),
    ):
        old = memory.read(index)
        new = list(old)
        new[element] = value
        if step is Step.SETTLE_RULES:
            new[TAG] = int(Tag.SETTLED)
        if step is Step.SETTLE_MARKET:
            new[MARKET_WEIGHT : MARKET_WEIGHT + 2] = 0, 0
        memory.replace(step, index, old, tuple(new))
    said = rules, Tag.RULES, RULES_STATUS, Status.SETTLED, market
    memory.witness.begin(Kind.SETTLE, count if number is None else number, *(int(value) for value in said))


def cash_out(
    forger: Forger, account: int = ALICE, market: int = BTC_PERP, *, size: int | None = None, worth: int | None = None
) -> None:
    """So many lots of a position, by default all, for so much quote, by default what they are worth."""
    memory = forger.memory
    memory.look(Step.CASH_OUT_RULES, rules_index(market))
    mark = memory.look(Step.CASH_OUT_MARKET, market_index(market))[MARKET_MARK : MARKET_MARK + 2]
    size = from_signed_limbs(memory.read(balance_index(account, market))[:4]) if size is None else size
    worth = size * from_limbs(mark) if worth is None else worth
    forger.header(Step.CASH_OUT_HEADER, account)
    forger.balance(Step.SWAP_BASE, account, market, -size)
    forger.balance(Step.SWAP_OTHER_BASE, POOL, market, size)
    forger.balance(Step.SWAP_QUOTE, account, USDC, worth)
    forger.balance(Step.SWAP_OTHER_QUOTE, POOL, USDC, -worth)
    memory.witness.begin(Kind.CASH_OUT, account, market)


def resized(size: int, worth: int) -> Amend:
    """Amend: registers and changes are those of so many lots and so much quote, both positive."""

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.CASH_OUT)
        lots, quote = limbs_of(one(size), 2), limbs_of(one(worth), 4)
        trace.registers(Kind.CASH_OUT, size0=lots[0], size1=lots[1])
        trace.amount(Kind.CASH_OUT, one(worth))
        for row, sign, parts in zip(rows[3:], (-1, 1, 1, -1), (lots, lots, quote, quote), strict=True):
            trace.change(row, [*(sign * part for part in parts), *[0] * (4 - len(parts))])

    return amend


def of_eth_perp(step: Step) -> Hooks:
    """The step reads ETH-PERP's record as it stands."""
    index = (rules_index if step is Step.CASH_OUT_RULES else market_index)(ETH_PERP)
    return {step: lambda memory, step, _index, old, new: memory.access(step, index, memory.read(index))}


def other_mark(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
    """Hook: the mark of ETH-PERP becomes final."""
    record = memory.read(market_index(ETH_PERP))
    return memory.access(step, market_index(ETH_PERP), (*record[:MARKET_WEIGHT], 0, 0, TIME_MAX, record[TAG]))


def stale(valid: int) -> Ledger:
    """Both markets are halted, and the last second of BTC-PERP's mark is this one."""
    ledger = halted()
    old = ledger.read(market_index(BTC_PERP))
    ledger.store.load([(market_index(BTC_PERP), (*old[:MARKET_VALID], valid, old[TAG]), NO_SALT)])
    return ledger


def elsewhere(step: Step, index: int) -> Script:
    """The step's change goes to another leaf."""
    return Script(cash_out, {step: to(index)}, ledger=settled)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    table = settlements()
    table["price_parameters: kind of record"] = lambda: Script(
        lambda f: set_price(f, BTC_PERP, MARKED - 1, 90), ledger=settled
    )
    unsettled = partial(cash_out, market=ETH_PERP, account=BOB)
    btc_rules: Hooks = {Step.CASH_OUT_RULES: to(rules_index(BTC_PERP))}
    table |= {
        "cash_out_rules: index": lambda: Script(unsettled, btc_rules, ledger=settled),
        "cash_out_rules: kind of record": lambda: Script(unsettled, ledger=settled),
        "cash_out_rules: there is a position": lambda: Script(partial(cash_out, account=EVE), ledger=settled),
        "cash_out_market: index": lambda: Script(at_other_mark, of_eth_perp(Step.CASH_OUT_MARKET), ledger=settled),
        "cash_out_header: nothing opens": lambda: Script(
            cash_out,
            {Step.CASH_OUT_HEADER: add(HEADER_MASK, 1 << 20)},
            setting(Kind.CASH_OUT, slice(None), opened=1, bit=1 << 20),
            ledger=settled,
        ),
        "swap_base: nothing is left": lambda: Script(
            partial(cash_out, size=5), amend=both(resized(5, 5 * MARKED), multiplied(5)), ledger=settled
        ),
        "cash_out_rules: long is boolean": lambda: around(1, WIDE, 1 + WIDE),
        "cash_out_market: size limb 0 in range": lambda: around(WIDE, 1, 2),
        "cash_out_market: notional, high carry is 0, 1 or 2": wrapped_notional,
        "cash_out_header: index": beside,
        "cash_out_header: kind of record": lambda: beside({Step.CASH_OUT_HEADER: to(key_index(BOB))}),
        "cash_out_header: the account is a trader or the fund": lambda: Script(after_alice, ledger=settled),
        "swap_base: index": lambda: Script(
            of_bob, {Step.SWAP_BASE: to(balance_index(BOB, BTC_PERP))}, ledger=settled
        ),
        "swap_quote: index": partial(elsewhere, Step.SWAP_QUOTE, balance_index(NOBODY - 1, USDC)),
        "swap_other_base: index": partial(elsewhere, Step.SWAP_OTHER_BASE, balance_index(BOB, BTC_PERP)),
        "swap_other_quote: index": partial(elsewhere, Step.SWAP_OTHER_QUOTE, balance_index(BOB, USDC)),
        "cash_out_header: open instruments": lambda: Script(
            cash_out, {Step.CASH_OUT_HEADER: add(HEADER_MASK, 1 << 20)}, ledger=settled
        ),
    }
    for kind in (Kind.SETTLE, Kind.CASH_OUT):
        for step in STEPS[kind][1:]:
            name = step.name.lower()
            if step in plain_successions():  # other kinds lead to the swap too
                before = " or ".join(other.name.lower() for other in plain_successions()[step])
                table[f"{before} leads to {name}"] = partial(headless, kind, step, deposit)
                table[f"the first row is no {name}"] = partial(headless, kind, step, nothing)
    for k in range(4):
        table[f"cash_out_market: notional limb {k} in range"] = partial(overpaid, k, False)
    for k, label in enumerate(("limb 0", "limb 1", "limbs 2 and 3")):
        table[f"cash_out_market: notional, {label}"] = partial(overpaid, k, True)
    return table


def position(forger: Forger, account: int) -> int:
    """What the account has of BTC-PERP."""
    return from_signed_limbs(forger.memory.read(balance_index(account, BTC_PERP))[:4])


def at_other_mark(forger: Forger) -> None:
    """Bob, who is short, pays the price of ETH-PERP."""
    mark = from_limbs(forger.memory.read(market_index(ETH_PERP))[MARKET_MARK : MARKET_MARK + 2])
    cash_out(forger, BOB, worth=position(forger, BOB) * mark)


def of_bob(forger: Forger) -> None:
    """Bob's position goes, and Alice pays for it."""
    cash_out(forger, size=position(forger, BOB))


def multiplied(size: int) -> Amend:
    """Amend: the ports are those of so many lots."""

    def amend(trace: ScriptedTrace) -> None:
        rules, market = trace.at(Step.CASH_OUT_RULES), trace.at(Step.CASH_OUT_MARKET)
        notional, carries, high = product_limbs(one(MARKED), one(size))
        for k, part in enumerate([*notional, *carries, *limbs_of(one(size), 2)]):
            trace.port(NOTIONAL_PORT + k, market, part)
        trace.columns["scratch"][market] = high
        trace.nonzero(rules, one(size % LIMB + size // LIMB))

    return amend


def beside(hooks: Hooks | None = None) -> Script:
    """The account is Bob and a slot: his ETH-PERP are cashed out as if they were BTC-PERP, for ETH."""
    targets: Hooks = {
        Step.SWAP_BASE: to(balance_index(BOB, ETH_PERP)),
        Step.SWAP_QUOTE: to(balance_index(BOB, ETH)),
    }
    amend = setting(Kind.CASH_OUT, slice(None), account=(BOB + inverse(ACCOUNT_SLOTS)) % P)
    return Script(partial(cash_out, account=BOB, size=777), {**targets, **(hooks or {})}, amend, ledger=disguised)


def disguised() -> Ledger:
    """Bob's key reads like a trader's header."""
    ledger = settled()
    ledger.store.load([(key_index(BOB), record(Tag.KEY, *HEADER_LIKE), NO_SALT)])
    return ledger


def headless(kind: Kind, step: Step, before: Act) -> Script:
    """A settlement, or a cash-out of a market that is not settled, that begins with this step."""
    size = position_of_alice()
    unread = step > Step.SWAP_BASE  # the position; a mark is read out of the limbs that are said to be its
    worth = size << 27 if unread else size * MARKED

    def act(forger: Forger) -> None:
        before(forger)
        if kind is Kind.SETTLE:
            settle(forger)
        else:
            cash_out(forger, worth=worth)

    def believe(trace: ScriptedTrace) -> None:
        first = trace.rows(kind)[0]
        if kind is Kind.CASH_OUT:
            said = signed_limbs(size) if unread else (0, FUNDING_START, *limbs(MARKED, 2))
            for element, value in enumerate(said):
                trace.old[element][first] = value

    hooks: Hooks = {(other, 0): skip for other in STEPS[kind][: STEPS[kind].index(step)]}
    def restate(statement: Statement) -> Statement:
        return replace(statement, acts=())

    ledger = staged if kind is Kind.CASH_OUT else halted
    return Script(act, hooks, believe=believe, restate=restate, ledger=ledger)


def overpaid(k: int, claimed: bool) -> Script:
    """Alice gets more than her position is worth, by one in limb k; claimed: as a product's limb."""
    size = position_of_alice()
    worth = size * MARKED + (1 << (14 * k))

    def amend(trace: ScriptedTrace) -> None:
        resized(size, worth)(trace)
        if claimed:
            row = trace.at(Step.CASH_OUT_MARKET)
            trace.port(NOTIONAL_PORT + k, row, trace.columns[f"port{NOTIONAL_PORT + k}"][row] + 1)

    return Script(partial(cash_out, worth=worth), amend=amend, ledger=settled)


def wide() -> Ledger:
    """Alice is long as many lots as one limb may change by, in a market of which the mark fills a limb."""
    ledger = settled()
    market = list(ledger.read(market_index(BTC_PERP)))
    market[MARKET_MARK : MARKET_MARK + 2] = limbs(LIMB - 1, 2)
    leaves = {market_index(BTC_PERP): tuple(market)}
    for account, size in ((ALICE, WIDE), (BOB, -WIDE)):
        leaves[balance_index(account, BTC_PERP)] = balance_record(size, funding=FUNDING_START)
    ledger.store.load((index, record, NO_SALT) for index, record in leaves.items())
    return ledger


def around(size: int, times: int, twice_long: int) -> Script:
    """Alice gets what her position is worth less P: the size is one limb that is out of range, or what the direction
    multiplies. twice_long: 2 * `long`, which makes the direction `times`."""
    product = size * (LIMB - 1) % P
    worth = product * times % P

    def amend(trace: ScriptedTrace) -> None:
        rows = trace.rows(Kind.CASH_OUT)
        rules, market, *_ = rows
        trace.registers(Kind.CASH_OUT, size0=size, size1=0, **{LONG: twice_long * inverse(2) % P})
        trace.amount(Kind.CASH_OUT, one(product))
        trace.nonzero(rules, one(size))
        for k, part in enumerate([product, 0, 0, 0, 0, 0, size % LIMB, 0]):
            trace.port(NOTIONAL_PORT + k, market, one(part))
        trace.columns["scratch"][market] = 0
        for row, value in zip(rows[3:], (-WIDE, WIDE, worth, -worth), strict=True):
            trace.change(row, [value, 0, 0, 0])

    return Script(partial(cash_out, worth=worth), amend=amend, ledger=wide)


def wrapped_notional() -> Script:
    """A carry of the product is no small integer, so the upper limbs need not be the product's."""
    size = position_of_alice()
    (a0, a1), (b0, b1) = (limbs(value, 2) for value in (MARKED, size))
    honest = MARKED * size // LIMB % LIMB
    for limb in range(LIMB):
        middle = (a0 * b1 + a1 * b0 + a0 * b0 // LIMB - limb) * inverse(LIMB) % P
        upper = (a1 * b1 + middle) % P
        if limb != honest and upper < 1 << 26:
            break
    worth = MARKED * size % LIMB + (limb << 14) + (upper << 28)

    def amend(trace: ScriptedTrace) -> None:
        resized(size, worth)(trace)
        row = trace.at(Step.CASH_OUT_MARKET)
        for k, part in enumerate(limbs(worth)):
            trace.port(NOTIONAL_PORT + k, row, one(part))
        trace.port(CARRY_PORT + 1, row, one(0))
        trace.columns["scratch"][row] = middle * inverse(LIMB) % P

    return Script(partial(cash_out, worth=worth), amend=amend, ledger=settled)


def position_of_alice() -> int:
    """Lots of BTC-PERP, long."""
    return from_signed_limbs(staged().read(balance_index(ALICE, BTC_PERP))[:4])


def after_alice(forger: Forger) -> None:
    """The pool cashes out with itself what it has taken over."""
    cash_out(forger)
    cash_out(forger, POOL)


def settlements() -> dict[str, Callable[[], Script]]:
    """Forgeries of settlements, by label."""
    return {
        "settle_venue: index": lambda: Script(settle, {Step.SETTLE_VENUE: to(chain_index(0))}, ledger=halted),
        "settle_venue: acts are numbered": lambda: Script(partial(settle, number=5), ledger=halted),
        "settle_venue: acts are counted": lambda: Script(settle, {Step.SETTLE_VENUE: add(VENUE_ACTS)}, ledger=halted),
        "settle_rules: index": lambda: Script(settle, {Step.SETTLE_RULES: to(rules_index(ETH_PERP))}, ledger=halted),
        "settle_rules: the market is halted": lambda: Script(settle),
        "settle_rules: the market is settled": lambda: Script(
            settle, {Step.SETTLE_RULES: add(RULES_STATUS)}, ledger=halted
        ),
        "settle_rules: new kind of record": lambda: Script(
            settle, {Step.SETTLE_RULES: add(TAG)}, ledger=halted
        ),
        "settle_parameters: index": lambda: Script(
            settle, {Step.SETTLE_PARAMETERS: to(parameters_index(ETH_PERP))}, ledger=halted
        ),
        "settle_parameters: new kind of record": lambda: Script(
            settle, {Step.SETTLE_PARAMETERS: add(TAG)}, ledger=halted
        ),
        "settle_market: index": lambda: Script(settle, {Step.SETTLE_MARKET: other_mark}, ledger=halted),
        "settle_market: the mark is fresh": lambda: Script(settle, ledger=partial(stale, 99)),
        "settle_market: the mark is not capped": lambda: Script(settle, ledger=partial(stale, CAPPED_BIT + 99)),
        "settle_market: the mark is final": lambda: Script(
            settle, {Step.SETTLE_MARKET: add(MARKET_VALID, -1)}, ledger=halted
        ),
        **{
            f"settle_market: nothing is required, limb {k}": partial(
                Script, settle, {Step.SETTLE_MARKET: add(MARKET_WEIGHT + k)}, ledger=halted
            )
            for k in range(2)
        },
    }
