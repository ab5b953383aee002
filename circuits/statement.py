"""The public statement of a batch: its canonical encoding, and the bus messages by which it binds the tables."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from circuits.acts import Act, ActKind, objection
from circuits.air import MAX_LOG_HEIGHT, Message
from circuits.bounds import (
    AMOUNT_MAX,
    COUNTER_MAX,
    MAX_ACCOUNTS,
    MAX_CHAINS,
    MAX_INSTRUMENTS,
    PRICE_MAX,
    TIME_MAX,
    TRANSIT,
)
from circuits.buses import PUBLIC, TREE, Public, Version
from circuits.field import P
from circuits.records import DIGEST_SIZE, QUOTE_INSTRUMENT, SystemAccount, limbs, signed_limbs
from circuits.steps import STEPS, Kind

STATEMENT_VERSION = 3
VENUE_ID_SIZE = 32


class StatementError(ValueError):
    """Bytes that are not the canonical encoding of a statement, or totals that do not add up."""


@dataclass(frozen=True, order=True)
class Movement:
    """A deposit consumed or a withdrawal released: number `sequence` of that kind on its chain; amount in base
    units."""

    chain: int
    sequence: int
    account: int
    asset: int
    amount: int


@dataclass(frozen=True, order=True)
class Price:
    """Price number `sequence` of an instrument: quote base units per lot, at seconds since the venue's epoch."""

    instrument: int
    sequence: int
    price: int
    time: int


@dataclass(frozen=True, order=True)
class Vault:
    """What the vault of an asset on a chain holds in the new state, in base units; chain TRANSIT: what is under way."""

    chain: int
    asset: int
    amount: int


@dataclass(frozen=True, order=True)
class AssetAmount:
    """An amount of a collateral asset in base units."""

    asset: int
    amount: int


@dataclass(frozen=True)
class Statement:
    """What a proof says: the batch leads from old_root to new_root, moves exactly these deposits and withdrawals, uses
    these prices and changes these settings,
    and the new state holds these vaults, liabilities, insurance fund and losses."""

    venue_id: bytes
    old_root: tuple[int, ...]
    new_root: tuple[int, ...]
    batch: int
    time: int
    deposits: tuple[Movement, ...]
    withdrawals: tuple[Movement, ...]
    prices: tuple[Price, ...]
    vaults: tuple[Vault, ...]
    totals: tuple[AssetAmount, ...]  # liabilities by asset: the sum of all account balances
    fund: tuple[AssetAmount, ...]  # the insurance fund's balances; the quote's may be negative
    acts: tuple[Act, ...]  # of the operator, in order
    loss: int = 0  # what the account LOSS owes, in base units of the quote: more than vaults hold for all others

    def backing(self, asset: int) -> int:
        """The sum of the vaults of all chains for the asset, what is under way included."""
        return sum(vault.amount for vault in self.vaults if vault.asset == asset)

    def encode(self) -> bytes:
        """The canonical encoding: fixed-width big-endian integers, lists with a 4-byte count."""
        parts = [
            struct.pack(">H", STATEMENT_VERSION),
            self.venue_id,
            struct.pack(f">{2 * DIGEST_SIZE}I", *self.old_root, *self.new_root),
            struct.pack(">IIQ", self.batch, self.time, self.loss),
        ]
        for layout, rows in self._lists():
            parts.append(struct.pack(">I", len(rows)))
            parts += [struct.pack(layout, *row) for row in rows]
        return b"".join(parts)

    def _lists(self) -> list[tuple[str, list[tuple[int, ...]]]]:
        movements = [
            [(m.chain, m.sequence, m.account, m.asset, m.amount) for m in ms]
            for ms in (self.deposits, self.withdrawals)
        ]
        return [
            (MOVEMENT, [*movements[0]]),
            (MOVEMENT, [*movements[1]]),
            (PRICE, [(p.instrument, p.sequence, p.price, p.time) for p in self.prices]),
            (VAULT, [(v.chain, v.asset, v.amount) for v in self.vaults]),
            (AMOUNT, [(a.asset, a.amount) for a in self.totals]),
            (AMOUNT, [(a.asset, a.amount) for a in self.fund]),
            (ACT, [(a.number, a.kind, a.leaf, a.tag, a.position, a.value) for a in self.acts]),
        ]

    def messages(self) -> list[Message]:
        """The verifier's side of the buses: the two roots are consumed, every public message is taken exactly once."""
        messages = [
            Message(TREE, (Version.OLD, 0, 0, *self.old_root), 1),
            Message(TREE, (Version.NEW, 0, 0, *self.new_root), 1),
            _public(Public.BATCH, sequence=self.batch, amount=limbs(self.time)),
        ]
        for kind, movements in ((Public.DEPOSIT, self.deposits), (Public.WITHDRAWAL, self.withdrawals)):
            messages += [_public(kind, m.account, m.asset, m.chain, m.sequence, limbs(m.amount)) for m in movements]
        for price in self.prices:
            low, high, _, _ = limbs(price.price)
            messages.append(_public(Public.PRICE, 0, price.instrument, 0, price.sequence, (low, high, price.time, 0)))
        messages += [_public(Public.VAULT, 0, v.asset, v.chain, 0, limbs(v.amount)) for v in self.vaults]
        messages += [_public(Public.TOTAL, instrument=a.asset, amount=limbs(a.amount)) for a in self.totals]
        fund, loss = int(SystemAccount.INSURANCE), int(SystemAccount.LOSS)
        messages += [_public(Public.FUND, fund, a.asset, amount=signed_limbs(a.amount)) for a in self.fund]
        messages.append(_public(Public.FUND, loss, QUOTE_INSTRUMENT, amount=signed_limbs(-self.loss)))
        for act in self.acts:
            public = (Public.SET, Public.ANNOUNCE, Public.ENACT, Public.SETTLE)[act.kind - ActKind.SET]
            value = (act.value, act.tag, 0, 0)
            messages.append(_public(public, act.leaf, act.instrument, act.position, act.number, value))
        return messages


