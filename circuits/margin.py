"""The margin table: visits every open instrument of an account, adds up, and compares equity with what is required.

A check is a run of rows: the quote first, other collateral and perpetuals in ascending order, then a closing row. It is
asked for by an execution row, whose clock it shares; its reads of memory happen right after that row's own access. Each
visit takes its instrument's bit out of the account's mask, and the mask must end at 0: with ids strictly ascending and
bits distinct powers of two, every open instrument is visited exactly once.

    cash     = quote + sum over perpetuals of size * mark
    value    = sum over assets of lots * value a lot
    required = sum over perpetuals of worst * requirement a lot
    RATIO_ONE * (cash + value) >= ratio * required + floor(ratio * borrow fraction / RATIO_ONE) * max(0, -cash)
    max(0, -cash) < borrow cap * CAP_UNIT

worst is the larger of |size + all resting bids| and |size - all resting asks|. A request names a tier, which says what
the ratio is, and whether the borrow cap counts (of tier INITIAL alone); it says whether the check fails, and for which
moment its prices must be fresh, 0 if for none. It fails if a comparison does or a price is stale on which something
depends (lots of an asset, a position, resting orders), and in no other case; but a tier other than INITIAL has no check
on a stale price at all. Marks that were kept from reaching their price, capped ones, are taken for stale by a request
that is strict; by one that judges the account if they are against it: what it has is worth more than they say, or what
it is short of less; and by one that doubts it if they are in its favour.

A perpetual is visited with the market's funding index: what it owed before is settled. The closing row also hands
equity, requirement and cash to whoever asks for them.
"""

from dataclasses import dataclass

from circuits.air import Table, Where
from circuits.bounded import Bounded, bounded, bounded_total, unsound_bounded
from circuits.bounds import (
    ACCOUNT_SLOTS,
    AMOUNT_LIMBS,
    BIAS_TOP_LIMB,
    BORROW_MAX,
    CAPPED_BIT,
    LIMB,
    MAX_INSTRUMENTS,
    RATIO_ONE,
    SIZE_MAX,
    TIME_MAX,
    TIMES_PER_CLOCK,
)
from circuits.buses import HEALTH, MARGIN, MEMORY
from circuits.expression import Expression, total
from circuits.multiply import multiply
from circuits.range_table import limb
from circuits.records import ACCOUNT_BASE, BALANCE_SLOT, INSTRUMENT_BASE, INSTRUMENT_SLOTS, Tag

PORTS = 31
# Ports by what they hold. On visits: gaps of the two reads, gap of the ids, lots, the two products with their carries,
# the lots that count, of the two sizes that a position can come to how far they are apart and which is larger, and how
# long a price has been stale or stays valid.
BALANCE_GAP, MARKET_GAP, ID_GAP, LOTS = (0, 1), (2, 3), 4, (5, 6)
COUNTED, APART, FLIPS, VALIDITY = (19, 20), (21, 22, 23), 24, (25, 26)
LAST_SECOND, CAPPED = (27, 28), (29, 30)  # upwards, the price being above the mark; downwards
APART_WEIGHTS = (1, LIMB, LIMB + 1)  # with these, three limbs hold 0 .. 2 * SIZE_MAX
MARKED, MARKED_CARRIES, WEIGHTED, WEIGHTED_CARRIES = (7, 8, 9, 10), (11, 12), (13, 14, 15, 16), (17, 18)
# An asset has no mark product; its division into lots uses those ports.
REMAINDER, REMAINDER_REST, LOT_CARRIES, BEYOND = 7, 8, (9, 10, 11), (21, 22, 23, 24)
# On the closing row.
SHORT, SHORT_CARRIES, EQUITY, EQUITY_CARRIES = (0, 1, 2, 3), (4, 5, 6), (7, 8, 9, 10), (11, 12, 13)
EXCESS, EXCESS_CARRIES = (14, 15, 16, 17, 18), (19, 20, 21)
REQUIRED, REQUIRED_CARRIES = (22, 23, 24, 25), (26, 27, 28)
CAP_DISTANCE = (29, 30)
# On the row of the quote: the two bits of the tier, its share of the borrow fraction, of the division that this takes
# the remainder and how far it is below RATIO_ONE - 1, and the moment.
TIER, SHARE, SHARE_REMAINDER, SHARE_REST, MOMENT = (5, 6), 4, 29, 30, (27, 28)
SUM_CARRY_OFFSET = LIMB // 2
EXCESS_CARRY_OFFSET = BORROW_MAX + 2 * RATIO_ONE
NO_CAP = LIMB * LIMB  # more than the high limbs of any cash

