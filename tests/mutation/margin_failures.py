"""The other direction: without a constraint of the margin table, a maker within its margin loses its order."""

from collections.abc import Callable
from functools import partial

from circuits import margin as layout
from circuits.bounds import BORROW_MAX
from circuits.records import Record, balance_index, market_index
from prover.traces.columns import Columns
from state.transitions.price import SetPrice
from tests.batches import BTC_PERP, ETH, USDC
from tests.mutation.margin import (
    ASSET_ROW,
    CLOSING_ROW,
    PERPETUAL_ROW,
    QUOTE_ROW,
    RowEdit,
    claim,
    jump_in_time,
    larger_product,
    more_lots,
    on_rows,
    one_lot_more,
    read_the_future,
    settled,
    sums,
)
from tests.mutation.margin_acts import DAVE, FRANK, LATER, Edit, Operator, forged, on_the_edge, turn_down
from tests.mutation.margin_rows import (
    close,
    compare,
    count,
    lots_of,
    set_asset,
    signed_balance,
    sizes,
)
from tests.mutation.rechain import rechain
from tests.mutation.world import Forge

Check = Callable[[Operator, int, int], None]
HELD = (USDC, ETH, BTC_PERP)  # instruments of Frank, and of Eve once she has bought
LAST, PRICE = 4, "price_market"  # rows before the second check; the step that writes a price


def turned_down(edit: RowEdit) -> Forge:
    """Frank is within his margin, just so, after his ask has traded; but his check is said to fail, and edited."""
    return partial(forged, turn_down, on_rows(edit), on_the_edge)


def of_frank(*visited: tuple[int, int]) -> Check:
    """Check: of Frank these, account and instrument; of others all that they hold."""

    def check(f: Operator, row: int, account: int) -> None:
        for holder, instrument in visited if account == FRANK else [(account, i) for i in HELD]:
            f.visit(row, holder, instrument)

    return check


def later(edit: Edit, *early: int) -> Forge:
    """Eve buys what Frank asks for; he is said to lack margin, as his check finds that ETH has fallen since. Of `early`
    instruments it finds the balance at the time, of others the last one."""
    found: dict[int, Record] = {}

    def check(f: Operator, row: int, account: int) -> None:
        if account == FRANK:
            found.update({instrument: f.memory.read(balance_index(FRANK, instrument)) for instrument in early})
        else:
            of_frank()(f, row, account)

    def act(f: Operator) -> None:
        turn_down(f)
        f.apply(SetPrice(ETH, 200_000, LATER))
        for instrument in HELD:
            balance = found.get(instrument, f.memory.read(balance_index(FRANK, instrument)))
            f.memory.visit(f.asked[FRANK], FRANK, instrument, balance, f.memory.read(market_index(instrument)))

    return partial(forged, act, edit, on_the_edge, check)


def pass_in_the_end(margin: Columns) -> None:
    """The closing row passes."""
    margin["fails"][CLOSING_ROW] = 0
    close(margin, CLOSING_ROW)


def a_lot_unpacked(margin: Columns) -> None:
    """A whole lot of an asset counts as remainder, that is, not at all."""
    lots, units = lots_of(margin, ASSET_ROW, layout.COUNTED), int(margin["lot_units0"][ASSET_ROW])
    set_asset(margin, ASSET_ROW, lots - 1, signed_balance(margin, ASSET_ROW) - (lots - 1) * units)


def more_borrowed(rows: slice) -> RowEdit:
    """The borrow fraction is the largest on these rows."""

    def edit(margin: Columns) -> None:
        margin["borrow"][rows] = BORROW_MAX
        close(margin, CLOSING_ROW)

    return edit


def one_lot_counted(margin: Columns) -> None:
    """One lot more counts than the position can come to."""
    count(margin, PERPETUAL_ROW, max(sizes(margin, PERPETUAL_ROW)) + 1)


def far_apart(margin: Columns) -> None:
    """The orders of the other side are said to be more by a million lots."""
    compare(margin, PERPETUAL_ROW, 1_000_000, 1)


WITHOUT_ETHER = of_frank((FRANK, USDC), (FRANK, BTC_PERP))
WITH_DAVES_ETHER = of_frank((FRANK, USDC), (DAVE, ETH), (FRANK, BTC_PERP))  # who has less
FALSE_FAILURES: dict[str, Forge] = {
    "failing is kept": turned_down(pass_in_the_end),
    "borrow fraction is kept": turned_down(more_borrowed(slice(CLOSING_ROW, CLOSING_ROW + 1))),
    "the quote's weight is the borrow fraction": turned_down(more_borrowed(slice(0, CLOSING_ROW + 1))),
    "clock is kept": later(jump_in_time("clock", LAST + ASSET_ROW, PRICE), USDC),
    "visits start at 1": later(jump_in_time("visit", LAST + QUOTE_ROW, PRICE)),
    "visits are counted": later(jump_in_time("visit", LAST + ASSET_ROW, PRICE), USDC),
    "the market was last written earlier": later(read_the_future("market", PRICE, LAST + ASSET_ROW), USDC, BTC_PERP),
    "account is kept": partial(forged, turn_down, rechain, on_the_edge, WITH_DAVES_ETHER),
    "the visited bit leaves the mask": partial(forged, turn_down, claim(ETH, 1), on_the_edge, WITHOUT_ETHER),
    "no open instrument is left out": partial(forged, turn_down, claim(ETH, 3), on_the_edge, WITHOUT_ETHER),
    "size and sign of a position": turned_down(settled(one_lot_more)),
    "grown and flipped position": turned_down(settled(far_apart)),
    "counted lots are those of the larger": turned_down(settled(one_lot_counted)),
    "remainder is less than a lot": turned_down(settled(a_lot_unpacked)),
    "whole lots, low limb": turned_down(settled(more_lots(0, -1))),
    "whole lots, high limbs": turned_down(settled(more_lots(1, -1))),
    **{label: turned_down(settled(edit)) for label, edit in larger_product("marked", PERPETUAL_ROW).items()},
    **{label: turned_down(settled(edit)) for label, edit in larger_product("weighted", PERPETUAL_ROW).items()},
    **{label: turned_down(edit) for label, edit in sums(-2).items()},
}
