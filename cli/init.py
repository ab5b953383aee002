"""solvent init: make a ledger and its chains."""

from pathlib import Path

import click

from cli.directory import create
from cli.options import INPUT_FILE, json_option
from cli.output import emit
from solvent import load_venue
from verifier.text import root_hex

DEFAULT_VENUE = Path(__file__).parent / "venue.toml"


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--config", type=INPUT_FILE, default=DEFAULT_VENUE, help="The venue file (default: that of the demo).")
@json_option
def init(directory: Path, config: Path, as_json: bool) -> None:
    """Make a ledger in DIR, with a directory for each of its chains."""
    venue = load_venue(config)
    ledger = create(directory, venue)
    content = {
        "ledger": str(directory), "venue": venue.name, "venue_id": venue.id.hex(), "root": root_hex(ledger.root),
        "chains": list(venue.chains), "assets": [asset.name for asset in venue.collateral],
        "markets": [market.name for market in venue.markets],
    }  # fmt: skip
    emit(as_json, content, [
        f"made {directory}: venue {venue.name}, chains {', '.join(venue.chains)}",
        f"assets {', '.join(content['assets'])}; markets {', '.join(content['markets'])}",
        f"root {content['root']}",
    ])  # fmt: skip
