"""Ledgers, transition strategies and seeded salts for the tests of the ledger."""

import random
from collections.abc import Callable

from hypothesis import strategies as st

from circuits.acts import Parameter
from circuits.bounds import AMOUNT_MAX, CAP_MAX, LIMB, LIMIT_MAX, PRICE_MAX, SIZE_MAX, TIME_MAX
from circuits.field import P
from circuits.records import ChainStatus, Status, SystemAccount
from solvent import LaneHasher
from state.book import order_id
from state.ledger import Ledger
from state.memory import DepositQueue
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.apply_event import ApplyEvent
from state.transitions.apply_funding import ApplyFunding
from state.transitions.cancel import Cancel, CancelAll, ForceCancel, Modify
from state.transitions.cash_out import CashOut
from state.transitions.convert import Convert
from state.transitions.deleverage import Deleverage
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
from state.transitions.socialise import Socialise
from state.transitions.take_over import TakeOver
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, CAROL, ETH, USDC, default_venue

KEY = (1, 2, 3, 4, 5, 6, P - 1)
DAVE = CAROL + 1
TIME = 100  # of the batch that funds the ledger, and by default of the next


def seeded(seed: int) -> Callable[[int], list[int]]:
    """A repeatable source of salts."""
    source = random.Random(seed)
    return lambda count: [source.randrange(P) for _ in range(count)]


def funded_ledger(queue: DepositQueue | None = None, time: int = TIME) -> Ledger:
    """Alice holds 10,000 USDC (chain 0), Bob 10,000 USDC (chain 1) and 1 ETH (chain 2), Carol nothing."""
    ledger = Ledger.genesis(default_venue(), LaneHasher(), seeded(1))
    ledger.begin_batch(time)
    setup: tuple[Transition, ...] = (
        *(Register(account, KEY) for account in (ALICE, BOB, CAROL)),
        Deposit(0, 0, ALICE, USDC, 10_000_000_000),
        Deposit(1, 0, BOB, USDC, 10_000_000_000),
        Deposit(2, 0, BOB, ETH, 100_000_000),
    )
    for transition in setup:
        ledger.apply(transition)
    ledger.close_batch()
    ledger.queue = queue
    return ledger


def mostly(usual: st.SearchStrategy[int], *corners: int) -> st.SearchStrategy[int]:
    """The usual values, and now and then a corner."""
    return st.integers(0, 9).flatmap(lambda k: usual if k else st.sampled_from(corners))


accounts = mostly(st.integers(ALICE, DAVE), SystemAccount.FEE, SystemAccount.INSURANCE, -1, DAVE + 1)
assets = mostly(st.integers(USDC, ETH), -1, 2, 99)
chains = mostly(st.integers(0, 2), -1, 3)
amounts = mostly(st.integers(1, 30_000_000_000), 0, -1, LIMB**2, LIMB**3, AMOUNT_MAX, AMOUNT_MAX + 1)
prices = mostly(st.integers(2_000_000, 7_000_000), 0, 1, PRICE_MAX, PRICE_MAX + 1)
sizes = mostly(st.integers(1, 30_000), 0, -1, LIMB - 1, LIMB, SIZE_MAX, SIZE_MAX + 1)
markets = mostly(st.integers(2, 3), 0, 1, 4, -1)
near_marks = st.sampled_from([2_680_000, 6_170_000]).flatmap(lambda mark: st.integers(mark - 3, mark + 3))
limits = mostly(near_marks, 0, 1, 2, LIMIT_MAX, PRICE_MAX)
expiries = mostly(st.integers(TIME, TIME + 20), 0, TIME - 1, TIME_MAX, TIME_MAX + 1, -1)
policies = st.sampled_from([*Policy, Policy.GOOD_TILL_TIME, Policy.GOOD_TILL_TIME])
reduces = st.sampled_from([True, False, False, False])
numbers = st.builds(order_id, st.integers(ALICE, DAVE), st.integers(1, 4))  # of the first orders that they may have
order_arguments = markets, st.booleans(), limits, sizes, expiries, policies, reduces
orders: st.SearchStrategy[Transition] = st.builds(Order, accounts, *order_arguments)
changes = st.tuples(st.sampled_from(Parameter), st.integers(-1, 12_000))
acts: st.SearchStrategy[Transition] = st.one_of(
    st.builds(SetStatus, markets, st.sampled_from(Status)),
    st.builds(SetChain, chains, st.sampled_from([*ChainStatus, ChainStatus.ACTIVE, ChainStatus.ACTIVE])),
    st.builds(SetCap, chains, assets, mostly(st.integers(30, 150), 0, -1, CAP_MAX, CAP_MAX + 1)),
    st.builds(Announce, mostly(st.integers(0, 3), -1, 4), changes),
    st.builds(Enact, mostly(st.integers(0, 3), -1, 4)),
    st.builds(SettleMarket, markets),
    st.builds(CashOut, accounts, markets),
    st.builds(Deleverage, accounts, markets),
    st.builds(Socialise, accounts),
    st.builds(ApplyEvent, accounts),
    st.builds(PayFunding, accounts, markets),
    st.builds(SampleFunding, markets),
    st.builds(ApplyFunding, markets),
    st.builds(TakeOver, accounts),
    st.builds(Convert, accounts, assets, sizes, st.integers(260_000, 270_000)),
    st.builds(Send, chains, assets, amounts),
    st.builds(Receive, chains, st.integers(0, 4), assets, amounts),
)
transitions: st.SearchStrategy[Transition] = st.one_of(
    st.builds(Register, mostly(st.just(DAVE), 0, ALICE, 99), st.just(KEY)),
    st.builds(Deposit, chains, st.integers(0, 4), accounts, assets, amounts),
    st.builds(Withdraw, chains, accounts, assets, amounts),
    st.builds(Transfer, accounts, accounts, assets, amounts),
    st.builds(SetPrice, mostly(st.integers(1, 3), 0, 4, -1), prices, mostly(st.integers(0, TIME), -1, TIME + 1)),
    st.builds(Cancel, accounts, numbers),
    st.builds(ForceCancel, accounts, numbers),
    st.builds(CancelAll, accounts),
    st.builds(Modify, numbers, accounts, *order_arguments),
    acts, orders, orders, orders,
)  # fmt: skip
