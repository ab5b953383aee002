"""Every labelled constraint of the execution table: a forgery that shows it to be necessary, or why it is implied."""

from collections.abc import Callable
from functools import cache

from circuits.steps import Step
from tests.mutation import (
    execution_accesses,
    execution_accounts,
    execution_acts,
    execution_cancels,
    execution_chains,
    execution_conversion_limbs,
    execution_conversions,
    execution_deleverage_checks,
    execution_deleverage_events,
    execution_deleveragings,
    execution_fairness,
    execution_freshness,
    execution_funding,
    execution_growth,
    execution_liquidations,
    execution_matches,
    execution_notionals,
    execution_order,
    execution_orders,
    execution_payments,
    execution_prices,
    execution_registers,
    execution_rules,
    execution_seen_events,
    execution_seizures,
    execution_settlements,
    execution_takeovers,
    execution_unsettled,
    execution_unwinding,
    execution_waterfall_chains,
    execution_zero_prices,
    last_row,
)
from tests.mutation.script import Script
from tests.mutation.world import Forge, Implied

TABLE = "execution"
FILES = (
    execution_accesses,
    execution_accounts,
    execution_acts,
    execution_cancels,
    execution_chains,
    execution_deleverage_checks,
    execution_deleverage_events,
    execution_deleveragings,
    execution_conversion_limbs,
    execution_conversions,
    execution_fairness,
    execution_freshness,
    execution_growth,
    execution_funding,
    execution_matches,
    execution_notionals,
    execution_order,
    execution_orders,
    execution_payments,
    execution_prices,
    execution_registers,
    execution_rules,
    execution_liquidations,
    execution_seen_events,
    execution_seizures,
    execution_settlements,
    execution_takeovers,
    execution_unsettled,
    execution_zero_prices,
    execution_unwinding,
    execution_waterfall_chains,
    last_row,
)


