"""Takeover: all that an account below its close-out requirement has and owes goes to the insurance fund."""

from circuits.accounts import (
    AMOUNT_POSITIONS,
    balance,
    fresh_prices,
    header,
    long_position,
    market_leaf,
)
from circuits.air import Where
from circuits.bounds import ACCOUNT_SLOTS, AMOUNT_LIMBS, BIAS_TOP_LIMB
from circuits.buses import Capped, Tier
from circuits.execution import Execution
from circuits.records import (
    ACCOUNT_BASE,
    BALANCE_SLOT,
    HEADER_MASK,
    HEADER_ORDERS,
    HEADER_ROLE,
    MARKET_BIT,
    RULES_INTEREST,
    RULES_SLOT,
    TAG,
    Role,
    SystemAccount,
    Tag,
)
from circuits.steps import Step

# Registers, under the names they have here.
REMAINING = "head"  # bits of the balances not yet taken, on TAKE_MARKET with the one at hand
PERPETUAL = "phase"  # 1 if the balance at hand is a position
MORE = "rests"  # 1 if another balance follows
WAIVED = "restricted"  # 1 if the fund's check may fail
GAP_PORT = 0  # of TAKE_MARKET: how many instruments have been passed over
OF_BALANCE = ("instrument", "interest", PERPETUAL, MORE, *(f"amount{k}" for k in range(AMOUNT_LIMBS)))
OF_CHECK = ("mask", "fails", "moment", "tier", "opened", "bit")


def constrain(execution: Execution) -> None:
    """Nobody need ask for it. The header stays as it is, and balances of 0 with it."""
    step = Step.TAKE_HEADER
    header(execution, step, message=False, may_open=False, checked=True)
    execution.require(step, "the account is a trader", execution.old[HEADER_ROLE] - int(Role.TRADER))
    execution.require(step, "no orders rest", execution.old[HEADER_ORDERS])
    execution.require(step, "all of it is taken", execution.register(REMAINING) - execution.new[HEADER_MASK])
    execution.require(step, "the fund's check is not waived", execution.register(WAIVED))
    execution.ask(step, int(Tier.CLOSE_OUT))
    fresh_prices(execution, step)
    execution.release(step, *OF_CHECK, *OF_BALANCE)
    _market(execution)
    _balances(execution)
    _rules(execution)
    _way(execution)
    _fund(execution)


def _market(execution: Execution) -> None:
    """The instrument is one of the venue's, as its record's kind says; its bit leaves those that remain."""
    step, kind = Step.TAKE_MARKET, execution.old[TAG]
    execution.access(step, market_leaf(execution, 0))
    collateral = (kind - int(Tag.QUOTE)) * (kind - int(Tag.ASSET))
    execution.require(step, "kind of record", collateral * (kind - int(Tag.PERPETUAL)))
    both = (Tag.PERPETUAL - Tag.QUOTE) * (Tag.PERPETUAL - Tag.ASSET)  # what `collateral` is for a perpetual
    execution.require(step, "position or not", both * execution.register(PERPETUAL) - collateral)
    execution.release(step, REMAINING)
    rest = execution.register(REMAINING) - execution.old[MARKET_BIT]
    execution.hand_over("take: its bit leaves what remains", execution.step(step), REMAINING, rest)


def _balances(execution: Execution) -> None:
    """The account's balance becomes 0, and the fund's grows by what it was.

    The account's check has read the balance, and shown that its funding is settled; the fund's at the end does, and
    shows that its position is one. What both change of the open interest is counted (register `interest`). It cannot
    grow: two positions in one hand are as long as apart, or less.
    """
    step, old, new = Step.TAKE_BASE, execution.old, execution.new
    amount, interest = execution.amount(), execution.register("interest")
    account, instrument = execution.register("account"), execution.register("instrument")
    index = ACCOUNT_BASE + BALANCE_SLOT + instrument + ACCOUNT_SLOTS * account
    execution.access(step, index, None, AMOUNT_POSITIONS)
    bias = [0] * (AMOUNT_LIMBS - 1) + [BIAS_TOP_LIMB]
    for k, nothing in enumerate(bias):
        execution.require(step, f"what is taken, limb {k}", amount[k].expression - old[k])
        execution.require(step, f"nothing is left, limb {k}", new[k] - nothing)
    execution.release(step, "interest")
    execution.hand_over("take: a long position goes", execution.step(step), "interest", 0 - long_position(old))
    step = Step.TAKE_FUND_BASE
    change = [part - nothing for part, nothing in zip(amount, bias, strict=True)]
    balance(execution, step, int(SystemAccount.INSURANCE), instrument, change)
    grown = interest + long_position(new) - long_position(old)
    execution.release(step, "interest")
    execution.hand_over("take: the fund's long position changes", execution.step(step), "interest", grown)


def _rules(execution: Execution) -> None:
    """A market's open interest changes by what was counted; the leaf of other instruments is empty, and stays so.

    In a settled market too, where nothing reads it: what it exceeds the sum of all long positions by, those that are
    cashed out, stays the same.
    """
    step, interest = Step.TAKE_RULES, execution.register("interest")
    execution.access(step, market_leaf(execution, RULES_SLOT), None, [RULES_INTEREST])
    changed = execution.new[RULES_INTEREST] - execution.old[RULES_INTEREST]
    execution.require(step, "open interest", changed - execution.register(PERPETUAL) * interest)


def _way(execution: Execution) -> None:
    """Balances follow one another in ascending order; then comes the fund's check.

    With distinct bits, powers of two below 2^28, what remains is 0 at the end only if all of the account's and no other
    have left it: nothing wraps. MORE is boolean where it is read, because the selector of FUND_HEADER is.
    """
    last, more = execution.step(Step.TAKE_RULES), execution.register(MORE)
    execution.lead(Step.TAKE_MARKET, execution.step(Step.TAKE_HEADER) + last * more)
    execution.lead(Step.FUND_HEADER, last * (1 - more))
    instrument, gap = execution.register("instrument"), execution.ports[GAP_PORT].expression
    ascending = instrument.next() - instrument - 1 - gap.next()
    execution.table.constrain("take: instruments ascend", last * more * ascending, Where.TRANSITION)
    execution.release(Step.TAKE_RULES, *OF_BALANCE, *OF_CHECK)
    execution.hold(Step.TAKE_RULES, last * more, "account")


def _fund(execution: Execution) -> None:
    """The fund's equity is not negative, or that is waived, at prices that are valid now, and not at marks that are
    capped in its favour: it pays for nothing with what it does not have. Its set of open instruments is the whole
    venue's since genesis."""
    step = Step.FUND_HEADER
    header(execution, step, message=False, may_open=False, checked=True, tag=None)
    execution.require(step, "the fund", execution.register("account") - int(SystemAccount.INSURANCE))
    execution.require(step, "nothing remains", execution.register(REMAINING))
    execution.require(step, "fails only if waived", execution.register("fails") * (1 - execution.register(WAIVED)))
    execution.ask(step, int(Tier.ZERO))
    fresh_prices(execution, step, capped=Capped.FAVOURABLE)
