"""Proven security: every term against values worked out apart from the calculator, and nothing left out of account."""

import ast
import inspect
import itertools
import random
from collections.abc import Iterator
from dataclasses import fields, replace
from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.air import Circuit, Where
from circuits.solvent import solvent_circuit
from tests import small_circuit
from tests.small_circuit import decode_walk
from tests.verifier.reference_prover import ReferenceProver
from verifier import params
from verifier.errors import Reason, Rejection
from verifier.params import COMPACT, STANDARD, Parameters, Site
from verifier.security import (
    FIELD_BITS,
    FLOOR,
    Analysis,
    Johnson,
    UniqueDecoding,
    analyse,
    assess,
    check_floor,
    security,
    sizes_of,
)
from verifier.shape import shape_of
from verifier.transcript import Transcript
from verifier.verify import verify

getcontext().prec = 50
SMALL = small_circuit.circuit()
ODD = Parameters("odd", log_blowup=3, queries=70, grinding_bits=(1, 2, 3, 4, 5))
Q = Decimal((2**31 - 2**24 + 1) ** 5)  # |F|


def bits(error: Decimal) -> Decimal:
    """-log2."""
    return Decimal(-error.ln() / Decimal(2).ln())


# --- values worked out apart ------------------------------------------------------------------------------------------


def counts(circuit: Circuit, height: int) -> tuple[int, int]:
    """Powers of alpha, and the sum of the lengths of all messages on buses: 2^20 of the verifier's, of the longest."""
    constraints, lengths = 0, max(bus.length for bus in circuit.buses) << 20
    for table in circuit.tables:
        constraints += len(table.constraints) + (len(table.interactions) + 2) // 3 + 2
        lengths += sum(len(i.values) for i in table.interactions) << min(height, table.max_log_height)
    return constraints, lengths


def line_error(b: int, m: int | None, log_k: int) -> Decimal:
    """Of eprint 2025/2055: Corollary 1.4 (m is None), Theorem 4.6 for a line with degree parameter k - 1."""
    n = Decimal(2 ** (log_k + b))
    if m is None:
        return ((n - (1 << log_k)) / 2 + 1) / Q
    M, nominal, rho = m + Decimal("0.5"), 1 / Decimal(2**b), Decimal(2**log_k - 1) / n
    gamma = 1 - nominal.sqrt() - nominal.sqrt() / m
    return Decimal(((2 * M**5 + 3 * M * gamma * rho) / (3 * rho * rho.sqrt()) * n + M / rho.sqrt()) / Q)


def worked_out(circuit: Circuit, p: Parameters, height: int, m: int | None) -> dict[str, Decimal]:
    """The bits of all terms, from the papers' formulas."""
    rho = 1 / Decimal(2**p.log_blowup)
    agreement = (1 + rho) / 2 if m is None else rho.sqrt() * (1 + Decimal(1) / m)
    list_size = Decimal(1) if m is None else (m + Decimal("0.5")) / rho.sqrt()
    constraints, lengths = counts(circuit, height)
    lookup, out_of_domain, batch, fold, query = p.grinding_bits
    result = {
        "lookup": bits(2 * list_size * lengths / Q) + lookup,
        "composition": bits(list_size * (constraints - 1) / Q),
        "out-of-domain": bits(5 * list_size * 2**height / Q) + out_of_domain,
        "batch": bits(sum((line_error(p.log_blowup, m, c) for c in range(height, 9, -3)), Decimal(0))) + batch,
        "query": bits(agreement**p.queries) + query,
        "Merkle hash": Decimal(128),
    }
    for layer in range(10):
        if height - 3 * layer > 8:
            result[f"fold {layer}"] = bits(line_error(p.log_blowup, m, height - 3 * layer - 3)) + fold
    return result


@pytest.mark.parametrize(
    ("name", "parameters", "height"),
    [
        ("solvent", STANDARD, 20), ("solvent", COMPACT, 20), ("solvent", COMPACT, 16),
        ("small", ODD, 13), ("small", Parameters("wide", 1, 160, (0, 9, 3, 2, 33)), 18),
    ],
)  # fmt: skip
def test_every_term_is_what_the_papers_formulas_give(name: str, parameters: Parameters, height: int) -> None:
    circuit = solvent_circuit() if name == "solvent" else SMALL  # no argument: a failing test prints its arguments
    found = security(circuit, parameters, height)

    def weakest(m: int) -> Decimal:
        expected = worked_out(circuit, parameters, height, m)
        return min(value for name, value in expected.items() if name != "Merkle hash")

    best = max(range(3, 120), key=weakest)
    for analysis, m in ((found.unique_decoding, None), (found.johnson, best)):
        assert getattr(analysis.regime, "multiplicity", None) == m
        expected = worked_out(circuit, parameters, height, m)
        assert {term.name for term in analysis.terms} == set(expected)
        for term in analysis.terms:
            assert term.bits == pytest.approx(float(expected[term.name]), abs=1e-9)
        assert analysis.weakest.bits == pytest.approx(float(min(expected.values())), abs=1e-9)


