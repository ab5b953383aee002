"""One field of a proof is false and everything else is true: the check of that very field rejects, and names it.

Two attackers. A `Liar` sends something false and proves on honestly from there, with all grinding, so that nothing but
the check of that field can notice. Whoever resends changes a finished proof and does the work again; the commitments
stay, so it is a challenge that no longer fits. Openings are not absorbed and are changed in place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from itertools import count, cycle
from typing import Any, TypeVar, get_args, get_type_hints

import pytest

from circuits.acts import Act, ActKind
from circuits.bounds import AMOUNT_MAX
from circuits.field import Extension, P, add, mul, power, sub
from circuits.records import CHAIN_STATUS, Tag, chain_index
from circuits.solvent import solvent_circuit
from circuits.statement import Price, Statement, Vault
from tests import small_circuit
from tests.batches import every_act, every_kind, prompt_ledger, run_batch
from tests.proving import TEST_PARAMETERS
from tests.small_circuit import decode_walk
from tests.tamper.liar import Known, Liar, Lie, Parts, gap, known, resent, take_apart
from verifier import verify as verifying
from verifier.buses import Fingerprint
from verifier.codec import MAGIC, MAX_STATEMENT_BYTES, ProofHead, ProofReader
from verifier.constraints import split_openings, table_terms
from verifier.elements import EXTENSION_BYTES
from verifier.errors import Reason, Rejection
from verifier.merkle import ClassOpening, Opening
from verifier.params import CHUNKS
from verifier.shape import QUOTIENT_TABLE, Round, shape_of
from verifier.statements import decode
from verifier.transcript import grinding_holds
from verifier.verify import Openings, read_openings, replay, verify

PARAMETERS = replace(TEST_PARAMETERS, name="fields", grinding_bits=(4, 4, 4, 4, 4))
CIRCUIT = solvent_circuit()
HEIGHTS = (10, 10, 10, 13)  # two classes, two FRI layers
SHAPE = shape_of(CIRCUIT, PARAMETERS, HEIGHTS)
TREES = (*(name.value for name in Round), *(SHAPE.layer_tree(layer).name for layer in range(SHAPE.layers)))
W = TypeVar("W", Statement, ProofHead)
# A list of another length shifts what follows it: some later step of reading cannot be right.
READING = {Reason.NON_CANONICAL, Reason.GRINDING, Reason.MALFORMED, Reason.TRAILING_BYTES}


@cache
def world() -> Known:
    """A batch with every kind of transition."""
    return known(*run_batch(prompt_ledger(), [*every_kind(), *every_act()]), PARAMETERS)


@cache
def honest() -> Liar:
    """The prover that does not lie."""
    return Liar(world(), parameters=PARAMETERS)


@cache
def parts() -> Parts:
    """The honest proof, taken apart."""
    return take_apart(honest().proof, CIRCUIT, PARAMETERS)


def having(whole: W, field: str, value: Any) -> W:
    """The whole with another value of the field of that name."""
    changes: dict[str, Any] = {field: value}
    return replace(whole, **changes)


def refusal(proof: bytes) -> Rejection:
    with pytest.raises(Rejection) as caught:
        verify(CIRCUIT, PARAMETERS, proof, decode, floor=0)
    return caught.value


def test_the_honest_proof_is_accepted() -> None:
    proof = honest().proof
    assert honest().shape.tables == SHAPE.tables
    assert verify(CIRCUIT, PARAMETERS, proof, decode, floor=0) == world().statement
    assert parts().data() == proof
    assert resent(honest(), honest().head(), PARAMETERS) == proof


# --- what is absorbed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A lie about a field: its name, what a Liar calls it, what it says instead, and who rejects in which words."""

    field: str
    says: str
    lie: Callable[[Liar, Any], Any]
    reason: Reason
    words: str


def flipped(_: Liar, digest: bytes) -> bytes:
    """Another digest."""
    return bytes([digest[0] ^ 1, *digest[1:]])


def idle(prover: Liar, nonce: bytes) -> bytes:
    """The first nonce from the honest one on that shows no work."""
    nonces = ((int.from_bytes(nonce, "big") + i).to_bytes(8, "big") for i in count())
    return next(n for n in nonces if not grinding_holds(prover.transcript.state, 4, n))


def moved(_: Liar, terminals: list[Extension]) -> list[Extension]:
    """Terminals with the same sum."""
    one = (1, 2, 3, 4, 5)
    return [add(terminals[0], one), sub(terminals[1], one), *terminals[2:]]


