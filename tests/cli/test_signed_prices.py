"""Signed prices on the command line: what chains reject, whose signatures are shown, and the clock that counts."""

import shutil
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.directory import LedgerDirectory
from state.batch import BatchReader, BatchWriter
from state.simulated_oracle import KEY_FILE, SimulatedOracle, load_simulated_oracle
from state.transitions.price import SetPrice
from tests.batches import ETH
from tests.cli.running import fails, run, run_json
from tests.conftest import DEFAULT_VENUE, Proven
from verifier.prices import Bundle, decode_bundles, encode_bundles

CHAIN = ("--chain", "solana")


@pytest.fixture
def proof(proven: Proven, tmp_path: Path) -> Path:
    """A copy of the proof and its bundles, to be written to."""
    for path in (proven.proof, beside(proven.proof)):
        shutil.copy(path, tmp_path)
    return tmp_path / proven.proof.name


def beside(proof: Path) -> Path:
    return proof.with_name(proof.name + ".prices")


def resigned(proven: Proven, members: Sequence[int]) -> bytes:
    """The bundles of the proven batch, signed by these members only."""
    directory = LedgerDirectory(proven.directory)
    oracle = load_simulated_oracle(directory.venue, directory.path)
    _, bundles = decode_bundles(proven.bundles)
    return encode_bundles(directory.venue.id, [oracle.sign(one.time, one.prices, members) for one in bundles])