_MEMORY_REASON = "a record's limbs are range-checked by whoever writes them, and genesis is public"


@dataclass
class Margin:
    """The table under construction."""

    table: Table
    quote: Expression
    asset: Expression
    perpetual: Expression
    closing: Expression
    visiting: Expression
    clock: Expression
    account: Expression
    mask: Expression  # bits not yet visited, this row's included
    instrument: Expression
    visit: Expression  # 1, 2, ... within a check
    balance: list[Bounded]
    resting: list[Expression]  # lots of all resting bids, of all resting asks
    bit: Expression
    lot_units: Bounded
    mark: list[Bounded]
    weight: list[Bounded]
    valid: Expression
    funding: Expression
    ports: list[Bounded]
    negative: Bounded
    high_carries: list[Expression]
    cash: list[Bounded]  # sums over the earlier rows of the check, limb by limb, not carried
    value: list[Bounded]
    required: list[Bounded]
    borrow: Bounded
    ratio: Bounded
    cap: Bounded  # of the cash that is owed, in CAP_UNIT
    fails: Bounded  # whether the check is to fail
    moment: Bounded  # the time at which prices must be fresh
    strict: Bounded  # whether those that are capped count as stale
    judged: Bounded  # 1 if those that are capped against the account do, -1 if of those that do these do not
    stale: Bounded  # whether the price visited is not; on the closing row whether the equity does not suffice
    stales: Expression  # the number of stale prices that matter on the earlier rows of the check
    unreliable: Expression  # on visits: 1 if the price counts as stale in this check, whether or not it matters
    lots_inverse: Expression  # on visits: 1 / the sum of the limbs of the lots that count, if that is not 0
    reports: Bounded  # whether the closing row hands over what it has found

    @property
    def lacks(self) -> Bounded:
        """On the closing row: whether the comparison fails."""
        return self.stale

    @property
    def inverse(self) -> Expression:
        """On the closing row: 1 / the number of stale prices, if that is not 0."""
        return self.high_carries[0]

    @property
    def over(self) -> Expression:
        """On the closing row: 1 if more cash is owed than the cap allows."""
        return self.high_carries[1]

    def pick(self, numbers: tuple[int, ...]) -> list[Bounded]:
        """The ports of these numbers."""
        return [self.ports[number] for number in numbers]


def build_margin_table() -> Table:
    """The columns and constraints of the margin table."""
    margin = _columns()
    _sequence(margin)
    _tier(margin)
    _reads(margin)
    _lots(margin)
    _products(margin)
    _freshness(margin)
    _accumulate(margin)
    _close(margin)
    _borrowing(margin)
    _outcome(margin)
    _report(margin)
    return margin.table


