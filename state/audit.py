"""The ledger read as a whole: the invariant that it is backed, and an account's figures."""

from collections import defaultdict
from dataclasses import dataclass

from circuits.bounds import ACCOUNT_SLOTS, TRANSIT
from circuits.records import (
    BALANCE_SLOT,
    HEADER_NONCE,
    HEADER_ROLE,
    TAG,
    VENUE_ACCOUNTS,
    VENUE_INDEX,
    Role,
    Tag,
    header_index,
    total_index,
    vault_index,
)
from state.accounts import balance_amount
from state.backing import held
from state.errors import Refusal, Rule
from state.ledger import Ledger
from state.margin import Margin, assess, open_entries


@dataclass(frozen=True)
class Backing:
    """One instrument's side of the invariant, in its units."""

    instrument: int
    balances: int  # the sum over all accounts
    liabilities: int  # the total record; 0 for a perpetual
    vaults: int  # the sum over all chains and what is under way; 0 for a perpetual

    @property
    def holds(self) -> bool:
        """Whether balances, liabilities and vaults agree."""
        return self.balances == self.liabilities == self.vaults


@dataclass(frozen=True)
class AccountFigures:
    """An account as it stands."""

    account: int
    role: Role
    nonce: int
    balances: dict[int, int]  # units by open instrument
    margin: Margin


def invariant(ledger: Ledger) -> list[Backing]:
    """For each instrument: the sum of balances, the liabilities, and the vaults; the open batch's writes included."""
    records = ledger.records()
    sums: defaultdict[int, int] = defaultdict(int)
    for index, record in records.items():
        if record[TAG] == Tag.BALANCE:
            sums[index % ACCOUNT_SLOTS - BALANCE_SLOT] += balance_amount(record)
    result, chains = [], (*range(len(ledger.venue.chains)), TRANSIT)
    for instrument in ledger.venue.instruments:
        number, liabilities, vaults = instrument.number, 0, 0
        if instrument.tag != Tag.PERPETUAL:
            liabilities = held(records[total_index(number)])
            vaults = sum(held(records[vault_index(chain, number)]) for chain in chains)
        result.append(Backing(number, sums[number], liabilities, vaults))
    return result


class InvariantWatch:
    """The same sums, kept up to date from the accesses of a ledger's open batch, so that they can be compared after
    every transition. sums: balances, liabilities and vaults by instrument."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._row = ledger, 0
        self.sums = {one.instrument: [one.balances, one.liabilities, one.vaults] for one in invariant(ledger)}
        vaults = (*range(len(ledger.venue.chains)), TRANSIT)
        self._places = {total_index(asset.number): (asset.number, _LIABILITIES) for asset in ledger.venue.collateral}
        self._places |= {
            vault_index(chain, asset.number): (asset.number, _VAULTS)
            for chain in vaults for asset in ledger.venue.collateral
        }

    def begin(self) -> None:
        """A batch has been opened."""
        self._row = 0

    def broken(self) -> list[Backing]:
        """The instruments for which the invariant does not hold now."""
        for index, old, new in self._ledger.changes(self._row):
            self._row += 1
            if Tag.BALANCE in (old[TAG], new[TAG]):
                instrument = index % ACCOUNT_SLOTS - BALANCE_SLOT
                self.sums[instrument][_BALANCES] += balance_amount(new) - balance_amount(old)
            elif index in self._places:
                instrument, place = self._places[index]
                self.sums[instrument][place] += held(new) - held(old)
        found = (Backing(instrument, *sums) for instrument, sums in self.sums.items())
        return [backing for backing in found if not backing.holds]


_BALANCES, _LIABILITIES, _VAULTS = range(3)


def account_count(ledger: Ledger) -> int:
    """The number of accounts, system accounts included; they are numbered from 0."""
    return ledger.read(VENUE_INDEX)[VENUE_ACCOUNTS]


def account_figures(ledger: Ledger, account: int) -> AccountFigures:
    """The figures of a registered account. Refuses UNKNOWN_ACCOUNT, and what `assess` does."""
    if not 0 <= account < account_count(ledger):
        raise Refusal(Rule.UNKNOWN_ACCOUNT, account=account)
    header = ledger.read(header_index(account))
    entries = open_entries(ledger.read, account)
    balances = {instrument: balance_amount(balance) for instrument, balance, _ in entries}
    margin = assess(ledger.venue, account, entries)
    return AccountFigures(account, Role(header[HEADER_ROLE]), header[HEADER_NONCE], balances, margin)
