"""A table's constraints as machine code: straight-line programs to LLVM IR on lanes, cut into segments.

LLVM's time grows faster than the length of a function, so a program is cut into segments of bounded cost; a value that
a later segment uses goes through memory. At the end of a segment the constraints computed in it are multiplied by their
powers of alpha, summed with those that hold on the same rows, and each sum meets its selector.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from llvmlite import ir

from circuits.air import Where
from circuits.expression import Program
from prover import extension, lanes, montgomery, object_code, wide
from prover.lanes import FOLD, I32, I64, LANES, Builder, Value, Words
from prover.selectors import ORDER
from verifier.shape import TableShape

_SEGMENT_COST = 1500
_COSTS = {"+": 1, "-": 1, "*": 4}  # of an operation, roughly a third of its instructions
_OUTPUT_COST = 10  # of a constraint's five products
_NAME = "segment"
# Whatever decides, beside the segment itself, which IR is emitted.
_SOURCES = lanes.SHARED_CODE + Path(__file__).read_text()
_ARGUMENTS = ("frame", "spill", "weights", "selectors", "totals", "groups")


@dataclass(frozen=True)
class _Segment:
    """Operations start .. stop - 1 of a program, and the slots by which values reach later segments."""

    program: Program
    wheres: list[Where]  # of each output
    columns: int  # of a frame
    slots: dict[int, int]  # spill slot of each value number that crosses segments
    start: int
    stop: int

    @property
    def first_value(self) -> int:
        """The number of the value of operation 0."""
        return len(self.program.inputs) + len(self.program.constants)

    def outputs(self) -> list[tuple[int, Where, int]]:
        """(output number, rows, value number) of the constraints that are computed here, grouped by rows."""
        first, program = self.first_value, self.program
        low = first + self.start if self.start else 0
        found = [(i, self.wheres[i], v) for i, v in enumerate(program.outputs) if low <= v < first + self.stop]
        return sorted(found, key=lambda output: (ORDER.index(output[1]), output[2]))


@dataclass
class _Emitter:
    """Emits the loop body of one segment."""

    segment: _Segment
    b: Builder
    pointers: dict[str, Value]
    group: Value
    values: dict[int, Value] = field(default_factory=dict)

    def position(self, vectors: int, vector: int) -> Value:
        """The flat position of a vector of this group, of `vectors` vectors a group."""
        return self.b.add(self.b.mul(self.group, I64(vectors * LANES)), I64(vector * LANES))

    def value(self, number: int) -> Value:
        """The value of that number: computed before, or loaded now."""
        if number not in self.values:
            self.values[number] = self._load(number)
        return self.values[number]

    def _load(self, number: int) -> Value:
        program, columns = self.segment.program, self.segment.columns
        if number < len(program.inputs):
            index, offset = program.inputs[number]
            # The next row of a group is the same lane of the next group.
            position = self.position(columns, offset * columns + index)
            return lanes.emit_load(self.b, self.pointers["frame"], position)
        if number < self.segment.first_value:
            return lanes.emit_constant(self._constant(number))
        slots = self.segment.slots
        return lanes.emit_load(self.b, self.pointers["spill"], self.position(len(slots), slots[number]))

    def _constant(self, number: int) -> int:
        program = self.segment.program
        return montgomery.to_montgomery_scalar(program.constants[number - len(program.inputs)])

    def run(self) -> None:
        """All operations, each constraint's share of the totals, and the values that later segments need."""
        first = self.segment.first_value
        for number in range(first + self.segment.start, first + self.segment.stop):
            self.values[number] = self._operate(*self.segment.program.operations[number - first])
            if number in self.segment.slots:
                position = self.position(len(self.segment.slots), self.segment.slots[number])
                lanes.emit_store(self.b, self.pointers["spill"], position, self.values[number])
        outputs = self.segment.outputs()
        for where in Where:
            self._add_to_totals(where, [(i, number) for i, rows, number in outputs if rows is where])

    def _operate(self, operation: str, i: int, j: int) -> Value:
        if operation == "*":
            for number, other in ((i, j), (j, i)):
                if len(self.segment.program.inputs) <= number < self.segment.first_value:
                    constant = self._constant(number)
                    folded = lanes.emit_constant(constant * FOLD % 2**32)
                    return lanes.emit_mul_fixed(self.b, self.value(other), lanes.emit_constant(constant), folded)
            return lanes.emit_mul(self.b, self.value(i), self.value(j))
        emit = lanes.emit_add if operation == "+" else lanes.emit_sub
        return emit(self.b, self.value(i), self.value(j))

    def _add_to_totals(self, where: Where, outputs: list[tuple[int, int]]) -> None:
        if not outputs:
            return
        sums = [wide.emit_zero()] * extension.DEGREE
        for i in range(0, len(outputs) - 1, 2):
            (p, x), (q, y) = outputs[i : i + 2]
            x_weights, y_weights = self._weights(p), self._weights(q)
            sums = extension.emit_accumulate2(self.b, sums, self.value(x), x_weights, self.value(y), y_weights)
        if len(outputs) % 2:
            p, x = outputs[-1]
            sums = extension.emit_accumulate(self.b, sums, self.value(x), self._weights(p))
        position = self.position(LANES, ORDER.index(where))
        selector = lanes.emit_load(self.b, self.pointers["selectors"], position)
        for j, total in enumerate(sums):
            self._add_to_total(j, lanes.emit_mul(self.b, wide.emit_reduce(self.b, total), selector))

    def _weights(self, output: int) -> list[Value]:
        first = extension.DEGREE * output
        return [lanes.emit_load_splat(self.b, self.pointers["weights"], first + j) for j in range(extension.DEGREE)]

    def _add_to_total(self, j: int, value: Value) -> None:
        position, pointer = self.position(LANES, j), self.pointers["totals"]
        total = lanes.emit_load(self.b, pointer, position)
        lanes.emit_store(self.b, pointer, position, lanes.emit_add(self.b, total, value))


