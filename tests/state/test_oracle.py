"""BLS against published vectors (ethereum/bls12-381-tests, CC0) and against what rogue members try."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from state.errors import ConfigError
from state.oracle import (
    check_possession,
    check_signature,
    prove_possession,
    public_key,
    require_possession,
    sign,
)
from tests.batches import default_venue

SECRETS = [
    0x263DBD792F5B1BE47ED85F8938C0F29586AF0D3AC7B977F21C278FE1462040E3,
    0x47B8192D77BF871B62E87859D653922725724A5C031AFEABC60BCEF5FF665138,
    0x328388AFF0D4A5B7DC9205ABD374E7E98F3CD9F3418EDB4EAFDA5FB16473D216,
]
KEYS = [
    bytes.fromhex(text)
    for text in (
        "a491d1b0ecd9bb917989f0e74f0dea0422eac4a873e5e2644f368dffb9a6e20fd6e10c1b77654d067c0618f6e5a7f79a",
        "b301803f8b5ac4a1133581fc676dfedc60d891dd5fa99028805e5ea5b08d3491af75d0707adab3b70c6a6a580217bf81",
        "b53d21a4cfd562c469cc81514d4ce5a6b577d8403d32a394dc265dd190b47fa9f829fdd7963afdf972e5e77854051f6f",
    )
]
MESSAGE = b"\xab" * 32
SIGNATURE = bytes.fromhex(  # of the first key for 32 zero bytes
    "b6ed936746e01f8ecf281f020953fbf1f01debd5657c4a383940b020b26507f6076334f91e2366c96e9ab279fb515809"
    "0352ea1c5b0c9274504f4f0e7053af24802e51e4568d164fe986834f41e55c8e850ce1f98458c0cfc9ab380b55285a55"
)
AGGREGATE = bytes.fromhex(  # of all three for MESSAGE
    "9712c3edd73a209c742b8250759db12549b3eaf43b5ca61376d9f30e2747dbcf842d8b2ac0901d2a093713e20284a767"
    "0fcf6954e9ab93de991bb9b313e664785a075fc285806fa5224c82bde146561b446ccfc706a64b8579513cfc4ff1d930"
)
ROGUE = bytes.fromhex(
    "988ec139c2df707a510925493b44f450334965bc32edfd17a45fda951629240ea2918459b4b6b060f8f9ae5249d99bc2"
)
INFINITE_SIGNATURE = b"\xc0" + bytes(95)


def test_keys_and_signatures_are_the_published_ones() -> None:
    assert [public_key(secret) for secret in SECRETS] == KEYS
    assert sign(SECRETS[:1], bytes(32)) == SIGNATURE
    assert check_signature(KEYS[:1], bytes(32), SIGNATURE)


def test_the_sum_of_keys_signs_like_all_members() -> None:
    assert sign(SECRETS, MESSAGE) == AGGREGATE
    assert check_signature(KEYS, MESSAGE, AGGREGATE)


@pytest.mark.parametrize(("keys", "message", "signature"), [
    ([*KEYS, KEYS[2]], MESSAGE, AGGREGATE),  # published: an extra key
    (KEYS, MESSAGE, AGGREGATE[:-4] + b"\xff" * 4),  # published: tampered
    (KEYS[:2], MESSAGE, AGGREGATE),
    (KEYS, bytes(32), AGGREGATE),
    ([], MESSAGE, INFINITE_SIGNATURE),
    ([], MESSAGE, bytes(96)),
    (KEYS, MESSAGE, INFINITE_SIGNATURE),
    ([b"\xc0" + bytes(47)], MESSAGE, INFINITE_SIGNATURE),
    ([KEYS[0], b"\xff" * 48], MESSAGE, AGGREGATE),
    ([KEYS[0][:-1]], MESSAGE, AGGREGATE),
    (KEYS, MESSAGE, AGGREGATE[:-1]),
    (KEYS, MESSAGE, b"\xff" * 96),
])  # fmt: skip
def test_what_is_no_signature(keys: list[bytes], message: bytes, signature: bytes) -> None:
    assert not check_signature(keys, message, signature)


def test_a_rogue_key_signs_for_others_and_has_no_proof() -> None:
    """ROGUE is the first key less the second: together with the second it is the first, whose holder then signs for
    both. Only the proof of possession tells."""
    assert check_signature([KEYS[1], ROGUE], bytes(32), SIGNATURE)
    assert not check_possession(ROGUE, prove_possession(SECRETS[0]))


def test_possession_is_proven_for_a_key_and_is_no_signature() -> None:
    proof = prove_possession(SECRETS[0])
    assert check_possession(KEYS[0], proof)
    assert not check_possession(KEYS[1], proof)
    assert not check_possession(KEYS[0], proof[:-1])
    assert not check_signature(KEYS[:1], KEYS[0], proof)
    assert not check_possession(KEYS[0], sign(SECRETS[:1], KEYS[0]))


def test_the_default_venue_is_checked() -> None:
    venue = default_venue()
    require_possession(venue)
    swapped = replace(venue, possession=(venue.possession[0], *venue.possession[:0:-1]))
    with pytest.raises(ConfigError) as caught:
        require_possession(swapped)
    assert caught.value.field == "oracle.member[1].proof"


@pytest.mark.parametrize("secret", [0, -1, 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001])
def test_what_is_no_secret_key(secret: int) -> None:
    with pytest.raises(ValueError, match="order"):
        public_key(secret)


def test_checks_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_signature(KEYS, MESSAGE, AGGREGATE)
    monkeypatch.setattr("state.oracle._call", lambda *arguments: False)
    assert check_signature(list(KEYS), MESSAGE, AGGREGATE)


def test_the_recursion_limit_stays() -> None:
    """With that of py_ecc, 100,000, JSON that nests deeply would overflow the stack."""
    show = "print(sys.getrecursionlimit())"
    command = [sys.executable, "-c", f"import sys, state.oracle; {show}; state.oracle.sign([5], b''); {show}"]
    root = Path(__file__).parents[2]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=True)
    before, after = result.stdout.split()
    assert before == after