def plus_one_at(index: int) -> Lie:
    """One extension element of a list is another."""
    return lambda _, values: [*values[:index], add(values[index], (0, 0, 1, 0, 0)), *values[index + 1 :]]


def false_root(_: Liar, statement: bytes) -> bytes:
    """A statement with another new root."""
    told = decode(statement)
    return replace(told, new_root=(told.new_root[0] ^ 1, *told.new_root[1:])).encode()


LAST = SHAPE.layers - 1
CASES = [
    Case("ProofHead.statement", "statement", false_root, Reason.BUS_IMBALANCE, "messages of the verifier add up"),
    Case("ProofHead.main_root", "main_root", flipped, Reason.MERKLE, "opening of main"),
    Case("ProofHead.lookup_nonce", "lookup_nonce", idle, Reason.GRINDING, "site lookup"),
    Case("ProofHead.auxiliary_root", "auxiliary_root", flipped, Reason.MERKLE, "opening of auxiliary"),
    Case("ProofHead.terminals", "terminals", plus_one_at(0), Reason.BUS_IMBALANCE, "4 terminals"),
    Case("ProofHead.terminals", "terminals", plus_one_at(3), Reason.BUS_IMBALANCE, "4 terminals"),
    Case("ProofHead.terminals", "terminals", moved, Reason.COMPOSITION, "constraints combine to"),
    Case("ProofHead.quotient_root", "quotient_root", flipped, Reason.MERKLE, "opening of quotient"),
    Case("ProofHead.out_of_domain_nonce", "out_of_domain_nonce", idle, Reason.GRINDING, "site out-of-domain"),
    Case("ProofHead.opened_values", "opened_values", plus_one_at(0), Reason.COMPOSITION, "constraints combine to"),
    Case("ProofHead.batch_nonce", "batch_nonce", idle, Reason.GRINDING, "site batch"),
    Case("ProofHead.layers", "layers[0].root", flipped, Reason.MERKLE, "opening of layer 0"),
    *(Case("LayerHead.root", f"layers[{j}].root", flipped, Reason.MERKLE, f"opening of layer {j}") for j in (0, LAST)),
    *(Case("LayerHead.nonce", f"layers[{j}].nonce", idle, Reason.GRINDING, "site fold") for j in (0, LAST)),
    *(
        Case("ProofHead.final", "final", plus_one_at(k), Reason.FINAL_POLYNOMIAL, "the final polynomial")
        for k in (0, SHAPE.final_length // 2, SHAPE.final_length - 1)
    ),
    Case("ProofHead.query_nonce", "query_nonce", idle, Reason.GRINDING, "site query"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_a_lie_in_the_head_is_refused_by_the_check_of_its_field(case: Case) -> None:
    rejection = refusal(Liar(world(), {case.says: case.lie}, PARAMETERS).proof)
    assert rejection.reason == case.reason
    assert case.words in rejection.detail


def test_other_heights_with_the_same_layout_break_the_composition() -> None:
    """Tables of 2^10 and 2^11 rows beside one of 2^12: whichever is declared, the proof is read in the same way."""
    circuit, heights = small_circuit.circuit(), (12, 10, 11)
    statement, columns = small_circuit.witness(heights, PARAMETERS.random_rows, seed=3)
    tiles = {
        table.name: small_circuit_tiles(columns[table.name], height)
        for table, height in zip(circuit.tables, heights, strict=True)
    }
    told = Known(circuit, statement, tiles)  # type: ignore[arg-type]  # a Walk is a statement too
    assert verify(circuit, PARAMETERS, Liar(told, parameters=PARAMETERS).proof, decode_walk, floor=0) == statement
    proof = Liar(told, {"log_heights": lambda _, declared: (12, 11, 11)}, PARAMETERS).proof
    with pytest.raises(Rejection) as caught:
        verify(circuit, PARAMETERS, proof, decode_walk, floor=0)
    assert caught.value.reason == Reason.COMPOSITION


def small_circuit_tiles(columns: Sequence[Sequence[int]], log_height: int) -> Any:
    import numpy as np

    from prover.tiles import from_columns

    return from_columns(np.array(columns, dtype=np.uint32), 1 << log_height)


@pytest.mark.parametrize("table", range(len(HEIGHTS)))
@pytest.mark.parametrize("height", [9, 21, 0, 255])
def test_heights_out_of_bounds_name_the_table(table: int, height: int) -> None:
    heights = (*HEIGHTS[:table], height, *HEIGHTS[table + 1 :])
    rejection = refusal(replace(parts(), head=replace(parts().head, log_heights=heights)).data())
    assert rejection.reason == Reason.HEIGHT
    assert f"table {CIRCUIT.tables[table].name} has height 2^{height}" in rejection.detail


def groups() -> Iterator[tuple[str, int]]:
    """Of each group of opened values, by table, round and point: a name and the place of its last value."""
    last: dict[str, int] = {}
    for place, opened in enumerate(SHAPE.openings):
        table = "quotient" if opened.table == QUOTIENT_TABLE else CIRCUIT.tables[opened.table].name
        last[f"{table}, {opened.round.value} at {'g z' if opened.next else 'z'}"] = place
    yield from last.items()


@pytest.mark.parametrize(("group", "place"), list(groups()))
def test_an_opened_value_of_each_group_is_bound_to_its_column(group: str, place: int) -> None:
    """False, it breaks the composition. With chunk 0 adjusted it does not, and still it is not the column's value."""
    rejection = refusal(Liar(world(), {"opened_values": plus_one_at(place)}, PARAMETERS).proof)
    assert rejection.reason == Reason.COMPOSITION

    def consistent(prover: Liar, values: list[Extension]) -> list[Extension]:
        false: list[Extension] = plus_one_at(place)(prover, values)
        false[-CHUNKS] = add(false[-CHUNKS], gap(prover, false))
        assert gap(prover, false) == (0, 0, 0, 0, 0)
        return false

    rejection = refusal(Liar(world(), {"opened_values": consistent}, PARAMETERS).proof)
    assert rejection.reason == Reason.FRI_FOLD
    assert "layer" in rejection.detail


def test_every_opened_value_enters_a_constraint_or_the_quotient() -> None:
    prover = honest()
    fingerprint = Fingerprint(prover.beta, prover.gamma, CIRCUIT)

    def terms(values: Sequence[Extension], number: int) -> list[Extension]:
        tables, chunks = split_openings(SHAPE, values)
        if number == QUOTIENT_TABLE:
            return chunks
        return table_terms(SHAPE.tables[number], tables[number], prover.z, fingerprint, prover.terminals[number])

    honest_terms = {number: terms(prover.opened_values, number) for number in (*range(len(HEIGHTS)), QUOTIENT_TABLE)}
    for place, opened in enumerate(SHAPE.openings):
        values: list[Extension] = plus_one_at(place)(prover, prover.opened_values)
        assert terms(values, opened.table) != honest_terms[opened.table], f"{opened} is in no constraint"


# --- the statement ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A false statement: the field, what is changed, and who rejects in which words."""

    field: str
    change: Callable[[Statement], Statement]
    reason: Reason = Reason.BUS_IMBALANCE
    words: str = "messages of the verifier add up"


def entry(name: str, place: int, **changes: int) -> Callable[[Statement], Statement]:
    """An entry of a list is changed by these differences."""

    def change(statement: Statement) -> Statement:
        entries = list(getattr(statement, name))
        new = {field: getattr(entries[place], field) + difference for field, difference in changes.items()}
        entries[place] = replace(entries[place], **new)
        return having(statement, name, tuple(entries))

    return change


def length(name: str, *more: Any) -> Callable[[Statement], Statement]:
    """A list has these entries more, or its last one less."""
    return lambda s: having(s, name, (*getattr(s, name), *more) if more else getattr(s, name)[:-1])


def next_of(name: str) -> Callable[[Statement], Statement]:
    """One more movement, numbered after the last one."""
    return lambda s: length(name, replace(getattr(s, name)[-1], sequence=getattr(s, name)[-1].sequence + 1))(s)


def crossed(name: str) -> Callable[[Statement], Statement]:
    """The first two movements trade their chains."""

    def change(statement: Statement) -> Statement:
        first, second, *others = getattr(statement, name)
        traded = replace(second, chain=first.chain), replace(first, chain=second.chain)
        return having(statement, name, (*traded, *others))

    return change


def inflated(statement: Statement) -> Statement:
    """Vaults and liabilities both claim one unit more."""
    return entry("totals", 0, amount=1)(entry("vaults", 0, amount=1)(statement))


def shifted(statement: Statement) -> Statement:
    """A vault's unit is claimed on another chain."""
    return entry("vaults", 2, amount=-1)(entry("vaults", 0, amount=1)(statement))


def one_more_chain(statement: Statement) -> Statement:
    """Empty vaults of a chain that does not exist."""
    *vaults, usdc, eth = statement.vaults
    return replace(statement, vaults=(*vaults, Vault(3, 0, 0), Vault(3, 1, 0), usdc, eth))


VAULTS, TOTALS, FUNDS = (f"{name} are not one for each" for name in ("vaults", "liabilities", "fund balances"))
FALSE = [
    Told("Statement.old_root", lambda s: replace(s, old_root=(*s.old_root[:7], s.old_root[7] ^ 1))),
    Told("Statement.old_root", lambda s: replace(s, old_root=(P, *s.old_root[1:])), Reason.STATEMENT, "root element"),
    Told("Statement.new_root", lambda s: replace(s, new_root=(*s.new_root[:7], s.new_root[7] ^ 1))),
    Told("Statement.new_root", lambda s: replace(s, new_root=s.old_root)),
    Told("Statement.batch", lambda s: replace(s, batch=s.batch + 1)),
    Told("Statement.time", lambda s: replace(s, time=s.time + 1)),
    Told("Statement.deposits", length("deposits")),
    Told("Statement.deposits", next_of("deposits")),
    Told("Statement.withdrawals", length("withdrawals")),
    Told("Statement.withdrawals", next_of("withdrawals")),
    Told("Statement.prices", length("prices")),
    Told("Statement.prices", length("prices", Price(3, 1, 2_681_620, 11))),
    Told("Statement.vaults", length("vaults"), Reason.STATEMENT, VAULTS),
    Told("Statement.vaults", one_more_chain),
    Told("Statement.totals", length("totals"), Reason.STATEMENT, FUNDS),
    Told("Statement.fund", length("fund"), Reason.STATEMENT, FUNDS),
    Told("Statement.loss", lambda s: replace(s, loss=s.loss + 1)),
    Told("Statement.loss", lambda s: replace(s, loss=-AMOUNT_MAX - 1), Reason.STATEMENT, "loss"),
    *(
        Told(f"Movement.{field}", entry(name, -1, **{field: difference}))
        for name in ("deposits", "withdrawals")
        for field, difference in (("sequence", 1), ("account", 1), ("asset", -1), ("amount", 1))
    ),
    *(Told("Movement.chain", crossed(name)) for name in ("deposits", "withdrawals")),
    *(
        Told("Movement.chain", entry(name, -1, chain=1), Reason.STATEMENT, "asset 1 moves on chain 3")
        for name in ("deposits", "withdrawals")
    ),
    Told("Movement.sequence", entry("deposits", -1, sequence=-1), Reason.STATEMENT, "strictly ascending"),
    Told("Movement.amount", entry("deposits", 0, amount=AMOUNT_MAX), Reason.STATEMENT, "amount moved"),
    *(Told(f"Price.{f}", entry("prices", -1, **{f: 1})) for f in ("instrument", "sequence", "price", "time")),
    Told("Price.time", entry("prices", -1, time=50), Reason.STATEMENT, "time of a price 61"),
    Told("Vault.chain", entry("vaults", -3, chain=1), Reason.STATEMENT, VAULTS),
    Told("Vault.asset", entry("vaults", -1, asset=1), Reason.STATEMENT, VAULTS),
    Told("Vault.amount", shifted),
    Told("Vault.amount", entry("vaults", 0, amount=1), Reason.STATEMENT, "asset 0: vaults hold"),
    Told("AssetAmount.asset", entry("totals", -1, asset=1), Reason.STATEMENT, TOTALS),
    Told("AssetAmount.asset", entry("fund", -1, asset=1), Reason.STATEMENT, FUNDS),
    Told("AssetAmount.amount", inflated),
    Told("AssetAmount.amount", entry("totals", 1, amount=-1), Reason.STATEMENT, "asset 1: vaults hold"),
    Told("AssetAmount.amount", entry("fund", 0, amount=1)),
    Told("AssetAmount.amount", entry("fund", 1, amount=-1)),
    Told("Statement.acts", length("acts")),
    Told("Statement.acts", length("acts", Act(9, ActKind.SET, chain_index(0), Tag.CHAIN, CHAIN_STATUS, 1))),
    Told("Act.number", entry("acts", -1, number=1)),
    Told("Act.number", entry("acts", 1, number=-1), Reason.STATEMENT, "acts are not in strictly ascending order"),
    Told("Act.kind", entry("acts", 7, kind=-1)),
    Told("Act.kind", entry("acts", 7, kind=2), Reason.STATEMENT, "5 is no kind of act"),
    Told("Act.kind", entry("acts", 7, kind=1), Reason.STATEMENT, "is not to be changed so"),
    Told("Act.kind", entry("acts", 7, kind=-2), Reason.STATEMENT, "is not to be changed so"),
    Told("Act.leaf", entry("acts", 0, leaf=8)),
    Told("Act.leaf", entry("acts", 0, leaf=1), Reason.STATEMENT, "is not to be changed so"),
    Told("Act.tag", entry("acts", 0, tag=1), Reason.STATEMENT, "is not to be changed so"),
    Told("Act.position", entry("acts", 7, position=-1)),
    Told("Act.position", entry("acts", 0, position=1), Reason.STATEMENT, "is not to be changed so"),
    Told("Act.value", entry("acts", -1, value=1)),
    Told("Act.value", entry("acts", 0, value=1), Reason.STATEMENT, "value 3 is outside 0..2"),
]


@pytest.mark.parametrize("told", FALSE, ids=lambda told: told.field)
def test_a_false_statement_is_refused_whoever_proves_it(told: Told) -> None:
    false = told.change(world().statement)
    assert false != world().statement
    rejection = refusal(Liar(world(), {"statement": lambda _prover, _data: false.encode()}, PARAMETERS).proof)
    assert rejection.reason == told.reason
    assert told.words in rejection.detail


def test_a_proof_cannot_be_moved_to_another_venue() -> None:
    """The circuit knows no venue: the transcript binds its id, so a proof of one venue cannot be sent to another."""
    told = replace(world().statement, venue_id=bytes(32))
    rejection = refusal(resent(honest(), replace(honest().head(), statement=told.encode()), PARAMETERS))
    assert rejection.reason == Reason.BUS_IMBALANCE


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: b"\x00\x04" + data[2:], "statement version 4"),
        (lambda data: data[:50], "shorter than its header"),
        (lambda data: data + b"\0", "1 bytes after the statement"),
        (lambda data: data[:-1], "runs past the end"),
        (lambda data: data[:114] + b"\xff" + data[115:], "where at most"),
    ],
)
def test_a_malformed_statement_is_refused(damage: Callable[[bytes], bytes], words: str) -> None:
    rejection = refusal(Liar(world(), {"statement": lambda _, data: damage(data)}, PARAMETERS).proof)
    assert rejection.reason == Reason.STATEMENT
    assert words in rejection.detail