MOVEMENT, PRICE, VAULT, AMOUNT, ACT = ">IIIIQ", ">IIII", ">IIQ", ">Iq", ">IIIIII"
_LAYOUTS = (MOVEMENT, MOVEMENT, PRICE, VAULT, AMOUNT, AMOUNT, ACT)
_HEADER = struct.Struct(f">H{VENUE_ID_SIZE}s{2 * DIGEST_SIZE}IIIQ")


def _public(
    kind: Public,
    account: int = 0,
    instrument: int = 0,
    chain: int = 0,
    sequence: int = 0,
    amount: Sequence[int] = (0,) * 4,
) -> Message:
    return Message(PUBLIC, (kind, account, instrument, chain, sequence, *amount), -1)


def decode_statement(data: bytes) -> Statement:
    """The statement of a canonical encoding. Raises StatementError if the bytes are malformed, out of bounds or not
    backed."""
    if len(data) < _HEADER.size:
        raise StatementError(f"statement of {len(data)} bytes is shorter than its header of {_HEADER.size}")
    version, venue_id, *numbers = _HEADER.unpack_from(data)
    if version != STATEMENT_VERSION:
        raise StatementError(f"statement version {version}, this verifier reads {STATEMENT_VERSION}")
    old_root, new_root, (batch, time) = numbers[:8], numbers[8:16], numbers[16:18]
    position, lists = _HEADER.size, []
    for layout, most in zip(_LAYOUTS, MAX_ENTRIES, strict=True):
        rows, position = _read_list(data, position, struct.Struct(layout), most)
        lists.append(rows)
    if position != len(data):
        raise StatementError(f"{len(data) - position} bytes after the statement")
    statement = Statement(
        venue_id,
        tuple(old_root),
        tuple(new_root),
        batch,
        time,
        tuple(Movement(*row) for row in lists[0]),
        tuple(Movement(*row) for row in lists[1]),
        tuple(Price(*row) for row in lists[2]),
        tuple(Vault(*row) for row in lists[3]),
        tuple(AssetAmount(*row) for row in lists[4]),
        tuple(AssetAmount(*row) for row in lists[5]),
        tuple(Act(*row) for row in lists[6]),
        numbers[18],
    )
    _check_bounds(statement)
    _check_order(statement)
    _check_backing(statement)
    _check_acts(statement)
    return statement