def _columns() -> Margin:
    table = Table("margin")
    kinds = [table.boolean(f"is_{name}").expression for name in ("quote", "asset", "perpetual", "closing")]
    table.constrain("at most one kind a row", total(kinds) * (total(kinds) - 1))

    def stored(name: str, count: int) -> list[Bounded]:
        return [unsound_bounded(column, 0, LIMB - 1, _MEMORY_REASON) for column in table.columns(name, count)]

    sums = MAX_INSTRUMENTS * LIMB

    def accumulators(name: str) -> list[Bounded]:
        return [
            unsound_bounded(column, -sums, sums, "a check visits at most MAX_INSTRUMENTS instruments, a limb each")
            for column in table.columns(name, AMOUNT_LIMBS)
        ]

    return Margin(
        table,
        kinds[0],
        kinds[1],
        kinds[2],
        kinds[3],
        total(kinds[:3]),
        table.column("clock"),
        table.column("account"),
        table.column("mask"),
        table.column("instrument"),
        table.column("visit"),
        stored("balance", AMOUNT_LIMBS),
        table.columns("resting", 2),
        table.column("bit"),
        stored("lot_units", 1)[0],
        stored("mark", 2),
        stored("weight", 2),
        table.column("valid"),
        table.column("funding"),
        [limb(table, f"port{i}") for i in range(PORTS)],
        table.boolean("negative"),
        table.columns("high_carry", 2),
        accumulators("cash"),
        accumulators("value"),
        accumulators("required"),
        unsound_bounded(table.column("borrow"), 0, BORROW_MAX, "no more than the venue's borrow fraction, see acts.py"),
        unsound_bounded(table.column("ratio"), 0, RATIO_ONE, "RATIO_ONE, 0 or one of the venue's, see acts.py"),
        unsound_bounded(table.column("cap"), 0, NO_CAP, "the venue's borrow cap, a limb, or NO_CAP"),
        unsound_bounded(table.column("fails"), 0, 1, "a bit of the request"),
        unsound_bounded(table.column("moment"), 0, TIME_MAX, "two limbs, see _freshness"),
        table.boolean("strict"),
        unsound_bounded(table.column("judged"), -1, 1, "constrained to be -1, 0 or 1, see _freshness"),
        table.boolean("stale"),
        table.column("stales"),
        table.column("unreliable"),
        table.column("lots_inverse"),
        table.boolean("reports"),
    )


def _sequence(m: Margin) -> None:
    """quote, then assets and perpetuals with ascending ids, then closing; the bits of all visits make up the mask.

    The row that takes the request reads a market record of kind QUOTE, and no instrument but the quote has one.
    """
    constrain, follows = m.table.constrain, m.asset + m.perpetual + m.closing
    tier = (m.ports[TIER[0]] + m.ports[TIER[1]] * 2).expression
    moment = (m.moment + (m.strict + m.judged * 2) * CAPPED_BIT).expression
    request = [m.clock, m.account, m.mask, m.fails.expression, moment, tier]
    m.table.receive(MARGIN, "margin request", request, Bounded(m.quote, 0, 1))
    constrain("the first row starts a check", follows, Where.FIRST)
    constrain("the last row ends a check", m.visiting, Where.LAST)
    next_follows = m.asset.next() + m.perpetual.next() + m.closing.next()
    constrain("a visit leads to another or to closing", m.visiting - next_follows, Where.TRANSITION)
    constrain("clock is kept", m.visiting * (m.clock.next() - m.clock), Where.TRANSITION)
    constrain("account is kept", m.visiting * (m.account.next() - m.account), Where.TRANSITION)
    for name, kept in (("borrow fraction", m.borrow), ("ratio", m.ratio), ("borrow cap", m.cap)):
        change = kept.expression.next() - kept.expression
        constrain(f"{name} is kept", m.visiting * change, Where.TRANSITION)
    fails = m.fails.expression
    constrain("failing is kept", m.visiting * (fails.next() - fails), Where.TRANSITION)
    for name, kept in (("the moment", m.moment), ("strictness", m.strict), ("judging", m.judged)):
        change = kept.expression.next() - kept.expression
        constrain(f"{name} is kept", m.visiting * change, Where.TRANSITION)
    constrain("visits start at 1", m.quote * (m.visit - 1))
    constrain("visits are counted", m.visiting * (m.visit.next() - m.visit - 1), Where.TRANSITION)
    further = m.asset.next() + m.perpetual.next()
    ascending = m.instrument.next() - m.instrument - 1 - m.ports[ID_GAP].expression.next()
    constrain("instruments ascend", further * ascending, Where.TRANSITION)
    constrain("the visited bit leaves the mask", m.visiting * (m.mask.next() - m.mask + m.bit), Where.TRANSITION)
    constrain("no open instrument is left out", m.closing * m.mask)


