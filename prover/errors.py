"""Why a proof cannot be made: typed errors that carry what is wrong with the witness."""

from __future__ import annotations


class ProvingError(Exception):
    """No proof of this statement can be made from this witness."""


class WitnessShapeError(ProvingError):
    """The traces do not fit the circuit: a table is missing, or its tiles have the wrong shape."""


class UnsatisfiedConstraint(ProvingError):  # noqa: N818 - it names what is wrong with the witness
    """A constraint that a witness violates. `label` and `row` are None where only the table is known."""

    def __init__(self, table: str, label: str | None = None, row: int | None = None, value: int | None = None) -> None:
        what = "some constraint" if label is None else f"the constraint {label!r}"
        where = "" if row is None else f" on row {row}, where it is {value} instead of 0"
        super().__init__(f"table {table}: the witness violates {what}{where}")
        self.table, self.label, self.row, self.value = table, label, row, value


class UnbalancedBus(ProvingError):  # noqa: N818
    """A message that is sent more or less often than it is received. `bus` is None where only the sum is known."""

    def __init__(self, bus: str | None = None, message: tuple[int, ...] = (), excess: int = 0) -> None:
        detail = "" if bus is None else f": message {message} on bus {bus} has multiplicity {excess} in all, not 0"
        super().__init__("what the tables and the statement send is not what they receive" + detail)
        self.bus, self.message, self.excess = bus, message, excess


class VanishingDenominator(ProvingError):  # noqa: N818
    """A bus fingerprint came out as 0, which happens once in about 2^130 proofs: prove again."""

    def __init__(self, table: str) -> None:
        super().__init__(f"table {table}: the fingerprint of a bus message is 0; prove again")
        self.table = table
