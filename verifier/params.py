"""The parameters of the proof system (docs/protocol.md, A2): chosen by the verifier, never read from a proof."""

from dataclasses import dataclass
from enum import StrEnum

from circuits.air import MAX_LOG_HEIGHT, MIN_LOG_HEIGHT
from circuits.field import EXTENSION_DEGREE, TWO_ADICITY

LOG_ARITY = 3  # FRI folds 2^LOG_ARITY values to one
ARITY = 1 << LOG_ARITY
LOG_FINAL = 8  # the final polynomial has at most 2^LOG_FINAL coefficients
CHUNKS = 4  # of the quotient: constraints have degree <= 4
MAX_GRINDING_BITS = 64  # of a nonce of 8 bytes


class Site(StrEnum):
    """Where the prover grinds, in transcript order."""

    LOOKUP = "lookup"
    OUT_OF_DOMAIN = "out-of-domain"
    BATCH = "batch"
    FOLD = "fold"
    QUERY = "query"


@dataclass(frozen=True)
class Parameters:
    """One parameter set; grinding_bits are in the order of Site. Raises ValueError for a set that cannot work."""

    name: str
    log_blowup: int
    queries: int
    grinding_bits: tuple[int, int, int, int, int]

    def __post_init__(self) -> None:
        if not self.name.isascii() or not 0 < len(self.name) < 256:
            raise ValueError(f"the name {self.name!r} must be 1 to 255 ASCII characters")
        if len(self.grinding_bits) != len(Site):
            raise ValueError(f"grinding bits {self.grinding_bits} are not {len(Site)}, one for each site")
        if any(type(number) is not int for number in (self.log_blowup, self.queries, *self.grinding_bits)):
            raise ValueError(f"{self.log_blowup}, {self.queries} and {self.grinding_bits} must be integers")
        if not 1 <= self.log_blowup <= TWO_ADICITY - MAX_LOG_HEIGHT:
            raise ValueError(f"log_blowup {self.log_blowup} is not in 1 .. {TWO_ADICITY - MAX_LOG_HEIGHT}")
        if self.queries < 1:
            raise ValueError(f"{self.queries} queries check nothing")
        if any(not 0 <= bits <= MAX_GRINDING_BITS for bits in self.grinding_bits):
            raise ValueError(f"grinding bits {self.grinding_bits} are not all in 0 .. {MAX_GRINDING_BITS}")
        # The quotient, of degree < 3n + R, must fit CHUNKS chunks of n - B coefficients in the smallest table.
        if self.random_rows + CHUNKS * self.blinding > 1 << MIN_LOG_HEIGHT:
            raise ValueError(f"{self.queries} queries leave no room in a table of height 2^{MIN_LOG_HEIGHT}")

    @property
    def random_rows(self) -> int:
        """R: a column is opened at `queries` domain points and two out-of-domain points; row N holds a mask or total.

        Twice the queries, because the quotient's chunks at x depend on points that are not opened: the running sum at
        g x must still be random then (docs/security.md).
        """
        return 2 * self.queries + 2 * EXTENSION_DEGREE + 1

    @property
    def blinding(self) -> int:
        """B: random coefficients of a quotient chunk, opened at `queries` domain points and one out-of-domain point."""
        return self.queries + EXTENSION_DEGREE + 1

    def bits(self, site: Site) -> int:
        """The grinding bits at a site."""
        return self.grinding_bits[list(Site).index(site)]

    def encode(self) -> bytes:
        """For the transcript: 1 byte length of the name, the name, then 4 bytes each: log_blowup, queries, LOG_ARITY,
        LOG_FINAL and the grinding bits in the order of Site."""
        numbers = (self.log_blowup, self.queries, LOG_ARITY, LOG_FINAL, *self.grinding_bits)
        return bytes([len(self.name)]) + self.name.encode("ascii") + b"".join(n.to_bytes(4, "big") for n in numbers)


STANDARD = Parameters("standard", log_blowup=2, queries=116, grinding_bits=(8, 8, 20, 20, 20))
COMPACT = Parameters("compact", log_blowup=4, queries=58, grinding_bits=(8, 8, 20, 20, 20))
PARAMETERS = {parameters.name: parameters for parameters in (STANDARD, COMPACT)}