IMPLIED = {
    "at most one step a row": Implied(
        "Selectors are 0 or 1 by themselves, so a row with k > 1 of them takes k copies of one record off the memory "
        "bus. The time in the message is that of a single access, which must then have put k copies there, and so on "
        "back to the tree, which opens each leaf once. It is kept because the bounds of multiplicities, amounts and "
        "public messages rest on it before any bus is looked at."
    ),
}
_BOUNDS = " It is kept because the bounds of multiplicities rest on it."
_CHOICE = (
    "MATCH_HEAD, BEST_HEAD and END_HEADER add up to what leads to them, 0 or 1, and each demands its own index of an "
    "order's rows. "
)
_ROLE = (
    "END_HEADER demands a header of the row, and the other one that its element 0, the role, is the index of the next "
    "row, where no transition goes on."
)
IMPLIED |= {
    "is_match_head is boolean": Implied(
        _CHOICE + "So it is -1 beside a 1 of one of the others, on a row of another transition or an idle one. Beside "
        "BEST_HEAD nothing may change that could not without the two. " + _ROLE + _BOUNDS
    ),
    "is_end_header is boolean": Implied(
        _CHOICE
        + "So it is -1 beside a 1 of one of the others, on a row of another transition or an idle one. "
        + _ROLE
        + _BOUNDS
    ),
    "order_market: rests is boolean": Implied(
        "It is read where an order may rest and at its end. After BEST_ORDER `rests` is the selector of "
        "REST_PREDECESSOR, and 1 - rests the number of MATCH_HEAD, BEST_HEAD and END_HEADER, which are boolean: so it "
        "is 0 or 1, or two of those stand beside REST_PREDECESSOR -1 times. END_HEADER has another index than the "
        "others, and what MATCH_HEAD and BEST_HEAD read belongs to another list than what REST_PREDECESSOR reads. "
        "Without BEST_ORDER nothing is left, and nothing rests." + _BOUNDS
    ),
    "match_order: own is boolean": Implied(
        "It is 0 unless the order is the taker's own. Then a fill is impossible, because it would be one with itself, "
        "so that exactly one reason is left; and to skip the order is right." + _BOUNDS
    ),
    "match_order: expired is boolean": Implied(
        "The other reasons and `fails` are 0 or 1, and so is the sum of all: there are 1, 0 or -1 reasons to skip. "
        "With -1, FILL_HEADER comes twice and SKIP_HEADER -1 times, and the position stays as it is: a fill of "
        "nothing, which FILL_QUOTE refuses. With 0, expired = -1 makes 3x + 1 a distance of x = expiry - time, so "
        "x >= 0. With 1 it is 1, or the other reasons hold." + _BOUNDS
    ),
    "match_order: size limb 1 in range": Implied(
        "The buyer's and the seller's position (or one that fails, and back) change by its limbs, with either sign, "
        "and carries are at most LIMB and at least -8: so limb 1 lies within 10 LIMB of 0. Mod P the size is that of "
        "the rests, and no margin check reads a position that changes by P more or less; so both limbs are the "
        "size's. It is kept because the product's and the positions' integer bounds rest on it."
    ),
}
IMPLIED["cash_out_market: size limb 1 in range"] = Implied(
    "The position changes by it, with either sign, and carries are at most LIMB and at least -8: so it lies within 10 "
    "LIMB of 0. Since the position, at most SIZE_MAX lots, becomes 0 and limb 0 is in range, the two limbs are the "
    "position or its opposite. Below 0 they are none: the product's sums are then no less than -LIMB^2, which mod P is "
    "beyond 3 LIMB^2, all that its limbs and carries can be, and over the integers a mark of at least 1 leaves a "
    "product below 0. It is kept because the product's integer bounds rest on it."
)
_BESIDE = (
    "Take the first row on which it is neither 0 nor 1. There the others are 0 or 1, k of them 1, at most one of these "
    "in a transition under way; so it is -k or 1 - k. All steps of the row have one index and demand the same tag. "
)
_COUNTS = "The step raises element {} of the record, so no other step on the row keeps it: these add up, none cancels. "
_NOT_TAKEN = "Then the message is of kind {}, which nobody takes; and no row, whatever it combines, sends it. "
_SILENT = (
    "If the sum is 0, memory is never accessed again: no step follows an idle row. Nor can the batch's message be sent "
    "any more: its account, chain and instrument are 0, and with these only REGISTER_VENUE could cancel CLOSE_VENUE. "
)
_RIVAL = (
    "{} does not keep it, but wants the register `sequence` to be the {} count, and this step the {} one. The other "
    "steps that do not keep it are under way and publish nothing. "
)
_BESIDE_SEND = (
    "Beside SEND_CHAIN alone the sum is 0, and so is the number of messages; no step under way that leaves the count "
    "alone has a chain's leaf. "
)
_WHY = {
    Step.REGISTER_VENUE: _COUNTS.format(0)
    + "That leaves DEPOSIT_CHAIN or RECEIVE_CHAIN, which want different accounts, so not both. Its message is then of "
    "a chain that does not exist and is not taken back, as no "
    "step of a registration publishes; and steps under way on an amount, a new record or the rules that are settled, "
    "whose ids earlier rows have shown to be real, so that their index is not 0. ",
    Step.DEPOSIT_CHAIN: _COUNTS.format(0)
    + "RECEIVE_CHAIN wants the account IN_TRANSIT, and this step another one; the others that do not keep it publish "
    "nothing. "
    + _NOT_TAKEN.format("-1 or -2"),
    Step.WITHDRAW_CHAIN: _COUNTS.format(1)
    + _RIVAL.format("CLOSE_VENUE", "new", "old")
    + _BESIDE_SEND
    + _NOT_TAKEN.format("-2"),
    Step.CLOSE_VENUE: _COUNTS.format(1)
    + _RIVAL.format("WITHDRAW_CHAIN or SEND_CHAIN", "old", "new")
    + _NOT_TAKEN.format("-4"),
    Step.PRICE_PARAMETERS: _COUNTS.format(1)
    + "Of the first steps with this index, WITHDRAW_CHAIN and SEND_CHAIN leave it alone, but their message is of a "
    "chain or an instrument that does not exist; CLOSE_VENUE does, but wants the register `sequence` to be the new "
    "count, and this step the old one; CANCEL_HEADER does, but lowers element 3, which this step keeps, and of those "
    "under way that keep it too, only headers, with another tag, leave element 1 alone. So one under way does, and the "
    "sum is 0. "
    + _SILENT
    + "And it has not been sent before: nothing but closing follows closing. ",
    Step.ORDER_MARKET: "No message is ever taken back, because no step of an order publishes. If the sum is 1, the "
    "leaf is that of a perpetual. A step of a price, a settlement or a cash-out alone beside it makes it 0, so some "
    "step there counts a movement on a chain, whose message is of a chain that does not exist. "
    + _SILENT
    + "If it has been sent, no transition is under way; with ids that can be taken no publishing step has this index "
    "and tag, and REGISTER_VENUE raises what is kept here. ",
    Step.CLOSE_VAULT: "If the sum is 1, the leaf is a vault. A vault's step under way alone beside it makes it 0; of "
    "the first steps those that count a movement on a chain have such an index, with the instrument -1. "
    + _NOT_TAKEN.format("-1, -2 or -5")
    + _SILENT
    + "If it has been sent, what else is to be said has been too: with the sum 0 a row's message has 0 copies, or is "
    "of a negative kind, which nobody takes. ",
    Step.CANCEL_HEADER: "It demands another nonce and another number of orders, and of the steps that could stand "
    "beside it only END_HEADER, under way, lets both change; the others add up. So the sum is 0. " + _SILENT,
}
_SAME_MARKET = (
    "Of ORDER_MARKET, PAY_MARKET and SAMPLE_MARKET, which read the same leaf, two beside the third would make the next "
    "row at once a leaf of the market's and the head of its bids, as HEAD is kept; one alone makes the sum 0. "
)
_WHY |= {
    step: _SAME_MARKET + _WHY[Step.ORDER_MARKET].replace("of an order ", "of it ")
    for step in (Step.ORDER_MARKET, Step.PAY_MARKET, Step.SAMPLE_MARKET)
}
_WHY[Step.APPLY_FUNDING] = (
    _COUNTS.format(4)
    + "No other first step leaves it alone. So one under way is alone beside it, and the sum is 0. "
    + _SILENT
    + "And it has not been sent before: then nothing is under way. "
)
_ACT = _COUNTS.format(3) + (
    "None under way that leaves it alone has the venue's leaf: earlier rows have shown its ids to be real, or it "
    "demands a header or a trader there. That leaves the other kinds of acts. Of SET_VENUE, ANNOUNCE_VENUE and "
    "ENACT_VENUE together the message is of kind 11, 9 or 7: the account is 0 or the leaf that is to change, and the "
    "next row would be at once that leaf and the slot of what is pending. SETTLE_VENUE beside ANNOUNCE_VENUE or "
    "ENACT_VENUE makes the next row at once the slot of rules and that one. Else the sum is 0. "
)
_WHY[Step.SEIZE_HEADER] = (
    "It keeps its record, as nothing opens, and demands a header: every other first step changes an element or demands "
    "another tag. So one under way is alone beside it, and the sum is 0. "
    + _SILENT
    + "And it has not been sent before: then nothing is under way. "
)
_WHY[Step.CASH_OUT_RULES] = (
    "It keeps all elements and demands the tag SETTLED: every other first step raises an element or demands another "
    "tag. So one under way is alone beside it, and the sum is 0. "
    + _SILENT
    + "And it has not been sent before: then nothing is under way. "
)
_UNDER_WAY = (
    "No step under way that leaves the count alone has a chain's leaf: amounts, headers and new records have ids that "
    "earlier rows have shown to be real, and SET_RECORD changes the status alone. "
)
_WHY |= dict.fromkeys((Step.SET_VENUE, Step.ANNOUNCE_VENUE, Step.ENACT_VENUE, Step.SETTLE_VENUE), _ACT + _SILENT)
_WHY[Step.SEND_CHAIN] = (
    _COUNTS.format(1)
    + _UNDER_WAY
    + "CLOSE_VENUE wants the register `sequence` to be the new count, and this step the old one. That leaves "
    "WITHDRAW_CHAIN, with which the sum is 0 and so is the number of messages. "
    + _SILENT
)
_WHY[Step.RECEIVE_CHAIN] = (
    _COUNTS.format(0)
    + "DEPOSIT_CHAIN wants another account than IN_TRANSIT, and REGISTER_VENUE the next one, which is a trader's. "
    "Those under way publish nothing. " + _NOT_TAKEN.format("-1")
)
IMPLIED |= {
    "a seizure leads to what it is for": Implied(
        "A check by itself changes nothing. It is kept so that rows are whole transitions."
    ),
}
IMPLIED |= {
    f"is_{step.name.lower()} is boolean": Implied(
        _BESIDE + why + "It is kept because the bounds of multiplicities rest on it."
    )
    for step, why in _WHY.items()
}


