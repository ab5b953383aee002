"""Each illegal variant of a transition: the ledger refuses it; forced past the ledger, a named constraint fails and no
proof verifies."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from circuits.acts import Parameter
from circuits.bounds import CAP_UNIT
from circuits.checker import check
from circuits.records import (
    PARAMETERS_FRACTION,
    RULES_MAKER_FEE,
    RULES_STATUS,
    ChainStatus,
    Status,
    SystemAccount,
    Tag,
    parameters_index,
    rules_index,
)
from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from circuits.steps import Kind
from circuits.transitions.act import POSITION
from prover.traces.build import build_traces
from prover.traces.columns import Columns
from state.errors import Rule
from state.ledger import Ledger
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.deposit import Deposit
from state.transitions.enact import Enact
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.receive import Receive
from state.transitions.register import Register
from state.transitions.send import Send
from state.transitions.set import SetCap, SetChain
from state.transitions.transfer import Transfer
from state.transitions.withdraw import Withdraw
from tests.batches import ALICE, BOB, BTC_PERP, CAROL, ETH, ETH_PERP, LATE, USDC, every_kind, new_ledger, run_batch
from tests.mutation.tree_rows import inputs_of, rehash, row_at, set_inputs
from tests.proving import TEST_PARAMETERS, proof_is_accepted
from tests.tamper.forger import Forger
from tests.tamper.forgery import UNDER_MARGIN, Forgery, is_refused, is_stopped

BTC = 6_181_000  # the last price of the market in the first batch
DAVE = CAROL + 1
TIME = 61
CARRIED = "execution: amount limb 3 grows by its change"  # a sum that leaves the limbs
# Dave has no perpetual: he owes quote against ETH, which then loses half its price.
DAVES_LOSS: list[Transition] = [
    Register(DAVE, (7,) * 7),
    Deposit(2, 2, DAVE, ETH, 1_000_000_000),
    Withdraw(1, DAVE, USDC, 15_000_000_000),
    SetPrice(ETH, 130_000, 61),
]


def trade(forger: Forger) -> None:
    """Alice buys from Bob."""
    forger.order(ALICE, BTC_PERP, True, BTC, 5).trade().filled()


def claim_full_mask(traces: dict[str, Columns], statement: Statement) -> Statement:
    """The check that leaves the market out nevertheless claims the account's whole mask, as the request demands."""
    margin = traces["margin"]
    margin["mask"][: margin.used] += 1 << BTC_PERP
    return statement


def drop_deposit(traces: dict[str, Columns], statement: Statement) -> Statement:
    """The statement keeps quiet about the deposit."""
    return replace(statement, deposits=())


def wrong_old_root(traces: dict[str, Columns], statement: Statement) -> Statement:
    return replace(statement, old_root=(statement.old_root[0] ^ 1, *statement.old_root[1:]))


def alter_untouched_leaf(traces: dict[str, Columns], statement: Statement) -> Statement:
    """The new tree's root node gets another left sibling digest, and the statement the root that follows from it."""
    tree = traces["tree"]
    root = row_at(tree, new=1, depth=0, index=0)
    inputs = inputs_of(tree, root)
    inputs[8] += 1  # the right half of the index space holds no records: an untouched subtree
    set_inputs(tree, root, inputs)
    return rehash(tree, root, statement)


def count_deposit_once(forger: Forger) -> None:
    forger.deposit(0, 1, ALICE, USDC, 7_000_000, count=0)
    forger.deposit(0, 1, ALICE, USDC, 7_000_000)


def other_market(traces: dict[str, Columns], statement: Statement) -> Statement:
    """The statement says that it is the other market that is halted."""
    (act,) = statement.acts
    return replace(statement, acts=(replace(act, leaf=rules_index(ETH_PERP)),))


def as_status(traces: dict[str, Columns], statement: Statement) -> Statement:
    """What is set is said to be the status."""
    (act,), execution = statement.acts, traces["execution"]
    execution[POSITION][(execution["is_set_venue"] == 1) | (execution["is_set_record"] == 1)] = RULES_STATUS
    return replace(statement, acts=(replace(act, position=RULES_STATUS),))


def receive(forger: Forger, amount: int, count: int = 1) -> None:
    forger.underway(Kind.RECEIVE, 0, 1, USDC, amount, count=count)


def uncounted_receipt(forger: Forger) -> None:
    forger.apply(Send(1, USDC, 5))
    receive(forger, 5, count=0)


