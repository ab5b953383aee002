"""Without a constraint of the margin, tree or range table, unless it is implied, a false statement passes."""

import pytest

from tests.batches import every_kind
from tests.mutation import margin, margin_failures, range_table, tree
from tests.mutation.verdict import Verdict, judge, selected, summary
from tests.mutation.world import Implied, dropped, honest, is_necessary
from tests.proving import proof_is_accepted

SAMPLES = [
    ("margin", "the last row ends a check"),
    ("margin", "instruments ascend"),
    ("margin", "cash carried, limb 3"),
    ("margin", "is_closing is boolean"),
    ("margin", "counted lots are those of the larger"),
    ("margin", "whole lots, limb 3"),
    ("margin", "no lots are beyond unless the most count"),
    ("tree", "partial round 11"),
    ("tree", "is_node is boolean"),
    ("tree", "leaf domain element 0"),
    ("range", "value ends at the last limb"),
]
FALSE_FAILURES = [
    "failing is kept",
    "clock is kept",
    "grown and flipped position",
    "whole lots, limb 3",
    "cash carried, limb 3",
]
RESOLVERS = {"margin": margin.resolve, "tree": tree.resolve, "range": range_table.resolve}


@pytest.mark.parametrize("table", RESOLVERS)
def test_every_constraint_has_a_forgery_or_a_reason(table: str) -> None:
    for _, label in selected(table):
        resolved = RESOLVERS[table](label)
        assert callable(resolved) or len(resolved.reason) > 60


@pytest.mark.parametrize("constraint", SAMPLES, ids=": ".join)
def test_a_sampled_constraint_is_necessary(constraint: tuple[str, str]) -> None:
    assert judge(constraint).ok


@pytest.mark.long
@pytest.mark.parametrize("table", RESOLVERS)
def test_every_constraint_is_necessary_or_implied(table: str) -> None:
    assert [str(verdict) for verdict in map(judge, selected(table)) if not verdict.ok] == []


@pytest.mark.parametrize("label", FALSE_FAILURES)
def test_without_a_sampled_constraint_a_healthy_maker_fails(label: str) -> None:
    assert is_necessary("margin", label, margin_failures.FALSE_FAILURES[label]()) is None


@pytest.mark.long
def test_without_a_constraint_a_healthy_maker_fails() -> None:
    forgeries = margin_failures.FALSE_FAILURES.items()
    objections = {label: is_necessary("margin", label, forge()) for label, forge in forgeries}
    assert {label: objection for label, objection in objections.items() if objection} == {}


def test_a_true_statement_shows_nothing() -> None:
    assert is_necessary("margin", "clock is kept", honest(every_kind()[13:])) == "the statement is true"


def test_a_forgery_of_another_constraint_shows_nothing() -> None:
    forge = margin.resolve("clock is kept")
    assert not isinstance(forge, Implied)
    assert "violates also" in str(is_necessary("margin", "account is kept", forge()))


def test_dropping_a_constraint_leaves_the_others() -> None:
    forge = margin.resolve("clock is kept")
    assert not isinstance(forge, Implied)
    forged = forge()
    with dropped("margin", "account is kept"):
        assert not proof_is_accepted(forged.statement, forged.traces)


def test_the_summary_counts() -> None:
    verdicts = [
        Verdict("margin", "a", True, "necessary"),
        Verdict("margin", "b", False, "implied"),
        Verdict("margin", "c", True, "OPEN"),
    ]
    assert summary(verdicts) == "constraints: 3 total, 2 killed, 1 necessary, 1 implied"
    assert [verdict.ok for verdict in verdicts] == [True, False, False]
