"""An account with negative equity that the insurance fund cannot take over: the accesses that show it."""

from circuits.records import VENUE_EVENTS, VENUE_INDEX, SystemAccount
from circuits.steps import Step
from state.accounts import access_header
from state.errors import Refusal, Rule
from state.margin import Margin, refuse_stale, visit_all
from state.memory import Memory


def require_insolvent(memory: Memory, account: int) -> tuple[Margin, int]:
    """The sums of an account whose equity is negative, and whose taking over would leave the fund's negative; and 1 if
    that is negative before, else 0.

    Makes the accesses DELEVERAGE_FUND and DELEVERAGE_HEADER. Refuses STALE_PRICE, SOLVENT, FUND_CAN_PAY, and what
    `access_header` and `assess` refuse.
    """
    fund = int(SystemAccount.INSURANCE)
    row = access_header(memory, Step.DELEVERAGE_FUND, fund, traders_only=False)
    funds = visit_all(memory, row, fund, reduces=False, strict=False)
    refuse_stale(memory, fund, funds)
    row = access_header(memory, Step.DELEVERAGE_HEADER, account)
    margin = visit_all(memory, row, account, reduces=False, strict=False)
    refuse_stale(memory, account, margin)
    if margin.equity >= 0:
        raise Refusal(Rule.SOLVENT, account=account, equity=margin.equity)
    if funds.equity + margin.equity >= 0:
        raise Refusal(Rule.FUND_CAN_PAY, account=account, equity=margin.equity, fund=funds.equity)
    return margin, int(funds.equity < 0)


def count_event(memory: Memory, events: int) -> int:
    """Access the venue, for so many deleveragings more; returns how many there were."""
    old = memory.read(VENUE_INDEX)
    new = list(old)
    new[VENUE_EVENTS] += events
    memory.replace(Step.DELEVERAGE_VENUE, VENUE_INDEX, old, tuple(new))
    return old[VENUE_EVENTS]
