"""Registers and ports of what an order meets: MATCH, FAIL and SKIP."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, BIAS, FEE_LIMBS, FEE_ONE, LIMB_BITS
from circuits.buses import Capped, Tier
from circuits.records import ORDER_ACCOUNT, ORDER_EXPIRY, ORDER_LEFT, ORDER_NEXT, ORDER_PRICE, TAG, Tag
from circuits.steps import Kind
from circuits.transitions.match import (
    ABOVE,
    BEYOND_PORT,
    BUYS,
    DISTANCE_PORT,
    FEE_CARRY_OFFSET,
    IS_TAKER,
    LEFT,
    LIMIT,
    LOSER,
    MARK,
    PENDING_LOSER,
    QUARTER,
    REASONS,
    REDUCES_PORT,
    STOPS,
    UNFAIR,
    UNFAIR_PORT,
    UNWINDS,
)
from prover.traces.columns import Integers, integer_of, limbs_of
from prover.traces.execution import ExecutionTrace
from prover.traces.order import carried


def fill(trace: ExecutionTrace) -> None:
    """The order met and the parties' rows, for each outcome."""
    for kind in (Kind.MATCH, Kind.FAIL, Kind.SKIP):
        carried(trace, kind)
        _meet(trace, kind)
    rows = trace.rows(Kind.MATCH)
    for taker in (0, 1):
        _party(trace, Kind.MATCH, rows[2 + 4 * taker : 6 + 4 * taker], taker)
    _force(trace, rows)
    rows = trace.rows(Kind.FAIL)
    _party(trace, Kind.FAIL, rows[2:5], 0)
    _undo(trace, rows[2:])
    _skip(trace)


def _meet(trace: ExecutionTrace, kind: Kind) -> None:
    """The first two rows, what all rows know of the order met, and the maker on the rows after them."""
    rows = trace.rows(kind)
    head, met = rows[:2]
    price, maker_left, left = trace.old[ORDER_PRICE][met], trace.old[ORDER_LEFT][met], trace.argument(kind, "left")
    size = np.minimum(left, maker_left)
    size_limbs = limbs_of(size, 2)
    removed = (trace.new[TAG][met] == 0).astype(np.int64)
    outcome = {name: np.zeros_like(size) for name in (*REASONS, "fails")}
    if kind is Kind.FAIL:
        outcome["fails"] += 1
    if kind is Kind.SKIP:
        for number, name in enumerate(REASONS):
            outcome[name] += trace.argument(kind, "reason") == number
    trace.amount(kind, price * size)
    trace.registers(
        kind,
        price=price, size0=size_limbs[0], size1=size_limbs[1], maker_left=maker_left, removed=removed,
        head=trace.old[ORDER_NEXT][head], after=trace.new[ORDER_NEXT][head], **outcome,
    )  # fmt: skip
    trace.wide_port(0, head, price)
    trace.notional(head, price, size, product_port=2, carry_port=6)
    sign = 2 * trace.columns[BUYS][met] - 1
    expired, expiry = outcome["expired"], trace.old[ORDER_EXPIRY][met]
    distances = (
        sign * (trace.columns[LIMIT][met] - price), size, maker_left - size, left - size,
        (1 - 2 * expired) * (expiry - trace.columns["time"][met]) - expired,
    )  # fmt: skip
    for number, values in enumerate(distances):
        trace.wide_port(2 * number, met, values)
    trace.nonzero(met, maker_left - size if kind is Kind.MATCH else trace.columns["achieved"][met])
    _fairness(trace, rows, price)
    _hand_over(trace, kind, rows, left - size if kind is Kind.MATCH else left)


