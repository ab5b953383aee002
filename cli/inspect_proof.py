"""A proof taken apart without verifying it: statement, parameters, tables, bytes by part."""

from dataclasses import dataclass
from typing import Any

from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from cli.output import aligned
from solvent import PARAMETERS, Parameters, Rejection
from verifier.codec import ProofReader, ProofWriter
from verifier.merkle import Opening
from verifier.shape import Shape
from verifier.statements import decode
from verifier.text import UNITS, Numbers, statement_lines, statement_object
from verifier.verify import read_openings, replay


@dataclass(frozen=True)
class Contents:
    """What a proof holds. sizes: bytes by part, in order."""

    statement: Statement
    parameters: Parameters
    shape: Shape
    sizes: dict[str, int]


def read(data: bytes) -> Contents:
    """The contents, under the parameters for which the bytes make sense. Raises Rejection if there are none."""
    rejections = []
    for parameters in PARAMETERS.values():
        try:
            return _read(data, parameters)
        except Rejection as rejection:
            rejections.append(rejection)
    raise rejections[0]


def _read(data: bytes, parameters: Parameters) -> Contents:
    circuit, reader = solvent_circuit(), ProofReader(data)
    head, shape = reader.head(circuit, parameters)
    openings = read_openings(reader, shape, replay(circuit, shape, head).positions)
    writer = ProofWriter()
    writer.head(head)
    sizes = {"statement": len(head.statement), "rest of the head": len(writer.data()) - len(head.statement)}
    sizes |= {f"{name} openings": _size(opening) for name, opening in openings.rounds.items()}
    sizes["layer openings"] = sum(_size(opening) for opening in openings.layers)
    return Contents(decode(head.statement), parameters, shape, sizes)


def _size(opening: Opening) -> int:
    writer = ProofWriter()
    writer.opening(opening)
    return len(writer.data())


def proof_object(contents: Contents) -> dict[str, Any]:
    """For JSON."""
    return {
        "verified": False, "parameters": contents.parameters.name, "bytes": sum(contents.sizes.values()),
        "sizes": contents.sizes,
        "tables": [
            {"name": t.table.name, "log_height": t.log_height, "main_columns": t.table.width,
             "auxiliary_extension_columns": t.table.auxiliary_width}
            for t in contents.shape.tables
        ],
        "statement": statement_object(contents.statement, Numbers()),
    }  # fmt: skip


def proof_lines(contents: Contents) -> list[str]:
    """For people."""
    p, total = contents.parameters, sum(contents.sizes.values())
    tables = [
        [t.table.name, f"2^{t.log_height}", str(t.table.width), f"5 * {t.table.auxiliary_width}"]
        for t in contents.shape.tables
    ]
    sizes = [[name, f"{size:,}", f"{100 * size / total:.1f} %"] for name, size in contents.sizes.items()]
    return [
        f"proof of {total:,} bytes, not verified here; {UNITS}",
        f"parameters  {p.name}: blow-up {1 << p.log_blowup}, {p.queries} queries, grinding {p.grinding_bits} bits",
        *statement_lines(contents.statement, Numbers()), "",
        *aligned(["table", "rows", "main columns", "LogUp columns"], tables), "",
        *aligned(["part", "bytes", "share"], [*sizes, ["all", f"{total:,}", ""]]),
    ]  # fmt: skip
