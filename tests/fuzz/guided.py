"""Coverage-guided fuzzing: `python -m tests.fuzz.guided TARGET[+planted] SEED [libFuzzer's options and corpora]`.

TARGET: `proof`, `behind` (the same, with challenges that do not depend on the proof), `batch`. SEED: the one proof that
is accepted, or any batch file. It ends with exit code 0, or at the first input that shows a bug, with its traceback.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["circuits.statement", "verifier", "state", "tests.fuzz"]):
    from state.venue import load_venue
    from tests.fuzz.plants import PLANTS
    from tests.fuzz.targets import BatchTarget, ProofTarget, deaf
    from verifier.transcript import Transcript

VENUE_FILE = Path(__file__).parents[2] / "cli" / "venue.toml"


def proof(seed: Path) -> Callable[[bytes], object]:
    """Codec and verifier."""
    target = ProofTarget(seed.read_bytes())
    return lambda data: (target.codec(data), target.verifier(data))


def behind(seed: Path) -> Callable[[bytes], object]:
    """The verifier, to its last check; nobody vouches then for what is accepted."""
    Transcript._absorb = deaf  # type: ignore[assignment, method-assign]
    return ProofTarget(seed.read_bytes()).accepts


def batch(seed: Path) -> Callable[[bytes], object]:
    """The batch parser."""
    target = BatchTarget(load_venue(VENUE_FILE))
    assert target(seed.read_bytes())
    return target


def main() -> None:
    """Run libFuzzer; it ends the process."""
    name, seed, *options = sys.argv[1:]
    name, _, planted = name.partition("+")
    target = {"proof": proof, "behind": behind, "batch": batch}[name](Path(seed))
    if planted:
        PLANTS[name]()
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