def _tier(m: Margin) -> None:
    """The tier's bits say which of the quote's numbers count: 00 INITIAL, 01 MAINTENANCE, 10 CLOSE_OUT, 11 ZERO. Of the
    borrow fraction its ratio counts, rounded down: of INITIAL all of it, of ZERO nothing."""
    low, high = (m.ports[number].expression for number in TIER)
    # So the high one, a limb too, is 0 or 1: the tier is at most 3.
    m.table.constrain("low bit of the tier is boolean", m.quote * low * (low - 1))
    initial = (1 - low) * (1 - high)
    maintenance, close_out = (part.expression for part in m.mark)
    ratio = initial * RATIO_ONE + low * (1 - high) * maintenance + high * (1 - low) * close_out
    fraction, cap = m.weight
    limit = initial * (cap.expression - NO_CAP) + NO_CAP
    m.table.constrain("ratio of the tier", m.quote * (m.ratio.expression - ratio))
    m.table.constrain("borrow cap of the tier", m.quote * (m.cap.expression - limit))
    share, remainder, rest = m.pick((SHARE, SHARE_REMAINDER, SHARE_REST))
    m.table.equal("ratio of the borrow fraction", share * RATIO_ONE + remainder, m.ratio * fraction, m.quote)
    m.table.equal("ratio of the borrow fraction is rounded down", remainder + rest, bounded(RATIO_ONE - 1), m.quote)
    m.table.constrain("borrow fraction of the tier", m.quote * (m.borrow - share).expression)


def _reads(m: Margin) -> None:
    """Each visit reads the balance and the market record at time 64 * clock + visit, and leaves them as they are."""
    time = m.clock * TIMES_PER_CLOCK + m.visit
    visiting = Bounded(m.visiting, 0, 1)
    balance_index = ACCOUNT_BASE + BALANCE_SLOT + ACCOUNT_SLOTS * m.account + m.instrument
    amount = [part.expression for part in m.balance]
    balance: list[Expression | int] = [*amount, *m.resting, m.funding, int(Tag.BALANCE)]
    kind = m.quote * int(Tag.QUOTE) + m.asset * int(Tag.ASSET) + m.perpetual * int(Tag.PERPETUAL)
    numbers = [m.lot_units, *m.mark, *m.weight]
    market: list[Expression | int] = [m.bit, *(number.expression for number in numbers), m.valid, kind]
    market_index = INSTRUMENT_BASE + INSTRUMENT_SLOTS * m.instrument
    for name, index, values, ports in (
        ("balance", balance_index, balance, BALANCE_GAP),
        ("market", market_index, market, MARKET_GAP),
    ):
        previous = m.table.column(f"{name}_previous")
        low, high = m.pick(ports)
        earlier = time - previous - 1 - (low + high * LIMB).expression
        m.table.constrain(f"the {name} was last written earlier", m.visiting * earlier)
        m.table.receive(MEMORY, f"{name} before", [index, previous, *values], visiting)
        m.table.send(MEMORY, f"{name} after", [index, time, *values], visiting)
    m.table.constrain("funding is settled", m.perpetual * (m.funding - m.lot_units.expression))


def _lots(m: Margin) -> None:
    """lots (two limbs) from the biased balance: |size| and its sign for a perpetual, lots that count for both kinds.

    Perpetual, not negative: balance = BIAS + lots. Negative: balance = BIAS - lots, whose high limbs are those of
    BIAS - 2^28 and whose low limbs are 2^28 - lots.
    """
    lots, b, negative = m.pick(LOTS), m.balance, m.negative
    sign = 1 - negative * 2
    signed = (lots[0] + lots[1] * LIMB) * sign + negative * (LIMB * LIMB)
    m.table.equal("size and sign of a position", b[0] + b[1] * LIMB, signed, m.perpetual)
    m.table.equal("high limbs of a position", b[2] + b[3] * LIMB, BIAS_TOP_LIMB * LIMB - negative, m.perpetual)
    _counted(m)
    _whole_lots(m)


def _whole_lots(m: Margin) -> None:
    """Of an asset at most SIZE_MAX whole lots count: balance = BIAS + counted * lot_units + remainder + beyond.

    remainder < lot_units, and beyond is 0 unless SIZE_MAX lots count. A negative balance fits no lots.
    """
    counted, b, beyond, carries = m.pick(COUNTED), m.balance, m.pick(BEYOND), m.pick(LOT_CARRIES)
    remainder, rest = m.ports[REMAINDER], m.ports[REMAINDER_REST]
    m.table.equal("remainder is less than a lot", remainder + rest, m.lot_units - 1, m.asset)
    parts = [counted[0] * m.lot_units + remainder, counted[1] * m.lot_units, bounded(0), bounded(BIAS_TOP_LIMB)]
    carry_in = bounded(0)
    for k, part in enumerate(parts):
        carry = carries[k] if k < len(carries) else bounded(0)
        m.table.equal(f"whole lots, limb {k}", part + beyond[k] + carry_in, b[k] + carry * LIMB, m.asset)
        carry_in = carry
    missing = (bounded(2 * (LIMB - 1)) - counted[0] - counted[1]).expression
    surplus = total([part.expression for part in beyond])
    m.table.constrain("no lots are beyond unless the most count", m.asset * missing * surplus)


def _counted(m: Margin) -> None:
    """For a perpetual the larger of what the position is if all orders of its side trade, and if all others do.

    With n = |size|, `same` lots resting on the position's side and `other` lots on the other: n + same, grown, and
    other - n, flipped. (The remaining two combinations, n and n - other, are no larger.)
    """
    (lots, counted), (bids, asks) = (
        [part[0] + part[1] * LIMB for part in map(m.pick, (LOTS, COUNTED))],
        m.resting,
    )
    on_side = bids + m.negative.expression * (asks - bids)
    same, other = (
        unsound_bounded(side, 0, SIZE_MAX, "resting lots of one side are bounded where they grow, see order.py")
        for side in (on_side, bids + asks - on_side)
    )
    flag = m.ports[FLIPS].expression
    m.table.constrain("flipping is boolean", m.perpetual * flag * (flag - 1))
    flips = unsound_bounded(flag, 0, 1, "constrained to be boolean on perpetuals")
    apart = bounded_total([port * weight for port, weight in zip(m.pick(APART), APART_WEIGHTS, strict=True)])
    m.table.equal("grown and flipped position", other - same - lots * 2, (flips * 2 - 1) * apart, m.perpetual)
    m.table.equal("counted lots are those of the larger", counted, lots + same + flips * apart, m.perpetual)


def _products(m: Margin) -> None:
    """lots * mark for perpetuals, counted lots * weight for assets and perpetuals."""
    for name, selector, lots, factor, product, carries, high in (
        ("marked", m.perpetual, LOTS, m.mark, MARKED, MARKED_CARRIES, m.high_carries[0]),
        ("weighted", m.asset + m.perpetual, COUNTED, m.weight, WEIGHTED, WEIGHTED_CARRIES, m.high_carries[1]),
    ):
        factors = (m.pick(lots), factor)
        multiply(m.table, f"{name} value", selector, factors, m.pick(product), m.pick(carries), high)


def _freshness(m: Margin) -> None:
    """stale is 1 exactly if the price's last second is before the moment; the quote has no price.

    What a request says of the moment is two limbs, and so many times CAPPED_BIT more: see `circuits.buses.Capped`. That
    is strict + 2 * judged: the six numbers from -2 to 3, which make disjoint ranges of moments that together are
    shorter than P, so that each request is read in one way. Nobody asks for -2, nor for 0 and a moment but 0. What a
    market says of its last second is likewise two limbs, and whether the mark is capped, and in which direction.
    A capped mark counts as stale too where the check is strict, and where the account is judged if it is against it: if
    the price is above it, of an asset or a position that is not short; if below, of a short one. With -1 for judged
    a strict check leaves these out, and what is in favour of the account remains. Of those only prices matter with
    which lots count.
    """
    moment, last, distance = ([*m.pick(ports)] for ports in (MOMENT, LAST_SECOND, VALIDITY))
    in_range = (m.moment - moment[0] - moment[1] * LIMB).expression
    m.table.constrain("the moment in range", m.quote * in_range)
    priced, stales = m.asset + m.perpetual, m.stales
    up, down = (port.expression for port in m.pick(CAPPED))
    second = last[0] + last[1] * LIMB
    m.table.constrain("capped upwards is boolean", priced * up * (up - 1))
    m.table.constrain("capped downwards is boolean", priced * down * (down - 1))
    times = up + down * 2
    m.table.constrain("last second and whether capped", priced * (m.valid - second.expression - times * CAPPED_BIT))
    left = (1 - m.stale * 2) * (second - m.moment) - m.stale
    m.table.equal("stale or not", left, distance[0] + distance[1] * LIMB, priced)
    m.table.constrain("stale prices are counted from 0", m.quote * stales)
    strict, judged, negative = (flag.expression for flag in (m.strict, m.judged, m.negative))
    m.table.constrain("judged is -1, 0 or 1", judged * (judged - 1) * (judged + 1))
    against = m.asset * up + m.perpetual * (up + negative * (down - up))
    capped = strict * priced * (up + down) + judged * against
    unreliable = priced * (m.unreliable - m.stale.expression) - capped
    m.table.constrain("stale, or capped where that matters", unreliable)
    lots = total([part.expression for part in m.pick(COUNTED)])  # below P: 0 only if both limbs are
    held = lots * m.lots_inverse
    m.table.constrain("a price matters if any lots count", priced * lots * (held - 1))
    counted = priced * held * m.unreliable
    m.table.constrain("stale prices are counted", m.visiting * (stales.next() - stales) - counted, Where.TRANSITION)


def _accumulate(m: Margin) -> None:
    """cash, value and required start at 0 and take each visit's contribution, limb by limb."""
    sign = (1 - m.negative * 2).expression
    for k in range(AMOUNT_LIMBS):
        marked, weighted = (m.ports[numbers[k]].expression for numbers in (MARKED, WEIGHTED))
        bias = BIAS_TOP_LIMB if k == AMOUNT_LIMBS - 1 else 0
        cash_change = m.quote * (m.balance[k].expression - bias) + m.perpetual * sign * marked
        for name, sums, change in (
            ("cash", m.cash, cash_change),
            ("value", m.value, m.asset * weighted),
            ("required", m.required, m.perpetual * weighted),
        ):
            sum_so_far = sums[k].expression
            m.table.constrain(f"{name} limb {k} starts at 0", m.quote * sum_so_far)
            added = m.visiting * (sum_so_far.next() - sum_so_far) - change
            m.table.constrain(f"{name} limb {k} adds up", added, Where.TRANSITION)


def _close(m: Margin) -> None:
    """Carry the sums, take the shortfall max(0, -cash), and compare.

    RATIO_ONE * equity - ratio * required - borrow * shortfall is the excess, >= 0, or, if the equity lacks something,
    -1 - excess. The equity's limbs are those of equity + BIAS.
    """
    sign = 1 - m.negative * 2
    short, equity, required = m.pick(SHORT), m.pick(EQUITY), m.pick(REQUIRED)
    bias = [bounded(0)] * (AMOUNT_LIMBS - 1) + [bounded(BIAS_TOP_LIMB)]
    signed = [part - offset for part, offset in zip(equity, bias, strict=True)]
    _carried(m, "cash", m.cash, [part * sign for part in short], SHORT_CARRIES)
    _carried(m, "equity", [c + v for c, v in zip(m.cash, m.value, strict=True)], signed, EQUITY_CARRIES)
    _carried(m, "required", m.required, required, REQUIRED_CARRIES)
    excess, outcome, carry_in = m.pick(EXCESS), 1 - m.lacks * 2, m.lacks
    for k in range(AMOUNT_LIMBS):
        owed = m.borrow * short[k] * m.negative + m.ratio * required[k]
        left = bounded_total([signed[k] * RATIO_ONE, bounded(0) - owed, carry_in])
        top = k == AMOUNT_LIMBS - 1
        carry = excess[AMOUNT_LIMBS] * outcome if top else m.ports[EXCESS_CARRIES[k]] - EXCESS_CARRY_OFFSET
        right = excess[k] * outcome + carry * LIMB
        m.table.equal(f"equity covers the requirement or not, limb {k}", left, right, m.closing)
        carry_in = carry


def _borrowing(m: Margin) -> None:
    """over is 1 exactly if more cash is owed than the cap allows: the shortfall's high limbs are the cap or more."""
    over = unsound_bounded(m.over, 0, 1, "constrained to be boolean on closing rows")
    m.table.constrain("over the borrow cap or not", m.closing * m.over * (m.over - 1))
    low, high = m.pick(CAP_DISTANCE)
    short = m.negative * (m.ports[SHORT[2]] + m.ports[SHORT[3]] * LIMB)
    beyond = (over * 2 - 1) * (short - m.cap) + over - 1
    m.table.equal("as far over the borrow cap as said", beyond, low + high * LIMB, m.closing)


def _outcome(m: Margin) -> None:
    """The check fails exactly if the equity lacks something, too much is borrowed or a price is stale. (So one that
    does not fail lacks nothing: there is no other reason then, and the second constraint says that nothing lacks.)"""
    passes, unless = (1 - m.fails).expression, (m.fails - m.lacks).expression
    reasons = m.stales + m.over
    m.table.constrain("no check passes on a stale price or over the borrow cap", m.closing * passes * reasons)
    m.table.constrain("a check fails for a reason", m.closing * unless * (reasons * m.inverse - 1))
    # The other tiers' ratios are less than RATIO_ONE.
    below = m.ratio.expression - RATIO_ONE
    m.table.constrain("only the initial tier has checks on stale prices", m.closing * below * m.stales)


def _report(m: Margin) -> None:
    """What the closing row has found, for who asks for it."""
    m.table.constrain("only closing rows report", m.reports.expression * (1 - m.closing))
    numbers = [*m.pick(EQUITY), *m.pick(REQUIRED), *m.pick(SHORT), m.negative]
    message = [m.clock, *(number.expression for number in numbers)]
    m.table.send(HEALTH, "health", message, m.reports)


def _carried(m: Margin, name: str, sums: list[Bounded], parts: list[Bounded], carries: tuple[int, ...]) -> None:
    """The integer with the uncarried limbs `sums` is the one with the limbs `parts`; nothing is carried out of the
    top."""
    carry_in = bounded(0)
    for k in range(AMOUNT_LIMBS):
        carry = m.ports[carries[k]] - SUM_CARRY_OFFSET if k < AMOUNT_LIMBS - 1 else bounded(0)
        m.table.equal(f"{name} carried, limb {k}", sums[k] + carry_in, parts[k] + carry * LIMB, m.closing)
        carry_in = carry
