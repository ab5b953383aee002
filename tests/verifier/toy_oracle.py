"""An oracle whose signatures are hashes: as good as BLS for all but forgery, and quick."""

from collections.abc import Iterable, Sequence
from hashlib import sha512

from verifier.prices import KEY_SIZE, SIGNATURE_SIZE, Bundle, price_message

KEYS = tuple(bytes([member]) * KEY_SIZE for member in range(1, 5))


def toy_signature(keys: Sequence[bytes], message: bytes) -> bytes:
    """96 bytes that depend on all keys and the whole message."""
    return (sha512(b"".join(keys) + message).digest() * 2)[:SIGNATURE_SIZE]


def toy_check(keys: Sequence[bytes], message: bytes, signature: bytes) -> bool:
    """A verifier.prices.SignatureCheck."""
    return signature == toy_signature(keys, message)


def toy_bundle(
    venue_id: bytes, time: int, prices: Iterable[tuple[int, int]], members: Sequence[int] = (0, 1, 2)
) -> Bundle:
    """A bundle that these members of KEYS signed."""
    content = tuple(prices)
    signature = toy_signature([KEYS[member] for member in members], price_message(venue_id, time, content))
    return Bundle(time, content, sum(1 << member for member in members), signature)