IMPLIED |= {
    "is_take_header is boolean": Implied(
        _BESIDE + "It keeps the nonce, and demands a trader's header. Of the first steps CANCEL_HEADER demands one "
        "too, but that the number of orders changes, and no other step there lets it. SEIZE_HEADER wants another tier; "
        "beside it the sum is 0, and so it is beside any one under way that has a header's index. " + _SILENT + _BOUNDS
    ),
    "the first row is no convert_market": Implied(
        "It demands `forced` to be 1, and in the first row that is 0 unless the row is a seizure. It is kept because "
        "the selectors of later steps are 0 there."
    ),
    "is_convert_market is boolean": Implied(
        "It and CANCEL_HEADER, which is boolean, add up to 1 after a seizure, and to 0 elsewhere, because it demands "
        "`forced` to be 1. So it is 0, 1, or -1 beside CANCEL_HEADER; that one demands a trader, whose element 0 is 1, "
        "and this one an asset, whose element 0 is another bit." + _BOUNDS
    ),
    "is_fund_header is boolean": Implied(
        "After a balance that is taken it and TAKE_MARKET add up to 1, so neither is 0 unless it is boolean; but its "
        "index is that of the fund's header, which has another tag than TAKE_MARKET demands. After a swap it is "
        "`forced`, and -1 or 1 as the steps of the row add up to 0 or 1; -1 only beside a first step with the index of "
        "the fund's header: these demand another tag, or a trader." + _BOUNDS
    ),
}
IMPLIED["deleverage_rules: no more than the open interest"] = Implied(
    "Each side's positions come to the open interest at most, as circuits/transitions/deleverage.py shows: so a "
    "position is never more. It is kept because it says at once that no share is more than a position."
)

