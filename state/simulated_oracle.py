"""A simulated oracle: one process holds the secret keys of all members, and signs whatever prices a tape has.

    simulated-oracle.json    the secret keys (private), in a ledger's directory
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from state.errors import ConfigError, LedgerFileError
from state.oracle import prove_possession, public_key, sign, simulated_secret
from state.transitions import Transition
from state.transitions.price import SetPrice
from state.venue import Venue
from verifier.files import PRIVATE, replacing
from verifier.prices import Bundle, price_message

KEY_FILE = "simulated-oracle.json"
FORMAT, VERSION = "solvent-simulated-oracle", 1


@dataclass(frozen=True)
class SimulatedOracle:
    """All members of a venue's oracle. secrets: their secret keys, in the order of the venue file."""

    venue: Venue
    secrets: tuple[int, ...]

    def sign(self, time: int, prices: Iterable[tuple[int, int]], members: Iterable[int] | None = None) -> Bundle:
        """These prices, (instrument, quote base units a lot), signed by these members; by default by all."""
        content, signers = tuple(sorted(prices)), sorted(range(len(self.secrets)) if members is None else members)
        secrets = [self.secrets[member] for member in signers]
        bits = sum(1 << member for member in signers)
        return Bundle(time, content, bits, sign(secrets, price_message(self.venue.id, time, content)))

    def sign_all(self, transitions: Iterable[Transition]) -> list[Bundle]:
        """Bundles for all price updates, one a time, or as many as an instrument has different prices at that time."""
        contents: dict[int, list[dict[int, int]]] = {}
        for update in transitions:
            if isinstance(update, SetPrice):
                prices = contents.setdefault(update.time, [])
                fitting = (one for one in prices if one.get(update.instrument, update.price) == update.price)
                place = next(fitting, None)
                if place is None:
                    place = {}
                    prices.append(place)
                place[update.instrument] = update.price
        return [self.sign(time, one.items()) for time in contents for one in contents[time]]


def simulated_members(seed: str, count: int) -> list[tuple[int, bytes, bytes]]:
    """Secret key, public key and proof of possession of each member."""
    secrets = [simulated_secret(seed, member) for member in range(count)]
    return [(secret, public_key(secret), prove_possession(secret)) for secret in secrets]


def save_simulated_oracle(venue: Venue, directory: Path) -> None:
    """Write the members' secret keys (0600) if the venue's oracle is simulated.

    Raises ConfigError if they do not follow from the seed that the venue names.
    """
    if venue.simulated_seed is None:
        return
    secrets = [simulated_secret(venue.simulated_seed, member) for member in range(len(venue.oracle.keys))]
    if tuple(map(public_key, secrets)) != venue.oracle.keys:
        problem = "does not give the members' keys; `solvent simulated-oracle` prints those that it gives"
        raise ConfigError(f"venue {venue.name}", problem, field="oracle.simulated_seed")
    content = {"format": FORMAT, "version": VERSION, "secrets": [f"{secret:064x}" for secret in secrets]}
    with replacing(directory / KEY_FILE, PRIVATE) as stream:
        stream.write(json.dumps(content).encode() + b"\n")


def load_simulated_oracle(venue: Venue, directory: Path) -> SimulatedOracle:
    """The simulated oracle whose keys are in a ledger's directory. Raises LedgerFileError."""
    path = directory / KEY_FILE
    try:
        content: Any = json.loads(path.read_bytes())
        if (content["format"], content["version"]) != (FORMAT, VERSION):
            raise ValueError(f"this program reads {FORMAT!r} version {VERSION}")
        secrets = tuple(int(secret, 16) for secret in content["secrets"])
        keys = tuple(map(public_key, secrets))
    except FileNotFoundError as error:
        problem = "is not there: this ledger's oracle is not simulated, so its own members have to sign the prices"
        raise LedgerFileError(str(path), problem) from error
    except OSError as error:
        raise LedgerFileError(str(path), f"cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise LedgerFileError(str(path), f"is damaged: {error}; restore it from a copy") from error
    if keys != venue.oracle.keys:
        raise LedgerFileError(str(path), "holds the keys of another oracle than the venue's; restore it from a copy")
    return SimulatedOracle(venue, secrets)
