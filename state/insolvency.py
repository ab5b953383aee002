"""An account with negative equity that the insurance fund cannot take over: the accesses that show it."""

from circuits.buses import Capped
from circuits.records import VENUE_EVENTS, VENUE_INDEX, SystemAccount
from circuits.steps import Step
from state.accounts import access_header
from state.acts import write_element
from state.errors import Refusal, Rule
from state.margin import Margin, judge
from state.memory import Memory


def require_insolvent(memory: Memory, account: int) -> tuple[Margin, int]:
    """The sums of an account without collateral whose equity is negative, at prices that are not capped, and whose
    taking over would leave the fund's negative; and 1 if that is negative before, else 0.

    Makes the accesses DELEVERAGE_FUND and DELEVERAGE_HEADER. Refuses STALE_PRICE, SOLVENT, FUND_CAN_PAY,
    HAS_COLLATERAL, and what `access_header` and `assess` refuse.
    """
    fund = int(SystemAccount.INSURANCE)
    row = access_header(memory, Step.DELEVERAGE_FUND, fund, traders_only=False)
    funds = judge(memory, row, fund)
    row = access_header(memory, Step.DELEVERAGE_HEADER, account)
    margin = judge(memory, row, account, capped=Capped.ALL)
    if margin.equity >= 0:
        raise Refusal(Rule.SOLVENT, account=account, equity=margin.equity)
    if funds.equity + margin.equity >= 0:
        raise Refusal(Rule.FUND_CAN_PAY, account=account, equity=margin.equity, fund=funds.equity)
    if margin.collateral:
        raise Refusal(Rule.HAS_COLLATERAL, account=account, collateral=margin.collateral)
    return margin, int(funds.equity < 0)


def count_event(memory: Memory, events: int) -> int:
    """Access the venue, for so many deleveragings more; returns how many there were."""
    count = memory.read(VENUE_INDEX)[VENUE_EVENTS]
    write_element(memory, Step.DELEVERAGE_VENUE, VENUE_INDEX, VENUE_EVENTS, count + events)
    return count
