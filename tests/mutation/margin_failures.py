"""The other direction: without a constraint of the margin table, a maker within its margin loses its order.

The two constraints that are necessary for this direction alone are shown so among those of the other.
"""

from collections.abc import Callable
from functools import partial

from circuits import margin as layout
from circuits.bounds import BORROW_MAX, CAPPED_BIT, LIMB, RATIO_ONE, TIME_MAX
from circuits.field import P
from circuits.records import Record, balance_index, market_index
from prover.traces.columns import Columns
from state.margin import Entry, open_entries
from state.transitions.price import SetPrice
from tests.batches import BTC_PERP, ETH, USDC
from tests.mutation.margin import (
    another,
    claim,
    jump_in_time,
    larger_product,
    misread,
    one_lot_more,
    read_the_future,
    settled,
    share,
    shortfall,
    sums,
)
from tests.mutation.margin_acts import (
    DAVE,
    FRANK,
    HOLDING_BEYOND,
    LATER,
    LOT,
    TIME,
    Edit,
    Operator,
    forged,
    on_the_edge,
    turn_down,
    turned_down,
    unedited,
)
from tests.mutation.margin_moments import a_bit_of_another_kind, ages, for_a_moment, read_as, said_to_matter
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
    set_ports,
    sizes,
)
from tests.mutation.rechain import rechain
from tests.mutation.stage import EVE
from tests.mutation.world import Forge

Check = Callable[[Operator, int, int], None]
HELD = (USDC, ETH, BTC_PERP)  # instruments of Frank, whose check comes first
PRICE = "price_market"  # the step that writes a price


def of_frank(*visited: tuple[int, int]) -> Check:
    """Check: of Frank these, account and instrument; of Eve as it is."""

    def check(f: Operator, row: int, account: int) -> None:
        if account == EVE:
            f.visit_late(EVE)
            return
        for holder, instrument in visited:
            f.visit(row, holder, instrument)

    return check


def later(edit: Edit, *early: int) -> Forge:
    """Eve buys what Frank asks for; he is said to lack margin, as his check finds that ETH has fallen since. Of `early`
    instruments it finds the balance at the time, of others the last one."""
    found: dict[int, Record] = {}
    eves: list[Entry] = []

    def check(f: Operator, row: int, account: int) -> None:
        if account == EVE:
            eves[:] = open_entries(f.memory.read, EVE)
        else:
            found.update({instrument: f.memory.read(balance_index(account, instrument)) for instrument in early})

    def act(f: Operator) -> None:
        turn_down(f)
        f.apply(SetPrice(ETH, 200_000, LATER))
        for instrument in HELD:
            balance = found.get(instrument, f.memory.read(balance_index(FRANK, instrument)))
            f.memory.visit(f.asked[FRANK], FRANK, instrument, balance, f.memory.read(market_index(instrument)))
        for entry in eves:
            f.memory.visit(f.asked[EVE], EVE, *entry)

    return partial(forged, act, edit, on_the_edge, check)


def pass_in_the_end(margin: Columns) -> None:
    """The closing row passes."""
    margin["fails"][CLOSING_ROW] = 0
    close(margin, CLOSING_ROW)


def more_borrowed(rows: slice) -> RowEdit:
    """The borrow fraction is the largest on these rows."""

    def edit(margin: Columns) -> None:
        margin["borrow"][rows] = BORROW_MAX
        close(margin, CLOSING_ROW)

    return edit


def uncapped(rows: slice) -> RowEdit:
    """On these rows the cap is 0, of which everybody owes as much."""

    def edit(margin: Columns) -> None:
        margin["cap"][rows] = 0
        borrowed(margin, CLOSING_ROW, shortfall(margin))

    return edit


def said_to_be_over(margin: Columns) -> None:
    """The shortfall is said to be above the cap."""
    borrowed(margin, CLOSING_ROW, shortfall(margin), over=1)
    set_ports(margin, CLOSING_ROW, layout.CAP_DISTANCE, [0, 0])


def over_in_part(margin: Columns) -> None:
    """The shortfall is above the cap by a fraction mod P, with which it is 0 above it."""
    below = shortfall(margin) - int(margin["cap"][CLOSING_ROW])
    borrowed(margin, CLOSING_ROW, shortfall(margin), over=(1 + below) * pow(1 + 2 * below, -1, P) % P)
    set_ports(margin, CLOSING_ROW, layout.CAP_DISTANCE, [0, 0])


def one_lot_counted(margin: Columns) -> None:
    """One lot more counts than the position can come to."""
    count(margin, PERPETUAL_ROW, max(sizes(margin, PERPETUAL_ROW)) + 1)


