"""solvent simulated-oracle: the [oracle] section of a venue file whose members are made up."""

import click

from cli.errors import BadInputError
from cli.options import json_option
from cli.output import emit
from state.simulated_oracle import simulated_members
from state.venue import MAX_SEED, is_seed
from verifier.prices import MAX_MEMBERS

SECTION = """[oracle]
threshold = {threshold}
drift = 60
age = 86400
clock = "replay"
simulated_seed = "{seed}"
"""
MEMBER = """
[[oracle.member]]
key = "{key}"
proof = "{proof}"
"""


@click.command()
@click.option("--seed", required=True, metavar="TEXT", help="The members' secret keys follow from it.")
@click.option("--members", type=click.IntRange(1, MAX_MEMBERS), default=4, show_default=True)
@json_option
def simulated_oracle(seed: str, members: int, as_json: bool) -> None:
    """Print the section of a venue file for an oracle of simulated members, more than two thirds of whom must sign.

    Whoever knows the seed can sign: this is for simulations only.
    """
    if not is_seed(seed):
        raise BadInputError(f"--seed: must be 1 to {MAX_SEED} printable ASCII characters")
    made = [(key.hex(), proof.hex()) for _, key, proof in simulated_members(seed, members)]
    threshold = 2 * members // 3 + 1
    text = SECTION.format(threshold=threshold, seed=seed.replace("\\", "\\\\").replace('"', '\\"'))
    text += "".join(MEMBER.format(key=key, proof=proof) for key, proof in made)
    content = {"threshold": threshold, "members": [{"key": key, "proof": proof} for key, proof in made], "toml": text}
    emit(as_json, content, text.splitlines())
