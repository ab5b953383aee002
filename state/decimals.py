"""Decimal strings to exact integers and back; nothing is rounded but by the function whose name says so."""

import re
from fractions import Fraction

DECIMAL_PATTERN = r"(0|[1-9][0-9]{0,27})(\.[0-9]{1,18})?"
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,27})(?:\.([0-9]{1,18}))?", re.ASCII)


class DecimalError(ValueError):
    """A text that is no plain decimal number, or one that is not a whole number of units."""


def scale_exactly(text: str, scale: Fraction | int) -> int:
    """text * scale as an integer. Raises DecimalError if text is not like 12 or 12.34, or the product not whole."""
    units, exact = scale_down(text, scale)
    if not exact:
        raise DecimalError(f"{text} is not a multiple of {format_decimal(Fraction(1) / scale)}")
    return units


def scale_down(text: str, scale: Fraction | int) -> tuple[int, bool]:
    """text * scale rounded down, and whether that is exact. Raises DecimalError if text is not like 12 or 12.34."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise DecimalError(f"{text[:40]!r} is not a plain decimal number such as 12 or 12.345")
    decimals = match[2] or ""
    numerator: int = int(match[1] + decimals) * scale.numerator
    denominator: int = scale.denominator * 10 ** len(decimals)
    units, rest = divmod(numerator, denominator)
    return units, rest == 0


def parse_decimal(text: str) -> Fraction:
    """The exact value of a plain decimal number. Raises DecimalError."""
    return Fraction(scale_exactly(text, 10**18), 10**18)


def is_terminating(value: Fraction) -> bool:
    """Whether the value has finitely many decimals."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def format_decimal(value: Fraction) -> str:
    """The shortest exact decimal number, or numerator/denominator if there is none."""
    if not is_terminating(value):
        return str(value)
    places = 0
    while value.denominator != 1 and (value * 10**places).denominator != 1:
        places += 1
    digits = f"{abs((value * 10**places).numerator):0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if value < 0 else text
