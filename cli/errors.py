"""How every command ends when something is wrong: one clear line on stderr, and an exit code."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum
from typing import Any

import click

from cli.output import printable
from cli.refusals import RefusedBatch
from state.decimals import DecimalError
from state.errors import FileError, HistoryError, Refusal, UnknownRootError
from verifier.chain import ChainRejection, DepositError, RequestError
from verifier.chain_store import ChainFileError
from verifier.errors import Rejection
from verifier.prices import PriceRejection

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


_REJECTIONS = (Rejection, ChainRejection, PriceRejection)
_BAD_INPUT = (
    BadInputError, RefusedBatch, FileError, ChainFileError, Refusal, HistoryError, UnknownRootError, DecimalError,
    DepositError, RequestError,
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
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted", Exit.INTERRUPTED
    hint = f"set {SHOW_TRACEBACK}=1 to see where, and please report it"
    return f"internal error: {type(error).__name__}: {error} ({hint})", Exit.INTERNAL


def error_object(error: BaseException, line: str) -> dict[str, Any]:
    """The same for --json: the line, and what the error knows besides."""
    content: dict[str, Any] = {"error": line.removeprefix("error: ")}
    if isinstance(error, RefusedBatch):
        content |= error.applied.json()
    if isinstance(error, _REJECTIONS):
        content |= {"accepted": False, "chain": None, "reason": error.reason.value, "detail": error.detail}
    if isinstance(error, ChainRejection):
        content["chain"] = error.chain
        parts = {"proof_reason": error.proof, "price_reason": error.prices}
        content |= {name: part.reason.value for name, part in parts.items() if part}
    return content


def _report(error: BaseException, as_json: bool) -> int:
    """Say what is wrong, on stderr and for --json on stdout too; returns the exit code."""
    if isinstance(error, click.ClickException):  # bad usage
        line, code = error.format_message(), Exit.BAD_INPUT
        error.show()
    else:
        line, code = describe(error)
        click.echo(printable(line), err=True)
    if as_json:
        with suppress(OSError):  # stdout itself may be what is wrong
            click.echo(json.dumps(error_object(error, line)))
    return code


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Commands(click.Group):
    """A group whose commands raise their errors, and end with a line and an exit code instead of a traceback."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        """Run the command line and exit. Being told to terminate is an interruption too, which leaves no files."""
        arguments = sys.argv[1:] if args is None else list(args)
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            super().main(arguments, *more, **{**extra, "standalone_mode": False})
        except click.exceptions.Exit as error:
            sys.exit(error.exit_code)
        except BrokenPipeError:  # the reader of our output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(Exit.DONE)
        except (Exception, KeyboardInterrupt) as error:
            if os.environ.get(SHOW_TRACEBACK):
                raise
            sys.exit(_report(error, as_json="--json" in arguments))
        sys.exit(Exit.DONE)
