"""Days of minute bars: what is read, and which line is wrong."""

import zipfile
from pathlib import Path

import pytest

from state.minute_prices import MinutePriceError, read_minutes
from tests.batches import ETH_PERP, default_venue

REAL = Path(__file__).parents[3] / "shared" / "data" / "minute"
ROWS = ("0,2680.00,2681,2679,2680.5,1.5", "60000,2680.5,2690,2600,2610.12,7", "180000,2600,2600,2600,2600,0.1")


def archive(path: Path, *rows: str, name: str = "20240102_ethusd_minute_trade.csv") -> Path:
    """An archive of these rows."""
    with zipfile.ZipFile(path, "w") as stream:
        stream.writestr(name, "".join(f"{row}\n" for row in rows))
    return path


def test_a_day_is_read(tmp_path: Path) -> None:
    day, market = read_minutes(archive(tmp_path / "a.zip", *ROWS)), default_venue().instruments[ETH_PERP]
    assert day.start == 1_704_153_600  # 2024-01-02T00:00:00Z
    assert day.opening(market) == 2_680_000  # a lot is 0.001 ETH
    assert day.closes(market) == [(60, 2_680_500), (120, 2_610_120), (240, 2_600_000)]


@pytest.mark.parametrize(("row", "line", "problem"), [
    ("60000,1,1,1,1", 4, "5 columns"),
    ("minute,1,1,1,1,1", 4, "minute"),
    ("240001,1,1,1,1,1", 4, "millisecond"),
    ("180000,1,1,1,1,1", 4, "not after"),
    ("86400000,1,1,1,1,1", 4, "after the day"),
    ("240000,1,1,1,1e3,1", 4, "close"),
    ("240000,1,1,1,999999999,1", 4, "outside the prices"),
    ("240000,1,1,1,0,1", 4, "outside the prices"),
    ('240000,1,1,1,"1', None, "not CSV"),
])  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, row: str, line: int | None, problem: str) -> None:
    path, market = archive(tmp_path / "a.zip", *ROWS, row), default_venue().instruments[ETH_PERP]
    with pytest.raises(MinutePriceError, match=problem) as caught:
        read_minutes(path).closes(market)
    assert caught.value.line == line


def test_a_wrong_archive_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.zip"
    text.write_text("0,1,1,1,1,1")
    two = archive(tmp_path / "two.zip", *ROWS)
    with zipfile.ZipFile(two, "a") as stream:
        stream.writestr("b.csv", "")
    for path, problem in (
        (text, "not a zip"), (two, "2 CSV"), (archive(tmp_path / "e.zip"), "empty"), (tmp_path / "none.zip", "No such"),
        (archive(tmp_path / "d.zip", *ROWS, name="prices.csv"), "which day"),
        (archive(tmp_path / "m.zip", *ROWS, name="20241302.csv"), "which day"),
    ):
        with pytest.raises(MinutePriceError, match=problem):
            read_minutes(path)


@pytest.mark.skipif(not REAL.is_dir(), reason="no market data here")
def test_a_real_day_falls() -> None:
    day = read_minutes(REAL / "coinbase_ethusd_20170904_trade.zip")
    prices = [price for _, price in day.closes(default_venue().instruments[ETH_PERP])]
    assert len(prices) == 1_440
    assert min(prices) < max(prices) * 82 // 100
