"""A batch tried out on the ledger with ample deposits, to learn what each of its accounts must deposit."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from random import Random

from circuits.bounds import AMOUNT_MAX, RATIO_ONE
from circuits.field import P
from circuits.records import (
    CHAIN_DEPOSITS,
    MARKET_WEIGHT,
    PARAMETERS_TIME,
    QUOTE_INSTRUMENT,
    VENUE_INDEX,
    VENUE_TIME,
    SystemAccount,
    Tag,
    balance_index,
    chain_index,
    from_limbs,
    market_index,
    parameters_index,
    total_index,
)
from circuits.statement import Movement
from state.accounts import balance_amount
from state.audit import account_count
from state.backing import held
from state.book import owner
from state.errors import Refusal
from state.ledger import Ledger
from state.margin import Margin, assess, open_entries
from state.transitions import Transition
from state.transitions.cancel import Cancel, Modify
from state.transitions.deposit import Deposit
from state.transitions.order import Order
from state.transitions.price import SetPrice
from state.transitions.receive import Receive
from state.transitions.register import KEY_ELEMENTS, Register


@dataclass(frozen=True)
class Check:
    """An account's margin check in the rehearsal, without its rehearsal deposit."""

    margin: Margin
    weights: tuple[int, ...]  # what a lot of each asset was worth as collateral then

    def collateral(self, lots: Sequence[int]) -> int:
        """The collateral value with so many more lots of each asset."""
        return self.margin.collateral + sum(count * weight for count, weight in zip(lots, self.weights, strict=True))

    def missing_quote(self, lots: Sequence[int]) -> int:
        """The least deposit of quote with which the check passes, beside these deposits of assets; may be negative."""
        margin = self.margin
        return least_cash(margin.requirement, self.collateral(lots), margin.borrow_fraction) - margin.cash


class Rehearsal:
    """The ledger in a batch that is never closed: accounts registered, pending deposits consumed, ample quote for all.

    opening: the transitions so far but for the ample deposits. checks: those of each account, in order.
    """

    def __init__(self, ledger: Ledger, time: int, accounts: int, pending: Sequence[Movement], rng: Random) -> None:
        self.venue = ledger.venue
        self.assets = [asset for asset in self.venue.collateral if asset.tag == Tag.ASSET]
        self.ledger = Ledger(ledger.venue, ledger.store)
        self.ledger.begin_batch(time)
        first = account_count(self.ledger)
        self.accounts = range(first, first + accounts)
        keys = (tuple(rng.randrange(P) for _ in range(KEY_ELEMENTS)) for _ in self.accounts)
        self.opening: list[Transition] = [Register(*pair) for pair in zip(self.accounts, keys, strict=True)]
        self.opening += map(consume, pending)
        for transition in self.opening:
            self.ledger.apply(transition)
        self.deposit_counts = [self._deposit_count(chain) for chain in range(len(self.venue.chains))]
        self.checks: dict[int, list[Check]] = {account: [] for account in self.accounts}
        self._weights = self._asset_weights()
        # Half of what the totals can still hold, so that fees and other deposits find room.
        self._ample = (AMOUNT_MAX - held(self.ledger.read(total_index(QUOTE_INSTRUMENT)))) // (2 * accounts)
        for sequence, account in enumerate(self.accounts, self.deposit_counts[0]):
            self.ledger.apply(Deposit(0, sequence, account, QUOTE_INSTRUMENT, self._ample))

    def apply(self, transition: Transition) -> None:
        """Apply it, and note the margin checks that an order brings to its account and the makers. Raises Refusal."""
        seen = len(self.ledger.trades)
        self.ledger.apply(transition)
        if isinstance(transition, SetPrice):
            self._weights = self._asset_weights()
        elif isinstance(transition, Order | Modify):
            makers = {owner(trade.maker_order) for trade in self.ledger.trades[seen:]}
            for account in {transition.account, *makers}.intersection(self.accounts):
                self.checks[account].append(self.check(account))

    def trade(self, maker: Order, taker: Order) -> None:
        """Place both orders, the maker's post-only. Raises Refusal, with neither in the book, if either is refused."""
        self.apply(maker)
        try:
            self.apply(taker)
        except Refusal:
            self.ledger.apply(Cancel(maker.account, self.ledger.book.orders_of(maker.account)[-1]))
            self.checks[maker.account].pop()
            raise

    def check(self, account: int) -> Check:
        """The account's margin as it stands, without its rehearsal deposit."""
        margin = assess(self.venue, account, open_entries(self.ledger.read, account))
        margin.cash -= self._ample
        return Check(margin, self._weights)

    def position(self, account: int, instrument: int) -> int:
        """The account's balance."""
        return balance_amount(self.ledger.read(balance_index(account, instrument)))

    def _deposit_count(self, chain: int) -> int:
        return self.ledger.read(chain_index(chain))[CHAIN_DEPOSITS]

    def _asset_weights(self) -> tuple[int, ...]:
        markets = (self.ledger.read(market_index(asset.number)) for asset in self.assets)
        return tuple(from_limbs(market[MARKET_WEIGHT : MARKET_WEIGHT + 2]) for market in markets)


def consume(movement: Movement) -> Transition:
    """What takes a deposit out of its chain's queue."""
    if movement.account == SystemAccount.IN_TRANSIT:
        return Receive(movement.chain, movement.sequence, movement.asset, movement.amount)
    return Deposit(*astuple(movement))


def last_time(ledger: Ledger) -> int:
    """The time of the last batch and price."""
    priced = [i.number for i in ledger.venue.instruments if i.tag != Tag.QUOTE]
    times = (ledger.read(parameters_index(number))[PARAMETERS_TIME] for number in priced)
    return max(ledger.read(VENUE_INDEX)[VENUE_TIME], *times)


def least_cash(requirement: int, collateral: int, borrow_fraction: int) -> int:
    """The least cash with which a margin check passes (see Margin.suffices): negative if the collateral allows."""
    missing = requirement - collateral
    return missing if missing >= 0 else -(-missing * RATIO_ONE // (RATIO_ONE + borrow_fraction))
