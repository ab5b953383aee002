"""`python -m verifier FILE [--params standard|compact]`: verify a batch's proof with nothing but the standard library.

Prints the statement. Exit code 0: the proof is valid; 1: it is rejected; 2: it could not be read.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from verifier.batch import read_proof, verify_batch
from verifier.errors import Rejection
from verifier.params import PARAMETERS, STANDARD
from verifier.text import UNITS, Numbers, statement_lines

ACCEPTED, REJECTED, BAD_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m verifier", description="Verify the proof of a batch.")
    parser.add_argument("file", type=Path, help="the proof")
    parser.add_argument("--params", choices=sorted(PARAMETERS), default=STANDARD.name, help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        statement = verify_batch(read_proof(options.file), PARAMETERS[options.params])
    except Rejection as rejection:
        print(f"rejected: {rejection}", file=sys.stderr)
        return REJECTED
    except OSError as error:
        print(f"{options.file}: cannot be read: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
    title = f"valid proof, parameters {options.params}; {UNITS}"
    try:
        print("\n".join((title, *statement_lines(statement, Numbers()))), flush=True)
    except OSError as error:  # the reader of our output has gone, or its disk is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"the proof is valid, but its statement cannot be printed: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
    return ACCEPTED


if __name__ == "__main__":
    sys.exit(main())
