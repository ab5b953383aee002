"""solvent prove: apply a batch, prove it, and move the ledger."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from circuits.statement import Statement
from cli.directory import LedgerDirectory
from cli.errors import BadInputError
from cli.names import VenueNames
from cli.options import batch_argument, json_option, ledger_option, output_option, params_option, skip_option
from cli.output import emit, progress
from cli.refusals import close
from solvent import PARAMETERS, Rejection, Witness
from solvent import prove as prove_batch
from verifier.prices import bundles_path
from verifier.text import root_hex, statement_object

if TYPE_CHECKING:
    from prover.report import ProvingReport


@click.command()
@batch_argument
@ledger_option
@output_option("FILE.proof", "The proof to write.")
@params_option
@skip_option
@json_option
def prove(batch: Path, ledger: Path, out: Path, params: str, skip_refused: bool, as_json: bool) -> None:
    """Apply BATCH and prove it; the ledger moves only when the proof is written."""
    directory = LedgerDirectory(ledger)
    with directory.changing() as state, progress("proving") as step:
        step("applying the batch")
        applied, statement, witness = close(state, batch, skip_refused)
        proof, report = prove_closed(statement, witness, params, step)
        step("writing")
        directory.publish(state, proof, applied.bundles, out)
    content = {
        **applied.json(), "proof": str(out), "prices": str(bundles_path(out)), "parameters": params,
        **report_object(report), "statement": statement_object(statement, VenueNames(directory.venue)),
    }  # fmt: skip
    wrote = f"wrote {out} and {bundles_path(out).name}"
    emit(as_json, content, [*applied.lines(), *report_lines(report), wrote, _moved(statement)])


def prove_closed(
    statement: Statement, witness: Witness, params: str, step: Callable[[str], None]
) -> "tuple[bytes, ProvingReport]":
    """The proof of a closed batch. Raises BadInputError for one that is too large."""
    from prover.traces.columns import TraceError

    try:
        return prove_batch(statement, witness, PARAMETERS[params], step)
    except (TraceError, Rejection) as error:  # a table, or its height, out of bounds
        raise BadInputError(f"the batch is too large: {error}") from error


def report_object(report: "ProvingReport") -> dict[str, Any]:
    """What the proof took, for JSON."""
    return {
        "bytes": report.proof_size, "sizes": report.sizes, "seconds": round(report.total_seconds, 3),
        "steps": {name: round(seconds, 3) for name, seconds in report.seconds.items()},
        "tables": [
            {"name": t.name, "log_height": t.log_height, "main_columns": t.main_columns,
             "auxiliary_columns": t.auxiliary_columns}
            for t in report.tables
        ],
    }  # fmt: skip


def report_lines(report: "ProvingReport") -> list[str]:
    """What the proof took, for people."""
    steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in report.seconds.items())
    tables = [
        f"table {t.name}: 2^{t.log_height} rows, {t.main_columns} + {t.auxiliary_columns} columns"
        for t in report.tables
    ]
    return [f"proved in {report.total_seconds:.2f} s ({steps})", *tables, f"proof of {report.proof_size:,} bytes"]


def _moved(statement: Statement) -> str:
    return f"the ledger is at batch {statement.batch}, root {root_hex(statement.new_root)}"
