"""Damaged batch files: what is read is what is written again, and what the schema allows; else it is a BatchError."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import strategies as st

from state.batch import BatchReader
from tests.batches import VENUE_FILE, default_venue, every_act, every_kind, every_order
from tests.fuzz.damage import damaged, damaged_json, json_bytes
from tests.fuzz.exploring import depths, explore
from tests.fuzz.targets import BatchTarget
from tests.state.test_batch import write

VALIDATOR = jsonschema.Draft202012Validator(json.loads((VENUE_FILE.parent / "batch.schema.json").read_text()))


@pytest.fixture
def target(tmp_path: Path) -> BatchTarget:
    """The parser for the default venue."""
    return BatchTarget(default_venue(), tmp_path)


@pytest.fixture
def batch(tmp_path: Path) -> bytes:
    """A batch file with every kind of transition."""
    write(tmp_path / "batch.jsonl", [*every_kind(), *every_order(), *every_act()], time=60)
    return (tmp_path / "batch.jsonl").read_bytes()


def test_the_batch_itself_is_read(target: BatchTarget, batch: bytes) -> None:
    assert target(batch)


@depths(500)
def test_damaged_bytes(target: BatchTarget, batch: bytes, examples: int) -> None:
    explore(examples, damaged(batch), target)


@depths(100)
def test_arbitrary_text(target: BatchTarget, batch: bytes, examples: int) -> None:
    header = batch[: batch.index(b"\n") + 1]
    text = st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))
    explore(examples, text | text.map(lambda data: header + data), target)


@depths(500)
def test_damaged_fields(target: BatchTarget, batch: bytes, examples: int) -> None:
    """A file that is read is also valid by the schema, line by line."""

    def check(lines: Any) -> None:
        rows = lines if isinstance(lines, list) else [lines]
        if target(b"".join(json_bytes(line) + b"\n" for line in rows)):
            for line in rows:
                VALIDATOR.validate(line)

    explore(examples, damaged_json([json.loads(line) for line in batch.splitlines()]), check)


def test_a_planted_bug_is_found(target: BatchTarget, batch: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that trusts the header to be an object: the fuzzing fails, as it must."""
    genuine = BatchReader._next_line

    def trusting(reader: BatchReader) -> dict[str, Any] | None:
        content = genuine(reader)
        assert content is None or "kind" in content or reader._line == 1
        return content

    monkeypatch.setattr(BatchReader, "_next_line", trusting)
    assert target(batch)
    with pytest.raises(AssertionError):
        explore(2_000, damaged(batch), target)
