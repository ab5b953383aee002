"""What the operator may change: each act names a leaf, an element and a value, and is checked here in the clear."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cache

from circuits.bounds import (
    AMOUNT_MAX,
    BORROW_MAX,
    CAP_MAX,
    CAP_UNIT,
    FEE_MAX,
    FRACTION_ONE,
    LIMB,
    MAINTENANCE_MIN,
    MAX_INSTRUMENTS,
    PRICE_MAX,
    RATIO_ONE,
    SIZE_MAX,
    STALENESS_MAX,
)
from circuits.records import (
    CHAIN_STATUS,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    PARAMETERS_FRACTION,
    PARAMETERS_STALENESS,
    PARAMETERS_STEP_TIME,
    QUOTE_BORROW,
    QUOTE_BORROW_CAP,
    QUOTE_CLOSE_OUT,
    QUOTE_INSTRUMENT,
    QUOTE_MAINTENANCE,
    RULES_CAP,
    RULES_MAKER_FEE,
    RULES_MINIMUM,
    RULES_STATUS,
    RULES_TAKER_FEE,
    VAULT_CAP,
    ChainStatus,
    Status,
    Tag,
    chain_index,
    market_index,
    parameters_index,
    rules_index,
    vault_index,
)


class ActKind(IntEnum):
    """How an act changes a record."""

    SET = 1  # at once
    ANNOUNCE = 2  # not before the venue's notice is over
    ENACT = 3  # what was announced, now
    SETTLE = 4  # at once and for ever: a market's mark is final, which its status says


@dataclass(frozen=True, order=True)
class Act:
    """Number `number` of the operator's acts: element `position` of the record of kind `tag` at `leaf` is, or will be,
    `value`. What is settled has another tag afterwards."""

    number: int
    kind: int
    leaf: int
    tag: int
    position: int
    value: int

    @property
    def instrument(self) -> int:
        """The instrument that is settled or of which the change is pending; 0 for what is set at once."""
        return 0 if self.kind == ActKind.SET else (self.leaf - INSTRUMENT_BASE) // INSTRUMENT_SLOTS


@dataclass(frozen=True)
class Target:
    """An element that an act may change, and the values that it may have."""

    leaf: int
    tag: Tag
    position: int
    low: int
    high: int


class Parameter(Enum):
    """What is announced before it changes, under the name that it has in the venue file."""

    HAIRCUT = "haircut"  # of a collateral asset; stored is what is left, in 1 / FRACTION_ONE
    INITIAL_MARGIN = "initial_margin"
    STALENESS = "staleness"
    STEP_TIME = "step_time"
    MAKER_FEE = "maker_fee"
    TAKER_FEE = "taker_fee"
    MINIMUM_NOTIONAL = "minimum_notional"
    INTEREST_CAP = "open_interest_cap"
    MAINTENANCE = "maintenance"  # of the quote, as the others that follow: of the whole venue
    CLOSE_OUT = "close_out"
    BORROW_FRACTION = "borrow_fraction"
    BORROW_CAP = "borrow_cap"  # stored in CAP_UNIT base units


def market_status(market: int) -> Target:
    """The status of a market; a settled one has no such record any more."""
    return Target(rules_index(market), Tag.RULES, RULES_STATUS, Status.ACTIVE, Status.HALTED)


def settlement(market: int) -> Target:
    """The status that a market gets when it is settled; it keeps it for ever."""
    return Target(rules_index(market), Tag.RULES, RULES_STATUS, Status.SETTLED, Status.SETTLED)


def chain_status(chain: int) -> Target:
    """The status of a chain."""
    return Target(chain_index(chain), Tag.CHAIN, CHAIN_STATUS, ChainStatus.ACTIVE, ChainStatus.SUSPENDED)


def deposit_cap(chain: int, asset: int) -> Target:
    """The cap of a vault, in units of CAP_UNIT base units."""
    return Target(vault_index(chain, asset), Tag.VAULT, VAULT_CAP, 0, CAP_MAX)


def parameters(instrument: int, assets: int) -> dict[Parameter, Target]:
    """The parameters of an instrument, of which the first `assets` are collateral."""
    if instrument == QUOTE_INSTRUMENT:
        quote = market_index(instrument), Tag.QUOTE
        return {
            Parameter.MAINTENANCE: Target(*quote, QUOTE_MAINTENANCE, MAINTENANCE_MIN, RATIO_ONE - 1),
            Parameter.CLOSE_OUT: Target(*quote, QUOTE_CLOSE_OUT, 1, MAINTENANCE_MIN - 1),
            Parameter.BORROW_FRACTION: Target(*quote, QUOTE_BORROW, 0, BORROW_MAX),
            Parameter.BORROW_CAP: Target(*quote, QUOTE_BORROW_CAP, 1, AMOUNT_MAX // CAP_UNIT),
        }
    is_asset = instrument < assets
    leaf, rules = parameters_index(instrument), rules_index(instrument)
    found = {
        Parameter.HAIRCUT if is_asset else Parameter.INITIAL_MARGIN: Target(
            leaf, Tag.PARAMETERS, PARAMETERS_FRACTION, 0 if is_asset else 1, FRACTION_ONE
        ),
        Parameter.STALENESS: Target(leaf, Tag.PARAMETERS, PARAMETERS_STALENESS, 0, STALENESS_MAX),
        Parameter.STEP_TIME: Target(leaf, Tag.PARAMETERS, PARAMETERS_STEP_TIME, 2, LIMB - 1),
    }
    if is_asset:
        return found
    return found | {
        Parameter.MAKER_FEE: Target(rules, Tag.RULES, RULES_MAKER_FEE, 0, FEE_MAX),
        Parameter.TAKER_FEE: Target(rules, Tag.RULES, RULES_TAKER_FEE, 0, FEE_MAX),
        Parameter.MINIMUM_NOTIONAL: Target(rules, Tag.RULES, RULES_MINIMUM, 0, PRICE_MAX),
        Parameter.INTEREST_CAP: Target(rules, Tag.RULES, RULES_CAP, 0, SIZE_MAX),
    }


def objection(act: Act, chains: int, assets: int) -> str | None:
    """Why a venue of so many chains and collateral assets allows no such act; None if it does.

    The proof shows that the leaf holds a record of that kind, so what is not there cannot be changed.
    """
    if act.kind not in set(ActKind):
        return f"{act.kind} is no kind of act"
    target = _targets(ActKind(act.kind), chains, assets).get((act.leaf, act.tag, act.position))
    if target is None:
        return f"element {act.position} of a record of kind {act.tag} at leaf {act.leaf} is not to be changed so"
    if not target.low <= act.value <= target.high:
        return f"value {act.value} is outside {target.low}..{target.high}"
    return None


@cache
def _targets(kind: ActKind, chains: int, assets: int) -> dict[tuple[int, int, int], Target]:
    """All that an act of that kind may speak of, by leaf, kind of record and element."""
    markets = range(assets, MAX_INSTRUMENTS)
    if kind is ActKind.SETTLE:
        found = [settlement(market) for market in markets]
    elif kind is ActKind.SET:
        found = [market_status(market) for market in markets]
        for chain in range(chains):
            found += [chain_status(chain), *(deposit_cap(chain, asset) for asset in range(assets))]
    else:
        found = [t for number in range(MAX_INSTRUMENTS) for t in parameters(number, assets).values()]
    return {(target.leaf, target.tag, target.position): target for target in found}
