"""Every error becomes one line and an exit code."""

import json
import os
import signal

import click
import pytest
from click.testing import CliRunner

from cli.errors import BadInputError, Commands, Exit
from state.errors import BatchError, HistoryError, Refusal, Rule, UnknownRootError
from verifier.chain import ChainReason, ChainRejection, DepositError
from verifier.chain_store import ChainFileError
from verifier.errors import Reason, Rejection


def failing(error: BaseException) -> click.Group:
    """A group whose one command raises the error."""

    @click.group(cls=Commands)
    def group() -> None:
        pass

    @group.command()
    @click.option("--json", is_flag=True)
    def fail(json: bool) -> None:
        raise error

    return group


@pytest.mark.parametrize(("error", "code"), [
    (Rejection(Reason.MERKLE, "detail"), Exit.REJECTED),
    (ChainRejection("solana", ChainReason.VENUE, "detail"), Exit.REJECTED),
    (BadInputError("detail"), Exit.BAD_INPUT),
    (BatchError("file", "detail", 3, "field"), Exit.BAD_INPUT),
    (ChainFileError("file", "detail"), Exit.BAD_INPUT),
    (DepositError("detail"), Exit.BAD_INPUT),
    (Refusal(Rule.SAME_ACCOUNT, account=5), Exit.BAD_INPUT),
    (UnknownRootError((0,) * 8), Exit.BAD_INPUT),
    (HistoryError((0,) * 8), Exit.BAD_INPUT),
    (BadInputError("two\nlines, and \x1b[31mred"), Exit.BAD_INPUT),
    (PermissionError(13, "Permission denied", "file"), Exit.BAD_INPUT),
    (ValueError("detail"), Exit.INTERNAL),
    (KeyboardInterrupt(), Exit.INTERRUPTED),
])  # fmt: skip
def test_every_error_is_one_line(error: BaseException, code: Exit) -> None:
    result = CliRunner().invoke(failing(error), ["fail"])
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.strip("\n").isprintable()
    as_json = CliRunner().invoke(failing(error), ["fail", "--json"])
    assert as_json.exit_code == code
    assert json.loads(as_json.stdout)["error"]
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_bad_usage_is_told_to_programs_too() -> None:
    result = CliRunner().invoke(failing(ValueError()), ["fail", "--nonsense", "--json"])
    assert result.exit_code == Exit.BAD_INPUT
    assert "--nonsense" in json.loads(result.stdout)["error"]


def test_being_terminated_is_an_interruption() -> None:
    @click.group(cls=Commands)
    def group() -> None:
        pass

    @group.command()
    def wait() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    assert CliRunner().invoke(group, ["wait"]).exit_code == Exit.INTERRUPTED
