"""A ledger directory after a fall: one long account below maintenance with an order resting, its counterparty healthy.

Nothing of it is proven: the ledger is published with a proof that nobody checks.
"""

from pathlib import Path

from circuits.records import FIRST_TRADER
from circuits.statement import Movement
from cli.crash_run import CrashSettings, open_or_make
from cli.directory import LedgerDirectory
from cli.import_tape import queue_deposits
from solvent import Ledger
from state.rehearsal import consume
from state.transitions.order import Order, Policy
from state.transitions.price import SetPrice
from state.transitions.register import Register

LONG, SHORT = FIRST_TRADER, FIRST_TRADER + 1
MARKET, QUOTE = 2, 0
BEFORE, AFTER = 2_680_000, 2_599_600  # 3 % less
SETTINGS = CrashSettings(gap=1_500, seed=0, accounts=10, fund=1, minutes=1, every=1, params="compact")
MOVEMENTS = [Movement(0, 0, LONG, QUOTE, 150_000_000), Movement(0, 1, SHORT, QUOTE, 5_000_000_000)]


def fallen_ledger(path: Path) -> LedgerDirectory:
    """The long account has 1 ETH-PERP, bought at 2680 with 150 USDC, and a bid for 0.05; the mark is 2599.60."""
    directory = open_or_make(path, SETTINGS, None)
    queue_deposits(directory, MOVEMENTS)
    with directory.changing() as ledger:
        _trade(ledger)
        directory.publish(ledger, b"no proof", b"", path.parent / "no.proof")
    return directory


def _trade(ledger: Ledger) -> None:
    ledger.begin_batch(120)
    for transition in (
        Register(LONG, (1,) * 7), Register(SHORT, (2,) * 7), *map(consume, MOVEMENTS),
        Order(SHORT, MARKET, False, BEFORE, 1_000, 120, Policy.POST_ONLY),
        Order(LONG, MARKET, True, BEFORE, 1_000, 120, Policy.IMMEDIATE_OR_CANCEL),
        Order(LONG, MARKET, True, AFTER - 2_000, 50, 10_000, Policy.POST_ONLY),
        SetPrice(MARKET, AFTER, 120),
    ):  # fmt: skip
        ledger.apply(transition)
    ledger.close_batch()
