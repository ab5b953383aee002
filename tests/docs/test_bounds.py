"""docs/rules.md shows the bounds that circuits/bounds.py has."""

from circuits import bounds
from tests.docs.bounds import RULES, table, with_table


def test_the_table_is_the_present_one() -> None:
    text = RULES.read_text(encoding="utf-8")
    assert with_table(text) == text, "run `python -m tests.docs.bounds`"


def test_every_bound_is_in_the_table() -> None:
    names = [name for name in vars(bounds) if name.isupper()]
    assert len(names) > 20
    assert [name for name in names if f"| {name} |" not in table()] == []
