"""A statement in words and as JSON: bare numbers, or names and decimal amounts if the caller knows the venue."""

from collections.abc import Iterable, Sequence
from string import hexdigits
from typing import Any, Protocol

from circuits.acts import Act, ActKind, parameters
from circuits.bounds import CAP_UNIT, TRANSIT
from circuits.records import (
    CHAIN_BASE,
    CHAIN_SLOTS,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    QUOTE_INSTRUMENT,
    VAULT_SLOT,
    ChainStatus,
    Status,
    Tag,
)
from circuits.statement import AssetAmount, Movement, Statement

ROOT_DIGITS = 64
UNITS = "amounts in base units, prices in quote base units a lot"  # what Numbers shows


class Names(Protocol):
    """How to name what a statement numbers."""

    def chain(self, number: int, /) -> str:
        """The name of a chain."""
        ...

    def instrument(self, number: int, /) -> str:
        """The name of an instrument."""
        ...

    def amount(self, instrument: int, units: int, /) -> str:
        """An amount of an instrument, given in its units."""
        ...

    def price(self, instrument: int, price: int, /) -> str:
        """A price, given in quote base units a lot."""
        ...


class Numbers:
    """Names for those who do not know the venue: the numbers themselves."""

    def chain(self, number: int) -> str:
        """See Names."""
        return "in transit" if number == TRANSIT else f"chain {number}"

    def instrument(self, number: int) -> str:
        """See Names."""
        return f"instrument {number}"

    def amount(self, instrument: int, units: int) -> str:
        """See Names; in base units."""
        return str(units)

    def price(self, instrument: int, price: int) -> str:
        """See Names; in quote base units a lot."""
        return str(price)


def root_hex(root: Sequence[int]) -> str:
    """A root as 64 hexadecimal digits, each element 4 bytes, big-endian."""
    return "".join(f"{element:08x}" for element in root)


def root_from_hex(text: str) -> tuple[int, ...]:
    """The inverse of root_hex. Raises ValueError if the text is not 64 hexadecimal digits."""
    if len(text) != ROOT_DIGITS or set(text) - set(hexdigits):
        raise ValueError(f"a root has {ROOT_DIGITS} hexadecimal digits; got {len(text)} characters: {text[:80]!r}")
    return tuple(int(text[start : start + 8], 16) for start in range(0, ROOT_DIGITS, 8))


def statement_object(statement: Statement, names: Names) -> dict[str, Any]:
    """The whole statement for JSON. Amounts and prices are strings."""
    return {
        "venue_id": statement.venue_id.hex(),
        "batch": statement.batch,
        "time": statement.time,
        "old_root": root_hex(statement.old_root),
        "new_root": root_hex(statement.new_root),
        "deposits": [_movement(movement, names) for movement in statement.deposits],
        "withdrawals": [_movement(movement, names) for movement in statement.withdrawals],
        "prices": [
            {
                "instrument": names.instrument(p.instrument),
                "sequence": p.sequence,
                "price": names.price(p.instrument, p.price),
                "time": p.time,
            }
            for p in statement.prices
        ],
        "vaults": [
            {"chain": names.chain(vault.chain), **_amount(vault.asset, vault.amount, names)}
            for vault in statement.vaults
        ],
        "liabilities": _amounts(statement.totals, names),
        "insurance_fund": _amounts(statement.fund, names),
        "loss": names.amount(QUOTE_INSTRUMENT, statement.loss),
        "acts": [_act(act, len(statement.totals), names) for act in statement.acts],
    }