def test_init_writes_the_keys_for_its_owner_alone(proven: Proven) -> None:
    assert (proven.directory / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_who_signed_is_shown(proven: Proven, ledger: Path) -> None:
    for arguments, checked in (
        (("verify", proven.proof), False), (("inspect", proven.proof), False),
        (("verify", proven.proof, "--ledger", ledger), True),
        (("verify", proven.proof, "--ledger", ledger, *CHAIN), True),
    ):  # fmt: skip
        signed = run_json(*arguments)["signed_prices"]
        assert signed["checked"] == checked
        assert [bundle["signers"] for bundle in signed["bundles"]] == [[0, 1, 2, 3]] * len(signed["bundles"])
    assert len(signed["bundles"][0]["prices"]) == 3
    text = run("verify", proven.proof).stdout
    assert "1 bundles of prices: member 0 of 1, member 1 of 1, member 2 of 1, member 3 of 1; not checked here" in text


def test_prices_that_are_not_signed_move_no_chain(proven: Proven, ledger: Path, proof: Path) -> None:
    _, (bundle,) = decode_bundles(proven.bundles)
    venue = LedgerDirectory(ledger).venue
    forged = Bundle(bundle.time, ((1, 1), *bundle.prices[1:]), bundle.signers, bundle.signature)
    later = Bundle(bundle.time + 1, bundle.prices, bundle.signers, bundle.signature)
    unknown = Bundle(bundle.time, bundle.prices, 0b11011, bundle.signature)
    before = (ledger / "chains" / "solana" / "chain.json").read_bytes()
    for data, reason in (
        (resigned(proven, (0, 2)), "too few signers"),
        (encode_bundles(bytes(32), [bundle]), "bundles of another venue"),
        (encode_bundles(venue.id, []), "price not signed"), (None, "price not signed"),
        (encode_bundles(venue.id, [forged]), "price not signed"),
        (encode_bundles(venue.id, [later]), "price signed for another time"),
        (encode_bundles(venue.id, [unknown]), "signer outside the committee"),
        (encode_bundles(venue.id, [Bundle(bundle.time, bundle.prices, 0b0111, bundle.signature)]), "invalid signature"),
        (proven.bundles[:-1], "malformed bundles"),
    ):  # fmt: skip
        if data is None:
            beside(proof).unlink()
        else:
            beside(proof).write_bytes(data)
        content = run_json("verify", proof, "--ledger", ledger, *CHAIN, code=1)
        assert (content["reason"], content["price_reason"]) == ("prices not signed as they must be", reason)
        fails(run("verify", proof, "--ledger", ledger), 1, f"rejected: {reason}")
    assert (ledger / "chains" / "solana" / "chain.json").read_bytes() == before
    beside(proof).unlink(missing_ok=True)
    accepted = run_json("verify", proof, "--ledger", ledger, *CHAIN, "--prices", beside(proven.proof))
    assert accepted["accepted"]


def test_a_threshold_of_members_is_enough(proven: Proven, ledger: Path, proof: Path) -> None:
    beside(proof).write_bytes(resigned(proven, (0, 1, 3)))
    content = run_json("verify", proof, "--ledger", ledger, *CHAIN)
    assert content["signed_prices"]["bundles"][0]["signers"] == [0, 1, 3]


def test_the_clock_of_a_replay_may_be_given(proven: Proven, ledger: Path) -> None:
    late, oldest = proven.statement.time + 86_401, min(price.time for price in proven.statement.prices)
    result = run("verify", proven.proof, "--ledger", ledger, *CHAIN, "--now", late)
    fails(result, 1, "time behind the clock", str(late), "86400 s")
    assert run("verify", proven.proof, "--ledger", ledger, *CHAIN, "--now", oldest + 86_401).exit_code == 1
    assert run("verify", proven.proof, "--ledger", ledger, *CHAIN, "--now", oldest + 86_400).exit_code == 0
    assert run("verify", proven.proof, "--ledger", ledger, "--now", 5).exit_code == 2


def venue_file(path: Path, **changes: Any) -> Path:
    """The default venue's file with some fields of its oracle changed."""
    text = DEFAULT_VENUE.read_text()
    for name, value in changes.items():
        old = tomllib.loads(text)["oracle"][name]
        quoted = (f'"{old}"', f'"{value}"') if isinstance(old, str) else (str(old), str(value))
        text = text.replace(f"{name} = {quoted[0]}", f"{name} = {quoted[1]}")
    path.write_text(text)
    return path


def write_prices(directory: LedgerDirectory, out: Path, *times: int, close: int | None = None) -> None:
    """A batch that marks ETH at each of these times, all signed."""
    oracle = load_simulated_oracle(directory.venue, directory.path)
    updates = [SetPrice(ETH, 268_000, moment) for moment in times]
    with BatchWriter(out, directory.venue, max(times) if close is None else close) as writer:
        for bundle in oracle.sign_all(updates):
            writer.write(bundle)
        for update in updates:
            writer.write(update)


def test_a_live_venues_chains_go_by_this_machines_clock(tmp_path: Path) -> None:
    place, batch, proof = tmp_path / "ledger", tmp_path / "a.batch", tmp_path / "a.proof"
    run_json("init", place, "--config", venue_file(tmp_path / "live.toml", clock="host", drift=600))
    directory = LedgerDirectory(place)
    now = int(time.time()) - directory.venue.epoch
    for moment, reason in ((now + 3600, "time ahead of the clock"), (now, None)):
        write_prices(directory, batch, moment)
        root = run_json("prove", batch, "--ledger", place, "--out", proof)["statement"]["old_root"]
        accepting = ("verify", proof, "--ledger", place, *CHAIN)
        fails(run(*accepting, "--now", now), 2, "--now", "this machine's clock")
        if reason:
            fails(run(*accepting), 1, f"rejected: solana: {reason}")
            run_json("rollback", place, "--to", root)
        else:
            assert run(*accepting).exit_code == 0


def test_an_unsigned_price_is_refused_by_the_sequencer(ledger: Path, tmp_path: Path, proven: Proven) -> None:
    directory, batch = LedgerDirectory(ledger), tmp_path / "a.batch"
    moment = proven.statement.time + 1
    write_prices(directory, batch, moment)
    assert run("check", batch, "--ledger", ledger).exit_code == 0
    lines = batch.read_text().splitlines()

    def later(line: str) -> str:
        return line.replace(f":{moment}", f":{moment + 1}")

    for kept, problem in (
        ([lines[0], lines[2]], "no bundle of that time has this price"),
        ([lines[0], lines[2], lines[1]], "no bundle of that time has this price"),  # a bundle comes first
        ([lines[0], lines[1].replace("[0,1,2,3]", "[0,1]"), lines[2]], "too few signers"),
        ([lines[0], lines[1].replace("[0,1,2,3]", "[0,1,2]"), lines[2]], "invalid signature"),
        ([lines[0], lines[1], lines[2].replace('"268', '"269')], "no bundle of that time has this price"),
        ([later(lines[0]), lines[1], later(lines[2])], "no bundle of that time"),
    ):  # fmt: skip
        batch.write_text("\n".join(kept) + "\n")
        content = run_json("check", batch, "--ledger", ledger, code=2)
        assert [one["rule"] for one in content["refused"]] == ["unsigned-price"], kept
        assert problem in content["refused"][0]["message"]


def test_unused_bundles_do_not_travel(ledger: Path, tmp_path: Path, proven: Proven) -> None:
    directory, batch, proof = LedgerDirectory(ledger), tmp_path / "a.batch", tmp_path / "a.proof"
    moment = proven.statement.time + 1
    write_prices(directory, batch, moment, moment + 1)
    with BatchReader(batch, directory.venue) as reader:
        signed = [entry for _, entry in reader if isinstance(entry, Bundle)]
    batch.write_text("\n".join(batch.read_text().splitlines()[:-1]) + "\n")
    run_json("prove", batch, "--ledger", ledger, "--out", proof)
    assert decode_bundles(beside(proof).read_bytes()) == (directory.venue.id, signed[:1])


def test_without_simulated_keys_no_tape_is_signed(ledger: Path, tmp_path: Path) -> None:
    (ledger / KEY_FILE).unlink()
    tape = tmp_path / "btc.csv"
    tape.write_text("time,price,size,side\n1723075200000,61700.5,0.01,buy\n")
    out = tmp_path / "b.batch"
    result = run("import-tape", "--tape", f"BTC-PERP={tape}", "--ledger", ledger, "--out", out)
    fails(result, 2, KEY_FILE, "not simulated")
    assert not out.exists()


def test_init_refuses_an_oracle_that_is_not_whole(tmp_path: Path) -> None:
    config = venue_file(tmp_path / "venue.toml", simulated_seed="guess")
    fails(run("init", tmp_path / "ledger", "--config", config), 2, "oracle.simulated_seed")
    proofs = [member["proof"] for member in tomllib.loads(DEFAULT_VENUE.read_text())["oracle"]["member"]]
    config.write_text(DEFAULT_VENUE.read_text().replace(proofs[0], proofs[1]))
    fails(run("init", tmp_path / "ledger", "--config", config), 2, "oracle.member[0].proof")
    assert not (tmp_path / "ledger").exists()


def test_a_simulated_oracle_for_another_venue_can_be_made(tmp_path: Path) -> None:
    made = run_json("simulated-oracle", "--seed", 'a "quoted" seed', "--members", 2)
    assert made["threshold"] == 2
    config = tmp_path / "venue.toml"
    config.write_text(DEFAULT_VENUE.read_text().split("[oracle]")[0] + made["toml"])
    run_json("init", tmp_path / "ledger", "--config", config)
    directory = LedgerDirectory(tmp_path / "ledger")
    oracle = load_simulated_oracle(directory.venue, directory.path)
    assert isinstance(oracle, SimulatedOracle)
    assert [key.hex() for key in directory.venue.oracle.keys] == [member["key"] for member in made["members"]]
    for seed in ("", "x" * 65, "a\nb", "\udcff"):
        fails(run("simulated-oracle", "--seed", seed), 2, "--seed")
