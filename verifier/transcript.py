"""The Fiat-Shamir transcript (docs/protocol.md, A9): one named method for each step of the protocol."""

import hashlib
from collections.abc import Iterator, Sequence

from circuits.field import EXTENSION_DEGREE, ONE, Extension, P
from verifier.elements import pack_extensions
from verifier.errors import Reason, Rejection
from verifier.params import ARITY, Parameters, Site

PROTOCOL = b"solvent-stark-v1"
NONCE_BYTES = 8


def grinding_holds(state: bytes, bits: int, nonce: bytes) -> bool:
    """Whether SHA-256(state || "grind" || nonce) starts with `bits` zero bits; the prover searches for such a nonce."""
    digest = hashlib.sha256(state + b"grind" + nonce).digest()
    return int.from_bytes(digest, "big") >> (8 * len(digest) - bits) == 0


class Transcript:
    """Absorbs what the prover sends and squeezes the challenges. `state` is the current hash, 32 bytes.

    The methods are to be called in the order in which they stand here; absorb_layer to challenge_fold once a FRI layer.
    """

    def __init__(self) -> None:
        self.state = hashlib.sha256(PROTOCOL).digest()

    def absorb_circuit(self, digest: bytes) -> None:
        """Step 1: the circuit digest."""
        self._absorb("circuit", digest)

    def absorb_parameters(self, parameters: Parameters) -> None:
        """Step 1: the parameters."""
        self._absorb("parameters", parameters.encode())

    def absorb_statement(self, statement: bytes) -> None:
        """Step 1: the encoded statement."""
        self._absorb("statement", statement)

    def absorb_heights(self, log_heights: Sequence[int]) -> None:
        """Step 1: the log heights of the tables in circuit order, 1 byte each."""
        self._absorb("heights", bytes(log_heights))

    def absorb_main(self, root: bytes) -> None:
        """Step 2: the root of the main columns."""
        self._absorb("main", root)

    def challenge_lookup(self) -> tuple[Extension, Extension]:
        """Step 2: beta and gamma of the buses."""
        beta, gamma = self._extensions("lookup", 2)
        return beta, gamma

    def absorb_auxiliary(self, root: bytes) -> None:
        """Step 3: the root of the LogUp columns."""
        self._absorb("auxiliary", root)

    def absorb_terminals(self, terminals: Sequence[Extension]) -> None:
        """Step 3: the masked LogUp terminals in circuit order."""
        self._absorb("terminals", pack_extensions(terminals))

    def challenge_composition(self) -> Extension:
        """Step 3: alpha, whose powers combine the constraints."""
        return self._extensions("composition", 1)[0]

    def absorb_quotient(self, root: bytes) -> None:
        """Step 4: the root of the quotient chunks and the random polynomial."""
        self._absorb("quotient", root)

    def challenge_out_of_domain(self) -> Extension:
        """Step 4: z. Whether it lies in the base field is for the caller to check."""
        return self._extensions("out-of-domain", 1)[0]

    def absorb_openings(self, values: Sequence[Extension]) -> None:
        """Step 5: the opened values in the order of A7."""
        self._absorb("openings", pack_extensions(values))

    def challenge_batch(self, count: int) -> list[Extension]:
        """Step 5: one independent coefficient lambda for each opened value."""
        return self._extensions("batch", count)

    def absorb_layer(self, root: bytes) -> None:
        """Step 6: the root of a FRI layer."""
        self._absorb("layer", root)

    def challenge_fold(self, injects: bool) -> tuple[list[Extension], Extension | None]:
        """Step 6: the ARITY weights that fold the layer, the first of them 1; iota, if the next class is injected."""
        drawn = self._extensions("fold", ARITY if injects else ARITY - 1)
        return [ONE, *drawn[: ARITY - 1]], drawn[-1] if injects else None

    def absorb_final(self, coefficients: Sequence[Extension]) -> None:
        """Step 7: the coefficients of the final polynomial, lowest first."""
        self._absorb("final", pack_extensions(coefficients))

    def query_positions(self, queries: int, log_domain: int) -> list[int]:
        """Step 7: the rows of the tallest domain, of size 2^log_domain, to open; repetitions are possible."""
        words = self._words("query")
        return [next(words) % (1 << log_domain) for _ in range(queries)]

    def check_grinding(self, site: Site, bits: int, nonce: bytes) -> None:
        """Steps 2, 4, 5, 6, 7: require the work and absorb the nonce of 8 bytes. Raises Rejection without the work."""
        if len(nonce) != NONCE_BYTES:
            raise Rejection(Reason.MALFORMED, f"the nonce of site {site} has {len(nonce)} bytes, not {NONCE_BYTES}")
        if not grinding_holds(self.state, bits, nonce):
            raise Rejection(Reason.GRINDING, f"site {site}: nonce {nonce.hex()} does not give {bits} zero bits")
        self._absorb(f"grind {site}", nonce)

    def _absorb(self, label: str, data: bytes) -> None:
        name = label.encode("ascii")
        header = bytes([len(name)]) + name + len(data).to_bytes(8, "big")
        self.state = hashlib.sha256(self.state + header + data).digest()

    def _words(self, label: str) -> Iterator[int]:
        """The words, of 4 bytes, of a squeeze. The state is ratcheted at once: the stream may be left anywhere."""
        name = label.encode("ascii")
        prefix = self.state + b"squeeze" + bytes([len(name)]) + name
        self.state = hashlib.sha256(self.state + b"ratchet" + name).digest()
        return _stream(prefix)

    def _extensions(self, label: str, count: int) -> list[Extension]:
        words = (word & 0x7FFFFFFF for word in self._words(label))
        elements = (word for word in words if word < P)
        coordinates = [[next(elements) for _ in range(EXTENSION_DEGREE)] for _ in range(count)]
        return [(a, b, c, d, e) for a, b, c, d, e in coordinates]


def _stream(prefix: bytes) -> Iterator[int]:
    for counter in range(1 << 32):
        block = hashlib.sha256(prefix + counter.to_bytes(4, "big")).digest()
        for i in range(0, len(block), 4):
            yield int.from_bytes(block[i : i + 4], "big")
