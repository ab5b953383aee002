"""The venue file: what the default says, and how every mistake is named."""

import re
from pathlib import Path

import pytest

from circuits.bounds import ACCOUNT_INSTRUMENTS, BORROW_MAX, FRACTION_ONE
from circuits.records import Tag
from state.errors import ConfigError
from state.venue import load_venue, parse_venue
from tests.batches import VENUE_FILE, default_venue

TEXT = VENUE_FILE.read_text()
TIMES = "staleness = 60\nstep_time = 600\n"
MORE_ASSETS = '[[asset]]\nname = "A{}"\ndecimals = 8\nlot = "0.0001"\nhaircut = "0.5"\nprice = "1"\n' + TIMES
MORE_MARKETS = (
    '[[market]]\nname = "M{}"\nlot = "0.01"\ninitial_margin = "0.1"\nmaker_fee = "0"\ntaker_fee = "0"\nprice = "1"\n'
    'minimum_notional = "0"\nopen_interest_cap = "1"\nimpact = "1"\n'
) + TIMES
FIRST_KEY, SECOND_KEY = re.findall(r"^key = .*$", TEXT, re.MULTILINE)[:2]


def test_default_venue() -> None:
    venue = default_venue()
    assert venue.chains == ("ethereum", "arbitrum", "solana")
    assert [i.name for i in venue.instruments] == ["USDC", "ETH", "BTC-PERP", "ETH-PERP"]
    assert [i.tag for i in venue.instruments] == [Tag.QUOTE, Tag.ASSET, Tag.PERPETUAL, Tag.PERPETUAL]
    usdc, ether, bitcoin, _ = venue.instruments
    assert usdc.units("1.5") == 1_500_000
    assert (ether.lot_units, ether.fraction, ether.units("2")) == (10_000, FRACTION_ONE * 85 // 100, 200_000_000)
    assert bitcoin.price("61800.30") == 6_180_030  # 0.0001 BTC in millionths of a dollar
    assert bitcoin.units("0.0125") == 125
    assert bitcoin.format_price(6_180_030) == "61800.3"
    assert bitcoin.format_units(-125) == "-0.0125"
    assert (bitcoin.maker_fee, bitcoin.taker_fee, bitcoin.fraction) == (200, 500, 500)
    assert venue.epoch == 1_704_067_200


def test_id_covers_the_meaning_and_not_the_comments() -> None:
    venue = default_venue()
    assert parse_venue(TEXT + "\n# another comment\n").id == venue.id
    for old, new in (
        ('"demo"', '"other"'), ('"solana"', '"base"'), ('haircut = "0.15"', 'haircut = "0.16"'),
        ('"61700.00"', '"61700.01"'), ('margin_growth = "0.0001"', 'margin_growth = "0.0002"'),
        ("decimals = 8", "decimals = 7"), ("2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z"), ('"0.0005"', '"0.0006"'),
        ('borrow_fraction = "0.10"', 'borrow_fraction = "0.11"'), ('name = "USDC"', 'name = "USDT"'),
        ("threshold = 3", "threshold = 2"), ("drift = 60", "drift = 61"), ("age = 86400", "age = 1"),
        ('"replay"', '"host"'), ('"demo"  # the', '"other"  # the'), ('key = "8936', 'key = "9936'),
        ('proof = "aaba', 'proof = "baba'),
    ):  # fmt: skip
        assert parse_venue(TEXT.replace(old, new, 1)).id != venue.id, old


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("version = 1", "version = 2", "format"),
        ('"solvent-venue"', '"solvent-batch"', "format"),
        ("version = 1", "version = true", "version"),
        ('name = "demo"\n', "", "name"),
        ('"demo"', '"a name"', "name"),
        ('"demo"', "7", "name"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00", "epoch"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z", "epoch"),
        ("2024-01-01T00:00:00Z", "1704067200", "epoch"),
        ('"ethereum", ', '"solana", ', "chains"),
        ('["ethereum", "arbitrum", "solana"]', "[]", "chains"),
        ('"ethereum", ', "1, ", "chains"),
        ('borrow_fraction = "0.10"', f'borrow_fraction = "{BORROW_MAX + 1}"', "borrow_fraction"),
        ('borrow_fraction = "0.10"', "borrow_fraction = 0.10", "borrow_fraction"),
        ('borrow_fraction = "0.10"', 'borrow_fraction = "0.00005"', "borrow_fraction"),
        ("[quote]", "[quota]", "quote"),
        ("decimals = 6", "decimals = 19", "quote.decimals"),
        ("decimals = 6", 'decimals = "6"', "quote.decimals"),
        ('lot = "0.0001"  #', 'lot = "0.001"  #', "asset[0].lot"),
        ('lot = "0.0001"  #', 'lot = "0.000000001"  #', "asset[0].lot"),
        ('lot = "0.0001"  #', 'lot = "0"  #', "asset[0].lot"),
        ('lot = "0.0001"  #', 'lot = "0.000007"  #', "asset[0].lot"),
        ('"0.15"', '"1.01"', "asset[0].haircut"),
        ('"0.15"', '"-0.15"', "asset[0].haircut"),
        ('price = "2680.00"', 'price = "2680.001"', "asset[0].price"),
        ('price = "2680.00"', 'price = "0"', "asset[0].price"),
        ('price = "2680.00"\n', "", "asset[0].price"),
        ('lot = "0.0001"\ninitial', 'lot = "0.0003"\ninitial', "market[0].lot"),
        ('lot = "0.0001"\ninitial', 'lot = "0"\ninitial', "market[0].lot"),
        ('lot = "0.0001"\ninitial', 'lot = "x"\ninitial', "market[0].lot"),
        ('initial_margin = "0.05"', 'initial_margin = "0"', "market[0].initial_margin"),
        ('initial_margin = "0.05"', 'initial_margin = "1.1"', "market[0].initial_margin"),
        ('margin_growth = "0.0001"', 'margin_growth = "1.0001"', "market[0].margin_growth"),
        ('margin_growth = "0.0001"', 'margin_growth = "-0.0001"', "market[0].margin_growth"),
        ('margin_growth = "0.0001"', 'margin_growth = "0.00001"', "market[0].margin_growth"),
        ('maker_fee = "0.0002"', 'maker_fee = "0.0082"', "market[0].maker_fee"),
        ('taker_fee = "0.0005"', 'taker_fee = "0.0000001"', "market[0].taker_fee"),
        ('price = "61700.00"', 'price = "9999999999"', "market[0].price"),
        ('price = "61700.00"', 'price = "61700.00"\nleverage = 20', "market[0].leverage"),
        ("[[market]]", "[[perpetual]]", "perpetual"),
        ('name = "ETH-PERP"', 'name = "ETH"', "name"),
        ("[quote]", "[extra]\n[quote]", "extra"),
        ("[[asset]]", "[asset]", "asset"),
        ("[oracle]", "[oracles]", "oracle.threshold"),
        ("threshold = 3", "threshold = 0", "oracle.threshold"),
        ("threshold = 3", "threshold = 65", "oracle.threshold"),
        ("threshold = 3", "threshold = 5", "oracle.member"),
        ("drift = 60", "drift = -1", "oracle.drift"),
        ("age = 86400", 'age = "86400"', "oracle.age"),
        ('clock = "replay"', 'clock = "wrist"', "oracle.clock"),
        ('simulated_seed = "demo"', "simulated_seed = 1", "oracle.simulated_seed"),
        ('simulated_seed = "demo"', f'simulated_seed = "{"x" * 65}"', "oracle.simulated_seed"),
        ('simulated_seed = "demo"', 'simulated_seed = ""', "oracle.simulated_seed"),
        ('simulated_seed = "demo"', 'simulated_seed = "a\\nb"', "oracle.simulated_seed"),
        ('key = "8936', 'key = "936', "oracle.member[0].key"),
        ('key = "8936', 'key = "Z936', "oracle.member[0].key"),
        ('proof = "aaba', 'proof = "', "oracle.member[0].proof"),
        ('proof = "aaba', 'weight = 2\nproof = "aaba', "oracle.member[0].weight"),
        (FIRST_KEY, SECOND_KEY, "oracle.member"),
    ],
)
def test_mistakes_are_named(old: str, new: str, field: str) -> None:
    text = TEXT.replace(old, new, 1) if old != "[[market]]" else TEXT.replace(old, new)
    assert text != TEXT
    with pytest.raises(ConfigError) as caught:
        parse_venue(text, "my.toml")
    assert caught.value.field == field
    assert caught.value.file == "my.toml"
    assert str(caught.value).startswith(f"my.toml: {field}: ")


