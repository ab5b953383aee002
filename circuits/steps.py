"""The steps of each transition kind, in order: one row of the execution table, one memory access each."""

from enum import IntEnum, auto


class _Numbered(IntEnum):
    """Members are numbered from 0, in order."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[int]) -> int:
        return count


class Step(_Numbered):
    """A step; its name says the transition and the record it accesses."""

    REGISTER_VENUE = auto()
    REGISTER_HEADER = auto()
    REGISTER_KEY = auto()
    REGISTER_QUOTE = auto()
    DEPOSIT_CHAIN = auto()
    DEPOSIT_VAULT = auto()
    DEPOSIT_TOTAL = auto()
    DEPOSIT_HEADER = auto()
    DEPOSIT_BALANCE = auto()
    WITHDRAW_CHAIN = auto()
    WITHDRAW_VAULT = auto()
    WITHDRAW_TOTAL = auto()
    WITHDRAW_HEADER = auto()
    WITHDRAW_BALANCE = auto()
    TRANSFER_TOTAL = auto()
    TRANSFER_FROM_HEADER = auto()
    TRANSFER_FROM_BALANCE = auto()
    TRANSFER_TO_HEADER = auto()
    TRANSFER_TO_BALANCE = auto()
    PRICE_PARAMETERS = auto()
    PRICE_RULES = auto()
    PRICE_STEP = auto()
    PRICE_MARKET = auto()
    ORDER_MARKET = auto()
    ORDER_RULES = auto()
    MATCH_HEAD = auto()
    MATCH_ORDER = auto()
    FILL_HEADER = auto()
    FILL_BASE = auto()
    FILL_QUOTE = auto()
    FILL_FEE = auto()
    UNDO_QUOTE = auto()
    UNDO_BASE = auto()
    SKIP_HEADER = auto()
    SKIP_BASE = auto()
    BEST_HEAD = auto()
    BEST_ORDER = auto()
    REST_PREDECESSOR = auto()
    REST_SUCCESSOR = auto()
    REST_ORDER = auto()
    END_HEADER = auto()
    END_BASE = auto()
    SEIZE_HEADER = auto()
    ZERO_MARKET = auto()
    ZERO_PRICE = auto()
    LIQUIDATE_LIMIT = auto()
    UNWIND_LIMIT = auto()
    CANCEL_HEADER = auto()
    CANCEL_PREDECESSOR = auto()
    CANCEL_ORDER = auto()
    CANCEL_BASE = auto()
    SET_VENUE = auto()
    SET_RECORD = auto()
    ANNOUNCE_VENUE = auto()
    ANNOUNCE_PENDING = auto()
    ENACT_VENUE = auto()
    ENACT_PENDING = auto()
    ENACT_RECORD = auto()
    SEND_CHAIN = auto()
    SEND_VAULT = auto()
    SEND_TRANSIT = auto()
    RECEIVE_CHAIN = auto()
    RECEIVE_VAULT = auto()
    RECEIVE_TRANSIT = auto()
    SETTLE_VENUE = auto()
    SETTLE_RULES = auto()
    SETTLE_PARAMETERS = auto()
    SETTLE_MARKET = auto()
    CASH_OUT_RULES = auto()
    CASH_OUT_MARKET = auto()
    CASH_OUT_HEADER = auto()
    SWAP_BASE = auto()
    SWAP_OTHER_BASE = auto()
    SWAP_QUOTE = auto()
    SWAP_OTHER_QUOTE = auto()
    DELEVERAGE_FUND = auto()
    DELEVERAGE_HEADER = auto()
    DELEVERAGE_VENUE = auto()
    DELEVERAGE_RULES = auto()
    DELEVERAGE_EVENT = auto()
    EVENT_BALANCE = auto()
    EVENT_RECORD = auto()
    EVENT_HEADER = auto()
    PAY_MARKET = auto()
    PAY_BASE = auto()
    SAMPLE_MARKET = auto()
    SAMPLE_ORDER = auto()
    SAMPLE_FUNDING = auto()
    APPLY_FUNDING = auto()
    APPLY_MARKET = auto()
    TAKE_HEADER = auto()
    TAKE_MARKET = auto()
    TAKE_BASE = auto()
    TAKE_FUND_BASE = auto()
    TAKE_RULES = auto()
    CONVERT_MARKET = auto()
    CONVERT_WORTH = auto()
    FUND_HEADER = auto()
    CLOSE_VENUE = auto()
    CLOSE_VAULT = auto()
    CLOSE_TOTAL = auto()
    CLOSE_FUND = auto()


class Kind(_Numbered):
    """A kind of row sequence.

    An order is a chain of them: ORDER, then MATCH, FAIL and SKIP any number of times, one for each order met at the
    head of the opposite side, then FILLED, DISCARD or REST. The CLOSE kinds end a batch: they publish what the new
    state holds.
    """

    REGISTER = auto()
    DEPOSIT = auto()
    WITHDRAW = auto()
    TRANSFER = auto()
    PRICE = auto()
    ORDER = auto()
    MATCH = auto()  # taker and maker trade
    FAIL = auto()  # the maker would not keep its margin, and its order goes
    SKIP = auto()  # the maker's order is expired, the taker's own, or reduce-only and would not reduce; it goes
    FILLED = auto()  # nothing of the order is left, or its account has been liquidated as far as it may be
    DISCARD = auto()  # what is left meets no price, and is dropped
    REST = auto()  # what is left meets no price, and joins the book
    UNWIND = auto()  # an order of the insurance fund follows; nobody need ask for it
    LIQUIDATE = auto()  # an order of an account below its maintenance requirement follows; nobody need ask for it
    CANCEL = auto()
    FORCE_CANCEL = auto()  # of an account below its maintenance requirement
    SET = auto()  # the operator changes a status or a deposit cap at once
    ANNOUNCE = auto()  # the operator says which parameter will change
    ENACT = auto()  # what was announced long enough ago happens
    SEND = auto()  # an amount leaves a chain's vault for another one's
    RECEIVE = auto()  # and arrives there
    SETTLE = auto()  # the operator makes a market's mark final
    CASH_OUT = auto()  # a position in a settled market becomes quote
    DELEVERAGE = auto()  # the position of an account that nobody can take over is closed against all that are opposite
    SOCIALISE = auto()  # what an account without positions owes and nobody can pay becomes everybody's loss
    EVENT = auto()  # an account sees the next deleveraging; then comes one of the next two
    UNMOVED = auto()  # it has no position on the side that was reduced
    REDUCE = auto()  # its position is reduced by its share
    PAY_FUNDING = auto()  # a position pays, or is paid, the funding since it last was
    SAMPLE_FUNDING = auto()  # the premium of a market's order book over its mark is added up
    SAMPLE_ORDER = auto()  # an order or a sentinel on the way
    SAMPLE_END = auto()
    APPLY_FUNDING = auto()  # an hour's premiums move a market's funding index
    TAKE_OVER = auto()  # the insurance fund takes over an account below its close-out requirement
    TAKE = auto()  # one balance of it
    TAKEN = auto()  # nothing of it is left
    CONVERT = auto()  # the insurance fund buys an asset of an account that is below its maintenance requirement
    CLOSE_VENUE = auto()
    CLOSE_VAULT = auto()
    CLOSE_TOTAL = auto()
    CLOSE_FUND = auto()


def _steps(prefix: str) -> tuple[Step, ...]:
    return tuple(step for step in Step if step.name.startswith(prefix))


_MEET = (Step.MATCH_HEAD, Step.MATCH_ORDER)
_PARTY = (Step.FILL_HEADER, Step.FILL_BASE, Step.FILL_QUOTE, Step.FILL_FEE)
_SWAP = _steps("SWAP")
_SWAP_QUOTE = (Step.SWAP_QUOTE, Step.SWAP_OTHER_QUOTE)
_BEST = (Step.BEST_HEAD, Step.BEST_ORDER)
_SHORT = (Step.DELEVERAGE_FUND, Step.DELEVERAGE_HEADER, Step.DELEVERAGE_VENUE)
_SEEN = (Step.EVENT_RECORD, Step.EVENT_HEADER)

STEPS: dict[Kind, tuple[Step, ...]] = {
    Kind.REGISTER: _steps("REGISTER"),
    Kind.DEPOSIT: _steps("DEPOSIT"),
    Kind.WITHDRAW: _steps("WITHDRAW"),
    Kind.TRANSFER: _steps("TRANSFER"),
    Kind.PRICE: _steps("PRICE"),
    Kind.ORDER: _steps("ORDER"),
    Kind.MATCH: (*_MEET, *_PARTY, *_PARTY),  # the maker, then the taker
    Kind.FAIL: (*_MEET, *_PARTY[:-1], Step.UNDO_QUOTE, Step.UNDO_BASE),
    Kind.SKIP: (*_MEET, Step.SKIP_HEADER, Step.SKIP_BASE),
    Kind.FILLED: (Step.END_HEADER,),
    Kind.DISCARD: (*_BEST, Step.END_HEADER),
    Kind.REST: (*_BEST, *_steps("REST"), Step.END_HEADER, Step.END_BASE),
    Kind.LIQUIDATE: (Step.SEIZE_HEADER, *_steps("ZERO"), Step.LIQUIDATE_LIMIT),
    Kind.UNWIND: (Step.UNWIND_LIMIT,),
    Kind.CANCEL: _steps("CANCEL"),
    Kind.FORCE_CANCEL: (Step.SEIZE_HEADER, *_steps("CANCEL")),
    Kind.SET: _steps("SET_"),
    Kind.ANNOUNCE: _steps("ANNOUNCE"),
    Kind.ENACT: _steps("ENACT"),
    Kind.SEND: _steps("SEND"),
    Kind.RECEIVE: _steps("RECEIVE"),
    Kind.SETTLE: _steps("SETTLE"),
    Kind.CASH_OUT: (*_steps("CASH_OUT"), *_SWAP),
    Kind.DELEVERAGE: (*_SHORT[:2], *_steps("ZERO"), *_steps("DELEVERAGE")[2:], *_SWAP),
    Kind.SOCIALISE: (*_SHORT, *_SWAP_QUOTE),
    Kind.EVENT: (Step.EVENT_BALANCE,),
    Kind.UNMOVED: _SEEN,
    Kind.REDUCE: (Step.PAY_BASE, *_SWAP_QUOTE, *_SEEN, *_SWAP),
    Kind.PAY_FUNDING: (*_steps("PAY"), Step.SWAP_QUOTE, Step.SWAP_OTHER_QUOTE),
    Kind.SAMPLE_FUNDING: (Step.SAMPLE_MARKET,),
    Kind.SAMPLE_ORDER: (Step.SAMPLE_ORDER,),
    Kind.SAMPLE_END: (Step.SAMPLE_FUNDING,),
    Kind.APPLY_FUNDING: _steps("APPLY"),
    Kind.TAKE_OVER: (Step.TAKE_HEADER,),
    Kind.TAKE: _steps("TAKE")[1:],
    Kind.TAKEN: (Step.FUND_HEADER,),
    Kind.CONVERT: (Step.SEIZE_HEADER, *_steps("CONVERT"), *_SWAP, Step.FUND_HEADER),
    Kind.CLOSE_VENUE: (Step.CLOSE_VENUE,),
    Kind.CLOSE_VAULT: (Step.CLOSE_VAULT,),
    Kind.CLOSE_TOTAL: (Step.CLOSE_TOTAL,),
    Kind.CLOSE_FUND: (Step.CLOSE_FUND,),
}

# What the order book's chain of kinds goes on with; no transition starts with these.
CONTINUATIONS = (Kind.MATCH, Kind.FAIL, Kind.SKIP, Kind.FILLED, Kind.DISCARD, Kind.REST)
SAMPLING = (Kind.SAMPLE_ORDER, Kind.SAMPLE_END)  # nor with these, which follow SAMPLE_FUNDING

# What the account that sees a deleveraging goes on with.
OUTCOMES = (Kind.UNMOVED, Kind.REDUCE)

# What a takeover goes on with, once for each balance and then once.
TAKING = (Kind.TAKE, Kind.TAKEN)

# Where an order goes on: from the last step of one of its kinds to the first step of the next. One that is forced
# begins with a liquidation, or with the unwinding of the fund.
LINKS = frozenset(
    (STEPS[before][-1], STEPS[after][0])
    for before in (Kind.ORDER, Kind.MATCH, Kind.FAIL, Kind.SKIP)
    for after in CONTINUATIONS
) | {(step, Step.ORDER_MARKET) for step in (Step.LIQUIDATE_LIMIT, Step.UNWIND_LIMIT)}

OUTCOME_LINKS = frozenset((STEPS[Kind.EVENT][-1], STEPS[outcome][0]) for outcome in OUTCOMES)
# Where a sample goes on: both sides of the book are walked, order by order.
WALKS = frozenset(
    [(Step.SAMPLE_MARKET, Step.SAMPLE_ORDER), (Step.SAMPLE_ORDER,) * 2, (Step.SAMPLE_ORDER, Step.SAMPLE_FUNDING)]
)

# Where a takeover goes on.
TAKE_LINKS = frozenset(
    (STEPS[before][-1], STEPS[after][0])
    for before, after in ((Kind.TAKE_OVER, Kind.TAKE), (Kind.TAKE, Kind.TAKE), (Kind.TAKE, Kind.TAKEN))
)

# A margin check follows these accesses.
MARGIN_STEPS = (
    Step.WITHDRAW_BALANCE, Step.TRANSFER_FROM_BALANCE, Step.FILL_QUOTE, Step.END_BASE, Step.SEIZE_HEADER,
    Step.DELEVERAGE_FUND, Step.DELEVERAGE_HEADER, Step.TAKE_HEADER, Step.FUND_HEADER,
)  # fmt: skip
FAILING_STEPS = (Step.SEIZE_HEADER, Step.TAKE_HEADER)  # with a check that fails
# With one that fails or not.
OPEN_STEPS = (Step.FILL_QUOTE, Step.DELEVERAGE_FUND, Step.DELEVERAGE_HEADER, Step.FUND_HEADER)
# Which also take what the check has found.
HEALTH_STEPS = (Step.SEIZE_HEADER, Step.DELEVERAGE_FUND, Step.DELEVERAGE_HEADER)
SEIZURES = (Step.CANCEL_HEADER, Step.ZERO_MARKET, Step.CONVERT_MARKET)  # first steps of what may follow SEIZE_HEADER
