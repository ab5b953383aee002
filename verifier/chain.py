"""A chain's light verifier: it accepts a batch that is proven and that agrees with what the chain itself knows.

What the chain knows of its own: the last root it accepted, the deposits its vaults received (its queue), and what they
paid out. The proof shows that the batch obeys the ledger's rules; the chain adds that the batch extends *its* root and
touches *its* vaults as they are, that the times fit its clock, and that the venue's oracle signed the prices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from circuits.acts import Act, ActKind
from circuits.bounds import AMOUNT_MAX, CAP_MAX, CAP_UNIT, COUNTER_MAX, MAX_ACCOUNTS, TRANSIT
from circuits.records import ChainStatus, SystemAccount, chain_index, vault_index
from circuits.solvent import solvent_circuit
from circuits.statement import Movement, Statement
from verifier.batch import verify_batch
from verifier.errors import Rejection
from verifier.params import PARAMETERS, STANDARD, Parameters
from verifier.prices import Oracle, PriceRejection, SignatureCheck, check_prices, no_signatures
from verifier.text import root_hex

MAX_REQUESTS = 1 << 10  # that wait on a chain: filing one costs nothing here


class ChainReason(StrEnum):
    """Why a chain rejects, one for each step of `accept`. The value is what a user reads."""

    CIRCUIT = "another circuit"
    PARAMETERS = "parameters not allowed"
    PROOF = "proof invalid"
    VENUE = "wrong venue"
    OLD_ROOT = "wrong old root"
    BATCH_NUMBER = "wrong batch number"
    VAULT_SET = "wrong set of vaults or assets"
    DEPOSIT_TWICE = "deposit counted twice"
    DEPOSIT_ORDER = "deposit out of order"
    DEPOSIT_UNKNOWN = "deposit not in the queue"
    DEPOSIT_DIFFERS = "deposit differs from the queue"
    WITHDRAWAL_ORDER = "wrong withdrawal number"
    VAULT_AMOUNT = "vault differs from what the chain holds"
    NO_CLOCK = "no clock"
    TIME_AHEAD = "time ahead of the clock"
    TIME_BEHIND = "time behind the clock"
    PRICES = "prices not signed as they must be"


class ChainRejection(Exception):  # noqa: N818 - a refusal is the chain's ordinary answer, not an error of the program
    """The chain rejects the batch and has not changed. `proof`, `prices`: the rejection of that part, if it is why."""

    def __init__(
        self,
        chain: str,
        reason: ChainReason,
        detail: str,
        proof: Rejection | None = None,
        prices: PriceRejection | None = None,
    ) -> None:
        super().__init__(f"{chain}: {reason.value}: {detail}")
        self.chain, self.reason, self.detail = chain, reason, detail
        self.proof, self.prices = proof, prices


class DepositError(ValueError):
    """A deposit that the chain's vault does not take; the queue has not changed."""


class RequestError(ValueError):
    """A request that the chain does not take; nothing has changed."""


@dataclass(frozen=True)
class Request:
    """Somebody asks for an account to be liquidated; nobody signs that. batch: the last accepted one then."""

    account: int
    batch: int


@dataclass(frozen=True)
class Entry:
    """A deposit received or a withdrawal paid out; its number is its place in the list. amount: base units."""

    account: int
    asset: int
    amount: int


@dataclass(frozen=True)
class Accepted:
    """A batch that the chain accepted: number, time in seconds since the venue's epoch, new root (8 elements)."""

    batch: int
    time: int
    root: tuple[int, ...]


