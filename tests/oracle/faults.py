"""Tables with one constraint or one interaction wrong: what the oracle is to notice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from circuits.air import Constraint, Table
from circuits.expression import Expression, column, constant
from tests.oracle.trees import walk


@dataclass(frozen=True)
class Fault:
    """A wrong version of constraint number `number` of a table."""

    table: Table
    number: int
    expression: Expression

    @property
    def right(self) -> Constraint:
        """The constraint as it should be."""
        return self.table.constraints[self.number]

    @property
    def wrong(self) -> Constraint:
        """The constraint as it is with the fault."""
        return replace(self.right, expression=self.expression)

    @property
    def faulty(self) -> Table:
        """The table with the constraint wrong."""
        constraints = list(self.table.constraints)
        constraints[self.number] = self.wrong
        return replace(self.table, constraints=constraints)


def _coefficient(leaf: Expression) -> Expression | None:
    return constant(leaf.value + 1) if leaf.operation == "constant" else None


def _rotation(leaf: Expression) -> Expression | None:
    return column(leaf.name, leaf.index) if leaf.offset else None


def _dropped(expression: Expression) -> Expression:
    return constant(0)


def _changed(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """The expression with the first leaf that the change applies to changed, in the first node that has it: elsewhere
    the same constant may undo the change."""
    rebuilt: dict[Expression, Expression] = {}
    pending = True
    for node in walk(expression, rebuilt):
        operands = [rebuilt[operand] for operand in node.operands]
        for position, operand in enumerate(node.operands):
            new = change(operand) if pending and not operand.operands else None
            if new is not None:
                operands[position], pending = new, False
        rebuilt[node] = _rebuild(node, operands)
    return rebuilt[expression]


def _rebuild(node: Expression, operands: Sequence[Expression]) -> Expression:
    if not operands:
        return node
    left, right = operands
    if node.operation == "*":
        return left * right
    return left + right if node.operation == "+" else left - right


KINDS: dict[str, Callable[[Expression], Expression]] = {
    "dropped": _dropped,
    "coefficient": partial(_changed, change=_coefficient),
    "rotation": partial(_changed, change=_rotation),
}


def faults(table: Table, kind: str) -> list[Fault]:
    """One fault for each constraint that can have it: it is always 0, its first constant is one more, or its first next
    column is read in this row."""
    made = [Fault(table, number, KINDS[kind](c.expression)) for number, c in enumerate(table.constraints)]
    return [fault for fault in made if fault.expression is not fault.right.expression]