_NOT_READ = (
    "What is read there serves no purpose but the step: mark and requirement are those of ZERO_PRICE, which demands "
    "the index again. {}It is kept so that an access says what it is of."
)
IMPLIED |= {
    "zero_market: index": Implied(_NOT_READ.format("")),
    "zero_market: kind of record": Implied(
        _NOT_READ.format(
            "That it is a perpetual's, ORDER_MARKET says of a liquidation; of a deleveraging DELEVERAGE_RULES does, as "
            "only a perpetual that is not settled has such rules. "
        )
    ),
    "zero_market: carry is boolean": Implied(
        "It is a port, so no more than a limb. Then the high half does not wrap, and the low one only downwards: mod P "
        "its left side, which is at least 1 and less than 2 LIMB^2, is R's low half and the carry times LIMB^2. So "
        "remainder + rest + 1 is R less a multiple of P, and the remainder is below R all the more. It is kept because "
        "the integer bounds rest on it."
    ),
    "the first row is no zero_market": Implied(
        "It demands `forced` to be 1, and in the first row that is 0 unless the row is a seizure or a limit. It is "
        "kept because the selectors of later steps are 0 there."
    ),
}


IMPLIED |= {
    "is_unwind_limit is boolean": Implied(
        _BESIDE + "It wants the register `whole` to be 1 and LIQUIDATE_LIMIT 0, so the next row is ORDER_MARKET and "
        "reads a perpetual. Another first step on the row leads to that leaf too, or to none; closing does not. Those "
        "that lead to a perpetual's leaf have the index of another record of the instrument, or of a trader's header, "
        "and the account here is the fund. So the sum is 0. " + _SILENT + _BOUNDS
    ),
    "unwind_limit: the fund unwinds": Implied(
        "END_HEADER, to which the register is kept, demands of a forced order the role TRADER + whole * (SYSTEM - "
        "TRADER), and the account is the fund's: so it is 1. It is kept because the tier of the check rests on it "
        "before the end."
    ),
    "liquidate_limit: the order is of the account": Implied(
        "END_HEADER, to which the register is kept, demands of a forced order the role TRADER + whole * (SYSTEM - "
        "TRADER), and the seizure has found the account to be a trader: so it is 0. It is kept because the tier of the "
        "check rests on it before the end."
    ),
    "is_zero_market is boolean": Implied(
        _BESIDE + "It demands `forced` to be 1 and a perpetual, CANCEL_HEADER and CONVERT_MARKET other tags. So after "
        "a seizure it is 1, and after DELEVERAGE_HEADER too if a position is closed; if none is, what it says of "
        "CLOSES is wrong. After a limit ORDER_MARKET is 1 beside it, and elsewhere, where it and that one add up to 0, "
        "too: the next row would be at once ORDER_RULES and ZERO_PRICE, which have different indices, and if there is "
        "none the batch is not closed. In the first row UNWIND_LIMIT is 1, and the next row is ORDER_MARKET; no other "
        "first step with this index leads to such a leaf. So the sum is 0. " + _SILENT + _BOUNDS
    ),
    "zero_market: what is forced": Implied(
        "After SEIZE_HEADER and DELEVERAGE_HEADER it is 1 because what is forced follows a seizure; the first row is "
        "no ZERO_MARKET, and a limit leads to its order. After any other row it is 0, by the same constraint, and so "
        "is CLOSES: LIQUIDATE_LIMIT follows, then ORDER_MARKET, where it is 1, though it is kept up to there. Before "
        "that nothing changes. It is kept because the selector's being 0 or 1 rests on it."
    ),
    "unwind_limit: no fee": Implied(
        "A forced taker pays its fee to the insurance fund, and the taker is the fund: whatever the rate is, it gets "
        "back what it paid, and its check, which comes in between, is only harder. It is kept because the bound of "
        "the rate rests on it."
    ),
    "fill_quote: whether the check fails is boolean": Implied(
        "The margin table takes no other request: where a price is stale or too much is borrowed a check fails, and "
        "else it fails exactly if its equity lacks something, which is 0 or 1. It is kept because the table's bounds "
        "rest on it."
    ),
    "a limit leads to its order": Implied(
        "A limit by itself changes nothing. CANCEL_HEADER could follow it, of a trader none of whose orders rests; "
        "CONVERT_MARKET only of the fund, as a liquidation's instrument is a perpetual and not an asset, and what the "
        "fund buys of itself it had before; ZERO_MARKET only if LIQUIDATE_LIMIT follows, which the fund's `whole` "
        "forbids, and of an account the limit is kept and was within its zero price. It is kept so that rows are whole "
        "transitions."
    ),
}

