"""Forgeries of conversions whose price or lots have a limb that is out of range, so that products go round mod P."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from circuits.bounds import AMOUNT_LIMBS, LIMB, LIMB_BITS
from circuits.field import P
from circuits.steps import Kind, Step
from circuits.transitions import convert as layout
from prover.traces.columns import limbs_of
from tests.mutation.execution_conversions import HALF, LOT, MARK, giving
from tests.mutation.execution_takeovers import at
from tests.mutation.matching import one
from tests.mutation.script import Script, ScriptedTrace, inverse
from tests.mutation.standing import convert

QUOTE, ETHER, DEEP = -30_000_000_000_000_000, 10_000_000_000_000, 35_000_000_000_000_000
SHORTFALL = -QUOTE - 100 * 6_180_030
DISCOUNT = 50
LOW_MARK, HIGH_MARK = MARK % LIMB, MARK // LIMB
Pair = tuple[int, int]


@dataclass(frozen=True)
class Loose:
    """What follows from limbs of price and lots, in range or not; `fits` says whether all else is in range."""

    price: Pair
    lots: Pair

    @property
    def units(self) -> int:
        """What the account gives: both halves as the equations of units have them."""
        return self.low_units % LIMB + (self.high_units << LIMB_BITS)

    @property
    def low_units(self) -> int:
        return self.lots[0] * LOT % P

    @property
    def high_units(self) -> int:
        return (self.lots[1] * LOT + (self.low_units >> LIMB_BITS)) % P

    @property
    def parts(self) -> tuple[int, int, int]:
        """The product's low, middle and high sums, each with the carry from below."""
        (a0, a1), (b0, b1) = self.price, self.lots
        low = a0 * b0 % P
        middle = (a0 * b1 + a1 * b0 + (low >> LIMB_BITS)) % P
        return low, middle, (a1 * b1 + (middle >> LIMB_BITS)) % P

    @property
    def amount(self) -> int:
        """What is paid."""
        low, middle, high = self.parts
        return low % LIMB + (middle % LIMB << LIMB_BITS) + (high << 2 * LIMB_BITS)

    @property
    def below(self) -> int:
        """How far the price is below the mark."""
        return (MARK - self.price[0] - self.price[1] * LIMB) % P

    @property
    def above(self) -> Pair:
        """How far it is within the discount: the low sum with its carry's offset, and the high one."""
        low = (DISCOUNT * self.price[0] - (DISCOUNT - 1) * LOW_MARK + layout.ABOVE_CARRY_OFFSET * LIMB) % P
        carry = (low >> LIMB_BITS) - layout.ABOVE_CARRY_OFFSET
        return low, (DISCOUNT * self.price[1] - (DISCOUNT - 1) * HIGH_MARK + carry) % P

    @property
    def left(self) -> Pair:
        """What is still owed, less a lot: the low half, signed, and the high one with the carry from below."""
        low = SHORTFALL % HALF - self.amount % HALF + MARK - self.below - 1
        return low, SHORTFALL // HALF - self.amount // HALF + (low >> 2 * LIMB_BITS)

    @property
    def fits(self) -> bool:
        """Whether only the limb itself is out of range."""
        (low, middle, high), (above, beyond), left = self.parts, self.above, self.left
        halves = (self.low_units, self.high_units, low, high, self.below, above)
        bounded = all(value < HALF for value in halves) and middle < 3 * HALF and beyond < LIMB
        return bounded and abs(left[0] >> 2 * LIMB_BITS) < 2 and 0 <= left[1] < HALF and self.units < ETHER

    def amend(self, trace: ScriptedTrace) -> None:
        """Amend: registers and ports are these."""
        market, worth = trace.at(Step.CONVERT_MARKET), trace.at(Step.CONVERT_WORTH)
        for names, pair, row, number in (
            (layout.PRICE, self.price, market, layout.PRICE_PORT), (layout.LOTS, self.lots, worth, layout.LOTS_PORT),
        ):  # fmt: skip
            trace.registers(Kind.CONVERT, **dict(zip(names, pair, strict=True)))
            for k, limb in enumerate(pair):
                trace.port(number + k, row, one(limb % LIMB))
        low, middle, _ = self.parts
        above, beyond = self.above
        trace.wide_port(layout.BELOW_PORT, market, one(self.below))
        trace.wide_port(layout.UNITS_PORT + 1, market, one(self.high_units))
        for row, number, value in (
            (market, layout.ABOVE_PORT, above % LIMB), (market, layout.ABOVE_PORT + 1, beyond),
            (market, layout.ABOVE_CARRY_PORT, above >> LIMB_BITS), (market, layout.UNITS_PORT, self.low_units % LIMB),
            (market, layout.UNITS_CARRY_PORT, self.low_units >> LIMB_BITS),
            (worth, layout.NOTIONAL_CARRY_PORT, low >> LIMB_BITS),
            (worth, layout.NOTIONAL_CARRY_PORT + 1, middle // LIMB % LIMB),
        ):  # fmt: skip
            trace.port(number, row, one(value))
        trace.columns["scratch"][worth] = middle // HALF
        trace.columns["scratch"][market] = inverse(sum(self.lots))
        giving(self.units)(trace)
        self._pay(trace)

    def _pay(self, trace: ScriptedTrace) -> None:
        rows, parts = trace.rows(Kind.CONVERT), limbs_of(one(self.amount), AMOUNT_LIMBS)
        trace.amount(Kind.CONVERT, one(self.amount))
        for k, part in enumerate(parts):
            trace.port(layout.NOTIONAL_PORT + k, rows[2], part)
        for row, sign in ((rows[5], 1), (rows[6], -1)):
            trace.change(row, [sign * part for part in parts])
        low, high = self.left
        trace.register(layout.BORROW, rows[2], low >> 2 * LIMB_BITS)
        trace.wide_port(layout.LEFT_PORT, rows[2], one(low))
        trace.wide_port(layout.LEFT_PORT + 2, rows[2], one(high))


def of_lots(k: int) -> Iterator[Loose]:
    """Lots of which limb k is so many units, divided by those of a lot mod P."""
    for units in range(1, HALF):
        limb = units * inverse(LOT) % P
        yield Loose((265_000 % LIMB, 265_000 // LIMB), (0, limb) if k else (limb, 0))


def of_low_price() -> Iterator[Loose]:
    """Prices of which limb 0 is a small number divided by the discount mod P."""
    for number in range(0, HALF, 997):
        limb = (number + (DISCOUNT - 1) * LOW_MARK - DISCOUNT * LIMB) * inverse(DISCOUNT) % P
        for lots in range(1, 30):
            yield Loose((limb, HIGH_MARK), (lots, 0))


def of_high_price() -> Iterator[Loose]:
    """The same of limb 1."""
    for number in range(LIMB):
        limb = (number + (DISCOUNT - 1) * HIGH_MARK) * inverse(DISCOUNT) % P
        for lots in range(1, 30):
            yield Loose((LOW_MARK, limb), (lots, 0))


def forged(candidates: Callable[[], Iterator[Loose]]) -> Script:
    """A conversion by the first of the candidates that fits and is out of range."""
    found = next(one for one in candidates() if max(*one.price, *one.lots) >= LIMB and one.fits)
    ledger = at(quote=QUOTE, eth=ETHER, fund_quote=DEEP)
    act = partial(convert, units=found.units, amount=found.amount)
    return Script(act, amend=found.amend, ledger=ledger)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return {
        "convert_market: price limb 0 in range": partial(forged, of_low_price),
        "convert_market: price limb 1 in range": partial(forged, of_high_price),
        "convert_worth: lots limb 0 in range": partial(forged, partial(of_lots, 0)),
        "convert_worth: lots limb 1 in range": partial(forged, partial(of_lots, 1)),
    }
