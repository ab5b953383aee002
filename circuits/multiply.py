"""Multiplication of two-limb integers: the constraints of a schoolbook product with carries."""

from collections.abc import Sequence

from circuits.air import Table
from circuits.bounded import Bounded, unsound_bounded
from circuits.bounds import LIMB
from circuits.expression import Expression

HIGH_CARRY_MAX = 2  # the middle carry is at most (2 (LIMB - 1)^2 + LIMB) / LIMB < 3 LIMB


def multiply(
    table: Table,
    name: str,
    selector: Expression,
    factors: tuple[Sequence[Bounded], Sequence[Bounded]],
    product: Sequence[Bounded],
    carries: Sequence[Bounded],
    high_carry: Expression,
) -> None:
    """Where selector is not 0, product (four limbs) is the product of the factors (two limbs each) over the integers.

    carries: of the low and of the middle position, a limb each; high_carry, constrained here to 0, 1 or 2, is what the
    middle carry has above one limb. Every difference stays below P (`equal` checks it), so each field equation is one
    of integers, and together they are the product.
    """
    a, b = factors
    range_check = high_carry * (high_carry - 1) * (high_carry - HIGH_CARRY_MAX)
    table.constrain(f"{name}, high carry is 0, 1 or 2", selector * range_check)
    low = carries[0]
    middle = carries[1] + unsound_bounded(high_carry, 0, HIGH_CARRY_MAX, "constrained above") * LIMB
    table.equal(f"{name}, limb 0", a[0] * b[0], product[0] + low * LIMB, selector)
    table.equal(f"{name}, limb 1", a[0] * b[1] + a[1] * b[0] + low, product[1] + middle * LIMB, selector)
    table.equal(f"{name}, limbs 2 and 3", a[1] * b[1] + middle, product[2] + product[3] * LIMB, selector)
