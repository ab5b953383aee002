"""A chain's light verifier: what it accepts, what it rejects and why, and its books."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.acts import Act, ActKind
from circuits.bounds import AMOUNT_MAX, CAP_UNIT, TRANSIT
from circuits.records import CHAIN_STATUS, VAULT_CAP, ChainStatus, SystemAccount, Tag, chain_index, vault_index
from circuits.solvent import solvent_circuit
from circuits.statement import AssetAmount, Movement, Price, Statement, Vault
from solvent import check_signature
from tests.conftest import Proven
from tests.verifier.toy_oracle import KEYS, toy_bundle, toy_check
from verifier.chain import ChainReason, ChainRejection, ChainState, ChainVerifier, DepositError, Entry
from verifier.chain_store import ChainFileError, create_chain, open_chain, read_chain
from verifier.errors import Reason
from verifier.params import COMPACT, STANDARD, Parameters
from verifier.prices import Oracle, encode_bundles

CHAINS, ASSETS, OWN = 3, 2, 1
VENUE = bytes(range(32))
ORACLE = Oracle(KEYS, threshold=2, drift=30, age=600, replay=True)
Change = Callable[[Statement], Statement]


def root(number: int) -> tuple[int, ...]:
    """A root for batch `number`."""
    return (number, 1, 2, 3, 4, 5, 6, 7)


def new_chain() -> ChainVerifier:
    """A chain that has deposits 0 .. 2 in its queue and accepted nothing."""
    digest = solvent_circuit().digest()
    chain = ChainVerifier(ChainState("own", OWN, CHAINS, ASSETS, VENUE, digest, (STANDARD.name,), root(0), ORACLE))
    deposit_all(chain, [Entry(5, 0, 100), Entry(6, 1, 7), Entry(5, 0, 40)])
    return chain


def deposit_all(chain: ChainVerifier, entries: Sequence[Entry]) -> None:
    """Make these deposits."""
    for entry in entries:
        chain.deposit(entry)


def next_statement(chain: ChainState, consume: int, withdrawals: Sequence[Entry] = ()) -> Statement:
    """The honest statement of a batch that consumes so many pending deposits of the chain and releases the withdrawals.

    The vaults come from nothing but the definition: all that was and is consumed, less all that was and is released.
    """
    deposits = [chain.movement(chain.consumed + k) for k in range(consume)]
    released = [Movement(OWN, len(chain.payouts) + k, w.account, w.asset, w.amount) for k, w in enumerate(withdrawals)]
    vaults = []
    for asset in range(ASSETS):
        come = sum(e.amount for e in chain.deposits[: chain.consumed + consume] if e.asset == asset)
        gone = sum(e.amount for e in (*chain.payouts, *withdrawals) if e.asset == asset)
        vaults.append(Vault(OWN, asset, come - gone))
    others = [Vault(number, asset, 1000) for number in range(CHAINS) if number != OWN for asset in range(ASSETS)]
    transit = [Vault(TRANSIT, asset, 0) for asset in range(ASSETS)]
    elsewhere = Movement(2, 9, 8, 0, 5)  # another chain's, of which this one knows nothing
    totals = [AssetAmount(vault.asset, vault.amount + 2000) for vault in vaults]
    return Statement(
        VENUE, chain.root, root(chain.batch + 1), chain.batch + 1, 60, (*deposits, elsewhere), tuple(released), (),
        tuple(sorted((*vaults, *others, *transit))), tuple(totals),
        tuple(AssetAmount(asset, 0) for asset in range(ASSETS)), (), 0,
    )  # fmt: skip


def test_caps_and_suspension_are_those_last_accepted() -> None:
    chain = new_chain()
    acts = (
        Act(0, ActKind.SET, vault_index(OWN, 0), Tag.VAULT, VAULT_CAP, 1),
        Act(1, ActKind.SET, vault_index(OWN + 1, 1), Tag.VAULT, VAULT_CAP, 0),
        Act(2, ActKind.SET, chain_index(OWN + 1), Tag.CHAIN, CHAIN_STATUS, ChainStatus.SUSPENDED),
    )
    chain._advance(replace(next_statement(chain.state, 0), acts=acts))
    room = CAP_UNIT - 1 - chain.state.holdings(0)
    with pytest.raises(DepositError, match="would hold"):
        chain.deposit(Entry(5, 0, room + 1))
    chain.deposit(Entry(SystemAccount.IN_TRANSIT, 0, room + 1))
    chain.deposit(Entry(5, 1, room))
    suspend = Act(3, ActKind.SET, chain_index(OWN), Tag.CHAIN, CHAIN_STATUS, ChainStatus.SUSPENDED)
    chain._advance(replace(next_statement(chain.state, 0), acts=(suspend,)))
    with pytest.raises(DepositError, match="suspended"):
        chain.deposit(Entry(5, 1, 1))


def reason_against(
    chain: ChainVerifier, statement: Statement, bundles: bytes | None = None, now: int | None = None
) -> ChainReason | None:
    """Why the chain rejects the (proven) statement, if it does."""
    try:
        chain.check(statement, bundles, now)
    except ChainRejection as rejection:
        return rejection.reason
    return None


def change_deposit(number: int, **values: int) -> Change:
    """The statement with its deposit at that place altered."""

    def change(statement: Statement) -> Statement:
        deposits = list(statement.deposits)
        deposits[number] = replace(deposits[number], **values)
        return replace(statement, deposits=tuple(deposits))

    return change


def change_vault(chain: int, amount: int) -> Change:
    def change(statement: Statement) -> Statement:
        number = [(vault.chain, vault.asset) for vault in statement.vaults].index((chain, 0))
        vaults = list(statement.vaults)
        vaults[number] = replace(vaults[number], amount=vaults[number].amount + amount)
        return replace(statement, vaults=tuple(vaults))

    return change


REJECTED: list[tuple[ChainReason, Change]] = [
    (ChainReason.VENUE, lambda s: replace(s, venue_id=bytes(32))),
    (ChainReason.OLD_ROOT, lambda s: replace(s, old_root=root(9))),
    (ChainReason.BATCH_NUMBER, lambda s: replace(s, batch=2)),
    (ChainReason.BATCH_NUMBER, lambda s: replace(s, batch=0)),
    (ChainReason.VAULT_SET, lambda s: replace(s, vaults=s.vaults[1:])),
    (ChainReason.VAULT_SET, lambda s: replace(s, vaults=(*s.vaults, Vault(CHAINS, 0, 0)))),
    (ChainReason.VAULT_SET, lambda s: replace(s, totals=s.totals[:1])),
    (ChainReason.VAULT_SET, lambda s: replace(s, fund=(*s.fund, AssetAmount(ASSETS, 0)))),
    (ChainReason.DEPOSIT_TWICE, change_deposit(1, sequence=0)),
    (ChainReason.DEPOSIT_TWICE, lambda s: replace(s, deposits=(s.deposits[0], *s.deposits))),
    (ChainReason.DEPOSIT_ORDER, change_deposit(0, sequence=1)),
    (ChainReason.DEPOSIT_ORDER, lambda s: replace(s, deposits=(s.deposits[1], s.deposits[0], *s.deposits[2:]))),
    (ChainReason.DEPOSIT_ORDER, lambda s: replace(s, deposits=s.deposits[1:])),
    (ChainReason.DEPOSIT_UNKNOWN, lambda s: replace(s, deposits=(
        *s.deposits, Movement(OWN, 2, 5, 0, 40), Movement(OWN, 3, 5, 0, 1)))),
    (ChainReason.DEPOSIT_DIFFERS, change_deposit(0, amount=101)),
    (ChainReason.DEPOSIT_DIFFERS, change_deposit(0, account=7)),
    (ChainReason.DEPOSIT_DIFFERS, change_deposit(1, asset=0)),
    (ChainReason.WITHDRAWAL_ORDER, lambda s: replace(s, withdrawals=(replace(s.withdrawals[0], sequence=1),))),
    (ChainReason.WITHDRAWAL_ORDER, lambda s: replace(s, withdrawals=(*s.withdrawals, *s.withdrawals))),
    (ChainReason.VAULT_AMOUNT, lambda s: replace(s, withdrawals=())),
    (ChainReason.VAULT_AMOUNT, lambda s: replace(s, withdrawals=(replace(s.withdrawals[0], amount=31),))),
    (ChainReason.VAULT_AMOUNT, lambda s: replace(s, deposits=s.deposits[:1])),
    (ChainReason.VAULT_AMOUNT, change_vault(OWN, 1)),
    (ChainReason.VAULT_AMOUNT, change_vault(OWN, -1)),
    (ChainReason.VAULT_AMOUNT, change_vault(OWN, 40)),  # counting a pending deposit
]  # fmt: skip


@pytest.mark.parametrize(("reason", "change"), REJECTED)
def test_a_statement_that_disagrees_with_the_chain_is_rejected(reason: ChainReason, change: Change) -> None:
    chain = new_chain()
    honest = next_statement(chain.state, 2, [Entry(5, 0, 30)])
    assert reason_against(chain, honest) is None
    assert reason_against(chain, change(honest)) == reason


def test_only_the_own_vault_and_queue_are_compared() -> None:
    chain = new_chain()
    assert reason_against(chain, change_vault(0, 12)(next_statement(chain.state, 1))) is None


def accept_unproven(chain: ChainVerifier, statement: Statement, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the chain accept a statement as if it came out of a valid proof."""
    with monkeypatch.context() as patch:
        patch.setattr("verifier.chain.verify_batch", lambda proof, parameters: statement)
        chain.accept(b"", STANDARD)


