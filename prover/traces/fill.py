"""Registers and ports of FILL transitions."""

import numpy as np

from circuits.bounds import AMOUNT_LIMBS, FEE_LIMBS, FEE_ONE, LIMB_BITS
from circuits.execution import LIMIT, OTHER_LIMIT
from circuits.records import MARKET_BIT, PARAMETERS_MAKER_FEE, PARAMETERS_TAKER_FEE
from circuits.steps import Kind
from circuits.transitions.fill import BUYS, FEE_CARRY_OFFSET, IS_TAKER
from prover.traces.columns import Integers, limbs_of, product_limbs
from prover.traces.execution import ExecutionTrace


def fill(trace: ExecutionTrace) -> None:
    """What both parties share, then each party's four rows."""
    kind = Kind.FILL
    rows = trace.rows(kind)
    market, parameters = rows[:2]
    price, size = trace.argument(kind, "price"), trace.argument(kind, "size")
    size_limbs = limbs_of(size, 2)
    rates = [trace.old[at][parameters] for at in (PARAMETERS_MAKER_FEE, PARAMETERS_TAKER_FEE)]
    trace.registers(
        kind,
        instrument=trace.argument(kind, "market"),
        bit=trace.old[MARKET_BIT][market],
        price=price,
        size0=size_limbs[0],
        size1=size_limbs[1],
        maker_rate=rates[0],
        taker_rate=rates[1],
    )
    trace.wide_port(0, market, size)
    _notional(trace, parameters, price, size)
    taker_buys = trace.argument(kind, "taker_buys")
    names = (("maker", "maker_limit"), ("taker", "taker_limit"))
    parties = [(trace.argument(kind, account), trace.argument(kind, limit)) for account, limit in names]
    trace.nonzero(market, parties[0][0] - parties[1][0])
    for taker, own in ((0, rows[:6]), (1, rows[6:])):
        buys = taker_buys if taker else 1 - taker_buys
        _party(trace, own, parties[taker], parties[1], taker, buys, price)
        trace.amount_nonzero(own[-2])
        _party_amounts(trace, own[-4:], rates[taker], buys, price * size, size_limbs)


def _notional(trace: ExecutionTrace, rows: Integers, price: Integers, size: Integers) -> None:
    trace.amount(Kind.FILL, price * size)
    product, carries, high = product_limbs(price, size)
    trace.wide_port(0, rows, price)
    for number, values in enumerate((*product, *carries), start=2):
        trace.port(number, rows, values)
    trace.columns["scratch"][rows] = high


def _party(
    trace: ExecutionTrace,
    own: list[Integers],
    party: tuple[Integers, Integers],
    taker_party: tuple[Integers, Integers],
    taker: int,
    buys: Integers,
    price: Integers,
) -> None:
    """Who the party is, on its own rows (the maker's include the first two); its header and its limit."""
    account, limit = party
    for row in own:
        trace.register("account", row, account)
        trace.register(LIMIT, row, limit)
        trace.register(BUYS, row, buys)
        trace.register(IS_TAKER, row, taker)
        trace.register("other", row, taker_party[0])
        trace.register(OTHER_LIMIT, row, taker_party[1])
    header, base = own[-4:-2]
    trace.header(header, base, own[-4:], message=True)
    trace.wide_port(7, base, limit)
    trace.wide_port(9, base, (2 * buys - 1) * (limit - price))


def _party_amounts(
    trace: ExecutionTrace, own: list[Integers], rate: Integers, buys: Integers, notional: Integers, size: list[Integers]
) -> None:
    """The fee with the ports of its division, and the changes of base, quote and the fee account's balance."""
    header, base, quote, fee_row = own
    parts = limbs_of(notional, AMOUNT_LIMBS)
    fee = fee_of(parts, rate)
    fee_parts = limbs_of(fee, FEE_LIMBS)
    _fee_ports(trace, header, parts, fee_parts, rate)
    for row in own:
        for k, part in enumerate(fee_parts):
            trace.register(f"fee{k}", row, part)
    side = 2 * buys - 1
    padded = [*fee_parts, np.zeros_like(fee)]
    trace.change(base, [side * size[0], side * size[1], 0, 0])
    trace.change(quote, [-side * part - f for part, f in zip(parts, padded, strict=True)])
    trace.change(fee_row, padded)


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