# --- what is resent ---------------------------------------------------------------------------------------------------


def next_nonce(nonce: bytes) -> bytes:
    """Where the search for another nonce that works begins."""
    return (int.from_bytes(nonce, "big") + 1).to_bytes(8, "big")


def with_layer(number: int, **changes: Any) -> Callable[[ProofHead], ProofHead]:
    """One layer's root or nonce is another."""

    def change(head: ProofHead) -> ProofHead:
        layers = list(head.layers)
        layers[number] = replace(layers[number], **changes)
        return replace(head, layers=layers)

    return change


def consistent_values(head: ProofHead) -> ProofHead:
    """Chunks 0 and 1 are moved against each other, so that the composition still holds."""
    values = list(head.opened_values)
    step = power(honest().z, SHAPE.chunk_stride)
    values[-CHUNKS] = add(values[-CHUNKS], mul(step, (0, 1, 0, 0, 0)))
    values[1 - CHUNKS] = sub(values[1 - CHUNKS], (0, 1, 0, 0, 0))
    return replace(head, opened_values=values)


def resend(name: str, change: Callable[[Any], Any]) -> Callable[[ProofHead], ProofHead]:
    """One field of the head is another."""
    return lambda head: having(head, name, change(getattr(head, name)))


def other(digest: bytes) -> bytes:
    return bytes([digest[0] ^ 1, *digest[1:]])


