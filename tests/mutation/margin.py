"""For every constraint of the margin table, a withdrawal that is not within the margin passes without it.

Two constraints keep fewer lots than there are from counting: without them a maker within its margin loses its order.
"""

from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np

from circuits import margin as layout
from circuits.bounds import AMOUNT_LIMBS, BIAS, BIAS_TOP_LIMB, LIMB, RATIO_ONE, SIZE_MAX, TIMES_PER_CLOCK
from circuits.field import P
from circuits.records import from_limbs, signed_limbs
from prover.traces.columns import Columns
from state.ledger import Ledger
from tests.batches import BOB, BTC_PERP, ETH, ETH_PERP, USDC
from tests.mutation import margin_moments
from tests.mutation.margin_acts import (
    DAVE,
    FRANK,
    FULL_HOLDING,
    HUGE_VAULT,
    LOT,
    Edit,
    Operator,
    after,
    ask_and_improve,
    borrow_more,
    deposit_later,
    forged,
    later_clock,
    nobody,
    of_eve,
    on_rows,
    only,
    overdraw_ether,
    owe_a_multiple_of_three,
    owing,
    price_later,
    turned_down,
    unedited,
    with_orders,
    withdraw_more,
    withdraw_one,
)
from tests.mutation.margin_moments import old
from tests.mutation.margin_rows import (
    ALL,
    ASSET_ROW,
    CLOSING_ROW,
    END,
    PERPETUAL_ROW,
    QUOTE_ROW,
    RowEdit,
    borrowed,
    close,
    compare,
    count,
    lots_of,
    multiply,
    set_asset,
    set_ports,
    set_position,
    settle,
    signed_balance,
    sizes,
    wrapping_product,
)
from tests.mutation.rechain import follow, rechain, visit_time
from tests.mutation.tree_rows import put
from tests.mutation.world import Forge, Implied, Traces

Edits = dict[str, RowEdit]  # by label
RUNS = 8  # that many gaps of at most LIMB^2 go once round mod P
# A made-up position, its mark, and the sizes that it can come to: what it is worth, how many lots count and how far the
# sizes are apart are, limb by limb, an equity of 0 and carries of 0 on a closing row.
MADE_UP, MADE_UP_MARK = LIMB * LIMB // 8, 4 * LIMB * LIMB
GROWN, FLIPPED = layout.EXCESS_CARRY_OFFSET * (LIMB + 1), layout.EXCESS_CARRY_OFFSET * LIMB
assert MADE_UP * MADE_UP_MARK == BIAS
assert layout.MARKED == layout.EQUITY
assert (*layout.COUNTED, layout.APART[0]) == layout.EXCESS_CARRIES


def resolve(label: str) -> Forge | Implied:
    """A forgery that nothing but this constraint stops. Raises KeyError for a label without one."""
    return FORGERIES[label]


def over(edit: RowEdit) -> Forge:
    """Alice withdraws too much; the rows of her check are edited."""
    return partial(forged, withdraw_more(), on_rows(edit))


def settled(edit: RowEdit) -> RowEdit:
    """The edit, and what follows from the edited rows."""

    def whole(margin: Columns) -> None:
        edit(margin)
        settle(margin)

    return whole


# The order of rows.


def never_close(traces: Traces) -> None:
    """The quote is visited on the last row."""
    margin = traces["margin"]
    quote = margin.values[:, QUOTE_ROW].copy()
    margin.values[:] = 0
    margin.values[:, -1] = quote
    margin.used = margin.active
    rechain(traces)


def break_off(traces: Traces) -> None:
    """Nothing follows the visit of the quote, except what it hands over."""
    margin = traces["margin"]
    sums = (f"{s}{k}" for s in ("cash", "value", "required") for k in range(AMOUNT_LIMBS))
    kept = ("clock", "account", "borrow", "ratio", "cap", "moment", "strict", "judged", "visit", "mask", *sums)
    handed = {name: int(margin[name][ASSET_ROW]) for name in kept}
    margin.values[:, ASSET_ROW:] = 0
    put(margin, ASSET_ROW, **handed)
    rechain(traces)