def suspended(forger: Forger) -> None:
    forger.apply(SetChain(0, ChainStatus.SUSPENDED))
    forger.deposit(0, 1, ALICE, USDC, 7_000_000)


def capped(forger: Forger) -> None:
    forger.apply(SetCap(0, USDC, 187))
    forger.deposit(0, 1, ALICE, USDC, 187 * CAP_UNIT - 49_999_000_000)


def enacts(value: int) -> Callable[[Forger], None]:
    """The announced margin is 600."""

    def forge(forger: Forger) -> None:
        forger.apply(Announce(BTC_PERP, (Parameter.INITIAL_MARGIN, 600)))
        forger.act(Kind.ENACT, parameters_index(BTC_PERP), Tag.PARAMETERS, PARAMETERS_FRACTION, value, BTC_PERP)

    return forge


HALT = Kind.SET, rules_index(BTC_PERP), Tag.RULES, RULES_STATUS, int(Status.HALTED)
ACTS = [
    Forgery(
        "an act that is not counted",
        lambda f: f.act(*HALT, count=0),
        "execution: set_venue: acts are counted",
    ),
    Forgery(
        "an act that writes another element than it says",
        lambda f: f.act(Kind.SET, rules_index(BTC_PERP), Tag.RULES, RULES_MAKER_FEE, 2),
        "execution: set_record: element 1 is chosen by its position",
        edit=as_status,
    ),
    Forgery("an act on another market than it says", lambda f: f.act(*HALT), "bus public", edit=other_market),
    Forgery(
        "a change that is not due",
        enacts(600),
        "execution: enact_pending: due",
        Enact(BTC_PERP),
        Rule.NOT_YET_DUE,
        prepare=(Announce(BTC_PERP, (Parameter.INITIAL_MARGIN, 600)),),
    ),
    Forgery("another value than the announced one", enacts(1), "execution: enact_pending: announced value"),
    Forgery(
        "a deposit above the cap",
        capped,
        "execution: deposit_vault: the vault stays below its cap",
        Deposit(0, 1, ALICE, USDC, 187 * CAP_UNIT - 49_999_000_000),
        Rule.DEPOSIT_CAP,
        prepare=(SetCap(0, USDC, 187),),
    ),
    Forgery(
        "a deposit on a suspended chain",
        suspended,
        "execution: deposit_chain: the chain is active",
        Deposit(0, 1, ALICE, USDC, 7_000_000),
        Rule.CHAIN_SUSPENDED,
        prepare=(SetChain(0, ChainStatus.SUSPENDED),),
    ),
    Forgery(
        "more sent than the vault holds",
        lambda f: f.underway(Kind.SEND, 1, 1, ETH, 1),
        CARRIED,
        Send(1, ETH, 1),
        Rule.VAULT_SHORT,
    ),
    Forgery(
        "more received than is under way",
        lambda f: receive(f, 1),
        CARRIED,
        Receive(0, 1, USDC, 1),
        Rule.VAULT_SHORT,
    ),
    Forgery(
        "a receipt that is not counted",
        uncounted_receipt,
        "execution: receive_chain: movements are counted",
    ),
    Forgery(
        "what is in transit paid to an account",
        lambda f: f.deposit(0, 1, SystemAccount.IN_TRANSIT, USDC, 5),
        "execution: deposit_chain: not of what is in transit",
        Deposit(0, 1, SystemAccount.IN_TRANSIT, USDC, 5),
        Rule.IN_TRANSIT,
    ),
]

