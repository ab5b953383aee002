"""solvent security: the proven security of the proof system, term by term."""

import math
from typing import Any

import click

from circuits.air import MAX_LOG_HEIGHT, MIN_LOG_HEIGHT
from circuits.solvent import solvent_circuit
from cli.options import json_option, params_option
from cli.output import aligned, emit
from verifier.params import PARAMETERS
from verifier.security import FLOOR, SALT_BITS, STATE_DIGEST_BITS, Analysis, Johnson, Security, Term
from verifier.security import security as proven_security

STATE_DIGEST = "state-tree digest (Poseidon2, collisions)"


@click.command()
@params_option
@click.option(
    "--height", metavar="H", type=click.IntRange(MIN_LOG_HEIGHT, MAX_LOG_HEIGHT), default=MAX_LOG_HEIGHT,
    show_default=True, help="The tallest table has 2^H rows.",
)  # fmt: skip
@json_option
def security(params: str, height: int, as_json: bool) -> None:
    """Compute how many bits are proven for every way to cheat, and which is the weakest."""
    found = proven_security(solvent_circuit(), PARAMETERS[params], height)
    emit(as_json, _content(found, params, height), _lines(found, params, height))


def rounded(bits: float) -> float:
    """Two decimals, rounded down: no term looks stronger than it is."""
    return math.floor(100 * bits) / 100


def _content(found: Security, params: str, height: int) -> dict[str, Any]:
    best = found.best
    return {
        "parameters": params, "log_height": height, "floor": FLOOR, "regime": best.regime.name,
        "bits": {
            "minimum": rounded(best.weakest.bits), **{term.name: rounded(term.bits) for term in best.terms},
        },
        "weakest": best.weakest.name,
        "system": {
            "minimum": rounded(min(best.weakest.bits, STATE_DIGEST_BITS)), STATE_DIGEST: rounded(STATE_DIGEST_BITS),
        },
        "hiding": {"leaf salts": SALT_BITS},
        "regimes": {
            analysis.regime.name: _analysis_object(analysis) for analysis in (found.johnson, found.unique_decoding)
        },
    }  # fmt: skip


def _analysis_object(analysis: Analysis) -> dict[str, Any]:
    regime = analysis.regime
    return {
        "multiplicity": regime.multiplicity if isinstance(regime, Johnson) else None,
        "agreement": regime.agreement, "list_size": regime.list_size,
        "minimum": rounded(analysis.weakest.bits), "weakest": analysis.weakest.name,
        "terms": [_term_object(term) for term in analysis.terms],
    }  # fmt: skip


def _term_object(term: Term) -> dict[str, Any]:
    return {
        "name": term.name, "site": term.site, "before_grinding": rounded(term.before), "grinding": term.grinding,
        "bits": rounded(term.bits), "formula": term.formula, "source": term.source,
    }  # fmt: skip


def _lines(found: Security, params: str, height: int) -> list[str]:
    best = found.best
    title = f"{params}, heights up to 2^{height}: {rounded(best.weakest.bits)} bits proven, by {best.regime.name}"
    lines = [f"{title}; the weakest term is: {best.weakest.name}"]
    for analysis in (found.johnson, found.unique_decoding):
        lines += ["", *_table(analysis)]
    lines += ["", "where they come from (L: list size, q: size of the challenge field, k: 2^H, n: size of the domain):"]
    lines += aligned(("term", "error", "source"), [(term.name, term.formula, term.source) for term in best.terms])
    digest = f"{STATE_DIGEST}: {rounded(STATE_DIGEST_BITS)} bits"
    system = min(best.weakest.bits, STATE_DIGEST_BITS)
    lines += ["", f"beside the proof, {digest}; so the system's minimum is {rounded(system)}"]
    return [*lines, f"hiding, apart from soundness: leaf salts of {SALT_BITS} bits"]


def _table(analysis: Analysis) -> list[str]:
    regime = analysis.regime
    multiplicity = f", multiplicity {regime.multiplicity}" if isinstance(regime, Johnson) else ""
    rows = [
        (term.name, f"{rounded(term.before):.2f}", str(term.grinding), f"{rounded(term.bits):.2f}", term.site or "-")
        for term in analysis.terms
    ]
    title = f"{regime.name}{multiplicity}: agreement {regime.agreement:.4f}, list size {regime.list_size:g}"
    return [title, *aligned(("term", "before grinding", "grinding", "bits", "site"), rows)]
