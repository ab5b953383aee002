"""Damaged statements: what decodes has one encoding; anything else is a StatementError."""

import pytest
from hypothesis import strategies as st

from tests.batches import every_act, every_kind, prompt_ledger, run_batch
from tests.fuzz.damage import damaged
from tests.fuzz.exploring import depths, explore
from tests.fuzz.targets import statement_target


@pytest.fixture(scope="module")
def encoded() -> bytes:
    """A statement with every list."""
    return run_batch(prompt_ledger(), [*every_kind(), *every_act()])[0].encode()


def test_the_statement_itself_decodes(encoded: bytes) -> None:
    assert statement_target(encoded)


@depths(500)
def test_damaged_statements(encoded: bytes, examples: int) -> None:
    explore(examples, damaged(encoded), statement_target)


@depths(300)
def test_arbitrary_lists(encoded: bytes, examples: int) -> None:
    """Any bytes where the lists stand."""
    header = encoded[:106]
    explore(examples, st.binary(max_size=400).map(lambda lists: header + lists), statement_target)
