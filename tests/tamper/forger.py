"""An operator that applies transitions without the ledger's rules, so that only the circuit stands in its way."""

from collections.abc import Callable, Collection

from circuits.bounds import AMOUNT_BITS, BIAS, FEE_ONE
from circuits.records import (
    CHAIN_DEPOSITS,
    CHAIN_WITHDRAWALS,
    EMPTY,
    HEADER_MASK,
    HEADER_NONCE,
    Record,
    SystemAccount,
    Tag,
    balance_index,
    chain_index,
    from_limbs,
    from_signed_limbs,
    header_index,
    limbs,
    market_index,
    parameters_index,
    record,
    total_index,
    vault_index,
)
from circuits.statement import Statement
from circuits.steps import Kind, Step
from circuits.witness import Witness
from state.ledger import Ledger
from state.margin import open_entries
from state.memory import Memory
from state.transitions import Transition


class Forger:
    """Writes accesses in the order of the steps, whatever they lead to. `omit` leaves instruments out of every margin
    check; `memory` is what the batch works on, and may bend accesses further."""

    def __init__(
        self, ledger: Ledger, omit: Collection[int] = (), memory: Memory | None = None, time: int = 100
    ) -> None:
        self.ledger, self.omit = ledger, omit
        ledger.begin_batch(time)
        assert ledger._memory is not None
        self.memory: Memory = memory or ledger._memory
        ledger._memory = self.memory

    def apply(self, *transitions: Transition) -> None:
        """Transitions under the ledger's rules."""
        for transition in transitions:
            self.ledger.apply(transition)

    def close(self) -> tuple[Statement, Witness]:
        """Close the batch with whatever it has become."""
        return self.ledger.close_batch()

    def deposit(self, chain: int, sequence: int, account: int, asset: int, amount: int, *, count: int = 1) -> None:
        """A deposit; `count` is what it adds to the chain's counter."""
        self._count(Step.DEPOSIT_CHAIN, chain, CHAIN_DEPOSITS, count)
        self._backing((Step.DEPOSIT_VAULT, Step.DEPOSIT_TOTAL), chain, asset, amount)
        self._header(Step.DEPOSIT_HEADER, account, 0, asset)
        self._balance(Step.DEPOSIT_BALANCE, account, asset, amount)
        self.memory.witness.begin(Kind.DEPOSIT, chain, sequence, account, asset, amount)

    def withdraw(self, chain: int, account: int, asset: int, amount: int, sequence: int | None = None) -> None:
        """A withdrawal without looking at vault, balance or margin; by default it is numbered honestly."""
        if sequence is None:
            sequence = self.memory.read(chain_index(chain))[CHAIN_WITHDRAWALS]
        self._count(Step.WITHDRAW_CHAIN, chain, CHAIN_WITHDRAWALS, 1)
        self._backing((Step.WITHDRAW_VAULT, Step.WITHDRAW_TOTAL), chain, asset, -amount)
        self._header(Step.WITHDRAW_HEADER, account, 1, None)
        self._check(self._balance(Step.WITHDRAW_BALANCE, account, asset, -amount), account)
        self.memory.witness.begin(Kind.WITHDRAW, chain, sequence, account, asset, amount)

    def transfer(self, sender: int, receiver: int, asset: int, amount: int) -> None:
        """A transfer of any amount, negative ones included."""
        self.memory.look(Step.TRANSFER_TOTAL, total_index(asset))
        self._header(Step.TRANSFER_FROM_HEADER, sender, 1, None)
        self._check(self._balance(Step.TRANSFER_FROM_BALANCE, sender, asset, -amount), sender)
        self._header(Step.TRANSFER_TO_HEADER, receiver, 0, asset)
        self._balance(Step.TRANSFER_TO_BALANCE, receiver, asset, amount)
        self.memory.witness.begin(Kind.TRANSFER, sender, receiver, asset, amount)

    def fill(
        self,
        market: int,
        maker: int,
        taker: int,
        price: int,
        size: int,
        *,
        taker_buys: bool = True,
        limits: tuple[int, int] | None = None,
        credit_fee: bool = True,
        notional: int | None = None,
        fees: tuple[int | None, int | None] = (None, None),
    ) -> None:
        """A fill; limits default to the price, notional and fees to what follows from price, size and rates.

        credit_fee=False keeps the fee from the fee account.
        """
        self.memory.look(Step.FILL_MARKET, market_index(market))
        rates = self.memory.look(Step.FILL_PARAMETERS, parameters_index(market))[1:3]
        notional = price * size if notional is None else notional
        for account, buys, rate, asked in (
            (maker, not taker_buys, rates[0], fees[0]),
            (taker, taker_buys, rates[1], fees[1]),
        ):
            fee = -(-notional * rate // FEE_ONE) if asked is None else asked
            self._header(Step.FILL_HEADER, account, 1, market)
            self._balance(Step.FILL_BASE, account, market, size if buys else -size)
            self._check(self._balance(Step.FILL_QUOTE, account, 0, (-notional if buys else notional) - fee), account)
            self._balance(Step.FILL_FEE, SystemAccount.FEE, 0, fee if credit_fee else 0)
        maker_limit, taker_limit = limits or (price, price)
        self.memory.witness.begin(
            Kind.FILL, market, maker, taker, price, size, int(taker_buys), maker_limit, taker_limit
        )

    def _replace(self, step: Step, index: int, change: Callable[[list[int]], None]) -> int:
        old = self.memory.read(index)
        new = list(old)
        change(new)
        return self.memory.replace(step, index, old, tuple(new))

    def _count(self, step: Step, chain: int, element: int, by: int) -> None:
        def change(elements: list[int]) -> None:
            elements[element] += by

        self._replace(step, chain_index(chain), change)

    def _backing(self, steps: tuple[Step, Step], chain: int, asset: int, change: int) -> None:
        """Vault and liabilities; what falls below 0 wraps around, as limbs would."""
        for step, index in zip(steps, (vault_index(chain, asset), total_index(asset)), strict=True):

            def add(elements: list[int]) -> None:
                elements[:4] = limbs((from_limbs(elements[:4]) + change) % (1 << AMOUNT_BITS))

            self._replace(step, index, add)

    def _header(self, step: Step, account: int, nonce: int, opens: int | None) -> None:
        empty = opens is not None and self.memory.read(balance_index(account, opens)) == EMPTY

        def change(elements: list[int]) -> None:
            elements[HEADER_NONCE] += nonce
            if empty and opens is not None:
                elements[HEADER_MASK] |= 1 << opens

        self._replace(step, header_index(account), change)

    def _balance(self, step: Step, account: int, instrument: int, change: int) -> int:
        index = balance_index(account, instrument)
        old: Record = self.memory.read(index)
        amount = (from_signed_limbs(old[:4]) if old != EMPTY else 0) + change
        wrapped = limbs((amount + BIAS) % (1 << AMOUNT_BITS))
        return self.memory.replace(step, index, old, record(Tag.BALANCE, *wrapped, *old[4:6]))

    def _check(self, row: int, account: int) -> None:
        for instrument, balance, market in open_entries(self.memory.read, account):
            if instrument not in self.omit:
                self.memory.visit(row, account, instrument, balance, market)