# The most entries of each list, in the order of the encoding: what the tallest execution table can publish, a vault for
# each chain and asset, an amount for each asset. SEND and RECEIVE are the shortest movements, SET is the shortest act.
MAX_ENTRIES = (
    *((1 << MAX_LOG_HEIGHT) // len(STEPS[kind]) for kind in (Kind.RECEIVE, Kind.SEND, Kind.PRICE)),
    MAX_CHAINS * MAX_INSTRUMENTS,
    MAX_INSTRUMENTS,
    MAX_INSTRUMENTS,
    (1 << MAX_LOG_HEIGHT) // len(STEPS[Kind.SET]),
)


def _read_list(data: bytes, position: int, layout: struct.Struct, most: int) -> tuple[list[tuple[int, ...]], int]:
    if len(data) < position + 4:
        raise StatementError(f"statement ends at byte {len(data)} inside a list's length")
    (count,) = struct.unpack_from(">I", data, position)
    if count > most:
        raise StatementError(f"list of {count} entries at byte {position}, where at most {most} can be")
    start, end = position + 4, position + 4 + count * layout.size
    if len(data) < end:
        raise StatementError(f"list of {count} entries at byte {position} runs past the end")
    return list(layout.iter_unpack(data[start:end])), end


def _check_bounds(statement: Statement) -> None:
    """Every number is canonical and inside its bound, so that its limbs and field elements say what it says."""
    movements, prices, vaults = (*statement.deposits, *statement.withdrawals), statement.prices, statement.vaults
    amounts = (*statement.totals, *statement.fund)
    assets = (*(m.asset for m in movements), *(v.asset for v in vaults), *(a.asset for a in amounts))
    for name, low, high, values in (
        ("root element", 0, P - 1, [*statement.old_root, *statement.new_root]),
        ("batch number", 0, COUNTER_MAX, [statement.batch]),
        ("time", 0, TIME_MAX, [statement.time]),
        ("time of a price", 0, statement.time, [p.time for p in prices]),
        ("chain", 0, MAX_CHAINS - 1, [*(m.chain for m in movements), *(v.chain for v in vaults)]),
        ("sequence", 0, COUNTER_MAX, [*(m.sequence for m in movements), *(p.sequence for p in prices)]),
        ("number of an act", 0, COUNTER_MAX, [a.number for a in statement.acts]),
        ("account", 0, MAX_ACCOUNTS - 1, [m.account for m in movements]),
        ("instrument", 0, MAX_INSTRUMENTS - 1, [*assets, *(p.instrument for p in prices)]),
        ("price", 1, PRICE_MAX, [p.price for p in prices]),
        ("amount moved", 1, AMOUNT_MAX, [m.amount for m in movements]),
        ("amount", 0, AMOUNT_MAX, [*(v.amount for v in vaults), *(t.amount for t in statement.totals)]),
        ("loss", 0, AMOUNT_MAX, [statement.loss]),
        ("fund balance", -AMOUNT_MAX, AMOUNT_MAX, [f.amount for f in statement.fund]),
    ):
        for value in values:
            if not low <= value <= high:
                raise StatementError(f"{name} {value} is outside {low}..{high}")


def _check_order(statement: Statement) -> None:
    """Lists are strictly ascending, so a statement is written in one way and nothing stands in it twice."""
    for name, keys in (
        ("deposits", [(m.chain, m.sequence) for m in statement.deposits]),
        ("withdrawals", [(m.chain, m.sequence) for m in statement.withdrawals]),
        ("prices", [(p.instrument, p.sequence) for p in statement.prices]),
        ("acts", [(a.number, 0) for a in statement.acts]),
    ):
        if any(a >= b for a, b in pairwise(keys)):
            raise StatementError(f"{name} are not in strictly ascending order")


def _check_backing(statement: Statement) -> None:
    """The invariant in the clear: for every asset, the vaults of all chains sum to the liabilities.

    Assets are numbered from 0 without gaps, and so are chains; every chain has a vault for every asset, and nothing
    moves elsewhere. What is under way counts as the vaults of one more chain, TRANSIT. How many chains and assets the
    venue has is not known here.
    """
    chains, assets = _chains(statement), _assets(statement)
    for name, expected, found in (
        ("liabilities", list(assets), [t.asset for t in statement.totals]),
        ("fund balances", list(assets), [f.asset for f in statement.fund]),
        ("vaults", list(product((*chains, TRANSIT), assets)), [(v.chain, v.asset) for v in statement.vaults]),
    ):
        if found != expected:
            raise StatementError(f"{len(found)} {name} are not one for each of {len(expected)}, in ascending order")
    for movement in (*statement.deposits, *statement.withdrawals):
        if movement.chain not in chains or movement.asset not in assets:
            raise StatementError(f"asset {movement.asset} moves on chain {movement.chain}, a vault that is not listed")
    for total in statement.totals:
        backing = statement.backing(total.asset)
        if backing != total.amount:
            raise StatementError(f"asset {total.asset}: vaults hold {backing}, liabilities are {total.amount}")


def _assets(statement: Statement) -> range:
    return range(max(1, len(statement.totals)))


def _chains(statement: Statement) -> range:
    """The chains of which the statement lists vaults, TRANSIT apart, which is never one of them."""
    listed = len(statement.vaults) // len(_assets(statement)) - 1
    return range(min(max(1, listed), TRANSIT))


def _check_acts(statement: Statement) -> None:
    """The operator changes nothing but what it may, on the chains and for the assets that are listed."""
    chains, assets = len(_chains(statement)), len(_assets(statement))
    for act in statement.acts:
        if (problem := objection(act, chains, assets)) is not None:
            raise StatementError(f"act {act.number}: {problem}")
