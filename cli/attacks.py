"""What the demo tries against the venue. Each attack returns why it was rejected, or None if it succeeded."""

from dataclasses import replace

from circuits.records import FIRST_TRADER, VENUE_INDEX, VENUE_TIME
from circuits.solvent import solvent_circuit
from circuits.statement import Statement
from circuits.steps import Kind
from circuits.witness import Witness
from cli.directory import LedgerDirectory
from solvent import STANDARD, ChainRejection, Ledger, Refusal, check_signature, prove, traces_of
from state.audit import account_figures
from state.transitions import Transition
from state.transitions.deposit import Deposit
from state.transitions.price import SetPrice
from state.transitions.withdraw import Withdraw
from verifier.chain import ChainVerifier

CHAIN, ACCOUNT, ASSET = 0, FIRST_TRADER, 0


def tampered_proof(directory: LedgerDirectory, proof: bytes) -> str | None:
    """One bit in the middle of an honest proof is flipped."""
    middle = len(proof) // 2
    return _submit(directory, proof[:middle] + bytes([proof[middle] ^ 1]) + proof[middle + 1 :])


def unbacked_deposit(directory: LedgerDirectory) -> str | None:
    """The operator switches its own check off and credits 1,000,000 quote that never arrived; the proof is valid."""
    careless = LedgerDirectory(directory.path, check_queues=False).read()
    sequence = len(directory.chain_state(directory.venue.chains[CHAIN]).deposits)
    amount = directory.venue.quote.units("1000000")
    statement, witness = _batch(careless, Deposit(CHAIN, sequence, ACCOUNT, ASSET, amount))
    return _submit(directory, prove(statement, witness)[0])


def unsigned_price(directory: LedgerDirectory) -> str | None:
    """The operator marks a market at twice its price, with its own check off; the proof is valid, the price is not."""
    careless, market = directory.read(), directory.venue.markets[0]
    time = careless.read(VENUE_INDEX)[VENUE_TIME]
    statement, witness = _batch(careless, SetPrice(market.number, 2 * market.initial_price, time))
    return _submit(directory, prove(statement, witness)[0])


def over_withdrawal(directory: LedgerDirectory) -> str | None:
    """All equity and one unit more is withdrawn; the ledger has to refuse it."""
    ledger = directory.read()
    try:
        _batch(ledger, Withdraw(CHAIN, ACCOUNT, ASSET, account_figures(ledger, ACCOUNT).margin.equity + 1))
    except Refusal as refusal:
        return f"by the ledger: {refusal}"
    return None


def forged_withdrawal(directory: LedgerDirectory) -> str | None:
    """The witness of a small withdrawal is altered to pay out a thousandfold, and proven regardless."""
    from prover.errors import ProvingError
    from prover.prove import prove as prove_circuit

    ledger = directory.read()
    statement, witness = _batch(ledger, Withdraw(CHAIN, ACCOUNT, ASSET, directory.venue.quote.units("0.01")))
    amounts = witness.arguments[Kind.WITHDRAW]["amount"]
    amounts[0] *= 1000
    forged = replace(statement, withdrawals=(replace(statement.withdrawals[0], amount=amounts[0]),))
    try:
        prove(forged, witness)
    except ProvingError as error:
        named = str(error).partition(", first of all ")[2].partition(" on row ")[0]
    else:
        return None
    proof, _ = prove_circuit(solvent_circuit(), STANDARD, forged, traces_of(witness), unchecked=True)
    verdict = _submit(directory, proof)
    return verdict and f"{verdict}; violated: {named}"


def _batch(ledger: Ledger, transition: Transition) -> tuple[Statement, Witness]:
    """A batch of one transition on a ledger that is not saved."""
    ledger.begin_batch()
    ledger.apply(transition)
    return ledger.close_batch()


def _submit(directory: LedgerDirectory, proof: bytes) -> str | None:
    """What the chain says to the proof; it does not remember it."""
    chain = ChainVerifier(directory.chain_state(directory.venue.chains[CHAIN]), check_signature)
    try:
        chain.accept(proof)
    except ChainRejection as rejection:
        inner = rejection.proof.reason.value if rejection.proof else rejection.detail
        return f"by {rejection.chain}: {rejection.reason.value}: {inner}"
    return None
