"""Every labelled constraint of the execution table is necessary, or implied by others for a written reason."""

import pytest

from circuits.solvent import solvent_circuit
from tests.mutation.execution import IMPLIED, TABLE, forgeries, resolve
from tests.mutation.world import Implied, is_necessary

LABELS = [constraint.label for constraint in solvent_circuit().table(TABLE).constraints]
FORGED = [label for label in LABELS if not isinstance(resolve(label), Implied)]
SAMPLE = (
    "deposit_balance: index",
    "transfer_from_header: kind of record",
    "record element 7 is kept",
    "the record was last written earlier",
    "the first row is no deposit_balance",
    "what leads to fill_fee",
    "register side is kept",
    "match: the taker is on its side again",
    "withdraw_header: nothing opens",
    "match_head: notional, high carry is 0, 1 or 2",
    "best_head: lots are left",
    "rest_predecessor: the predecessor is of the same list",
    "is_best_head is boolean",
    "enact_pending: due",
    "set_record: element 3 is chosen by its position",
)


def proves_necessary(label: str) -> str | None:
    """None if the label's forgery does; else what is wrong."""
    forge = resolve(label)
    assert not isinstance(forge, Implied)
    return is_necessary(TABLE, label, forge())


def test_every_label_resolves() -> None:
    """And nothing is said about a constraint that the table does not have."""
    assert sorted({*forgeries(), *IMPLIED}) == sorted(LABELS)


@pytest.mark.parametrize("label", SAMPLE)
def test_without_the_constraint_a_false_statement_passes(label: str) -> None:
    assert proves_necessary(label) is None


def test_a_forgery_does_not_pass_for_another_constraint() -> None:
    forge = resolve(SAMPLE[0])
    assert not isinstance(forge, Implied)
    assert "violates also" in (is_necessary(TABLE, "deposit_vault: index", forge()) or "")


@pytest.mark.long
@pytest.mark.parametrize("label", [label for label in FORGED if label not in SAMPLE])
def test_every_other_constraint_is_necessary_too(label: str) -> None:
    assert proves_necessary(label) is None
