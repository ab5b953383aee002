"""Let the insurance fund buy an asset of an account that owes cash and is below its maintenance requirement."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import SIZE_MAX
from circuits.buses import Tier
from circuits.records import (
    MARKET_LOT_UNITS,
    MARKET_WEIGHT,
    Record,
    SystemAccount,
    balance_index,
    from_limbs,
    market_index,
)
from circuits.steps import Kind, Step
from state.accounts import access_header, balance_amount, swap
from state.backing import find_asset
from state.errors import Refusal, Rule, require_range
from state.margin import check_below, check_fund, conversion_prices, refuse_orders
from state.memory import Memory


@dataclass(frozen=True, slots=True)
class Convert:
    """Lots of an asset for quote, at a price near the mark, no more than the account needs. Anyone may ask for it.

    Of who has negative equity also at less, down to what the asset counts as collateral; at that price even a fund
    with negative equity buys, as it keeps it.
    """

    kind: ClassVar[Kind] = Kind.CONVERT
    account: int
    asset: int
    lots: int
    price: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition. Refuses NOT_COLLATERAL, NOT_PRICED (the quote), ORDERS_REST, NO_SHORTFALL, CONVERSION_PRICE,
        MORE_THAN_NEEDED, and what `access_header`, `check_below` (of the maintenance tier), `swap` and `check_fund`
        refuse."""
        asset, fund = find_asset(memory.venue, self.asset), SystemAccount.INSURANCE
        if asset == memory.venue.quote:
            raise Refusal(Rule.NOT_PRICED, instrument=self.asset)
        require_range("lots", self.lots, 1, SIZE_MAX)
        row = access_header(memory, Step.SEIZE_HEADER, self.account)
        refuse_orders(memory, self.account)
        margin = check_below(memory, row, self.account, Tier.MAINTENANCE)
        if not margin.shortfall:
            raise Refusal(Rule.NO_SHORTFALL, account=self.account, cash=margin.cash)
        market = memory.look(Step.CONVERT_MARKET, market_index(self.asset))
        memory.look(Step.CONVERT_WORTH, market_index(self.asset))
        low, high = conversion_prices(market, margin)
        if not low <= self.price <= high:
            raise Refusal(Rule.CONVERSION_PRICE, instrument=asset.name, price=self.price, low=low, high=high)
        if (self.lots - 1) * self.price >= margin.shortfall:
            raise Refusal(
                Rule.MORE_THAN_NEEDED,
                account=self.account, shortfall=margin.shortfall, lots=self.lots, price=self.price,
            )
        swap(memory, self.account, fund, asset, -self.lots * market[MARKET_LOT_UNITS], self.lots * self.price)
        fund_fails = check_fund(memory, waived=self._costs_nothing(memory, market))
        return (self.account, self.asset, self.lots, self.price, margin.shortfall, fund_fails)

    def _costs_nothing(self, memory: Memory, market: Record) -> bool:
        """Whether the fund has the same equity as before: the price is the collateral value, and all its lots count."""
        held = balance_amount(memory.read(balance_index(SystemAccount.INSURANCE, self.asset)))
        value = from_limbs(market[MARKET_WEIGHT : MARKET_WEIGHT + 2])
        return self.price == value and held // market[MARKET_LOT_UNITS] <= SIZE_MAX
