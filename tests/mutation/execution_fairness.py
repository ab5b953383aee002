"""Forgeries of which fills are fair to a party, and so of which accounts may reduce their positions."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import FAIR_SHARE
from circuits.field import P
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    HEADER_MASK,
    HEADER_OPEN,
    MARKET_FUNDING,
    MARKET_MARK,
    balance_index,
    from_limbs,
    header_index,
    market_index,
)
from circuits.steps import Kind, Step
from circuits.transitions.match import (
    ABOVE,
    DISTANCE_PORT,
    LOSER,
    MARK,
    PENDING_LOSER,
    QUARTER,
    UNFAIR,
    UNFAIR_PORT,
)
from circuits.transitions.order import QUARTER_PORT, QUARTER_REST_PORT
from state.accounts import balance_record
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions import Transition
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from tests.batches import BTC_PERP, ETH_PERP, LATE, USDC
from tests.mutation.execution_registers import EVERY, both, setting
from tests.mutation.matching import one
from tests.mutation.script import Amend, Script, ScriptedTrace, inverse
from tests.mutation.stage import BID, DAVE, EVE, SIZE, staged
from tests.tamper.forger import Forger

RISEN, SHARE = 6_400_000, 80_000  # of BTC-PERP, once its price has risen: the mark, and what a fair fill may lose
LOSS = RISEN - BID  # of a lot sold to Eve then
STEADY, WEIGHT = 2_681_620, 134_081  # of ETH-PERP: the mark, and what a lot requires
LEAST = WEIGHT // FAIR_SHARE
AROUND = LEAST + (P - 1) // 4  # mod P, FAIR_SHARE times this is WEIGHT less a remainder too
DEAR = STEADY + AROUND - (1 << 28) + 10_000  # a price that is within such a share of the mark
HEAD, MET, AFTER, BASE, QUOTE = slice(0, 1), slice(0, 2), slice(2, None), slice(7, 8), slice(8, 9)  # rows of a MATCH


def holding(lots: int, equity: int, market: int, *before: Transition) -> Ledger:
    """The stage as if Dave had so many lots, and that equity beyond 3/4 of what a half of them requires."""
    ledger, bit = staged(*before), 1 << market
    record, leaf, position = ledger.read(market_index(market)), header_index(DAVE), balance_index(DAVE, market)
    header, old = list(ledger.read(leaf)), ledger.read(position)
    header[HEADER_MASK] |= bit
    header[HEADER_OPEN] = int(header[HEADER_MASK]).bit_count()
    mark, weight = (from_limbs(record[at : at + 2]) for at in (MARKET_MARK, MARKET_MARK + 2))
    required = weight * (abs(lots) // 2)
    quote = equity + required * 3 // 4 - lots * mark
    resting = old[BALANCE_BIDS], old[BALANCE_ASKS]
    ledger.store.load([
        (leaf, tuple(header), NO_SALT),
        (balance_index(DAVE, USDC), balance_record(quote), NO_SALT),
        (position, balance_record(lots, *resting, record[MARKET_FUNDING]), NO_SALT),
    ])  # fmt: skip
    return ledger


def ports(step: Step, values: dict[int, int]) -> Amend:
    """Amend: pairs of ports of the step hold these values."""

    def amend(trace: ScriptedTrace) -> None:
        for number, value in values.items():
            trace.wide_port(number, trace.at(step), one(value))

    return amend


def knowing(kinds: tuple[Kind, ...], **values: int) -> Amend:
    """Amend: registers on all rows of some kinds."""
    return both(*(setting(kind, EVERY, **values) for kind in kinds))


def losing(kind: Kind, loser: int, rows: slice = MET) -> Amend:
    """Amend: who loses, on the first two rows or the ones after them."""
    return setting(kind, rows, **{PENDING_LOSER if rows == MET else LOSER: loser})


PAID = setting(Kind.MATCH, QUOTE, tier=1)
TIERS = both(setting(Kind.MATCH, BASE, tier=1), PAID)
NOBODY = losing(Kind.MATCH, 0), losing(Kind.MATCH, 0, AFTER), TIERS
REST = (Kind.MATCH, Kind.FILLED)


def gives_away(*amends: Amend) -> Script:
    """The price has risen, and Dave sells at the old one, by far too low; he need not have his initial margin
    afterwards."""

    def sell(forger: Forger) -> None:
        forger.order(DAVE, BTC_PERP, False, BID, SIZE).trade().filled()

    ledger = partial(holding, 2 * SIZE, SIZE * LOSS + 20_000, BTC_PERP, SetPrice(BTC_PERP, RISEN, 70))
    return Script(sell, amend=both(*amends), ledger=ledger)


def called_fair(distance: int, rest: int, *amends: Amend) -> Script:
    """The same, and these are the ports that say so."""
    said = ports(Step.MATCH_HEAD, {DISTANCE_PORT: distance, UNFAIR_PORT: rest})
    return gives_away(*amends, setting(Kind.MATCH, HEAD, **{UNFAIR: 0}), *NOBODY, said)


def gives_all() -> Script:
    """Dave is short, and buys at a price that is beyond all reason; a share that is none makes it a fair one."""

    def buy(forger: Forger) -> None:
        forger.order(DAVE, ETH_PERP, True, DEAR, SIZE).trade().filled()

    fee = -(-DEAR * SIZE * 500 // 10**6)
    ask = Order(EVE, ETH_PERP, False, DEAR, SIZE, LATE)
    ledger = partial(holding, -2 * SIZE, SIZE * (DEAR - STEADY) + fee, ETH_PERP, ask)
    rest = QUARTER_REST_PORT
    said = ports(Step.MATCH_HEAD, {UNFAIR_PORT: AROUND - (DEAR - STEADY)}), ports(Step.ORDER_RULES, {QUARTER_PORT: 0})

    def remainder(trace: ScriptedTrace) -> None:
        for number, value in ((rest, 2), (rest + 1, 1)):
            trace.port(number, trace.at(Step.ORDER_RULES), one(value))

    known = setting(Kind.ORDER, slice(1, 2), **{QUARTER: AROUND}), knowing(REST, **{QUARTER: AROUND})
    amends = *known, setting(Kind.MATCH, HEAD, **{UNFAIR: 0}), *NOBODY, *said, remainder
    return Script(buy, amend=both(*amends), ledger=ledger)


def is_turned_away(above: int, *amends: Amend, loser: int) -> Script:
    """Dave's ask at a fair price would reduce his position. It is said not to be fair, so that he fails, and goes."""
    price = STEADY + above

    def meet(forger: Forger) -> None:
        forger.order(EVE, ETH_PERP, True, price, SIZE, policy=Policy.GOOD_TILL_TIME).fail().rest()

    ask = Order(DAVE, ETH_PERP, False, price, SIZE, LATE)
    ledger = partial(holding, 2 * SIZE, max(-above, 0) * SIZE - max(above, 0) * SIZE + 20_000, ETH_PERP, ask)
    said = losing(Kind.FAIL, loser), losing(Kind.FAIL, loser, AFTER)
    return Script(meet, amend=both(*said, setting(Kind.FAIL, slice(3, 5), tier=0), *amends), ledger=ledger)