@dataclass
class ChainState:
    """All that a chain remembers. Number `number` of `chains` chains; the venue has `assets` collateral assets."""

    name: str
    number: int
    chains: int
    assets: int
    venue_id: bytes
    circuit_digest: bytes
    parameters: tuple[str, ...]  # names of the parameter sets it takes proofs of
    genesis_root: tuple[int, ...]
    oracle: Oracle
    deposits: list[Entry] = field(default_factory=list)  # all ever received, in order
    consumed: int = 0  # how many of them accepted batches have credited
    payouts: list[Entry] = field(default_factory=list)  # all ever released, in order
    accepted: list[Accepted] = field(default_factory=list)
    caps: list[int] = field(default_factory=list)  # of the deposits of each asset, in CAP_UNIT, as last accepted
    suspended: bool = False  # as last accepted
    requests: list[Request] = field(default_factory=list)  # those that the sequencer may still have to look at

    def __post_init__(self) -> None:
        self.caps = self.caps or [CAP_MAX] * self.assets

    @property
    def root(self) -> tuple[int, ...]:
        """The last accepted root."""
        return self.accepted[-1].root if self.accepted else self.genesis_root

    @property
    def batch(self) -> int:
        """The number of the last accepted batch; 0 at genesis."""
        return self.accepted[-1].batch if self.accepted else 0

    def pending(self) -> list[Entry]:
        """The queue: deposits received and not yet credited."""
        return self.deposits[self.consumed :]

    def holdings(self, asset: int) -> int:
        """What the chain's vault of the asset holds: all deposits less all payouts."""
        return _sum(self.deposits, asset) - _sum(self.payouts, asset)

    def credited(self, asset: int) -> int:
        """The part of the holdings that the ledger counts as its vault: the holdings without the pending deposits."""
        return self.holdings(asset) - _sum(self.pending(), asset)

    def movement(self, sequence: int) -> Movement:
        """Deposit number `sequence` as a statement names it."""
        entry = self.deposits[sequence]
        return Movement(self.number, sequence, entry.account, entry.asset, entry.amount)


