"""A slow prover written from docs/protocol.md alone, sharing only circuits/ and the parameters with the verifier.

It is the oracle of verifier and prover: simple numpy, polynomials by their coefficients, no care for speed or memory.
Its randomness is seeded, so its proofs hide nothing.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from circuits.air import Circuit, Table, Where
from circuits.expression import affine
from circuits.field import P, batch_invert, reverse_bits, root_of_unity
from verifier.params import Parameters, Site

Array = npt.NDArray[np.int64]  # elements in [0, P); an extension element is a last axis of 5
Tamper = Callable[[str, Any], Any]  # (what, value) -> the value to use instead


def honest(_what: str, value: Any) -> Any:
    """No tampering."""
    return value


# --- arithmetic -------------------------------------------------------------------------------------------------------


@cache
def powers(base: int, count: int) -> Array:
    """1, base, base^2, ..."""
    result = [1]
    for _ in range(count - 1):
        result.append(result[-1] * base % P)
    return np.array(result, dtype=np.int64)


@cache
def bit_reversal(log_size: int) -> Array:
    """The permutation row -> bitrev(row)."""
    return np.array([reverse_bits(i, log_size) for i in range(1 << log_size)], dtype=np.int64)


def ext_mul(a: Array, b: Array) -> Array:
    """Products in F: the plain product of degree 8, reduced from the top by x^5 = 1 - x^2."""
    a, b = np.broadcast_arrays(a, b)
    product = np.zeros((*a.shape[:-1], 9), dtype=np.int64)
    for i in range(5):
        for j in range(5):
            product[..., i + j] = (product[..., i + j] + a[..., i] * b[..., j]) % P
    for i in range(8, 4, -1):
        product[..., i - 5] = (product[..., i - 5] + product[..., i]) % P
        product[..., i - 3] = (product[..., i - 3] - product[..., i]) % P
    return product[..., :5].copy()


def ext_power(a: Array, exponent: int) -> Array:
    """a^exponent."""
    result = lift(np.ones(a.shape[:-1], dtype=np.int64))
    for bit in bin(exponent)[2:]:
        result = ext_mul(result, result)
        if bit == "1":
            result = ext_mul(result, a)
    return result


def ext_inverse(a: Array) -> Array:
    """Inverses of an array of extension elements."""
    flat = [tuple(int(c) for c in element) for element in a.reshape(-1, 5)]
    return np.array(batch_invert(flat), dtype=np.int64).reshape(a.shape)  # type: ignore[arg-type]


def base_inverse(a: Array) -> Array:
    """Inverses of base elements, a^(P-2)."""
    result = np.ones_like(a)
    for bit in bin(P - 2)[2:]:
        result = result * result % P
        if bit == "1":
            result = result * a % P
    return result


def lift(a: Array) -> Array:
    """Base elements as extension elements."""
    result = np.zeros((*a.shape, 5), dtype=np.int64)
    result[..., 0] = a % P
    return result


def transform(values: Array, root: int) -> Array:
    """The values at root^0, root^1, ... of the polynomials whose coefficients run along axis 0."""
    log_size = len(values).bit_length() - 1
    shape = values.shape
    values = values.reshape(len(values), -1)[bit_reversal(log_size)]
    for level in range(1, log_size + 1):
        half = 1 << (level - 1)
        twiddles = powers(pow(root, 1 << (log_size - level), P), half)[None, :, None]
        blocks = values.reshape(-1, 2 * half, values.shape[-1])
        even, odd = blocks[:, :half], blocks[:, half:] * twiddles % P
        values = np.concatenate([even + odd, even - odd], axis=1) % P
        values = values.reshape(shape[0], -1)
    return values.reshape(shape)


def interpolate(values: Array, shift: int = 1) -> Array:
    """Coefficients from the values at shift * w^0, shift * w^1, ... along axis 0."""
    size = len(values)
    root = pow(root_of_unity(size.bit_length() - 1), P - 2, P)
    scales = powers(pow(shift, P - 2, P), size) * pow(size, P - 2, P) % P
    return along(scales, transform(values, root))


def evaluate(coefficients: Array, log_size: int, shift: int) -> Array:
    """The values at shift * w^0, shift * w^1, ... on a coset of size 2^log_size, in natural order."""
    padded = np.zeros((1 << log_size, *coefficients.shape[1:]), dtype=np.int64)
    padded[: len(coefficients)] = along(powers(shift, len(coefficients)), coefficients)
    return transform(padded, root_of_unity(log_size))


def along(scales: Array, values: Array) -> Array:
    """Row i of values times scales[i]."""
    return values * scales.reshape(-1, *(1,) * (values.ndim - 1)) % P


def evaluate_at(coefficients: Array, point: Array) -> Array:
    """Polynomials with base coefficients, shape (n, columns), at an extension point: shape (columns, 5)."""
    point_powers = np.array([[1, 0, 0, 0, 0]], dtype=np.int64)
    step = point[None, :]
    while len(point_powers) < len(coefficients):
        point_powers = np.concatenate([point_powers, ext_mul(point_powers, step)])
        step = ext_mul(step, step)
    products = coefficients[:, :, None] * point_powers[: len(coefficients), None, :] % P
    return np.asarray(products.sum(axis=0) % P)


def combine(coordinates: Array) -> Array:
    """sum of x^j * e_j for extension elements e_0 .. e_4 along axis 0."""
    total = np.zeros(5, dtype=np.int64)
    for j in range(5):
        total = (total + ext_mul(coordinates[j], np.eye(5, dtype=np.int64)[j])) % P
    return total


class ArrayArithmetic:
    """Programs on arrays of base elements."""

    def constant(self, value: int) -> Any:
        return np.int64(value)

    def add(self, a: Any, b: Any) -> Any:
        return (a + b) % P

    def sub(self, a: Any, b: Any) -> Any:
        return (a - b) % P

    def mul(self, a: Any, b: Any) -> Any:
        return a * b % P


# --- transcript and trees (A6, A9) ------------------------------------------------------------------------------------


def sha(*parts: bytes) -> bytes:
    """SHA-256 of the concatenation."""
    return hashlib.sha256(b"".join(parts)).digest()


def encode(values: Array) -> bytes:
    """Elements of 4 bytes, big-endian."""
    return np.ascontiguousarray(values).astype(">u4").tobytes()


class ReferenceTranscript:
    """A9."""

    def __init__(self) -> None:
        self.state = sha(b"solvent-stark-v1")

    def absorb(self, label: str, data: bytes) -> None:
        name = label.encode()
        self.state = sha(self.state, bytes([len(name)]), name, len(data).to_bytes(8, "big"), data)

    def words(self, label: str, count: int, accept: Callable[[int], int | None]) -> list[int]:
        """The first `count` accepted words of a squeeze."""
        name, start, counter = label.encode(), self.state, 0
        found: list[int] = []
        while len(found) < count:
            block = sha(start, b"squeeze", bytes([len(name)]), name, counter.to_bytes(4, "big"))
            candidates = (accept(int.from_bytes(block[i : i + 4], "big")) for i in range(0, 32, 4))
            found += [word for word in candidates if word is not None]
            counter += 1
        self.state = sha(start, b"ratchet", name)
        return found[:count]

    def extensions(self, label: str, count: int) -> Array:
        def accept(word: int) -> int | None:
            return word % 2**31 if word % 2**31 < P else None

        return np.array(self.words(label, 5 * count, accept), dtype=np.int64).reshape(count, 5)

    def grind(self, site: Site, bits: int) -> bytes:
        nonces = (i.to_bytes(8, "big") for i in range(1 << 40))
        nonce = next(n for n in nonces if int.from_bytes(sha(self.state, b"grind", n), "big") < 1 << (256 - bits))
        self.absorb("grind " + site, nonce)
        return nonce


class Tree:
    """A6: matrices by log rows, each (rows, width) in the order of the domain."""

    def __init__(self, matrices: Mapping[int, list[Array]], source: np.random.Generator) -> None:
        self.matrices = {log_rows: matrices[log_rows] for log_rows in sorted(matrices, reverse=True)}
        salts = {log_rows: source.bytes(16 << log_rows) for log_rows in self.matrices}
        self.salts = {k: [data[i : i + 16] for i in range(0, len(data), 16)] for k, data in salts.items()}
        self.top = max(matrices)
        self.levels = [self._leaves(self.top)]
        for level in range(self.top - 1, -1, -1):
            below = self.levels[-1]
            joined = self._leaves(level) if level in self.matrices else [b""] * (1 << level)
            self.levels.append([sha(below[2 * i], below[2 * i + 1], joined[i]) for i in range(1 << level)])
        self.root = self.levels[-1][0]

    def _leaves(self, log_rows: int) -> list[bytes]:
        padded = [np.pad(m, ((0, 0), (0, -m.shape[1] % 16))) for m in self.matrices[log_rows]]
        rows = np.concatenate(padded, axis=1)
        data, size = encode(rows), 4 * rows.shape[1]
        return [sha(data[size * i : size * (i + 1)], salt) for i, salt in enumerate(self.salts[log_rows])]

    def open(self, positions: Sequence[int]) -> bytes:
        """The opening at distinct ascending leaf positions."""
        parts = []
        for log_rows, matrices in self.matrices.items():
            for row in sorted({position >> (self.top - log_rows) for position in positions}):
                parts += [encode(matrix[row]) for matrix in matrices] + [self.salts[log_rows][row]]
        known = sorted(positions)
        for level in self.levels[:-1]:
            parts += [level[index ^ 1] for index in known if index ^ 1 not in known]
            known = sorted({index >> 1 for index in known})
        return b"".join(parts)


# --- the proof --------------------------------------------------------------------------------------------------------


@dataclass
class Trace:
    """One table: main (n, width) and auxiliary (n, 5 * columns) values, and the coefficients of both."""

    table: Table
    log_height: int
    active: int
    main: Array
    auxiliary: Array
    main_polynomials: Array
    auxiliary_polynomials: Array

    @property
    def generator(self) -> int:
        return root_of_unity(self.log_height)

    @property
    def next_columns(self) -> list[int]:
        return self.table.next_columns()


class ReferenceProver:
    """Builds one proof; `tamper` may replace what it is about to use. All polynomials are coefficient arrays."""

    def __init__(
        self, circuit: Circuit, parameters: Parameters, log_heights: Sequence[int], seed: int, tamper: Tamper = honest
    ) -> None:
        self.circuit, self.parameters, self.log_heights, self.tamper = circuit, parameters, log_heights, tamper
        self.source = np.random.default_rng(seed)
        self.transcript = ReferenceTranscript()
        self.tallest = max(log_heights)
        self.classes = [self.tallest - 3 * ((self.tallest - h) // 3) for h in log_heights]
        self.stride = (1 << self.tallest) - (parameters.queries + 6)
        self.proof = b""
        self.z = np.zeros(5, dtype=np.int64)

    def random(self, *shape: int) -> Array:
        return self.source.integers(0, P, shape, dtype=np.int64)

    def send(self, label: str, data: bytes) -> None:
        """To the proof and to the transcript."""
        self.proof += data
        self.transcript.absorb(label, data)

    def grind(self, site: Site) -> None:
        self.proof += self.transcript.grind(site, self.parameters.bits(site))

    def domain(self, log_class: int) -> tuple[int, int]:
        """Log size and shift."""
        return log_class + self.parameters.log_blowup, pow(3, 8 ** ((self.tallest - log_class) // 3), P)

    def on_domain(self, coefficients: Array, log_class: int) -> Array:
        """Rows in bit-reversed order."""
        log_size, shift = self.domain(log_class)
        return evaluate(coefficients, log_size, shift)[bit_reversal(log_size)]

    def points(self, log_class: int) -> Array:
        log_size, shift = self.domain(log_class)
        return (powers(root_of_unity(log_size), 1 << log_size) * shift % P)[bit_reversal(log_size)]

    def prove(self, statement: bytes, columns: Mapping[str, Sequence[Sequence[int]]]) -> bytes:
        """The proof of a statement from the active rows of every table."""
        self.begin(statement)
        traces, main_tree = self.commit_main(columns)
        auxiliary_tree, fingerprint, terminals = self.commit_auxiliary(traces)
        chunks, mask, quotient_tree = self.commit_quotient(traces, fingerprint, terminals)
        batches = self.open(traces, chunks, mask)
        layer_trees = self.commit_layers(batches)
        log_domain = self.tallest + self.parameters.log_blowup
        words = self.transcript.words("query", self.parameters.queries, lambda word: word % (1 << log_domain))
        positions = sorted(set(words))
        for tree in (main_tree, auxiliary_tree, quotient_tree):
            self.proof += tree.open(positions)
        for j, tree in enumerate(layer_trees):
            self.proof += tree.open(sorted({position >> 3 * (j + 1) for position in positions}))
        return self.proof

    def begin(self, statement: bytes) -> None:
        """A9.1."""
        self.transcript.absorb("circuit", self.circuit.digest())
        self.transcript.absorb("parameters", self.parameters.encode())
        self.transcript.absorb("statement", statement)
        self.transcript.absorb("heights", bytes(self.log_heights))
        self.proof = b"SOLVENT\x01" + len(statement).to_bytes(4, "big") + statement + bytes(self.log_heights)

    def tree_of(self, polynomials: Sequence[Array]) -> Tree:
        matrices: dict[int, list[Array]] = {}
        for log_class, coefficients in zip(self.classes, polynomials, strict=True):
            matrices.setdefault(self.domain(log_class)[0], []).append(self.on_domain(coefficients, log_class))
        return Tree(matrices, self.source)

    def commit_main(self, columns: Mapping[str, Sequence[Sequence[int]]]) -> tuple[list[Trace], Tree]:
        """Random rows after the active ones; row N of the last table makes the masks add up to 0."""
        traces, mask_total = [], np.zeros(5, dtype=np.int64)
        for table, log_height in zip(self.circuit.tables, self.log_heights, strict=True):
            active = np.array(columns[table.name], dtype=np.int64).T
            main = np.concatenate([active, self.random((1 << log_height) - len(active), table.width)])
            if table is self.circuit.tables[-1]:
                main[len(active), :5] = -mask_total % P
            mask_total += main[len(active), :5]
            empty = np.zeros((0, 0), dtype=np.int64)
            traces.append(Trace(table, log_height, len(active), main, empty, interpolate(main), empty))
        tree = self.tree_of([trace.main_polynomials for trace in traces])
        self.send("main", tree.root)
        self.grind(Site.LOOKUP)
        return traces, tree

    def commit_auxiliary(self, traces: Sequence[Trace]) -> tuple[Tree, Array, Array]:
        """A4: fractions and running sums; returns the tree, (beta, gamma) and the masked terminals."""
        fingerprint = self.transcript.extensions("lookup", 2)
        terminals = []
        for trace in traces:
            groups, name = trace.table.groups(), trace.table.name
            fractions = self.tamper(f"{name} fractions", [self.fraction(trace, g, fingerprint) for g in groups])
            n, active = 1 << trace.log_height, trace.active
            running = self.random(n, 5)
            running[0] = 0
            increments = np.sum(fractions, axis=0)[:active] % P
            running[1 : active + 1] = np.cumsum(increments, axis=0) % P
            running = self.tamper(f"{name} running sum", running)
            partial = [np.concatenate([f[:active], self.random(n - active, 5)]) for f in fractions[:-1]]
            trace.auxiliary = np.concatenate([*partial, running], axis=1)
            trace.auxiliary_polynomials = interpolate(trace.auxiliary)
            terminals.append((running[active] + trace.main[active, :5]) % P)
        tree = self.tree_of([trace.auxiliary_polynomials for trace in traces])
        self.send("auxiliary", tree.root)
        sent = self.tamper("terminals", np.array(terminals))
        self.send("terminals", encode(sent))
        return tree, fingerprint, sent

    def fraction(self, trace: Trace, group: Sequence[Any], fingerprint: Array) -> Array:
        total = np.zeros((len(trace.main), 5), dtype=np.int64)
        for multiplicity, denominator in self.interactions(trace.main, group, fingerprint):
            total += ext_mul(lift(multiplicity), ext_inverse(denominator))
        return total % P

    def interactions(self, main: Array, group: Sequence[Any], fingerprint: Array) -> Iterator[tuple[Array, Array]]:
        """Multiplicity and denominator of each interaction on all rows of `main`."""

        def value(expression: Any) -> Array:
            form = affine(expression)
            total = np.full(len(main), form.constant, dtype=np.int64)
            for index, coefficient in form.terms:
                total = (total + main[:, index] * coefficient) % P
            return total

        beta, gamma = fingerprint
        for interaction in group:
            denominator = np.tile(beta, (len(main), 1)) + lift(np.int64(interaction.bus.number) + np.zeros(1, np.int64))
            for j, expression in enumerate(interaction.values):
                denominator = (denominator + ext_mul(lift(value(expression)), ext_power(gamma, j + 1))) % P
            yield value(interaction.multiplicity), denominator % P

    def commit_quotient(
        self, traces: Sequence[Trace], fingerprint: Array, terminals: Array
    ) -> tuple[Array, Array, Tree]:
        """A5: chunks and random polynomial, both of 2^H rows; chunks side by side, 20 columns."""
        alpha = self.transcript.extensions("composition", 1)[0]
        log_size, shift = self.tallest + 2, 5
        total = np.zeros((1 << log_size, 5), dtype=np.int64)
        weight = np.array([1, 0, 0, 0, 0], dtype=np.int64)
        for trace, terminal in zip(traces, terminals, strict=True):
            for term in self.constraint_terms(trace, fingerprint, terminal, log_size, shift):
                total = (total + ext_mul(term, weight)) % P
                weight = ext_mul(weight, alpha)
        quotient = self.tamper("quotient", interpolate(total, shift))
        h, n = self.parameters.queries + 6, 1 << self.tallest
        if quotient[4 * self.stride :].any():
            raise ValueError("the trace breaks a constraint: the quotient has too high a degree")
        chunks, blinding = np.zeros((4, n, 5), dtype=np.int64), self.random(4, h, 5)
        for i in range(4):
            chunks[i, : self.stride] = quotient[i * self.stride : (i + 1) * self.stride]
            if i < 3:
                chunks[i, self.stride :] = blinding[i]
            if i > 0:
                chunks[i, :h] = (chunks[i, :h] - blinding[i - 1]) % P
        side_by_side = np.concatenate(list(chunks), axis=1)
        mask = self.random(n, 5)
        matrix = self.on_domain(np.concatenate([side_by_side, mask], axis=1), self.tallest)
        tree = Tree({self.domain(self.tallest)[0]: [matrix]}, self.source)
        self.send("quotient", tree.root)
        self.grind(Site.OUT_OF_DOMAIN)
        return side_by_side, mask, tree

    def constraint_terms(
        self, trace: Trace, fingerprint: Array, terminal: Array, log_size: int, shift: int
    ) -> Iterator[Array]:
        """selector * C / Z for each constraint of a table, on a coset in natural order."""
        x = powers(root_of_unity(log_size), 1 << log_size) * shift % P
        g, n = trace.generator, 1 << trace.log_height
        random_points = [pow(g, i, P) for i in range(trace.active, n)]
        vanishing = base_inverse((powers(pow(root_of_unity(log_size), n, P), 1 << log_size) * pow(shift, n, P) - 1) % P)
        active = vanishing
        for point in random_points:
            active = active * (x - point) % P
        at_last = (x - pow(g, trace.active - 1, P)) % P
        selectors = {
            Where.ACTIVE: active,
            Where.TRANSITION: active * at_last % P,
            Where.FIRST: base_inverse((x - 1) % P),
            Where.LAST: base_inverse(at_last),
        }
        terminal_row = base_inverse((x - random_points[0]) % P)
        steps = powers(g, n)
        main = evaluate(trace.main_polynomials, log_size, shift)
        main_next = evaluate(along(steps, trace.main_polynomials), log_size, shift)
        auxiliary = evaluate(trace.auxiliary_polynomials, log_size, shift).reshape(len(x), -1, 5)
        sum_next = evaluate(along(steps, trace.auxiliary_polynomials[:, -5:]), log_size, shift)
        values = trace.table.program().run(lambda i, offset: (main_next if offset else main)[:, i], ArrayArithmetic())
        for constraint, value in zip(trace.table.constraints, values, strict=True):
            yield lift(value * selectors[constraint.where] % P)
        groups = trace.table.groups()
        for k, group in enumerate(groups):
            left = auxiliary[:, k]
            if k == len(groups) - 1:
                left = (sum_next - auxiliary.sum(axis=1)) % P
            pairs = list(self.interactions(main, group, fingerprint))
            for _, d in pairs:
                left = ext_mul(left, d)
            for i, (m, _) in enumerate(pairs):
                others = lift(m)
                for j, (_, d) in enumerate(pairs):
                    others = ext_mul(others, d) if j != i else others
                left = (left - others) % P
            yield ext_mul(left, lift(active))
        running = auxiliary[:, -1]
        yield ext_mul(running, lift(selectors[Where.FIRST]))
        yield ext_mul((running + main[:, :5] - terminal) % P, lift(terminal_row))

    def open(self, traces: Sequence[Trace], chunks: Array, mask: Array) -> dict[int, Array]:
        """A7: sends the opened values; returns the coefficients of G_c by class."""
        z = self.z = self.transcript.extensions("out-of-domain", 1)[0]
        opened: list[tuple[int, Array, Array, Array]] = []  # class, polynomial of 5 coordinates, point, value
        for trace, log_class in zip(traces, self.classes, strict=True):
            base, sums = trace.main_polynomials, trace.auxiliary_polynomials
            next_point = z * trace.generator % P
            opened += [(log_class, *p) for p in open_base(base, z, range(base.shape[1]))]
            opened += [(log_class, *p) for p in open_extensions(sums, z, range(sums.shape[1] // 5))]
            opened += [(log_class, *p) for p in open_base(base, next_point, trace.next_columns)]
            opened += [(log_class, *p) for p in open_extensions(sums, next_point, [sums.shape[1] // 5 - 1])]
        opened += [(self.tallest, *p) for p in open_extensions(chunks, z, range(4))]
        values = self.tamper("opened values", np.array([value for *_, value in opened]))
        self.send("openings", encode(values))
        self.grind(Site.BATCH)
        lambdas = self.transcript.extensions("batch", len(opened))
        batches: dict[int, Array] = {}
        for log_class in set(self.classes):
            mine = [i for i, entry in enumerate(opened) if entry[0] == log_class]
            batches[log_class] = self.batch(log_class, [opened[i] for i in mine], values[mine], lambdas[mine])
        batches[self.tallest] = (batches[self.tallest] + mask) % P
        return batches

    def batch(self, log_class: int, opened: Sequence[Any], values: Array, lambdas: Array) -> Array:
        """sum of lambda (f - e) / (X - y) as coefficients, by values on the domain of the class."""
        log_size, shift = self.domain(log_class)
        x = powers(root_of_unity(log_size), 1 << log_size) * shift % P
        total = np.zeros((1 << log_size, 5), dtype=np.int64)
        for point in {tuple(point.tolist()) for _, _, point, _ in opened}:
            numerator = np.zeros((1 << log_class, 5), dtype=np.int64)
            for (_, polynomial, y, _), value, coefficient in zip(opened, values, lambdas, strict=True):
                if tuple(y.tolist()) == point:
                    product = ext_mul(polynomial, coefficient)
                    numerator[: len(product)] = (numerator[: len(product)] + product) % P
                    numerator[0] = (numerator[0] - ext_mul(value, coefficient)) % P
            inverses = ext_inverse((lift(x) - np.array(point)) % P)
            total = (total + ext_mul(evaluate(numerator, log_size, shift), inverses)) % P
        coefficients = interpolate(total, shift)
        if coefficients[1 << log_class :].any() and self.tamper is honest:
            raise ValueError("a DEEP quotient is no polynomial")
        return coefficients[: 1 << log_class]

    def commit_layers(self, batches: Mapping[int, Array]) -> list[Tree]:
        """A8 by coefficients, and the final polynomial."""
        layer, log_class = batches[self.tallest], self.tallest
        trees: list[Tree] = []
        while log_class > 8:
            values = self.tamper(f"layer {len(trees)}", self.on_domain(layer, log_class)).reshape(-1, 40)
            trees.append(Tree({len(values).bit_length() - 1: [values]}, self.source))
            self.send("layer", trees[-1].root)
            self.grind(Site.FOLD)
            log_class -= 3
            injects = log_class in batches
            drawn = self.transcript.extensions("fold", 8 if injects else 7)
            folded = layer[0::8] + np.sum([ext_mul(layer[k::8], drawn[k - 1]) for k in range(1, 8)], axis=0)
            layer = folded % P
            if injects:
                layer = (layer + ext_mul(batches[log_class], drawn[7])) % P
        self.send("final", encode(self.tamper("final", layer)))
        self.grind(Site.QUERY)
        return trees


def open_base(polynomials: Array, point: Array, columns: Sequence[int]) -> list[tuple[Array, Array, Array]]:
    """(polynomial, point, value) of base columns."""
    chosen = polynomials[:, list(columns)]
    values = evaluate_at(chosen, point)
    return [(lift(chosen[:, i]), point, values[i]) for i in range(chosen.shape[1])]


def open_extensions(polynomials: Array, point: Array, columns: Sequence[int]) -> list[tuple[Array, Array, Array]]:
    """(polynomial, point, value) of extension columns, five base columns each."""
    chosen = [polynomials[:, 5 * k : 5 * k + 5] for k in columns]
    return [(polynomial, point, combine(evaluate_at(polynomial, point))) for polynomial in chosen]