def next_layer_nonce(number: int) -> Callable[[ProofHead], ProofHead]:
    return lambda head: with_layer(number, nonce=next_nonce(head.layers[number].nonce))(head)


# What is changed, and the first check whose challenge no longer fits; of a layer's root that is its Merkle tree's.
RESENT = [
    ("main_root", resend("main_root", other), Reason.BUS_IMBALANCE, "terminals"),
    ("lookup_nonce", resend("lookup_nonce", next_nonce), Reason.BUS_IMBALANCE, "terminals"),
    ("auxiliary_root", resend("auxiliary_root", other), Reason.COMPOSITION, "constraints combine"),
    ("terminals", resend("terminals", lambda t: moved(honest(), t)), Reason.COMPOSITION, "constraints combine"),
    ("quotient_root", resend("quotient_root", other), Reason.COMPOSITION, "constraints combine"),
    ("out_of_domain_nonce", resend("out_of_domain_nonce", next_nonce), Reason.COMPOSITION, "constraints combine"),
    ("opened_values", consistent_values, Reason.FRI_FOLD, "layer 0"),
    ("batch_nonce", resend("batch_nonce", next_nonce), Reason.FRI_FOLD, "layer 0"),
    ("layers[0].nonce", next_layer_nonce(0), Reason.FRI_FOLD, "layer 1"),
    ("layers[1].nonce", next_layer_nonce(1), Reason.FINAL_POLYNOMIAL, "the folds give"),
    ("final", resend("final", lambda f: plus_one_at(3)(honest(), f)), Reason.FINAL_POLYNOMIAL, "the folds give"),
]


