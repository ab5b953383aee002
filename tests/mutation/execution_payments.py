"""Forgeries of payments of funding."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import ACCOUNT_SLOTS, FUNDING_ONE, FUNDING_START, LIMB, SIZE_MAX
from circuits.field import P
from circuits.payment import (
    AMOUNT_PORT,
    CARRY_PORT,
    CHANGE_PORT,
    FALLS,
    HIGH_CARRY,
    REMAINDER_PORT,
    REST_PORT,
    SIZE_PORT,
    TOP_PORT,
)
from circuits.records import (
    BALANCE_FUNDING,
    MARKET_FUNDING,
    Record,
    SystemAccount,
    balance_index,
    from_limbs,
    from_signed_limbs,
    key_index,
    limbs,
    market_index,
)
from circuits.steps import Kind, Step
from circuits.swap import FUNDING, GIVES, OTHER
from circuits.transitions.pay_funding import ACCOUNT_PORT
from prover.traces.columns import limbs_of
from state.accounts import balance_record
from state.funding import owed
from state.ledger import Ledger
from state.store import NO_SALT
from tests.batches import ALICE, BOB, BTC_PERP, ETH, ETH_PERP, USDC, with_funding
from tests.mutation.execution_accesses import Act, deposit
from tests.mutation.execution_registers import both, setting
from tests.mutation.matching import one
from tests.mutation.script import Amend, Hooks, Script, ScriptedTrace, add, inverse, nothing, skip, to
from tests.mutation.stage import staged
from tests.tamper.forger import Forger

POOL, KIND, ALL = SystemAccount.FUNDING_POOL, Kind.PAY_FUNDING, slice(None)
UNEVEN, EVEN = 33, 3 * FUNDING_ONE  # changes of the index
HALF = inverse(2)


def owing(change: int = UNEVEN, market: int = BTC_PERP) -> Ledger:
    """The market's index has changed since all positions were settled."""
    return with_funding(staged(), market, change)


def pay(
    forger: Forger,
    account: int = ALICE,
    market: int = BTC_PERP,
    *,
    payment: int | None = None,
    index: int | None = None,
    pool: int = POOL,
) -> None:
    """So much, by default what is owed up to that index, by default the market's."""
    memory, leaf = forger.memory, balance_index(account, market)
    found = memory.look(Step.PAY_MARKET, market_index(market))[MARKET_FUNDING]
    target, old = found if index is None else index, memory.read(leaf)
    payment = owed(old, target) if payment is None else payment
    memory.replace(Step.PAY_BASE, leaf, old, settled_to(old, target))
    forger.balance(Step.SWAP_QUOTE, account, USDC, -payment)
    forger.balance(Step.SWAP_OTHER_QUOTE, pool, USDC, payment)
    memory.witness.begin(KIND, account, market)


def settled_to(balance: Record, index: int) -> Record:
    return (*balance[:BALANCE_FUNDING], index, *balance[BALANCE_FUNDING + 1 :])


def lots_of(account: int, market: int = BTC_PERP) -> int:
    """The position on the stage."""
    return from_signed_limbs(staged().read(balance_index(account, market))[:4])


