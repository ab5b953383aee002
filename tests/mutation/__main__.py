"""`python -m tests.mutation`: every constraint is violated by name, and shown to be necessary or said to be implied."""

import argparse
import sys
from collections.abc import Iterable, Sequence

from tests.mutation.verdict import IMPLIED, MODULES, Verdict, selected, summary, verdicts


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each constraint that is not plainly necessary, then the counts; 1 if one is neither or not
    killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--table", choices=MODULES, help="only this table")
    parser.add_argument("--label", help="only constraints whose label contains this")
    options = parser.parse_args(arguments)
    found = list(progress(verdicts(selected(options.table, options.label or ""))))
    print(summary(found))
    return 0 if found and all(verdict.ok for verdict in found) else 1


def progress(found: Iterable[Verdict]) -> Iterable[Verdict]:
    """The same; on a terminal with a running count, and a line for each that is not plainly necessary."""
    for number, verdict in enumerate(found, start=1):
        if sys.stderr.isatty():
            print(f"\r\033[K{number} {verdict.table}: {verdict.label}", end="", file=sys.stderr, flush=True)
        if not verdict.ok or verdict.kind == IMPLIED:
            print(("\r\033[K" if sys.stderr.isatty() else "") + str(verdict), flush=True)
        yield verdict
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
