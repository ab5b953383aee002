"""Why a proof is refused: one typed reason for each kind of failure."""

from enum import StrEnum


class Reason(StrEnum):
    """The kinds of failure, one for each check that the verifier makes. The value is what a user reads."""

    MALFORMED = "malformed encoding"
    TRAILING_BYTES = "trailing bytes"
    NON_CANONICAL = "non-canonical element"
    HEIGHT = "height out of bounds"
    PARAMETERS = "parameters below the security floor"
    STATEMENT = "statement malformed"
    INCOMPLETE = "statement leaves out vaults or assets"  # of a venue that the verifier knows
    GRINDING = "grinding missing"
    VANISHING_DENOMINATOR = "vanishing denominator"
    BUS_IMBALANCE = "bus imbalance"
    BASE_FIELD_POINT = "out-of-domain point in the base field"
    COMPOSITION = "composition mismatch"
    MERKLE = "Merkle mismatch"
    FRI_FOLD = "FRI fold mismatch"
    FINAL_POLYNOMIAL = "final polynomial mismatch"


class Rejection(Exception):  # noqa: N818 - a refusal is the verifier's ordinary answer, not an error of the program
    """The proof is refused. `reason` is for programs; `detail` says at which step and with which values."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail
