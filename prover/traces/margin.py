"""The margin table's columns: the visits of every check, then its closing row."""

from collections.abc import Mapping

import numpy as np

from circuits import margin as layout
from circuits.air import Table
from circuits.bounds import (
    AMOUNT_LIMBS,
    BIAS,
    BIAS_TOP_LIMB,
    CAPPED_BIT,
    LIMB,
    LIMB_BITS,
    RATIO_ONE,
    SIZE_MAX,
    TIMES_PER_CLOCK,
)
from circuits.buses import Tier
from circuits.field import P
from circuits.records import (
    BALANCE_ASKS,
    BALANCE_BIDS,
    BALANCE_FUNDING,
    MARKET_BIT,
    MARKET_LOT_UNITS,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    QUOTE_BORROW,
    QUOTE_BORROW_CAP,
    QUOTE_CLOSE_OUT,
    QUOTE_MAINTENANCE,
    RECORD_SIZE,
    TAG,
    Tag,
)
from circuits.witness import MarginVisits, Witness
from prover.traces.columns import Columns, Integers, integer_of, inverses, limbs_of, product_limbs
from prover.traces.memory import Timeline

REQUESTED = ("fails", "moment", "tier")


class MarginTrace:
    """Columns of the margin table; `rows` are those of the visits, `closing` those of the closing rows. requests:
    of each execution row the registers `REQUESTED`."""

    def __init__(
        self, table: Table, witness: Witness, times: Timeline, requests: Mapping[str, Integers], random_rows: int
    ) -> None:
        visits = witness.visits
        asked = _integers(visits, "row")
        first = times.visit_number == 1
        check = np.cumsum(first) - 1
        self.rows = np.arange(len(asked), dtype=np.int64) + check
        last = np.append(first[1:], True) if len(asked) else first
        self.closing = self.rows[last] + 1
        self.first, self.last, self.check = first, last, check
        self.balance = _integers(visits, "balance").reshape(-1, RECORD_SIZE).T
        self.market = _integers(visits, "market").reshape(-1, RECORD_SIZE).T
        self.columns = Columns(table, len(asked) + len(self.closing), random_rows)
        self._identify(witness, asked, times, requests["fails"][asked])
        self._tier(requests["tier"][asked[first]])
        self._read(times)
        self._age(requests["moment"][asked])

    def set(self, name: str, values: Integers | int) -> None:
        """Set a column on all visits."""
        self.columns[name][self.rows] = values

    def ports(self, numbers: tuple[int, ...], values: list[Integers], rows: Integers) -> None:
        """Set ports on rows."""
        for number, value in zip(numbers, values, strict=True):
            self.columns[f"port{number}"][rows] = value

    def _identify(self, witness: Witness, asked: Integers, times: Timeline, fails: Integers) -> None:
        instrument, account = _integers(witness.visits, "instrument"), _integers(witness.visits, "account")
        for name, values in (
            ("clock", asked + 1),
            ("account", account),
            ("instrument", instrument),
            ("visit", times.visit_number),
        ):
            self.set(name, values)
        for name, values in (("clock", asked + 1), ("account", account), ("fails", fails)):
            self.columns[name][self.closing] = values[self.last]
        self.set("fails", fails)
        self.columns["visit"][self.closing] = times.visit_number[self.last] + 1
        tag, bit = self.market[TAG], self.market[MARKET_BIT]
        for name, kind in (("quote", Tag.QUOTE), ("asset", Tag.ASSET), ("perpetual", Tag.PERPETUAL)):
            self.set(f"is_{name}", tag == int(kind))
        self.columns["is_closing"][self.closing] = 1
        self.set("mask", self._per_check(bit)[self.check] - self._before(bit))
        gap = np.where(self.first, 0, instrument - np.roll(instrument, 1) - 1)
        self.columns[f"port{layout.ID_GAP}"][self.rows] = gap

    def _tier(self, tier: Integers) -> None:
        """tier: of each check."""
        quote = self.market[:, self.first]
        self.ports(layout.TIER, [tier & 1, tier >> 1], self.rows[self.first])
        ratios = [np.full_like(tier, RATIO_ONE), quote[QUOTE_MAINTENANCE], quote[QUOTE_CLOSE_OUT], np.zeros_like(tier)]
        ratio = np.choose(tier, ratios)
        share, remainder = np.divmod(ratio * quote[QUOTE_BORROW], RATIO_ONE)
        numbers = (layout.SHARE, layout.SHARE_REMAINDER, layout.SHARE_REST)
        self.ports(numbers, [share, remainder, RATIO_ONE - 1 - remainder], self.rows[self.first])
        for name, values in (
            ("ratio", ratio),
            ("borrow", share),
            ("cap", np.where(tier == int(Tier.INITIAL), quote[QUOTE_BORROW_CAP], layout.NO_CAP)),
        ):
            self.set(name, values[self.check])
            self.columns[name][self.closing] = values

    def _read(self, times: Timeline) -> None:
        for k in range(AMOUNT_LIMBS):
            self.set(f"balance{k}", self.balance[k])
        self.set("funding", self.balance[BALANCE_FUNDING])
        for k, position in enumerate((BALANCE_BIDS, BALANCE_ASKS)):
            self.set(f"resting{k}", self.balance[position])
        for name, position in (
            ("bit", MARKET_BIT),
            ("lot_units0", MARKET_LOT_UNITS),
            ("mark0", MARKET_MARK),
            ("mark1", MARKET_MARK + 1),
            ("weight0", MARKET_WEIGHT),
            ("weight1", MARKET_WEIGHT + 1),
            ("valid", MARKET_VALID),
        ):
            self.set(name, self.market[position])
        time = self.columns["clock"][self.rows] * TIMES_PER_CLOCK + times.visit_number
        for name, previous, ports in (
            ("balance", times.balance_previous, layout.BALANCE_GAP),
            ("market", times.market_previous, layout.MARKET_GAP),
        ):
            self.set(f"{name}_previous", previous)
            self.ports(ports, limbs_of(time - previous - 1, 2), self.rows)

    def _age(self, moment: Integers) -> None:
        """Which prices are stale, and by how much they are or are not."""
        priced = self.market[TAG] != int(Tag.QUOTE)
        mode, moment = np.divmod(np.where(moment < 4 * CAPPED_BIT, moment, moment - P), CAPPED_BIT)
        judged, strict = np.divmod(mode, 2)  # -1 is 2 * -1 + 1
        valid, capped = self.market[MARKET_VALID] % CAPPED_BIT, self.market[MARKET_VALID] // CAPPED_BIT
        up, down = (priced * (capped == times) for times in (1, 2))
        short = (self.market[TAG] == int(Tag.PERPETUAL)) & (self.balance[AMOUNT_LIMBS - 1] < BIAS_TOP_LIMB)
        stale = (priced & (valid < moment)).astype(np.int64)
        distance = np.where(stale, moment - valid - 1, valid - moment)
        for name, values in (("moment", moment), ("strict", strict), ("judged", judged)):
            self.set(name, values)
            self.columns[name][self.closing] = values[self.last]
        self.ports(layout.MOMENT, limbs_of(moment[self.first], 2), self.rows[self.first])
        self.ports(layout.LAST_SECOND, limbs_of(valid[priced], 2), self.rows[priced])
        self.ports(layout.CAPPED, [up[priced], down[priced]], self.rows[priced])
        self.set("stale", stale)
        self.ports(layout.VALIDITY, limbs_of(np.where(priced, distance, 0), 2), self.rows)
        unreliable = stale + strict * (up + down) + judged * np.where(short, down, up)
        self.set("unreliable", unreliable)
        self.unreliable = unreliable

    def count_stale(self, lots: Integers) -> None:
        """How many prices of each check are stale on which something depends; lots: those that count."""
        priced = self.market[TAG] != int(Tag.QUOTE)
        low, high = limbs_of(lots, 2)
        self.set("lots_inverse", np.where(priced, inverses(low + high), 0))
        counted = np.where(lots > 0, self.unreliable, 0)
        self.set("stales", self._before(counted))
        self.columns["stales"][self.closing] = self._per_check(counted)

    def _per_check(self, values: Integers) -> Integers:
        """The sum of the values of each check."""
        totals: Integers = np.zeros(len(self.closing), dtype=np.int64)
        np.add.at(totals, self.check, values)
        return totals

    def _before(self, values: Integers) -> Integers:
        """For each visit the sum of the values of the earlier visits of its check."""
        running = np.cumsum(values) - values
        return running - running[self.first][self.check] if len(values) else values

    def accumulate(self, name: str, parts: list[Integers]) -> Integers:
        """Fill the four columns of a running sum; returns the limb sums of each check, shape (4, checks)."""
        sums = []
        for k, part in enumerate(parts):
            self.set(f"{name}{k}", self._before(part))
            totals = self._per_check(part)
            self.columns[f"{name}{k}"][self.closing] = totals
            sums.append(totals)
        return np.array(sums)


def _integers(visits: MarginVisits, name: str) -> Integers:
    return np.frombuffer(getattr(visits, name), np.uint32).astype(np.int64)


def margin_columns(
    table: Table, witness: Witness, times: Timeline, requests: Mapping[str, Integers], random_rows: int
) -> Columns:
    """The columns of the margin table for a batch; requests: the registers `REQUESTED` of the execution table."""
    trace = MarginTrace(table, witness, times, requests, random_rows)
    if len(trace.rows):
        _closing(trace, *_visits(trace))
    return trace.columns


def _visits(trace: MarginTrace) -> tuple[Integers, Integers, Integers]:
    """Lots, products and contributions; returns the limb sums of cash, value and requirement of each check."""
    tag, rows = trace.market[TAG], trace.rows
    quote, asset, perpetual = (tag == int(kind) for kind in (Tag.QUOTE, Tag.ASSET, Tag.PERPETUAL))
    amount = integer_of(trace.balance[:AMOUNT_LIMBS]) - BIAS
    units = np.maximum(trace.market[MARKET_LOT_UNITS], 1)
    negative = (perpetual & (amount < 0)).astype(np.int64)
    lots = np.where(perpetual, np.abs(amount), np.where(asset, np.minimum(amount // units, SIZE_MAX), 0))
    trace.set("negative", negative)
    trace.ports(layout.LOTS, limbs_of(lots[~quote], 2), rows[~quote])  # the quote's hold the tier
    bids, asks = trace.balance[BALANCE_BIDS], trace.balance[BALANCE_ASKS]
    same = np.where(negative, asks, bids)
    grown, flipped = lots + same, bids + asks - same - lots
    counted = np.where(perpetual, np.maximum(grown, flipped), lots)
    trace.ports(layout.COUNTED, limbs_of(counted, 2), rows)
    trace.count_stale(counted)
    trace.ports(layout.APART, apart_limbs(np.where(perpetual, np.abs(grown - flipped), 0)), rows)
    trace.ports((layout.FLIPS,), [(perpetual & (flipped > grown)).astype(np.int64)], rows)
    mark, weight = (integer_of(trace.market[at : at + 2]) for at in (MARKET_MARK, MARKET_WEIGHT))
    marked = _product(trace, lots, np.where(perpetual, mark, 0), layout.MARKED, layout.MARKED_CARRIES, "high_carry0")
    weighted = _product(
        trace, counted, np.where(quote, 0, weight), layout.WEIGHTED, layout.WEIGHTED_CARRIES, "high_carry1"
    )
    _whole_lots(trace, asset, amount, lots, units)
    bias = [0] * (AMOUNT_LIMBS - 1) + [BIAS_TOP_LIMB]
    cash = [
        np.where(quote, trace.balance[k] - bias[k], np.where(perpetual, (1 - 2 * negative) * marked[k], 0))
        for k in range(AMOUNT_LIMBS)
    ]
    value, required = ([np.where(kind, part, 0) for part in weighted] for kind in (asset, perpetual))
    return trace.accumulate("cash", cash), trace.accumulate("value", value), trace.accumulate("required", required)


def _whole_lots(trace: MarginTrace, asset: Integers, amount: Integers, lots: Integers, units: Integers) -> None:
    """The division of an asset's balance, and what of it is beyond SIZE_MAX lots."""
    rows, amount, lots, units = trace.rows[asset], amount[asset], lots[asset], units[asset]
    rest = amount - lots * units
    remainder = np.where(rest < units, rest, 0)
    beyond = limbs_of(rest - remainder, AMOUNT_LIMBS)
    trace.ports((layout.REMAINDER, layout.REMAINDER_REST), [remainder, units - 1 - remainder], rows)
    trace.ports(layout.BEYOND, beyond, rows)
    low, high = limbs_of(lots, 2)
    carry = np.zeros_like(amount)
    for k, part in enumerate((low * units + remainder, high * units, np.zeros_like(amount))):
        carry = (part + beyond[k] + carry - trace.balance[k][asset]) >> LIMB_BITS
        trace.ports(layout.LOT_CARRIES[k : k + 1], [carry], rows)


def apart_limbs(values: Integers) -> list[Integers]:
    """The three limbs that make the values, 0 .. 2 * SIZE_MAX, with the weights APART_WEIGHTS."""
    far = np.where(values > SIZE_MAX, LIMB - 1, 0)
    return [*limbs_of(values - far * layout.APART_WEIGHTS[2], 2), far]


def _product(
    trace: MarginTrace, a: Integers, b: Integers, ports: tuple[int, ...], carry_ports: tuple[int, ...], high_column: str
) -> list[Integers]:
    product, carries, high = product_limbs(a, b)
    trace.ports(ports, product, trace.rows)
    trace.ports(carry_ports, carries, trace.rows)
    trace.set(high_column, high)
    return product


def _closing(trace: MarginTrace, cash: Integers, value: Integers, required: Integers) -> None:
    """The carried sums and the final comparison."""
    rows = trace.closing
    amount = integer_of(cash)
    negative = (amount < 0).astype(np.int64)
    trace.columns["negative"][rows] = negative
    short, equity = limbs_of(np.abs(amount), AMOUNT_LIMBS), limbs_of(integer_of(cash + value) + BIAS, AMOUNT_LIMBS)
    requirement = limbs_of(integer_of(required), AMOUNT_LIMBS)
    bias = [0] * (AMOUNT_LIMBS - 1) + [BIAS_TOP_LIMB]
    equity_parts = [part - offset for part, offset in zip(equity, bias, strict=True)]
    trace.ports(layout.SHORT, short, rows)
    trace.ports(layout.EQUITY, equity, rows)
    trace.ports(layout.REQUIRED, requirement, rows)
    signed = [(1 - 2 * negative) * part for part in short]
    for sums, parts, ports in (
        (cash, signed, layout.SHORT_CARRIES),
        (cash + value, equity_parts, layout.EQUITY_CARRIES),
        (required, requirement, layout.REQUIRED_CARRIES),
    ):
        carry = np.zeros_like(amount)
        for k, number in enumerate(ports):
            carry = (sums[k] + carry - parts[k]) >> LIMB_BITS
            trace.columns[f"port{number}"][rows] = carry + layout.SUM_CARRY_OFFSET
    _borrowing(trace, negative * (short[2] + (short[3] << LIMB_BITS)))
    owed, ratio = trace.columns["borrow"][rows] * negative, trace.columns["ratio"][rows]
    wholes = [
        RATIO_ONE * part - owed * short[k] - ratio * requirement[k] for k, part in enumerate(equity_parts)
    ]
    lacks = below_zero(wholes)
    trace.columns["stale"][rows] = lacks
    outcome, carry = 1 - 2 * lacks, lacks.copy()
    for k in range(AMOUNT_LIMBS):
        whole = wholes[k] + carry
        excess = outcome * whole & ((1 << LIMB_BITS) - 1)
        carry = (whole - outcome * excess) >> LIMB_BITS
        trace.columns[f"port{layout.EXCESS[k]}"][rows] = excess
        if k < AMOUNT_LIMBS - 1:
            trace.columns[f"port{layout.EXCESS_CARRIES[k]}"][rows] = carry + layout.EXCESS_CARRY_OFFSET
    trace.columns[f"port{layout.EXCESS[AMOUNT_LIMBS]}"][rows] = outcome * carry


def _borrowing(trace: MarginTrace, short: Integers) -> None:
    """How the shortfall, in CAP_UNIT, stands to its cap; and the inverse of the number of other reasons to fail."""
    rows, cap = trace.closing, trace.columns["cap"][trace.closing]
    over = (short >= cap).astype(np.int64)
    trace.columns["high_carry1"][rows] = over
    trace.ports(layout.CAP_DISTANCE, limbs_of(np.where(over == 1, short - cap, cap - short - 1), 2), rows)
    trace.columns["high_carry0"][rows] = inverses(trace.columns["stales"][rows] + over)


def below_zero(parts: list[Integers]) -> Integers:
    """Whether the integers with these uncarried limbs are negative: 1 or 0."""
    carry = np.zeros_like(parts[0])
    for part in parts:
        carry = (part + carry) >> LIMB_BITS
    return (carry < 0).astype(np.int64)
