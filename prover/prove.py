"""Proving: from traces to the bytes of a proof, one method for each step of docs/protocol.md, A9."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from circuits.air import Circuit
from circuits.checker import check_buses, check_table
from circuits.field import EXTENSION_DEGREE, add
from prover import extension, fri, hiding, lanes, logup, merkle, ntt, openings, quotient, tiles
from prover.constraint_kernel import ConstraintKernel
from prover.errors import UnbalancedBus, UnsatisfiedConstraint, WitnessShapeError
from prover.grinding import grind
from prover.lanes import LANES, Words
from prover.merkle import Group, MerkleTree
from prover.quotient import QuotientTask
from prover.randomness import Randomness, random_salts
from prover.report import Progress, ProvingReport, table_sizes
from prover.selectors import LOG_CHUNKS
from verifier.buses import Fingerprint, check_balance
from verifier.codec import LayerHead, ProofHead, ProofWriter
from verifier.errors import Rejection
from verifier.merkle import ClassOpening, Opening
from verifier.params import CHUNKS, Parameters, Site
from verifier.shape import QUOTIENT_TABLE, Round, Shape, TableShape, TreeShape, shape_of
from verifier.transcript import NONCE_BYTES, Transcript
from verifier.verify import Statement, layer_positions


def prove(
    circuit: Circuit,
    parameters: Parameters,
    statement: Statement,
    traces: Mapping[str, Words],
    *,
    randomness: Randomness | None = None,
    progress: Progress | None = None,
    unchecked: bool = False,
) -> tuple[bytes, ProvingReport]:
    """The proof of the statement, and what it took.

    traces: for each table its main columns as tiles (T, n, 16) of prover/tiles.py, n the table's height; the last
    parameters.random_rows rows are ignored. randomness: for tests that repeat a proof. progress: called with the name
    of each step as it starts. unchecked: go on with a false witness as far as that leads, to test the verifier.
    Raises WitnessShapeError, UnsatisfiedConstraint, UnbalancedBus (these two only if not unchecked),
    VanishingDenominator, and verifier.errors.Rejection for a height outside the circuit's bounds.
    """
    shape = shape_of(circuit, parameters, _log_heights(circuit, traces))
    report = ProvingReport(table_sizes(shape))
    proving = _Proving(circuit, shape, statement, traces, Randomness() if randomness is None else randomness, unchecked)
    steps = {
        "main columns": proving.commit_main,
        "auxiliary columns": proving.commit_auxiliary,
        "quotient": proving.commit_quotient,
        "out-of-domain point": proving.open_out_of_domain,
        "batch": proving.combine_classes,
        "FRI layers": proving.commit_layers,
    }
    for name, step in steps.items():
        with report.step(name, progress):
            step()
    with report.step("openings", progress):
        proof = proving.write(report.sizes)
    return proof, report


class _Proving:
    """A proof under way: what each step leaves behind for those after it."""

    def __init__(
        self,
        circuit: Circuit,
        shape: Shape,
        statement: Statement,
        traces: Mapping[str, Words],
        randomness: Randomness,
        unchecked: bool,
    ) -> None:
        self.circuit, self.shape, self.statement = circuit, shape, statement
        self.randomness, self.unchecked = randomness, unchecked
        self.tables = shape.tables
        self.traces = [traces[table.table.name] for table in self.tables]
        self.transcript = Transcript()
        self.coefficients: openings.Coefficients = {}
        self.extensions: dict[tuple[Round, int], Words] = {}
        self.trees: dict[Round, MerkleTree] = {}
        self.layer_trees: list[MerkleTree] = []
        self.layer_heads: list[LayerHead] = []

    # ------------------------------------------------------------------------------------------------------- steps

    def commit_main(self) -> None:
        """Steps 1 and 2: the main columns with their random rows and masks."""
        transcript, shape = self.transcript, self.shape
        self.log_heights = tuple(table.log_height for table in self.tables)
        transcript.absorb_circuit(self.circuit.digest())
        transcript.absorb_parameters(shape.parameters)
        transcript.absorb_statement(self.statement.encode())
        transcript.absorb_heights(self.log_heights)
        self.masks = hiding.terminal_masks(len(self.tables), self.randomness)
        self.main = [
            _hidden_trace(table, trace, mask, self.randomness)
            for table, trace, mask in zip(self.tables, self.traces, self.masks, strict=True)
        ]
        for table, main in zip(self.tables, self.main, strict=True):
            self._extend(Round.MAIN, table, ntt.interpolate(main, table.log_height))
        transcript.absorb_main(self._commit(shape.main_tree, Round.MAIN))
        self.lookup_nonce = self._grind(Site.LOOKUP)
        self.beta, self.gamma = transcript.challenge_lookup()

    def commit_auxiliary(self) -> None:
        """Step 3: the LogUp columns and the masked terminals."""
        self.interactions = [logup.interactions_of(table.table, self.beta, self.gamma) for table in self.tables]
        self.terminals = []
        for number, table in enumerate(self.tables):
            columns, total = logup.auxiliary_columns(table, self.main[number], self.interactions[number])
            hiding.randomise_auxiliary(columns, table, self.randomness)
            self._extend(Round.AUXILIARY, table, ntt.interpolate(columns, table.log_height))
            mask = extension.elements(self.masks[number].reshape(-1, 1))[0]
            self.terminals.append(add(total, mask))
        self._check_balance()
        self.transcript.absorb_auxiliary(self._commit(self.shape.auxiliary_tree, Round.AUXILIARY))
        self.transcript.absorb_terminals(self.terminals)
        self.alpha = self.transcript.challenge_composition()

    def commit_quotient(self) -> None:
        """Step 4: the chunks of the quotient, and the random polynomial of the batch."""
        tallest = 1 << self.shape.log_tallest
        total = np.zeros((EXTENSION_DEGREE, CHUNKS * tallest), dtype=np.uint32)
        weights = extension.power_rows(self.alpha, self.shape.constraint_count)
        for table in self.tables:
            task = self._quotient_task(table, weights)
            coefficients = quotient.table_quotient(task)
            if not self.unchecked and not quotient.is_polynomial(task, coefficients):
                self._check_constraints(table)
                raise AssertionError(f"table {table.table.name}: the quotient of a valid witness is no polynomial")
            extension.add_to(total, coefficients)
        blinding = hiding.chunk_blinding(self.shape, self.randomness)
        self.random_polynomial = hiding.random_polynomial(self.shape, self.randomness)
        chunks = quotient.blinded_chunks(self.shape, total, blinding)
        key = Round.QUOTIENT, QUOTIENT_TABLE
        self.coefficients[key] = tiles.from_planar([*chunks, self.random_polynomial])
        domain = self.shape.domain(self.shape.log_tallest)
        self.extensions[key] = ntt.evaluate(self.coefficients[key], domain.log_size, domain.shift)
        self.transcript.absorb_quotient(self._commit(self.shape.quotient_tree, Round.QUOTIENT))
        self.out_of_domain_nonce = self._grind(Site.OUT_OF_DOMAIN)
        self.z = self.transcript.challenge_out_of_domain()

    def open_out_of_domain(self) -> None:
        """Step 5, first half: the values at z and at g_t z."""
        self.opened_values = openings.opened_values(self.shape, self.coefficients, self.z)
        self.transcript.absorb_openings(self.opened_values)
        self.batch_nonce = self._grind(Site.BATCH)

    def combine_classes(self) -> None:
        """Step 5, second half: the batched DEEP quotient of each class, G_H with the random polynomial."""
        lambdas = self.transcript.challenge_batch(len(self.shape.openings))
        self.classes = openings.class_quotients(self.shape, self.coefficients, self.z, lambdas)
        extension.add_to(self.classes[self.shape.log_tallest], self.random_polynomial)

    def commit_layers(self) -> None:
        """Steps 6 and 7: the FRI layers, the final polynomial, and the grinding before the queries."""
        polynomial = self.classes[self.shape.log_tallest]
        for layer in range(self.shape.layers):
            tree = fri.commit_layer(polynomial, self.shape.domain(self.shape.layer_class(layer)), self.randomness)
            self.transcript.absorb_layer(tree.root)
            self.layer_trees.append(tree)
            self.layer_heads.append(LayerHead(tree.root, self._grind(Site.FOLD)))
            weights, iota = self.transcript.challenge_fold(self.shape.injects(layer))
            polynomial = fri.fold(polynomial, weights)
            if iota is not None:
                extension.add_product(polynomial, self.classes[self.shape.layer_class(layer + 1)], iota)
        self.final = extension.elements(polynomial)
        self.transcript.absorb_final(self.final)
        self.query_nonce = self._grind(Site.QUERY)

    def write(self, sizes: dict[str, int]) -> bytes:
        """Step 7: open everything at the queries, and the whole proof. sizes: filled with the bytes of each part."""
        queries, log_domain = self.shape.parameters.queries, self.shape.log_domain
        positions = sorted(set(self.transcript.query_positions(queries, log_domain)))
        writer, written = ProofWriter(), 0

        def account(part: str) -> None:
            nonlocal written
            sizes[part] = sizes.get(part, 0) + len(writer.data()) - written
            written = len(writer.data())

        writer.head(self._head())
        account("head")
        for name, tree in self.trees.items():
            writer.opening(_opening(tree, positions))
            account(f"{name} openings")
        for layer, tree in enumerate(self.layer_trees):
            writer.opening(_opening(tree, layer_positions(positions, layer)))
            account("layer openings")
        return writer.data()

    # --------------------------------------------------------------------------------------------------- their parts

    def _head(self) -> ProofHead:
        return ProofHead(
            statement=self.statement.encode(),
            log_heights=self.log_heights,
            main_root=self.trees[Round.MAIN].root,
            lookup_nonce=self.lookup_nonce,
            auxiliary_root=self.trees[Round.AUXILIARY].root,
            terminals=self.terminals,
            quotient_root=self.trees[Round.QUOTIENT].root,
            out_of_domain_nonce=self.out_of_domain_nonce,
            opened_values=self.opened_values,
            batch_nonce=self.batch_nonce,
            layers=self.layer_heads,
            final=self.final,
            query_nonce=self.query_nonce,
        )

    def _extend(self, name: Round, table: TableShape, coefficients: Words) -> None:
        """Keep a table's coefficients and their low-degree extension to its class domain."""
        domain = self.shape.domain(table.log_class)
        self.coefficients[name, table.number] = coefficients
        self.extensions[name, table.number] = ntt.evaluate(coefficients, domain.log_size, domain.shift)

    def _on_quotient_domain(self, name: Round, table: TableShape) -> Words:
        """A table's columns on its quotient domain, with which the class domain starts if it is long enough."""
        extended = self.extensions[name, table.number]
        log_size = table.log_height + LOG_CHUNKS
        if extended.shape[1] >= 1 << log_size:
            return extended
        shift = self.shape.domain(table.log_class).shift
        return ntt.evaluate(self.coefficients[name, table.number], log_size, shift)

    def _commit(self, tree: TreeShape, name: Round) -> bytes:
        """The root of a round's tree over the extensions."""
        groups = []
        for log_class, tree_class in zip(self.shape.classes, tree.classes, strict=False):
            numbers = [table.number for table in self.shape.tables_of(log_class)]
            if name is Round.QUOTIENT:
                numbers = [QUOTIENT_TABLE]
            matrices = [self.extensions[name, number] for number in numbers]
            salts = random_salts(1 << tree_class.log_rows, self.randomness)
            groups.append(Group(tree_class.log_rows, matrices, tree_class.widths, salts))
        self.trees[name] = merkle.commit(groups)
        return self.trees[name].root

    def _grind(self, site: Site) -> bytes:
        """A nonce that gives the site's bits, absorbed."""
        bits = self.shape.parameters.bits(site)
        nonce = grind(self.transcript.state, bits).to_bytes(NONCE_BYTES, "big")
        self.transcript.check_grinding(site, bits, nonce)
        return nonce

    def _quotient_task(self, table: TableShape, weights: Words) -> QuotientTask:
        main, auxiliary = (self._on_quotient_domain(name, table) for name in (Round.MAIN, Round.AUXILIARY))
        first, number = table.first_constraint, table.number
        return QuotientTask(
            table=table,
            shift=self.shape.domain(table.log_class).shift,
            main=main,
            auxiliary=auxiliary,
            kernel=ConstraintKernel(table, LANES * (len(main) + len(auxiliary))),
            interactions=self.interactions[number],
            weights=weights[first : first + table.constraint_count],
            terminal=extension.words(self.terminals[number]),
        )

    def _check_balance(self) -> None:
        """Raises UnsatisfiedConstraint or UnbalancedBus unless the verifier will find the buses balanced."""
        if self.unchecked:
            return
        messages, fingerprint = self.statement.messages(), Fingerprint(self.beta, self.gamma, self.circuit)
        try:
            check_balance(messages, self.terminals, fingerprint)
        except Rejection as rejection:
            for table in self.tables:
                self._check_constraints(table)
            columns = {table.table.name: self._active_columns(table) for table in self.tables}
            raise UnbalancedBus(check_buses(self.circuit, columns, messages)) from rejection

    def _check_constraints(self, table: TableShape) -> None:
        """Raises UnsatisfiedConstraint if the checker, which is slow, finds a violation."""
        failures = check_table(table.table, self._active_columns(table))
        if failures:
            raise UnsatisfiedConstraint(table.table.name, failures)

    def _active_columns(self, table: TableShape) -> list[list[int]]:
        active = np.ascontiguousarray(self.traces[table.number][:, : table.active_rows])
        columns: list[list[int]] = tiles.to_columns(active, table.table.width).tolist()
        return columns