leaving_amounts = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 50)), max_size=3)


@settings(deadline=None, max_examples=40)
@given(plan=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), leaving_amounts), max_size=8))
def test_the_books_balance_after_any_batches(plan: list[tuple[int, int, list[tuple[int, int]]]]) -> None:
    """Deposits, batches, withdrawals in any order: each deposit is used once, in order; vault = holdings - pending."""
    chain, used = new_chain(), 0
    with pytest.MonkeyPatch.context() as patch:
        for arriving, wanted, leaving in plan:
            for k in range(arriving):
                chain.deposit(Entry(5 + k, k % ASSETS, 10 + k))
            consume = min(wanted, len(chain.state.pending()))
            withdrawals = [Entry(5, asset, amount) for asset, amount in leaving]
            statement = next_statement(chain.state, consume, withdrawals)
            if any(vault.amount < 0 for vault in statement.vaults):
                statement, withdrawals = next_statement(chain.state, consume), []
            payouts = list(chain.state.payouts)
            accept_unproven(chain, statement, patch)
            used += consume
            state = chain.state
            assert (state.consumed, state.root, state.batch) == (used, statement.new_root, statement.batch)
            assert state.payouts == payouts + withdrawals
            assert reason_against(chain, statement) == ChainReason.OLD_ROOT
            for vault in statement.vaults:
                if vault.chain == OWN:
                    pending = sum(entry.amount for entry in state.pending() if entry.asset == vault.asset)
                    assert state.credited(vault.asset) == state.holdings(vault.asset) - pending == vault.amount