def test_counts_of_the_small_circuit_by_hand() -> None:
    # walk: 8 constraints and 3 of booleans, 5 interactions in 2 columns, 2 more: 15. squares and
    # digits: 4 + 1 + 2 each.
    # Lengths a row: walk 2 + 2 + 3 + 1 + 1 = 9, squares 3 (at most 2^16 rows), digits 3; the longest message has 3.
    sizes = sizes_of(shape_of(SMALL, ODD, (18, 16, 18)))
    assert (sizes.constraints, sizes.fingerprint_degree) == (29, 12 * 2**18 + 3 * 2**16 + 3 * 2**20)
    assert sizes.folded == (15, 12, 9, 6)


def test_numbers_worked_out_by_hand_for_compact() -> None:
    # rho = 1/16, m = 10: agreement 1/4 * 11/10 = 11/40, list 10.5 * 4 = 42, |F| = 2^154.9434 (5 * 30.98868).
    # query: 58 * log2(40/11) = 108.0248. out-of-domain: 154.9434 - log2(42 * 5 * 2^20) = 154.9434 - 27.7142 = 127.2292.
    # fold 0, n = 2^21: 2 * 10.5^5 * 64 / 3 * 2^21 = 2^43.3764, so 111.567. 5 classes in the batch: 2^46.3764 * 8/7.
    terms = {t.name: t.before for t in security(solvent_circuit(), COMPACT).johnson.terms}
    assert terms["query"] == pytest.approx(108.0248, abs=1e-4)
    assert terms["out-of-domain"] == pytest.approx(127.2292, abs=1e-4)
    assert terms["fold 0"] == pytest.approx(111.567, abs=1e-3)
    assert terms["batch"] == pytest.approx(108.374, abs=1e-3)


@pytest.mark.parametrize(
    ("regime", "expected"),
    [
        (Johnson(1 / 4, 21), {20: 108.3971, 17: 111.3971, 14: 114.3971}),
        (Johnson(1 / 16, 10), {20: 108.5668, 17: 111.5668, 14: 114.5668}),
        (UniqueDecoding(1 / 4), {20: 134.3585, 17: 137.3585}),
        (UniqueDecoding(1 / 16), {20: 132.0365, 17: 135.0365}),
    ],
)
def test_line_errors_agree_with_another_calculator(
    regime: Johnson | UniqueDecoding, expected: dict[int, float]
) -> None:
    # Numbers of the Ethereum Foundation's soundcalc for this field, rate and multiplicity (it takes k/n for (k-1)/n).
    for log_degree, value in expected.items():
        error = Decimal(regime.exceptions(log_degree)) / Q
        assert float(bits(error)) == pytest.approx(value, abs=3e-4)


# --- the bounds themselves, where they can be tried ------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(3, 400))
def test_list_size_is_above_the_johnson_bound(log_blowup: int, multiplicity: int) -> None:
    # The Johnson bound in full: l words that agree with one in a share a, and pairwise in at most rho, have
    # l <= (a - rho) / (a^2 - rho); it does not see the alphabet, so it holds for interleaved words.
    regime = Johnson(2.0**-log_blowup, multiplicity)
    a, rho = Fraction(regime.agreement), Fraction(1, 2**log_blowup)
    assert (a - rho) / (a * a - rho) <= Fraction(regime.list_size)


def unlucky_challenges(u: list[int], v: list[int], p: int, points: list[int], least: int) -> int:
    """How many r make u + r v agree with a polynomial of degree < 2 on `least` places where u or v does not."""

    def linear(word: list[int], places: list[int]) -> bool:
        i, j = places[:2]
        slope = (word[j] - word[i]) * pow(points[j] - points[i], -1, p)
        return all((word[s] - word[i] - slope * (points[s] - points[i])) % p == 0 for s in places)

    count = 0
    for r in range(p):
        word = [(a + r * b) % p for a, b in zip(u, v, strict=True)]
        close = (
            [i for i, x in enumerate(points) if (c + d * x - word[i]) % p == 0]
            for c, d in itertools.product(range(p), repeat=2)
        )
        count += any(not (linear(u, s) and linear(v, s)) for s in close if len(s) >= least)
    return count


