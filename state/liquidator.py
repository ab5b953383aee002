"""What becomes of accounts below maintenance: the waterfall, each step a transition that the ledger may refuse.

Below maintenance: orders are cancelled, assets converted while cash is owed, positions closed on the book at no worse
than their zero price. Below close-out: the insurance fund takes the account over. What it cannot pay for is closed
against the other side (deleveraging), and what is then still owed is shared by all (socialised).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from circuits.bounds import CONVERSION_DISCOUNT, FEE_ONE, LIMIT_MAX, RATIO_ONE, SIZE_MAX
from circuits.buses import Tier
from circuits.records import (
    EVENT_BOOK,
    FIRST_TRADER,
    HEADER_EVENTS,
    MARKET_MARK,
    MARKET_WEIGHT,
    ORDER_LEFT,
    ORDER_PRICE,
    VENUE_EVENTS,
    VENUE_INDEX,
    SystemAccount,
    Tag,
    balance_index,
    event_index,
    from_limbs,
    header_index,
    market_index,
)
from state.accounts import balance_amount
from state.audit import account_count
from state.errors import Refusal, Rule
from state.health import Health, Position, health
from state.ledger import Ledger
from state.margin import conversion_prices
from state.transitions import Transition
from state.transitions.apply_event import ApplyEvent
from state.transitions.cancel import ForceCancel
from state.transitions.convert import Convert
from state.transitions.deleverage import Deleverage
from state.transitions.liquidate import Liquidate
from state.transitions.socialise import Socialise
from state.transitions.take_over import TakeOver
from state.transitions.unwind import Unwind
from state.venue import Instrument
from state.zero_price import zero_price

FEE = 5_000  # of a liquidation order, in 1 / FEE_ONE, to the insurance fund
# What can be tried, by name. A step of the waterfall whose transition is not among them is passed over.
Kinds = Mapping[str, Callable[..., Transition]]
KINDS: Kinds = {
    build.__name__: build
    for build in (ApplyEvent, ForceCancel, Convert, Liquidate, TakeOver, Deleverage, Socialise, Unwind)
}


class Liquidator:
    """Liquidates accounts in the open batch of a ledger.

    apply: applies one transition or raises Refusal; by default that of the ledger.
    """

    def __init__(
        self, ledger: Ledger, apply: Callable[[Transition], None] | None = None, kinds: Kinds = KINDS
    ) -> None:
        self._ledger, self._apply, self._kinds = ledger, apply or ledger.apply, kinds
        self.applied: list[Transition] = []
        self.counts: Counter[str] = Counter()  # applied, by name
        self.refused: Counter[tuple[str, Rule]] = Counter()

    def below_maintenance(self, accounts: Iterable[int] | None = None) -> list[int]:
        """Those of the accounts, by default of all traders, that may be liquidated now: the least healthy first. Those
        whose positions deleveragings change see these before."""
        found = []
        traders = range(FIRST_TRADER, account_count(self._ledger))
        for account in traders if accounts is None else filter(traders.__contains__, accounts):
            if self._is_behind(account):
                self._catch_up(account)
            state = self._below(account, Tier.MAINTENANCE)
            if state is not None:
                percent = state.percent(RATIO_ONE)
                found.append((percent is not None, percent or 0, account))
        return [account for _, _, account in sorted(found)]

    def relieve_all(self, accounts: Iterable[int] | None = None) -> None:
        """The waterfall for each of the accounts, by default of all traders, that is below maintenance."""
        for account in self.below_maintenance(accounts):
            self.relieve(account)

    def relieve(self, account: int) -> None:
        """The waterfall for one account, until it has its maintenance requirement or nothing more can be done."""
        self._catch_up(account)
        for step in (
            self._cancel, self._convert, self._liquidate, self._take_over, self._deleverage, self._socialise,
        ):  # fmt: skip
            state = self._below(account, Tier.MAINTENANCE)
            if state is None:
                return
            step(state)

    def unwind(self) -> None:
        """Trade the fund's positions away where the book takes them less than a lot's requirement off the mark."""
        for market in self._ledger.venue.markets:
            while self._unwind(market.number):
                pass

    def _unwind(self, market: int) -> bool:
        """Whether an order of the fund against its position was placed."""
        positions = health(self._ledger, SystemAccount.INSURANCE).positions
        position = next(one for one in positions if one.market == market)
        buys, slack = position.size < 0, position.weight if position.size < 0 else -position.weight
        price = min(max(position.mark + slack, 1), LIMIT_MAX)
        if not position.size or not self._reachable(market, buys, price):
            return False
        return self._try("Unwind", market, buys, abs(position.size), price)

    def _below(self, account: int, tier: Tier) -> Health | None:
        """The account's health if it is below the tier, at valid prices."""
        try:
            state = health(self._ledger, account, self._ledger.time)
        except Refusal:  # sums that no margin check can hold: no transition passes either
            return None
        return None if state.margin.stale is not None or state.margin.reaches(tier) else state

    def _try(self, name: str, *arguments: int) -> bool:
        """Whether the transition was applied."""
        if name not in self._kinds:
            return False
        transition = self._kinds[name](*arguments)
        try:
            self._apply(transition)
        except Refusal as refusal:
            self.refused[name, refusal.rule] += 1
            return False
        self.applied.append(transition)
        self.counts[name] += 1
        return True

    def _unseen(self, account: int) -> range:
        """The deleveragings that the account has not seen."""
        seen = self._ledger.read(header_index(account))[HEADER_EVENTS]
        return range(seen, self._ledger.read(VENUE_INDEX)[VENUE_EVENTS])

    def _is_behind(self, account: int) -> bool:
        """Whether one of those reduces a position of the account."""
        for number in self._unseen(account):
            market, longs = divmod(self._ledger.read(event_index(number))[EVENT_BOOK], 2)
            lots = balance_amount(self._ledger.read(balance_index(account, market)))
            if lots > 0 if longs else lots < 0:
                return True
        return False

    def _catch_up(self, account: int) -> None:
        """Deleveraging events first, which change positions."""
        while self._unseen(account) and self._try("ApplyEvent", account):
            pass

    def _cancel(self, state: Health) -> None:
        for order in self._ledger.book.orders_of(state.account):
            if not self._try("ForceCancel", state.account, order):  # healthy again
                return

    def _convert(self, state: Health) -> None:
        """As many lots as the insurance fund can pay for near the mark, but not below what they count as collateral,
        then the rest at that, if the account has negative equity: it costs the fund nothing."""
        for asset in self._ledger.venue.collateral:
            if asset.tag == Tag.ASSET:
                market = self._ledger.read(market_index(asset.number))
                mark, value = (from_limbs(market[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
                near = max(mark - mark // CONVERSION_DISCOUNT, value)  # so the account's equity never falls
                for price in dict.fromkeys((near, max(1, value))):
                    self._convert_at(state.account, asset, price, price - value)

    def _convert_at(self, account: int, asset: Instrument, price: int, cost: int) -> None:
        """No more than is needed; cost: what a lot costs the fund's equity."""
        now = self._below(account, Tier.MAINTENANCE)
        if now is None or not now.margin.shortfall:
            return
        lowest, highest = conversion_prices(self._ledger.read(market_index(asset.number)), now.margin)
        held = balance_amount(self._ledger.read(balance_index(account, asset.number))) // asset.lot_units
        lots = min(held, SIZE_MAX, -(-now.margin.shortfall // price))
        if cost > 0:
            lots = min(lots, max(0, health(self._ledger, SystemAccount.INSURANCE).margin.equity) // cost)
        if lots and lowest <= price <= highest:
            self._try("Convert", account, asset.number, lots, price)

    def _liquidate(self, state: Health) -> None:
        """Orders on the book, the position that requires most first."""
        for position in sorted(state.positions, key=lambda one: -abs(one.size) * one.weight):
            while (now := self._below(state.account, Tier.MAINTENANCE)) is not None and now.margin.equity >= 0:
                present = next(one for one in now.positions if one.market == position.market)
                if not present.size or not present.weight or not self._order(now, present):  # settled: no weight
                    break

    def _order(self, state: Health, position: Position) -> bool:
        """Whether an order against the position was placed, and changed it."""
        long, margin = position.size > 0, state.margin
        zero = zero_price(margin.equity, margin.requirement, position.mark, position.weight, long=long)
        price = -(-zero * FEE_ONE // (FEE_ONE - FEE)) if long else zero * FEE_ONE // (FEE_ONE + FEE)
        if not 1 <= price <= LIMIT_MAX or not self._reachable(position.market, not long, price):
            return False
        size = self._lots(state, position)
        if not self._try("Liquidate", state.account, position.market, size, price, FEE):
            return False
        left = balance_amount(self._ledger.read(balance_index(state.account, position.market)))
        return abs(left) < abs(position.size)

    def _lots(self, state: Health, position: Position) -> int:
        """As many lots as the best order takes, but no more than what restores the initial tier at its price: with
        less, the next small move would bring the account back."""
        best = self._ledger.read(self._ledger.book.head(position.market, position.size > 0))
        loss = position.mark - best[ORDER_PRICE] if position.size > 0 else best[ORDER_PRICE] - position.mark
        cost = RATIO_ONE * loss + RATIO_ONE * best[ORDER_PRICE] * FEE // FEE_ONE
        relief = RATIO_ONE * position.weight - cost  # in 1 / RATIO_ONE, of the gap, a lot
        gap = RATIO_ONE * (state.asked(Tier.INITIAL) - state.margin.equity)
        needed = -(-gap // relief) if relief > 0 else abs(position.size)
        return min(abs(position.size), best[ORDER_LEFT], max(needed, 1))

    def _reachable(self, market: int, buys: bool, limit: int) -> bool:
        """Whether the best order that an order of that side meets has a price within the limit."""
        book = self._ledger.book
        if not book.orders(market, not buys):
            return False
        best = self._ledger.read(book.head(market, not buys))[ORDER_PRICE]
        return bool(best <= limit if buys else best >= limit)

    def _take_over(self, state: Health) -> None:
        if self._below(state.account, Tier.CLOSE_OUT) is not None:
            self._try("TakeOver", state.account)

    def _deleverage(self, state: Health) -> None:
        for position in state.positions:
            if position.size and position.weight and state.margin.equity < 0:  # settled: no weight
                self._try("Deleverage", state.account, position.market)

    def _socialise(self, state: Health) -> None:
        if state.margin.equity < 0 and not state.margin.requirement:
            self._try("Socialise", state.account)
