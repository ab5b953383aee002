"""An operator that applies transitions without the ledger's rules, so that only the circuit stands in its way."""

from collections.abc import Callable, Collection

from circuits.bounds import AMOUNT_BITS, BIAS, TRANSIT
from circuits.field import P
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    BALANCE_FUNDING,
    CHAIN_DEPOSITS,
    CHAIN_WITHDRAWALS,
    EMPTY,
    HEADER_MASK,
    HEADER_NONCE,
    HEADER_OPEN,
    HEADER_ORDERS,
    MARKET_FUNDING,
    ORDER_BOOK,
    ORDER_LEFT,
    ORDER_NEXT,
    VENUE_ACTS,
    VENUE_INDEX,
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
    pending_index,
    record,
    rules_index,
    sentinel_index,
    total_index,
    vault_index,
)
from circuits.statement import Statement
from circuits.steps import STEPS, Kind, Step
from circuits.witness import Witness
from state.ledger import Ledger
from state.margin import open_entries
from state.memory import Memory
from state.transitions import Transition
from state.transitions.order import Policy
from tests.batches import LATE
from tests.tamper.order_forger import OrderForger, lots_of


class Forger:
    """Writes accesses in the order of the steps, whatever they lead to. `omit` leaves instruments out of every margin
    check; `memory` is what the batch works on, and may bend accesses further. What the ledger itself applies does not
    see forged changes of the book."""

    def __init__(
        self, ledger: Ledger, omit: Collection[int] = (), memory: Memory | None = None, time: int | None = None
    ) -> None:
        self.ledger, self.omit = ledger, omit
        ledger.begin_batch(time)
        assert ledger._memory is not None
        self.memory: Memory = memory or ledger._memory
        ledger._memory = self.memory
        _ = self.memory.book  # read as long as the lists are whole

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
        self.header(Step.DEPOSIT_HEADER, account, opens=asset)
        self.balance(Step.DEPOSIT_BALANCE, account, asset, amount)
        self.memory.witness.begin(Kind.DEPOSIT, chain, sequence, account, asset, amount)

    def withdraw(self, chain: int, account: int, asset: int, amount: int, sequence: int | None = None) -> None:
        """A withdrawal without looking at vault, balance or margin; by default it is numbered honestly."""
        if sequence is None:
            sequence = self.memory.read(chain_index(chain))[CHAIN_WITHDRAWALS]
        self._count(Step.WITHDRAW_CHAIN, chain, CHAIN_WITHDRAWALS, 1)
        self._backing((Step.WITHDRAW_VAULT, Step.WITHDRAW_TOTAL), chain, asset, -amount)
        self.header(Step.WITHDRAW_HEADER, account, nonce=1)
        self.check(self.balance(Step.WITHDRAW_BALANCE, account, asset, -amount), account)
        self.memory.witness.begin(Kind.WITHDRAW, chain, sequence, account, asset, amount)

    def transfer(self, sender: int, receiver: int, asset: int, amount: int) -> None:
        """A transfer of any amount, negative ones included."""
        self.memory.look(Step.TRANSFER_TOTAL, total_index(asset))
        self.header(Step.TRANSFER_FROM_HEADER, sender, nonce=1)
        self.check(self.balance(Step.TRANSFER_FROM_BALANCE, sender, asset, -amount), sender)
        self.header(Step.TRANSFER_TO_HEADER, receiver, opens=asset)
        self.balance(Step.TRANSFER_TO_BALANCE, receiver, asset, amount)
        self.memory.witness.begin(Kind.TRANSFER, sender, receiver, asset, amount)

    def act(
        self, kind: Kind, leaf: int, tag: int, position: int, value: int, instrument: int = 0, count: int = 1
    ) -> None:
        """Something set, or enacted of the instrument, whatever is pending and due."""
        venue = self.memory.read(VENUE_INDEX)
        steps, arguments = STEPS[kind], [venue[VENUE_ACTS], leaf, tag, position, value]

        def add(elements: list[int]) -> None:
            elements[VENUE_ACTS] += count

        def write(elements: list[int]) -> None:
            elements[position] = value

        self._replace(steps[0], VENUE_INDEX, add)
        if kind is Kind.ENACT:
            pending = pending_index(instrument)
            self.memory.replace(Step.ENACT_PENDING, pending, self.memory.read(pending), EMPTY)
            arguments.append(instrument)
        self._replace(steps[-1], leaf, write)
        self.memory.witness.begin(kind, *arguments)

    def underway(
        self,
        kind: Kind,
        chain: int,
        sequence: int,
        asset: int,
        amount: int,
        *,
        account: int = SystemAccount.IN_TRANSIT,
        count: int = 1,
    ) -> None:
        """What is sent or received, whatever there is of it."""
        first, *vaults = STEPS[kind]
        sent = kind is Kind.SEND
        self._count(first, chain, CHAIN_WITHDRAWALS if sent else CHAIN_DEPOSITS, count)
        for step, number, sign in zip(vaults, (chain, TRANSIT), (-1, 1) if sent else (1, -1), strict=True):
            self._amount(step, vault_index(number, asset), sign * amount)
        self.memory.witness.begin(kind, chain, sequence, account, asset, amount)

    def order(
        self,
        account: int,
        market: int,
        buys: bool,
        limit: int,
        size: int,
        *,
        expiry: int = LATE,
        policy: Policy = Policy.IMMEDIATE_OR_CANCEL,
        reduce_only: bool = False,
    ) -> "OrderForger":
        """The numbers of an order, in range or not; what comes of it is up to the result's methods."""
        number = self.memory.order_count()
        rests = policy in (Policy.GOOD_TILL_TIME, Policy.POST_ONLY)
        flags = rests, policy is Policy.POST_ONLY, policy is Policy.FILL_OR_KILL, reduce_only
        self.memory.look(Step.ORDER_MARKET, market_index(market))
        rules = self.memory.read(rules_index(market))
        row = self.memory.replace(Step.ORDER_RULES, rules_index(market), rules, rules)
        self.memory.witness.begin(
            Kind.ORDER, account, market, int(buys), limit, size, expiry, *(int(flag) for flag in flags)
        )
        return OrderForger(self, number, account, market, buys, limit, expiry, reduce_only, rules[1:3], row, size)

    def seize(self, account: int, leaf: int) -> None:
        """The order at `leaf` goes by force, however its account stands."""
        self.check(self.header(Step.SEIZE_HEADER, account), account)
        self._take_out(Kind.FORCE_CANCEL, account, leaf, None)

    def cancel(self, account: int, leaf: int, before: int | None = None) -> None:
        """The order at `leaf`, which what is at `before` points at, goes, whoever's it is."""
        self._take_out(Kind.CANCEL, account, leaf, before)

    def _take_out(self, kind: Kind, account: int, leaf: int, before: int | None) -> None:
        memory, order = self.memory, self.memory.read(leaf)
        market, buys = order[ORDER_BOOK] // 2, bool(order[ORDER_BOOK] % 2)
        before = self.predecessor(market, buys, leaf) if before is None else before
        self.header(Step.CANCEL_HEADER, account, nonce=int(kind is Kind.CANCEL), orders=-1)
        self.point(Step.CANCEL_PREDECESSOR, before, order[ORDER_NEXT])
        memory.replace(Step.CANCEL_ORDER, leaf, order, EMPTY)
        self.balance(Step.CANCEL_BASE, account, market, 0, **lots_of(buys, -order[ORDER_LEFT]))
        memory.witness.begin(kind, account)

    def orders(self, market: int, buys: bool) -> list[int]:
        """The leaves of a side of the book, best first."""
        leaf, end, found = sentinel_index(market, buys), sentinel_index(market, not buys), []
        while (leaf := self.memory.read(leaf)[ORDER_NEXT]) != end:
            found.append(leaf)
        return found

    def predecessor(self, market: int, buys: bool, leaf: int) -> int:
        """The leaf of what points at a leaf of a side."""
        return next(
            before
            for before in (sentinel_index(market, buys), *self.orders(market, buys))
            if self.memory.read(before)[ORDER_NEXT] == leaf
        )

    def point(self, step: Step, leaf: int, target: int) -> None:
        """The order or sentinel at `leaf` points at `target`."""
        old = self.memory.read(leaf)
        self.memory.replace(step, leaf, old, (target, *old[1:]))

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
            self._amount(step, index, change)

    def _amount(self, step: Step, index: int, change: int) -> None:
        def add(elements: list[int]) -> None:
            elements[:4] = limbs((from_limbs(elements[:4]) + change) % (1 << AMOUNT_BITS))

        self._replace(step, index, add)

    def header(self, step: Step, account: int, *, nonce: int = 0, opens: int | None = None, orders: int = 0) -> int:
        """The nonce and the number of orders change; an instrument without a balance opens. Returns the row."""
        empty = opens is not None and self.memory.read(balance_index(account, opens)) == EMPTY

        def change(elements: list[int]) -> None:
            elements[HEADER_NONCE] += nonce
            elements[HEADER_ORDERS] = (elements[HEADER_ORDERS] + orders) % P
            if empty and opens is not None:
                elements[HEADER_MASK] |= 1 << opens
                elements[HEADER_OPEN] += 1

        return self._replace(step, header_index(account), change)

    def balance(self, step: Step, account: int, instrument: int, change: int, *, bids: int = 0, asks: int = 0) -> int:
        """Amount and resting lots change; what leaves the range of an amount wraps around, as limbs would."""
        index = balance_index(account, instrument)
        old: Record = self.memory.read(index)
        amount = (from_signed_limbs(old[:4]) if old != EMPTY else 0) + change
        wrapped = limbs((amount + BIAS) % (1 << AMOUNT_BITS))
        resting = (old[BALANCE_BIDS] + bids) % P, (old[BALANCE_ASKS] + asks) % P
        opens = old == EMPTY and self.memory.venue.instruments[instrument].tag == Tag.PERPETUAL
        funding = self.memory.read(market_index(instrument))[MARKET_FUNDING] if opens else old[BALANCE_FUNDING]
        return self.memory.replace(step, index, old, record(Tag.BALANCE, *wrapped, *resting, funding))

    def check(self, row: int, account: int) -> None:
        """The margin check that the row asks for, whatever comes of it."""
        for instrument, balance, market in open_entries(self.memory.read, account):
            if instrument not in self.omit:
                self.memory.visit(row, account, instrument, balance, market)
