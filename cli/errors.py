"""How every command ends when something is wrong: one clear line on stderr, and an exit code."""

import os
import sys
from enum import IntEnum
from typing import Any

import click

from cli.refusals import RefusedBatch
from state.decimals import DecimalError
from state.errors import FileError, Refusal, UnknownRootError
from verifier.chain import ChainRejection, DepositError
from verifier.chain_store import ChainFileError
from verifier.errors import Rejection

SHOW_TRACEBACK = "SOLVENT_TRACEBACK"  # an environment variable: with it, an internal error shows where it happened


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0  # or accepted
    REJECTED = 1
    BAD_INPUT = 2  # or refused batch
    INTERNAL = 3  # a fault of the program
    INTERRUPTED = 130


class BadInputError(Exception):
    """Input that a command cannot use; the message says which, and what to do."""


_REJECTIONS = (Rejection, ChainRejection)
_BAD_INPUT = (
    BadInputError, RefusedBatch, FileError, ChainFileError, Refusal, UnknownRootError, DecimalError, DepositError,
)  # fmt: skip


def describe(error: BaseException) -> tuple[str, Exit]:
    """The line for stderr and the exit code."""
    if isinstance(error, _REJECTIONS):
        return f"rejected: {error}", Exit.REJECTED
    if isinstance(error, _BAD_INPUT):
        return f"error: {error}", Exit.BAD_INPUT
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"error: {place}{error.strerror or error}", Exit.BAD_INPUT
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", Exit.INTERRUPTED
    hint = f"set {SHOW_TRACEBACK}=1 to see where, and please report it"
    return f"internal error: {type(error).__name__}: {error} ({hint})", Exit.INTERNAL


class Commands(click.Group):
    """A group whose commands raise their errors, and end with a line and an exit code instead of a traceback."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line and exit."""
        try:
            super().main(*args, **{**extra, "standalone_mode": False})
        except click.ClickException as error:  # bad usage
            error.show()
            sys.exit(Exit.BAD_INPUT)
        except click.exceptions.Exit as error:
            sys.exit(error.exit_code)
        except BrokenPipeError:  # the reader of our output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(Exit.DONE)
        except (Exception, KeyboardInterrupt, click.Abort) as error:
            if os.environ.get(SHOW_TRACEBACK):
                raise
            line, code = describe(KeyboardInterrupt() if isinstance(error, click.Abort) else error)
            click.echo(line, err=True)
            sys.exit(code)
        sys.exit(Exit.DONE)
