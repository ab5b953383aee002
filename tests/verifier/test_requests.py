"""Requests to liquidate that wait on a chain."""

from pathlib import Path

import pytest

from circuits.bounds import MAX_ACCOUNTS
from tests.verifier.test_chain import new_chain, next_statement
from verifier.chain import MAX_REQUESTS, Request, RequestError
from verifier.chain_store import ChainFileError, create_chain, read_chain


def test_a_request_waits_for_two_batches() -> None:
    chain = new_chain()
    chain.request(7)
    assert chain.state.requests == [Request(7, 0)]
    chain._advance(next_statement(chain.state, 0))
    chain.request(8)
    assert chain.state.requests == [Request(7, 0), Request(8, 1)]
    chain._advance(next_statement(chain.state, 0))
    assert chain.state.requests == [Request(8, 1)]
    chain.request(8)
    assert chain.state.requests == [Request(8, 2)]


def test_what_no_ledger_has_and_what_is_too_much_is_refused() -> None:
    chain = new_chain()
    for account in (-1, MAX_ACCOUNTS):
        with pytest.raises(RequestError, match=f"account {account}"):
            chain.request(account)
    for account in range(MAX_REQUESTS):
        chain.request(account)
    with pytest.raises(RequestError, match="waiting"):
        chain.request(MAX_REQUESTS)
    chain.request(0)
    assert len(chain.state.requests) == MAX_REQUESTS


def test_requests_are_remembered(tmp_path: Path) -> None:
    chain = new_chain()
    chain.request(7)
    create_chain(tmp_path, chain.state)
    assert read_chain(tmp_path) == chain.state
    path = tmp_path / "chain.json"
    path.write_text(path.read_text().replace('"requests":[[7,0]]', '"requests":[[7,-1]]'))
    with pytest.raises(ChainFileError, match="damaged"):
        read_chain(tmp_path)
