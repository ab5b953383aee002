"""Rows of one margin check: visits that are changed, and the sums and the closing row that follow from them."""

from collections.abc import Callable, Sequence

import numpy as np

from circuits import margin as layout
from circuits.bounds import AMOUNT_LIMBS, BIAS, BIAS_TOP_LIMB, LIMB, LIMB_BITS, RATIO_ONE
from circuits.field import P
from circuits.records import from_limbs
from prover.traces.columns import Columns
from prover.traces.margin import apart_limbs

SUMS = ("cash", "value", "required")
PRODUCTS = {  # ports of the lots, factor, ports of the product and of its carries, column of the high carry
    "marked": (layout.LOTS, "mark", layout.MARKED, layout.MARKED_CARRIES, "high_carry0"),
    "weighted": (layout.COUNTED, "weight", layout.WEIGHTED, layout.WEIGHTED_CARRIES, "high_carry1"),
}
RowEdit = Callable[[Columns], object]
# Rows of Alice's check; she holds quote, ETH and BTC-PERP.
QUOTE_ROW, ASSET_ROW, PERPETUAL_ROW, CLOSING_ROW = range(4)
ALL, END = slice(0, CLOSING_ROW + 1), slice(CLOSING_ROW, CLOSING_ROW + 1)
Dropped = tuple[str, int]  # a carried equation, "cash", "equity", "required" or "excess", and its limb


def parts(value: int, count: int = AMOUNT_LIMBS) -> list[int]:
    """The lowest limbs of a value, the last of which takes what is left."""
    return [value >> (LIMB_BITS * k) & (LIMB - 1) for k in range(count - 1)] + [value >> (LIMB_BITS * (count - 1))]


def set_ports(margin: Columns, row: int, numbers: Sequence[int], values: Sequence[int]) -> None:
    """Set ports of a row."""
    for number, value in zip(numbers, values, strict=True):
        margin[f"port{number}"][row] = value


def get(margin: Columns, row: int, name: str, count: int) -> list[int]:
    """The values of columns name0, name1, ... of a row."""
    return [int(margin[f"{name}{k}"][row]) for k in range(count)]


def set_position(margin: Columns, row: int, lots: int, negative: int | None = None) -> None:
    """A perpetual's lots and, if given, its sign, and what follows from them."""
    set_ports(margin, row, layout.LOTS, parts(lots, 2))
    if negative is not None:
        margin["negative"][row] = negative
    multiply(margin, row, "marked")
    grown, flipped = sizes(margin, row)
    compare(margin, row, abs(grown - flipped), int(flipped > grown))


def sizes(margin: Columns, row: int) -> tuple[int, int]:
    """What a position can come to: if the orders of its side trade, and if the others do."""
    lots, resting = lots_of(margin, row), get(margin, row, "resting", 2)
    same = resting[int(margin["negative"][row])]
    return lots + same, sum(resting) - same - lots


def lots_of(margin: Columns, row: int, ports: tuple[int, ...] = layout.LOTS) -> int:
    """The number in these ports."""
    return from_limbs([int(margin[f"port{number}"][row]) for number in ports])


def compare(margin: Columns, row: int, apart: int, flips: int) -> None:
    """How far apart the two sizes of a position are and which is larger, and what follows from that."""
    set_ports(margin, row, layout.APART, [int(part[0]) for part in apart_limbs(np.array([apart]))])
    set_ports(margin, row, (layout.FLIPS,), [flips])
    count(margin, row, sizes(margin, row)[0] + flips * apart)


def count(margin: Columns, row: int, lots: int) -> None:
    """The lots that a visit counts, and what they weigh."""
    set_ports(margin, row, layout.COUNTED, parts(lots, 2))
    margin["lots_inverse"][row] = pow(sum(parts(lots, 2)), P - 2, P)
    multiply(margin, row, "weighted")


def multiply(margin: Columns, row: int, name: str, *, low: int = 0, middle: int = 0) -> None:
    """A visit's product; `low` and `middle` are added to the carries out of limbs 0 and 1."""
    lots, factor, product, carry_numbers, high = PRODUCTS[name]
    (a0, a1), (b0, b1) = (int(margin[f"port{n}"][row]) for n in lots), get(margin, row, factor, 2)
    first = (a0 * b0 >> LIMB_BITS) + low
    whole = a0 * b1 + a1 * b0 + first
    second = (whole >> LIMB_BITS) + middle
    rest = a1 * b1 + second
    values = [a0 * b0 % LIMB, whole % LIMB, rest % LIMB, rest >> LIMB_BITS]
    set_ports(margin, row, product, values)
    set_ports(margin, row, carry_numbers, [first, second % LIMB])
    margin[high][row] = second >> LIMB_BITS