def _fairness(trace: ExecutionTrace, rows: list[Integers], price: Integers) -> None:
    """Who loses too much against the mark: on the first two rows, and on the others under another name."""
    head = rows[0]
    mark, quarter = trace.columns[MARK][head], trace.columns[QUARTER][head]
    distance, above = np.abs(price - mark), (price > mark).astype(np.int64)
    unfair = (distance > quarter).astype(np.int64)
    trace.register(UNFAIR, head, unfair)
    trace.register(ABOVE, head, above)
    trace.wide_port(DISTANCE_PORT, head, distance)
    trace.wide_port(UNFAIR_PORT, head, (1 - 2 * unfair) * (quarter - distance) - unfair)
    for number, row in enumerate(rows):
        trace.register(PENDING_LOSER if number < 2 else LOSER, row, unfair * (1 - 2 * above))


def _hand_over(trace: ExecutionTrace, kind: Kind, rows: list[Integers], left: Integers) -> None:
    """The maker is at hand on the rows after the second; of a MATCH, the taker again on the last four."""
    met = rows[1]
    taker, buys, reduce = (trace.columns[name][met].copy() for name in ("account", BUYS, "reduce"))
    restricted = trace.columns["restricted"][met]
    maker_reduce = restricted + (1 - restricted) * (trace.old[TAG][met] - int(Tag.ORDER))
    for row in rows[2:6] if kind is Kind.MATCH else rows[2:]:
        trace.register("account", row, trace.old[ORDER_ACCOUNT][met])
        trace.register("other", row, taker)
        trace.register(BUYS, row, 1 - buys)
        trace.register("reduce", row, maker_reduce)
        trace.register("other_reduce", row, reduce)
    for row in rows[2:]:
        trace.register(LEFT, row, left)
    for row in rows[5:]:
        trace.register(STOPS, row, 0)
    for row in rows[6:] if kind is Kind.MATCH else ():
        trace.register(IS_TAKER, row, 1)


def _force(trace: ExecutionTrace, rows: list[Integers]) -> None:
    """The check of a taker whose order is forced, and whether that ends the order."""
    forced, below = trace.columns["forced"][rows[0]], trace.argument(Kind.MATCH, "below")
    for row in rows[6:]:
        moment = trace.columns["moment"][row]
        trace.register("moment", row, np.where(forced, trace.moment(row), moment))
    for row in rows[8:]:
        trace.register("fails", row, below)
        tier = np.where(trace.columns[UNWINDS][row], int(Tier.ZERO), int(Tier.MAINTENANCE))
        trace.register("tier", row, np.where(forced, tier, trace.columns["tier"][row]))
    trace.register(STOPS, rows[9], forced * (1 - below))


def _party(trace: ExecutionTrace, kind: Kind, rows: list[Integers], taker: int) -> None:
    """A party's header with its fee, its base and quote, and the fee account."""
    header, base, quote = rows[:3]
    registers = trace.columns
    shared = rows if kind is Kind.MATCH else trace.rows(kind)[2:]
    trace.header(header, base, shared, checked=True)
    rate = registers["taker_rate" if taker else "maker_rate"][header]
    notional = [registers[f"amount{k}"][header] for k in range(AMOUNT_LIMBS)]
    fee = fee_of(notional, rate)
    parts = limbs_of(fee, FEE_LIMBS)
    _fee_ports(trace, header, notional, parts, rate)
    for row in shared:
        for k, part in enumerate(parts):
            trace.register(f"fee{k}", row, part)
    if not taker:
        trace.nonzero(header, registers["account"][header] - registers["other"][header])
    sign = 2 * registers[BUYS][base] - 1
    trace.change(base, [sign * registers["size0"][base], sign * registers["size1"][base], 0, 0])
    reduces = _position(trace, base, sign)
    fair = (registers[LOSER][base] != -sign).astype(np.int64)
    for row in shared:
        trace.register("moment", row, trace.moment(row, Capped.ALL) * (1 - reduces))
    for number, row in enumerate(rows):
        trace.register("tier", row, fair if number < 2 else fair * reduces)
    trace.change(quote, _paid(trace, quote))
    trace.amount_nonzero(quote)
    if len(rows) > 3:
        trace.change(rows[3], [*parts, np.zeros_like(fee)])


