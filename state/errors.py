"""What the ledger says when it refuses: broken rules of a transition, and malformed files."""

import json
from collections.abc import Mapping
from enum import StrEnum

from verifier.text import root_hex


class Rule(StrEnum):
    """A rule that a transition can break."""

    OUT_OF_RANGE = "out-of-range"
    UNKNOWN_ACCOUNT = "unknown-account"
    UNKNOWN_CHAIN = "unknown-chain"
    NOT_COLLATERAL = "not-collateral"
    NOT_A_MARKET = "not-a-market"
    NOT_PRICED = "not-priced"
    SYSTEM_ACCOUNT = "system-account"
    SAME_ACCOUNT = "same-account"
    ACCOUNT_NUMBER = "account-number"
    COUNTER_LIMIT = "counter-limit"
    TIME_BACKWARD = "time-backward"
    UNSIGNED_PRICE = "unsigned-price"
    NOT_HALTED = "not-halted"
    STALE_MARK = "stale-mark"
    SETTLED = "settled"
    NOT_SETTLED = "not-settled"
    NO_POSITION = "no-position"
    DEPOSIT_ORDER = "deposit-order"
    UNBACKED_DEPOSIT = "unbacked-deposit"
    VAULT_SHORT = "vault-short"
    DEPOSIT_CAP = "deposit-cap"
    CHAIN_SUSPENDED = "chain-suspended"
    IN_TRANSIT = "in-transit"
    NOTHING_PENDING = "nothing-pending"
    NOT_YET_DUE = "not-yet-due"
    NOT_A_PARAMETER = "not-a-parameter"
    TOTAL_LIMIT = "total-limit"
    NO_BALANCE = "no-balance"
    NEGATIVE_COLLATERAL = "negative-collateral"
    BALANCE_LIMIT = "balance-limit"
    INSTRUMENT_LIMIT = "instrument-limit"
    ORDER_LIMIT = "order-limit"
    ORDER_EXPIRED = "order-expired"
    MARKET_STATUS = "market-status"
    MINIMUM_NOTIONAL = "minimum-notional"
    INTEREST_LIMIT = "interest-limit"
    POST_ONLY = "post-only"
    FILL_OR_KILL = "fill-or-kill"
    NOTHING_ACHIEVED = "nothing-achieved"
    REDUCE_ONLY = "reduce-only"
    NO_ORDERS = "no-orders"
    UNKNOWN_ORDER = "unknown-order"
    NOT_THE_OWNER = "not-the-owner"
    BOOK_FULL = "book-full"
    BATCH_FULL = "batch-full"
    NOTIONAL_LIMIT = "notional-limit"
    FEE_LIMIT = "fee-limit"
    HOLDING_LIMIT = "holding-limit"
    MARGIN_LIMIT = "margin-limit"
    STALE_PRICE = "stale-price"
    INITIAL_MARGIN = "initial-margin"
    BORROW_MARGIN = "borrow-margin"
    BORROW_LIMIT = "borrow-limit"
    HEALTHY = "healthy"
    SAMPLE_TOO_SOON = "sample-too-soon"
    FUNDING_DUE = "funding-due"
    FUNDING_TOO_SOON = "funding-too-soon"
    FUNDING_LIMIT = "funding-limit"
    ZERO_PRICE = "zero-price"
    BANKRUPT = "bankrupt"
    ORDERS_REST = "orders-rest"
    BELOW_ZERO_PRICE = "below-zero-price"
    SOLVENT = "solvent"
    FUND_CAN_PAY = "fund-can-pay"
    HAS_POSITIONS = "has-positions"
    HAS_COLLATERAL = "has-collateral"
    NOTHING_TO_SEE = "nothing-to-see"
    FUND_SHORT = "fund-short"
    NO_SHORTFALL = "no-shortfall"
    MORE_THAN_NEEDED = "more-than-needed"
    CONVERSION_PRICE = "conversion-price"
    UNWIND_PRICE = "unwind-price"


