"""`python -m verifier FILE [--params standard|compact]`: verify a batch's proof with nothing but the standard library.

Prints the statement. Exit code 0: the proof is valid; 1: it is rejected; 2: it could not be read.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from verifier.batch import read_proof, verify_batch
from verifier.errors import Rejection
from verifier.params import PARAMETERS, STANDARD
from verifier.text import Numbers, statement_lines

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
    print(f"valid proof, parameters {options.params}; amounts in base units, prices in quote base units a lot")
    print("\n".join(statement_lines(statement, Numbers())))
    return ACCEPTED


if __name__ == "__main__":
    sys.exit(main())
