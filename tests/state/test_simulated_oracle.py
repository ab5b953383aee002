"""The simulated oracle signs what a batch needs, and its keys stay private and whole."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.statement import Price
from state.errors import ConfigError, LedgerFileError
from state.oracle import check_signature, simulated_secret
from state.simulated_oracle import (
    KEY_FILE,
    SimulatedOracle,
    load_simulated_oracle,
    save_simulated_oracle,
    simulated_members,
)
from state.transitions.price import SetPrice
from tests.batches import BTC_PERP, ETH, default_venue, every_kind
from verifier.prices import PriceReason, PriceRejection, check_prices, encode_bundles, ordered

VENUE = default_venue()


@pytest.fixture(scope="module")
def oracle() -> SimulatedOracle:
    """The default venue's."""
    return SimulatedOracle(VENUE, tuple(simulated_secret("demo", member) for member in range(4)))


def prices_of(transitions: Sequence[Any]) -> list[Price]:
    return [Price(t.instrument, k, t.price, t.time) for k, t in enumerate(transitions) if isinstance(t, SetPrice)]


def test_a_batch_is_signed_by_times(oracle: SimulatedOracle) -> None:
    bundles = oracle.sign_all(every_kind())
    assert [(bundle.time, len(bundle.prices)) for bundle in bundles] == [(5, 1), (10, 1), (11, 2)]
    data = encode_bundles(VENUE.id, ordered(bundles))
    assert check_prices(VENUE.oracle, VENUE.id, prices_of(every_kind()), data, check_signature) == bundles


def test_too_few_members_do_not_suffice(oracle: SimulatedOracle) -> None:
    wanted = [Price(ETH, 0, 7, 5)]
    enough, few = (encode_bundles(VENUE.id, [oracle.sign(5, [(ETH, 7)], who)]) for who in ((1, 2, 3), (0, 3)))
    assert check_prices(VENUE.oracle, VENUE.id, wanted, enough, check_signature)[0].members == [1, 2, 3]
    with pytest.raises(PriceRejection) as caught:
        check_prices(VENUE.oracle, VENUE.id, wanted, few, check_signature)
    assert caught.value.reason == PriceReason.TOO_FEW_SIGNERS


@given(st.lists(st.builds(SetPrice, st.integers(1, 3), st.integers(1, 3), st.integers(0, 3)), max_size=12))
def test_every_price_is_in_a_bundle_and_bundles_are_few(updates: list[SetPrice]) -> None:
    """As many of one time as an instrument has different prices at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("state.simulated_oracle.sign", lambda secrets, message: bytes(96))
        bundles = SimulatedOracle(VENUE, (1,)).sign_all(updates)
    found = [(bundle.time, *pair) for bundle in bundles for pair in bundle.prices]
    assert sorted(found) == sorted({(update.time, update.instrument, update.price) for update in updates})
    for time in {update.time for update in updates}:
        kinds = [{u.price for u in updates if (u.time, u.instrument) == (time, i)} for i in (1, 2, 3)]
        assert sum(bundle.time == time for bundle in bundles) == max(map(len, kinds))


def test_the_default_venues_members_follow_from_its_seed() -> None:
    _, key, proof = simulated_members("demo", 1)[0]
    assert (key, proof) == (VENUE.oracle.keys[0], VENUE.possession[0])


def test_keys_are_private_and_read_again(tmp_path: Path, oracle: SimulatedOracle) -> None:
    save_simulated_oracle(VENUE, tmp_path)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert load_simulated_oracle(VENUE, tmp_path) == oracle


def test_a_seed_that_gives_other_keys_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        save_simulated_oracle(replace(VENUE, simulated_seed="other"), tmp_path)
    assert caught.value.field == "oracle.simulated_seed"
    save_simulated_oracle(replace(VENUE, simulated_seed=None), tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LedgerFileError, match="is not there"):
        load_simulated_oracle(VENUE, tmp_path)


@pytest.mark.parametrize("change", [
    {"format": "x"}, {"version": 2}, {"secrets": None}, {"secrets": ["zz"]}, {"secrets": ["0"]}, {"secrets": [1]},
    {"secrets": []}, {"secrets": [f"{BTC_PERP:064x}"]},
])  # fmt: skip
def test_a_damaged_key_file_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    save_simulated_oracle(VENUE, tmp_path)
    path = tmp_path / KEY_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(LedgerFileError, match=KEY_FILE):
        load_simulated_oracle(VENUE, tmp_path)
    path.write_text("[")
    with pytest.raises(LedgerFileError, match="is damaged"):
        load_simulated_oracle(VENUE, tmp_path)
