"""Running commands in tests."""

import json
from typing import Any

from click.testing import CliRunner, Result

from cli.main import main


def run(*arguments: object) -> Result:
    """The outcome of `solvent ARGUMENTS`; a traceback fails the test."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert "internal error" not in result.output
    return result


def run_json(*arguments: object, code: int = 0) -> dict[str, Any]:
    """What `solvent ARGUMENTS --json` prints, which must be one JSON object, with this exit code."""
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    content = json.loads(result.stdout)
    assert isinstance(content, dict)
    return content


def fails(result: Result, code: int, *fragments: str) -> None:
    """Assert that the command ended with this code and one line on stderr that has all fragments."""
    assert result.exit_code == code, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    for fragment in fragments:
        assert fragment in lines[0]