@pytest.mark.parametrize(("change", "reason", "words"), [pytest.param(*case[1:], id=case[0]) for case in RESENT])
def test_with_all_work_done_again_the_challenges_no_longer_fit(
    change: Callable[[ProofHead], ProofHead], reason: Reason, words: str
) -> None:
    rejection = refusal(resent(honest(), change(honest().head()), PARAMETERS))
    assert rejection.reason == reason
    assert words in rejection.detail


def test_another_query_nonce_makes_another_valid_proof() -> None:
    """After it nothing is chosen any more; so what resending refuses is never the resending itself."""
    change = resend("query_nonce", next_nonce)
    proof = resent(honest(), change(honest().head()), PARAMETERS)
    assert proof != honest().proof
    assert verify(CIRCUIT, PARAMETERS, proof, decode, floor=0) == world().statement


def test_a_proof_cannot_be_moved_to_parameters_of_another_name() -> None:
    renamed = replace(PARAMETERS, name="other")
    proof = resent(honest(), honest().head(), renamed)
    with pytest.raises(Rejection) as caught:
        verify(CIRCUIT, renamed, proof, decode, floor=0)
    assert caught.value.reason == Reason.BUS_IMBALANCE


# --- the openings -----------------------------------------------------------------------------------------------------

Edit = Callable[[ClassOpening], ClassOpening]