def test_too_many_instruments() -> None:
    markets = "".join(MORE_MARKETS.format(n) for n in range(24))
    with pytest.raises(ConfigError, match="29 instruments"):
        parse_venue(TEXT + markets + MORE_ASSETS.format(0))
    assert len(parse_venue(TEXT + markets).instruments) == 28


def test_too_many_collateral_assets() -> None:
    assets = "".join(MORE_ASSETS.format(n) for n in range(ACCOUNT_INSTRUMENTS - 2))
    assert len(parse_venue(TEXT + assets).collateral) == ACCOUNT_INSTRUMENTS
    with pytest.raises(ConfigError, match="17 collateral assets"):
        parse_venue(TEXT + assets + MORE_ASSETS.format(99))


def test_a_venue_needs_a_market() -> None:
    with pytest.raises(ConfigError, match="at least one market"):
        parse_venue(TEXT.split("[[market]]")[0] + "[oracle]" + TEXT.split("[oracle]")[1])


def test_not_toml_names_the_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_venue("format = \n")
    assert caught.value.line == 1


@pytest.mark.parametrize("text", ["x = " + "[" * 2900, "x = " + "{a=" * 950])
def test_toml_that_its_parser_gives_up_on(text: str) -> None:
    with pytest.raises(ConfigError, match="is not TOML"):
        parse_venue(text)


