"""The encoding of a proof (docs/protocol.md, A10): a strict, canonical reader and writer.

All lengths follow from the shape and the query positions, never from the bytes; so a proof has exactly one encoding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from circuits.air import Circuit
from circuits.field import Extension
from verifier.elements import (
    ELEMENT_BYTES,
    EXTENSION_BYTES,
    pack_elements,
    pack_extensions,
    unpack_elements,
    unpack_extensions,
)
from verifier.errors import Reason, Rejection
from verifier.merkle import DIGEST_BYTES, SALT_BYTES, ClassOpening, Opening, class_rows, missing_siblings
from verifier.params import Parameters
from verifier.shape import Shape, TreeShape, shape_of
from verifier.transcript import NONCE_BYTES

MAGIC = b"SOLVENT\x01"  # name and version
LENGTH_BYTES = 4
MAX_STATEMENT_BYTES = 1 << 24


@dataclass(frozen=True)
class LayerHead:
    """What the transcript absorbs of one FRI layer: root, 32 bytes, and nonce, 8 bytes."""

    root: bytes
    nonce: bytes


@dataclass(frozen=True)
class ProofHead:
    """Everything of a proof before the openings. Roots are 32 bytes, nonces 8; log_heights in circuit order."""

    statement: bytes
    log_heights: tuple[int, ...]
    main_root: bytes
    lookup_nonce: bytes
    auxiliary_root: bytes
    terminals: list[Extension]
    quotient_root: bytes
    out_of_domain_nonce: bytes
    opened_values: list[Extension]
    batch_nonce: bytes
    layers: list[LayerHead]
    final: list[Extension]
    query_nonce: bytes


class ProofWriter:
    """Writes head, then the openings of main, auxiliary, quotient and each layer; then `data()` is the proof."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def head(self, head: ProofHead) -> None:
        """Everything before the openings. Raises ValueError for a statement that is too long."""
        if len(head.statement) > MAX_STATEMENT_BYTES:
            raise ValueError(f"the statement has {len(head.statement)} bytes, more than {MAX_STATEMENT_BYTES}")
        self._parts += [MAGIC, len(head.statement).to_bytes(LENGTH_BYTES, "big"), head.statement]
        self._parts += [bytes(head.log_heights), head.main_root, head.lookup_nonce]
        self._parts += [head.auxiliary_root, pack_extensions(head.terminals)]
        self._parts += [head.quotient_root, head.out_of_domain_nonce]
        self._parts += [pack_extensions(head.opened_values), head.batch_nonce]
        for layer in head.layers:
            self._parts += [layer.root, layer.nonce]
        self._parts += [pack_extensions(head.final), head.query_nonce]

    def opening(self, opening: Opening) -> None:
        """One opening: class by class each row and its salt, then the siblings."""
        for opened in opening.classes:
            for row, salt in zip(opened.rows, opened.salts, strict=True):
                self._parts += [pack_elements(row), salt]
        self._parts += opening.siblings

    def data(self) -> bytes:
        """The bytes written so far."""
        return b"".join(self._parts)


class ProofReader:
    """Reads a proof in order: head, then opening after opening, then finish. All methods raise Rejection."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def head(self, circuit: Circuit, parameters: Parameters) -> tuple[ProofHead, Shape]:
        """The head, and the shape that its heights give."""
        if self._take(len(MAGIC), "magic") != MAGIC:
            raise Rejection(Reason.MALFORMED, f"starts with {self._data[: len(MAGIC)]!r}, not {MAGIC!r}")
        length = int.from_bytes(self._take(LENGTH_BYTES, "statement length"), "big")
        if length > MAX_STATEMENT_BYTES:
            raise Rejection(Reason.MALFORMED, f"statement of {length} bytes, more than {MAX_STATEMENT_BYTES}")
        statement = self._take(length, "statement")
        log_heights = tuple(self._take(len(circuit.tables), "heights"))
        shape = shape_of(circuit, parameters, log_heights)
        head = ProofHead(
            statement=statement,
            log_heights=log_heights,
            main_root=self._digest("main root"),
            lookup_nonce=self._nonce("lookup nonce"),
            auxiliary_root=self._digest("auxiliary root"),
            terminals=self._extensions(len(shape.tables), "terminals"),
            quotient_root=self._digest("quotient root"),
            out_of_domain_nonce=self._nonce("out-of-domain nonce"),
            opened_values=self._extensions(len(shape.openings), "opened values"),
            batch_nonce=self._nonce("batch nonce"),
            layers=[
                LayerHead(self._digest(f"root of layer {j}"), self._nonce(f"fold nonce of layer {j}"))
                for j in range(shape.layers)
            ],
            final=self._extensions(shape.final_length, "final polynomial"),
            query_nonce=self._nonce("query nonce"),
        )
        return head, shape

    def opening(self, tree: TreeShape, positions: Sequence[int]) -> Opening:
        """The opening of a tree at distinct ascending leaf positions."""
        classes = []
        for tree_class in tree.classes:
            width = sum(tree_class.widths)
            rows, salts = [], []
            for row in class_rows(tree, tree_class, positions):
                where = f"opening of {tree.name}, class of 2^{tree_class.log_rows} rows, row {row}"
                rows.append(unpack_elements(self._take(ELEMENT_BYTES * width, where), where))
                salts.append(self._take(SALT_BYTES, where))
            classes.append(ClassOpening(rows, salts))
        siblings = [
            self._digest(f"opening of {tree.name}, level {level}, sibling {index}")
            for level, indices in enumerate(missing_siblings(positions, tree.log_leaves))
            for index in indices
        ]
        return Opening(classes, siblings)

    def finish(self) -> None:
        """Require that nothing follows."""
        rest = len(self._data) - self._position
        if rest:
            raise Rejection(Reason.TRAILING_BYTES, f"{rest} bytes follow the end of the proof at byte {self._position}")

    def _take(self, length: int, where: str) -> bytes:
        taken = self._data[self._position : self._position + length]
        if len(taken) < length:
            need = f"{where} needs {length} bytes at byte {self._position}"
            raise Rejection(Reason.MALFORMED, f"{need}, but the proof has {len(self._data)}")
        self._position += length
        return taken

    def _digest(self, where: str) -> bytes:
        return self._take(DIGEST_BYTES, where)

    def _nonce(self, where: str) -> bytes:
        return self._take(NONCE_BYTES, where)

    def _extensions(self, count: int, where: str) -> list[Extension]:
        return unpack_extensions(self._take(EXTENSION_BYTES * count, where), where)
