"""A crowd of traders with little margin: mixed transitions that suit a ledger as it stands, most of them accepted."""

from collections.abc import Callable
from random import Random

from circuits.acts import Parameter
from circuits.bounds import CAP_MAX
from circuits.records import (
    FIRST_TRADER,
    HEADER_EVENTS,
    MARKET_MARK,
    PARAMETERS_TIME,
    RULES_STATUS,
    VENUE_EVENTS,
    VENUE_INDEX,
    ChainStatus,
    Status,
    SystemAccount,
    chain_index,
    from_limbs,
    header_index,
    market_index,
    parameters_index,
    rules_index,
)
from state.audit import account_count, account_figures
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.liquidator import KINDS, Liquidator
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.apply_event import ApplyEvent
from state.transitions.apply_funding import ApplyFunding
from state.transitions.cancel import Cancel, CancelAll, ForceCancel, Modify
from state.transitions.cash_out import CashOut
from state.transitions.convert import Convert
from state.transitions.deposit import Deposit
from state.transitions.enact import Enact
from state.transitions.order import Order, Policy
from state.transitions.pay_funding import PayFunding
from state.transitions.price import SetPrice
from state.transitions.receive import Receive
from state.transitions.register import Register
from state.transitions.sample_funding import SampleFunding
from state.transitions.send import Send
from state.transitions.set import SetCap, SetChain, SetStatus
from state.transitions.settle import SettleMarket
from state.transitions.take_over import TakeOver
from state.transitions.transfer import Transfer
from state.transitions.unwind import Unwind
from state.transitions.withdraw import Withdraw
from tests.batches import BTC_PERP, ETH, ETH_PERP, USDC

MARKS = {ETH: 268_162, BTC_PERP: 6_180_000, ETH_PERP: 2_681_620}
DEPOSITS = 20_000_000, 100_000_000, 2_000_000_000  # of quote: a lot of BTC needs about 300,000 as margin
FUNDS = 1, 100 * max(DEPOSITS)  # of the insurance fund
SPREAD = 8  # ticks on either side of the middle
HALTS = 0.01  # of the occasions to
LIFE = 15  # seconds after the batch, at most
POLICIES = [*[Policy.GOOD_TILL_TIME] * 3, *[Policy.IMMEDIATE_OR_CANCEL] * 2, Policy.FILL_OR_KILL, Policy.POST_ONLY]