@pytest.mark.parametrize("entry", [
    Entry(5, 0, 0), Entry(5, 0, -1), Entry(-1, 0, 1), Entry(1 << 23, 0, 1), Entry(5, ASSETS, 1), Entry(5, -1, 1),
    Entry(5, 0, AMOUNT_MAX - 139),
])  # fmt: skip
def test_a_deposit_out_of_bounds_is_refused(entry: Entry) -> None:
    chain = new_chain()
    before = deepcopy(chain.state)
    with pytest.raises(DepositError):
        chain.deposit(entry)
    assert chain.state == before
    assert chain.deposit(Entry(5, 0, AMOUNT_MAX - 140)) == 3


# ------------------------------------------------------------------------------------------------- with a real proof


@pytest.mark.parametrize("name", ["ethereum", "arbitrum", "solana"])
def test_every_chain_accepts_a_real_proof_once(proven: Proven, name: str) -> None:
    chain = ChainVerifier(read_chain(proven.directory / "chains" / name), check_signature)
    assert chain.state.pending()
    assert chain.accept(proven.data, bundles=proven.bundles) == proven.statement
    assert not chain.state.pending()
    with pytest.raises(ChainRejection) as caught:
        chain.accept(proven.data, bundles=proven.bundles)
    assert caught.value.reason == ChainReason.OLD_ROOT


def test_a_rejection_changes_nothing(proven: Proven) -> None:
    chain = ChainVerifier(read_chain(proven.directory / "chains" / "solana"))
    chain.state.deposits[0] = replace(chain.state.deposits[0], amount=1)
    before = deepcopy(chain.state)
    with pytest.raises(ChainRejection) as caught:
        chain.accept(proven.data)
    assert caught.value.reason == ChainReason.DEPOSIT_DIFFERS
    with pytest.raises(ChainRejection) as caught:
        chain.accept(proven.data[:-1])
    assert caught.value.reason == ChainReason.PROOF
    assert caught.value.proof is not None
    assert caught.value.proof.reason == Reason.MALFORMED
    assert chain.state == before


@pytest.mark.parametrize("parameters", [COMPACT, replace(STANDARD, queries=1), replace(STANDARD, name="weak")])
def test_parameters_are_the_chains_choice(proven: Proven, parameters: Parameters) -> None:
    state = replace(read_chain(proven.directory / "chains" / "solana"), parameters=(STANDARD.name,))
    with pytest.raises(ChainRejection) as caught:
        ChainVerifier(state).accept(proven.data, parameters)
    assert caught.value.reason == ChainReason.PARAMETERS


def test_a_chain_of_another_circuit_accepts_nothing(proven: Proven) -> None:
    state = replace(read_chain(proven.directory / "chains" / "solana"), circuit_digest=bytes(32))
    with pytest.raises(ChainRejection) as caught:
        ChainVerifier(state).accept(proven.data)
    assert caught.value.reason == ChainReason.CIRCUIT