def _log_heights(circuit: Circuit, traces: Mapping[str, Words]) -> list[int]:
    """Raises WitnessShapeError unless there are tiles of the right shape for every table and for nothing else."""
    names = {table.name for table in circuit.tables}
    if names != set(traces):
        raise WitnessShapeError(f"the circuit has the tables {sorted(names)}, the traces {sorted(traces)}")
    log_heights = []
    for table in circuit.tables:
        trace, count = traces[table.name], tiles.tile_count(table.width)
        rows = trace.shape[1] if trace.ndim == 3 else 0
        if trace.shape != (count, rows, LANES) or trace.dtype != np.uint32 or rows.bit_count() != 1:
            wanted = f"uint32 ({count}, power of two, {LANES})"
            raise WitnessShapeError(f"table {table.name} needs tiles {wanted}, not {trace.dtype} {trace.shape}")
        log_heights.append(rows.bit_length() - 1)
    return log_heights


def _hidden_trace(table: TableShape, trace: Words, mask: Words, source: Randomness) -> Words:
    """A copy of the trace with random rows, the mask in the first of them, and zeros beyond its columns."""
    main = lanes.empty(trace.shape)
    main[:] = trace
    main[-1, :, (table.table.width - 1) % LANES + 1 :] = 0
    hiding.randomise_rows(main, table.table.width, table.active_rows, source)
    main[0, table.active_rows, :EXTENSION_DEGREE] = mask
    return main


def _opening(tree: MerkleTree, positions: list[int]) -> Opening:
    opened = tree.open(positions)
    return Opening([ClassOpening(group.rows, group.salts) for group in opened.groups], opened.siblings)
