"""Each labelled constraint of each table is broken by some change of one cell, and the checker says so by its label."""

import pytest

from circuits.solvent import solvent_circuit
from tests.mutation.killed import killing


@pytest.mark.parametrize("table", [table.name for table in solvent_circuit().tables])
def test_the_checker_names_every_constraint(table: str) -> None:
    labels = [constraint.label for constraint in solvent_circuit().table(table).constraints]
    found = {label: killing(table, label) for label in labels}
    assert [label for label, failure in found.items() if failure is None or failure.label != label] == []
