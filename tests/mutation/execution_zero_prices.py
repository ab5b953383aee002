"""Forgeries of zero prices: a deleveraging at another price than the account's equity and requirement give."""

from collections.abc import Callable, Sequence
from functools import partial

from circuits.bounds import AMOUNT_LIMBS, BIAS_TOP_LIMB, LIMB, LIMB_BITS, LIMIT_MAX, ZERO_SHARE
from circuits.execution import REQUIRED_PORTS
from circuits.field import P
from circuits.records import MARKET_MARK, MARKET_WEIGHT, from_limbs, limbs, market_index
from circuits.steps import Kind, Step
from circuits.zero_price import (
    BOUNDED,
    CARRY_OFFSET,
    CARRY_PORT,
    EQUITY,
    EQUITY_PORT,
    HIGH_CARRY,
    LOW_CARRY_PORT,
    NEGATIVE,
    PRICE,
    PRICE_PORT,
    REMAINDER,
    REMAINDER_PORT,
    REQUIRED,
    REST_PORT,
    ROOM_PORT,
    WITHIN_PORT,
)
from prover.traces import zero_price
from state.audit import account_figures
from state.ledger import Ledger
from state.store import NO_SALT
from tests.batches import BTC_PERP, run_batch
from tests.deleveragings import ALICE, BOB, LATER, crash, endow, opened
from tests.mutation.deleveraging import deleverage
from tests.mutation.script import Amend, Script, ScriptedTrace, nothing
from tests.mutation.world import Traces

LOTS = 499  # of Alice; twice what they require is below LIMB^2
SHORT = -57_500_000  # her equity, less than nothing, but she lacks less than half of what she requires
RUINED, LOST = -100_000_000, -1_679_063_107_392  # she lacks more; of the last one `twice_bounded` has a fit remainder
HALF = LIMB * LIMB


def worth(equity: int) -> Ledger:
    """Alice, who is long, has that equity, and the fund cannot pay."""
    ledger = opened({ALICE: LOTS, BOB: -LOTS}, money=400_000_000)
    run_batch(ledger, [crash()], LATER)
    endow(ledger, ALICE, equity)
    return ledger


