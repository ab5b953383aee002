"""Close some of a position of an account below its maintenance requirement, against the book. Anyone may ask for it."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import FEE_ONE, LIMIT_MAX, LIQUIDATION_FEE_MAX
from circuits.buses import Tier
from circuits.records import market_index
from circuits.steps import Kind, Step
from state.accounts import access_header, position_of
from state.errors import Refusal, Rule, require_range
from state.margin import check_below, refuse_orders
from state.memory import Memory
from state.transitions.match import Force
from state.transitions.order import Order, Policy
from state.zero_price import find_zero_price


@dataclass(frozen=True, slots=True)
class Liquidate:
    """A reduce-only, immediate-or-cancel order in the account's name, which ends once the account has its maintenance
    requirement again.

    size: at most so many lots; price: the limit, in quote base units a lot; fee: to the insurance fund, in 1 / FEE_ONE
    of what trades. With the fee no fill is worse than the zero price.
    """

    kind: ClassVar[Kind] = Kind.LIQUIDATE
    account: int
    market: int
    size: int
    price: int
    fee: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses ORDERS_REST, BANKRUPT, BELOW_ZERO_PRICE, and what `check_below` refuses of the
        maintenance tier, `find_zero_price` and Order refuse."""
        require_range("fee", self.fee, 0, LIQUIDATION_FEE_MAX)
        require_range("price", self.price, 1, LIMIT_MAX)
        row = access_header(memory, Step.SEIZE_HEADER, self.account)
        refuse_orders(memory, self.account)
        margin = check_below(memory, row, self.account, Tier.MAINTENANCE)
        if margin.equity < 0:
            raise Refusal(Rule.BANKRUPT, account=self.account, equity=margin.equity)
        zero = find_zero_price(memory, self.account, self.market, margin)
        long = position_of(memory, self.account, self.market) > 0
        self._check_price(zero, long)
        memory.look(Step.LIQUIDATE_LIMIT, market_index(self.market))
        order = Order(
            self.account, self.market, not long, self.price, self.size, memory.time, Policy.IMMEDIATE_OR_CANCEL,
            reduce_only=True,
        )  # fmt: skip
        return order.follow(memory, Force(self.fee, Tier.MAINTENANCE)), self.fee

    def _check_price(self, zero: int, long: bool) -> None:
        sign = 1 if long else -1
        if sign * self.price * FEE_ONE - self.price * self.fee < sign * zero * FEE_ONE:
            raise Refusal(Rule.BELOW_ZERO_PRICE, limit=self.price, fee=self.fee, fee_one=FEE_ONE, price=zero)
