"""The table of bounds in docs/rules.md, generated from circuits/bounds.py: `python -m tests.docs.bounds` writes it."""

import re
from pathlib import Path

from circuits import bounds

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "rules.md"
BEGIN, END = "<!-- bounds -->\n", "<!-- end of bounds -->\n"
_LINE = re.compile(r"(?P<names>[A-Z][A-Z_, ]*) = (?P<formula>[^#]+?)(?:  # (?P<comment>.*))?")


def table() -> str:
    """The table: name, value, formula, and what the source says beside or above it."""
    rows, above = ["| bound | value | formula | of |", "| --- | --- | --- | --- |"], ""
    for line in Path(bounds.__file__).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            above = line[2:]
        elif found := _LINE.fullmatch(line):
            name = found["names"]
            value, formula = getattr(bounds, name), found["formula"]
            shown = "" if formula.replace("_", "") == str(value) else f"`{formula}`"
            rows.append(f"| {name} | {value:,} | {shown} | {found['comment'] or above} |")
            above = ""
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    """The text of docs/rules.md with the present table in its place."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    RULES.write_text(with_table(RULES.read_text(encoding="utf-8")), encoding="utf-8")