IMPLIED |= {
    "event_balance: concern is boolean": Implied(
        "In the next row PAY_BASE stands `concern` times and EVENT_RECORD 1 - `concern` times, and nothing else. If "
        "neither is 0, neither are SWAP_QUOTE and EVENT_HEADER a row later, which demand different records of the "
        "account. It is kept because the bound of the lots rests on it."
    ),
    "event_record: kind of record": Implied(
        "The number is what the account's header counts: that begins with what the venue counts and rises by one here "
        "alone. So the leaf is an event or the next one, which is empty; but no remainder is below an open interest "
        "of 0, and the header does not pass what the venue counts. It is kept so that an access says what it is of."
    ),
    "event_header: register whole": Implied(
        "The swap alone reads it, which demands more if it is not 0: that nothing of the position is left. It is kept "
        "because what a swap reads is shown before it begins."
    ),
    "event_header: then the swap is the last one": Implied(
        "With another value than 0, c, EVENT_RECORD stands c times in the row after the swap, and all registers are "
        "kept. No step beside it has an event's index with these, or with those of a public message; so c is 1. "
        "EVENT_HEADER follows, of the same account and number, which its header has counted already. It is kept "
        "because the selectors of later steps are 0 or 1 by it."
    ),
}


IMPLIED |= execution_deleverage_checks.IMPLIED


@cache
def forgeries() -> dict[str, Callable[[], Script]]:
    """The scripts of all files by label. Raises ValueError if two files claim a label."""
    table: dict[str, Callable[[], Script]] = {}
    for file in FILES:
        scripts = file.scripts()
        if claimed := table.keys() & scripts.keys():
            raise ValueError(f"{file.__name__} forges {sorted(claimed)} once more")
        table |= scripts
    return table


def resolve(label: str) -> Forge | Implied:
    """What there is to say about a labelled constraint. Raises KeyError for a label of which nobody has thought."""
    if label in IMPLIED:
        return IMPLIED[label]
    script = forgeries()[label]
    return lambda: script()()