# Amounts are in base units, sizes in lots, prices in quote base units a lot, times in seconds since the venue's epoch.
MESSAGES: dict[Rule, str] = {
    Rule.OUT_OF_RANGE: "{name} {value} is outside {low}..{high}",
    Rule.UNKNOWN_ACCOUNT: "account {account} is not registered",
    Rule.UNKNOWN_CHAIN: "chain {chain} is not one of the venue's {chains}",
    Rule.NOT_COLLATERAL: "instrument {instrument} is not a collateral asset",
    Rule.NOT_A_MARKET: "instrument {instrument} is not a perpetual market",
    Rule.NOT_PRICED: "instrument {instrument} takes no price",
    Rule.SYSTEM_ACCOUNT: "account {account} belongs to the venue: it neither sends, receives transfers nor trades",
    Rule.SAME_ACCOUNT: "account {account} stands on both sides",
    Rule.ACCOUNT_NUMBER: "account {account} is not the next free number, {expected}",
    Rule.COUNTER_LIMIT: "the {counter} counter has reached its limit {limit}",
    Rule.TIME_BACKWARD: "time {time} is before {current}, which the ledger has seen",
    Rule.UNSIGNED_PRICE: "{instrument} at {price}, time {time}: {problem}",
    Rule.NOT_HALTED: "{market} is not halted; only a halted market can be settled",
    Rule.STALE_MARK: "the mark of {market} may be relied on until {valid} only (-1: it is capped), and it is {time}",
    Rule.SETTLED: "{market} is settled: its mark is final, and its positions can only be cashed out",
    Rule.NOT_SETTLED: "{market} is not settled; its positions cannot be cashed out",
    Rule.NO_POSITION: "account {account} has no position in {market}",
    Rule.DEPOSIT_ORDER: "deposit {sequence} on {chain} is not the next one, {expected}",
    Rule.UNBACKED_DEPOSIT: "{chain} does not hold deposit {sequence}: account {account}, {amount} of {asset}",
    Rule.VAULT_SHORT: "the vault of {asset} on {chain} holds {held}, less than {amount}",
    Rule.DEPOSIT_CAP: "the vault of {asset} on {chain} would hold {would}, and must stay below its cap of {cap}",
    Rule.CHAIN_SUSPENDED: "{chain} is suspended: it takes no deposits and makes no withdrawals",
    Rule.IN_TRANSIT: "deposit {sequence} on {chain} is of what is in transit: `receive` takes it",
    Rule.NOTHING_PENDING: "no change of {instrument} has been announced",
    Rule.NOT_YET_DUE: "the change of {instrument} is due at {due}, after the batch's time {time}",
    Rule.NOT_A_PARAMETER: "{parameter} is no parameter of {instrument}",
    Rule.TOTAL_LIMIT: "the liabilities in {asset} would be {would}, above {limit}",
    Rule.NO_BALANCE: "account {account} holds no {instrument}",
    Rule.NEGATIVE_COLLATERAL: "account {account} would hold {would} of {instrument}; only the quote may be negative",
    Rule.BALANCE_LIMIT: "account {account} would hold {would} of {instrument}, beyond {limit}",
    Rule.INSTRUMENT_LIMIT: "account {account} would have more than {limit} open instruments",
    Rule.ORDER_LIMIT: "account {account} would have more than {limit} resting orders",
    Rule.ORDER_EXPIRED: "the order expires at {expiry}, before the batch's time {time}",
    Rule.MARKET_STATUS: "{market} is {status}: it takes {taken}",
    Rule.MINIMUM_NOTIONAL: "{size} lots of {market} are worth {notional} at the mark, less than {minimum}",
    Rule.INTEREST_LIMIT: "the open interest in {market} would grow to {would} lots, above {limit}",
    Rule.POST_ONLY: "the post-only order at {limit} meets an order at {price}",
    Rule.FILL_OR_KILL: "{left} of {size} lots of the fill-or-kill order find no match",
    Rule.NOTHING_ACHIEVED: "the order would remove {cleared} orders, and neither trade nor rest",
    Rule.REDUCE_ONLY: "account {account}: {size} lots of a reduce-only order would not reduce its position {position}",
    Rule.NO_ORDERS: "account {account} has no resting orders",
    Rule.UNKNOWN_ORDER: "no order {order} rests in the book",
    Rule.NOT_THE_OWNER: "order {order} is not of account {account}",
    Rule.BATCH_FULL: "the batch would have {rows} {table} rows, more than the {limit} of a proof; close it first",
    Rule.BOOK_FULL: "the book holds {limit} orders already",
    Rule.NOTIONAL_LIMIT: "{size} lots at {price} are worth more than {limit}",
    Rule.FEE_LIMIT: "account {account}: the fee would be {fee}, above {limit}",
    Rule.HOLDING_LIMIT: "account {account} holds {lots} lots of {instrument}; a margin check reads at most {limit}",
    Rule.MARGIN_LIMIT: "account {account}: a sum of its margin check reaches {value}, beyond {limit}",
    Rule.STALE_PRICE: "account {account}: the price of {instrument} holds until {valid}, not at {time}; set a new one "
    "(-1: the mark is capped)",
    Rule.INITIAL_MARGIN: "account {account} would have equity {equity}, below its initial requirement {requirement}",
    Rule.BORROW_MARGIN: (
        "account {account} would have equity {equity} and requirement {requirement}: the rest does not cover "
        "{borrow_fraction}/{ratio_one} of the {shortfall} it owes"
    ),
    Rule.BORROW_LIMIT: "account {account} would owe {shortfall} of cash, above {limit}",
    Rule.HEALTHY: "account {account} has equity {equity} and the {tier} share of its requirement {requirement}",
    Rule.SAMPLE_TOO_SOON: "the next sample of the premium of {market} is due at {due}, and it is {time}",
    Rule.FUNDING_DUE: "the premiums of {market} until {due} are to be applied first: it is {time}",
    Rule.FUNDING_TOO_SOON: "the premiums of {market} are due to be applied at {due}, and it is {time}",
    Rule.FUNDING_LIMIT: "the funding index of {market} would be {would}, outside 0..{limit}, or leap too far",
    Rule.ZERO_PRICE: "the zero price of account {account} in {market} would be {price}, outside 1..{limit}",
    Rule.BANKRUPT: "account {account} has equity {equity}: it is taken over or deleveraged, not liquidated",
    Rule.ORDERS_REST: "account {account} has {orders} orders resting; cancel them first",
    Rule.BELOW_ZERO_PRICE: "a limit of {limit} with a fee of {fee}/{fee_one} is worse than the zero price {price}",
    Rule.SOLVENT: "account {account} has equity {equity}: only one with less than 0 is deleveraged or socialised",
    Rule.FUND_CAN_PAY: "the insurance fund has equity {fund}: it can take over account {account}, which has {equity}",
    Rule.HAS_POSITIONS: "account {account} requires {requirement}: its positions are closed first",
    Rule.HAS_COLLATERAL: "account {account} has assets that count as {collateral}: convert them first",
    Rule.NOTHING_TO_SEE: "account {account} has seen all {events} deleveragings",
    Rule.FUND_SHORT: "the insurance fund would have equity {equity}",
    Rule.NO_SHORTFALL: "account {account} owes no cash: it has {cash}",
    Rule.MORE_THAN_NEEDED: "account {account} owes {shortfall}: {lots} lots at {price} are more than that needs",
    Rule.CONVERSION_PRICE: "{instrument} is converted at {low}..{high} a lot, not at {price}",
    Rule.UNWIND_PRICE: "a limit of {price} in {market} is not within {requirement} of the mark {mark}",
}