def edited(tree: str, number: int, edit: Edit) -> bytes:
    """The honest proof with one class of one opening changed."""
    opening = parts().openings[tree]
    classes = [edit(opened) if k == number else opened for k, opened in enumerate(opening.classes)]
    return replace(parts(), openings={**parts().openings, tree: Opening(classes, opening.siblings)}).data()


def element(row: int, column: int, by: int) -> Edit:
    """An opened element grows by this."""

    def edit(opened: ClassOpening) -> ClassOpening:
        rows = [list(elements) for elements in opened.rows]
        rows[row][column] = (rows[row][column] + by) % P if by < P else rows[row][column] + by
        return ClassOpening(rows, opened.salts)

    return edit


def salt(row: int) -> Edit:
    """A salt is another."""

    def edit(opened: ClassOpening) -> ClassOpening:
        salts = list(opened.salts)
        salts[row] = other(salts[row])
        return ClassOpening(opened.rows, salts)

    return edit


def tree_classes() -> list[tuple[str, int, tuple[int, ...]]]:
    """Each tree with each of its classes: the number and the widths of its matrices."""
    shapes = (SHAPE.main_tree, SHAPE.auxiliary_tree, SHAPE.quotient_tree)
    layers = (SHAPE.layer_tree(layer) for layer in range(SHAPE.layers))
    return [(tree.name, k, c.widths) for tree in (*shapes, *layers) for k, c in enumerate(tree.classes)]


def edges(widths: Sequence[int]) -> list[int]:
    """The first and the last column of every matrix."""
    ends = [sum(widths[: k + 1]) for k in range(len(widths))]
    return [column for width, end in zip(widths, ends, strict=True) for column in (end - width, end - 1)]


