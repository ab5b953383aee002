"""A ledger in a directory: the venue file, the present leaves, and an undo log for each batch.

    venue.toml           the venue's file, as it was given
    ledger.state         which root, and every leaf with its salt (private)
    history/ROOT.undo    how to get from that root to the one before it (private)

Undo logs are named by their root and never change, and ledger.state is replaced last: whatever interrupts a save, the
directory holds the old ledger or the new one.
"""

import struct
import sys
from array import array
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from circuits.bounds import TREE_DEPTH
from circuits.field import P
from circuits.records import DIGEST_SIZE, RECORD_SIZE, SALT_SIZE
from circuits.statement import VENUE_ID_SIZE
from state.errors import LedgerFileError
from state.ledger import Ledger
from state.memory import DepositQueue
from state.store import Hasher, RandomElements, Root, Store, Undo, secret_elements, unpack_leaves
from state.venue import Venue, load_venue
from verifier.files import PRIVATE, replacing
from verifier.text import root_hex

VENUE_FILE, STATE_FILE, HISTORY = "venue.toml", "ledger.state", "history"
STATE_MAGIC, UNDO_MAGIC = b"SOLVLED\x01", b"SOLVUND\x01"  # name and version
_FOREIGN_VENUE = f"belongs to another venue than {VENUE_FILE}, which must not change after `solvent init`"
_ENTRY_WORDS = 1 + RECORD_SIZE + SALT_SIZE
_ENTRY_BYTES = 4 * _ENTRY_WORDS
_STATE_HEADER = struct.Struct(f">8s{VENUE_ID_SIZE}s{DIGEST_SIZE}IQ")  # magic, venue id, root, batches in the history
_UNDO_HEADER = struct.Struct(f">8s{DIGEST_SIZE}I")  # magic, the root before


def save(ledger: Ledger, directory: Path, replaces: Root | None = None) -> None:
    """Write the ledger; new files are private (0600) but for the venue's.

    replaces: the root that the directory must still hold, so that two writers cannot overwrite each other.
    Raises LedgerFileError if it does not, BatchStateError inside a batch, OSError.
    """
    ledger.require_closed()
    if replaces is not None and (found := saved_root(directory)) != replaces:
        problem = f"holds root {root_hex(found)}, not {root_hex(replaces)}: another program moved it; load it again"
        raise LedgerFileError(str(directory / STATE_FILE), problem)
    history = directory / HISTORY
    history.mkdir(parents=True, exist_ok=True)
    _save_venue(ledger.venue, directory)
    store = ledger.store
    names = set()
    for undo, after in zip(store.history, store.roots()[1:], strict=True):
        path = _undo_path(directory, after)
        names.add(path.name)
        if not path.exists():
            _write(path, _UNDO_HEADER.pack(UNDO_MAGIC, *undo.root), [undo.entries])
    header = _STATE_HEADER.pack(STATE_MAGIC, ledger.venue.id, *ledger.root, len(store.history))
    _write(directory / STATE_FILE, header, (store.packed(index).tobytes() for index in sorted(store.leaves)))
    for path in history.glob("*.undo"):
        if path.name not in names:
            path.unlink()


def load(
    directory: Path,
    hasher: Hasher,
    random_elements: RandomElements = secret_elements,
    queue: DepositQueue | None = None,
) -> Ledger:
    """The ledger saved there; its tree is rebuilt and compared with its root. Raises LedgerFileError, ConfigError."""
    venue, path = load_venue(directory / VENUE_FILE), directory / STATE_FILE
    (_, venue_id, *root, batches), entries = _read(path, _STATE_HEADER, STATE_MAGIC)
    if venue_id != venue.id:
        raise LedgerFileError(str(path), _FOREIGN_VENUE)
    store = Store(hasher, random_elements)
    store.load(unpack_leaves(entries))
    if store.root != tuple(root) or len(store.leaves) * _ENTRY_BYTES != len(entries):  # an empty leaf is not stored
        raise LedgerFileError(str(path), "is damaged: its leaves do not hash to its root")
    store.history = _load_history(directory, store.root, batches)
    return Ledger(venue, store, queue)


def saved_root(directory: Path) -> Root:
    """The root of the ledger saved there. Raises LedgerFileError."""
    (_, _, *root, _), _ = _read(directory / STATE_FILE, _STATE_HEADER, STATE_MAGIC)
    return tuple(root)


def _save_venue(venue: Venue, directory: Path) -> None:
    path = directory / VENUE_FILE
    if not path.exists():
        with replacing(path) as stream:
            stream.write(venue.source.encode())
    elif load_venue(path).id != venue.id:
        raise LedgerFileError(str(path), "is the venue of another ledger; save into a new directory")


def _load_history(directory: Path, root: Root, batches: int) -> list[Undo]:
    history: list[Undo] = []
    roots = {root}
    for _ in range(batches):
        (_, *before), entries = _read(_undo_path(directory, root), _UNDO_HEADER, UNDO_MAGIC)
        if tuple(before) in roots:  # else a history could go round without end
            raise LedgerFileError(str(_undo_path(directory, root)), "is damaged: it leads back to a root after it")
        root = tuple(before)
        roots.add(root)
        history.append(Undo(root, entries))
    return history[::-1]


def _undo_path(directory: Path, root: Root) -> Path:
    return directory / HISTORY / f"{root_hex(root)}.undo"


def _write(path: Path, header: bytes, entries: Iterable[bytes]) -> None:
    with replacing(path, PRIVATE) as stream:
        stream.write(header)
        for entry in entries:
            stream.write(_big_endian(entry))


def _read(path: Path, header: struct.Struct, magic: bytes) -> tuple[tuple[Any, ...], bytes]:
    """The header's values and the leaf entries of a file, in native words."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LedgerFileError(str(path), f"cannot be read: {error.strerror}") from error
    if data[: len(magic)] != magic:
        raise LedgerFileError(str(path), "is not a ledger file of this version")
    if len(data) < header.size or (len(data) - header.size) % _ENTRY_BYTES:
        raise LedgerFileError(str(path), f"is damaged: {len(data)} bytes are not a whole number of leaves")
    entries = _big_endian(data[header.size :])
    if not _is_canonical(array("I", entries)):
        raise LedgerFileError(str(path), "is damaged: its leaves are not in order, or not of field elements")
    return header.unpack_from(data), entries


def _is_canonical(words: "array[int]") -> bool:
    """Whether the leaves are ascending, inside the tree, and of elements below P: other words can hash to one root."""
    indices = words[::_ENTRY_WORDS]
    ascending = all(before < after for before, after in pairwise(indices))
    return not words or (ascending and indices[-1] < 1 << TREE_DEPTH and max(words) < P)


def _big_endian(words: bytes) -> bytes:
    """Native words to big-endian ones, or back."""
    if sys.byteorder == "big":
        return words
    swapped = array("I", words)
    swapped.byteswap()
    return swapped.tobytes()
