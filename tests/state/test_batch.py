"""Batch files: what is written is read again, each mistake is named by line and field, and the schema agrees."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.acts import Parameter
from circuits.field import P
from circuits.records import ChainStatus, Status
from state.batch import MAX_LINE_BYTES, BatchReader, BatchWriter
from state.book import order_id
from state.errors import BatchError
from state.transitions import Transition
from state.transitions.announce import Announce
from state.transitions.apply_event import ApplyEvent
from state.transitions.cancel import Cancel, CancelAll, ForceCancel, Modify
from state.transitions.cash_out import CashOut
from state.transitions.convert import Convert
from state.transitions.deleverage import Deleverage
from state.transitions.deposit import Deposit
from state.transitions.enact import Enact
from state.transitions.liquidate import Liquidate
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.receive import Receive
from state.transitions.register import Register
from state.transitions.send import Send
from state.transitions.set import SetCap, SetChain, SetStatus
from state.transitions.settle import SettleMarket
from state.transitions.socialise import Socialise
from state.transitions.take_over import TakeOver
from state.transitions.transfer import Transfer
from state.transitions.unwind import Unwind
from state.transitions.withdraw import Withdraw
from state.venue import parse_venue
from tests.batches import BTC_PERP, ETH_PERP, VENUE_FILE, default_venue, every_kind
from verifier.prices import Bundle

VENUE = default_venue()
SCHEMA = json.loads((VENUE_FILE.parent / "batch.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HEADER = {"format": "solvent-batch", "version": 1, "venue": "demo"}
DEPOSIT = {"kind": "deposit", "chain": "solana", "sequence": 3, "account": 5, "asset": "ETH", "amount": "1.5"}
ORDER = {
    "kind": "order", "account": 5, "market": "BTC-PERP", "buys": True, "price": "61800.3", "size": "0.25",
    "expiry": 77, "policy": "fill-or-kill", "reduce_only": True,
}  # fmt: skip
PRICES = {
    "kind": "prices", "time": 5, "prices": {"BTC-PERP": "61800.3", "ETH": "2680"}, "signers": [0, 2],
    "signature": "0f" * 96,
}  # fmt: skip
CANCEL = {"kind": "cancel", "account": 5, "order": 5 * 2**28 + 7}
FORCE_CANCEL = {**CANCEL, "kind": "force_cancel"}
LIQUIDATE = {
    "kind": "liquidate", "account": 5, "market": "BTC-PERP", "size": "0.25", "price": "61800.3", "fee": "0.01",
}  # fmt: skip
UNWIND = {"kind": "unwind", "market": "ETH-PERP", "buys": True, "size": "1", "price": "2680"}
CANCEL_ALL = {"kind": "cancel_all", "account": 5}
MODIFY = {**ORDER, "kind": "modify", "order": 5 * 2**28 + 7}
ACTS = [
    {"kind": "set_status", "market": "BTC-PERP", "status": "reduce-only"},
    {"kind": "set_chain", "chain": "solana", "status": "suspended"},
    {"kind": "set_cap", "chain": "ethereum", "asset": "USDC", "cap": "1000"},  # 3 * 268.435456 and some more
    {"kind": "enact", "instrument": "ETH"},
    {"kind": "settle", "market": "ETH-PERP"},
    {"kind": "cash_out", "account": 7, "market": "ETH-PERP"},
    {"kind": "take_over", "account": 7},
    {"kind": "convert", "account": 7, "asset": "ETH", "lots": 12, "price": "2680.00"},
    {"kind": "send", "chain": "ethereum", "asset": "USDC", "amount": "1.5"},
    {"kind": "receive", "chain": "arbitrum", "sequence": 4, "asset": "USDC", "amount": "1.5"},
]
OBJECTS = [DEPOSIT, ORDER, CANCEL, FORCE_CANCEL, LIQUIDATE, UNWIND, CANCEL_ALL, MODIFY, PRICES]

accounts, sequences = st.integers(0, 2**23 - 1), st.integers(0, 2**28 - 1)
units = st.integers(0, 2**55 - 1)
lot_prices = st.integers(0, 2**28 - 1)
assets, markets, chains = st.integers(0, 1), st.integers(2, 3), st.integers(0, 2)
elements = st.integers(0, P - 1)
prices = st.dictionaries(st.integers(1, 3), st.integers(1, 2**28 - 1), min_size=1)
bundles = st.builds(
    Bundle, sequences, prices.map(lambda one: tuple(sorted(one.items()))), st.integers(0, 2**64 - 1),
    st.binary(min_size=96, max_size=96),
)  # fmt: skip
numbers = st.integers(0, 2**51 - 1)
order_arguments = (
    markets, st.booleans(), lot_prices, lot_prices, sequences, st.sampled_from(list(Policy)), st.booleans()
)  # fmt: skip
changes = st.tuples(st.sampled_from(Parameter), st.integers(0, 10_000))  # a haircut has no larger value
entries: st.SearchStrategy[Transition | Bundle] = st.one_of(
    bundles,
    st.builds(Register, accounts, st.tuples(*[elements] * 7)),
    st.builds(Deposit, chains, sequences, accounts, assets, units),
    st.builds(Withdraw, chains, accounts, assets, units),
    st.builds(Transfer, accounts, accounts, assets, units),
    st.builds(SetPrice, st.integers(1, 3), lot_prices, sequences),
    st.builds(Order, accounts, *order_arguments),
    st.builds(Cancel, accounts, numbers),
    st.builds(ForceCancel, accounts, numbers),
    st.builds(Liquidate, accounts, markets, lot_prices, lot_prices, st.integers(0, 10_000)),
    st.builds(Unwind, markets, st.booleans(), lot_prices, lot_prices),
    st.builds(CancelAll, accounts),
    st.builds(Modify, numbers, accounts, *order_arguments),
    st.builds(SetStatus, markets, st.sampled_from([status for status in Status if status is not Status.SETTLED])),
    st.builds(SetChain, chains, st.sampled_from(ChainStatus)),
    st.builds(SetCap, chains, assets, st.integers(0, 2**27)),
    st.builds(Announce, st.integers(0, 3), changes),
    st.builds(Enact, st.integers(0, 3)),
    st.builds(SettleMarket, markets),
    st.builds(CashOut, accounts, markets),
    st.builds(TakeOver, accounts),
    st.builds(Deleverage, accounts, markets),
    st.builds(ApplyEvent, accounts),
    st.builds(Socialise, accounts),
    st.builds(Convert, accounts, st.just(1), st.integers(0, 2**28 - 1), lot_prices),
    st.builds(Send, chains, assets, units),
    st.builds(Receive, chains, sequences, assets, units),
)


def write(path: Path, batch: Sequence[Transition | Bundle], time: int | None = None) -> None:
    with BatchWriter(path, VENUE, time) as writer:
        for transition in batch:
            writer.write(transition)


def read(path: Path) -> list[Transition | Bundle]:
    with BatchReader(path, VENUE) as reader:
        return [transition for _, transition in reader]


def read_text(path: Path, text: str) -> list[Transition | Bundle]:
    path.write_text(text)
    return read(path)


def read_objects(path: Path, *contents: Any) -> list[Transition | Bundle]:
    return read_text(path, "".join(json.dumps(content) + "\n" for content in contents))


@settings(max_examples=60, deadline=None)
@given(st.lists(entries, max_size=8))
def test_round_trip_and_schema(tmp_path_factory: pytest.TempPathFactory, batch: list[Transition | Bundle]) -> None:
    path = tmp_path_factory.mktemp("batch") / "batch.jsonl"
    write(path, batch)
    assert read(path) == batch
    for line in path.read_text().splitlines():
        VALIDATOR.validate(json.loads(line))


def test_units_and_names_in_a_file(tmp_path: Path) -> None:
    order = 5, 2, True, 6_180_030, 2_500, 77, Policy.FILL_OR_KILL, True
    number = order_id(5, 7)
    assert read_objects(tmp_path / "b", HEADER, *OBJECTS[:-1]) == [
        Deposit(2, 3, 5, 1, 150_000_000), Order(*order), Cancel(5, number), ForceCancel(5, number),
        Liquidate(5, BTC_PERP, 2_500, 6_180_030, 10_000), Unwind(ETH_PERP, True, 1_000, 2_680_000), CancelAll(5),
        Modify(number, *order),
    ]  # fmt: skip
    policies = ["good-till-time", "immediate-or-cancel", "fill-or-kill", "post-only"]
    batch = read_objects(tmp_path / "b", HEADER, *({**ORDER, "policy": policy} for policy in policies))
    assert [transition.policy for transition in batch if isinstance(transition, Order)] == list(Policy)


def test_acts_in_a_file(tmp_path: Path) -> None:
    announce = {"kind": "announce", "instrument": "BTC-PERP"}
    found = {
        "initial_margin": ("0.06", 600), "maker_fee": ("0.0002", 200), "staleness": (60, 60), "step_time": (7, 7),
        "minimum_notional": ("1.5", 1_500_000), "open_interest_cap": ("2", 20_000), "haircut": ("0.15", 8_500),
        "borrow_fraction": ("0.1", 100), "taker_fee": ("0.0005", 500), "margin_growth": ("0.0004", 4),
        "maintenance": ("0.6", 600), "close_out": ("0.4", 400), "borrow_cap": ("536.870912", 2),
        "impact": ("0.5", 5_000),
    }  # fmt: skip
    batch = read_objects(tmp_path / "b", HEADER, *({**announce, "change": {n: said}} for n, (said, _) in found.items()))
    assert batch == [Announce(2, (Parameter(name), value)) for name, (_, value) in found.items()]
    assert read_objects(tmp_path / "b", HEADER, *ACTS) == [
        SetStatus(2, Status.REDUCE_ONLY), SetChain(2, ChainStatus.SUSPENDED), SetCap(0, 0, 3), Enact(1),
        SettleMarket(3), CashOut(7, 3), TakeOver(7), Convert(7, 1, 12, 268_000), Send(0, 0, 1_500_000),
        Receive(1, 4, 0, 1_500_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, "one parameter"), ({"maker_fee": "0", "taker_fee": "0"}, "one parameter"), ("maker_fee", "one parameter"),
        ({"price": "1"}, "must be one of"), ({"maker_fee": 1}, "must be a string"),
        ({"maker_fee": "0.0000001"}, "not a multiple"),
        ({"staleness": "60"}, "must be an integer"), ({"staleness": 2**28}, "must be an integer"),
    ],
)  # fmt: skip
def test_a_change_is_of_one_parameter(tmp_path: Path, change: Any, problem: str) -> None:
    with pytest.raises(BatchError, match=problem) as caught:
        read_objects(tmp_path / "b", HEADER, {"kind": "announce", "instrument": "BTC-PERP", "change": change})
    assert caught.value.field == "change"


def test_lines_are_numbered_and_time_is_read(tmp_path: Path) -> None:
    write(tmp_path / "b", every_kind(), time=77)
    with BatchReader(tmp_path / "b", VENUE) as reader:
        assert reader.time == 77
        assert [line for line, _ in reader] == list(range(2, 2 + len(every_kind())))
    write(tmp_path / "b", [])
    with BatchReader(tmp_path / "b", VENUE) as reader:
        assert reader.time is None


def test_the_venue_may_be_named_by_its_id(tmp_path: Path) -> None:
    assert read_objects(tmp_path / "b", {**HEADER, "venue": VENUE.id.hex()}, DEPOSIT)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"format": "solvent-venue"}, "format"),
        ({"version": 2}, "version"),
        ({"version": True}, "version"),
        ({"version": None}, "version"),
        ({"venue": "other"}, "venue"),
        ({"venue": ["demo"]}, "venue"),
        ({"time": -1}, "time"),
        ({"time": "5"}, "time"),
        ({"time": None}, "time"),
        ({"note": "x"}, "note"),
    ],
)
def test_header_mistakes(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    with pytest.raises(BatchError) as caught:
        read_objects(tmp_path / "b", {**HEADER, **change})
    assert (caught.value.line, caught.value.field) == (1, field)


MISTAKES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (DEPOSIT, {"kind": "close"}, "kind"),
    (DEPOSIT, {"kind": ["deposit"]}, "kind"),
    (DEPOSIT, {"chain": 2}, "chain"),
    (DEPOSIT, {"sequence": -1}, "sequence"),
    (DEPOSIT, {"sequence": 2**28}, "sequence"),
    (DEPOSIT, {"sequence": True}, "sequence"),
    (DEPOSIT, {"sequence": "3"}, "sequence"),
    (DEPOSIT, {"account": 2**23}, "account"),
    (DEPOSIT, {"account": None}, "account"),
    (DEPOSIT, {"amount": 1}, "amount"),
    (DEPOSIT, {"amount": "-1"}, "amount"),
    (DEPOSIT, {"amount": "1e3"}, "amount"),
    (DEPOSIT, {"amount": "01"}, "amount"),
    (DEPOSIT, {"amount": "1."}, "amount"),
    (DEPOSIT, {"amount": "9" * 29}, "amount"),
    (DEPOSIT, {"memo": "x"}, "memo"),
    (DEPOSIT, {"kind": "fill"}, "kind"),
    *((order, change, field) for order in (ORDER, MODIFY) for change, field in (
        ({"buys": 1}, "buys"),
        ({"buys": "true"}, "buys"),
        ({"reduce_only": 0}, "reduce_only"),
        ({"reduce_only": None}, "reduce_only"),
        ({"price": None}, "price"),
        ({"size": 5}, "size"),
        ({"expiry": "77"}, "expiry"),
        ({"expiry": 2**28}, "expiry"),
        ({"expiry": -1}, "expiry"),
        ({"policy": "market"}, "policy"),
        ({"policy": 0}, "policy"),
        ({"policy": None}, "policy"),
        ({"policy": ["post-only"]}, "policy"),
        ({"policy": {}}, "policy"),
        ({"policy": "POST_ONLY"}, "policy"),
        ({"limit": "5"}, "limit"),
    )),
    (MODIFY, {"order": -1}, "order"),
    (CANCEL, {"order": 2**51}, "order"),
    (CANCEL, {"order": "7"}, "order"),
    (CANCEL, {"market": "BTC-PERP"}, "market"),
    (CANCEL_ALL, {"account": -1}, "account"),
    (CANCEL_ALL, {"market": "BTC-PERP"}, "market"),
    ({"kind": "register", "account": 5, "key": "0" * 56}, {"key": "0" * 55}, "key"),
    ({"kind": "register", "account": 5, "key": "0" * 56}, {"key": "0" * 55 + "A"}, "key"),
    ({"kind": "register", "account": 5, "key": "0" * 56}, {"key": f"{P:08x}" + "0" * 48}, "key"),
    ({"kind": "price", "instrument": "ETH", "price": "1", "time": 5}, {"time": 2**28}, "time"),
    (PRICES, {"time": -1}, "time"),
    (PRICES, {"prices": {}}, "prices"),
    (PRICES, {"prices": [["ETH", "1"]]}, "prices"),
    (PRICES, {"prices": {"ETH": 1}}, "prices"),
    (PRICES, {"signers": 7}, "signers"),
    (PRICES, {"signers": [0, 0]}, "signers"),
    (PRICES, {"signers": [64]}, "signers"),
    (PRICES, {"signers": [-1]}, "signers"),
    (PRICES, {"signers": [True]}, "signers"),
    (PRICES, {"signature": "0" * 191}, "signature"),
    (PRICES, {"signature": "A" * 192}, "signature"),
]


@pytest.mark.parametrize(("good", "change", "field"), MISTAKES)
def test_mistakes_that_the_schema_knows_too(
    tmp_path: Path, good: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    bad = {**good, **change}
    assert read_objects(tmp_path / "b", HEADER, good)
    VALIDATOR.validate(good)
    with pytest.raises(BatchError) as caught:
        read_objects(tmp_path / "b", HEADER, good, bad)
    assert (caught.value.line, caught.value.field) == (3, field)
    assert str(caught.value).startswith(f"{tmp_path / 'b'}:3: {field}: ")
    assert not VALIDATOR.is_valid(bad)


@pytest.mark.parametrize("good", OBJECTS)
def test_every_field_is_required(tmp_path: Path, good: dict[str, Any]) -> None:
    for field in good:
        bad = {name: value for name, value in good.items() if name != field}
        with pytest.raises(BatchError) as caught:
            read_objects(tmp_path / "b", HEADER, bad)
        assert caught.value.field == field
        assert not VALIDATOR.is_valid(bad)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chain": "base"}, "chain"),
        ({"asset": "DOGE"}, "asset"),
        ({"amount": "0.000000001"}, "amount"),
    ],
)
def test_mistakes_that_only_the_venue_shows(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    VALIDATOR.validate({**DEPOSIT, **change})
    with pytest.raises(BatchError) as caught:
        read_objects(tmp_path / "b", HEADER, {**DEPOSIT, **change})
    assert caught.value.field == field


@pytest.mark.parametrize(("change", "field"), [
    ({"prices": {"DOGE": "1"}}, "prices"),
    ({"prices": {"USDC": "1"}}, "prices"),
    ({"prices": {"ETH": "0"}}, "prices"),
    ({"prices": {"ETH": "9999999999"}}, "prices"),
    ({"signers": [2, 0]}, "signers"),
])  # fmt: skip
def test_mistakes_in_a_bundle_that_only_the_venue_shows(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    VALIDATOR.validate({**PRICES, **change})
    with pytest.raises(BatchError) as caught:
        read_objects(tmp_path / "b", HEADER, {**PRICES, **change})
    assert caught.value.field == field


def test_a_bundle_of_every_instrument_fits_a_line(tmp_path: Path) -> None:
    """With the longest names and prices that a venue can have."""
    names = [f"I{number:031}" for number in range(27)]
    markets = "".join(
        f'[[market]]\nname = "{name}"\nlot = "0.000000000001"\ninitial_margin = "1"\nmaker_fee = "0"\n'
        f'taker_fee = "0"\nprice = "268435455"\nstaleness = 60\nstep_time = 600\n'
        'minimum_notional = "0"\nopen_interest_cap = "0"\nimpact = "0.000000000001"\n'
        for name in names
    )
    text, oracle = VENUE_FILE.read_text().split("[oracle]")
    head = text.split("[[asset]]")[0].replace("decimals = 6", "decimals = 12").replace('"1000000"', '"1"')
    venue = parse_venue(head + markets + "[oracle]" + oracle)
    bundle = Bundle(2**28 - 1, tuple((number, 2**28 - 1 - number) for number in range(1, 28)), 2**64 - 1, bytes(96))
    with BatchWriter(tmp_path / "b", venue) as writer:
        writer.write(bundle)
    with BatchReader(tmp_path / "b", venue) as reader:
        assert [entry for _, entry in reader] == [bundle]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "not one JSON object"),
        ("[]", "not one JSON object"),
        ("{} {}", "Extra data at column 4$"),
        ("{", "not one JSON object"),
        ('{"kind":"deposit","kind":"deposit"}', "field 'kind' stands twice"),
        ('{"kind":1e3}', "decimal strings"),
        ('{"kind":NaN}', "decimal strings"),
        ('{"kind":' + "9" * 400 + "}", "400 digits"),
        ("[" * 2000, "nested too deeply"),
        ('{"kind":"' + "x" * MAX_LINE_BYTES + '"}', "longer than"),
    ],
)
def test_lines_that_are_no_object(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(BatchError, match=problem) as caught:
        read_text(tmp_path / "b", json.dumps(HEADER) + "\n" + line + "\n")
    assert caught.value.line == 2


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\xff\n")
    with pytest.raises(BatchError, match="not UTF-8 text"):
        read(tmp_path / "b")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    read_text(tmp_path / "b", "\ufeff" + json.dumps(HEADER) + "\r\n")
    with pytest.raises(BatchError, match="b:2: is not one JSON object"):
        read_text(tmp_path / "b", json.dumps(HEADER) + "\n\ufeff{}\n")


def test_empty_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="is empty"):
        read_text(tmp_path / "b", "")
    with pytest.raises(BatchError, match="cannot be read"):
        read(tmp_path / "absent")


json_values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2**30), st.lists(st.integers(-1, 65), max_size=3),
    st.dictionaries(st.sampled_from(["ETH", "BTC-PERP", "x y"]), st.sampled_from(["1", "0.01", "-1", 1]), max_size=2),
    st.sampled_from(["", "1", "1.50", "-1", "1e5", "x", "ETH", "solana"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(OBJECTS), st.data())
def test_what_the_parser_takes_the_schema_takes(
    tmp_path_factory: pytest.TempPathFactory, good: dict[str, Any], data: st.DataObject
) -> None:
    content = {**good, data.draw(st.sampled_from([*good, "extra"])): data.draw(json_values)}
    try:
        read_objects(tmp_path_factory.mktemp("batch") / "b", HEADER, content)
    except BatchError:
        return
    assert VALIDATOR.is_valid(content)


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with BatchWriter(tmp_path / "b", VENUE) as writer:
            writer.write(every_kind()[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