def statement_lines(statement: Statement, names: Names) -> list[str]:
    """The statement for people: movements are summed by chain and asset, prices counted."""
    lines = [
        f"venue       {statement.venue_id.hex()}",
        f"batch       {statement.batch}, closed at second {statement.time} of the venue",
        f"old root    {root_hex(statement.old_root)}",
        f"new root    {root_hex(statement.new_root)}",
        *_movement_lines("deposits", statement.deposits, names),
        *_movement_lines("withdrawals", statement.withdrawals, names),
        *_price_lines(statement, names),
    ]
    for total in statement.totals:
        vaults = [vault for vault in statement.vaults if vault.asset == total.asset]
        parts = [f"{names.chain(vault.chain)} {names.amount(vault.asset, vault.amount)}" for vault in vaults]
        amount = names.amount(total.asset, total.amount)
        lines.append(f"backing     {names.instrument(total.asset)}: liabilities {amount} = vaults {' + '.join(parts)}")
    fund = ", ".join(f"{names.instrument(a.asset)} {names.amount(a.asset, a.amount)}" for a in statement.fund)
    acts = [_act(act, len(statement.totals), names) for act in statement.acts]
    told = (f"act {act['number']:<7} {act['act']} {act['of']}: {act['element']} {act['value']}" for act in acts)
    quote = f"{names.instrument(QUOTE_INSTRUMENT)} {names.amount(QUOTE_INSTRUMENT, statement.loss)}"
    return [*lines, f"insurance   {fund}", *([f"losses      {quote}"] if statement.loss else []), *told]


def _act(act: Act, assets: int, names: Names) -> dict[str, str | int]:
    """An act of the operator on a venue of so many collateral assets; a parameter's value is that of the record."""
    said: dict[str, str | int] = {"number": act.number, "act": ActKind(act.kind).name.lower()}
    if act.leaf < INSTRUMENT_BASE:
        chain, slot = divmod(act.leaf - CHAIN_BASE, CHAIN_SLOTS)
        if act.tag == Tag.CHAIN:
            return {**said, "of": names.chain(chain), "element": "status", "value": ChainStatus(act.value).name.lower()}
        asset = slot - VAULT_SLOT
        of = f"{names.instrument(asset)} on {names.chain(chain)}"
        return {**said, "of": of, "element": "cap", "value": names.amount(asset, act.value * CAP_UNIT)}
    instrument = (act.leaf - INSTRUMENT_BASE) // INSTRUMENT_SLOTS
    of = names.instrument(instrument)
    if act.kind in (ActKind.SET, ActKind.SETTLE):
        return {**said, "of": of, "element": "status", "value": Status(act.value).name.lower()}
    known = parameters(instrument, assets).items()
    (parameter,) = (name for name, target in known if (target.leaf, target.position) == (act.leaf, act.position))
    return {**said, "of": of, "element": parameter.value, "value": act.value}


def _movement(movement: Movement, names: Names) -> dict[str, Any]:
    return {
        "chain": names.chain(movement.chain), "sequence": movement.sequence, "account": movement.account,
        **_amount(movement.asset, movement.amount, names),
    }  # fmt: skip


def _amounts(amounts: Iterable[AssetAmount], names: Names) -> list[dict[str, str]]:
    return [_amount(amount.asset, amount.amount, names) for amount in amounts]


def _amount(asset: int, amount: int, names: Names) -> dict[str, str]:
    return {"asset": names.instrument(asset), "amount": names.amount(asset, amount)}


def _movement_lines(title: str, movements: Sequence[Movement], names: Names) -> list[str]:
    if not movements:
        return [f"{title:<11} none"]
    lines = []
    for chain, asset in sorted({(movement.chain, movement.asset) for movement in movements}):
        chosen = [movement for movement in movements if (movement.chain, movement.asset) == (chain, asset)]
        amount = names.amount(asset, sum(movement.amount for movement in chosen))
        lines.append(f"{title:<11} {names.chain(chain)}: {len(chosen)}, together {amount} {names.instrument(asset)}")
    return lines


def _price_lines(statement: Statement, names: Names) -> list[str]:
    lines = []
    for instrument in sorted({price.instrument for price in statement.prices}):
        chosen = [price for price in statement.prices if price.instrument == instrument]
        last = names.price(instrument, chosen[-1].price)
        lines.append(f"prices      {names.instrument(instrument)}: {len(chosen)}, the last one {last}")
    return lines or ["prices      none"]
