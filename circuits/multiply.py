"""Multiplication of two-limb integers: the constraints of a schoolbook product with carries."""

from collections.abc import Callable, Sequence

from circuits.bounded import Bounded, unsound_bounded
from circuits.bounds import LIMB
from circuits.expression import Expression

HIGH_CARRY_VALUES = 3  # the middle carry is at most (2 (LIMB-1)^2 + LIMB) / LIMB < 3 LIMB


def multiply(
    equal: Callable[[str, Bounded, Bounded], None], require: Callable[[str, Expression], None], a: Sequence[Bounded],
    b: Sequence[Bounded], product: Sequence[Bounded], low_carry: Bounded, middle_carry: Bounded, high_carry: Expression,
) -> None:
    """Constrain product (four limbs) == a * b (two limbs each) over the integers.

    low_carry and middle_carry are limbs; high_carry, constrained here to 0, 1 or 2, is what the middle carry has above one limb. Every
    difference stays below P (checked by `equal`), so each field equation is an equation of integers, and together they are the product.
    """
    require("high carry is 0, 1 or 2", high_carry * (high_carry - 1) * (high_carry - 2))
    middle = middle_carry + unsound_bounded(high_carry, 0, HIGH_CARRY_VALUES - 1, "constrained above") * LIMB
    equal("limb 0", a[0] * b[0], product[0] + low_carry * LIMB)
    equal("limb 1", a[0] * b[1] + a[1] * b[0] + low_carry, product[1] + middle * LIMB)
    equal("limbs 2 and 3", a[1] * b[1] + middle, product[2] + product[3] * LIMB)