def _position(trace: ExecutionTrace, rows: Integers, sign: Integers) -> Integers:
    """The sign of the new position, whether it is reduced (the result), and by how much it is or is not."""
    position = integer_of(trace.new[:AMOUNT_LIMBS, rows]) - BIAS
    trace.columns["scratch"][rows] = position < 0
    reduces = (sign * position <= 0).astype(np.int64)
    trace.port(REDUCES_PORT, rows, reduces)
    trace.wide_port(BEYOND_PORT, rows, np.where(reduces, -sign * position, sign * position - 1))
    return reduces


def _paid(trace: ExecutionTrace, rows: Integers) -> list[Integers]:
    """What the quote balance gains, as signed limbs."""
    registers = trace.columns
    sign = 2 * registers[BUYS][rows] - 1
    fee = [registers[f"fee{k}"][rows] if k < FEE_LIMBS else 0 for k in range(AMOUNT_LIMBS)]
    return [-sign * registers[f"amount{k}"][rows] - fee[k] for k in range(AMOUNT_LIMBS)]


def _undo(trace: ExecutionTrace, rows: list[Integers]) -> None:
    """The maker's quote and base as before."""
    quote, base = rows[3:]
    registers = trace.columns
    trace.change(quote, [-part for part in _paid(trace, quote)])
    sign = 2 * registers[BUYS][base] - 1
    trace.change(base, [-sign * registers["size0"][base], -sign * registers["size1"][base], 0, 0])


def _skip(trace: ExecutionTrace) -> None:
    """The header without the order; for a reduce-only order, that it would grow."""
    header, base = trace.rows(Kind.SKIP)[2:]
    registers = trace.columns
    trace.nonzero(header, registers[LEFT][header])
    position = integer_of(trace.old[:AMOUNT_LIMBS, base]) - BIAS
    sign, growing = 2 * registers[BUYS][base] - 1, registers["growing"][base]
    size = registers["size0"][base] + (registers["size1"][base] << LIMB_BITS)
    flips = (sign * position < 0).astype(np.int64)
    registers["scratch"][base] = position < 0
    trace.port(2, base, growing * flips)
    trace.wide_port(0, base, growing * (sign * position + flips * (size - 1)))


def fee_of(notional: list[Integers], rate: Integers) -> Integers:
    """ceil(notional * rate / FEE_ONE), by long division over the limbs: the product exceeds 64 bits."""
    quotient, remainder = np.zeros_like(rate), np.zeros_like(rate)
    for part in reversed(notional):
        whole = (remainder << LIMB_BITS) + part * rate
        quotient, remainder = (quotient << LIMB_BITS) + whole // FEE_ONE, whole % FEE_ONE
    return quotient + (remainder > 0)


def _fee_ports(
    trace: ExecutionTrace, rows: Integers, notional: list[Integers], fee: list[Integers], rate: Integers
) -> None:
    """The fee's limbs, the remainder, its distance from FEE_ONE - 1, and the carries, as `circuits.transitions.fill`
    constrains them."""
    low, high = FEE_ONE % (1 << LIMB_BITS), FEE_ONE >> LIMB_BITS
    total = sum((part << (LIMB_BITS * k) for k, part in enumerate(fee)), start=np.zeros_like(rate))
    # Both products exceed 64 bits, their difference does not: it wraps to the right value.
    remainder = total * FEE_ONE - sum(
        (part * rate << (LIMB_BITS * k) for k, part in enumerate(notional)), start=np.zeros_like(rate)
    )
    remainder_limbs = limbs_of(remainder, 2)
    for number, values in enumerate((*fee, *remainder_limbs, *limbs_of(FEE_ONE - 1 - remainder, 2))):
        trace.port(number, rows, values)
    carry = np.zeros_like(rate)
    for k in range(FEE_LIMBS):
        left = notional[k] * rate + carry + (remainder_limbs[k] if k < 2 else 0)
        right = fee[k] * low + (fee[k - 1] * high if k else 0)
        carry = (left - right) >> LIMB_BITS
        trace.port(7 + k, rows, carry + FEE_CARRY_OFFSET)