class ChainVerifier:
    """Decides on batches for one chain. `state` is what `accept` and `deposit` change, and what a caller stores.

    check_signature: a check of BLS signatures, which needs more than the standard library; without it no price passes.
    """

    def __init__(self, state: ChainState, check_signature: SignatureCheck = no_signatures) -> None:
        self.state, self._check_signature = state, check_signature

    def deposit(self, entry: Entry) -> int:
        """Take a deposit into the vault and the queue; returns its number. Raises DepositError."""
        state = self.state
        _require(0 <= entry.account < MAX_ACCOUNTS, f"account {entry.account} is outside 0..{MAX_ACCOUNTS - 1}")
        _require(0 <= entry.asset < state.assets, f"asset {entry.asset} is outside 0..{state.assets - 1}")
        _require(entry.amount > 0, f"amount {entry.amount} is not positive")
        _require(not state.suspended, "the chain is suspended")
        # A deposit above the cap could not be credited, and would hold up the queue behind it.
        would, cap = state.holdings(entry.asset) + entry.amount, state.caps[entry.asset] * CAP_UNIT
        limit = AMOUNT_MAX if entry.account == SystemAccount.IN_TRANSIT else cap - 1
        _require(would <= limit, f"the vault of asset {entry.asset} would hold {would}, above {limit}")
        _require(len(state.deposits) < COUNTER_MAX, f"the queue has taken all {COUNTER_MAX} deposits that it can")
        state.deposits.append(entry)
        return len(state.deposits) - 1

    def request(self, account: int) -> None:
        """Take a request to liquidate an account; one that is there already is renewed. Raises RequestError."""
        state = self.state
        if not 0 <= account < MAX_ACCOUNTS:
            raise RequestError(f"account {account} is outside 0..{MAX_ACCOUNTS - 1}")
        others = [request for request in state.requests if request.account != account]
        if len(others) >= MAX_REQUESTS:
            raise RequestError(f"{MAX_REQUESTS} requests are waiting; file it again when a batch has been accepted")
        state.requests = [*others, Request(account, state.batch)]

    def accept(
        self, proof: bytes, parameters: Parameters = STANDARD, bundles: bytes | None = None, now: int | None = None
    ) -> Statement:
        """Accept a proven batch and move on to its root. Raises ChainRejection, and then nothing has changed.

        bundles: the file of signed prices beside the proof, if there is one. now: the chain's clock, in seconds since
        the venue's epoch; None only where the venue replays a tape.
        """
        # 1. Circuit and parameters are the chain's own choice, never the proof's.
        self._check_rules(parameters)
        # 2. The proof is valid.
        statement = self._verify(proof, parameters)
        # 3. to 9. The statement agrees with what the chain knows, its clock and its oracle.
        self.check(statement, bundles, now)
        # 10. The withdrawals are paid, the deposits are used up, the root moves.
        self._advance(statement)
        return statement

    def check(self, statement: Statement, bundles: bytes | None = None, now: int | None = None) -> None:
        """Whether a proven statement agrees with what the chain knows; see `accept`. Raises ChainRejection."""
        # 3. It is this venue's, and extends the accepted root by one batch.
        self._check_position(statement)
        # 4. It accounts for exactly the known vaults and assets.
        self._check_sets(statement)
        # 5. Its deposits on this chain are the next ones of the queue.
        consumed = self._check_deposits(statement)
        # 6. Its withdrawals on this chain continue the payouts.
        released = self._check_withdrawals(statement)
        # 7. Its vaults on this chain are what the chain then holds, pending deposits apart.
        self._check_vaults(statement, consumed, released)
        # 8. Its times fit the chain's clock.
        self._check_times(statement, now)
        # 9. The venue's oracle signed its prices.
        self._check_prices(statement, bundles)

    def _check_rules(self, parameters: Parameters) -> None:
        digest = solvent_circuit().digest()
        if digest != self.state.circuit_digest:
            detail = f"the chain takes {self.state.circuit_digest.hex()}, this program has {digest.hex()}"
            raise self._rejection(ChainReason.CIRCUIT, detail)
        if parameters.name not in self.state.parameters or PARAMETERS.get(parameters.name) != parameters:
            detail = f"{parameters.name}; the chain takes {', '.join(self.state.parameters)}"
            raise self._rejection(ChainReason.PARAMETERS, detail)

    def _verify(self, proof: bytes, parameters: Parameters) -> Statement:
        try:
            return verify_batch(proof, parameters)
        except Rejection as rejection:
            raise ChainRejection(self.state.name, ChainReason.PROOF, str(rejection), rejection) from rejection

    def _check_position(self, statement: Statement) -> None:
        state = self.state
        if statement.venue_id != state.venue_id:
            detail = f"{statement.venue_id.hex()}, the chain serves {state.venue_id.hex()}"
            raise self._rejection(ChainReason.VENUE, detail)
        if statement.old_root != state.root:
            detail = f"batch {statement.batch} extends {root_hex(statement.old_root)}"
            raise self._rejection(ChainReason.OLD_ROOT, f"{detail}, the last accepted root is {root_hex(state.root)}")
        if statement.batch != state.batch + 1:
            raise self._rejection(ChainReason.BATCH_NUMBER, f"{statement.batch}, the next one is {state.batch + 1}")

    def _check_sets(self, statement: Statement) -> None:
        if (problem := left_out(statement, self.state.chains, self.state.assets)) is not None:
            raise self._rejection(ChainReason.VAULT_SET, problem)

    def _check_deposits(self, statement: Statement) -> list[Entry]:
        """The deposits that the batch consumes here."""
        state, own = self.state, self._own(statement.deposits)
        for expected, movement in enumerate(own, start=state.consumed):
            number = movement.sequence
            if number < expected:
                raise self._rejection(ChainReason.DEPOSIT_TWICE, f"number {number}; the next one is {expected}")
            if number > expected:
                raise self._rejection(ChainReason.DEPOSIT_ORDER, f"number {number}; the next one is {expected}")
            if number >= len(state.deposits):
                detail = f"{_named(movement)}; the chain has received {len(state.deposits)}"
                raise self._rejection(ChainReason.DEPOSIT_UNKNOWN, detail)
            if movement != state.movement(number):
                detail = f"{_named(movement)}; the chain received {_named(state.movement(number))}"
                raise self._rejection(ChainReason.DEPOSIT_DIFFERS, detail)
        return state.deposits[state.consumed : state.consumed + len(own)]

    def _check_withdrawals(self, statement: Statement) -> list[Entry]:
        """The payouts that the batch releases here."""
        own = self._own(statement.withdrawals)
        for expected, movement in enumerate(own, start=len(self.state.payouts)):
            if movement.sequence != expected:
                detail = f"number {movement.sequence}; the next one is {expected}"
                raise self._rejection(ChainReason.WITHDRAWAL_ORDER, detail)
        return [Entry(movement.account, movement.asset, movement.amount) for movement in own]

    def _check_vaults(self, statement: Statement, consumed: Sequence[Entry], released: Sequence[Entry]) -> None:
        for vault in statement.vaults:
            if vault.chain != self.state.number:
                continue
            held = self.state.credited(vault.asset) + _sum(consumed, vault.asset) - _sum(released, vault.asset)
            if vault.amount != held:
                detail = f"asset {vault.asset}: the statement says {vault.amount}, the chain holds {held}"
                raise self._rejection(ChainReason.VAULT_AMOUNT, f"{detail} (pending deposits apart)")

    def _check_times(self, statement: Statement, now: int | None) -> None:
        oracle = self.state.oracle
        if now is None and not oracle.replay:
            raise self._rejection(ChainReason.NO_CLOCK, "this venue's chains compare times with one; none was given")
        # A replayed tape that comes without a clock is its own: only the ages of its prices are bounded.
        clock = statement.time if now is None else now
        if statement.time > clock + oracle.drift:
            detail = f"the batch closes at {statement.time}; the clock shows {clock}, and {oracle.drift} s are allowed"
            raise self._rejection(ChainReason.TIME_AHEAD, detail)
        earliest = min((statement.time, *(price.time for price in statement.prices)))
        if earliest < clock - oracle.age:
            detail = f"the batch or a price is of {earliest}; the clock shows {clock}, and {oracle.age} s are allowed"
            raise self._rejection(ChainReason.TIME_BEHIND, detail)

    def _check_prices(self, statement: Statement, bundles: bytes | None) -> None:
        state = self.state
        try:
            check_prices(state.oracle, state.venue_id, statement.prices, bundles, self._check_signature)
        except PriceRejection as rejection:
            raise ChainRejection(state.name, ChainReason.PRICES, str(rejection), prices=rejection) from rejection

    def _advance(self, statement: Statement) -> None:
        # The next batch may have been made before a request was filed; the one after it was not.
        self.state.requests = [one for one in self.state.requests if one.batch >= self.state.batch]
        released = self._own(statement.withdrawals)
        self.state.payouts += [Entry(movement.account, movement.asset, movement.amount) for movement in released]
        self.state.consumed += len(self._own(statement.deposits))
        self._follow(statement.acts)
        self.state.accepted.append(Accepted(statement.batch, statement.time, statement.new_root))

    def _follow(self, acts: Sequence[Act]) -> None:
        """What the operator set here: the deposit caps, and whether the chain is suspended."""
        state = self.state
        vaults = {vault_index(state.number, asset): asset for asset in range(state.assets)}
        for act in acts:
            if act.kind == ActKind.SET and act.leaf in vaults:
                state.caps[vaults[act.leaf]] = act.value
            if act.kind == ActKind.SET and act.leaf == chain_index(state.number):
                state.suspended = act.value == ChainStatus.SUSPENDED

    def _own(self, movements: Sequence[Movement]) -> list[Movement]:
        return [movement for movement in movements if movement.chain == self.state.number]

    def _rejection(self, reason: ChainReason, detail: str) -> ChainRejection:
        return ChainRejection(self.state.name, reason, detail)


def left_out(statement: Statement, chains: int, assets: int) -> str | None:
    """How the statement's lists differ from those of a venue with so many chains and collateral assets; None if they
    are complete. A proof does not show that they are, and whatever moves does so on a listed vault."""
    expected = [(chain, asset) for chain in (*range(chains), TRANSIT) for asset in range(assets)]
    if [(vault.chain, vault.asset) for vault in statement.vaults] != expected:
        return f"{len(statement.vaults)} vaults, not one for each of {chains} chains and transit x {assets} assets"
    for name, amounts in (("liabilities", statement.totals), ("insurance fund", statement.fund)):
        if [amount.asset for amount in amounts] != list(range(assets)):
            return f"the {name} list {[amount.asset for amount in amounts]}, not assets 0..{assets - 1}"
    return None


def _sum(entries: Sequence[Entry], asset: int) -> int:
    return sum(entry.amount for entry in entries if entry.asset == asset)


def _named(movement: Movement) -> str:
    return f"number {movement.sequence}, {movement.amount} of asset {movement.asset} for account {movement.account}"


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise DepositError(problem)
