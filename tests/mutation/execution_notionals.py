"""Forgeries of what a trade costs: the product of price and size, and the fees."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import FEE_ONE, LIMB
from circuits.field import P
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    Record,
    sentinel_index,
    signed_limbs,
)
from circuits.steps import Kind, Step
from circuits.transitions.match import BUYS
from prover.traces.columns import Integers, limbs_of
from prover.traces.match import _fee_ports
from state.accounts import balance_amount
from state.transitions.order import Order
from tests.batches import BTC_PERP, ETH_PERP, LATE, USDC
from tests.mutation.execution_registers import grown, setting
from tests.mutation.matching import HEAD, MAKER, NOTIONAL, RATES, one, resettle
from tests.mutation.script import BentMemory, Hook, Hooks, Script, ScriptedTrace, inverse, pointing
from tests.mutation.stage import DAVE, EVE, MARK, SIZE, staged
from tests.tamper.forger import Forger


def settle(trace: ScriptedTrace, notional: int) -> None:
    """Fees and changes follow from this notional."""
    trace.amount(Kind.MATCH, one(notional))
    resettle(trace)


def wrong_notional(k: int, claimed: bool) -> Script:
    """More is paid than price times size, by one in limb k; claimed: as a product's limb."""
    notional = NOTIONAL + (1 << (14 * k))

    def act(forger: Forger) -> None:
        forger.deposit(0, 2, DAVE, USDC, 10**13)
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(notional=notional).filled()

    def amend(trace: ScriptedTrace) -> None:
        settle(trace, notional)
        if claimed:
            row = trace.at(Step.MATCH_HEAD)
            trace.port(2 + k, row, trace.columns[f"port{2 + k}"][row] + 1)

    return Script(act, amend=amend)


