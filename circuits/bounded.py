"""Bounded values: an expression together with the integer interval it is known to lie in.

Field equations say nothing about integers unless both sides are known not to wrap around P. A Bounded carries that
knowledge through +, - and *, and `Table.equal` refuses an equation whose difference could reach P. So an identity over
integers follows from the field equation plus the range checks of the values in it, and from nothing else.
"""

from dataclasses import dataclass

from circuits.expression import Expression, constant


@dataclass(frozen=True)
class Bounded:
    """An expression whose value, read as an integer in (-P/2, P/2), is proven to lie in [low, high]."""

    expression: Expression
    low: int
    high: int

    def __add__(self, other: "Bounded | int") -> "Bounded":
        other = bounded(other)
        return Bounded(self.expression + other.expression, self.low + other.low, self.high + other.high)

    __radd__ = __add__

    def __sub__(self, other: "Bounded | int") -> "Bounded":
        other = bounded(other)
        return Bounded(self.expression - other.expression, self.low - other.high, self.high - other.low)

    def __rsub__(self, other: int) -> "Bounded":
        return bounded(other) - self

    def __mul__(self, other: "Bounded | int") -> "Bounded":
        other = bounded(other)
        corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Bounded(self.expression * other.expression, min(corners), max(corners))

    __rmul__ = __mul__


def bounded(value: "Bounded | int") -> Bounded:
    """An int as the Bounded of that single value; a Bounded as it is."""
    return Bounded(constant(value), value, value) if isinstance(value, int) else value


def unsound_bounded(expression: Expression, low: int, high: int, reason: str) -> Bounded:
    """Claim without a check that the expression lies in [low, high]. The reason must say what else proves it."""
    if not reason.strip():
        raise ValueError("an unchecked bound needs a reason")
    return Bounded(expression, low, high)


def bounded_total(terms: "list[Bounded]") -> Bounded:
    """The sum of the terms; 0 for none."""
    result = bounded(0)
    for term in terms:
        result = result + term
    return result