class ConstraintKernel:
    """The compiled constraints of one table, for frames of `columns` columns."""

    def __init__(self, shape: TableShape, columns: int) -> None:
        program, wheres = shape.program, [constraint.where for constraint in shape.table.constraints]
        cuts = _cuts(program)
        slots = _spilled(program, cuts)
        self.spill_vectors = len(slots)
        self._functions = []
        source = _SOURCES + repr((program, wheres, columns))
        for start, stop in pairwise(cuts):
            emit = partial(_emit_module, _Segment(program, wheres, columns, slots, start, stop))
            function = object_code.load_function(_NAME, len(_ARGUMENTS), f"{source} {start} {stop}", emit)
            self._functions.append(function)

    def add_to(self, totals: Words, frame: Words, selectors: Words, weights: Words, spill: Words) -> None:
        """totals += sum over the constraints i of weights[i] * selector of its rows * its value.

        totals: (groups, 16, 16), of which five coordinates; frame: (groups + 1, columns, 16), in which the next rows
        of a group are the next group; selectors: (groups, 16, 16); weights: (constraints, 5); spill: work space,
        (groups, spill_vectors, 16). All uint32, C-contiguous.
        """
        addresses = [array.ctypes.data for array in (frame, spill, weights, selectors, totals)]
        for function in self._functions:
            function(*addresses, len(totals))


def _cuts(program: Program) -> list[int]:
    """The operations at which segments start, and the number of operations."""
    outputs = Counter(program.outputs)
    first = len(program.inputs) + len(program.constants)
    cuts, cost = [0], 0
    for number, (operation, _, _) in enumerate(program.operations):
        step = _COSTS[operation] + _OUTPUT_COST * outputs[first + number]
        if cost and cost + step > _SEGMENT_COST:
            cuts.append(number)
            cost = 0
        cost += step
    return [*cuts, len(program.operations)]


def _spilled(program: Program, cuts: list[int]) -> dict[int, int]:
    """A slot for each value number that an operation of a later segment reads."""
    first = len(program.inputs) + len(program.constants)
    slots: dict[int, int] = {}
    for start, stop in pairwise(cuts):
        for _, *operands in program.operations[start:stop]:
            for operand in operands:
                if first <= operand < first + start:
                    slots.setdefault(operand, len(slots))
    return slots


def _emit_module(segment: _Segment) -> str:
    """IR of void segment(frame, spill, weights, selectors, totals, groups): a loop over at least one group."""
    module = ir.Module(name=_NAME)
    kind = ir.FunctionType(ir.VoidType(), [I32.as_pointer()] * (len(_ARGUMENTS) - 1) + [I64])
    function = ir.Function(module, kind, _NAME)
    entry, loop, done = (function.append_basic_block(name) for name in ("entry", "loop", "done"))
    ir.IRBuilder(entry).branch(loop)
    b = ir.IRBuilder(loop)
    group = b.phi(I64)
    group.add_incoming(I64(0), entry)
    _Emitter(segment, b, dict(zip(_ARGUMENTS, function.args, strict=True)), group).run()
    following = b.add(group, I64(1))
    group.add_incoming(following, loop)
    b.cbranch(b.icmp_unsigned("<", following, function.args[-1]), loop, done)
    ir.IRBuilder(done).ret_void()
    return str(module)
