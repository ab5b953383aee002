"""What the operator did is shown: in a statement, and where the ledger stands."""

from pathlib import Path

from circuits.acts import Act, ActKind, Parameter
from circuits.records import RULES_MAKER_FEE, ChainStatus, Tag, rules_index
from cli.directory import LedgerDirectory
from cli.inspect_ledger import ledger_object
from cli.inspect_tables import ledger_lines
from cli.names import VenueNames
from solvent import save
from state.transitions.announce import Announce
from state.transitions.deposit import Deposit
from state.transitions.send import Send
from state.transitions.set import SetChain
from tests.batches import BTC_PERP, USDC, default_venue, every_act, every_kind, prompt_ledger, run_batch
from tests.cli.running import run
from verifier.text import Numbers, statement_lines, statement_object


def test_a_statement_shows_the_acts() -> None:
    statement, _ = run_batch(prompt_ledger(), [*every_kind(), *every_act()])
    told = [line for line in statement_lines(statement, VenueNames(default_venue())) if line.startswith("act ")]
    assert told == [
        "act 0       set BTC-PERP: status halted", "act 1       set BTC-PERP: status active",
        "act 2       set ethereum: status suspended", "act 3       set ethereum: status active",
        "act 4       set ETH on solana: cap 2684.35456", "act 5       announce BTC-PERP: initial_margin 600",
        "act 6       announce BTC-PERP: taker_fee 400", "act 7       enact BTC-PERP: taker_fee 400",
        "act 8       announce USDC: borrow_fraction 150",
    ]  # fmt: skip
    assert any("in transit 2" in line for line in statement_lines(statement, VenueNames(default_venue())))
    acts = statement_object(statement, Numbers())["acts"]
    assert acts[4] == {
        "number": 4, "act": "set", "of": "instrument 1 on chain 2", "element": "cap", "value": "268435456000",
    }  # fmt: skip


def test_an_act_on_what_the_venue_does_not_have_is_named_by_number() -> None:
    statement, _ = run_batch(prompt_ledger(), [])
    act = Act(0, ActKind.ANNOUNCE, rules_index(9), Tag.RULES, RULES_MAKER_FEE, 5)
    object.__setattr__(statement, "acts", (act,))
    last = statement_lines(statement, VenueNames(default_venue()))[-1]
    assert last == "act 0       announce instrument 9: maker_fee 5"


def test_the_ledger_shows_what_is_pending(tmp_path: Path) -> None:
    assert run("init", tmp_path / "v").exit_code == 0
    directory = LedgerDirectory(tmp_path / "v")
    ledger = directory.read()
    ledger.queue = None
    run_batch(
        ledger,
        [
            Deposit(0, 0, 0, USDC, 5_000_000),
            Send(0, USDC, 2_000_000),
            SetChain(1, ChainStatus.SUSPENDED),
            Announce(BTC_PERP, (Parameter.MAKER_FEE, 100)),
        ],
    )
    save(ledger, tmp_path / "v")
    lines = ledger_lines(ledger_object(LedgerDirectory(tmp_path / "v")))
    for line in (
        "in transit: 2 USDC",
        "arbitrum is suspended",
        "announced: maker_fee of BTC-PERP becomes 100, from second 259260 on",
    ):
        assert line in lines
