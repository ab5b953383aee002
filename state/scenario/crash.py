"""A day played on a ledger, one batch after another: prices, quotes, trades, funding, and what liquidations do.

A tick of prices moves the marks. Market makers quote around them, or, when the price jumps, take their quotes out;
accounts below maintenance are liquidated; then some traders go back to the leverage that they want.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from circuits.bounds import FRACTION_ONE, LIMIT_MAX, SIZE_MAX
from circuits.records import (
    MARKET_MARK,
    QUOTE_INSTRUMENT,
    RULES_INTEREST,
    SystemAccount,
    balance_index,
    from_limbs,
    market_index,
    rules_index,
)
from circuits.statement import Movement
from state.accounts import balance_amount
from state.activity import good_until
from state.audit import InvariantWatch, invariant
from state.errors import InvariantError, Refusal
from state.health import health
from state.ledger import Ledger
from state.liquidator import Liquidator
from state.prices import PriceBook
from state.rehearsal import consume
from state.scenario.path import JUMP, Tick
from state.scenario.population import TENTHS, Member, Role
from state.transitions import Transition
from state.transitions.apply_funding import ApplyFunding
from state.transitions.cancel import CancelAll
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.register import Register
from state.transitions.sample_funding import SampleFunding
from state.transitions.withdraw import Withdraw
from state.venue import Instrument
from verifier.prices import Bundle

Sign = Callable[[int, Sequence[tuple[int, int]]], Bundle]  # time, prices by instrument
FUNDING = (ApplyFunding, SampleFunding)  # tried at the end of each batch: what is due is applied before more is sampled
NERVOUS = 30  # ticks after a jump for which makers quote less
_LEVELS = 2  # of a maker's quotes on each side
_SPREAD = 8  # in 1 / FRACTION_ONE, between levels
_SHARE, _NERVOUS_SHARE = 8, 400  # one part in so many of a maker's equity is quoted at each level
_LIMIT = 100  # in 1 / FRACTION_ONE of the mark: how much worse a trader's price may be
_REQUOTE = 8  # orders of the opening after which makers quote anew
_WAITING = 4  # one trader in so many leaves an order in the book
_ACTIVE = 12  # one account in so many trades at a tick
_CLOSE = 20  # one part in so many of the wanted position: what is not worth an order


@dataclass(frozen=True)
class Moment:
    """How things stand after a tick. Counts are since the beginning; amounts in quote base units."""

    second: int
    price: int
    mark: int
    open_interest: int  # lots
    liquidations: int
    takeovers: int
    deleveragings: int
    socialised: int
    fund: int
    loss: int


class Crash:
    """Plays a population on a ledger, of which it checks the invariant after every transition.

    sign: makes a bundle of prices. asset: what follows the market's price, if anything does.
    """

    def __init__(
        self, ledger: Ledger, market: Instrument, asset: Instrument | None, members: Sequence[Member], sign: Sign,
        seed: int,
    ) -> None:  # fmt: skip
        self.ledger, self._market, self._asset, self.members = ledger, market, asset, members
        self._sign, self._rng, self._watch = sign, Random(seed), InvariantWatch(ledger)
        self._makers = [member for member in members if member.role is Role.MAKER]
        self._others = [member for member in members if member.role is not Role.MAKER]
        self._nervous = 0
        self.series: list[Moment] = []
        self.counts: Counter[str] = Counter()  # transitions applied, by class
        self.refused: Counter[str] = Counter()  # by class and rule
        self.checks = 0  # of the invariant
        self.liquidator = Liquidator(ledger, self._apply)

    def open(self, movements: Iterable[Movement]) -> None:
        """Accounts and deposits, in the open batch of the first ticks. Raises Refusal, InvariantError."""
        for member in self.members:
            self._apply(Register(member.account, member.key))
        for movement in movements:
            self._apply(consume(movement))

    def play(self, ticks: Sequence[Tick], book: PriceBook) -> None:
        """The ticks of the open batch, whose prices the book is asked about. Raises Refusal, InvariantError."""
        for tick in ticks:
            before = self._mark()
            self._set_prices(tick, book)
            jumped = abs(self._mark() - before) * FRACTION_ONE > before * JUMP
            self._nervous = NERVOUS if jumped else max(0, self._nervous - 1)
            self._quote(leave=jumped)
            self.liquidator.relieve_all()
            self.liquidator.unwind()
            if not self.series:
                self._take_positions()
            elif not jumped:
                self._trade()
            self.series.append(self._moment(tick))
        for build in FUNDING:
            self._try(build(self._market.number))

    def begin(self) -> None:
        """A batch has been opened."""
        self._watch.begin()

    def end(self) -> None:
        """The batch has been closed. Raises InvariantError if the sums do not hold when they are made anew."""
        found = invariant(self.ledger)
        for backing in found:
            if not backing.holds or self._watch.sums[backing.instrument][0] != backing.balances:
                raise InvariantError(self.ledger.venue.instruments[backing.instrument].name)

    def _apply(self, transition: Transition) -> None:
        name = type(transition).__name__
        try:
            self.ledger.apply(transition)
        except Refusal as refusal:
            self.refused[f"{name}: {refusal.rule}"] += 1
            raise
        self.counts[name] += 1
        self.checks += 1
        if broken := self._watch.broken():
            raise InvariantError(self.ledger.venue.instruments[broken[0].instrument].name)

    def _try(self, transition: Transition) -> bool:
        """Whether the ledger took it."""
        try:
            self._apply(transition)
        except Refusal:
            return False
        return True

    def _set_prices(self, tick: Tick, book: PriceBook) -> None:
        prices = [(self._market.number, tick.price)]
        if self._asset is not None:
            prices.append((self._asset.number, asset_price(self._market, self._asset, tick.price)))
        book.add(self._sign(tick.second, prices))
        for instrument, price in prices:
            self._apply(SetPrice(instrument, price, tick.second))

    def _mark(self) -> int:
        return from_limbs(self.ledger.read(market_index(self._market.number))[MARKET_MARK : MARKET_MARK + 2])

    def _quote(self, *, leave: bool = False) -> None:
        """Every maker's quotes around the mark, in place of those it had."""
        mark, share = self._mark(), _NERVOUS_SHARE if self._nervous else _SHARE
        for maker in self._makers:
            if self.ledger.book.orders_of(maker.account):
                self._apply(CancelAll(maker.account))
        for place, maker in enumerate(self._makers):
            size = min(maker.deposit // share // mark, SIZE_MAX // 16)
            for level in range(1, _LEVELS + 1) if size and not leave else ():
                away = mark * (_SPREAD * level + place % _SPREAD) // FRACTION_ONE + 1
                for buys in (True, False):
                    self._try(self._order(maker, buys, mark - away if buys else mark + away, size, Policy.POST_ONLY))

    def _take_positions(self) -> None:
        """Everybody borrows, and trades up to the leverage wanted; some want more later, at a better price."""
        order = list(self._others)
        self._rng.shuffle(order)
        for place, member in enumerate(order):
            if member.borrows:
                self._try(Withdraw(member.chain, member.account, QUOTE_INSTRUMENT, member.borrows))
            size = self._wanted(member)
            if place % _REQUOTE == _REQUOTE - 1:
                self._quote()
            if size and self._take(member, size) and self._rng.randrange(_WAITING) == 0:
                away = self._mark() * self._rng.randint(50, 300) // FRACTION_ONE
                price = self._mark() + (-away if member.buys else away)
                self._try(self._order(member, member.buys, price, max(1, abs(size) // 5), Policy.GOOD_TILL_TIME))
        self._quote()

    def _trade(self) -> None:
        """Some go back to the leverage that they want."""
        for member in self._rng.sample(self._others, max(1, len(self._others) // _ACTIVE)):
            wanted = self._wanted(member)
            change = wanted - self._position(member.account)
            if member.leverage and abs(change) * _CLOSE > abs(wanted):
                self._take(member, change)

    def _wanted(self, member: Member) -> int:
        """The position, in lots, that has the member's leverage now."""
        equity = max(0, health(self.ledger, member.account).margin.equity)
        lots = min(equity * member.leverage // (TENTHS * self._mark()), SIZE_MAX // 16)
        return lots if member.buys else -lots

    def _take(self, member: Member, change: int) -> bool:
        mark, buys = self._mark(), change > 0
        slack = mark * _LIMIT // FRACTION_ONE
        price = mark + slack if buys else mark - slack
        reduces = self._position(member.account) * change < 0
        policy = Policy.IMMEDIATE_OR_CANCEL
        return self._try(self._order(member, buys, price, abs(change), policy, reduce_only=reduces))

    def _order(
        self, member: Member, buys: bool, price: int, size: int, policy: Policy, *, reduce_only: bool = False
    ) -> Order:
        limit, expiry = min(max(price, 1), LIMIT_MAX), good_until(self.ledger.time)
        return Order(member.account, self._market.number, buys, limit, size, expiry, policy, reduce_only)

    def _position(self, account: int) -> int:
        return balance_amount(self.ledger.read(balance_index(account, self._market.number)))

    def _moment(self, tick: Tick) -> Moment:
        read, counts = self.ledger.read, self.counts
        return Moment(
            tick.second, tick.price, self._mark(), read(rules_index(self._market.number))[RULES_INTEREST],
            liquidations=counts["Liquidate"], takeovers=counts["TakeOver"], deleveragings=counts["Deleverage"],
            socialised=counts["Socialise"], fund=health(self.ledger, SystemAccount.INSURANCE).margin.equity,
            loss=-balance_amount(read(balance_index(SystemAccount.LOSS, QUOTE_INSTRUMENT))),
        )  # fmt: skip


def asset_price(market: Instrument, asset: Instrument, price: int) -> int:
    """A lot of the asset, where a lot of the market costs so much."""
    return int(price * asset.price_scale // market.price_scale)