def set_asset(
    margin: Columns,
    row: int,
    lots: int,
    remainder: int,
    balance: int | None = None,
    dropped: int = AMOUNT_LIMBS - 1,
) -> None:
    """An asset's division: so many lots count, the remainder, and beyond is the rest of the balance.

    balance: what is divided, if not what the visit reads; then the equation of the limb `dropped` need not hold.
    """
    units, (low, high) = int(margin["lot_units0"][row]), parts(lots, 2)
    whole = signed_balance(margin, row) if balance is None else balance
    beyond = parts(whole - lots * units - remainder)
    left = [low * units + remainder, high * units, 0, BIAS_TOP_LIMB]
    found = carries([a + b for a, b in zip(left, beyond, strict=True)], get(margin, row, "balance", 4), dropped)
    set_ports(margin, row, (layout.REMAINDER, layout.REMAINDER_REST), [remainder, max(0, units - 1 - remainder)])
    set_ports(margin, row, (*layout.LOT_CARRIES, *layout.BEYOND), [*found, *beyond])
    count(margin, row, lots)


def signed_balance(margin: Columns, row: int) -> int:
    """The balance that a visit reads."""
    return from_limbs(get(margin, row, "balance", AMOUNT_LIMBS)) - BIAS


def contribution(margin: Columns, row: int) -> dict[str, list[int]]:
    """What a visit adds to the sums, limb by limb."""
    marked, weighted = ([int(margin[f"port{n}"][row]) for n in ns] for ns in (layout.MARKED, layout.WEIGHTED))
    nothing = [0] * AMOUNT_LIMBS
    if margin["is_quote"][row]:
        *low, top = get(margin, row, "balance", AMOUNT_LIMBS)
        return {"cash": [*low, top - BIAS_TOP_LIMB], "value": nothing, "required": nothing}
    if margin["is_perpetual"][row]:
        sign = 1 - 2 * int(margin["negative"][row])
        return {"cash": [sign * part for part in marked], "value": nothing, "required": weighted}
    return {"cash": nothing, "value": weighted, "required": nothing}


def settle(
    margin: Columns,
    *,
    first: int = 0,
    start: dict[tuple[str, int], int] | None = None,
    jump: dict[tuple[str, int], int] | None = None,
    dropped: Dropped | None = None,
) -> None:
    """Add up the check whose quote row is `first`, and fill its closing row.

    start, jump: added to a limb of a sum on the first row, and on the way from there to the next. dropped: the equation
    of the closing row that need not hold; the others are then solved so that the comparison comes out as the row says.
    """
    row = first
    sums = {name: [(start or {}).get((name, k), 0) for k in range(AMOUNT_LIMBS)] for name in SUMS}
    while True:
        for name, values in sums.items():
            for k, value in enumerate(values):
                margin[f"{name}{k}"][row] = value
        if margin["is_closing"][row] == 1:
            break
        for name, change in contribution(margin, row).items():
            extra = jump or {} if row == first else {}
            sums[name] = [sums[name][k] + change[k] + extra.get((name, k), 0) for k in range(AMOUNT_LIMBS)]
        row += 1
    close(margin, row, dropped)


