"""Why a proof cannot be made: typed errors that carry what is wrong with the witness."""

from __future__ import annotations

from collections.abc import Sequence

from circuits.checker import Failure, Imbalance

_SHOWN = 3  # of the violations, in a message


class ProvingError(Exception):
    """No proof of this statement can be made from this witness."""


class WitnessShapeError(ProvingError):
    """The traces do not fit the circuit: a table is missing, or its tiles have the wrong shape."""


class UnsatisfiedConstraint(ProvingError):  # noqa: N818 - it names what is wrong with the witness
    """A table whose witness violates its constraints; `failures` lists where."""

    def __init__(self, table: str, failures: Sequence[Failure]) -> None:
        found = ", ".join(f"{failure.label!r} on row {failure.row}" for failure in failures[:_SHOWN])
        super().__init__(f"table {table}: the witness violates {len(failures)} constraints, first of all {found}")
        self.table, self.failures = table, tuple(failures)


class UnbalancedBus(ProvingError):  # noqa: N818
    """Messages that are sent more or less often than they are received; `imbalances` lists them."""

    def __init__(self, imbalances: Sequence[Imbalance]) -> None:
        found = "; ".join(f"bus {i.bus}: {i.values} {i.net:+d} times" for i in imbalances[:_SHOWN])
        super().__init__(f"{len(imbalances)} messages of tables and statement do not cancel, first of all {found}")
        self.imbalances = tuple(imbalances)


class VanishingDenominator(ProvingError):  # noqa: N818
    """A bus fingerprint came out as 0, which happens once in about 2^130 proofs: prove again."""

    def __init__(self, table: str) -> None:
        super().__init__(f"table {table}: the fingerprint of a bus message is 0; prove again")
        self.table = table
