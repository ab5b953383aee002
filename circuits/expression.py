"""Expressions over the columns of one table, as frozen nodes, and straight-line programs that evaluate them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from circuits.field import P

Value = TypeVar("Value")
PRINTED_DEPTH = 12  # nested operations: shared parts are printed wherever they occur, so a text could grow without end


class Arithmetic(Protocol[Value]):
    """What a program needs of the values it runs on."""

    def constant(self, value: int) -> Value: ...
    def add(self, a: Value, b: Value) -> Value: ...
    def sub(self, a: Value, b: Value) -> Value: ...
    def mul(self, a: Value, b: Value) -> Value: ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Expression:
    """A polynomial over columns of this row and the next; a frozen, interned node: equal structure is the same object.

    operation is "constant" (of `value`), "column" (named `name`, number `index`, of this row if `offset` is 0, of the
    next if 1), or "+", "-" or "*" of `left` and `right`. digest is SHA-256 over the structure, 32 bytes.
    """

    operation: str
    degree: int
    digest: bytes
    operands: "tuple[Expression, ...]" = ()
    value: int = 0
    name: str = ""
    index: int = 0
    offset: int = 0

    @property
    def left(self) -> "Expression":
        """The first operand of an operation."""
        return self.operands[0]

    @property
    def right(self) -> "Expression":
        """The second operand of an operation."""
        return self.operands[1]

    def __add__(self, other: "Expression | int") -> "Expression":
        return _combine("+", self, lift(other))

    def __radd__(self, other: int) -> "Expression":
        return _combine("+", lift(other), self)

    def __sub__(self, other: "Expression | int") -> "Expression":
        return _combine("-", self, lift(other))

    def __rsub__(self, other: int) -> "Expression":
        return _combine("-", lift(other), self)

    def __mul__(self, other: "Expression | int") -> "Expression":
        return _combine("*", self, lift(other))

    def __rmul__(self, other: int) -> "Expression":
        return _combine("*", lift(other), self)

    def __neg__(self) -> "Expression":
        return _combine("-", lift(0), self)

    def next(self) -> "Expression":
        """The same column in the next row; only a column of this row has one."""
        if self.operation != "column" or self.offset:
            raise ValueError(f"only a column of the current row has a next value, not {self}")
        return column(self.name, self.index, 1)

    def __repr__(self) -> str:
        return self.text(PRINTED_DEPTH)

    def text(self, depth: int) -> str:
        """The expression as one would write it; what lies deeper than `depth` operations is left out."""
        if self.operation == "constant":
            return str(self.value if self.value <= P // 2 else self.value - P)
        if self.operation == "column":
            return self.name + ("'" if self.offset else "")
        if depth == 0:
            return "(...)"
        return f"({self.left.text(depth - 1)} {self.operation} {self.right.text(depth - 1)})"


_interned: dict[bytes, Expression] = {}


def _intern(
    operation: str,
    degree: int,
    operands: tuple[Expression, ...] = (),
    value: int = 0,
    name: str = "",
    index: int = 0,
    offset: int = 0,
) -> Expression:
    parts = [operation, str(value), name, str(index), str(offset), *(operand.digest.hex() for operand in operands)]
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    node = _interned.get(digest)
    if node is None:
        node = _interned[digest] = Expression(operation, degree, digest, operands, value, name, index, offset)
    return node


def constant(value: int) -> Expression:
    """The field constant value mod P."""
    return _intern("constant", 0, value=value % P)


def column(name: str, index: int, offset: int = 0) -> Expression:
    """Column number `index` of a table, in this row (offset 0) or the next (offset 1)."""
    return _intern("column", 1, name=name, index=index, offset=offset)


def lift(value: Expression | int) -> Expression:
    """An int as a constant; an expression as it is."""
    return constant(value) if isinstance(value, int) else value


def _combine(operation: str, left: Expression, right: Expression) -> Expression:
    if left.operation == right.operation == "constant":
        a, b = left.value, right.value
        return constant({"+": a + b, "-": a - b, "*": a * b}[operation])
    if right.operation == "constant" and right.value == 0:
        return right if operation == "*" else left
    if left.operation == "constant" and left.value == 0 and operation in "+*":
        return right if operation == "+" else left
    for one, other in ((left, right), (right, left)):
        if operation == "*" and one.operation == "constant" and one.value == 1:
            return other
    degree = left.degree + right.degree if operation == "*" else max(left.degree, right.degree)
    return _intern(operation, degree, (left, right))


def total(terms: Sequence[Expression | int]) -> Expression:
    """The sum of the terms; 0 for none."""
    result = constant(0)
    for term in terms:
        result = result + term
    return result


@dataclass(frozen=True)
class Affine:
    """constant + sum of coefficient * column over columns of the current row, as the LogUp kernel reads it."""

    constant: int
    terms: tuple[tuple[int, int], ...]  # (column index, coefficient), ascending, no zero coefficients


def affine(expression: Expression) -> Affine:
    """The affine form of an expression of degree <= 1 in the current row; raises ValueError for any other."""
    coefficients: dict[int, int] = {}

    def collect(node: Expression, factor: int) -> int:
        if node.operation == "constant":
            return node.value * factor
        if node.operation == "column":
            if node.offset:
                raise ValueError(f"{expression} reads the next row: bus messages are of the current row only")
            coefficients[node.index] = (coefficients.get(node.index, 0) + factor) % P
            return 0
        if node.operation == "*":
            if node.degree > 1:
                raise ValueError(f"{expression} has degree {expression.degree}: bus messages are affine")
            scalar, rest = (node.left, node.right) if node.left.degree == 0 else (node.right, node.left)
            return collect(rest, factor * scalar.value % P)
        return collect(node.left, factor) + collect(node.right, factor if node.operation == "+" else -factor)

    value = collect(expression, 1) % P
    return Affine(value, tuple(sorted((i, c) for i, c in coefficients.items() if c)))


@dataclass(frozen=True)
class Program:
    """Straight-line code for several expressions at once; each shared subexpression is computed once.

    Values are numbered: first the inputs, then the constants, then one for each operation.
    """

    inputs: tuple[tuple[int, int], ...]  # (column index, offset)
    constants: tuple[int, ...]
    operations: tuple[tuple[str, int, int], ...]  # ("+" | "-" | "*", value number, value number)
    outputs: tuple[int, ...]  # value numbers

    def run(self, read: Callable[[int, int], Value], arithmetic: Arithmetic[Value]) -> list[Value]:
        """The outputs, with read(column index, offset) giving the inputs."""
        values = [read(index, offset) for index, offset in self.inputs]
        values += [arithmetic.constant(value) for value in self.constants]
        functions = {"+": arithmetic.add, "-": arithmetic.sub, "*": arithmetic.mul}
        for operation, i, j in self.operations:
            values.append(functions[operation](values[i], values[j]))
        return [values[number] for number in self.outputs]


def _postorder(roots: Sequence[Expression]) -> list[Expression]:
    order: list[Expression] = []
    done: set[int] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, expanded = stack.pop()
        if id(node) in done:
            continue
        if expanded or node.operation in ("constant", "column"):
            done.add(id(node))
            order.append(node)
        else:
            stack += [(node, True), (node.right, False), (node.left, False)]
    return order


def compile_program(expressions: Sequence[Expression]) -> Program:
    """The program whose outputs are the expressions, in order."""
    nodes = _postorder(expressions)
    inputs = sorted({(n.index, n.offset) for n in nodes if n.operation == "column"})
    constants = sorted({n.value for n in nodes if n.operation == "constant"})
    input_number = {key: i for i, key in enumerate(inputs)}
    constant_number = {value: len(inputs) + i for i, value in enumerate(constants)}
    numbers: dict[int, int] = {}
    operations: list[tuple[str, int, int]] = []
    for node in nodes:
        if node.operation == "column":
            numbers[id(node)] = input_number[node.index, node.offset]
        elif node.operation == "constant":
            numbers[id(node)] = constant_number[node.value]
        else:
            numbers[id(node)] = len(inputs) + len(constants) + len(operations)
            operations.append((node.operation, numbers[id(node.left)], numbers[id(node.right)]))
    outputs = tuple(numbers[id(expression)] for expression in expressions)
    return Program(tuple(inputs), tuple(constants), tuple(operations), outputs)