@given(st.integers(0, 2**32), st.integers(0, 5))
def test_no_line_has_more_unlucky_challenges_than_the_unique_decoding_bound(seed: int, errors: int) -> None:
    source, p, points = random.Random(seed), 17, [pow(9, i, 17) for i in range(8)]
    u, v = ([(source.randrange(p) + 3 * x) % p if i < errors else x for i, x in enumerate(points)] for _ in range(2))
    # Close means more than (1 + rho) / 2 = 5/8 of 8 places.
    assert unlucky_challenges(u, v, p, points, least=6) <= UniqueDecoding(1 / 4).exceptions(1) == 4


def test_a_line_with_three_errors_is_unlucky_three_times() -> None:
    points = [pow(9, i, 17) for i in range(8)]
    assert unlucky_challenges([1, 2, 3, 0, 0, 0, 0, 0], [1] * 3 + [0] * 5, 17, points, least=6) == 3


@given(st.data(), st.sampled_from([STANDARD, COMPACT]))
def test_both_sides_of_the_composition_have_the_degree_that_is_charged(data: st.DataObject, p: Parameters) -> None:
    circuit = solvent_circuit()
    heights = [data.draw(st.integers(10, table.max_log_height)) for table in circuit.tables]
    shape = shape_of(circuit, p, heights)
    k = 1 << shape.log_tallest
    degrees = [3 * shape.chunk_stride + k + k]  # the quotient from its chunks, times X^k - 1
    for table in shape.tables:
        active = table.random_rows + k - table.height  # V (X^k - 1) / (X^n - 1)
        for constraint in table.table.constraints:
            single = constraint.where in (Where.FIRST, Where.LAST)
            selector = k - 1 if single else active + (constraint.where == Where.TRANSITION)
            degrees.append(selector + constraint.expression.degree * k)
        degrees += [active + 4 * k, k - 1 + k]  # LogUp
    assert max(degrees) <= 5 * k


# --- nothing is left out of account -----------------------------------------------------------------------------------


def grinding_more(p: Parameters, site: int, by: int) -> Parameters:
    """The same with more grinding at one site."""
    a, b, c, d, e = (grinding + by * (i == site) for i, grinding in enumerate(p.grinding_bits))
    return replace(p, grinding_bits=(a, b, c, d, e))


def squeezing_methods() -> Iterator[str]:
    """The public methods of the transcript that draw from it."""
    tree = ast.parse(inspect.getsource(Transcript))
    for method in ast.walk(tree):
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
            called = {node.attr for node in ast.walk(method) if isinstance(node, ast.Attribute)}
            if called & {"_extensions", "_words"}:
                yield method.name


def terms_of(p: Parameters, circuit: Circuit = SMALL, height: int = 14) -> dict[str, float]:
    """The bits of all terms with a fixed regime."""
    analysis = fixed(p, circuit, height)
    return {term.name: term.bits for term in analysis.terms}


def fixed(p: Parameters, circuit: Circuit = SMALL, height: int = 14) -> Analysis:
    heights = [min(height, table.max_log_height) for table in circuit.tables]
    return analyse(sizes_of(shape_of(circuit, p, heights)), p, Johnson(2.0**-p.log_blowup, 12))


def test_every_challenge_and_every_grinding_site_has_a_term() -> None:
    terms = fixed(ODD).terms
    assert {term.challenge for term in terms if term.name != "Merkle hash"} == set(squeezing_methods())
    assert {term.site for term in terms} - {None} == set(Site)
    assert all(term.formula and term.source for term in terms)


def test_every_parameter_moves_a_term() -> None:
    changes: dict[str, Any] = {"log_blowup": 4, "queries": 71, "grinding_bits": (2, 3, 4, 5, 6)}
    assert {field.name for field in fields(Parameters)} == {*changes, "name"}
    for name, value in changes.items():
        changed = replace(ODD, **{name: value})
        assert terms_of(changed) != terms_of(ODD), name
    assert terms_of(replace(ODD, name="other")) == terms_of(ODD)


def test_every_constant_of_the_parameters_is_known_here() -> None:
    constants = {name for name, value in vars(params).items() if name.isupper() and isinstance(value, int)}
    of_circuit = {"MAX_LOG_HEIGHT", "MIN_LOG_HEIGHT", "EXTENSION_DEGREE", "TWO_ADICITY"}
    # LOG_ARITY and LOG_FINAL give the folds, CHUNKS the degree at z; a limit of grinding changes nothing by itself.
    assert constants - of_circuit == {"LOG_ARITY", "ARITY", "LOG_FINAL", "CHUNKS", "MAX_GRINDING_BITS"}


@pytest.mark.parametrize("site", Site)
def test_grinding_is_credited_at_its_own_site_only(site: Site) -> None:
    more = grinding_more(ODD, list(Site).index(site), 3)
    expected = {"fold": {"fold 0", "fold 1"}}.get(site, {site.value})
    before, after = terms_of(ODD), terms_of(more)
    gained = {name for name in before if after[name] != before[name]}
    assert gained == expected
    for name in gained:
        assert after[name] == pytest.approx(before[name] + 3)