def test_a_real_proof_needs_its_signed_prices(proven: Proven) -> None:
    """Without the bundles, and without a check of signatures, a chain takes no price."""
    state = read_chain(proven.directory / "chains" / "solana")
    for chain, bundles in (
        (ChainVerifier(state, check_signature), None), (ChainVerifier(state), proven.bundles),
        (ChainVerifier(state, check_signature), proven.bundles[:-1] + bytes([proven.bundles[-1] ^ 1])),
    ):  # fmt: skip
        before = deepcopy(state)
        with pytest.raises(ChainRejection) as caught:
            chain.accept(proven.data, bundles=bundles)
        assert caught.value.reason == ChainReason.PRICES
        assert caught.value.prices is not None
        assert state == before


# ------------------------------------------------------------------------------------------------- clock and prices


def at(chain: ChainVerifier, time: int, *price_times: int) -> Statement:
    """The next statement, closed at that time, with prices 100, 101, ... of instrument 1 at those times."""
    prices = tuple(Price(1, number, 100 + number, time) for number, time in enumerate(price_times))
    return replace(next_statement(chain.state, 0), time=time, prices=prices)


def signed_for(statement: Statement, members: Sequence[int] = (0, 1)) -> bytes:
    """A bundle for each of its prices."""
    contents = ((price.time, [(price.instrument, price.price)]) for price in statement.prices)
    return encode_bundles(VENUE, [toy_bundle(VENUE, *content, members) for content in contents])


@pytest.mark.parametrize(("now", "time", "price_times", "reason"), [
    (1000, 1000, (1000,), None), (1000, 1030, (400,), None), (1000, 400, (), None),
    (1000, 1031, (), ChainReason.TIME_AHEAD), (1000, 399, (), ChainReason.TIME_BEHIND),
    (1000, 1000, (399, 1000), ChainReason.TIME_BEHIND), (0, 31, (), ChainReason.TIME_AHEAD), (0, 30, (0,), None),
    (None, 10**6, (10**6 - 600,), None), (None, 10**6, (10**6 - 601,), ChainReason.TIME_BEHIND),
])  # fmt: skip
def test_times_fit_the_clock(
    now: int | None, time: int, price_times: Sequence[int], reason: ChainReason | None
) -> None:
    chain = ChainVerifier(new_chain().state, toy_check)
    statement = at(chain, time, *price_times)
    assert reason_against(chain, statement, signed_for(statement), now) == reason


def test_a_live_chain_has_a_clock() -> None:
    chain = ChainVerifier(replace(new_chain().state, oracle=replace(ORACLE, replay=False)), toy_check)
    assert reason_against(chain, at(chain, 60)) == ChainReason.NO_CLOCK
    assert reason_against(chain, at(chain, 60), now=60) is None


def test_too_few_signers_move_no_chain() -> None:
    chain = ChainVerifier(new_chain().state, toy_check)
    statement = at(chain, 60, 50, 60)
    assert reason_against(chain, statement, signed_for(statement)) is None
    assert reason_against(chain, statement, signed_for(statement, (2,))) == ChainReason.PRICES
    assert reason_against(chain, statement, None) == ChainReason.PRICES


# ---------------------------------------------------------------------------------------------------------- the store


def test_a_chain_survives_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = new_chain()
    accept_unproven(chain, next_statement(chain.state, 2, [Entry(5, 0, 30)]), monkeypatch)
    create_chain(tmp_path / "own", chain.state)
    assert read_chain(tmp_path / "own") == chain.state
    with pytest.raises(ChainFileError):
        create_chain(tmp_path / "own", chain.state)


def test_nothing_is_written_when_the_block_fails(tmp_path: Path) -> None:
    create_chain(tmp_path, new_chain().state)
    with pytest.raises(DepositError), open_chain(tmp_path) as chain:
        deposit_all(chain, [Entry(5, 0, 1), Entry(5, 0, 0)])
    assert read_chain(tmp_path) == new_chain().state
    with open_chain(tmp_path) as chain:
        chain.deposit(Entry(5, 0, 1))
    assert len(read_chain(tmp_path).deposits) == 4


@pytest.mark.parametrize(("old", "new"), [
    ('"version":1', '"version":2'), ('"consumed":0', '"consumed":4'), ('"consumed":0', '"consumed":"0"'),
    ("[5,0,100]", "[5,0]"), ("[5,0,100]", "[5,0,1.5]"), ('"payouts"', '"other"'), ("{", "[", ), ("}", ',"more":1}'),
])  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, old: str, new: str) -> None:
    create_chain(tmp_path, new_chain().state)
    path = tmp_path / "chain.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ChainFileError, match=r"chain\.json"):
        read_chain(tmp_path)


def test_a_missing_chain_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChainFileError, match=r"chain\.json"):
        read_chain(tmp_path / "none")
    with pytest.raises(ChainFileError), open_chain(tmp_path / "none"):
        pass
