"""Every error becomes one line and an exit code."""

import click
import pytest
from click.testing import CliRunner

from cli.errors import BadInputError, Commands, Exit
from state.errors import BatchError, Refusal, Rule, UnknownRootError
from verifier.chain import ChainReason, ChainRejection, DepositError
from verifier.chain_store import ChainFileError
from verifier.errors import Reason, Rejection


@pytest.mark.parametrize(("error", "code"), [
    (Rejection(Reason.MERKLE, "detail"), Exit.REJECTED),
    (ChainRejection("solana", ChainReason.VENUE, "detail"), Exit.REJECTED),
    (BadInputError("detail"), Exit.BAD_INPUT),
    (BatchError("file", "detail", 3, "field"), Exit.BAD_INPUT),
    (ChainFileError("file", "detail"), Exit.BAD_INPUT),
    (DepositError("detail"), Exit.BAD_INPUT),
    (Refusal(Rule.SAME_ACCOUNT, account=5), Exit.BAD_INPUT),
    (UnknownRootError((0,) * 8), Exit.BAD_INPUT),
    (PermissionError(13, "Permission denied", "file"), Exit.BAD_INPUT),
    (ValueError("detail"), Exit.INTERNAL),
    (KeyboardInterrupt(), Exit.INTERRUPTED),
])  # fmt: skip
def test_every_error_is_one_line(error: BaseException, code: Exit) -> None:
    @click.group(cls=Commands)
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error

    result = CliRunner().invoke(group, ["fail"])
    assert result.exit_code == code
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.stderr
