"""The proven security of a proof: one error term for each step of the protocol, in two regimes.

The account is round by round (Block, Garreta, Tiwari, Zajac, eprint 2024/1553): a forger wins a round with probability
at most its error, grinding multiplies the cost of every attempt, and the weakest term decides. Both regimes stand on
Ben-Sasson, Carmon, Haboeck, Kopparty, Saraf, eprint 2025/2055. Below, k = 2^H, n = k * 2^b, rho = 2^-b and q = |F|.

- Agreement. Whatever passes the queries agrees with codewords on one set S of at least a share `agreement` of the
  tallest domain: each fold and the batch carry S back to their parts (mutual correlated agreement). Queries miss S with
  probability at most agreement^queries.
- One list. The map x -> x^8 pulls the columns of every class back to words of rate rho on the tallest domain, so all
  columns of all tables and rounds are ONE interleaved word. Its codewords that agree on such an S are at most
  `list_size`, by the Johnson bound, which does not see how wide a word is. Columns are only known to have degree <= k,
  not < k, for the quotients by X - z are tested for degree < k: two of them still share at most k = rho n places, which
  is all that the bound uses. A lucky challenge for ANY member of the list wins, so the list size multiplies the errors
  of lookup, composition and out-of-domain point, and not those of batch, folds and queries.
- Lines. `exceptions(log_degree)` bounds the challenges r for which u + r v agrees on a large set where u or v does not.
  Combinations u_0 + r_1 u_1 + ... + r_l u_l with independent coefficients lose nothing against lines: r uniform is
  r' + t s with r', t, s uniform, and if u_0 .. u_l do not all agree on S, then sum s_i u_i does not, but for 1/q of s.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from circuits.air import MAX_LOG_HEIGHT, MIN_LOG_HEIGHT, Circuit
from circuits.field import EXTENSION_DEGREE, P
from circuits.records import DIGEST_SIZE
from verifier.buses import MAX_MESSAGES
from verifier.errors import Reason, Rejection
from verifier.merkle import DIGEST_BYTES, SALT_BYTES
from verifier.params import CHUNKS, LOG_ARITY, Parameters, Site
from verifier.shape import Shape, shape_of

FLOOR = 128.0  # bits that a verifier demands of every term
FIELD_BITS = EXTENSION_DEGREE * math.log2(P)  # of a challenge
STATE_DIGEST_BITS = DIGEST_SIZE * math.log2(P) / 2  # against collisions: the state tree, not the proof
SALT_BITS = 8 * SALT_BYTES  # against guessing what a leaf hides: zero knowledge, not soundness
MULTIPLICITIES = range(3, 1000)  # eprint 2025/2055 asks for 3; beyond 1000 agreement gains nothing


class Regime(Protocol):
    """How far from the code a word may be, and what is known of it there."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def agreement(self) -> float:
        """The share of places at which a word must agree with a codeword to count as close."""
        ...

    @property
    def list_size(self) -> float:
        """At most so many codewords are close to one word."""
        ...

    @property
    def source(self) -> str:
        """The formula of `exceptions`, e(n), and where it is proven."""
        ...

    def exceptions(self, log_degree: int) -> float:
        """How many challenges may make a line close on a set where its two words are not, for degree < 2^log_degree."""
        ...


@dataclass(frozen=True)
class UniqueDecoding:
    """Up to half the minimum distance. rate: 2^-b."""

    rate: float
    name: str = "unique decoding"
    list_size: float = 1.0
    source: str = "e(n) = (1 - agreement) n + 1: eprint 2025/2055, Corollary 1.4"

    @property
    def agreement(self) -> float:
        """See Regime."""
        return (1 + self.rate) / 2

    def exceptions(self, log_degree: int) -> float:
        """See Regime.

        The corollary states correlated agreement. Mutual agreement follows: the one close codeword of u + r v is then
        that of the pair, and each of the (1 - agreement) n places where the pair fails is healed by at most one r.
        """
        return (1 - self.agreement) * (1 << log_degree) / self.rate + 1