def due(lots: int, change: int = UNEVEN) -> int:
    """What so many lots pay."""
    return -(-lots * change // FUNDING_ONE)


def claimed(amount: int, direction: int = -1) -> Amend:
    """Amend: the amount is this, and the account gets `direction` times as much."""

    def amend(trace: ScriptedTrace) -> None:
        parts = [int(part[0]) for part in limbs_of(one(amount), 4)]
        trace.amount(KIND, one(amount))
        for row, sign in zip(trace.rows(KIND)[2:], (direction, -direction), strict=True):
            trace.change(row, [sign * part for part in parts])

    return amend


def derived(size: int, change: int, amount: int, remainder: int) -> Amend:
    """Amend: the ports are those of such a product; remainder: with its sign."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.PAY_BASE)
        (s0, s1), (d0, d1), a = limbs(size, 2), limbs(change, 2), limbs(amount)
        low = (s0 * d0 + remainder - FUNDING_ONE * a[0]) // LIMB
        middle = (s0 * d1 + s1 * d0 + low - FUNDING_ONE * a[1]) // LIMB
        trace.wide_port(SIZE_PORT, row, one(size))
        trace.wide_port(CHANGE_PORT, row, one(change))
        for k in range(3):
            trace.port(AMOUNT_PORT + k, row, one(a[k]))
        trace.port(TOP_PORT, row, one(a[3] * FUNDING_ONE))
        trace.port(REMAINDER_PORT, row, one(abs(remainder)))
        trace.port(REST_PORT, row, one(max(0, FUNDING_ONE - 1 - abs(remainder))))
        for k, (carry, high) in enumerate(((low, HIGH_CARRY), (middle, "scratch"))):
            trace.port(CARRY_PORT + k, row, one((carry + FUNDING_ONE) % LIMB))
            trace.columns[high][row] = (carry + FUNDING_ONE) // LIMB

    return amend


def changing(change: Callable[[ScriptedTrace, int], None]) -> Callable[[ScriptedTrace], None]:
    """Believe: something else of PAY_BASE's row."""
    return lambda trace: change(trace, int(trace.at(Step.PAY_BASE)[0]))


def believed(old: bool, element: int, by: int) -> Callable[[ScriptedTrace], None]:
    """Believe: an element of PAY_BASE's record, before or after, is off."""

    def change(trace: ScriptedTrace, row: int) -> None:
        (trace.old if old else trace.new)[element][row] += by

    return changing(change)


def markets() -> dict[str, Callable[[], Script]]:
    """Of PAY_MARKET."""
    lots = lots_of(BOB, ETH_PERP)
    beside: Hooks = {
        Step.PAY_BASE: to(balance_index(BOB, ETH_PERP)),
        Step.SWAP_QUOTE: to(balance_index(BOB, ETH)),
    }
    return {
        "pay_market: index": lambda: Script(
            partial(pay, index=FUNDING_START, payment=0),
            {Step.PAY_MARKET: lambda memory, step, *_: memory.access(
                step, market_index(ETH_PERP), memory.read(market_index(ETH_PERP))
            )},
            ledger=owing,
        ),
        "pay_market: kind of record": lambda: Script(partial(pay, market=ETH)),
        "pay_market: account in range": lambda: Script(
            partial(pay, account=BOB, payment=due(lots)),
            beside,
            setting(KIND, ALL, account=(BOB + inverse(ACCOUNT_SLOTS)) % P),
            ledger=owing,
        ),
        "pay_market: account below its bound": wrapped_account,
        "pay_market: index of the market": lambda: Script(
            partial(pay, index=FUNDING_START + UNEVEN + 16),
            amend=setting(KIND, slice(0, 1), **{FUNDING: FUNDING_START + UNEVEN + 16}),
            ledger=owing,
        ),
        "pay_market: paid to the pool": lambda: Script(
            partial(pay, pool=BOB), amend=setting(KIND, ALL, **{OTHER: BOB}), ledger=owing
        ),
    }  # fmt: skip


def wrapped_account() -> Script:
    """Alice's position in BTC-PERP as that of an account in ETH-PERP that is 1/32 less, mod P: her key pays."""
    account = (ACCOUNT_SLOTS * ALICE - 1 + P) // ACCOUNT_SLOTS

    def act(forger: Forger) -> None:
        memory, leaf, key = forger.memory, balance_index(ALICE, BTC_PERP), key_index(ALICE)
        index = memory.look(Step.PAY_MARKET, market_index(ETH_PERP))[MARKET_FUNDING]
        old, root = memory.read(leaf), memory.read(key)
        memory.replace(Step.PAY_BASE, leaf, old, settled_to(old, index))
        paid = limbs(from_limbs(root[:4]) - owed(old, index))
        memory.replace(Step.SWAP_QUOTE, key, root, (*paid, *root[4:]))
        forger.balance(Step.SWAP_OTHER_QUOTE, POOL, USDC, owed(old, index))
        memory.witness.begin(KIND, ALICE, ETH_PERP)

    def amend(trace: ScriptedTrace) -> None:
        trace.registers(KIND, account=account)
        trace.wide_port(ACCOUNT_PORT, trace.at(Step.PAY_MARKET), one(account))

    return Script(act, amend=amend, ledger=partial(owing, UNEVEN, ETH_PERP))


def positions() -> dict[str, Callable[[], Script]]:
    """Whose position it is, how large, and how far its index goes."""
    alice, bob = lots_of(ALICE), lots_of(BOB)
    other_way, twice = both(setting(KIND, ALL, **{GIVES: 1}), claimed(due(alice, EVEN), 1)), due(alice, 2 * EVEN)
    return {
        "pay_base: index": lambda: Script(
            partial(pay, payment=due(bob)), {Step.PAY_BASE: to(balance_index(BOB, BTC_PERP))}, ledger=owing
        ),
        "pay_base: funding index": lambda: Script(
            pay, {Step.PAY_BASE: add(BALANCE_FUNDING)}, believe=believed(False, BALANCE_FUNDING, -1), ledger=owing
        ),
        "pay_base: the position fits two limbs": beyond,
        "pay_base: size of the position": lambda: Script(
            partial(pay, payment=due(alice - 1)), believe=believed(True, 0, -1), ledger=owing
        ),
        "pay_base: change of the index": lambda: Script(
            partial(pay, payment=due(alice, UNEVEN + 16)),
            believe=believed(True, BALANCE_FUNDING, -16),
            ledger=owing,
        ),
        "pay_base: falling is boolean": lambda: Script(  # with -1/2 the change counts twice, and so does the payment
            partial(pay, payment=2 * twice),
            amend=both(
                derived(alice, 2 * EVEN, twice, 0),
                claimed(twice, -2),
                setting(KIND, slice(1, 2), **{FALLS: -HALF % P}),
                setting(KIND, ALL, **{GIVES: -HALF % P}),
            ),
            ledger=partial(owing, EVEN),
        ),
        "pay_base: who pays": lambda: Script(
            partial(pay, payment=-due(alice, EVEN)), amend=other_way, ledger=partial(owing, EVEN)
        ),
    }


def beyond() -> Script:
    """A position of the venue's that is beyond two limbs is taken for one of few lots, seven times."""
    account, change, parts = SystemAccount.ROUNDING, 1_000, 3
    square, sign = SIZE_MAX + 1, 1 + 2 * parts
    low = -(-(parts * P - sign * parts * square) // sign)
    size = sign * (low + parts * square) - parts * P
    amount = size * change

    def ledger() -> Ledger:
        made = owing(change * FUNDING_ONE)
        held = balance_record(low + parts * square, funding=FUNDING_START)
        made.store.load([(balance_index(account, BTC_PERP), held, NO_SALT)])
        return made

    amends = (
        derived(size, change * FUNDING_ONE, amount, 0),
        claimed(amount, -sign),
        setting(KIND, ALL, **{GIVES: -parts % P}),
    )
    return Script(partial(pay, account=account, payment=sign * amount), amend=both(*amends), ledger=ledger)


def amounts() -> dict[str, Callable[[], Script]]:
    """How much it is."""
    alice = lots_of(ALICE)
    amount = due(alice)
    remainder = amount * FUNDING_ONE - alice * UNEVEN
    table: dict[str, Callable[[], Script]] = {
        "pay_base: remainder below one": lambda: Script(
            partial(pay, payment=amount + 1),
            amend=both(derived(alice, UNEVEN, amount + 1, remainder + FUNDING_ONE), claimed(amount + 1)),
            ledger=owing,
        ),
        "pay_base: high part of the low carry is boolean": partial(wrapped, 0),
        "pay_base: high part of the middle carry is 0, 1 or 2": partial(wrapped, 1),
    }
    for k in range(4):
        table[f"pay_base: amount limb {k} in range"] = partial(overpaid, k, False)
    for k, label in enumerate(("limb 0", "limb 1", "limbs 2 and 3")):
        table[f"pay_base: amount, {label}"] = partial(overpaid, k, True)
    return table


def overpaid(k: int, port: bool) -> Script:
    """Alice pays more than she owes, by one in limb k; port: also of what is range-checked."""
    amount = due(lots_of(ALICE)) + (1 << (14 * k))

    def amend(trace: ScriptedTrace) -> None:
        claimed(amount)(trace)
        if port:
            trace.columns[f"port{AMOUNT_PORT + k}"][trace.at(Step.PAY_BASE)] += 1

    return Script(partial(pay, payment=amount), amend=amend, ledger=owing)


def wrapped(k: int) -> Script:
    """The carry out of limb k is no small integer, so the limbs above it need not be the product's."""
    size, scale = lots_of(ALICE), FUNDING_ONE
    (s0, s1), (d0, d1) = limbs(size, 2), limbs(UNEVEN, 2)
    honest = due(size)
    remainder = honest * scale - size * UNEVEN
    carries, a = [0, 0], [honest % LIMB, honest // LIMB % LIMB, 0, 0]
    for guess in range(LIMB):
        a[k] = guess
        carries[0] = (s0 * d0 + remainder - scale * a[0]) * inverse(LIMB) % P
        rest = (s0 * d1 + s1 * d0 + carries[0]) % P
        if k == 0:
            a[1] = next((x for x in range(LIMB) if (rest - scale * x) % LIMB == 0), 0)
            if (rest - scale * a[1]) % LIMB or not -scale <= (rest - scale * a[1]) // LIMB < 3 * LIMB - scale:
                continue
        carries[1] = (rest - scale * a[1]) * inverse(LIMB) % P
        top = (s1 * d1 + carries[1]) % P
        if top % scale == 0 and top // scale < 1 << 24 and top:
            a[2:] = limbs(top // scale, 2)
            break
    else:
        raise AssertionError("no limb goes with it")
    amount = from_limbs(a)

    def amend(trace: ScriptedTrace) -> None:
        derived(size, UNEVEN, amount, remainder)(trace)
        claimed(amount)(trace)
        row = trace.at(Step.PAY_BASE)
        for number, high in enumerate((HIGH_CARRY, "scratch")):
            value = (carries[number] + scale) % P
            port = value % LIMB if value < 3 * LIMB else 0
            trace.port(CARRY_PORT + number, row, one(port))
            trace.columns[high][row] = (value - port) * inverse(LIMB) % P

    return Script(partial(pay, payment=amount), amend=amend, ledger=owing)


def headless(before: Act) -> Script:
    """A payment up to an index that no market has."""

    def act(forger: Forger) -> None:
        before(forger)
        pay(forger, index=FUNDING_START + 500)

    return Script(act, {Step.PAY_MARKET: skip}, ledger=owing)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return {
        **markets(),
        **positions(),
        **amounts(),
        "what leads to pay_base": partial(headless, deposit),
        "the first row is no pay_base": partial(headless, nothing),
    }