def open_without_request(traces: Traces) -> None:
    """Runs that nobody asked for pass a made-up balance around, once round the times mod P, to Alice's own check."""
    margin = traces["margin"]
    quote_access = ("balance", QUOTE_ROW)
    rechain(traces, apart=[quote_access])
    put(margin, QUOTE_ROW, **made_up(MADE_UP))
    settle(margin)
    asked, step = visit_time(margin, QUOTE_ROW), P // RUNS
    times = [(asked + 1 + number * step) % P for number in range(RUNS)]
    for number, time in enumerate(times):
        row = CLOSING_ROW + 1 + 3 * number
        lonely_run(margin, row, time)
        for visit, name in product(range(2), ("market", "balance")):
            follow(traces, (name, row + visit), times[number - 1] + visit)
        if number == 0:
            follow(traces, ("balance", row), asked)
        solve_lonely_run(margin, row)
    follow(traces, quote_access, times[-1])
    margin.used += 3 * RUNS


def made_up(lots: int) -> dict[str, int]:
    """A balance record of so many lots, and of orders that make a long position come to GROWN or to -FLIPPED."""
    amount = dict(zip((f"balance{k}" for k in range(AMOUNT_LIMBS)), signed_limbs(lots), strict=True))
    return {**amount, "resting0": GROWN - MADE_UP, "resting1": FLIPPED + MADE_UP} if lots > 0 else amount


def lonely_run(margin: Columns, row: int, time: int) -> None:
    """A visit of the quote's leaves, as of a long position, that closes -1 times; one of a short position of the same
    size; and a row that closes."""
    account = int(margin["account"][QUOTE_ROW])
    put(margin, row - 1, instrument=-1)
    for visit, lots in enumerate((MADE_UP, -MADE_UP)):
        put(margin, row + visit, is_perpetual=1, account=account, instrument=visit, visit=time + visit)
        put(margin, row + visit, mark1=4 * LIMB, cap=1, **made_up(lots))
        set_position(margin, row + visit, MADE_UP, int(lots < 0))
    margin["is_closing"][row] = -1
    put(margin, row + 2, is_closing=1, account=account, visit=time + 2, cap=1)


def solve_lonely_run(margin: Columns, row: int) -> None:
    """Sums for which the ports of the first visit, as they stand, also close; and what follows from them."""
    cash = uncarried(margin, row, layout.SHORT, layout.SHORT_CARRIES)
    both = uncarried(margin, row, layout.EQUITY, layout.EQUITY_CARRIES)
    both[3] -= BIAS_TOP_LIMB
    start = {("cash", k): cash[k] for k in range(AMOUNT_LIMBS)}
    start |= {("value", k): both[k] - cash[k] for k in range(AMOUNT_LIMBS)}
    required = uncarried(margin, row, layout.REQUIRED, layout.REQUIRED_CARRIES)
    settle(margin, first=row, start=start | {("required", k): required[k] for k in range(AMOUNT_LIMBS)})


def uncarried(margin: Columns, row: int, numbers: tuple[int, ...], carry_numbers: tuple[int, ...]) -> list[int]:
    """The sums that have these limbs and carries."""
    found = [int(margin[f"port{number}"][row]) for number in numbers]
    carries = [0, *(int(margin[f"port{number}"][row]) - layout.SUM_CARRY_OFFSET for number in carry_numbers), 0]
    return [part + carries[k + 1] * LIMB - carries[k] for k, part in enumerate(found)]


def jump_in_time(column: str, first: int, step: str = "deposit_balance") -> Edit:
    """From a row on, the last check reads after that later step."""

    def edit(traces: Traces) -> None:
        margin = traces["margin"]
        ahead = later_clock(traces, step) - int(margin["clock"][first])
        end = first + int(np.argmax(margin["is_closing"][first : margin.used])) + 1
        margin[column][first:end] += ahead if column == "clock" else TIMES_PER_CLOCK * ahead
        rechain(traces)

    return edit


def read_the_future(name: str, step: str) -> Edit:
    """The visit of ETH takes what is written only later."""
    return lambda traces: rechain(traces, {(name, ASSET_ROW): TIMES_PER_CLOCK * later_clock(traces, step) + 1})


def later(edit: Edit, improve: Callable[[Operator], None] = deposit_later) -> Forge:
    """Alice withdraws too much; later something helps her, which her check finds."""
    return partial(forged, ask_and_improve(improve), edit, check=nobody)


def claim(bit: int, rows: int) -> Edit:
    """The first rows claim that an instrument is yet to be visited."""

    def edit(traces: Traces) -> None:
        traces["margin"]["mask"][:rows] += 1 << bit

    return edit


def same_again(traces: Traces) -> None:
    """Nothing lies between the visits of one instrument."""
    margin = traces["margin"]
    gaps = margin[f"port{layout.ID_GAP}"]
    gaps[: margin.used] = gaps[: margin.used].clip(0)


