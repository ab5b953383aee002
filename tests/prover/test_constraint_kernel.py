"""Generated constraint kernels against Program.run on plain ints, in one segment and in many; their code on disk."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from circuits.air import Table, Where
from circuits.expression import Expression
from circuits.field import P
from prover import constraint_kernel, lanes, montgomery, object_code
from prover.constraint_kernel import ConstraintKernel
from prover.selectors import ORDER
from tests import small_circuit
from verifier.params import STANDARD
from verifier.shape import TableShape

GROUPS = 3


class IntegerArithmetic:
    """Programs on plain ints."""

    def constant(self, value: int) -> int:
        return value

    def add(self, a: int, b: int) -> int:
        return (a + b) % P

    def sub(self, a: int, b: int) -> int:
        return (a - b) % P

    def mul(self, a: int, b: int) -> int:
        return a * b % P


def read(values: lanes.Words, group: int, lane: int, index: int, offset: int) -> int:
    """A column of a row of a frame; the next row is in the next group."""
    return int(values[group + offset, index, lane])


def random_table(seed: int, constraints: int) -> Table:
    """Constraints of all kinds over shared subexpressions."""
    source, table = random.Random(seed), Table(f"random {seed}")
    columns = table.columns("c", 9)

    def linear(*more: Expression) -> Expression:
        a, b, c = (source.choice([*columns, *more]) for _ in range(3))
        return source.choice([a + 5 - b, a - b * 7, 3 - (a + b) + c, -a + (P - 1) * b, a + b + b + c])

    shared = [linear() * linear() for _ in range(6)]
    for i in range(constraints):
        where = source.choice(list(Where))
        following = [columns[0].next(), columns[3].next()] if where in (Where.FIRST, Where.TRANSITION) else []
        expression = source.choice(shared) * linear(*following) - linear(*following) * linear()
        if where in (Where.ACTIVE, Where.TRANSITION) and source.random() < 0.5:
            expression = expression * linear()
        table.constrain(f"constraint {i}", expression + columns[i % 9], where)
    return table


def shape_of_table(table: Table) -> TableShape:
    return TableShape(0, table, table.program(), 10, 10, STANDARD.random_rows, 0)


def check_kernel(table: Table) -> None:
    """Compare the kernel's totals with what the protocol says, on random columns, selectors and weights."""
    shape, columns = shape_of_table(table), 16 * -(-table.width // 16) + 16
    kernel = ConstraintKernel(shape, columns)
    source = np.random.default_rng(7)

    def random_words(*sizes: int) -> lanes.Words:
        words = lanes.empty(sizes)
        words[:] = source.integers(0, P, sizes)
        words.reshape(-1)[:: max(1, words.size // 50)] = P - 1
        return words

    frame, selectors = random_words(GROUPS + 1, columns, 16), random_words(GROUPS, 16, 16)
    weights, totals = random_words(len(table.constraints), 5), random_words(GROUPS, 16, 16)
    before = montgomery.from_montgomery(totals).astype(object)
    kernel.add_to(totals, frame, selectors, weights, lanes.empty((GROUPS, kernel.spill_vectors, 16)))
    after, values = montgomery.from_montgomery(totals), montgomery.from_montgomery(frame)
    plain_selectors, plain_weights = montgomery.from_montgomery(selectors), montgomery.from_montgomery(weights)
    for group in range(GROUPS):
        for lane in range(16):
            outputs = shape.program.run(partial(read, values, group, lane), IntegerArithmetic())
            for j in range(5):
                expected = before[group, j, lane]
                for constraint, value, weight in zip(table.constraints, outputs, plain_weights, strict=True):
                    selector = plain_selectors[group, ORDER.index(constraint.where), lane]
                    expected += value * int(weight[j]) * int(selector)
                assert int(after[group, j, lane]) == expected % P
    assert (after[:, 5:] == before[:, 5:]).all()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory, and no code in memory."""
    monkeypatch.setenv("SOLVENT_CACHE", str(tmp_path))
    monkeypatch.setattr(object_code, "_engines", {})
    return tmp_path


@pytest.mark.parametrize("table", small_circuit.circuit().tables, ids=lambda table: table.name)
def test_the_small_circuit(table: Table, own_cache: Path) -> None:
    check_kernel(table)


@pytest.mark.parametrize("cost", [1, 60, 10**9])
def test_segments_change_nothing(cost: int, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constraint_kernel, "_SEGMENT_COST", cost)
    check_kernel(random_table(1, 12))
    assert (len(list(own_cache.iterdir())) > 1) == (cost < 10**9)


def test_a_constraint_that_is_a_bare_column_or_appears_twice(own_cache: Path) -> None:
    table = Table("bare")
    a, b = table.columns("c", 2)
    table.constrain("bare", a)
    table.constrain("bare at first", a, Where.FIRST)
    table.constrain("product", a * b)
    table.constrain("product again", a * b, Where.LAST)
    check_kernel(table)


def test_code_is_found_again_and_damage_is_noticed(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = random_table(2, 3)
    check_kernel(table)
    (path,) = own_cache.iterdir()
    good = path.read_bytes()
    emitted: list[Any] = []
    original = constraint_kernel._emit_module

    def counting(segment: Any) -> str:
        emitted.append(segment)
        return original(segment)

    monkeypatch.setattr(constraint_kernel, "_emit_module", counting)
    for damaged in (False, True):
        monkeypatch.setattr(object_code, "_engines", {})
        if damaged:
            path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        check_kernel(table)
        assert bool(emitted) == damaged
        assert path.read_bytes() == good


def test_an_unwritable_cache_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    monkeypatch.setenv("SOLVENT_CACHE", str(blocked))
    monkeypatch.setattr(object_code, "_engines", {})
    check_kernel(random_table(3, 2))
    assert blocked.read_text() == "not a directory"


def test_cache_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVENT_CACHE", "/somewhere")
    assert object_code.cache_directory() == Path("/somewhere")
    monkeypatch.delenv("SOLVENT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert object_code.cache_directory() == Path("/cache/solvent")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert object_code.cache_directory() == Path.home() / ".cache" / "solvent"


def test_random_tables_have_every_kind_of_constraint() -> None:
    table = random_table(1, 12)
    assert {constraint.where for constraint in table.constraints} == set(Where)
    assert any(offset for _, offset in table.program().inputs)