def close(margin: Columns, row: int, dropped: Dropped | None = None, sign: int | None = None) -> None:
    """Fill a closing row from its sums, as of a check that fails if the row says so. sign: of the shortfall; a true one
    is 1 or -1."""
    cash, value, required = (get(margin, row, name, AMOUNT_LIMBS) for name in SUMS)
    both = [c + v for c, v in zip(cash, value, strict=True)]
    limb_of, fails = dict([dropped] if dropped else []), int(margin["fails"][row])
    outcome = 1 - 2 * fails
    claimed = misstated(from_limbs(cash), limb_of.get("cash"), outcome)
    sign = sign or (-1 if claimed < 0 else 1)
    short = parts(claimed // sign)
    equity = parts(from_limbs(both) + BIAS + (2 * outcome * LIMB ** limb_of["equity"] if "equity" in limb_of else 0))
    signed_equity = [part - BIAS_TOP_LIMB * (k == AMOUNT_LIMBS - 1) for k, part in enumerate(equity)]
    demanded = parts(understated(from_limbs(required), limb_of.get("required"), outcome))
    negative, (borrow, ratio) = (1 - sign) // 2, (int(margin[name][row]) for name in ("borrow", "ratio"))
    whole = [
        RATIO_ONE * e - borrow * s * negative - ratio * d
        for e, s, d in zip(signed_equity, short, demanded, strict=True)
    ]
    whole[0] += fails
    excess = parts(raised(outcome * from_limbs(whole), limb_of.get("excess")), AMOUNT_LIMBS + 1)
    margin["negative"][row], margin["stale"][row] = negative, fails
    set_ports(margin, row, layout.REQUIRED, demanded)
    borrowed(margin, row, negative * from_limbs(short[2:]))
    signed, distance = [sign * part for part in short], [outcome * part for part in excess]
    set_ports(margin, row, (*layout.SHORT, *layout.EQUITY, *layout.EXCESS), [*short, *equity, *excess])
    for name, numbers, left, right, offset in (
        ("cash", layout.SHORT_CARRIES, cash, signed, layout.SUM_CARRY_OFFSET),
        ("equity", layout.EQUITY_CARRIES, both, signed_equity, layout.SUM_CARRY_OFFSET),
        ("required", layout.REQUIRED_CARRIES, required, demanded, layout.SUM_CARRY_OFFSET),
        ("excess", layout.EXCESS_CARRIES, whole, distance, layout.EXCESS_CARRY_OFFSET),
    ):
        found = carries(left, right, limb_of.get(name, AMOUNT_LIMBS - 1))
        set_ports(margin, row, numbers, [carry + offset for carry in found])


def borrowed(margin: Columns, row: int, short: int, over: int | None = None) -> None:
    """How the shortfall's high limbs stand to the cap. over: what is said of that, if it is not the truth."""
    cap = int(margin["cap"][row])
    over = int(short >= cap) if over is None else over
    distance = (2 * over - 1) * (short - cap) + over - 1
    margin["high_carry1"][row] = over % P
    set_ports(margin, row, layout.CAP_DISTANCE, parts(distance % P if distance < 0 else distance, 2))
    margin["high_carry0"][row] = pow(int(margin["stales"][row]) + over, P - 2, P)


def understated(required: int, limb: int | None, outcome: int) -> int:
    """The requirement that a closing row claims if the equation of a limb is dropped: in that limb less, or more of a
    check that fails."""
    if limb is None:
        return required
    unit = 1 << LIMB_BITS * limb
    return required - min(12, required // unit) * unit if outcome > 0 else required + 12 * unit


def misstated(cash: int, limb: int | None, outcome: int) -> int:
    """The cash that a closing row claims if the equation of a limb is dropped: in that limb less negative, or more of a
    check that fails (outcome -1)."""
    if limb is None or (cash >= 0 and outcome > 0):
        return cash
    unit = 1 << LIMB_BITS * limb
    if outcome < 0:
        return cash - 12 * unit
    return cash % unit if limb == AMOUNT_LIMBS - 1 else cash + 12 * unit


def raised(whole: int, limb: int | None) -> int:
    """The excess that a closing row claims if the equation of a limb is dropped: not negative."""
    if limb is None or whole >= 0:
        return whole
    unit = 1 << LIMB_BITS * limb
    return whole + unit * (-whole // unit + 1)


def carries(left: Sequence[int], right: Sequence[int], dropped: int) -> list[int]:
    """The three carries with which left and right agree in every limb but the dropped one; a fifth limb of right is
    the carry out of the top."""
    found, carry = [0] * AMOUNT_LIMBS, 0
    for k in range(dropped):
        found[k] = carry = (left[k] + carry - right[k]) >> LIMB_BITS
    found[-1] = right[AMOUNT_LIMBS] if len(right) > AMOUNT_LIMBS else 0
    for k in range(AMOUNT_LIMBS - 1, dropped, -1):
        found[k - 1] = right[k] + found[k] * LIMB - left[k]
    return found[:-1]


def wrapping_product(margin: Columns, row: int, name: str) -> None:
    """A larger product with a high carry that is neither 0, 1 nor 2: the middle carry is a fraction mod P."""
    _, _, product, (_, carry), high = PRODUCTS[name]
    multiply(margin, row, name)
    inverse, low_part = pow(LIMB, -1, P), int(margin[f"port{carry}"][row])
    second, third, fourth = (int(margin[f"port{number}"][row]) for number in product[1:])
    middle, true = low_part + LIMB * int(margin[high][row]), third + LIMB * fourth
    for limb in range(LIMB):
        wrapped = (middle * LIMB + second - limb) * inverse % P
        claimed = (true - middle + wrapped) % P
        if true < claimed < LIMB * LIMB // 8:
            set_ports(margin, row, product[1:], [limb, claimed % LIMB, claimed >> LIMB_BITS])
            margin[high][row] = (wrapped - low_part) * inverse % P
            return
    raise ValueError("no product wraps")
