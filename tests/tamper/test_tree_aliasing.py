"""A node below the tree's bottom would have children whose indices alias others mod P; the circuit has no such node."""

from tests.mutation.world import ledger_with_history, report_of
from tests.proving import proof_is_accepted
from tests.tamper.aliasing import swap_below_the_bottom


def test_swapping_halves_below_the_bottom_is_stopped() -> None:
    forged = swap_below_the_bottom(ledger_with_history())
    report = report_of(forged)
    assert {(f.table, f.label) for f in report.failures} == {("tree", "a node is above the bottom")}
    assert not report.imbalances
    assert not proof_is_accepted(forged.statement, forged.traces)