def wrapping(price: int, size: int) -> tuple[int, int]:
    """Of a product whose middle carry is no small integer: the amount that its limbs are, and what that carry has above
    one limb if its port is 0."""
    (a0, a1), (b0, b1) = ((value % LIMB, value // LIMB) for value in (price, size))

    def carried(limb: int) -> int:
        """The middle carry, free mod P, that this second limb of the product leads to."""
        return (a0 * b1 + a1 * b0 + a0 * b0 // LIMB - limb) * inverse(LIMB) % P

    wrong = [limb for limb in range(LIMB) if limb != price * size // LIMB % LIMB]
    top, limb = min(((a1 * b1 + carried(limb)) % P, limb) for limb in wrong)  # small enough to be two limbs, and paid
    return a0 * b0 % LIMB + (limb << 14) + (top << 28), carried(limb) * inverse(LIMB) % P


def wrap(trace: ScriptedTrace, row: Integers, amount: int, high: int, *, product_port: int, carry_port: int) -> None:
    """Set the ports of such a product."""
    for k, part in enumerate(limbs_of(one(amount), 4)):
        trace.port(product_port + k, row, part)
    trace.port(carry_port + 1, row, one(0))
    trace.columns["scratch"][row] = high


def wrapped_notional() -> Script:
    """A carry of the product is no small integer, so the limbs need not be the product's."""
    notional, high = wrapping(MARK, SIZE)

    def act(forger: Forger) -> None:
        forger.deposit(0, 2, DAVE, USDC, 10**15)
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(notional=notional).filled()

    def amend(trace: ScriptedTrace) -> None:
        settle(trace, notional)
        wrap(trace, trace.at(Step.MATCH_HEAD), notional, high, product_port=2, carry_port=6)

    return Script(act, amend=amend)


def wrong_fee(change: int, ports: Callable[[ScriptedTrace, Integers, int], None]) -> Script:
    """The maker's fee is off by `change`; the ports of its division are set by `ports` (trace, header row, fee)."""
    fee = -(-NOTIONAL * RATES[0] // FEE_ONE) + change

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, MARK, SIZE).trade(fees=(fee, None)).filled()

    def amend(trace: ScriptedTrace) -> None:
        header, _, quote, fee_row = own = trace.rows(Kind.MATCH)[2:6]
        parts = [*limbs_of(one(fee), 3), one(0)]
        for row in own:
            for k in range(3):
                trace.register(f"fee{k}", row, parts[k])
        notional = limbs_of(one(NOTIONAL), 4)
        trace.change(quote, [part - paid for part, paid in zip(notional, parts, strict=True)])
        trace.change(fee_row, parts)
        ports(trace, header, fee)

    return Script(act, amend=amend)


def divide(trace: ScriptedTrace, header: Integers, fee: int) -> None:
    """The ports of a division that gives this fee, as far as it goes."""
    _fee_ports(trace, header, limbs_of(one(NOTIONAL), 4), limbs_of(one(fee), 3), one(RATES[0]))


def honest_ports(trace: ScriptedTrace, header: Integers, fee: int) -> None:
    """The ports stay those of the honest fee."""


def shift_carry(k: int, trace: ScriptedTrace, header: Integers, fee: int) -> None:
    """Limb k of the fee is one more, and its carry makes up for that in the next limb."""
    for number, change in ((k, 1), (7 + k, FEE_ONE // LIMB)):
        trace.port(number, header, trace.columns[f"port{number}"][header] + change)


def fees() -> dict[str, Callable[[], Script]]:
    """Forgeries of fees, by label."""
    product = NOTIONAL * RATES[0]
    surplus = -(-(product + (1 << 42)) // FEE_ONE) - -(-product // FEE_ONE)  # wraps in the top carry
    table: dict[str, Callable[[], Script]] = {
        "fill_header: fee remainder below one": partial(wrong_fee, 1, divide),
        "fill_header: fee, limb 3": partial(wrong_fee, surplus, divide),
    }
    for k in range(3):
        table[f"fill_header: fee limb {k} in range"] = partial(wrong_fee, 1 << (14 * k), honest_ports)
        table[f"fill_header: fee, limb {k}"] = partial(wrong_fee, 1 << (14 * k), partial(shift_carry, k))
    return table


def changed(amount: int, bids: int = 0, asks: int = 0) -> Hook:
    """Hook: the balance as it was changes by this."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        lots = (old[BALANCE_BIDS] + bids) % P, (old[BALANCE_ASKS] + asks) % P
        parts = signed_limbs(balance_amount(old) + amount)
        return memory.access(step, index, (*parts, *lots, *new[BALANCE_ASKS + 1 :]))

    return hook


def sideways() -> Script:
    """On side 9 of BTC-PERP stand the asks of ETH-PERP, and what is traded counts seventeen times."""
    price, side, times = 2_681_000, 9, 17
    resting = [Order(EVE, ETH_PERP, False, price, SIZE, LATE), Order(EVE, BTC_PERP, False, MARK + 10, 100, LATE)]
    more = (times - 1) * price * SIZE

    def act(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, True, price, SIZE).trade(head=HEAD).filled()

    def amend(trace: ScriptedTrace) -> None:
        for kind, rows, value in (
            (Kind.ORDER, slice(None), side), (Kind.MATCH, slice(None), side), (Kind.MATCH, MAKER, 1 - side),
            (Kind.FILLED, slice(None), side),
        ):  # fmt: skip
            setting(kind, rows, **{BUYS: value})(trace)
        resettle(trace)
        # The price is below the mark, so who sells loses, as much as the sides are askew.
        for number, value in ((3, 1 - side), (7, side)):
            setting(Kind.MATCH, slice(number, number + 1), tier=value)(trace)

    hooks: Hooks = {
        Step.MATCH_HEAD: pointing(sentinel_index(ETH_PERP, False)),
        (Step.FILL_BASE, 0): changed(-times * SIZE, (side - 1) * SIZE, -side * SIZE),
        (Step.FILL_BASE, 1): changed(times * SIZE),
        (Step.FILL_QUOTE, 0): grown(more),
        (Step.FILL_QUOTE, 1): grown(-more),
    }
    return Script(act, hooks, amend, ledger=partial(staged, *resting))


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    table: dict[str, Callable[[], Script]] = {
        "match_head: notional, high carry is 0, 1 or 2": wrapped_notional,
        "match_head: notional, limb 0": partial(wrong_notional, 0, True),
        "match_head: notional, limb 1": partial(wrong_notional, 1, True),
        "match_head: notional, limbs 2 and 3": partial(wrong_notional, 2, True),
        "order_market: side is boolean": sideways,
    }
    for k in range(4):
        table[f"match_head: notional limb {k} in range"] = partial(wrong_notional, k, False)
    return table | fees()
