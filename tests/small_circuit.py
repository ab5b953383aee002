"""A small circuit with every feature of the proof system, its statement and its traces, for tests.

`walk` adds the fourth powers of live digits to a value; `squares` and `digits` are its lookup tables. At log heights
(13, 12, 10) walk and squares share a class at different heights, and digits is in a class of its own.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from circuits.air import Bus, Circuit, Message, Table, Where
from circuits.field import P
from verifier.elements import pack_elements, unpack_elements
from verifier.errors import Reason, Rejection

LOG_HEIGHTS = (13, 12, 10)
DIGITS = 200  # a digit is below this

ENDS = Bus("ends", 1, 2)  # (clock, value)
SQUARE = Bus("square", 2, 3)  # (digit, square, always 5)
DIGIT = Bus("digit", 3, 1)  # (digit)

Columns = list[list[int]]


@dataclass(frozen=True)
class Walk:
    """The statement: the walk starts at `start` and after `steps` rows stands at `end`."""

    start: int
    end: int
    steps: int

    def encode(self) -> bytes:
        """Three elements, 12 bytes."""
        return pack_elements((self.start, self.end, self.steps))

    def messages(self) -> list[Message]:
        """The verifier sends the start and takes the end."""
        return [Message(ENDS, (0, self.start), 1), Message(ENDS, (self.steps - 1, self.end), -1)]


def decode_walk(data: bytes) -> Walk:
    """Raises Rejection unless data is an encoded Walk."""
    if len(data) != 12:
        raise Rejection(Reason.STATEMENT, f"a walk has 12 bytes, not {len(data)}")
    return Walk(*unpack_elements(data, "statement"))


def _walk() -> Table:
    table = Table("walk")
    clock, value, digit, square = (table.column(name) for name in ("clock", "value", "digit", "square"))
    live, starts, ends = (table.boolean(name) for name in ("live", "starts", "ends"))
    live_, starts_, ends_ = live.expression, starts.expression, ends.expression
    table.constrain("clock starts", clock * (1 + live_), Where.FIRST)
    table.constrain("starts on the first row", (starts_ - 1) * (1 + live_), Where.FIRST)
    table.constrain("clock ticks", clock.next() - clock - 1, Where.TRANSITION)
    table.constrain("starts once", starts_.next(), Where.TRANSITION)
    table.constrain("ends once", ends_, Where.TRANSITION)
    table.constrain("ends on the last row", (ends_ - 1) * (1 + live_) * (1 + live_), Where.LAST)
    step = value.next() - value - live_ * square * digit * digit
    table.constrain("value grows by the fourth power", step, Where.TRANSITION)
    table.constrain("dead rows have digit 0", (1 - live_) * (digit + 1) * (digit + 1) - (1 - live_))
    table.receive(ENDS, "start", [clock, value], starts)
    table.send(ENDS, "end", [clock, value], ends)
    table.send(SQUARE, "digit is squared", [digit, square, 5])
    table.send(DIGIT, "digit is small", [digit], live)
    table.send(DIGIT, "digit plus one is small too", [digit + 1])
    return table


def _squares() -> Table:
    table = Table("squares", max_log_height=16)
    root, square, count, spare, noise = (table.column(n) for n in ("root", "square", "count", "spare", "noise"))
    table.constrain("roots start at 0", root, Where.FIRST)
    table.constrain("roots count up", root.next() - root - 1, Where.TRANSITION)
    table.constrain("square", root * root - square)
    table.constrain("spare is a product", square * root * noise - spare)
    table.supply(SQUARE, "squares", [root, 1 * square, 5], -count)
    return table


def _digits() -> Table:
    table = Table("digits")
    digit, count, other, noise, spare = (table.column(n) for n in ("digit", "count", "other", "noise", "spare"))
    step = digit.next() - digit
    table.constrain("digits start at 0", digit, Where.FIRST)
    table.constrain("digits stay or count up", step * (step - 1), Where.TRANSITION)
    table.constrain("digits end", digit - DIGITS, Where.LAST)
    table.constrain("spare is a fourth power", noise * noise * noise * noise - spare)
    table.supply(DIGIT, "digits", [digit], -count)
    table.supply(DIGIT, "digits again", [2 * digit - digit], -other)
    table.supply(DIGIT, "digits taken back", [digit + noise - noise], other)
    return table


def circuit() -> Circuit:
    """The circuit: tables walk, squares, digits."""
    return Circuit("small", (_walk(), _squares(), _digits()), (ENDS, SQUARE, DIGIT))


def witness(log_heights: Sequence[int], random_rows: int, seed: int) -> tuple[Walk, dict[str, Columns]]:
    """A statement and, for each table, its columns of 2^log_height - random_rows active rows.

    log_heights are in circuit order (LOG_HEIGHTS for example); each value is an int in [0, P).
    """
    source = random.Random(seed)
    rows = [(1 << log_height) - random_rows for log_height in log_heights]
    walk, digits = _walk_columns(rows[0], source)
    squares = _square_columns(rows[1], digits, source)
    lives = walk[4]
    demand = [digit for digit, live in zip(digits, lives, strict=True) if live] + [digit + 1 for digit in digits]
    statement = Walk(walk[1][0], walk[1][-1], rows[0])
    return statement, {"walk": walk, "squares": squares, "digits": _digit_columns(rows[2], demand, source)}


def _walk_columns(rows: int, source: random.Random) -> tuple[Columns, list[int]]:
    lives = [source.randrange(2) for _ in range(rows)]
    digits = [live * source.randrange(DIGITS) for live in lives]
    values = [source.randrange(P)]
    for digit in digits[:-1]:
        values.append((values[-1] + digit**4) % P)
    starts = [int(i == 0) for i in range(rows)]
    ends = [int(i == rows - 1) for i in range(rows)]
    return [list(range(rows)), values, digits, [d * d for d in digits], lives, starts, ends], digits


def _square_columns(rows: int, digits: Sequence[int], source: random.Random) -> Columns:
    noise = [source.randrange(P) for _ in range(rows)]
    counts = [0] * rows
    for digit in digits:
        counts[digit] += 1
    spare = [root**3 * noise[root] % P for root in range(rows)]
    return [list(range(rows)), [root * root for root in range(rows)], counts, spare, noise]


def _digit_columns(rows: int, demand: Sequence[int], source: random.Random) -> Columns:
    digits = [min(i, DIGITS) for i in range(rows)]
    counts = [0] * rows
    for digit in demand:
        counts[digit] += 1
    other = [source.randrange(P) for _ in range(rows)]
    noise = [source.randrange(P) for _ in range(rows)]
    return [digits, counts, other, noise, [pow(value, 4, P) for value in noise]]