def test_another_constraint_or_message_costs_something() -> None:
    before = terms_of(ODD, small_circuit.circuit())
    constrained, sending = small_circuit.circuit(), small_circuit.circuit()
    column = constrained.tables[0].column("extra")
    for i in range(30):
        constrained.tables[0].constrain(f"extra {i}", column - i)
    sending.tables[0].send(small_circuit.DIGIT, "extra", [sending.tables[0].column("extra")])
    assert terms_of(ODD, constrained)["composition"] < before["composition"] - 0.9
    assert terms_of(ODD, sending)["lookup"] < before["lookup"]


# --- monotonicity -----------------------------------------------------------------------------------------------------

sets = st.builds(
    Parameters, name=st.just("any"), log_blowup=st.integers(1, 4), queries=st.integers(1, 100),
    grinding_bits=st.tuples(*[st.integers(0, 30)] * 5),
)  # fmt: skip


ROUNDING = 1e-9  # of floats


def proven(p: Parameters, height: int, circuit: Circuit = SMALL) -> float:
    """The minimum of the algebraic terms, in the better regime."""
    found = security(circuit, p, height)
    return max(min(t.bits for t in a.terms if t.challenge) for a in (found.unique_decoding, found.johnson))


@given(sets, st.integers(10, 19))
def test_more_work_never_proves_less_and_taller_tables_never_more(p: Parameters, height: int) -> None:
    base = proven(p, height)
    assert proven(replace(p, queries=p.queries + 1), height) >= base
    for i in range(5):
        assert base <= proven(grinding_more(p, i, 1), height) <= base + 1 + ROUNDING
    assert proven(p, height + 1) <= base


@given(st.data(), sets)
def test_the_worst_height_covers_every_choice_of_heights(data: st.DataObject, p: Parameters) -> None:
    heights = [data.draw(st.integers(10, table.max_log_height)) for table in SMALL.tables]
    sizes = sizes_of(shape_of(SMALL, p, heights))
    for better, worse in zip(analyse(sizes, p, Johnson(2.0**-p.log_blowup, 12)).terms, fixed(p, SMALL, 20).terms,
                             strict=False):  # fmt: skip
        assert better.name != worse.name or better.bits >= worse.bits
    assert assess(sizes, p).best.weakest.bits >= security(SMALL, p, 20).best.weakest.bits


# --- the floor --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [STANDARD, COMPACT])
@pytest.mark.parametrize("height", range(10, 21))
def test_the_sets_of_the_protocol_reach_the_floor_with_every_term(p: Parameters, height: int) -> None:
    found = security(solvent_circuit(), p, height).best
    assert FLOOR == 128
    assert all(term.bits >= FLOOR for term in found.terms)
    assert found.weakest.bits == min(term.bits for term in found.terms)


def test_a_proof_with_weak_parameters_is_refused_unless_the_caller_lowers_the_floor() -> None:
    weak, heights = Parameters("weak", 2, 4, (0, 0, 0, 0, 0)), (10, 10, 10)
    statement, columns = small_circuit.witness(heights, weak.random_rows, seed=5)
    proof = ReferenceProver(SMALL, weak, heights, 7).prove(statement.encode(), columns)
    assert verify(SMALL, weak, proof, decode_walk, floor=0) == statement
    for floor in ({}, {"floor": 12.0}):
        with pytest.raises(Rejection, match=r"weak proves \d+\.\d\d bits at height 2\^10 \(query\)") as refusal:
            verify(SMALL, weak, proof, decode_walk, **floor)
        assert refusal.value.reason == Reason.PARAMETERS


@pytest.mark.parametrize("p", [STANDARD, COMPACT])
def test_one_query_or_bit_of_query_grinding_less_may_be_too_little(p: Parameters) -> None:
    shape = shape_of(solvent_circuit(), replace(p, queries=p.queries - 2), [20] * 4)
    check_floor(shape_of(solvent_circuit(), p, [20] * 4), FLOOR)
    with pytest.raises(Rejection) as refusal:
        check_floor(shape, FLOOR)
    assert refusal.value.reason == Reason.PARAMETERS


def test_the_floor_is_computed_once_for_proofs_of_the_same_sizes() -> None:
    shape = shape_of(solvent_circuit(), STANDARD, [12, 11, 12, 13])
    check_floor(shape, FLOOR)
    before = assess.cache_info().misses
    check_floor(shape_of(solvent_circuit(), STANDARD, [12, 11, 12, 13]), FLOOR)
    assert assess.cache_info().misses == before


def test_field_bits() -> None:
    assert abs(Decimal(FIELD_BITS) + bits(Q)) < Decimal("1e-9")