FORGERIES = [
    Forgery(
        "a deposit that the statement does not list",
        lambda f: f.deposit(0, 1, ALICE, USDC, 7_000_000),
        "bus public",
        edit=drop_deposit,
    ),
    Forgery(
        "a deposit counted twice",
        count_deposit_once,
        "execution: deposit_chain: movements are counted",
        Deposit(0, 0, ALICE, USDC, 50_000_000_000),
        Rule.DEPOSIT_ORDER,
    ),
    Forgery(
        "a withdrawal above the vault",
        lambda f: f.withdraw(1, BOB, ETH, 500),
        CARRIED,
        Withdraw(1, BOB, ETH, 500),
        Rule.VAULT_SHORT,
    ),
    Forgery(
        "a withdrawal that breaks margin",
        lambda f: f.withdraw(0, ALICE, USDC, 48_500_000_000),
        UNDER_MARGIN,
        Withdraw(0, ALICE, USDC, 48_500_000_000),
        Rule.INITIAL_MARGIN,
    ),
    Forgery(
        "a withdrawal by a bankrupt account without perpetuals",
        lambda f: f.withdraw(1, DAVE, USDC, 1),
        UNDER_MARGIN,
        Withdraw(1, DAVE, USDC, 1),
        Rule.INITIAL_MARGIN,
    ),
    Forgery(
        "negative collateral other than the quote",
        lambda f: f.transfer(ALICE, CAROL, ETH, 11),
        "margin: whole lots, limb 2",
        Transfer(ALICE, CAROL, ETH, 11),
        Rule.NEGATIVE_COLLATERAL,
    ),
    Forgery(
        "a negative amount",
        lambda f: f.transfer(ALICE, BOB, USDC, -1_000_000),
        CARRIED,
        Transfer(ALICE, BOB, USDC, -1_000_000),
        Rule.OUT_OF_RANGE,
    ),
    Forgery(
        "an overflowing amount",
        lambda f: f.deposit(0, 1, ALICE, USDC, 1 << 55),
        CARRIED,
        Deposit(0, 1, ALICE, USDC, 1 << 55),
        Rule.OUT_OF_RANGE,
    ),
    Forgery(
        "an instrument left out of the margin check",
        lambda f: f.withdraw(0, BOB, USDC, 1_000_000),
        "margin: no open instrument is left out",
        omit=(BTC_PERP,),
        edit=claim_full_mask,
    ),
    Forgery(
        "a transfer to oneself",
        lambda f: f.transfer(BOB, BOB, USDC, 5),
        "execution: transfer_total: not to itself",
        Transfer(BOB, BOB, USDC, 5),
        Rule.SAME_ACCOUNT,
    ),
    Forgery(
        "a transfer of nothing",
        lambda f: f.transfer(BOB, ALICE, USDC, 0),
        "execution: transfer_from_header: amount is not 0",
        Transfer(BOB, ALICE, USDC, 0),
        Rule.OUT_OF_RANGE,
    ),
    Forgery(
        "a transfer to a system account",
        lambda f: f.transfer(BOB, SystemAccount.FEE, USDC, 5),
        "execution: transfer_to_header: receiver is a trader",
        Transfer(BOB, SystemAccount.FEE, USDC, 5),
        Rule.SYSTEM_ACCOUNT,
    ),
    Forgery("a wrong old root", trade, "bus tree", edit=wrong_old_root),
    *ACTS,
    Forgery(
        "an untouched leaf altered in the new root",
        trade,
        "bus tree",
        edit=alter_untouched_leaf,
    ),
]


@pytest.fixture
def ledger() -> Ledger:
    """A ledger after two batches: three funded accounts with positions, a bankrupt one without, and an ask of Bob's."""
    ledger = new_ledger()
    run_batch(ledger, every_kind())
    run_batch(ledger, [*DAVES_LOSS, Order(BOB, BTC_PERP, False, BTC, 50, LATE)], time=TIME)
    return ledger


@pytest.mark.parametrize("forgery", [f for f in FORGERIES if f.transition], ids=lambda f: f.name)
def test_the_ledger_refuses(forgery: Forgery, ledger: Ledger) -> None:
    assert is_refused(forgery, ledger, TIME)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.name)
def test_a_named_constraint_fails_and_no_proof_verifies(forgery: Forgery, ledger: Ledger) -> None:
    assert is_stopped(forgery, ledger, TIME)


def test_the_same_path_accepts_an_honest_batch(ledger: Ledger) -> None:
    forger = Forger(ledger)
    trade(forger)
    forger.withdraw(0, ALICE, USDC, 1_000_000)
    forger.transfer(BOB, CAROL, ETH, 5)
    forger.order(CAROL, ETH_PERP, True, 2_681_620, 3, policy=Policy.GOOD_TILL_TIME).rest()
    forger.order(ALICE, BTC_PERP, True, BTC, 100).trade().discard()
    forger.deposit(0, 1, ALICE, USDC, 7_000_000)
    statement, witness = forger.close()
    traces = build_traces(solvent_circuit(), witness, TEST_PARAMETERS.random_rows)
    report = check(solvent_circuit(), {name: c.elements().tolist() for name, c in traces.items()}, statement.messages())
    assert report.ok, str(report)
    assert proof_is_accepted(statement, traces)