@dataclass(frozen=True)
class Johnson:
    """Up to a distance of 1 - sqrt(rho) (1 + 1/m), with multiplicity m of the interpolation. rate: 2^-b.

    That is Theorem 4.6 of eprint 2025/2055 as printed. The interpolation needs only 1/(2m) in place of 1/m, which
    Theorem 1.5 prints and the soundcalc project takes; it would prove about 2 bits more. We count on the stricter form.
    """

    rate: float
    multiplicity: int
    name: str = "Johnson bound"
    source: str = "e(n) = (2 M^5 + 3 M (1 - a) r) n / (3 r^1.5) + M / r^0.5, M = m + 1/2: eprint 2025/2055, Theorem 4.6"

    @property
    def agreement(self) -> float:
        """See Regime."""
        return math.sqrt(self.rate) * (1 + 1 / self.multiplicity)

    @property
    def list_size(self) -> float:
        """See Regime: (a - rho) / (a^2 - rho) for the agreement a, and so below (m + 1/2) / sqrt(rho)."""
        return (self.multiplicity + 0.5) / math.sqrt(self.rate)

    def exceptions(self, log_degree: int) -> float:
        """See Regime; the theorem's rate r is (dimension - 1) / n."""
        m = self.multiplicity + 0.5
        size = (1 << log_degree) / self.rate
        rho = ((1 << log_degree) - 1) / size
        per_place = (2 * m**5 + 3 * m * (1 - self.agreement) * rho) / (3 * rho**1.5)
        return float(per_place * size + m / math.sqrt(rho))


@dataclass(frozen=True)
class Sizes:
    """What the errors depend on besides the parameters."""

    log_tallest: int  # H
    constraints: int  # powers of alpha
    fingerprint_degree: int  # of all LogUp denominators together, in beta and gamma
    folded: tuple[int, ...]  # the log degree bound after each FRI fold


@dataclass(frozen=True)
class Term:
    """One way to cheat: which challenge must be lucky, and how unlikely that is."""

    name: str
    challenge: str  # the method of Transcript that draws it; "" for the hash
    site: Site | None  # where grinding makes every draw cost
    before: float  # bits without grinding, >= 0
    grinding: int  # bits
    formula: str
    source: str

    @property
    def bits(self) -> float:
        """Proven bits."""
        return self.before + self.grinding


@dataclass(frozen=True)
class Analysis:
    """All terms in one regime, in transcript order."""

    regime: Regime
    terms: tuple[Term, ...]

    @property
    def weakest(self) -> Term:
        """The term with the fewest bits; of equals the first."""
        return min(self.terms, key=lambda term: term.bits)


@dataclass(frozen=True)
class Security:
    """Of proofs with these parameters and sizes, in both regimes; either holds by itself, so the better one counts."""

    unique_decoding: Analysis
    johnson: Analysis

    @property
    def best(self) -> Analysis:
        """The regime that proves more."""
        return max(self.unique_decoding, self.johnson, key=lambda analysis: analysis.weakest.bits)


def sizes_of(shape: Shape) -> Sizes:
    """The sizes of proofs of this shape."""
    messages = MAX_MESSAGES * max(i.bus.length for table in shape.tables for i in table.table.interactions)
    fractions = sum(table.height * sum(i.bus.length for i in table.table.interactions) for table in shape.tables)
    folded = tuple(shape.layer_class(layer + 1) for layer in range(shape.layers))
    return Sizes(shape.log_tallest, shape.constraint_count, fractions + messages, folded)


def security(circuit: Circuit, parameters: Parameters, log_height: int = MAX_LOG_HEIGHT) -> Security:
    """Of all proofs whose tables have heights up to 2^log_height. Raises Rejection for a height out of bounds."""
    log_heights = [min(log_height, table.max_log_height) for table in circuit.tables]
    return assess(sizes_of(shape_of(circuit, parameters, log_heights)), parameters)


def check_floor(shape: Shape, floor: float) -> None:
    """Raises Rejection if a proof of this shape has a term of fewer than `floor` proven bits."""
    term = assess(sizes_of(shape), shape.parameters).best.weakest
    if term.bits < floor:
        detail = f"{shape.parameters.name} proves {term.bits:.2f} bits at height 2^{shape.log_tallest} ({term.name})"
        raise Rejection(Reason.PARAMETERS, f"{detail}, the floor is {floor:g}")