def sums(equity: int) -> tuple[int, int, int]:
    """Requirement, mark, requirement a lot."""
    ledger = worth(equity)
    record = ledger.read(market_index(BTC_PERP))
    mark, weight = (from_limbs(record[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
    return account_figures(ledger, ALICE).margin.requirement, mark, weight


def script(equity: int, worse: int, amend: Amend) -> Script:
    """Alice is deleveraged at so much above her zero price; `amend` comes after the margin checks."""
    kept: list[ScriptedTrace] = []

    def edit(_: Traces) -> None:
        amend(kept[0])

    return Script(
        partial(deleverage, worse=worse), amend=kept.append, edit=edit, ledger=partial(worth, equity), time=LATER
    )


def put(trace: ScriptedTrace, row: int, first: int, parts: Sequence[int]) -> None:
    """Ports from `first` on; what is no limb shows as 0."""
    for k, part in enumerate(parts):
        trace.columns[f"port{first + k}"][row] = part if 0 <= part < LIMB else 0


def shown(
    trace: ScriptedTrace,
    price: int,
    remainder: Sequence[int],
    *,
    broken: int = AMOUNT_LIMBS + 1,
    is_bounded: int = 0,
    negative: int = 1,
    carry: int | None = None,
    odd: int | None = None,
) -> None:
    """The two rows show the price, with that remainder or excess: but for one limb of the products, of which carries
    below come from below and those above from above, and but for what the values cannot fulfil."""
    first = int(trace.at(Step.ZERO_MARKET)[0])
    second, columns = first + 1, trace.columns
    for row in (first, second):
        for name, part in zip((*REMAINDER, BOUNDED), (*remainder, is_bounded), strict=True):
            columns[name][row] = part % P
    columns[PRICE][first : second + 2] = price
    for rows in trace.rows(Kind.DELEVERAGE):
        columns[NEGATIVE][rows] = negative
    equity, required = ([int(columns[name][first]) for name in names] for names in (EQUITY, REQUIRED))
    equity[3] -= BIAS_TOP_LIMB
    put(trace, first, REMAINDER_PORT, remainder)
    low, high = ((1 - is_bounded) * (remainder[k] + remainder[k + 1] * LIMB) for k in (0, 2))
    of_low, of_high = (required[k] + required[k + 1] * LIMB for k in (0, 2))
    carry = int(low + 1 > of_low) if carry is None else carry
    rests = of_low + carry * HALF - low - 1, of_high - high - carry
    put(trace, first, REST_PORT, [part for rest in rests for part in (rest % LIMB, rest // LIMB)])
    columns[f"port{LOW_CARRY_PORT}"][first] = carry
    put(trace, first, EQUITY_PORT, [(1 - 2 * negative) * equity[3] - negative])
    put(trace, first, ROOM_PORT, limbs(LIMIT_MAX - price, 2))
    put(trace, second, PRICE_PORT, limbs(price - 1, 2))
    mark, weight = ([int(trace.old[at + k][second]) for k in range(2)] for at in (MARKET_MARK, MARKET_WEIGHT))
    share = [mark[0] - (price - 1) % LIMB - 1, mark[1] - (price - 1) // LIMB]
    odd = from_limbs(weight) % ZERO_SHARE if odd is None else odd
    columns["scratch"][second] = odd % P
    room = from_limbs(weight) - ZERO_SHARE * (1 - 2 * negative) * (share[0] + share[1] * LIMB) - odd
    within = 0 if is_bounded == 1 else max(0, room // (ZERO_SHARE * (1 - is_bounded)))
    put(trace, second, WITHIN_PORT, limbs(within, 2))
    rest = [(1 - 2 * is_bounded * negative) * part for part in remainder]
    rest.append(is_bounded * (1 - 2 * negative) * within)
    _carry(trace, second, _differences(weight, equity, share, required, rest), broken)


def _differences(
    weight: list[int], equity: list[int], share: list[int], required: list[int], rest: list[int]
) -> list[int]:
    """By limb, what carries have to make up for."""
    found = []
    for k, part in enumerate(rest):
        pairs = [(i, k - i) for i in range(2) if 0 <= k - i < AMOUNT_LIMBS]
        found.append(sum(weight[i] * equity[j] - share[i] * required[j] for i, j in pairs) - part)
    return found


def _carry(trace: ScriptedTrace, row: int, differences: list[int], broken: int) -> None:
    carries, value = [0] * AMOUNT_LIMBS, 0
    for k in range(min(broken, AMOUNT_LIMBS)):
        value = carries[k] = (value + differences[k]) >> LIMB_BITS
    value = 0
    for k in range(AMOUNT_LIMBS, broken, -1):
        value = carries[k - 1] = value * LIMB - differences[k]
    for k, value in enumerate(carries):
        held = value + CARRY_OFFSET
        upper = min(held // HIGH_CARRY, LIMB - 1)
        put(trace, row, CARRY_PORT + 2 * k, [held - HIGH_CARRY * upper, upper])


def leap(limb: int) -> Script:
    """The products differ by a multiple of the limb's worth, enough to change the price."""
    required, mark, weight = sums(SHORT)
    step = LIMB**limb * -(-required // LIMB**limb)
    honest, wrong = SHORT * weight // required, (SHORT * weight + step) // required
    left = SHORT * weight + step - wrong * required
    return script(SHORT, honest - wrong, lambda t: shown(t, mark - wrong, limbs(left), broken=limb))


def off(change: int, remainder: Callable[[int], Sequence[int]], carry: int | None = None) -> Script:
    """Alice's share is changed by so much; remainder: from the right one to limbs of the one that is shown."""
    required, mark, weight = sums(SHORT)
    share = SHORT * weight // required + change
    left = SHORT * weight - share * required
    return script(SHORT, -change, lambda t: shown(t, mark - share, remainder(left), carry=carry))


def below_zero(limb: int) -> Callable[[int], Sequence[int]]:
    """Limbs of what is less than 0, but more than -LIMB^2, all in range but one."""

    def parts(value: int) -> Sequence[int]:
        low = value % LIMB**limb
        found = list(limbs(low))
        found[limb] += (value - low) // LIMB**limb
        return found

    return parts


def required(limb: int, value: int) -> Script:
    """The price is found from another requirement, whose limb is that value."""
    true, _, weight = sums(SHORT)
    parts = limbs(true)
    other = true + (value - parts[limb]) * LIMB**limb
    honest, wrong = (SHORT * weight // r for r in (true, other))

    def amend(trace: ScriptedTrace) -> None:
        row, port = int(trace.at(Step.DELEVERAGE_HEADER)[0]), trace.columns[f"port{REQUIRED_PORTS[limb]}"]
        port[row] = value
        zero_price.fill(trace)
        port[row] = parts[limb]

    return script(SHORT, honest - wrong, amend)


def falsely_bounded() -> Script:
    """The price is the mark and half the requirement, though she lacks less than that."""
    required, mark, weight = sums(SHORT)
    most = weight // ZERO_SHARE
    excess = (-SHORT * weight - most * required) % LIMB**AMOUNT_LIMBS
    return script(
        SHORT, most + SHORT * weight // required,
        lambda t: shown(t, mark + most, limbs(excess), broken=AMOUNT_LIMBS, is_bounded=1),
    )  # fmt: skip


def beyond(negative: int = 1) -> Script:
    """The price keeps the ratio, though she lacks more than half the requirement."""
    required, mark, weight = sums(RUINED)
    share, left = divmod(RUINED * weight, required)
    further = -share - weight // ZERO_SHARE
    return script(RUINED, further, lambda t: shown(t, mark - share, limbs(left), negative=negative))


def oddly_bounded() -> Script:
    """The price is as far from the mark as it may be, and 9 more, which the oddness of the requirement hides."""
    required, mark, weight = sums(RUINED)
    further = weight // ZERO_SHARE + 9
    excess, odd = limbs(-RUINED * weight - further * required), weight - ZERO_SHARE * further
    return script(RUINED, 9, lambda t: shown(t, mark + further, excess, is_bounded=1, odd=odd))


def twice_bounded() -> Script:
    """The flag is 2: the price is further from the mark than half the requirement by 3, and the products are by 6 *
    LIMB^4 and three times a remainder."""
    required, mark, weight = sums(LOST)
    further = weight // ZERO_SHARE + 3
    left = -LOST * weight - further * required - 6 * LIMB**AMOUNT_LIMBS
    assert left % 3 == 0
    return script(LOST, 3, lambda t: shown(t, mark + further, limbs(left // 3), is_bounded=2))


def twice_negative() -> Script:
    """The flag is 2: the price is at a third of half the requirement from the mark, though she lacks more."""
    required, mark, weight = sums(SHORT)
    third = weight // ZERO_SHARE // 3
    excess = -SHORT * weight - third * required
    assert weight % (3 * ZERO_SHARE) == excess % 3 == 0
    return script(
        SHORT, third + SHORT * weight // required,
        lambda t: shown(t, mark + third, limbs(excess // 3), is_bounded=1, negative=2),
    )  # fmt: skip


def misnamed(trace: ScriptedTrace) -> None:
    """The register of the price holds another one than the limbs of the price."""
    first = int(trace.at(Step.ZERO_MARKET)[0])
    price = int(trace.columns[PRICE][first + 3])
    trace.columns[PRICE][first : first + 3] = price
    put(trace, first, ROOM_PORT, limbs(LIMIT_MAX - price, 2))


def dear() -> Ledger:
    """With her requirement her zero price is that of a sentinel."""
    ledger = worth(LOST)
    leaf = market_index(BTC_PERP)
    record = ledger.read(leaf)
    weight = from_limbs(record[MARKET_WEIGHT : MARKET_WEIGHT + 2])
    mark = limbs(LIMIT_MAX + 1 - weight // ZERO_SHARE, 2)
    ledger.store.load([(leaf, (*record[:MARKET_MARK], *mark, *record[MARKET_WEIGHT:]), NO_SALT)])
    return ledger


def scripts() -> dict[str, Callable[[], Script]]:
    """Label of the constraint that each one breaks alone."""
    below = "zero_market: remainder below the requirement,"
    return {
        **{f"zero_price: share of the equity, limb {k}": partial(leap, k) for k in range(AMOUNT_LIMBS)},
        f"zero_price: share of the equity, limb {AMOUNT_LIMBS}": falsely_bounded,
        **{f"zero_market: remainder limb {k} in range": partial(off, 1, below_zero(k)) for k in range(AMOUNT_LIMBS)},
        f"{below} low half": partial(off, -1, limbs, 0),
        f"{below} high half": partial(off, -1, limbs, 1),
        "zero_price: no further from the mark than half the requirement": beyond,
        "zero_price: oddness is boolean": oddly_bounded,
        "zero_market: sign of the equity": partial(beyond, 0),
        "zero_market: bounded is boolean": twice_bounded,
        "zero_market: negative is boolean": twice_negative,
        "zero_market: price is below the sentinels": lambda: Script(deleverage, ledger=dear, time=LATER, amend=nothing),
        "zero_price: price is at least 1": lambda: script(SHORT, 5, misnamed),
        "zero price: requirement limb 0": partial(required, 0, 0),
        "zero price: requirement limb 3": partial(required, 3, 1),
    }