@pytest.mark.parametrize(("tree", "number", "widths"), tree_classes())
def test_opened_rows_and_salts_are_bound_by_their_tree(
    tree: str, number: int, widths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every matrix of every class. Without the Merkle check a row is missed by FRI, and a salt by nothing."""
    last = len(parts().openings[tree].classes[number].rows) - 1
    changed_rows = [edited(tree, number, element(row, k, 1)) for row, k in zip(cycle((0, last)), edges(widths))]
    changed_salts = [edited(tree, number, salt(row)) for row in (0, last)]
    for proof in (*changed_rows, *changed_salts):
        rejection = refusal(proof)
        assert rejection.reason == Reason.MERKLE
        assert f"the opening of {tree} leads to root" in rejection.detail
    monkeypatch.setattr(verifying, "check_commitments", lambda *_: None)
    for proof in changed_rows:
        assert refusal(proof).reason in (Reason.FRI_FOLD, Reason.FINAL_POLYNOMIAL)
    for proof in changed_salts:
        assert verify(CIRCUIT, PARAMETERS, proof, decode, floor=0) == world().statement


@pytest.mark.parametrize("tree", TREES)
def test_siblings_are_bound_by_their_tree(tree: str) -> None:
    opening = parts().openings[tree]
    for place in (0, len(opening.siblings) // 2, len(opening.siblings) - 1):
        siblings = [other(s) if k == place else s for k, s in enumerate(opening.siblings)]
        changed = {**parts().openings, tree: replace(opening, siblings=siblings)}
        rejection = refusal(replace(parts(), openings=changed).data())
        assert rejection.reason == Reason.MERKLE
        assert f"the opening of {tree} leads to root" in rejection.detail


def test_openings_of_another_tree_are_refused() -> None:
    """Layers 0 and 1 have rows of one width: with siblings to spare or missing, or exchanged as a whole."""
    layers = {"layer 0": parts().openings["layer 1"], "layer 1": parts().openings["layer 0"]}
    assert refusal(replace(parts(), openings=parts().openings | layers).data()).reason in {*READING, Reason.MERKLE}


# --- encoding and lengths ---------------------------------------------------------------------------------------------


class RecordingReader(ProofReader):
    """Notes the name, start and length of everything that it takes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.taken: list[tuple[str, int, int]] = []

    def _take(self, length: int, where: str) -> bytes:
        self.taken.append((where, self._position, length))
        return super()._take(length, where)


@cache
def taken() -> list[tuple[str, int, int]]:
    """Every part of the honest proof's encoding, in order."""
    reader = RecordingReader(honest().proof)
    head, shape = reader.head(CIRCUIT, PARAMETERS)
    read_openings(reader, shape, replay(CIRCUIT, shape, head).positions)
    return reader.taken


def sampled() -> list[tuple[str, int, int]]:
    """The parts of the head, and every 150th and the last of the openings."""
    last_of_head = next(k for k, (where, *_) in enumerate(taken()) if where == "query nonce")
    return [*taken()[: last_of_head + 1], *taken()[last_of_head + 1 :: 150], taken()[-1]]


def test_every_byte_belongs_to_one_part() -> None:
    ends = [start + length for _, start, length in taken()]
    assert [start for _, start, _ in taken()] == [0, *ends[:-1]]
    assert ends[-1] == len(honest().proof)


def test_a_proof_that_ends_inside_a_part_names_it() -> None:
    """One byte, and of elements one whole element, too few."""
    for where, start, length in sampled():
        for missing in {1, min(length, EXTENSION_BYTES)}:
            rejection = refusal(honest().proof[: start + length - missing])
            assert rejection.reason == Reason.MALFORMED
            assert where in rejection.detail


def test_name_and_version_are_checked() -> None:
    for place in range(len(MAGIC)):
        proof = bytearray(honest().proof)
        proof[place] ^= 1
        rejection = refusal(bytes(proof))
        assert rejection.reason == Reason.MALFORMED
        assert "starts with" in rejection.detail


def test_the_statements_length_is_bounded() -> None:
    proof = honest().proof
    too_long = (MAX_STATEMENT_BYTES + 1).to_bytes(4, "big")
    rejection = refusal(proof[: len(MAGIC)] + too_long + proof[len(MAGIC) + 4 :])
    assert rejection.reason == Reason.MALFORMED
    assert "statement of" in rejection.detail


def test_elements_have_one_encoding() -> None:
    """x + P is no x."""
    for name, where in (("terminals", "terminals"), ("opened_values", "opened values"), ("final", "final polynomial")):
        values = getattr(parts().head, name)
        for place in (0, len(values) - 1):
            aliased = [(*v[:4], v[4] + P) if k == place else v for k, v in enumerate(values)]
            rejection = refusal(replace(parts(), head=having(parts().head, name, aliased)).data())
            assert rejection.reason == Reason.NON_CANONICAL
            assert rejection.detail.startswith(f"{where}: element {5 * place + 4}")
    for tree, number, widths in tree_classes():
        rejection = refusal(edited(tree, number, element(0, sum(widths) - 1, P)))
        assert rejection.reason == Reason.NON_CANONICAL
        assert rejection.detail.startswith(f"opening of {tree}, class of")


LISTS = ("terminals", "opened_values", "layers", "final")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_the_head_has_one_length(name: str) -> None:
    """Its length is not in the proof, so with one entry too many or too few something else is read in its place."""
    values = getattr(parts().head, name)
    for false in ([*values, values[-1]], values[:-1], []):
        rejection = refusal(replace(parts(), head=having(parts().head, name, false)).data())
        assert rejection.reason in READING


def test_there_is_one_height_for_each_table() -> None:
    for heights in ((*HEIGHTS, 10), HEIGHTS[:-1]):
        head = replace(parts().head, log_heights=heights)
        assert refusal(replace(parts(), head=head).data()).reason in {*READING, Reason.HEIGHT}
        with pytest.raises(Rejection, match=f"{len(heights)} heights for 4 tables"):
            shape_of(CIRCUIT, PARAMETERS, heights)


def resized_classes(opening: Opening) -> Iterator[Opening]:
    """One row, one salt, one whole class too many or too few."""
    first, *rest = opening.classes
    for rows, salts in (
        (first.rows[:-1], first.salts),
        ([*first.rows, first.rows[-1]], first.salts),
        (first.rows, first.salts[:-1]),
        (first.rows, [*first.salts, first.salts[-1]]),
    ):
        yield replace(opening, classes=[ClassOpening(rows, salts), *rest])
    yield replace(opening, classes=[first, *opening.classes])
    yield replace(opening, classes=rest)


@pytest.mark.parametrize("tree", TREES)
def test_the_lists_of_an_opening_have_one_length(tree: str) -> None:
    opening = parts().openings[tree]
    siblings = opening.siblings
    resized = [replace(opening, siblings=s) for s in ([*siblings, siblings[-1]], siblings[:-1])]
    for false in (*resized, *resized_classes(opening)):
        changed = {**parts().openings, tree: false}
        assert refusal(replace(parts(), openings=changed).data()).reason in READING


def test_the_lists_of_openings_have_one_length() -> None:
    for tree, where in ((TREES[-1], TREES[-1]), (TREES[0], "opening of")):
        rest = {name: opening for name, opening in parts().openings.items() if name != tree}
        rejection = refusal(replace(parts(), openings=rest).data())
        assert rejection.reason in READING
        assert where in rejection.detail
    twice = parts().openings | {"layer 2": parts().openings[TREES[-1]]}
    assert refusal(replace(parts(), openings=twice).data()).reason == Reason.TRAILING_BYTES


# --- nothing is left out ----------------------------------------------------------------------------------------------

# Fields of which no case of the tables above speaks, and the test that does.
BY_TEST = {
    "ProofHead.log_heights": test_other_heights_with_the_same_layout_break_the_composition,
    "Openings.rounds": test_the_lists_of_openings_have_one_length,
    "Openings.layers": test_the_lists_of_openings_have_one_length,
    "Opening.classes": test_the_lists_of_an_opening_have_one_length,
    "Opening.siblings": test_siblings_are_bound_by_their_tree,
    "ClassOpening.rows": test_opened_rows_and_salts_are_bound_by_their_tree,
    "ClassOpening.salts": test_opened_rows_and_salts_are_bound_by_their_tree,
    "Statement.venue_id": test_a_proof_cannot_be_moved_to_another_venue,
}


def fields_of(root: type) -> Iterator[str]:
    """Class.field for the fields of a dataclass and of the dataclasses that they hold."""
    for hint in get_type_hints(root).values():
        for part in (hint, *get_args(hint)):
            if is_dataclass(part) and isinstance(part, type):
                yield from fields_of(part)
    yield from (f"{root.__name__}.{field.name}" for field in fields(root))


def test_no_field_is_left_out() -> None:
    told = {case.field for case in CASES} | {case.field for case in FALSE} | BY_TEST.keys()
    assert told == {name for root in (ProofHead, Openings, Statement) for name in fields_of(root)}
    lists = {name for name, hint in get_type_hints(ProofHead).items() if get_args(hint) and name != "log_heights"}
    assert lists == set(LISTS)
    assert {name for name, _, _ in tree_classes()} == set(TREES) == set(parts().openings)
