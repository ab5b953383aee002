"""How a ledger stands: its roots, its chains, the invariant, and its accounts."""

from statistics import median
from typing import Any

from circuits.acts import parameters
from circuits.bounds import TRANSIT
from circuits.records import (
    CHAIN_STATUS,
    VENUE_BATCHES,
    VENUE_INDEX,
    VENUE_TIME,
    ChainStatus,
    SystemAccount,
    chain_index,
    pending_index,
    vault_index,
)
from cli.directory import LedgerDirectory
from cli.output import aligned
from solvent import Ledger
from state.audit import AccountFigures, account_count, account_figures, invariant
from state.backing import held
from verifier.chain import ChainState
from verifier.text import root_hex

SHOWN = 10  # accounts that are printed; --json lists all


def ledger_object(directory: LedgerDirectory) -> dict[str, Any]:
    """Everything, for JSON; amounts are decimal strings, margins in whole quote."""
    ledger, chains = directory.read(), directory.chain_states()
    venue, record = ledger.venue, ledger.read(VENUE_INDEX)
    backings = [
        {"instrument": i.name, "balances": i.format_units(b.balances), "liabilities": i.format_units(b.liabilities),
         "vaults": i.format_units(b.vaults), "holds": b.holds}
        for i, b in zip(venue.instruments, invariant(ledger), strict=True)
    ]  # fmt: skip
    figures = [account_figures(ledger, account) for account in range(account_count(ledger))]
    return {
        "venue": venue.name, "root": root_hex(ledger.root), "batch": record[VENUE_BATCHES], "time": record[VENUE_TIME],
        "roots": [
            {"root": root_hex(root), "accepted_last_by": [chain.name for chain in chains if chain.root == root]}
            for root in ledger.roots()
        ],
        "chains": [_chain(ledger, chain) for chain in chains], "invariant": backings,
        "notice": venue.notice, "in_transit": _in_transit(ledger), "pending": _pending(ledger),
        "traders": _summary(figures), "accounts": [_account(ledger, one) for one in figures],
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


def _account(ledger: Ledger, figures: AccountFigures) -> dict[str, Any]:
    instruments, quote = ledger.venue.instruments, ledger.venue.quote
    system = figures.account in list(SystemAccount)
    return {
        "account": figures.account, "role": SystemAccount(figures.account).name if system else figures.role.name,
        "nonce": figures.nonce,
        "balances": {instruments[n].name: instruments[n].format_units(units) for n, units in figures.balances.items()},
        "equity": quote.format_units(figures.margin.equity),
        "requirement": quote.format_units(figures.margin.requirement),
    }  # fmt: skip


def _summary(figures: list[AccountFigures]) -> dict[str, Any]:
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


def ledger_lines(content: dict[str, Any]) -> list[str]:
    """For people."""
    chains = [
        [chain["name"], str(chain["batch"]), str(chain["pending"]), *vault.values()]
        for chain in content["chains"]
        for vault in chain["vaults"]
    ]
    backing = [
        [one["instrument"], one["balances"], one["liabilities"], one["vaults"], "holds" if one["holds"] else "BROKEN"]
        for one in content["invariant"]
    ]
    roots = [[one["root"], ", ".join(one["accepted_last_by"]) or "-"] for one in content["roots"]]
    return [
        f"venue {content['venue']}, batch {content['batch']}, second {content['time']}", "",
        *aligned(["root (newest last)", "last accepted by"], roots), "",
        *aligned(["chain", "accepted", "pending", "asset", "held", "of it credited", "in the ledger"], chains), "",
        *aligned(["instrument", "sum of balances", "liabilities", "sum of vaults", "invariant"], backing), "",
        *_operator_lines(content),
        *_account_lines(content),
    ]  # fmt: skip


def _operator_lines(content: dict[str, Any]) -> list[str]:
    lines = [f"in transit: {amount} {asset}" for asset, amount in content["in_transit"].items() if amount != "0"]
    lines += [f"{chain['name']} is suspended" for chain in content["chains"] if chain["status"] != "active"]
    lines += [
        f"announced: {one['parameter']} of {one['instrument']} becomes {one['value']}, from second {one['due']} on"
        for one in content["pending"]
    ]
    return [*lines, ""] if lines else []


def _account_lines(content: dict[str, Any]) -> list[str]:
    accounts, summary = content["accounts"], content["traders"]
    rows = [
        [str(one["account"]), one["role"], str(one["nonce"]), one["equity"], one["requirement"],
         ", ".join(f"{name} {amount}" for name, amount in one["balances"].items() if amount != "0")]
        for one in accounts[:SHOWN]
    ]  # fmt: skip
    lines = aligned(["account", "role", "nonce", "equity", "requirement", "balances"], rows)
    if len(accounts) > SHOWN:
        lines.append(f"and {len(accounts) - SHOWN} more; --json lists all")
    if summary["trading"]:
        equity, instruments = summary["median_equity_percent_of_requirement"], summary["median_instruments"]
        lines.append(
            f"{summary['trading']} accounts hold positions, {summary['owing_quote']} owe quote; the median one has"
            f" {equity} % of its initial requirement and {instruments} instruments"
        )
    return lines
