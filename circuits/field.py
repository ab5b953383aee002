"""KoalaBear, p = 2^31 - 2^24 + 1, and its quintic extension F_p[x] / (x^5 + x^2 - 1), on plain ints.

A base element is an int in [0, P). An extension element is a tuple of EXTENSION_DEGREE base elements, lowest power
first.
"""

from collections.abc import Iterable, Sequence

P = 2**31 - 2**24 + 1
GENERATOR = 3
TWO_ADICITY = 24
EXTENSION_DEGREE = 5

Extension = tuple[int, int, int, int, int]

ZERO: Extension = (0, 0, 0, 0, 0)
ONE: Extension = (1, 0, 0, 0, 0)


def inverse(a: int) -> int:
    """1 / a mod P; raises ZeroDivisionError for a = 0."""
    if a % P == 0:
        raise ZeroDivisionError("0 has no inverse in KoalaBear")
    return pow(a, P - 2, P)


def root_of_unity(log_order: int) -> int:
    """The generator GENERATOR^((P-1) / 2^log_order) of the subgroup of order 2^log_order; log_order <= TWO_ADICITY."""
    if not 0 <= log_order <= TWO_ADICITY:
        raise ValueError(f"no subgroup of order 2^{log_order}: the two-adicity is {TWO_ADICITY}")
    return pow(GENERATOR, (P - 1) >> log_order, P)


def reverse_bits(value: int, bits: int) -> int:
    """The lowest `bits` bits of value in reverse order."""
    return int(format(value, f"0{bits}b")[::-1], 2) if bits else 0


def embed(a: int) -> Extension:
    """The base element a as an extension element."""
    return (a % P, 0, 0, 0, 0)


def add(a: Extension, b: Extension) -> Extension:
    """a + b."""
    return ((a[0] + b[0]) % P, (a[1] + b[1]) % P, (a[2] + b[2]) % P, (a[3] + b[3]) % P, (a[4] + b[4]) % P)


def sub(a: Extension, b: Extension) -> Extension:
    """a - b."""
    return ((a[0] - b[0]) % P, (a[1] - b[1]) % P, (a[2] - b[2]) % P, (a[3] - b[3]) % P, (a[4] - b[4]) % P)


def neg(a: Extension) -> Extension:
    """-a."""
    return (-a[0] % P, -a[1] % P, -a[2] % P, -a[3] % P, -a[4] % P)


def mul(a: Extension, b: Extension) -> Extension:
    """a * b: schoolbook, reduced with x^5 = 1 - x^2, x^6 = x - x^3, x^7 = x^2 - x^4, x^8 = x^3 + x^2 - 1."""
    a0, a1, a2, a3, a4 = a
    b0, b1, b2, b3, b4 = b
    c5 = a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1
    c6 = a2 * b4 + a3 * b3 + a4 * b2
    c7 = a3 * b4 + a4 * b3
    c8 = a4 * b4
    return (
        (a0 * b0 + c5 - c8) % P,
        (a0 * b1 + a1 * b0 + c6) % P,
        (a0 * b2 + a1 * b1 + a2 * b0 - c5 + c7 + c8) % P,
        (a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 - c6 + c8) % P,
        (a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 - c7) % P,
    )


def scale(a: Extension, c: int) -> Extension:
    """a * c for a base element c."""
    return (a[0] * c % P, a[1] * c % P, a[2] * c % P, a[3] * c % P, a[4] * c % P)


def power(a: Extension, exponent: int) -> Extension:
    """a^exponent for exponent >= 0."""
    result = ONE
    while exponent:
        if exponent & 1:
            result = mul(result, a)
        a = mul(a, a)
        exponent >>= 1
    return result


def _frobenius_images() -> tuple[Extension, ...]:
    """(x^i)^P for i = 0..4."""
    x_to_p = power((0, 1, 0, 0, 0), P)
    images = [ONE]
    for _ in range(EXTENSION_DEGREE - 1):
        images.append(mul(images[-1], x_to_p))
    return tuple(images)


_FROBENIUS = _frobenius_images()


def frobenius(a: Extension) -> Extension:
    """a^P, a linear map over the base field."""
    result = ZERO
    for coefficient, image in zip(a, _FROBENIUS, strict=True):
        result = add(result, scale(image, coefficient))
    return result


def invert(a: Extension) -> Extension:
    """1 / a by Itoh and Tsujii: the product of the other conjugates over the norm. Raises ZeroDivisionError for a =
    0."""
    conjugates, conjugate = ONE, a
    for _ in range(EXTENSION_DEGREE - 1):
        conjugate = frobenius(conjugate)
        conjugates = mul(conjugates, conjugate)
    norm = mul(a, conjugates)[0]
    return scale(conjugates, inverse(norm))


def batch_invert(values: Sequence[Extension]) -> list[Extension]:
    """The inverses of all values with one inversion (Montgomery's trick). Raises ZeroDivisionError if any is 0."""
    prefixes = [ONE]
    for value in values:
        prefixes.append(mul(prefixes[-1], value))
    running = invert(prefixes[-1])
    inverses = []
    for value, prefix in zip(reversed(values), reversed(prefixes[:-1]), strict=True):
        inverses.append(mul(running, prefix))
        running = mul(running, value)
    return inverses[::-1]


def horner(coefficients: Iterable[Extension], x: Extension) -> Extension:
    """The polynomial with these coefficients, lowest power first, at x."""
    result = ZERO
    for coefficient in reversed(list(coefficients)):
        result = add(mul(result, x), coefficient)
    return result