class Crowd:
    """Draws from `random`, so that the same numbers make the same transitions. fund: what the insurance fund has; with
    enough nobody is deleveraged."""

    def __init__(self, random: Random, accounts: int = 8, fund: int | None = None) -> None:
        self._random, self._accounts = random, range(FIRST_TRADER, FIRST_TRADER + accounts)
        self._fund = random.choice(FUNDS) if fund is None else fund

    def opening(self) -> list[Transition]:
        """The first batch of a fresh ledger, at time 1 or later: the accounts, what they own, and the marks."""
        return [
            *(Register(account, (1,) * 7) for account in self._accounts),
            *(Deposit(0, k, a, USDC, self._random.choice(DEPOSITS)) for k, a in enumerate(self._accounts)),
            Deposit(1, 0, SystemAccount.INSURANCE, USDC, self._fund),
            *(SetPrice(instrument, mark, 1) for instrument, mark in MARKS.items()),
        ]

    def next(self, ledger: Ledger) -> Transition:
        """One more transition for the open batch; the ledger may refuse it."""
        rare: list[Callable[[Ledger], Transition]] = [
            self._force_cancel, self._force_cancel, self._cancel, self._cancel, self._cancel_all,
            self._modify, self._modify, self._price, self._price,
            self._deposit, self._withdraw, self._transfer, self._register, self._act, self._settlement,
            self._funding, self._rescue, self._relief, self._relief,
        ]  # fmt: skip
        return self._random.choice([self._order] * 2 * len(rare) + rare)(ledger)

    def _account(self) -> int:
        return self._random.choice(self._accounts)

    def _order(self, ledger: Ledger) -> Order:
        market, time = self._random.choice([BTC_PERP, ETH_PERP]), ledger.time
        return Order(
            self._account(), market, self._random.random() < 0.5,
            MARKS[market] + self._random.randint(-SPREAD, SPREAD), self._random.randint(1, 600),
            time + self._random.randint(-1, LIFE), self._random.choice(POLICIES), self._random.random() < 0.15,
        )  # fmt: skip

    def _resting(self, ledger: Ledger) -> tuple[int, int]:
        """An account and one of its orders, or one that never was."""
        account = self._account()
        return account, self._random.choice(ledger.book.orders_of(account) or [0])

    def _cancel(self, ledger: Ledger) -> Cancel:
        return Cancel(*self._resting(ledger))

    def _force_cancel(self, ledger: Ledger) -> ForceCancel:
        return ForceCancel(*self._resting(ledger))

    def _cancel_all(self, ledger: Ledger) -> CancelAll:
        return CancelAll(self._account())

    def _modify(self, ledger: Ledger) -> Modify:
        (account, order), new = self._resting(ledger), self._order(ledger)
        return Modify(
            order, account, new.market, new.buys, new.price, new.size, new.expiry, new.policy, new.reduce_only
        )

    def _price(self, ledger: Ledger) -> SetPrice:
        """One that moves the mark, or, mostly, if another one came this second, one within its step: the mark."""
        instrument = self._random.choice(list(MARKS))
        since = ledger.time - ledger.read(parameters_index(instrument))[PARAMETERS_TIME]
        if not since and self._random.random() < 0.8:
            mark = ledger.read(market_index(instrument))[MARKET_MARK : MARKET_MARK + 2]
            return SetPrice(instrument, from_limbs(mark), ledger.time)
        return SetPrice(instrument, MARKS[instrument] * self._random.randint(90, 110) // 100, ledger.time)

    def _deposit(self, ledger: Ledger) -> Deposit:
        chain, asset = self._random.randrange(3), self._random.choice([USDC, ETH])
        sequence = ledger.read(chain_index(chain))[0]
        return Deposit(chain, sequence, self._account(), asset, self._random.randint(1, 50_000_000))

    def _withdraw(self, ledger: Ledger) -> Withdraw:
        chain, asset = self._random.randrange(3), self._random.choice([USDC, ETH])
        return Withdraw(chain, self._account(), asset, self._random.randint(1, 20_000_000))

    def _transfer(self, ledger: Ledger) -> Transfer:
        asset, amount = self._random.choice([USDC, ETH]), self._random.randint(1, 20_000_000)
        return Transfer(self._account(), self._account(), asset, amount)

    def _register(self, ledger: Ledger) -> Register:
        return Register(account_count(ledger), (9,) * 7)

    def _rescue(self, ledger: Ledger) -> Transition:
        """The insurance fund helps somebody, if that is needed; or an account of means borrows against its ETH."""
        account, kind = self._account(), self._random.randrange(4)
        mark = from_limbs(ledger.read(market_index(ETH))[MARKET_MARK : MARKET_MARK + 2])
        fallen = mark * 86 // 100 if mark > MARKS[ETH] * 3 // 4 else MARKS[ETH]
        if kind == 1:
            account = next((a for a in self._accounts if account_figures(ledger, a).margin.cash < 0), account)
        if kind < 2 and ledger.book.orders_of(account):
            return CancelAll(account)
        if kind == 0:
            return TakeOver(account) if self._random.random() < 0.7 else SetPrice(ETH, fallen, ledger.time)
        if kind == 1:
            return Convert(account, ETH, self._random.randint(1, 3), mark - self._random.randint(0, mark // 40))
        if kind == 2:
            return Deposit(2, ledger.read(chain_index(2))[0], account, ETH, 10_000_000)
        margin = account_figures(ledger, account).margin
        spare = max(margin.equity - margin.requirement, 1)
        return Transfer(account, self._account(), USDC, spare * self._random.randint(85, 92) // 100 or 1)

    def _relief(self, ledger: Ledger) -> Transition:
        """A step of the waterfall that some account is in need of, or an event that one has not seen, or a price."""
        needed: list[Transition] = []

        def note(transition: Transition) -> None:
            needed.append(transition)
            raise Refusal(Rule.NOTHING_TO_SEE, account=0, events=0)

        liquidator = Liquidator(ledger, note, {**KINDS, "Unwind": Unwind})
        liquidator.relieve_all(self._accounts)
        liquidator.unwind()
        events = ledger.read(VENUE_INDEX)[VENUE_EVENTS]
        behind = [a for a in self._accounts if ledger.read(header_index(a))[HEADER_EVENTS] < events]
        needed += map(ApplyEvent, behind)
        self._random.shuffle(needed)
        kinds = {transition.kind: transition for transition in needed}
        return self._random.choice(list(kinds.values())) if kinds else self._price(ledger)

    def _settlement(self, ledger: Ledger) -> Transition:
        """A step on the way of ETH-PERP to its end, on which it seldom sets out."""
        status = ledger.read(rules_index(ETH_PERP))[RULES_STATUS]
        if status == Status.SETTLED:
            return CashOut(self._account(), ETH_PERP)
        if status == Status.HALTED:
            return SettleMarket(ETH_PERP)
        return SetStatus(ETH_PERP, Status.HALTED if self._random.random() < HALTS else Status.ACTIVE)

    def _funding(self, ledger: Ledger) -> Transition:
        """A step of funding; most samples and applications are too early."""
        market = self._random.choice([BTC_PERP, ETH_PERP])
        steps: list[Transition] = [SampleFunding(market), ApplyFunding(market), PayFunding(self._account(), market)]
        return self._random.choice(steps)

    def _act(self, ledger: Ledger) -> Transition:
        """Something of the operator's that changes little for the traders."""
        chain, market, amount = self._random.randrange(3), self._random.choice([BTC_PERP, ETH_PERP]), 1_000
        sequence = ledger.read(chain_index(chain))[0]
        acts: list[Transition] = [
            SetStatus(market, self._random.choice([Status.ACTIVE] * 3 + [Status.REDUCE_ONLY])),
            SetChain(0, self._random.choice([ChainStatus.ACTIVE] * 3 + [ChainStatus.SUSPENDED])),
            SetCap(1, USDC, self._random.choice([0, 1, CAP_MAX])),
            Announce(market, (Parameter.TAKER_FEE, self._random.choice([400, 500]))),
            Enact(market), Enact(market),
            Send(chain, USDC, self._random.randint(1, amount)),
            Receive(chain, sequence, USDC, self._random.randint(1, amount)),
        ]  # fmt: skip
        return self._random.choice(acts)
