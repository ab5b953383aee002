"""Expression trees, walked from the leaves up, and their values over any field of galois."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from circuits.expression import Expression

Read = Callable[[int, int], Any]  # (column index, offset) -> the column in this row or at this point, or in the next


def walk(expression: Expression, known: Collection[Expression]) -> Iterator[Expression]:
    """The nodes of an expression that are not known, operands first; the caller makes known what it is given."""
    pending = [expression]  # trees are too deep to recurse
    while pending:
        missing = [operand for operand in pending[-1].operands if operand not in known]
        if missing:
            pending += missing
            continue
        node = pending.pop()
        if node not in known:
            yield node


def columns_read(expressions: Iterable[Expression]) -> list[tuple[int, int]]:
    """(index, offset) of the columns that the expressions read, ascending."""
    seen: set[Expression] = set()
    for expression in expressions:
        for node in walk(expression, seen):
            seen.add(node)
    return sorted({(node.index, node.offset) for node in seen if node.operation == "column"})


class Evaluation:
    """The values of expressions where `read` gives the columns; a shared node is computed once."""

    def __init__(self, field: Any, read: Read) -> None:
        self._field, self._read = field, read
        self._known: dict[Expression, Any] = {}

    def of(self, expression: Expression) -> Any:
        """The value of the expression: an array of the field, of no dimension if it reads no column."""
        for node in walk(expression, self._known):
            self._known[node] = self._compute(node)
        return self._known[expression]

    def _compute(self, node: Expression) -> Any:
        """The value of a node whose operands are known."""
        if node.operation == "constant":
            return self._field(node.value)
        if node.operation == "column":
            return self._read(node.index, node.offset)
        left, right = (self._known[operand] for operand in node.operands)
        if node.operation == "+":
            return left + right
        if node.operation == "-":
            return left - right
        assert node.operation == "*", node.operation
        return left * right
