"""Forgeries of the growth of a margin fraction with its market's open interest."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import FRACTION_ONE, LIMB
from circuits.field import P
from circuits.records import PARAMETERS_FRACTION, RULES_GROWTH, RULES_INTEREST, parameters_index, rules_index
from circuits.steps import Kind, Step
from circuits.transitions.price import CAPPED, FRACTION, ONE_PORT
from prover.traces.price import fill_weight
from state.ledger import Ledger
from tests.batches import BTC_PERP, ETH_PERP, with_rules
from tests.mutation.execution_accesses import set_price
from tests.mutation.matching import one
from tests.mutation.script import Amend, Hooks, Script, ScriptedTrace, inverse, nothing, to
from tests.mutation.stage import staged
from tests.tamper.forger import Forger

PRICE = 6_000_000
BASE = staged().read(parameters_index(BTC_PERP))[PARAMETERS_FRACTION]
GROWTH, WHOLE = 40, 3  # of BTC-PERP here, for each LIMB lots; so many LIMBs are held
GROWN = BASE + GROWTH * WHOLE
OVER = GROWN - FRACTION_ONE


def growing(growth: int = GROWTH, interest: int = WHOLE * LIMB + LIMB - 1) -> Ledger:
    """The stage, with growth and open interest in BTC-PERP, and none in ETH-PERP."""
    return with_rules(staged(), BTC_PERP, {RULES_GROWTH: growth, RULES_INTEREST: interest})


def misweighed(
    fraction: int,
    *,
    hooks: Hooks | None = None,
    amend: Amend = nothing,
    believe: Amend = nothing,
) -> Script:
    """A lot of BTC-PERP requires another fraction of its mark."""
    weight = -(-PRICE * fraction // FRACTION_ONE)

    def weigh(trace: ScriptedTrace) -> None:
        amend(trace)
        trace.registers(Kind.PRICE, **{FRACTION: fraction})
        fill_weight(trace, trace.at(Step.PRICE_MARKET))

    def act(forger: Forger) -> None:
        set_price(forger, BTC_PERP, PRICE, 90, weight=weight)

    return Script(act, hooks or {}, weigh, believe, ledger=growing)


def capped(flag: int, slack: int) -> Amend:
    """Amend: the fraction is said to be capped, or not, this clearly."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.PRICE_RULES)
        trace.register(CAPPED, row, flag)
        trace.wide_port(ONE_PORT, row, one(slack))

    return amend


def half_capped() -> Script:
    """The fraction is neither capped nor free, but lower than its base."""
    for fraction in range(1, BASE):
        flag = (GROWN - fraction) * inverse(OVER) % P
        slack = (flag * (2 * OVER - 1) - OVER) % P
        if slack < LIMB**2:
            break
    return misweighed(fraction, amend=capped(flag, slack))


def less_interest() -> Script:
    """A limb of the open interest is not seen."""

    def believe(trace: ScriptedTrace) -> None:
        trace.old[RULES_INTEREST][trace.at(Step.PRICE_RULES)] -= LIMB

    return misweighed(GROWN - GROWTH, believe=believe)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    return {
        "price_rules: index": partial(misweighed, BASE, hooks={Step.PRICE_RULES: to(rules_index(ETH_PERP))}),
        "price_rules: open interest": less_interest,
        "price_rules: capped is boolean": half_capped,
        "price_rules: capped, both ways": partial(misweighed, FRACTION_ONE, amend=capped(1, 0)),
        "price_rules: fraction": partial(misweighed, BASE),
    }
