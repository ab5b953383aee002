"""A chain in a directory of its own: one JSON file, which `deposit` and `verify` alone replace, under a lock.

    chain.json           all of a ChainState (amounts in base units)
    chain.lock           empty; held while a command reads, decides and writes
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verifier.chain import Accepted, ChainState, ChainVerifier, Entry, Request
from verifier.files import replacing
from verifier.prices import Oracle, SignatureCheck, no_signatures
from verifier.text import root_from_hex, root_hex

CHAIN_FILE, LOCK_FILE = "chain.json", "chain.lock"
FORMAT, VERSION = "solvent-chain", 1
_RESTORE = "only `deposit` and `verify` may write it; restore it from a copy"


class ChainFileError(Exception):
    """A chain's directory that is missing, damaged or not of this version. `file` says which one."""

    def __init__(self, file: str, problem: str) -> None:
        self.file, self.problem = file, problem
        super().__init__(f"{file}: {problem}")


def create_chain(directory: Path, state: ChainState) -> None:
    """Make the directory of a new chain. Raises ChainFileError if there is one, OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK_FILE).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (directory / CHAIN_FILE).exists():
            raise ChainFileError(str(directory / CHAIN_FILE), "exists already")
        _write(directory, state)


def read_chain(directory: Path) -> ChainState:
    """What the chain remembers, for reading only. Raises ChainFileError."""
    path = directory / CHAIN_FILE
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ChainFileError(str(path), f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ChainFileError(str(path), f"is not JSON: {error}; {_RESTORE}") from error
    try:
        return _decode(_exact(dict, content))
    except KeyError as error:
        raise ChainFileError(str(path), f"is damaged: field {error} is missing; {_RESTORE}") from error
    except (TypeError, ValueError) as error:
        raise ChainFileError(str(path), f"is damaged: {error}; {_RESTORE}") from error


@contextmanager
def open_chain(directory: Path, check_signature: SignatureCheck = no_signatures) -> Iterator[ChainVerifier]:
    """The chain, locked; it is written when the block ends without an exception. Raises ChainFileError, OSError."""
    if not (directory / CHAIN_FILE).exists():
        problem = "does not exist; `solvent init` makes a ledger and its chains"
        raise ChainFileError(str(directory / CHAIN_FILE), problem)
    with (directory / LOCK_FILE).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        verifier = ChainVerifier(read_chain(directory), check_signature)
        yield verifier
        _write(directory, verifier.state)


def _write(directory: Path, state: ChainState) -> None:
    with replacing(directory / CHAIN_FILE) as stream:
        stream.write(json.dumps(_encode(state), separators=(",", ":")).encode() + b"\n")


def _encode(state: ChainState) -> dict[str, Any]:
    return {
        "format": FORMAT, "version": VERSION, "name": state.name, "number": state.number,
        "chains": state.chains, "assets": state.assets, "venue_id": state.venue_id.hex(),
        "circuit_digest": state.circuit_digest.hex(), "parameters": state.parameters,
        "genesis_root": root_hex(state.genesis_root), "consumed": state.consumed,
        "oracle": {
            "keys": [key.hex() for key in state.oracle.keys], "threshold": state.oracle.threshold,
            "drift": state.oracle.drift, "age": state.oracle.age, "replay": state.oracle.replay,
        },
        "deposits": [[entry.account, entry.asset, entry.amount] for entry in state.deposits],
        "payouts": [[entry.account, entry.asset, entry.amount] for entry in state.payouts],
        "accepted": [[accepted.batch, accepted.time, root_hex(accepted.root)] for accepted in state.accepted],
        "caps": state.caps, "suspended": state.suspended,
        "requests": [[request.account, request.batch] for request in state.requests],
    }  # fmt: skip


def _decode(content: dict[str, Any]) -> ChainState:
    if (content.pop("format"), _count(content.pop("version"))) != (FORMAT, VERSION):
        raise ValueError(f"this program reads {FORMAT!r} version {VERSION}")
    state = ChainState(
        name=_exact(str, content.pop("name")),
        **{name: _count(content.pop(name)) for name in ("number", "chains", "assets", "consumed")},
        venue_id=bytes.fromhex(content.pop("venue_id")),
        circuit_digest=bytes.fromhex(content.pop("circuit_digest")),
        parameters=tuple(_exact(str, name) for name in _exact(list, content.pop("parameters"))),
        genesis_root=root_from_hex(content.pop("genesis_root")),
        oracle=_oracle(_exact(dict, content.pop("oracle"))),
        deposits=[_entry(row) for row in _exact(list, content.pop("deposits"))],
        payouts=[_entry(row) for row in _exact(list, content.pop("payouts"))],
        accepted=[_accepted(row) for row in _exact(list, content.pop("accepted"))],
        caps=[_count(cap) for cap in _exact(list, content.pop("caps"))],
        suspended=_exact(bool, content.pop("suspended")),
        requests=[_request(row) for row in _exact(list, content.pop("requests"))],
    )
    if content:
        raise ValueError(f"unknown fields {', '.join(content)}")
    if not state.consumed <= len(state.deposits) or not state.number < state.chains or len(state.caps) != state.assets:
        raise ValueError("its numbers contradict each other")
    for entry in (*state.deposits, *state.payouts):
        if not entry.asset < state.assets or not entry.amount:
            raise ValueError(f"{entry} is no deposit or payout")
    return state


def _oracle(content: dict[str, Any]) -> Oracle:
    oracle = Oracle(
        tuple(bytes.fromhex(key) for key in content.pop("keys")),
        **{name: _count(content.pop(name)) for name in ("threshold", "drift", "age")},
        replay=_exact(bool, content.pop("replay")),
    )
    if content:
        raise ValueError(f"unknown fields {', '.join(content)} of the oracle")
    return oracle


def _entry(row: list[Any]) -> Entry:
    account, asset, amount = map(_count, row)
    return Entry(account, asset, amount)


def _request(row: list[Any]) -> Request:
    account, batch = map(_count, row)
    return Request(account, batch)


def _accepted(row: list[Any]) -> Accepted:
    batch, time, root = row
    return Accepted(_count(batch), _count(time), root_from_hex(root))


def _count(value: Any) -> int:
    """An integer from 0 on of up to 64 bits: sums of them can still be printed."""
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise TypeError(f"{repr(value)[:40]} is not an integer of up to 64 bits from 0 on")
    return value


def _exact(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{repr(value)[:40]} is not of type {kind.__name__}")
    return value
