"""A fill between two traders of a perpetual: positions, cash and fees of both, within their limit prices and margin."""

from dataclasses import dataclass
from typing import ClassVar

from circuits.bounds import AMOUNT_MAX, FEE_AMOUNT_MAX, FEE_ONE, PRICE_MAX, SIZE_MAX
from circuits.records import (
    PARAMETERS_MAKER_FEE,
    PARAMETERS_TAKER_FEE,
    SystemAccount,
    Tag,
    market_index,
    parameters_index,
)
from circuits.steps import Kind, Step
from state.accounts import access_header, change_balance
from state.errors import Refusal, Rule, require_range
from state.margin import check_margin
from state.memory import Memory
from state.venue import Instrument, Venue


@dataclass(frozen=True, slots=True)
class Fill:
    """Prices in quote base units a lot, size in lots. A buyer's limit is the most it pays, a seller's the least."""

    kind: ClassVar[Kind] = Kind.FILL
    market: int
    maker: int
    taker: int
    price: int
    size: int
    taker_buys: bool
    maker_limit: int
    taker_limit: int

    def apply(self, memory: Memory) -> tuple[int, ...]:
        """See Transition."""
        market = find_market(memory.venue, self.market)
        self._check()
        memory.look(Step.FILL_MARKET, market_index(self.market))
        parameters = memory.look(Step.FILL_PARAMETERS, parameters_index(self.market))
        self._settle(memory, market, self.maker, not self.taker_buys, parameters[PARAMETERS_MAKER_FEE])
        self._settle(memory, market, self.taker, self.taker_buys, parameters[PARAMETERS_TAKER_FEE])
        return (
            self.market, self.maker, self.taker, self.price, self.size,
            int(self.taker_buys), self.maker_limit, self.taker_limit,
        )

    def _check(self) -> None:
        """What needs no state. Refuses OUT_OF_RANGE, NOTIONAL_LIMIT, SAME_ACCOUNT and LIMIT_PRICE."""
        require_range("price", self.price, 1, PRICE_MAX)
        require_range("size", self.size, 1, SIZE_MAX)
        if self.price * self.size > AMOUNT_MAX:
            raise Refusal(Rule.NOTIONAL_LIMIT, size=self.size, price=self.price, limit=AMOUNT_MAX)
        if self.maker == self.taker:
            raise Refusal(Rule.SAME_ACCOUNT, account=self.maker)
        sides = ((self.maker, self.maker_limit, not self.taker_buys), (self.taker, self.taker_limit, self.taker_buys))
        for account, limit, buys in sides:
            require_range("limit", limit, 0, PRICE_MAX)
            if self.price > limit if buys else self.price < limit:
                raise Refusal(Rule.LIMIT_PRICE, account=account, price=self.price, limit=limit)

    def _settle(self, memory: Memory, market: Instrument, account: int, buys: bool, fee_rate: int) -> None:
        """One party's side, its margin check, and its fee."""
        notional = self.price * self.size
        fee = -(-notional * fee_rate // FEE_ONE)
        if fee > FEE_AMOUNT_MAX:
            raise Refusal(Rule.FEE_LIMIT, account=account, fee=fee, limit=FEE_AMOUNT_MAX)
        quote = memory.venue.quote
        access_header(memory, Step.FILL_HEADER, account, message=True, opens=market.number)
        change_balance(memory, Step.FILL_BASE, account, market, self.size if buys else -self.size, opens=True)
        row = change_balance(memory, Step.FILL_QUOTE, account, quote, (-notional if buys else notional) - fee)
        check_margin(memory, row, account)
        change_balance(memory, Step.FILL_FEE, SystemAccount.FEE, quote, fee)


def find_market(venue: Venue, market: int) -> Instrument:
    """The perpetual market of that number. Refuses NOT_A_MARKET."""
    if not 0 <= market < len(venue.instruments) or venue.instruments[market].tag != Tag.PERPETUAL:
        raise Refusal(Rule.NOT_A_MARKET, instrument=market)
    return venue.instruments[market]
