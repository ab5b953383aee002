"""BLS12-381 signatures of oracle members: the one place that knows py_ecc (ciphersuite POP of the IETF's BLS draft).

Public keys are points of G1 (48 bytes), signatures points of G2 (96 bytes). A check in Python takes 0.4
seconds, so checks are remembered by their content. py_ecc itself is loaded at the first use: that takes half a second.
"""

import sys
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from state.errors import ConfigError
from state.venue import Venue

_REMEMBERED = 1 << 12  # checks
_RECURSION = 10_000  # py_ecc doubles and adds by recursion, some 700 calls deep
_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001  # of the groups
_SEED_DOMAIN = b"solvent-simulated-oracle-v1"


def check_signature(keys: Sequence[bytes], message: bytes, signature: bytes) -> bool:
    """Whether the holders of all keys signed the message (verifier.prices.SignatureCheck); False for malformed bytes.

    Sound only for keys whose holders proved possession: see check_possession.
    """
    return _check_signature(tuple(keys), message, signature)


@lru_cache(_REMEMBERED)
def check_possession(key: bytes, proof: bytes) -> bool:
    """Whether the proof shows that somebody holds the secret key of this public key; False for malformed bytes."""
    return bool(_call("PopVerify", key, proof))


def require_possession(venue: Venue) -> None:
    """Check every member's proof of possession, without which one member could sign for others. Raises ConfigError."""
    for number, (key, proof) in enumerate(zip(venue.oracle.keys, venue.possession, strict=True)):
        if not check_possession(key, proof):
            problem = "is not a proof that the member holds its secret key; ask the member for a new one"
            raise ConfigError(f"venue {venue.name}", problem, field=f"oracle.member[{number}].proof")


def simulated_secret(seed: str, member: int) -> int:
    """The secret key of a simulated member: whoever knows the seed knows it."""
    return int(_call("KeyGen", sha256(_SEED_DOMAIN + member.to_bytes(4) + seed.encode()).digest()))


def public_key(secret: int) -> bytes:
    """The public key (48 bytes) of a secret one. Raises ValueError for what is no secret key."""
    if not 0 < secret < _ORDER:
        raise ValueError("a secret key is not between 0 and the order of the curve")
    return bytes(_call("SkToPk", secret))


def prove_possession(secret: int) -> bytes:
    """The proof (96 bytes) that check_possession takes."""
    return bytes(_call("PopProve", secret))


def sign(secrets: Sequence[int], message: bytes) -> bytes:
    """The aggregate signature (96 bytes) of the holders of these secret keys.

    Signatures are linear in the key, so the sum of the keys signs at once what members far from each other would sign
    singly and add up.
    """
    return bytes(_call("Sign", sum(secrets) % _ORDER, message))


@lru_cache(_REMEMBERED)
def _check_signature(keys: tuple[bytes, ...], message: bytes, signature: bytes) -> bool:
    return bool(_call("FastAggregateVerify", keys, message, signature))


def _call(name: str, *arguments: Any) -> Any:
    """A function of the ciphersuite.

    Importing py_ecc raises the interpreter's recursion limit, with which a hostile file that nests deeply would
    overflow the stack and end the process instead of being refused. So the limit is put back after each call.
    """
    limit = sys.getrecursionlimit()
    try:
        from py_ecc.bls.ciphersuites import G2ProofOfPossession

        sys.setrecursionlimit(max(limit, _RECURSION))
        return getattr(G2ProofOfPossession, name)(*arguments)
    finally:
        sys.setrecursionlimit(limit)
