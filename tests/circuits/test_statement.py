"""The statement's encoding is canonical, and what is out of bounds, out of order or not backed does not decode."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.acts import Act, ActKind
from circuits.bounds import AMOUNT_MAX, MAX_ACCOUNTS, MAX_CHAINS, MAX_INSTRUMENTS, PRICE_MAX, TIME_MAX, TRANSIT
from circuits.field import P
from circuits.records import CHAIN_STATUS, Tag, chain_index
from circuits.statement import AssetAmount, Movement, Price, Statement, StatementError, Vault, decode_statement

STATEMENT = Statement(
    bytes(range(32)),
    (1,) * 8,
    (2,) * 8,
    3,
    1_000,
    (Movement(0, 4, 7, 0, 100), Movement(1, 0, 8, 1, 5)),
    (Movement(1, 2, 7, 0, 50),),
    (Price(1, 0, 268_100, 990), Price(2, 5, 6_180_000, 1_000)),
    (Vault(0, 0, 300), Vault(0, 1, 0), Vault(1, 0, 30), Vault(1, 1, 5), Vault(TRANSIT, 0, 10), Vault(TRANSIT, 1, 0)),
    (AssetAmount(0, 340), AssetAmount(1, 5)),
    (AssetAmount(0, -20), AssetAmount(1, 0)),
    (Act(3, ActKind.SET, chain_index(1), Tag.CHAIN, CHAIN_STATUS, 1),),
    17,
)


def test_round_trip() -> None:
    assert decode_statement(STATEMENT.encode()) == STATEMENT


@given(
    st.lists(st.integers(1, AMOUNT_MAX), max_size=5),
    st.integers(0, TIME_MAX),
    st.lists(st.integers(0, P - 1), min_size=8, max_size=8),
)
def test_every_statement_has_one_encoding(amounts: list[int], time: int, root: list[int]) -> None:
    deposits = tuple(Movement(0, number, 9, 0, amount) for number, amount in enumerate(amounts))
    statement = replace(STATEMENT, deposits=deposits, time=time, new_root=tuple(root), prices=())
    data = statement.encode()
    assert decode_statement(data) == statement
    for damaged in (data + b"\0", data[:-1], data[:-9]):
        with pytest.raises(StatementError):
            decode_statement(damaged)


def without_the_second_asset(statement: Statement, deposits: tuple[Movement, ...]) -> Statement:
    """The statement keeps quiet about asset 1, but for these deposits."""
    vaults = tuple(vault for vault in statement.vaults if vault.asset == 0)
    return replace(statement, deposits=deposits, vaults=vaults, totals=statement.totals[:1], fund=statement.fund[:1])


def test_complete_lists_are_not_the_encodings_matter() -> None:
    """Without the asset's movements the shorter statement decodes; a chain, or who knows the venue, refuses it."""
    quiet = without_the_second_asset(STATEMENT, ())
    assert decode_statement(quiet.encode()) == quiet


FALSE: dict[str, Callable[[Statement], Statement]] = {
    "not backed": lambda s: replace(s, totals=(AssetAmount(0, 341), AssetAmount(1, 5))),
    "nothing at all": lambda s: replace(s, vaults=(), totals=(), fund=()),
    "an asset without a total": lambda s: replace(s, totals=s.totals[:1]),
    "a chain without a vault": lambda s: replace(s, vaults=s.vaults[:3]),
    "no fund": lambda s: replace(s, fund=()),
    "a vault twice": lambda s: replace(s, vaults=(s.vaults[0], *s.vaults)),
    "a deposit twice": lambda s: replace(s, deposits=(s.deposits[0], *s.deposits)),
    "deposits out of order": lambda s: replace(s, deposits=s.deposits[::-1]),
    "prices out of order": lambda s: replace(s, prices=s.prices[::-1]),
    "a deposit of nothing": lambda s: replace(s, deposits=(Movement(0, 0, 7, 0, 0),)),
    # The circuit relies on the next four: steps without a tag check need published ids and amounts to be in range.
    "a withdrawal of nothing": lambda s: replace(s, withdrawals=(Movement(1, 2, 7, 0, 0),)),
    "a chain that cannot be": lambda s: replace(s, withdrawals=(Movement(MAX_CHAINS, 2, 7, 0, 50),)),
    "an asset that cannot be": lambda s: replace(s, withdrawals=(Movement(1, 2, 7, MAX_INSTRUMENTS, 50),)),
    "an account that cannot be": lambda s: replace(s, withdrawals=(Movement(1, 2, MAX_ACCOUNTS, 0, 50),)),
    "a deposit on a chain without vaults": lambda s: replace(s, deposits=(*s.deposits, Movement(2, 0, 7, 0, 1))),
    "a withdrawal on a chain without vaults": lambda s: replace(s, withdrawals=(Movement(2, 0, 7, 0, 1),)),
    "a deposit of an asset without vaults": lambda s: replace(s, deposits=(Movement(0, 4, 7, 2, 100),)),
    "a withdrawal of an asset without vaults": lambda s: replace(s, withdrawals=(Movement(1, 2, 7, 2, 50),)),
    "a deposit of an asset that is left out": lambda s: without_the_second_asset(s, s.deposits[1:]),
    "an amount above the bound": lambda s: replace(s, deposits=(Movement(0, 0, 7, 0, AMOUNT_MAX + 1),)),
    "a root element that is not canonical": lambda s: replace(s, old_root=(P, *s.old_root[1:])),
    "a price of 0": lambda s: replace(s, prices=(Price(1, 0, 0, 5),)),
    "a price above the bound": lambda s: replace(s, prices=(Price(1, 0, PRICE_MAX + 1, 5),)),
    "a price after the batch": lambda s: replace(s, prices=(Price(1, 0, 5, 1_001),)),
    "more assets than there can be": lambda s: replace(s, fund=tuple(AssetAmount(a, 0) for a in range(29))),
    "an unknown version": lambda s: s,
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_statement_does_not_decode(name: str) -> None:
    data = FALSE[name](STATEMENT).encode()
    if name == "an unknown version":
        data = b"\0\2" + data[2:]
    with pytest.raises(StatementError):
        decode_statement(data)