def unfair(flag: int, rest: int, *amends: Amend) -> Amend:
    """Amend: how unfair Dave's ask is said to be."""
    return both(setting(Kind.FAIL, HEAD, **{UNFAIR: flag}), ports(Step.MATCH_HEAD, {UNFAIR_PORT: rest}), *amends)


def rounded_down_further() -> Script:
    """The share is one less than it should be."""

    def remainder(trace: ScriptedTrace) -> None:
        trace.port(QUARTER_REST_PORT, trace.at(Step.ORDER_RULES), one(WEIGHT % FAIR_SHARE + FAIR_SHARE))
        trace.port(QUARTER_REST_PORT + 1, trace.at(Step.ORDER_RULES), one(0))

    less = {QUARTER: LEAST - 1}
    known = setting(Kind.ORDER, slice(1, 2), **less), knowing((Kind.FAIL, Kind.REST), **less)
    share = ports(Step.ORDER_RULES, {QUARTER_PORT: LEAST - 1})
    return is_turned_away(-LEAST, unfair(1, 0, *known, share, remainder), loser=1)


def halfway() -> Script:
    """A distance counts twice, with a flag that is neither 0 nor 1."""
    above, flag = LEAST * 3 // 4, 3 * inverse(2) % P
    twice = setting(Kind.FAIL, HEAD, **{ABOVE: flag}), ports(Step.MATCH_HEAD, {DISTANCE_PORT: 2 * above})
    return is_turned_away(above, unfair(1, 2 * above - LEAST - 1, *twice), loser=-2)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    wide = {QUARTER: LOSS + 100}
    said = setting(Kind.ORDER, slice(1, 2), **wide), ports(Step.ORDER_RULES, {QUARTER_PORT: LOSS + 100})
    return {
        "order_market: the mark": lambda: called_fair(0, SHARE, knowing((Kind.ORDER, *REST), **{MARK: BID})),
        "register mark is kept": lambda: called_fair(0, SHARE, knowing(REST, **{MARK: BID})),
        "order: share of the requirement": lambda: called_fair(LOSS, 100, *said, knowing(REST, **wide)),
        "register quarter is kept": lambda: called_fair(LOSS, 100, knowing(REST, **wide)),
        "order_rules: share in range": gives_all,
        "order_rules: share is rounded down": rounded_down_further,
        "match_head: unfair is boolean": lambda: is_turned_away(
            -100, unfair(-2, 5 * (LEAST - 100) + 2), loser=-2
        ),
        "match_head: above the mark is boolean": halfway,
        "match_head: distance from the mark": lambda: called_fair(0, SHARE),
        "match_head: unfair or not": lambda: called_fair(LOSS, 0),
        "match_head: who loses": lambda: gives_away(*NOBODY),
        "match: who loses": lambda: gives_away(*NOBODY[1:]),
        "match: fair to the party": lambda: gives_away(TIERS),
        "match: tier of the check": lambda: gives_away(PAID),
    }
