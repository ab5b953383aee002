"""Arguments and options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli.errors import BadInputError
from verifier.params import PARAMETERS, STANDARD

INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
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


def output_option(metavar: str, help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--out: a file to write, found writable before the work begins. Raises BadInputError."""
    path = click.Path(path_type=Path)
    return click.option("--out", metavar=metavar, type=path, required=True, callback=_writable, help=help_text)


def _writable(context: click.Context, parameter: click.Parameter, path: Path) -> Path:
    parent = path.absolute().parent
    problems = {
        "names no file": not path.name,
        f"there is no directory {parent}": not parent.is_dir(),
        "is there and not a regular file": path.exists() and not path.is_file(),  # a device would be replaced
        f"the directory {parent} is not writable": not os.access(parent, os.W_OK),
    }
    for problem, present in problems.items():
        if present:
            raise BadInputError(f"--out {path}: {problem}; name another file")
    return path