class Refusal(Exception):  # noqa: N818 - the ledger's own word for it
    """A transition broke a rule; the state did not change. `rule` says which, `values` with which numbers."""

    def __init__(self, rule: Rule, **values: int | str) -> None:
        self.rule = rule
        self.values: Mapping[str, int | str] = values
        super().__init__(f"{rule}: {MESSAGES[rule].format(**values)}")


def require_range(name: str, value: int, low: int, high: int) -> None:
    """Refuse (OUT_OF_RANGE) a value outside low..high."""
    if not low <= value <= high:
        raise Refusal(Rule.OUT_OF_RANGE, name=name, value=value, low=low, high=high)


def json_problem(error: ValueError | RecursionError) -> str:
    """What is wrong with a line that json could not read; the line number is the caller's to say."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.pos + 1}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


class FileError(Exception):
    """A file that does not say what it should: where (line, field; either may be None) and what is wrong."""

    def __init__(self, file: str, problem: str, line: int | None = None, field: str | None = None) -> None:
        self.file, self.line, self.field, self.problem = file, line, field, problem
        place = file if line is None else f"{file}:{line}"
        super().__init__(": ".join(part for part in (place, field, problem) if part))


class ConfigError(FileError):
    """A malformed venue file."""


class BatchError(FileError):
    """A malformed batch file."""


class LedgerFileError(FileError):
    """A damaged, foreign or missing file of a saved ledger."""


class InvariantError(Exception):
    """The ledger is not backed: balances, liabilities and vaults of an instrument disagree."""

    def __init__(self, instrument: str) -> None:
        self.instrument = instrument
        super().__init__(f"the invariant is broken in {instrument}; keep the ledger's files and report it")


class HistoryError(Exception):
    """The undo logs do not lead back to the root that they name."""

    def __init__(self, root: tuple[int, ...]) -> None:
        self.root = root
        super().__init__(f"the ledger's history is damaged: it does not lead back to {root_hex(root)}; restore a copy")


class UnknownRootError(Exception):
    """The ledger has never had this root, or has been taken back behind it."""

    def __init__(self, root: tuple[int, ...]) -> None:
        self.root = root
        super().__init__(f"the ledger's history has no root {root_hex(root)}; `solvent inspect DIR` lists those it has")
