"""Arguments and options that several commands share."""

from pathlib import Path

import click

from verifier.params import PARAMETERS, STANDARD

INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUTPUT_FILE = click.Path(dir_okay=False, path_type=Path)
LEDGER = click.Path(exists=True, file_okay=False, path_type=Path)

directory_argument = click.argument("directory", metavar="DIR", type=LEDGER)
batch_argument = click.argument("batch", metavar="BATCH", type=INPUT_FILE)
proof_argument = click.argument("proof", metavar="FILE.proof", type=INPUT_FILE)
ledger_option = click.option("--ledger", metavar="DIR", type=LEDGER, required=True, help="The ledger's directory.")
skip_option = click.option("--skip-refused", is_flag=True, help="Leave refused transitions out of the batch.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
params_option = click.option(
    "--params", type=click.Choice(sorted(PARAMETERS)), default=STANDARD.name, show_default=True,
    help="Parameters of the proof system; compact proofs are smaller and take longer to make.",
)  # fmt: skip