def far_apart(margin: Columns) -> None:
    """The orders of the other side are said to be more by a million lots."""
    compare(margin, PERPETUAL_ROW, 1_000_000, 1)


def read_as_late(moment: int, strict: int, judged: int = 0) -> RowEdit:
    """The request is split so, and with that moment both prices hold no more."""

    def edit(margin: Columns) -> None:
        read_as(moment, strict, judged)(margin)
        set_ports(margin, QUOTE_ROW, layout.MOMENT, [LIMB - 1, LIMB - 1])
        late = [moment - int(margin["valid"][row]) - 1 for row in (ASSET_ROW, PERPETUAL_ROW)]
        ages((1, 1), (late[0], late[1]))(margin)

    return edit


WITHOUT_ETHER = of_frank((FRANK, USDC), (FRANK, BTC_PERP))
WITH_DAVES_ETHER = of_frank((FRANK, USDC), (DAVE, ETH), (FRANK, BTC_PERP))  # who has less
FALSE_FAILURES: dict[str, Forge] = {
    "failing is kept": turned_down(pass_in_the_end),
    "borrow fraction is kept": turned_down(more_borrowed(slice(CLOSING_ROW, CLOSING_ROW + 1))),
    "borrow fraction of the tier": turned_down(more_borrowed(slice(0, CLOSING_ROW + 1))),
    "ratio of the borrow fraction": turned_down(share(BORROW_MAX, 0)),
    "ratio is kept": turned_down(another("ratio", RATIO_ONE + 1, END)),
    "ratio of the tier": turned_down(another("ratio", RATIO_ONE + 1, ALL)),
    "borrow cap is kept": turned_down(uncapped(END)),
    "borrow cap of the tier": turned_down(uncapped(ALL)),
    "over the borrow cap or not": turned_down(over_in_part),
    "as far over the borrow cap as said": turned_down(said_to_be_over),
    "clock is kept": later(jump_in_time("clock", ASSET_ROW, PRICE), USDC),
    "visits start at 1": later(jump_in_time("visit", QUOTE_ROW, PRICE)),
    "visits are counted": later(jump_in_time("visit", ASSET_ROW, PRICE), USDC),
    "the market was last written earlier": later(read_the_future("market", PRICE), USDC, BTC_PERP),
    "account is kept": partial(forged, turn_down, rechain, on_the_edge, WITH_DAVES_ETHER),
    "the visited bit leaves the mask": partial(forged, turn_down, claim(ETH, 1), on_the_edge, WITHOUT_ETHER),
    "no open instrument is left out": partial(forged, turn_down, claim(ETH, 3), on_the_edge, WITHOUT_ETHER),
    "size and sign of a position": turned_down(settled(one_lot_more)),
    "grown and flipped position": turned_down(settled(far_apart)),
    "counted lots are those of the larger": turned_down(settled(one_lot_counted)),
    "whole lots, limb 0": turned_down(settled(misread(0, -LOT))),
    "whole lots, limb 1": turned_down(settled(misread(1, -LOT))),
    "whole lots, limb 2": turned_down(settled(misread(2, -1))),
    "whole lots, limb 3": turned_down(settled(misread(3, -1)), partial(on_the_edge, *HOLDING_BEYOND)),
    **{label: turned_down(settled(edit)) for label, edit in larger_product("marked", PERPETUAL_ROW).items()},
    **{label: turned_down(settled(edit)) for label, edit in larger_product("weighted", PERPETUAL_ROW).items()},
    **{label: turned_down(edit) for label, edit in sums(-2).items()},
    "the moment is kept": turned_down(for_a_moment(TIME_MAX)),
    "the moment in range": turned_down(read_as_late(TIME + CAPPED_BIT, 0)),
    "strict is boolean": turned_down(read_as_late(TIME_MAX, 1 + (TIME - TIME_MAX) * pow(CAPPED_BIT, -1, P))),
    "judged is -1, 0 or 1": turned_down(read_as_late(TIME_MAX, 1, (TIME - TIME_MAX) * pow(2 * CAPPED_BIT, -1, P))),
    "stale is boolean": turned_down(a_bit_of_another_kind),
    "stale or not": turned_down(ages((1, 0), (0, 3_510))),
    "stale, or capped where that matters": turned_down(said_to_matter("unreliable", 1, 2)),
    "stale prices are counted from 0": turned_down(ages((0, 0), (3_511, 3_510), first=1)),
    "stale prices are counted": turned_down(ages((0, 0), (3_511, 3_510), jump=1)),
    "a check fails for a reason": turned_down(unedited),
}
