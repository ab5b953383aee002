"""How a ledger stands, as an object: its roots, chains, markets and accounts, and the invariant."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from circuits.acts import parameters
from circuits.bounds import TRANSIT
from circuits.buses import Tier
from circuits.records import (
    CHAIN_STATUS,
    HEADER_ORDERS,
    MARKET_MARK,
    MARKET_VALID,
    ORDER_LEFT,
    ORDER_PRICE,
    QUOTE_INSTRUMENT,
    RULES_CAP,
    RULES_INTEREST,
    RULES_STATUS,
    VENUE_BATCHES,
    VENUE_INDEX,
    VENUE_TIME,
    ChainStatus,
    Status,
    SystemAccount,
    balance_index,
    chain_index,
    from_limbs,
    header_index,
    market_index,
    pending_index,
    rules_index,
    vault_index,
)
from cli.directory import LedgerDirectory
from solvent import Ledger
from state.accounts import balance_amount
from state.audit import AccountFigures, account_count, account_figures, invariant
from state.backing import held
from state.book import Book
from state.errors import Refusal, Rule
from state.health import Health, Position, health
from state.venue import Instrument
from verifier.chain import ChainState
from verifier.text import root_hex

LEVELS = 5  # of each side of a book that are listed


@dataclass(frozen=True)
class Selection:
    """Which accounts and markets are wanted; by default all. worst: only so many accounts, the least healthy first."""

    accounts: Sequence[int] = ()
    market: Instrument | None = None
    worst: int | None = None

    @property
    def narrows(self) -> bool:
        """Whether accounts are left out."""
        return bool(self.accounts) or self.market is not None or self.worst is not None

    def chosen(self, found: Sequence[tuple[AccountFigures, Health]]) -> list[tuple[AccountFigures, Health]]:
        """The accounts that are wanted."""
        chosen = [
            pair for pair in found
            if (not self.accounts or pair[0].account in self.accounts)
            and (self.market is None or any(_concerns(self.market, one) for one in pair[1].positions))
        ]  # fmt: skip
        if self.worst is None:
            return chosen
        required = [pair for pair in chosen if pair[1].percent() is not None]
        return sorted(required, key=lambda pair: pair[1].percent(1 << 20) or 0)[: self.worst]


def ledger_object(directory: LedgerDirectory, selection: Selection | None = None) -> dict[str, Any]:
    """Everything that is wanted, for JSON; amounts and prices are decimal strings. Refuses UNKNOWN_ACCOUNT."""
    ledger, chains, selection = directory.read(), directory.chain_states(), selection or Selection()
    venue, record = ledger.venue, ledger.read(VENUE_INDEX)
    backings = [
        {"instrument": i.name, "balances": i.format_units(b.balances), "liabilities": i.format_units(b.liabilities),
         "vaults": i.format_units(b.vaults), "holds": b.holds}
        for i, b in zip(venue.instruments, invariant(ledger), strict=True)
    ]  # fmt: skip
    everyone = range(account_count(ledger))
    for account in selection.accounts:
        if account not in everyone:
            raise Refusal(Rule.UNKNOWN_ACCOUNT, account=account)
    found = [(account_figures(ledger, account), health(ledger, account)) for account in everyone]
    fund = found[SystemAccount.INSURANCE][1].margin.equity
    loss = -balance_amount(ledger.read(balance_index(SystemAccount.LOSS, QUOTE_INSTRUMENT)))
    markets = venue.markets if selection.market is None else (selection.market,)
    return {
        "venue": venue.name, "root": root_hex(ledger.root), "batch": record[VENUE_BATCHES], "time": record[VENUE_TIME],
        "roots": [
            {"root": root_hex(root), "accepted_last_by": [chain.name for chain in chains if chain.root == root]}
            for root in ledger.roots()
        ],
        "chains": [_chain(ledger, chain) for chain in chains], "invariant": backings,
        "notice": venue.notice, "in_transit": _in_transit(ledger), "pending": _pending(ledger),
        "insurance_fund": venue.quote.format_units(fund), "socialised_loss": venue.quote.format_units(loss),
        "markets": [_market(ledger, ledger.book, market) for market in markets],
        "traders": _summary([figures for figures, _ in found]), "narrowed": selection.narrows,
        "accounts": [_account(ledger, *pair) for pair in selection.chosen(found)],
    }  # fmt: skip


def _in_transit(ledger: Ledger) -> dict[str, str]:
    """What has left one chain's vault and not reached another's, by asset."""
    amounts = {asset: held(ledger.read(vault_index(TRANSIT, asset.number))) for asset in ledger.venue.collateral}
    return {asset.name: asset.format_units(amount) for asset, amount in amounts.items()}


def _pending(ledger: Ledger) -> list[dict[str, Any]]:
    """The announced changes; values as records hold them."""
    found = []
    for instrument in ledger.venue.instruments:
        leaf, position, value, due, *_ = ledger.read(pending_index(instrument.number))
        known = parameters(instrument.number, len(ledger.venue.collateral)).items()
        names = [name.value for name, target in known if (target.leaf, target.position) == (leaf, position)]
        found += [{"instrument": instrument.name, "parameter": name, "value": value, "due": due} for name in names]
    return found


def _chain(ledger: Ledger, chain: ChainState) -> dict[str, Any]:
    vaults = [
        {"asset": asset.name, "held": asset.format_units(chain.holdings(asset.number)),
         "credited": asset.format_units(chain.credited(asset.number)),
         "ledger": asset.format_units(held(ledger.read(vault_index(chain.number, asset.number))))}
        for asset in ledger.venue.collateral
    ]  # fmt: skip
    return {
        "name": chain.name, "batch": chain.batch, "root": root_hex(chain.root), "deposits": len(chain.deposits),
        "status": ChainStatus(ledger.read(chain_index(chain.number))[CHAIN_STATUS]).name.lower(),
        "pending": len(chain.pending()), "requests": [one.account for one in chain.requests],
        "payouts": len(chain.payouts), "vaults": vaults,
    }  # fmt: skip


def _market(ledger: Ledger, book: Book, market: Instrument) -> dict[str, Any]:
    record, rules = ledger.read(market_index(market.number)), ledger.read(rules_index(market.number))
    return {
        "market": market.name, "status": Status(rules[RULES_STATUS]).name.lower().replace("_", "-"),
        "mark": market.format_price(from_limbs(record[MARKET_MARK : MARKET_MARK + 2])), "valid": record[MARKET_VALID],
        "open_interest": market.format_units(rules[RULES_INTEREST]),
        "open_interest_cap": market.format_units(rules[RULES_CAP]),
        "bids": _side(ledger, book, market, True), "asks": _side(ledger, book, market, False),
    }  # fmt: skip


def _side(ledger: Ledger, book: Book, market: Instrument, buys: bool) -> dict[str, Any]:
    """How much rests on a side of the book, and its best levels."""
    lots, orders = Counter[int](), Counter[int]()
    for leaf in book.orders(market.number, buys):
        order = ledger.read(leaf)
        lots[order[ORDER_PRICE]] += order[ORDER_LEFT]
        orders[order[ORDER_PRICE]] += 1
    return {
        "orders": orders.total(), "size": market.format_units(lots.total()), "prices": len(lots),
        "levels": [
            {"price": market.format_price(price), "size": market.format_units(lots[price]), "orders": orders[price]}
            for price in sorted(lots, reverse=buys)[:LEVELS]
        ],
    }  # fmt: skip


def _account(ledger: Ledger, figures: AccountFigures, state: Health) -> dict[str, Any]:
    instruments, quote = ledger.venue.instruments, ledger.venue.quote
    system, tenths = figures.account in list(SystemAccount), state.percent(10)
    return {
        "account": figures.account, "role": SystemAccount(figures.account).name if system else figures.role.name,
        "nonce": figures.nonce, "orders": ledger.read(header_index(figures.account))[HEADER_ORDERS],
        "balances": {instruments[n].name: instruments[n].format_units(units) for n, units in figures.balances.items()},
        "equity": quote.format_units(state.margin.equity),
        "requirement": quote.format_units(state.asked(Tier.INITIAL)),
        "maintenance": quote.format_units(state.asked(Tier.MAINTENANCE)),
        "close_out": quote.format_units(state.asked(Tier.CLOSE_OUT)),
        "health_percent": None if tenths is None else tenths / 10,
        "above_maintenance": quote.format_units(state.distance),
        "above_maintenance_percent": round(100 * state.distance / state.gross, 2) if state.gross else None,
        "positions": [_position(ledger, one) for one in state.positions if one.size or one.bids or one.asks],
    }  # fmt: skip


def _position(ledger: Ledger, position: Position) -> dict[str, Any]:
    market, quote = ledger.venue.instruments[position.market], ledger.venue.quote
    return {
        "market": market.name, "size": market.format_units(position.size), "mark": market.format_price(position.mark),
        "worth": quote.format_units(position.worth), "funding_owed": quote.format_units(position.funding),
        "bids": market.format_units(position.bids), "asks": market.format_units(position.asks),
    }  # fmt: skip


def _concerns(market: Instrument, position: Position) -> bool:
    return position.market == market.number and bool(position.size or position.bids or position.asks)


def _summary(figures: Sequence[AccountFigures]) -> dict[str, Any]:
    """Over the accounts that have a requirement: how near they stand to it, and how many instruments they hold."""
    trading = [one for one in figures if one.margin.requirement]
    if not trading:
        return {"trading": 0}
    return {
        "trading": len(trading),
        "median_equity_percent_of_requirement": round(
            100 * median(one.margin.equity / one.margin.requirement for one in trading), 1
        ),
        "median_instruments": median(sum(map(bool, one.balances.values())) for one in trading),
        "owing_quote": sum(one.margin.cash < 0 for one in trading),
    }
