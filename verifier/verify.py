"""Verifying a proof of any circuit, step by step (docs/protocol.md, part A)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from circuits.air import Circuit, Message
from circuits.field import Extension
from verifier.buses import Fingerprint, check_balance, check_messages
from verifier.codec import ProofHead, ProofReader
from verifier.constraints import check_composition
from verifier.deep import class_batches, class_values
from verifier.errors import Reason, Rejection
from verifier.fri import FoldChallenges, check_fri
from verifier.merkle import Opening, check_opening
from verifier.params import LOG_ARITY, Parameters, Site
from verifier.security import FLOOR, check_floor
from verifier.shape import Round, Shape
from verifier.transcript import Transcript


class Statement(Protocol):
    """What a proof claims."""

    def encode(self) -> bytes:
        """The one encoding of the statement."""
        ...

    def messages(self) -> list[Message]:
        """What the verifier itself puts onto the buses."""
        ...


S = TypeVar("S", bound=Statement)


@dataclass(frozen=True)
class Challenges:
    """All challenges of a proof. folds: for each FRI layer the weights and, where a class is injected, iota."""

    beta: Extension
    gamma: Extension
    alpha: Extension
    z: Extension
    lambdas: list[Extension]
    folds: list[FoldChallenges]
    positions: list[int]  # distinct, ascending


@dataclass(frozen=True)
class Openings:
    """The openings of all trees at the queried positions."""

    rounds: dict[Round, Opening]
    layers: list[Opening]


def verify(
    circuit: Circuit,
    parameters: Parameters,
    proof: bytes,
    decode_statement: Callable[[bytes], S],
    *,
    floor: float = FLOOR,
) -> S:
    """The statement that the proof proves. Raises Rejection, with the reason, for anything but a valid proof.

    decode_statement must raise nothing but Rejection. floor: proven bits below which no parameters are taken; tests
    with parameters that prove little pass 0.
    """
    # 1. Read all that the transcript absorbs; its shape follows from circuit, parameters and heights.
    reader = ProofReader(proof)
    head, shape = reader.head(circuit, parameters)
    check_floor(shape, floor)
    # 2. Replay the transcript, with the grinding at every site: whoever wants a long statement read has to work for it.
    challenges = replay(circuit, shape, head)
    # 3. Decode the statement.
    statement = decode_canonical(head.statement, decode_statement)
    messages = statement.messages()
    check_messages(circuit, messages)
    # 4. Read the openings at the queried positions; nothing may follow.
    openings = read_openings(reader, shape, challenges.positions)
    # 5. The buses balance.
    fingerprint = Fingerprint(challenges.beta, challenges.gamma, circuit)
    check_balance(messages, head.terminals, fingerprint)
    # 6. The constraints hold at the out-of-domain point.
    check_composition(shape, head.opened_values, head.terminals, fingerprint, challenges.alpha, challenges.z)
    # 7. The opened rows are the committed ones.
    check_commitments(shape, head, challenges.positions, openings)
    # 8. The opened values at the out-of-domain point are those of the committed columns, which are of low degree.
    batches = class_batches(shape, challenges.z, head.opened_values, challenges.lambdas)
    values = class_values(shape, batches, challenges.positions, openings.rounds)
    check_fri(shape, values, openings.layers, challenges.folds, head.final)
    return statement


def decode_canonical(data: bytes, decode_statement: Callable[[bytes], S]) -> S:
    """The decoded statement. Raises Rejection unless it encodes to the same bytes again."""
    statement = decode_statement(data)
    if statement.encode() != data:
        raise Rejection(Reason.STATEMENT, f"its {len(data)} bytes are not the canonical encoding")
    return statement


def replay(circuit: Circuit, shape: Shape, head: ProofHead) -> Challenges:
    """The challenges of a proof. Raises Rejection for missing grinding and for z in the base field."""
    parameters = shape.parameters
    transcript = Transcript()

    def grinding(site: Site, nonce: bytes) -> None:
        transcript.check_grinding(site, parameters.bits(site), nonce)

    transcript.absorb_circuit(circuit.digest())
    transcript.absorb_parameters(parameters)
    transcript.absorb_statement(head.statement)
    transcript.absorb_heights(head.log_heights)
    transcript.absorb_main(head.main_root)
    grinding(Site.LOOKUP, head.lookup_nonce)
    beta, gamma = transcript.challenge_lookup()
    transcript.absorb_auxiliary(head.auxiliary_root)
    transcript.absorb_terminals(head.terminals)
    alpha = transcript.challenge_composition()
    transcript.absorb_quotient(head.quotient_root)
    grinding(Site.OUT_OF_DOMAIN, head.out_of_domain_nonce)
    z = transcript.challenge_out_of_domain()
    check_out_of_domain(z)
    transcript.absorb_openings(head.opened_values)
    grinding(Site.BATCH, head.batch_nonce)
    lambdas = transcript.challenge_batch(len(shape.openings))
    folds = []
    for number, layer in enumerate(head.layers):
        transcript.absorb_layer(layer.root)
        grinding(Site.FOLD, layer.nonce)
        folds.append(transcript.challenge_fold(shape.injects(number)))
    transcript.absorb_final(head.final)
    grinding(Site.QUERY, head.query_nonce)
    positions = sorted(set(transcript.query_positions(parameters.queries, shape.log_domain)))
    return Challenges(beta, gamma, alpha, z, lambdas, folds, positions)


def check_out_of_domain(z: Extension) -> None:
    """Raises Rejection if z is in the base field, where the domains are and denominators may vanish."""
    if not any(z[1:]):
        raise Rejection(Reason.BASE_FIELD_POINT, f"z = {z}")


def layer_positions(positions: list[int], layer: int) -> list[int]:
    """The leaves of a FRI layer's tree that the queries open, distinct and ascending."""
    return sorted({position >> LOG_ARITY * (layer + 1) for position in positions})


def read_openings(reader: ProofReader, shape: Shape, positions: list[int]) -> Openings:
    """The rest of the proof, to its last byte."""
    trees = {Round.MAIN: shape.main_tree, Round.AUXILIARY: shape.auxiliary_tree, Round.QUOTIENT: shape.quotient_tree}
    rounds = {name: reader.opening(tree, positions) for name, tree in trees.items()}
    layers = [
        reader.opening(shape.layer_tree(layer), layer_positions(positions, layer)) for layer in range(shape.layers)
    ]
    reader.finish()
    return Openings(rounds, layers)


def check_commitments(shape: Shape, head: ProofHead, positions: list[int], openings: Openings) -> None:
    """Raises Rejection unless every opening leads to its committed root."""
    check_opening(shape.main_tree, head.main_root, positions, openings.rounds[Round.MAIN])
    check_opening(shape.auxiliary_tree, head.auxiliary_root, positions, openings.rounds[Round.AUXILIARY])
    check_opening(shape.quotient_tree, head.quotient_root, positions, openings.rounds[Round.QUOTIENT])
    for number, (layer, opening) in enumerate(zip(head.layers, openings.layers, strict=True)):
        check_opening(shape.layer_tree(number), layer.root, layer_positions(positions, number), opening)
