"""Solvent's statement as the generic verifier reads it: what is malformed or not backed is a Rejection."""

from circuits.statement import Statement, StatementError, decode_statement
from verifier.errors import Reason, Rejection


def decode(data: bytes) -> Statement:
    """The statement of its canonical encoding. Raises Rejection (Reason.STATEMENT) for anything else."""
    try:
        return decode_statement(data)
    except StatementError as error:
        raise Rejection(Reason.STATEMENT, str(error)) from error
