"""Damaged ledgers and chains: what is read is what would be written, else the file is refused."""

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from circuits.field import P
from solvent import LaneHasher, new_chain
from state import persist
from state.errors import LedgerFileError
from tests.batches import ALICE, USDC, default_venue
from tests.fuzz.damage import damaged, damaged_json, json_bytes
from tests.fuzz.exploring import depths, explore
from tests.fuzz.targets import is_refused, one_line
from tests.state.worlds import funded_ledger
from verifier.chain import Accepted, ChainState, Entry
from verifier.chain_store import CHAIN_FILE, ChainFileError, create_chain, read_chain

LEAF_BYTES = 52


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The directory of a ledger one batch after genesis."""
    persist.save(funded_ledger(), tmp_path / "ledger")
    return tmp_path / "ledger"


class LedgerFile:
    """One file of a saved ledger, to be damaged."""

    def __init__(self, directory: Path, file: Path) -> None:
        self.directory, self.file, self.original = directory, file, file.read_bytes()
        self.again = directory.parent / "again"

    def __call__(self, data: bytes) -> bool:
        """A ledger that is loaded is saved as the very bytes it was loaded from. Whether it is loaded."""
        self.file.write_bytes(data)
        if is_refused(lambda: persist.load(self.directory, LaneHasher())):
            return False
        shutil.rmtree(self.again, ignore_errors=True)
        persist.save(persist.load(self.directory, LaneHasher()), self.again)
        files = [path.relative_to(self.again) for path in self.again.rglob("*") if path.is_file()]
        for name in files:
            assert (self.again / name).read_bytes() == (self.directory / name).read_bytes()
        return True

    def leaves(self) -> list[bytes]:
        """The leaves of a state file."""
        entries = self.original[persist._STATE_HEADER.size :]
        return [entries[start : start + LEAF_BYTES] for start in range(0, len(entries), LEAF_BYTES)]

    def with_leaves(self, leaves: list[bytes]) -> bytes:
        """The state file with other leaves."""
        return self.original[: persist._STATE_HEADER.size] + b"".join(leaves)


@pytest.fixture
def state(saved: Path) -> LedgerFile:
    """The present leaves."""
    return LedgerFile(saved, saved / persist.STATE_FILE)


@pytest.fixture
def undo(saved: Path) -> LedgerFile:
    """The undo log of the only batch."""
    return LedgerFile(saved, next((saved / persist.HISTORY).iterdir()))


@depths(50)
def test_damaged_states(state: LedgerFile, examples: int) -> None:
    assert state(state.original)
    explore(examples, damaged(state.original), state)


@depths(50)
def test_damaged_undo_logs(undo: LedgerFile, examples: int) -> None:
    assert undo(undo.original)
    explore(examples, damaged(undo.original), undo)


def word(leaf: bytes, place: int, change: int) -> bytes:
    """The leaf with one of its words changed."""
    words = list(struct.unpack(">13I", leaf))
    words[place] += change
    return struct.pack(">13I", *words)


def test_only_one_file_says_the_same(state: LedgerFile) -> None:
    """Leaves in another order, twice, outside the tree, empty, or with elements that are not canonical."""
    leaves = state.leaves()
    assert state(state.with_leaves(leaves))
    small = next(leaf for leaf in leaves if struct.unpack(">13I", leaf)[1] < 100)
    others = {
        "order": leaves[::-1],
        "twice": [leaves[0], *leaves],
        "outside": [*leaves, word(leaves[-1], 0, 1 << 30)],
        "empty": [*leaves, struct.pack(">13I", (1 << 30) - 1, *[0] * 8, 1, 2, 3, 4)],
        "element": [word(leaf, 1, P) if leaf == small else leaf for leaf in leaves],
    }
    for name, changed in others.items():
        assert not state(state.with_leaves(changed)), name


def test_a_history_that_never_ends_is_refused(state: LedgerFile, undo: LedgerFile) -> None:
    """An undo log that leads to its own root, in a ledger that claims 2^64 - 1 batches."""
    root = persist.saved_root(state.directory)
    undo.file.write_bytes(persist._UNDO_HEADER.pack(persist.UNDO_MAGIC, *root))
    header = persist._STATE_HEADER.unpack_from(state.original)
    claims = persist._STATE_HEADER.pack(*header[:-1], 2**64 - 1)
    state.file.write_bytes(claims + state.original[len(claims) :])
    with pytest.raises(LedgerFileError, match="leads back to a root"):
        persist.load(state.directory, LaneHasher())


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """The directory of a chain that has accepted two batches."""
    state = new_chain(default_venue(), 1, (7,) * 8)
    state.deposits = [Entry(ALICE, USDC, 100), Entry(ALICE + 1, 1, 5), Entry(ALICE, USDC, 9)]
    state.payouts, state.consumed = [Entry(ALICE, USDC, 30)], 2
    state.accepted = [Accepted(1, 60, (8,) * 8), Accepted(2, 70, (9,) * 8)]
    create_chain(tmp_path / "chain", state)
    return tmp_path / "chain"


class ChainFile:
    """The file of a chain, to be damaged."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.original = directory, (directory / CHAIN_FILE).read_bytes()
        self.again = directory.parent / "again"

    def __call__(self, data: bytes) -> bool:
        """A chain that is read is written to a file that reads as the same chain, and can be described."""
        (self.directory / CHAIN_FILE).write_bytes(data)
        try:
            state = read_chain(self.directory)
        except ChainFileError as error:
            one_line(error)
            return False
        described(state)
        shutil.rmtree(self.again, ignore_errors=True)
        create_chain(self.again, state)
        assert read_chain(self.again) == state
        return True


def described(state: ChainState) -> None:
    """What the commands say of a chain can be said."""
    for asset in range(min(state.assets, 5)):
        assert str(state.holdings(asset) + state.credited(asset))
    assert str(state.batch + 1)
    assert str(state)


@depths(200)
def test_damaged_chains(chain: Path, examples: int) -> None:
    target = ChainFile(chain)
    assert target(target.original)
    explore(examples, damaged(target.original), target)


@depths(500)
def test_damaged_fields_of_chains(chain: Path, examples: int) -> None:
    target = ChainFile(chain)

    def check(content: Any) -> None:
        target(json_bytes(content))

    explore(examples, damaged_json(json.loads(target.original)), check)


@depths(50)
def test_arbitrary_files(chain: Path, state: LedgerFile, examples: int) -> None:
    explore(examples, st.binary(), ChainFile(chain))
    explore(examples, st.binary().map(lambda data: persist.STATE_MAGIC + data), state)