@pytest.mark.parametrize("line", ["x = 0x" + "f" * 4000, "x." * 10_000 + "x = 1"])
def test_lines_that_would_take_long_or_cannot_be_shown(line: str) -> None:
    with pytest.raises(ConfigError, match=r"my\.toml:2: is longer than 3000 characters"):
        parse_venue(f"x = 1\n{line}", "my.toml")


def test_long_files_are_not_read() -> None:
    with pytest.raises(ConfigError, match=r"my\.toml: is longer than 65536 characters"):
        parse_venue("\n" * 70_000, "my.toml")


def test_the_longest_integer_can_be_shown() -> None:
    for value in (" 1\n", " 6\n", ' "0.10"', '"ethereum"'):
        assert value in TEXT
        with pytest.raises(ConfigError):
            parse_venue(TEXT.replace(value, f"0x{'f' * 2900}\n", 1))


@pytest.mark.parametrize(("old", "new", "problem"), [
    ('borrow_fraction = "0.10"', 'borrow_fraction = "1.1"', "borrow_fraction: 1.1 is outside 0..1"),
    ('lot = "0.0001"  #', 'lot = "1"  #', "asset[0].lot: 1 is outside 0.00000001..0.00016383"),
    ("decimals = 6", "decimals = 19", "quote.decimals: 19 is outside 0..18"),
    ("decimals = 6", 'decimals = "6"', "quote.decimals: must be an integer; it is '6'"),
    ('haircut = "0.15"', "haircut = 0.15", 'asset[0].haircut: must be a string in "quotes"; it is 0.15'),
])  # fmt: skip
def test_a_mistake_is_named_in_the_files_own_terms(old: str, new: str, problem: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError) as caught:
        parse_venue(TEXT.replace(old, new), "my.toml")
    assert str(caught.value) == f"my.toml: {problem}"


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_venue(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load_venue(tmp_path / "binary.toml")
    (tmp_path / "marked.toml").write_text("\ufeff" + TEXT)
    assert load_venue(tmp_path / "marked.toml") == default_venue()