@cache
def assess(sizes: Sizes, parameters: Parameters) -> Security:
    """The terms in both regimes, with the multiplicity that makes the weakest term strongest."""
    rate = 2.0**-parameters.log_blowup
    unique_decoding, johnson = UniqueDecoding(rate), _best_multiplicity(sizes, parameters, rate)
    return Security(analyse(sizes, parameters, unique_decoding), analyse(sizes, parameters, johnson))


def analyse(sizes: Sizes, parameters: Parameters, regime: Regime) -> Analysis:
    """The terms in one regime."""
    return Analysis(regime, (*protocol_terms(sizes, parameters, regime), _hash_term()))


def _best_multiplicity(sizes: Sizes, parameters: Parameters, rate: float) -> Johnson:
    """Queries gain with m and all other terms lose: the weakest term rises until they cross, and falls from there."""

    def weakest(regime: Johnson) -> float:
        return min(term.bits for term in protocol_terms(sizes, parameters, regime))

    def at_the_top(multiplicity: int) -> bool:
        return weakest(Johnson(rate, multiplicity + 1)) <= weakest(Johnson(rate, multiplicity))

    found = bisect_left(MULTIPLICITIES, True, key=at_the_top)
    return Johnson(rate, MULTIPLICITIES[min(found, len(MULTIPLICITIES) - 1)])


def protocol_terms(sizes: Sizes, parameters: Parameters, regime: Regime) -> Iterator[Term]:
    """A term for each challenge, in transcript order; sums within a round, for one draw serves all its parts."""

    def term(name: str, challenge: str, site: Site | None, bits: float, formula: str, source: str) -> Term:
        grinding = 0 if site is None else parameters.bits(site)
        return Term(name, challenge, site, max(0.0, bits), grinding, formula, source)

    log_list = math.log2(regime.list_size)
    # Besides the numerator of the sum of all fractions, no denominator may vanish: its row would be unconstrained.
    yield term(
        "lookup", "challenge_lookup", Site.LOOKUP, FIELD_BITS - log_list - math.log2(2 * sizes.fingerprint_degree),
        "L * 2 * (sum over all fractions of the length of their message) / q",
        "Schwartz-Zippel in (beta, gamma) for numerator and denominators; LogUp: eprint 2022/1530",
    )  # fmt: skip
    yield term(
        "composition", "challenge_composition", None, FIELD_BITS - log_list - math.log2(sizes.constraints - 1),
        "L * (constraints - 1) / q", "powers of alpha (ALI): eprint 2022/1216, Theorem 8",
    )  # fmt: skip
    # Selectors and quotients included: both sides times X^k - 1 have degree <= (CHUNKS + 1) k for columns of degree k.
    yield term(
        "out-of-domain", "challenge_out_of_domain", Site.OUT_OF_DOMAIN,
        FIELD_BITS - log_list - math.log2((CHUNKS + 1) * 2**sizes.log_tallest),
        f"L * {CHUNKS + 1} k / q", "Schwartz-Zippel at z (DEEP): eprint 2022/1216, Theorem 8",
    )  # fmt: skip
    # Charged for every class that could have tables, whatever the heights below H.
    classes = range(sizes.log_tallest, MIN_LOG_HEIGHT - 1, -LOG_ARITY)
    yield term(
        "batch", "challenge_batch", Site.BATCH, FIELD_BITS - math.log2(sum(map(regime.exceptions, classes))),
        "sum over classes of e(n) / q, independent coefficients", regime.source,
    )  # fmt: skip
    for layer, log_degree in enumerate(sizes.folded):
        yield term(
            f"fold {layer}", "challenge_fold", Site.FOLD, FIELD_BITS - math.log2(regime.exceptions(log_degree)),
            "e(n folded) / q, independent weights and iota", regime.source,
        )  # fmt: skip
    yield term(
        "query", "query_positions", Site.QUERY, -parameters.queries * math.log2(regime.agreement),
        "agreement^queries", "positions are independent and uniform: eprint 2024/1553",
    )  # fmt: skip


def _hash_term() -> Term:
    source = "collisions of SHA-256, in trees and transcript"
    return Term("Merkle hash", "", None, 8 * DIGEST_BYTES / 2, 0, "2^-(digest bits / 2)", source)
