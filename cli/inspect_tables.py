"""How a ledger stands, for people: the object of cli.inspect_ledger as lines and tables."""

from typing import Any

from cli.output import Table

SHOWN = 10  # accounts that are printed unless some are asked for; --json lists all


def ledger_lines(content: dict[str, Any]) -> list[str | Table]:
    """For people."""
    chains = [
        [chain["name"], str(chain["batch"]), str(chain["pending"]), str(len(chain["requests"])), *vault.values()]
        for chain in content["chains"]
        for vault in chain["vaults"]
    ]
    backing = [
        [one["instrument"], one["balances"], one["liabilities"], one["vaults"], "holds" if one["holds"] else "BROKEN"]
        for one in content["invariant"]
    ]
    roots = [[one["root"], ", ".join(one["accepted_last_by"]) or "-"] for one in content["roots"]]
    vaults = ["chain", "accepted", "pending", "requests", "asset", "held", "of it credited", "in the ledger"]
    return [
        f"venue {content['venue']}, batch {content['batch']}, second {content['time']}", "",
        Table(["root (newest last)", "last accepted by"], roots), "",
        Table(vaults, chains), "",
        Table(["instrument", "sum of balances", "liabilities", "sum of vaults", "invariant"], backing), "",
        *_operator_lines(content),
        *_market_lines(content),
        *_account_lines(content),
    ]  # fmt: skip


def _operator_lines(content: dict[str, Any]) -> list[str | Table]:
    lines = [f"in transit: {amount} {asset}" for asset, amount in content["in_transit"].items() if amount != "0"]
    lines += [f"{chain['name']} is suspended" for chain in content["chains"] if chain["status"] != "active"]
    lines += [
        f"announced: {one['parameter']} of {one['instrument']} becomes {one['value']}, from second {one['due']} on"
        for one in content["pending"]
    ]
    lines.append(f"insurance fund: equity {content['insurance_fund']}; losses socialised: {content['socialised_loss']}")
    return [*lines, ""]


def _market_lines(content: dict[str, Any]) -> list[str | Table]:
    rows = [
        [one["market"], one["status"], one["mark"], str(one["valid"]), one["open_interest"], one["open_interest_cap"],
         *(str(one[side][field]) for side in ("bids", "asks") for field in ("orders", "size"))]
        for one in content["markets"]
    ]  # fmt: skip
    header = ["market", "status", "mark", "valid until", "open interest", "its cap", "bids", "size", "asks", "size"]
    lines: list[str | Table] = [Table(header, rows), ""]
    for one in content["markets"]:
        depth = [
            [side, level["price"], level["size"], str(level["orders"])]
            for side in ("asks", "bids")
            for level in (one[side]["levels"][::-1] if side == "asks" else one[side]["levels"])
        ]
        if depth:
            lines += [f"best of the {one['market']} book", Table(["side", "price", "size", "orders"], depth), ""]
    return lines


def _account_lines(content: dict[str, Any]) -> list[str | Table]:
    found, summary = content["accounts"], content["traders"]
    accounts = found if content["narrowed"] else found[:SHOWN]
    rows = [
        [str(one["account"]), one["role"], str(one["nonce"]), one["equity"], one["requirement"], one["maintenance"],
         one["close_out"], _percent(one["health_percent"]), one["above_maintenance"],
         _percent(one["above_maintenance_percent"]),
         ", ".join(f"{name} {amount}" for name, amount in one["balances"].items() if amount != "0")]
        for one in accounts
    ]  # fmt: skip
    header = [
        "account", "role", "nonce", "equity", "initial", "maintenance", "close-out", "health %", "above maintenance",
        "% of positions", "balances",
    ]  # fmt: skip
    lines: list[str | Table] = [Table(header, rows)]
    positions = [
        [str(one["account"]), *(held[field] for field in _POSITION)] for one in accounts for held in one["positions"]
    ]
    if positions:
        titles = ["account", *(field.replace("_", " ") for field in _POSITION)]
        lines += ["", Table(titles, positions)]
    if len(found) > len(accounts):
        lines.append(f"and {len(found) - len(accounts)} more; --json lists all, --worst N the least healthy")
    if summary["trading"]:
        equity, instruments = summary["median_equity_percent_of_requirement"], summary["median_instruments"]
        lines.append(
            f"{summary['trading']} accounts hold positions, {summary['owing_quote']} owe quote; the median one has"
            f" {equity} % of its initial requirement and {instruments} instruments"
        )
    return lines


_POSITION = ("market", "size", "mark", "worth", "funding_owed", "bids", "asks")


def _percent(value: float | None) -> str:
    return "-" if value is None else str(value)
