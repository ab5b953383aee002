"""A ledger's directory: the ledger, its chains, and the one step that publishes a proof and moves the ledger.

    venue.toml, ledger.state, history/   the ledger (state.persist)
    simulated-oracle.json                the secret keys of the oracle's members, if they are made up
    chains/NAME/                         each chain's own (verifier.chain_store); only deposits and `verify` write there
    staged/                              a batch being published; what a crash leaves of it is finished or dropped
    ledger.lock                          held while a command moves the ledger
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from circuits.statement import Movement
from cli.errors import BadInputError
from solvent import Ledger, Venue, check_signature, load_venue, new_chain, new_ledger, open_ledger, save
from state.persist import HISTORY, STATE_FILE, VENUE_FILE
from state.simulated_oracle import save_simulated_oracle
from state.store import Root
from verifier.chain import ChainState, ChainVerifier
from verifier.chain_store import create_chain, open_chain, read_chain
from verifier.files import replacing
from verifier.prices import bundles_path

CHAINS, STAGED, NOTE_FILE, LOCK_FILE = "chains", "staged", "proof.json", "ledger.lock"


class ChainQueues:
    """What the chains' directories say of their deposit queues (state.memory.DepositQueue); never writes there."""

    def __init__(self, chains: list[ChainState]) -> None:
        self._chains = chains

    def holds(self, deposit: Movement) -> bool:
        """Whether that very deposit stands in its chain's queue."""
        chain = self._chains[deposit.chain]
        return deposit.sequence < len(chain.deposits) and chain.movement(deposit.sequence) == deposit


class LedgerDirectory:
    """The directory that `create` made. check_queues: whether the ledger refuses deposits that no chain holds."""

    def __init__(self, path: Path, check_queues: bool = True) -> None:
        self.path, self._check_queues = path, check_queues

    @cached_property
    def venue(self) -> Venue:
        """The venue. Raises BadInputError if there is no ledger, ConfigError."""
        self._require()
        return load_venue(self.path / VENUE_FILE)

    def chain(self, name: str) -> Path:
        """The directory of a chain. Raises BadInputError for a name that the venue does not have."""
        if name not in self.venue.chain_numbers:
            raise BadInputError(f"{name!r} is not a chain of this venue; it has {', '.join(self.venue.chains)}")
        return self.path / CHAINS / name

    def chain_states(self) -> list[ChainState]:
        """What each chain remembers. Raises ChainFileError, BadInputError."""
        return [self.chain_state(name) for name in self.venue.chains]

    def chain_state(self, name: str) -> ChainState:
        """What a chain remembers, for reading only. Raises ChainFileError, BadInputError."""
        return self._own(name, read_chain(self.chain(name)))

    @contextmanager
    def open_chain(self, name: str) -> Iterator[ChainVerifier]:
        """The chain, to be changed in this block (see chain_store.open_chain). Raises BadInputError too."""
        with open_chain(self.chain(name), check_signature) as verifier:
            self._own(name, verifier.state)
            yield verifier

    def read(self) -> Ledger:
        """The ledger, for reading. Raises LedgerFileError, ConfigError, ChainFileError, BadInputError."""
        if os.access(self.path, os.W_OK):  # else it is read as it stands
            with self._lock() as idle:
                if idle:
                    self._recover()
        return self._open()

    @contextmanager
    def changing(self) -> Iterator[Ledger]:
        """The ledger, to be moved by `publish` or `roll_back` in this block. Raises what `read` does, BadInputError."""
        with self._lock() as idle:
            if not idle:
                raise BadInputError(f"{self.path}: another command is moving this ledger; try again when it has ended")
            self._recover()
            yield self._open()

    def publish(self, ledger: Ledger, proof: bytes, bundles: bytes, out: Path) -> None:
        """Write the proof, its signed prices beside it, and move the ledger. If this is interrupted, the next command
        that reads the ledger mends it: the ledger has moved if the proof was written, and has not if it was not."""
        staged = self.path / STAGED
        staged.mkdir()
        (staged / HISTORY).symlink_to(Path("..") / HISTORY, target_is_directory=True)
        save(ledger, staged)
        with replacing(staged / NOTE_FILE) as stream:
            note = {"proof": str(out.absolute()), "sha256": hashlib.sha256(proof).hexdigest()}
            stream.write(json.dumps(note).encode())
        for path, content in ((bundles_path(out), bundles), (out, proof)):
            with replacing(path) as stream:
                stream.write(content)
        self._recover()

    def roll_back(self, ledger: Ledger, root: Root) -> None:
        """Take the ledger back to a root of its history. Raises UnknownRootError, HistoryError."""
        present = ledger.root
        ledger.rollback(root)
        save(ledger, self.path, replaces=present)

    def _open(self) -> Ledger:
        self._require()
        return open_ledger(self.path, ChainQueues(self.chain_states()) if self._check_queues else None)

    def _require(self) -> None:
        if not (self.path / STATE_FILE).exists():
            raise BadInputError(f"{self.path}: no ledger here; `solvent init` makes one")

    def _own(self, name: str, state: ChainState) -> ChainState:
        """Refuse what another chain, or a chain of another venue, remembers."""
        venue = self.venue
        for field, expected in (
            ("name", name), ("number", venue.chain_numbers[name]), ("chains", len(venue.chains)),
            ("assets", len(venue.collateral)), ("venue_id", venue.id), ("oracle", venue.oracle),
        ):  # fmt: skip
            if getattr(state, field) != expected:
                problem = f"another {field} than chain {name} has by {VENUE_FILE}; put the right files there"
                raise BadInputError(f"{self.chain(name)}: {problem}")
        return state

    def _recover(self) -> None:
        """Finish what `publish` began if the proof has been written, else drop it."""
        staged = self.path / STAGED
        if not staged.exists():
            return
        if _is_written(staged / NOTE_FILE) and (staged / STATE_FILE).exists():
            os.replace(staged / STATE_FILE, self.path / STATE_FILE)
        shutil.rmtree(staged)

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        """Whether nobody else moves the ledger; if so, nobody can during the block."""
        self._require()
        with (self.path / LOCK_FILE).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def create(path: Path, venue: Venue) -> Ledger:
    """Make a directory with a new ledger and its chains. Raises BadInputError if something is there.

    Raises ConfigError too, for an oracle whose keys are not proven to be held, or do not follow from its seed; OSError.
    """
    path = path.resolve()  # a link to an empty directory stays one
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise BadInputError(f"{path}: is not an empty directory; name a new one")
    if path == Path.cwd():
        raise BadInputError(f"{path}: is the current directory, which would be replaced; name it from outside")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        ledger = new_ledger(venue)
        save(ledger, temporary)
        save_simulated_oracle(venue, temporary)
        for number, name in enumerate(venue.chains):
            create_chain(temporary / CHAINS / name, new_chain(venue, number, ledger.root))
        temporary.chmod(0o755)  # the files in it that are private say so themselves
        try:
            temporary.rename(path)
        except OSError as error:  # somebody else made it meanwhile, or it is a mount point
            raise BadInputError(f"{path}: cannot be made: {error.strerror}") from error
    except BaseException:
        shutil.rmtree(temporary)
        raise
    return ledger


def _is_written(note: Path) -> bool:
    """Whether the proof that the note names is there."""
    try:
        content = json.loads(note.read_bytes())
        found = hashlib.sha256(Path(content["proof"]).read_bytes()).hexdigest()
        return bool(found == content["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