def no_borrow(rows: slice) -> RowEdit:
    """The borrow fraction is 0 on these rows."""

    def edit(margin: Columns) -> None:
        margin["borrow"][rows] = 0
        close(margin, CLOSING_ROW)

    return edit


def share_of_ratio(margin: Columns) -> None:
    """The share of the borrow fraction that the ratio on the quote's row makes, on all rows."""
    share(*divmod(int(margin["ratio"][QUOTE_ROW] * margin["weight0"][QUOTE_ROW]), RATIO_ONE))(margin)


def share(whole: int, remainder: int, rest: int | None = None) -> RowEdit:
    """This is said to be the share of the borrow fraction."""

    def edit(margin: Columns) -> None:
        numbers = [whole, remainder, RATIO_ONE - 1 - remainder if rest is None else rest]
        set_ports(margin, QUOTE_ROW, (layout.SHARE, layout.SHARE_REMAINDER, layout.SHARE_REST), numbers)
        margin["borrow"][ALL] = whole
        close(margin, CLOSING_ROW)

    return edit


def less_rounded_down(margin: Columns) -> None:
    """The remainder of the borrow fraction's share is larger than RATIO_ONE: it is as much as a limb holds."""
    product = int(margin["ratio"][QUOTE_ROW] * margin["weight0"][QUOTE_ROW])
    whole = -(-(product - LIMB + 1) // RATIO_ONE)
    share(whole, product - whole * RATIO_ONE, 0)(margin)


def another(column: str, value: int, rows: slice) -> RowEdit:
    """The ratio or the cap is another one on these rows."""

    def edit(margin: Columns) -> None:
        margin[column][rows] = value
        share_of_ratio(margin)
        close(margin, CLOSING_ROW)

    return edit


def over_the_cap(edit: RowEdit) -> Forge:
    """Alice, who has as much ETH as counts, borrows more than the venue allows; the rows of her check are edited."""
    return partial(forged, borrow_more, on_rows(edit), after(*FULL_HOLDING))


def shortfall(margin: Columns) -> int:
    """The high limbs of what the closing row says is owed."""
    size = from_limbs([int(margin[f"port{number}"][CLOSING_ROW]) for number in layout.SHORT[2:]])
    return int(margin["negative"][CLOSING_ROW]) * size


def not_over(margin: Columns) -> None:
    """The shortfall is said to be below the cap."""
    borrowed(margin, CLOSING_ROW, shortfall(margin), over=0)
    set_ports(margin, CLOSING_ROW, layout.CAP_DISTANCE, [0, 0])


def under_twice(margin: Columns) -> None:
    """Two stale prices are made up for by being over the cap -2 times."""
    borrowed(margin, CLOSING_ROW, shortfall(margin), over=-2)


def fail_in_the_end(margin: Columns) -> None:
    """The closing row fails, as nobody has asked."""
    margin["fails"][CLOSING_ROW] = 1
    close(margin, CLOSING_ROW)


# What a visit is worth.


def misread(limb: int, by: int) -> RowEdit:
    """The balance of an asset is divided as if that limb were more."""

    def edit(margin: Columns) -> None:
        balance, units = signed_balance(margin, ASSET_ROW) + by * LIMB**limb, int(margin["lot_units0"][ASSET_ROW])
        lots = min(balance // units, SIZE_MAX)
        set_asset(margin, ASSET_ROW, lots, (balance - lots * units) % units, balance, limb)

    return edit


def a_lot_unpacked(margin: Columns) -> None:
    """A whole lot of an asset counts as remainder, that is, not at all."""
    lots, units = lots_of(margin, ASSET_ROW, layout.COUNTED) - 1, int(margin["lot_units0"][ASSET_ROW])
    set_asset(margin, ASSET_ROW, lots, signed_balance(margin, ASSET_ROW) - lots * units)


def a_lot_beyond(margin: Columns) -> None:
    """A whole lot of an asset is beyond those that count, which are fewer than can."""
    lots, units = lots_of(margin, ASSET_ROW, layout.COUNTED), int(margin["lot_units0"][ASSET_ROW])
    set_asset(margin, ASSET_ROW, lots - 1, signed_balance(margin, ASSET_ROW) - lots * units)


def one_lot_more(margin: Columns) -> None:
    """A position is one lot larger than it is."""
    set_position(margin, PERPETUAL_ROW, lots_of(margin, PERPETUAL_ROW) + 1)


def long_not_short(margin: Columns) -> None:
    """A short position is read as if its limbs were those of a long one."""
    set_position(margin, PERPETUAL_ROW, LIMB * LIMB + signed_balance(margin, PERPETUAL_ROW), negative=0)


def uncounted(margin: Columns) -> None:
    """No lots of a position and of resting orders count."""
    count(margin, PERPETUAL_ROW, 0)


def never_flips(margin: Columns) -> None:
    """The orders of the position's side count, and not the others, which are more."""
    compare(margin, PERPETUAL_ROW, 0, 0)


def flip_by_three(margin: Columns) -> None:
    """The difference of the two sizes is five times a fifth, which counts three times only."""
    grown, flipped = sizes(margin, PERPETUAL_ROW)
    compare(margin, PERPETUAL_ROW, (flipped - grown) // 5, 3)


def on_other_ledger(act: Callable[[Operator], None], edit: RowEdit, ledger: Callable[[], Ledger]) -> Forge:
    """An act on that ledger, whose check is edited and settled."""
    return partial(forged, act, on_rows(settled(edit)), ledger)


def larger_product(name: str, row: int) -> Edits:
    """A product of a visit is larger than it should be, one equation at a time."""
    top = (layout.MARKED if name == "marked" else layout.WEIGHTED)[3]

    def raise_top(margin: Columns) -> None:
        margin[f"port{top}"][row] += 1

    return {
        f"{name} value, high carry is 0, 1 or 2": lambda margin: wrapping_product(margin, row, name),
        f"{name} value, limb 0": lambda margin: multiply(margin, row, name, low=5),
        f"{name} value, limb 1": lambda margin: multiply(margin, row, name, middle=5),
        f"{name} value, limbs 2 and 3": raise_top,
    }


def sums(more: int) -> Edits:
    """Every equation of the sums, the carried sums and the comparison. more: how much more a limb of a sum is."""
    found: Edits = {}
    for k in range(AMOUNT_LIMBS):
        for name, sign in (("cash", 1), ("value", 1), ("required", -1)):
            found[f"{name} limb {k} starts at 0"] = partial(settle, start={(name, k): sign * more})
            found[f"{name} limb {k} adds up"] = partial(settle, jump={(name, k): sign * more})
        for name in ("cash", "equity", "required"):
            found[f"{name} carried, limb {k}"] = partial(settle, dropped=(name, k))
        found[f"equity covers the requirement or not, limb {k}"] = partial(settle, dropped=("excess", k))
    return found


def owe_a_third(traces: Traces) -> None:
    """The shortfall is claimed to be a third, with a sign of -3."""
    close(traces["margin"], CLOSING_ROW, sign=-3)


_RUNS = (
    "A row that takes a request is visit number 1, and visits are counted while rows visit; so no row that follows a "
    "visit takes one. "
)
IMPLIED = {
    "is_quote is boolean": _RUNS
    + "So it is 0 on rows that follow, and its own row starts a check; there the other flags, 0 or 1 each, add up to 0,"
    " and at most one kind a row leaves 0 and 1. It is kept because the bound of a multiplicity rests on it.",
    "at most one kind a row": _RUNS
    + "A row that follows nothing can only be the quote's, and visiting is at most 1 there; so by induction the flags "
    "of a row that follows, 0 or 1 each, add up to 1. It is kept because the bounds of multiplicities rest on it.",
    "is_asset is boolean": _RUNS
    + "With -1 or less instead, either a visit that starts a check reads an asset's market record, so that the quote, "
    "whose kind no later row has, stays in the mask; or the closing row is also the one that takes the request, whose "
    "mask is not 0; or rows take accesses back (-1 visits) with a kind of record that nothing else has: they could "
    "only undo one another, in a cycle of times that goes round mod P, but their clocks are those of requests. It is "
    "kept because the bound of a multiplicity rests on it.",
    "is_perpetual is boolean": _RUNS
    + "With -1 beside an asset and the quote the visit reads a vault as the market record. That is a market with lots "
    "of its second limb, which is not 0, as a remainder is less than a lot, and is the funding index of what is read "
    "as balance: but an asset's is 0, and a perpetual's near FUNDING_START is no limb. With -1 beside the quote alone "
    "nothing is visited, and the row before takes back (-1 visits) what was left at the time of the request itself: "
    "there is one record of that time, and a visit takes two. Else it is as with is_asset. It is kept because the "
    "bound of a multiplicity rests on it.",
    "reports is boolean": "What is reported carries the clock of the request, of which there is one closing row; and "
    "it is taken once at that clock, or not at all. It is kept because the bound of a multiplicity rests on it.",
    "the first row starts a check": "Without it one run of rows may visit without a request. It changes no record, so"
    " it could only serve to pass records round mod P, from later to earlier times, which takes seven accesses of one"
    " leaf far apart in time; but a run has one clock, and instruments ascend, so that the same leaf comes again only"
    " after 2^17 visits. It is kept because any number of such runs would be a forgery (see is_closing).",
}
TOP_OF_THE_REQUIREMENT = ("required limb 3 starts at 0", "required limb 3 adds up", "required carried, limb 3")
FORGERIES: dict[str, Forge | Implied] = {
    "negative is boolean": partial(forged, owe_a_multiple_of_three, owe_a_third),
    **{label: Implied(reason) for label, reason in IMPLIED.items()},
    "is_closing is boolean": partial(forged, withdraw_more(), open_without_request),
    "the last row ends a check": partial(forged, withdraw_more(), never_close),
    "a visit leads to another or to closing": partial(forged, withdraw_more(), break_off),
    "clock is kept": later(jump_in_time("clock", ASSET_ROW)),
    "account is kept": partial(forged, withdraw_more(DAVE), rechain, check=of_eve),
    "failing is kept": over(fail_in_the_end),
    "borrow fraction is kept": over(no_borrow(slice(CLOSING_ROW, CLOSING_ROW + 1))),
    "visits start at 1": later(jump_in_time("visit", QUOTE_ROW)),
    "visits are counted": later(jump_in_time("visit", ASSET_ROW)),
    "instruments ascend": partial(forged, withdraw_more(BOB), same_again, check=only(USDC, *[ETH] * 7)),
    "the visited bit leaves the mask": partial(
        forged, withdraw_more(BOB), claim(BTC_PERP, 2), check=only(USDC, ETH, ETH_PERP)
    ),
    "no open instrument is left out": partial(
        forged, withdraw_more(BOB), claim(BTC_PERP, 4), check=only(USDC, ETH, ETH_PERP)
    ),
    "the balance was last written earlier": later(read_the_future("balance", "deposit_balance")),
    "the market was last written earlier": later(read_the_future("market", "price_market"), price_later),
    "borrow fraction of the tier": over(no_borrow(slice(0, CLOSING_ROW + 1))),
    "ratio of the borrow fraction": over(share(0, 0)),
    "ratio of the borrow fraction is rounded down": over(less_rounded_down),
    "ratio is kept": over(another("ratio", 0, END)),
    "ratio of the tier": over(another("ratio", 0, ALL)),
    "borrow cap is kept": over_the_cap(another("cap", layout.NO_CAP, END)),
    "borrow cap of the tier": over_the_cap(another("cap", layout.NO_CAP, ALL)),
    "as far over the borrow cap as said": over_the_cap(not_over),
    "over the borrow cap or not": old(under_twice),
    "size and sign of a position": over(settled(one_lot_more)),
    "high limbs of a position": partial(forged, withdraw_more(BOB), on_rows(settled(long_not_short))),
    "flipping is boolean": on_other_ledger(withdraw_more(FRANK), flip_by_three, with_orders),
    "grown and flipped position": on_other_ledger(withdraw_more(FRANK), never_flips, with_orders),
    "counted lots are those of the larger": over(settled(uncounted)),
    "remainder is less than a lot": turned_down(settled(a_lot_unpacked)),
    "whole lots, limb 0": over(settled(misread(0, LOT))),
    "whole lots, limb 1": over(settled(misread(1, LOT))),
    "whole lots, limb 2": over(settled(misread(2, 1))),
    "whole lots, limb 3": on_other_ledger(overdraw_ether, misread(3, 1), after(HUGE_VAULT)),
    "no lots are beyond unless the most count": turned_down(settled(a_lot_beyond)),
    **{label: over(settled(edit)) for label, edit in larger_product("marked", PERPETUAL_ROW).items()},
    **{label: over(settled(edit)) for label, edit in larger_product("weighted", ASSET_ROW).items()},
    **{label: over(edit) for label, edit in sums(2).items()},
    # Nobody's requirement is so large that its top limb could be less.
    **{label: turned_down(edit) for label, edit in sums(-2).items() if label in TOP_OF_THE_REQUIREMENT},
    **margin_moments.FORGERIES,
    "a check fails for a reason": over(unedited),
    "funding is settled": partial(forged, withdraw_one, on_rows(unedited), owing),
}
