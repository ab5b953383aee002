"""What every honest batch keeps, whatever its transitions are: a rule that is broken here makes the statement false.

Transfers and orders are secret, but each costs its sender a nonce; so do withdrawals, which are public. The nonces that
withdrawals do not account for, and the orders that rested before, say who may have lost anything.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from circuits.acts import ActKind
from circuits.bounds import ACCOUNT_SLOTS, FUNDING_DIVISOR, FUNDING_INTERVAL, SAMPLE_TIME, TIME_MAX, TRANSIT
from circuits.buses import Tier
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_ASKS,
    BALANCE_BIDS,
    BALANCE_FUNDING,
    CHAIN_DEPOSITS,
    CHAIN_STATUS,
    CHAIN_WITHDRAWALS,
    EMPTY,
    EVENT_BOOK,
    EVENT_FUNDING,
    EVENT_INTEREST,
    EVENT_LOTS,
    FIRST_TRADER,
    FUNDING_APPLIED,
    FUNDING_IMPACT,
    FUNDING_SAMPLED,
    HEADER_EVENTS,
    HEADER_MASK,
    HEADER_NONCE,
    HEADER_OPEN,
    HEADER_ORDERS,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    MARKET_FUNDING,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    ORDER_ACCOUNT,
    ORDER_BASE,
    ORDER_BOOK,
    ORDER_LEFT,
    ORDER_NEXT,
    ORDER_PRICE,
    PARAMETERS_FRACTION,
    PARAMETERS_PRICES,
    PARAMETERS_STALENESS,
    PARAMETERS_STEP_TIME,
    PENDING_DUE,
    QUOTE_BORROW,
    QUOTE_BORROW_CAP,
    QUOTE_CLOSE_OUT,
    QUOTE_INSTRUMENT,
    QUOTE_MAINTENANCE,
    RECORD_SIZE,
    RULES_CAP,
    RULES_GROWTH,
    RULES_INTEREST,
    RULES_MAKER_FEE,
    RULES_MINIMUM,
    RULES_SLOT,
    RULES_STATUS,
    RULES_TAKER_FEE,
    TAG,
    VAULT_CAP,
    VENUE_ACCOUNTS,
    VENUE_ACTS,
    VENUE_BATCHES,
    VENUE_EVENTS,
    VENUE_INDEX,
    VENUE_NOTICE,
    VENUE_TIME,
    Record,
    Status,
    SystemAccount,
    Tag,
    balance_index,
    book_number,
    chain_index,
    event_index,
    from_limbs,
    from_signed_limbs,
    funding_index,
    header_index,
    key_index,
    market_index,
    parameters_index,
    pending_index,
    record,
    rules_index,
    sentinel_index,
    total_index,
    vault_index,
)
from circuits.statement import Statement
from state.funding import owed, premium_sum
from state.margin import Margin, assess, open_entries, relied_until
from state.venue import Venue

ORDERS = (Tag.ORDER, Tag.REDUCE_ORDER)
SETTINGS: dict[int, Sequence[int]] = {
    Tag.VENUE: (VENUE_NOTICE,),
    Tag.CHAIN: (CHAIN_STATUS,),
    Tag.VAULT: (VAULT_CAP,),
    Tag.QUOTE: (QUOTE_MAINTENANCE, QUOTE_CLOSE_OUT, QUOTE_BORROW, QUOTE_BORROW_CAP),
    Tag.PARAMETERS: (PARAMETERS_FRACTION, PARAMETERS_STALENESS, PARAMETERS_STEP_TIME, TAG),
    Tag.RULES: (RULES_STATUS, RULES_MAKER_FEE, RULES_TAKER_FEE, RULES_MINIMUM, RULES_CAP, RULES_GROWTH, TAG),
    Tag.FUNDING: (FUNDING_IMPACT,),
    Tag.PENDING: range(RECORD_SIZE),
}
State = Mapping[int, Record]  # records by leaf; other leaves are empty


@dataclass(frozen=True)
class Audit:
    """A batch seen from outside: the states before and after it, and what is said about it."""

    venue: Venue
    old: State
    new: State
    statement: Statement

    def broken_rule(self) -> str | None:
        """The first rule that the batch breaks; None if an honest batch might do all that."""
        rules = (self._venue, self._chains, self._published, self._prices, self._acts, self._markets, self._records)
        secret = (self._sums, self._fund, self._losses, self._interest, self._books, self._resting, self._messages)
        return next((broken for rule in (*rules, *secret, self._insolvent) for broken in rule()), None)

    def _venue(self) -> Iterator[str]:
        old, new = self.old[VENUE_INDEX], self.new[VENUE_INDEX]
        number, time = self.statement.batch, self.statement.time
        if not number == new[VENUE_BATCHES] == old[VENUE_BATCHES] + 1:
            yield f"batch {number} follows {old[VENUE_BATCHES]} and is recorded as {new[VENUE_BATCHES]}"
        if not time == new[VENUE_TIME] >= old[VENUE_TIME]:
            yield f"time {time} follows {old[VENUE_TIME]} and is recorded as {new[VENUE_TIME]}"

    def _chains(self) -> Iterator[str]:
        """Movements are numbered on, and counted."""
        said = self.statement
        for name, movements, element in (
            ("deposits", said.deposits, CHAIN_DEPOSITS),
            ("withdrawals", said.withdrawals, CHAIN_WITHDRAWALS),
        ):
            for chain in range(len(self.venue.chains)):
                first, end = (state[chain_index(chain)][element] for state in (self.old, self.new))
                numbers = [movement.sequence for movement in movements if movement.chain == chain]
                if numbers != list(range(first, end)):
                    yield f"chain {chain} counts {name} {first} to {end}, not {numbers}"

    def _published(self) -> Iterator[str]:
        """Vaults, liabilities and fund are the recorded ones, and vaults change by what is moved."""
        moved = self._through_vaults()
        for vault in self.statement.vaults:
            old, new = (self._amount(state, vault_index(vault.chain, vault.asset)) for state in (self.old, self.new))
            place = (vault.chain, vault.asset)
            expected = old + moved[place]
            if not vault.amount == new == expected:
                yield f"vault {vault.chain}, {vault.asset} said {vault.amount}, recorded {new}, expected {expected}"
        for total in self.statement.totals:
            if total.amount != self._amount(self.new, total_index(total.asset)):
                yield f"liabilities in {total.asset} are said to be {total.amount}"
        for asset in self.venue.collateral:
            chains = (*range(len(self.venue.chains)), TRANSIT)
            held = sum(self._amount(self.new, vault_index(chain, asset.number)) for chain in chains)
            if held != self._amount(self.new, total_index(asset.number)):
                yield f"vaults hold {held} of {asset.name}, which are not the liabilities"
        if self.statement.loss != -self._balance(self.new, SystemAccount.LOSS, QUOTE_INSTRUMENT):
            yield f"losses are said to be {self.statement.loss}"
        for fund in self.statement.fund:
            if fund.amount != self._balance(self.new, SystemAccount.INSURANCE, fund.asset):
                yield f"the fund is said to hold {fund.amount} of {fund.asset}"

    def _prices(self) -> Iterator[str]:
        for number in range(1, len(self.venue.instruments)):
            first, end = (state[parameters_index(number)][PARAMETERS_PRICES] for state in (self.old, self.new))
            said = [price.sequence for price in self.statement.prices if price.instrument == number]
            if said != list(range(first, end)):
                yield f"instrument {number} counts prices {first} to {end}, not {said}"

    def _acts(self) -> Iterator[str]:
        """Acts are numbered on, and what they may change changes by them alone."""
        said = self.statement.acts
        first, end = (state[VENUE_INDEX][VENUE_ACTS] for state in (self.old, self.new))
        if [act.number for act in said] != list(range(first, end)):
            yield f"the venue counts acts {first} to {end}, not {said}"
        settings = dict(self._settings(self.old))
        notice = settings[VENUE_INDEX, VENUE_NOTICE]
        for act in said:
            pending = [(pending_index(act.instrument), k) for k in range(RECORD_SIZE)]
            due = self.statement.time + notice
            announced = record(Tag.PENDING, act.leaf, act.position, act.value, due)
            if act.kind == ActKind.SETTLE:
                if settings.get((act.leaf, RULES_STATUS)) != Status.HALTED:
                    yield f"{act} settles what is not halted"
                tags = (index(act.instrument) for index in (rules_index, parameters_index))
                settings |= {(leaf, TAG): int(Tag.SETTLED) for leaf in tags}
            if act.kind == ActKind.ENACT:
                found = tuple(settings.get(place, 0) for place in pending)
                if found[:PENDING_DUE] != announced[:PENDING_DUE] or found[PENDING_DUE] > self.statement.time:
                    yield f"{act} enacts {found}"
            if act.kind in (ActKind.ANNOUNCE, ActKind.ENACT):
                elements = announced if act.kind == ActKind.ANNOUNCE else EMPTY
                settings |= dict(zip(pending, elements, strict=True))
            if act.kind != ActKind.ANNOUNCE:
                settings[act.leaf, act.position] = act.value
        recorded = dict(self._settings(self.new))
        for place in settings.keys() | recorded.keys():
            if settings.get(place, 0) != recorded.get(place, 0):
                yield f"element {place} is {recorded.get(place, 0)}, and by the acts {settings.get(place, 0)}"

    @staticmethod
    def _settings(state: State) -> Iterator[tuple[tuple[int, int], int]]:
        """What only the operator's acts change: by leaf and element."""
        for leaf, elements in state.items():
            kind = elements[TAG]
            if kind == Tag.SETTLED:
                is_rules = (leaf - INSTRUMENT_BASE) % INSTRUMENT_SLOTS == RULES_SLOT
                kind = Tag.RULES if is_rules else Tag.PARAMETERS
            for k in SETTINGS.get(kind, ()):
                yield (leaf, k), elements[k]

    def _markets(self) -> Iterator[str]:
        """What is settled stays as it is, a mark that becomes final is a valid one, and without a settlement or a price
        a market record changes by itself."""
        settling = {act.instrument for act in self.statement.acts if act.kind == ActKind.SETTLE}
        for number in (market.number for market in self.venue.markets):
            old, new = (state[market_index(number)] for state in (self.old, self.new))
            priced = any(price.instrument == number for price in self.statement.prices)
            if self._settled(self.old, number) and (priced or old != new):
                yield f"settled market {number} changes"
            if number in settling:
                kept = old[:MARKET_WEIGHT] == new[:MARKET_WEIGHT] and relied_until(old) >= self.statement.time
                if not (kept or priced) or new[MARKET_WEIGHT : MARKET_VALID + 1] != (0, 0, TIME_MAX):
                    yield f"market {number} is settled with {new}, before {old}"
            elif not priced and old[MARKET_MARK:] != new[MARKET_MARK:]:
                yield f"market {number} changes by itself"
            yield from self._premiums(number)

    def _premiums(self, market: int) -> Iterator[str]:
        """A batch, which has one time, has one sample and one application of a market at most, if they are due. Without
        a sample the sum goes nowhere but into the index."""
        old, new = (state[funding_index(market)] for state in (self.old, self.new))
        index = [state[market_index(market)][MARKET_FUNDING] for state in (self.old, self.new)]
        sampled, applied = (old[k] != new[k] for k in (FUNDING_SAMPLED, FUNDING_APPLIED))
        time, moved = self.statement.time, FUNDING_DIVISOR * (index[1] - index[0])
        total = moved + premium_sum(new) - premium_sum(old)
        due = old[FUNDING_SAMPLED] + SAMPLE_TIME, old[FUNDING_APPLIED] + FUNDING_INTERVAL
        if (sampled and not time == new[FUNDING_SAMPLED] >= due[0]) or (not sampled and total):
            yield f"the premiums of {market} change from {old} to {new}, the index from {index[0]} to {index[1]}"
        if (applied and not time == new[FUNDING_APPLIED] >= due[1]) or (not applied and moved):
            yield f"the funding index of {market} changes from {index[0]} to {index[1]} by {new}"
        for account in self._accounts():
            found = self.new.get(balance_index(account, market), EMPTY)
            known = self.old.get(balance_index(account, market), EMPTY)
            events = range(self.new[VENUE_INDEX][VENUE_EVENTS])
            told = (self.new.get(event_index(number), EMPTY)[EVENT_FUNDING] for number in events)
            if found != EMPTY and found[BALANCE_FUNDING] not in (*index, *told, *known[BALANCE_FUNDING:TAG]):
                yield f"account {account} is settled in {market} up to {found[BALANCE_FUNDING]}"

    @staticmethod
    def _settled(state: State, market: int) -> bool:
        return state[rules_index(market)][TAG] == Tag.SETTLED

    def _records(self) -> Iterator[str]:
        """Accounts are those that the venue counts; each is whole, and its header lists its balances."""
        count = self.new[VENUE_INDEX][VENUE_ACCOUNTS]
        for account in self._accounts():
            slots = range(len(self.venue.instruments))
            tags = [self.new.get(balance_index(account, slot), EMPTY)[TAG] for slot in slots]
            header, key = (self.new.get(index(account), EMPTY) for index in (header_index, key_index))
            mask = sum(1 << slot for slot in slots if tags[slot] == Tag.BALANCE)
            if (header[TAG] == Tag.HEADER) != (account < count) or header[HEADER_MASK] != mask or not mask & 1:
                yield f"account {account} of {count} has header {header} and balances {mask:b}"
            counted = self.old.get(header_index(account), EMPTY)[HEADER_OPEN] + len(self._opened(account))
            if header_index(account) in self.old and header[HEADER_OPEN] != counted:
                yield f"account {account} counts {header[HEADER_OPEN]} open instruments, not {counted}"
            if (key[TAG] == Tag.KEY) != (len(SystemAccount) <= account < count):
                yield f"account {account} of {count} has key {key}"

    def _sums(self) -> Iterator[str]:
        """What accounts hold changes by as much as the liabilities, and these by what moves; positions add up to 0."""
        moved = Counter[int]()
        for (_, _, asset), amount in self._moved().items():
            moved[asset] += amount
        for slot in range(len(self.venue.instruments)):
            held = sum(self._change(account, slot) for account in self._accounts())
            owed = self._amount(self.new, total_index(slot)) - self._amount(self.old, total_index(slot))
            if not held == owed == moved[slot]:
                yield f"balances in {slot} change by {held}, liabilities by {owed}, chains by {moved[slot]}"

    def _fund(self) -> Iterator[str]:
        """What the insurance fund takes over leaves it some equity, or none, or as much as it had; later prices may
        change that."""
        fund = SystemAccount.INSURANCE
        if self._rescued(fund) and not self.statement.prices:
            before, equity = (self._assessed(state, fund).equity for state in (self.old, self.new))
            if equity < min(before, 0):
                yield f"the insurance fund has equity {equity}, before {before}"

    def _losses(self) -> Iterator[str]:
        """Each loss is more than what the insurance fund has. It has the same all the time if nobody sends a message,
        no price is set and nothing comes, its balances stay as they are, and it has no position."""
        fund, lost = SystemAccount.INSURANCE, self._lost()
        positions = [self._balance(self.new, fund, market.number) for market in self.venue.markets]
        if lost and self._quiet() and not self._rescued(fund) and not any(positions):
            equity = self._assessed(self.new, fund).equity
            if lost <= equity:
                yield f"{lost} is lost, though the insurance fund has equity {equity}"

    def _lost(self) -> int:
        """What LOSS has come to owe more, beside its movements; others have gained it."""
        return self._came(SystemAccount.LOSS, QUOTE_INSTRUMENT) - self._change(SystemAccount.LOSS, QUOTE_INSTRUMENT)

    def _interest(self) -> Iterator[str]:
        """The open interest of a market changes by as much as all long positions together, until it is settled: then it
        stays as it is, but for takeovers, and no order reads it. The pool has part of the positions, which cancel out
        there."""
        for market in (market.number for market in self.venue.markets):
            old, new = (state[rules_index(market)][RULES_INTEREST] for state in (self.old, self.new))
            if self._settled(self.new, market):
                if self._settled(self.old, market) and old != new and not self._rescued(SystemAccount.INSURANCE):
                    yield f"the open interest in {market}, which is settled, changes from {old} to {new}"
                continue
            long = [
                sum(max(0, self._position(state, account, market)) for account in self._accounts())
                for state in (self.old, self.new)
            ]
            more = [old - long[0], new - long[1]]  # what shares, rounded up, have taken more
            events = self.new[VENUE_INDEX][VENUE_EVENTS] - self.old[VENUE_INDEX][VENUE_EVENTS]
            if more[0] != more[1] and not (events and 0 <= more[1] <= more[0] + events * len(self._accounts())):
                yield f"the open interest in {market} changes from {old} to {new}, long positions from {long}"

    def _insolvent(self) -> Iterator[str]:
        """If nothing comes but one deleveraging or loss, of an account that has seen all events and is the only one to
        change beside the venue's own, it is of one that owes more than the insurance fund has; a loss is all of it."""
        holders = {
            (index - ACCOUNT_BASE) // ACCOUNT_SLOTS
            for index, found in self.new.items()
            if found[TAG] == Tag.BALANCE and found != self.old.get(index)
        }
        events = [state[VENUE_INDEX][VENUE_EVENTS] for state in (self.old, self.new)]
        markets = [market_index(market.number) for market in self.venue.markets]
        alone = self._quiet() and all(self.old[index] == self.new[index] for index in markets)
        for other, happens in (
            (SystemAccount.ROUNDING, events[1] == events[0] + 1),
            (SystemAccount.LOSS, self._change(SystemAccount.LOSS, QUOTE_INSTRUMENT) < 0),
        ):
            account = min(holders - {other}, default=other)
            seen = self.old.get(header_index(account), EMPTY)[HEADER_EVENTS]
            if not alone or not happens or holders != {account, other} or seen != events[0]:
                continue
            found, fund = (self._assessed(self.old, who) for who in (account, SystemAccount.INSURANCE))
            lost = -self._change(SystemAccount.LOSS, QUOTE_INSTRUMENT)
            if found.equity >= min(0, -fund.equity) or (lost and (lost != -found.equity or found.requirement)):
                yield f"account {account} has equity {found.equity}, the fund {fund.equity}, and {lost} is lost"

    def _assessed(self, state: State, account: int) -> Margin:
        """The account's sums, whatever its prices are."""
        return assess(self.venue, account, open_entries(lambda index: state.get(index, EMPTY), account))

    @staticmethod
    def _position(state: State, account: int, market: int) -> int:
        """What an account will hold once it has seen all deleveragings; of ROUNDING nothing counts."""
        held, events = Audit._balance(state, account, market), state[VENUE_INDEX][VENUE_EVENTS]
        for number in range(state.get(header_index(account), EMPTY)[HEADER_EVENTS], events):
            event = state[event_index(number)]
            sign = 1 if event[EVENT_BOOK] % 2 else -1
            if event[EVENT_BOOK] // 2 == market and sign * held > 0:
                closed, interest = (from_limbs(event[at : at + 2]) for at in (EVENT_LOTS, EVENT_INTEREST))
                held -= sign * -(-sign * held * closed // interest)
        return 0 if account == SystemAccount.ROUNDING else held

    def _books(self) -> Iterator[str]:
        """From each sentinel on, orders of that side follow one another, worse ones later, up to the other sentinel."""
        listed = set()
        for market in self.venue.markets:
            for buys in (True, False):
                leaf, end = sentinel_index(market.number, buys), sentinel_index(market.number, not buys)
                ranks = []
                while leaf != end and leaf not in listed:
                    order = self.new.get(leaf, EMPTY)
                    if order[TAG] not in ORDERS or order[ORDER_BOOK] != book_number(market.number, buys):
                        yield f"leaf {leaf} stands in the book of {market.name}: {order}"
                        return
                    listed.add(leaf)
                    ranks.append(-order[ORDER_PRICE] if buys else order[ORDER_PRICE])
                    leaf = order[ORDER_NEXT]
                if leaf != end or ranks != sorted(ranks):
                    yield f"the book of {market.name} leads to {leaf} at {ranks}"
            bid, ask = (self.new[self.new[sentinel_index(market.number, buys)][ORDER_NEXT]] for buys in (True, False))
            if bid[ORDER_PRICE] >= ask[ORDER_PRICE]:
                yield f"the book of {market.name} is crossed: {bid}, {ask}"
        lost = [leaf for leaf, order in self.new.items() if order[TAG] in ORDERS and leaf not in listed]
        if lost:
            yield f"orders {lost} stand in no book"

    def _resting(self) -> Iterator[str]:
        """Headers count the orders of their account, and balances the lots that are left of them, at least one each."""
        orders = [order for leaf, order in self.new.items() if leaf >= ORDER_BASE and order[TAG] in ORDERS]
        counts = Counter(order[ORDER_ACCOUNT] for order in orders)
        lots = Counter[tuple[int, int]]()
        for order in orders:
            lots[order[ORDER_ACCOUNT], order[ORDER_BOOK]] += order[ORDER_LEFT]
            if not order[ORDER_LEFT]:
                yield f"an order of nothing rests: {order}"
        for account in self._accounts():
            if self.new.get(header_index(account), EMPTY)[HEADER_ORDERS] != counts[account]:
                yield f"account {account} has {counts[account]} orders"
            for market in self.venue.markets:
                balance = self.new.get(balance_index(account, market.number), EMPTY)
                bids, asks = (lots[account, book_number(market.number, buys)] for buys in (True, False))
                if (balance[BALANCE_BIDS], balance[BALANCE_ASKS]) != (bids, asks):
                    yield f"account {account} has {bids} and {asks} lots resting in {market.name}"

    def _messages(self) -> Iterator[str]:
        """Who neither sends a secret message nor has an order gains, by transfers; who alone does gains nothing.

        Cash-outs and funding cost no message; what they change is left out, and so is who deals with the fund. Who
        may have lost by force is a party."""
        spare = {account: self._secret_messages(account) for account in self._accounts() if not self._rescued(account)}
        resting = {account for account in spare if self.old.get(header_index(account), EMPTY)[HEADER_ORDERS]}
        parties = {account for account, number in spare.items() if number} | resting
        parties |= {account for account in self._accounts() if self._forced(account)}
        perpetuals = range(len(self.venue.collateral), len(self.venue.instruments))
        for account, number in spare.items():
            yield from self._in_part(account, len(parties) > 1 and account in parties)
            gains = [self._gain(account, slot) for slot in range(len(self.venue.instruments))]
            if number < 0 or (account not in parties and min(gains) < 0):
                yield f"account {account} sends {number} secret messages, and gains {gains}"
            if (len(parties) < 2 or account not in parties) and any(gains[slot] for slot in perpetuals):
                yield f"account {account} trades alone, and gains {gains}"
            if parties == {account} and max(gains[QUOTE_INSTRUMENT] - self._lost(), *gains[1:]) > 0:
                yield f"account {account} alone sends {number} secret messages, and gains {gains}"
            unpaid = self._opened(account) - {asset for _, who, asset in self._moved() if who == account}
            if not parties and unpaid:
                yield f"account {account} opens {unpaid} though nobody sends it anything"

    def _in_part(self, account: int, trades: bool) -> Iterator[str]:
        """Of a trader's position in a settled market all goes or nothing, unless it traded there before."""
        for market in (market.number for market in self.venue.markets):
            traded = trades and not self._settled(self.old, market)
            if account >= FIRST_TRADER and self._settled(self.new, market) and not traded:
                left = self._balance(self.new, account, market)
                if left and self._change(account, market):
                    yield f"account {account} is cashed out in {market} and keeps {left}"

    def _rescued(self, account: int) -> bool:
        """Whether the account may be the insurance fund, or one that it has taken over or bought an asset of: then the
        fund has more or less than what came to it, and the account nothing, or more quote and less of an asset."""
        fund, slots = SystemAccount.INSURANCE, range(len(self.venue.instruments))
        if not any(self._gain(fund, slot) for slot in slots):
            return False
        empty = not any(self._balance(self.new, account, slot) for slot in slots)
        gains = [self._gain(account, asset.number) for asset in self.venue.collateral]
        sells = gains[QUOTE_INSTRUMENT] > 0 and min(gains) < 0
        return account == fund or empty or (sells and not (self._quiet() and self._cash(account) >= 0))

    def _forced(self, account: int) -> bool:
        """Whether the account may have lost without a message: it has seen an event, or it was below its maintenance
        requirement, with some equity or deleveraged, or may have come there; or it is the fund, which unwinds, or takes
        what others do not: positions, or losses."""
        if account == SystemAccount.INSURANCE:
            return any(self._change(account, market.number) for market in self.venue.markets)
        headers = [index for index in self.old if index >= ACCOUNT_BASE and self.old[index][TAG] == Tag.HEADER]
        seen = [index for index in headers if self.old[index][HEADER_EVENTS] != self.new[index][HEADER_EVENTS]]
        happened = self.old[VENUE_INDEX][VENUE_EVENTS] != self.new[VENUE_INDEX][VENUE_EVENTS]
        if account in (SystemAccount.ROUNDING, SystemAccount.LOSS):
            return bool(seen) or happened or bool(self._change(SystemAccount.LOSS, QUOTE_INSTRUMENT))
        if header_index(account) not in headers or account < FIRST_TRADER:
            return False
        before = self._assessed(self.old, account)
        priced = bool(self.statement.prices) and before.requirement > 0
        sells = not before.reaches(Tier.MAINTENANCE) and (before.equity >= 0 or not self._quiet())
        return header_index(account) in seen or priced or happened or sells

    def _quiet(self) -> bool:
        """Whether nobody sends a message, no price is set and nothing comes."""
        said = self.statement
        accounts = [index for index in self.old if index >= ACCOUNT_BASE and self.old[index][TAG] == Tag.HEADER]
        nonces = [(self.old[index][HEADER_NONCE], self.new[index][HEADER_NONCE]) for index in accounts]
        return not (said.deposits or said.prices) and all(old == new for old, new in nonces)

    def _cash(self, account: int) -> int:
        """The account's quote and positions before, at the marks."""
        markets = (market.number for market in self.venue.markets)
        marks = {market: from_limbs(self.old[market_index(market)][MARKET_MARK:][:2]) for market in markets}
        worth = sum(self._balance(self.old, account, market) * mark for market, mark in marks.items())
        return self._balance(self.old, account, QUOTE_INSTRUMENT) + worth

    def _cashed(self, account: int, slot: int) -> int:
        """What the account gains by positions that are cashed out: as many lots less, and what they are worth. Who has
        traded in a market that is settled afterwards may have paid another price."""
        settled = [market.number for market in self.venue.markets if self._settled(self.new, market.number)]
        if slot == QUOTE_INSTRUMENT:
            marks = {market: from_limbs(self.new[market_index(market)][MARKET_MARK:][:2]) for market in settled}
            return -sum(self._change(account, market) * mark for market, mark in marks.items())
        return self._change(account, slot) if slot in settled else 0

    def _accounts(self) -> list[int]:
        """All that may have changed, and all new ones."""
        first, end = (state[VENUE_INDEX][VENUE_ACCOUNTS] for state in (self.old, self.new))
        changed = {index for index, record in self.new.items() if self.old.get(index, EMPTY) != record}
        touched = {(index - ACCOUNT_BASE) // ACCOUNT_SLOTS for index in changed if ACCOUNT_BASE <= index < ORDER_BASE}
        return sorted({*touched, *range(first, end)})

    def _moved(self) -> Counter[tuple[int, int, int]]:
        """What came less what went, by chain, account and asset."""
        moved = Counter[tuple[int, int, int]]()
        for sign, movements in ((1, self.statement.deposits), (-1, self.statement.withdrawals)):
            for movement in movements:
                if movement.account != SystemAccount.IN_TRANSIT:
                    moved[movement.chain, movement.account, movement.asset] += sign * movement.amount
        return moved

    def _through_vaults(self) -> Counter[tuple[int, int]]:
        """What came less what went, by chain and asset; what is under way is chain TRANSIT's."""
        moved = Counter[tuple[int, int]]()
        for sign, movements in ((1, self.statement.deposits), (-1, self.statement.withdrawals)):
            for movement in movements:
                moved[movement.chain, movement.asset] += sign * movement.amount
                if movement.account == SystemAccount.IN_TRANSIT:
                    moved[TRANSIT, movement.asset] -= sign * movement.amount
        return moved

    def _secret_messages(self, account: int) -> int:
        old, new = (state.get(header_index(account), EMPTY)[HEADER_NONCE] for state in (self.old, self.new))
        return new - old - sum(movement.account == account for movement in self.statement.withdrawals)

    def _gain(self, account: int, slot: int) -> int:
        """What the account gains beside its movements, what is cashed out of it, funding and what is lost."""
        lost = self._lost() if (account, slot) == (SystemAccount.LOSS, QUOTE_INSTRUMENT) else 0
        known = self._came(account, slot) + self._cashed(account, slot) - self._funded(account, slot) - lost
        return self._change(account, slot) - known

    def _came(self, account: int, slot: int) -> int:
        """What came to the account less what went."""
        return sum(amount for (_, who, asset), amount in self._moved().items() if (who, asset) == (account, slot))

    def _funded(self, account: int, slot: int) -> int:
        """What the account pays of funding on the positions that it had before; the pool is paid it."""
        if slot != QUOTE_INSTRUMENT:
            return 0
        if account == SystemAccount.FUNDING_POOL:
            return -sum(self._funded(other, slot) for other in self._accounts() if other != account)
        paid = 0
        for market in (market.number for market in self.venue.markets):
            old, new = (state.get(balance_index(account, market), EMPTY) for state in (self.old, self.new))
            if old != EMPTY and new != EMPTY:
                paid += owed(old, new[BALANCE_FUNDING])
        return paid

    def _opened(self, account: int) -> set[int]:
        """The instruments of which the account, not a new one, has a balance now."""
        if header_index(account) not in self.old:
            return set()
        indices = {slot: balance_index(account, slot) for slot in range(len(self.venue.instruments))}
        return {slot for slot, index in indices.items() if index in self.new and index not in self.old}

    def _change(self, account: int, slot: int) -> int:
        return self._balance(self.new, account, slot) - self._balance(self.old, account, slot)

    @staticmethod
    def _balance(state: State, account: int, slot: int) -> int:
        record = state.get(balance_index(account, slot), EMPTY)
        return 0 if record == EMPTY else from_signed_limbs(record[:4])

    @staticmethod
    def _amount(state: State, index: int) -> int:
        return from_limbs(state.get(index, EMPTY)[:4])
