"""The zero price: to close a position at it keeps the ratio of the account's equity to its requirement."""

from circuits.bounds import LIMIT_MAX, ZERO_SHARE
from circuits.records import MARKET_MARK, MARKET_WEIGHT, from_limbs, market_index
from circuits.steps import Step
from state.accounts import position_of
from state.errors import Refusal, Rule
from state.margin import Margin
from state.memory import Memory
from state.transitions.order import find_market


def zero_price(equity: int, requirement: int, mark: int, weight: int, *, long: bool) -> int:
    """mark -+ equity * weight / requirement, rounded in the account's favour: quote base units a lot. It is no further
    from the mark than half the weight, rounded down: whoever is opposite has that, if healthy.

    equity, requirement (not 0): of the whole account, in quote base units; weight: requirement a lot.
    """
    most = weight // ZERO_SHARE
    share = max(-most, min(equity * weight // requirement, most))
    return mark - share if long else mark + share


def find_zero_price(memory: Memory, account: int, number: int, margin: Margin) -> int:
    """The zero price of an account's position in a market, by the account's own sums; makes the ZERO accesses.

    Refuses NOT_A_MARKET, NO_POSITION, SETTLED (with no requirement there is no zero price) and ZERO_PRICE.
    """
    market = find_market(memory.venue, number)
    position = position_of(memory, account, number)
    if not position:
        raise Refusal(Rule.NO_POSITION, account=account, market=market.name)
    record = memory.look(Step.ZERO_MARKET, market_index(number))
    mark, weight = (from_limbs(record[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
    if not weight:
        raise Refusal(Rule.SETTLED, market=market.name)
    memory.look(Step.ZERO_PRICE, market_index(number))
    price = zero_price(margin.equity, margin.requirement, mark, weight, long=position > 0)
    if not 1 <= price <= LIMIT_MAX:
        raise Refusal(Rule.ZERO_PRICE, account=account, market=market.name, price=price, limit=LIMIT_MAX)
    return price
