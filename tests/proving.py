"""Small parameters for tests, and the answer of the whole pipeline to a set of columns, honest or not."""

from collections.abc import Mapping

from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from prover.prove import prove
from prover.tiles import from_columns
from prover.traces.columns import Columns
from verifier.errors import Rejection
from verifier.params import Parameters
from verifier.statements import decode
from verifier.verify import verify

TEST_PARAMETERS = Parameters("test", log_blowup=2, queries=16, grinding_bits=(0, 0, 4, 4, 4))


def proof_is_accepted(
    statement: Statement, traces: Mapping[str, Columns], parameters: Parameters = TEST_PARAMETERS
) -> bool:
    """Whether the verifier accepts what the prover makes of these columns, true or false."""
    tiles = {name: from_columns(columns.elements(), 1 << columns.log_height) for name, columns in traces.items()}
    proof, _ = prove(solvent_circuit(), parameters, statement, tiles, unchecked=True)
    try:
        return verify(solvent_circuit(), parameters, proof, decode, floor=0) == statement
    except Rejection:
        return False
