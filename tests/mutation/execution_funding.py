"""Forgeries of samples of the premium and of applications of funding."""

from collections.abc import Callable
from functools import partial

from circuits.bounds import CAPPED_BIT, FUNDING_DIVISOR, FUNDING_START, LIMB, PREMIUM_BIAS
from circuits.field import P
from circuits.records import (
    FUNDING_APPLIED,
    FUNDING_IMPACT,
    FUNDING_SAMPLED,
    INSTRUMENT_BASE,
    INSTRUMENT_SLOTS,
    MARKET_FUNDING,
    MARKET_MARK,
    MARKET_VALID,
    MARKET_WEIGHT,
    ORDER_BASE,
    ORDER_EXPIRY,
    Record,
    Tag,
    from_limbs,
    funding_index,
    limbs,
    market_index,
    sentinel_index,
)
from circuits.steps import Kind, Step
from circuits.transitions import apply_funding as application
from circuits.transitions import sample_funding as sampling
from circuits.transitions.match import BUYS
from state.funding import premium_sum
from state.ledger import Ledger
from state.store import NO_SALT
from tests.batches import BTC_PERP, ETH, ETH_PERP, HOUR, with_funding
from tests.mutation.execution_accesses import Act, deposit
from tests.mutation.execution_registers import both, setting
from tests.mutation.execution_settlements import settled
from tests.mutation.matching import one
from tests.mutation.script import (
    Amend,
    BentMemory,
    Hooks,
    Script,
    ScriptedTrace,
    add,
    inverse,
    nothing,
    skip,
    to,
    write,
)
from tests.mutation.stage import ALICES_ASK, ALICES_BID, EVES_ASK, EVES_BID, staged
from tests.tamper.forger import Forger

Row = tuple[int, int, int, int]  # leaf, whether it is a bid, lots before it, premium before it
LOW, IMPACT, PREMIUM = 6_178_000, 6, 1_000  # a mark, lots; then the premium is that of Alice's bid
EVES = PREMIUM + 1_000  # the premium of Eve's bid
WEIGHT = 309_002
BIDS, ASKS = (sentinel_index(BTC_PERP, buys) for buys in (True, False))
SAMPLE, ORDER, END, APPLY = Kind.SAMPLE_FUNDING, Kind.SAMPLE_ORDER, Kind.SAMPLE_END, Kind.APPLY_FUNDING
ALL = slice(None)


def quoted(mark: int = LOW, impact: int = IMPACT, valid: int | None = None, **funding: int) -> Ledger:
    """BTC-PERP has this mark and impact size, and ETH-PERP this impact size."""
    ledger = staged()
    for market in (BTC_PERP, ETH_PERP):
        with_funding(ledger, market, impact=impact, **funding)
    old = ledger.read(market_index(BTC_PERP))
    last = old[MARKET_VALID] if valid is None else valid
    new = (*old[:MARKET_MARK], *limbs(mark, 2), *limbs(WEIGHT, 2), last, old[-1])
    ledger.store.load([(market_index(BTC_PERP), new, NO_SALT)])
    return ledger


def asks(premium: int) -> list[Row]:
    """The honest way through the asks."""
    return [(ASKS, 0, 0, premium), (EVES_ASK, 0, 0, premium), (ALICES_ASK, 0, 5, premium)]


HONEST: list[Row] = [(BIDS, 1, 0, 0), (EVES_BID, 1, 0, 0), (ALICES_BID, 1, 5, 0), *asks(PREMIUM)]
SHORT: list[Row] = [*HONEST[:2], *asks(EVES)]  # Eve's bid is said to be enough


def sample(
    forger: Forger, rows: list[Row] = HONEST, premium: int = PREMIUM, market: int = BTC_PERP
) -> None:
    """A sample that goes this way and comes to that."""
    memory, leaf = forger.memory, funding_index(market)
    number = memory.sample_count()
    memory.look(Step.SAMPLE_MARKET, market_index(market))
    memory.witness.begin(SAMPLE, market)
    for order, *arguments in rows:
        memory.look(Step.SAMPLE_ORDER, order)
        memory.witness.begin(ORDER, number, *arguments)
    old = memory.read(leaf)
    low = from_limbs(old[:2]) + premium
    new = [*limbs(low % LIMB**2, 2), (old[2] + low // LIMB**2) % P, *old[3:]]
    new[FUNDING_SAMPLED] = memory.time
    memory.replace(Step.SAMPLE_FUNDING, leaf, old, tuple(new))
    memory.witness.begin(END, number, premium)


def at(number: int, registers: dict[str, int] | None = None, ports: dict[int, int] | None = None) -> Amend:
    """Amend: registers, and pairs of ports, of the number-th order on the way."""

    def amend(trace: ScriptedTrace) -> None:
        row = trace.at(Step.SAMPLE_ORDER, number)
        for name, value in (registers or {}).items():
            trace.register(name, row, value % P)
        for port, value in (ports or {}).items():
            trace.wide_port(port, row, one(value))

    return amend


def believed(step: Step, element: int, by: int, number: int = 0, old: bool = True) -> Callable[[ScriptedTrace], None]:
    """Believe: an element of the record, before or after, is off."""

    def believe(trace: ScriptedTrace) -> None:
        (trace.old if old else trace.new)[element][trace.at(step, number)] += by

    return believe


def other(leaf: int) -> Callable[..., int]:
    """Hook: the step reads that leaf as it stands."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, leaf, memory.read(leaf))

    return hook


def begun() -> dict[str, Callable[[], Script]]:
    """Of SAMPLE_MARKET."""
    weight = from_limbs(staged().read(market_index(ETH_PERP))[MARKET_WEIGHT:][:2])
    sevens = [(leaf, buys, seen, premium + 7) for leaf, buys, seen, premium in HONEST]

    def heavier(trace: ScriptedTrace) -> None:
        row = trace.at(Step.SAMPLE_MARKET)
        trace.old[MARKET_WEIGHT][row], trace.old[MARKET_WEIGHT + 1][row] = 500, 0

    first = partial(setting, SAMPLE, ALL)
    skipping: list[Row] = [(ALICES_BID, 1, 0, 0), (ASKS, 1, 3, 0), *asks(0)]
    seen: list[Row] = [(BIDS, 1, 5, 0), (EVES_BID, 1, 5, 0), *asks(EVES)]
    moved = [*HONEST[:3], *asks(PREMIUM + 1)]
    lighter = [*HONEST[:3], *asks(500)]
    dearer = [*HONEST[:3], *asks(weight)]
    return {
        "index": lambda: Script(
            partial(sample, rows=dearer, premium=weight),
            {Step.SAMPLE_MARKET: other(market_index(ETH_PERP))}, ledger=quoted,
        ),
        "mark": lambda: Script(
            partial(sample, rows=moved, premium=PREMIUM + 1),
            believe=believed(Step.SAMPLE_MARKET, MARKET_MARK, -1), ledger=quoted,
        ),
        "weight": lambda: Script(partial(sample, rows=lighter, premium=500), believe=heavier, ledger=quoted),
        "the mark is valid": lambda: Script(sample, ledger=partial(quoted, valid=99)),
        "the mark is not capped": lambda: Script(sample, ledger=partial(quoted, valid=CAPPED_BIT + 99)),
        "bids come first": lambda: Script(
            partial(sample, rows=[(BIDS, 0, 0, 0)], premium=0), amend=first(**{BUYS: 0}), ledger=quoted
        ),
        "the walk starts at the head": lambda: Script(
            partial(sample, rows=skipping, premium=0), amend=first(**{sampling.HEAD: ALICES_BID}), ledger=quoted
        ),
        "no lots are seen": lambda: Script(
            partial(sample, rows=seen, premium=EVES), amend=first(**{sampling.SEEN: 5}), ledger=quoted
        ),
        "no premium is counted": lambda: Script(
            partial(sample, rows=sevens, premium=PREMIUM + 7), amend=first(**{sampling.PREMIUM: 7}), ledger=quoted
        ),
    }  # fmt: skip


def met() -> dict[str, Callable[[], Script]]:
    """Of SAMPLE_ORDER: how far the walk goes."""
    enough, unfinished = partial(sample, rows=SHORT, premium=EVES), [*HONEST[:2], (ALICES_BID, 1, 0, 0)]
    crossed: list[Row] = [HONEST[0], (EVES_ASK, 1, 0, 0), (ALICES_ASK, 1, 5, 0), *asks(3_000)]
    beyond: list[Row] = [
        *HONEST[:3], (ASKS, 1, 8, 0), (EVES_ASK, 1, 8, 0), (ALICES_ASK, 1, 13, 0),
        *asks(3_000), (BIDS, 0, 12, 3_000),
    ]  # fmt: skip
    back = at(3, {sampling.ENDS: 0, sampling.REACHES: 0}, {sampling.REACH_PORT: 20 - 8 - 1})
    reaches = {sampling.REACHES: 1}
    return {
        "index": lambda: Script(
            partial(sample, rows=crossed, premium=3_000), amend=at(1, {sampling.HEAD: EVES_BID}), ledger=quoted
        ),
        "expired is boolean": lambda: Script(  # with -1 lots count twice
            enough, amend=expired_twice, ledger=quoted
        ),
        "reaching is boolean": reversed_side,
        "expired or not": lambda: Script(
            partial(sample, rows=[*unfinished, (ASKS, 1, 3, 0), *asks(0)], premium=0),
            believe=lambda trace: trace.old[ORDER_EXPIRY].__setitem__(trace.at(Step.SAMPLE_ORDER, 1), 0),
            ledger=quoted,
        ),
        "the side ends at its sentinel": lambda: Script(
            enough, amend=at(1, {sampling.ENDS: 1, **reaches}, {sampling.REACH_PORT: 5}), ledger=quoted
        ),
        "nowhere else": lambda: Script(
            partial(sample, rows=beyond, premium=3_000), amend=back, ledger=partial(quoted, impact=20)
        ),
        "reaches the size or not": lambda: Script(
            enough, amend=at(1, reaches, {sampling.REACH_PORT: 0}), ledger=quoted
        ),
    }


def expired_twice(trace: ScriptedTrace) -> None:
    """Amend: Eve's lots count twice, as those of an order that is expired -1 times."""
    row = trace.at(Step.SAMPLE_ORDER, 1)
    left = int(trace.old[ORDER_EXPIRY][row][0]) - 100
    ports = {sampling.EXPIRY_PORT: 3 * left + 1, sampling.REACH_PORT: 10 - IMPACT}
    at(1, {sampling.EXPIRED: -1, sampling.REACHES: 1}, ports)(trace)


def reversed_side() -> Script:
    """In an empty book the size is reached -1 times, so that the bids' worst price takes away the weight."""
    bids, ends = (sentinel_index(ETH_PERP, buys) for buys in (True, False))
    weight = from_limbs(staged().read(market_index(ETH_PERP))[MARKET_WEIGHT:][:2])
    ports = {sampling.REACH_PORT: 3 * IMPACT - 2}

    def last(trace: ScriptedTrace) -> None:
        row = trace.at(Step.SAMPLE_FUNDING)
        for name, value in ((sampling.HEAD, 2 * bids - ends), (BUYS, 4)):
            trace.register(name, row, value)

    again = [at(number, {sampling.REACHES: -1}, ports) for number in range(2)]
    rows: list[Row] = [(bids, 1, 0, 0), (ends, 2, 0, -weight)]
    act = partial(sample, rows=rows, premium=-weight, market=ETH_PERP)
    return Script(act, amend=both(*again, last), ledger=quoted)


def parts() -> dict[str, Callable[[], Script]]:
    """Of SAMPLE_ORDER: what part of the premium Alice's bid gives."""

    def part(value: int, room: int, above: int, below: int, mark: int = LOW) -> Callable[[], Script]:
        ports = (sampling.PART_PORT, sampling.ROOM_PORT, sampling.ABOVE_PORT, sampling.BELOW_PORT)
        amend = at(2, ports=dict(zip(ports, (value, room, above, below), strict=True)))
        act = partial(sample, rows=[*HONEST[:3], *asks(value)], premium=value)
        return lambda: Script(act, amend=amend, ledger=partial(quoted, mark=mark))

    return {
        "part within the weight": part(WEIGHT + 5, 0, 6_179_000 - 5_000_000 - WEIGHT - 5, 0, 5_000_000),
        "part of the premium": part(5, WEIGHT - 5, 0, 0),
        "the part is the weight at most": part(0, WEIGHT, PREMIUM, 0),
        "the part is 0 at least": part(PREMIUM + 5, WEIGHT - PREMIUM - 5, 0, 5),
    }


def ways() -> dict[str, Callable[[], Script]]:
    """How the walk goes on."""
    unfinished: list[Row] = [*HONEST[:2], (ALICES_BID, 1, 0, 0), (ASKS, 1, 3, 0), *asks(0)]
    short: list[Row] = [*HONEST[:2], (ASKS, 1, 5, 0), *asks(0)]
    turned: list[Row] = [HONEST[0], (EVES_BID, 0, 0, 0), (ALICES_BID, 0, 5, 0)]

    def headless(before: Act, *missing: Step) -> Script:
        def act(forger: Forger) -> None:
            before(forger)
            sample(forger, [*HONEST[:3], *asks(0)], 0 if len(missing) < 2 else 5)

        return Script(act, dict.fromkeys(missing, skip), ledger=quoted)

    first, second = (Step.SAMPLE_MARKET,), (Step.SAMPLE_MARKET, Step.SAMPLE_ORDER)
    return {
        "sample: the next order": lambda: Script(partial(sample, rows=short, premium=0), ledger=quoted),
        "sample: the next lots": lambda: Script(partial(sample, rows=unfinished, premium=0), ledger=quoted),
        "sample: the next side": lambda: Script(partial(sample, rows=turned, premium=0), ledger=quoted),
        "sample: the next premium": lambda: Script(partial(sample, premium=PREMIUM + 1), ledger=quoted),
        "what leads to sample_order": partial(headless, deposit, *first),
        "the first row is no sample_order": partial(headless, nothing, *first),
        "what leads to sample_funding": partial(headless, deposit, *second),
        "the first row is no sample_funding": partial(headless, nothing, *second),
    }


def sums() -> dict[str, Callable[[], Script]]:
    """Of SAMPLE_FUNDING."""
    step, eves = Step.SAMPLE_FUNDING, partial(sample, rows=SHORT[:-1], premium=EVES)
    weight = from_limbs(staged().read(market_index(ETH))[MARKET_WEIGHT:][:2])
    nobody: list[Row] = [(sentinel_index(ETH, buys), int(buys), 0, 0) for buys in (True, False)]

    def leap(record: list[int]) -> None:
        record[0] += 1
        record[2] -= inverse(LIMB**2)

    return {
        "index": lambda: Script(sample, {step: to(funding_index(ETH_PERP))}, ledger=quoted),
        "kind of record": lambda: Script(partial(sample, rows=nobody, premium=-weight, market=ETH), ledger=quoted),
        "impact size": lambda: Script(eves, believe=believed(step, FUNDING_IMPACT, -1), ledger=quoted),
        "not too soon": lambda: Script(sample, ledger=partial(quoted, sampled=41)),
        "not too late": lambda: Script(sample, ledger=partial(quoted, valid=HOUR + 1), time=HOUR + 1),
        "time of the sample": lambda: Script(sample, {step: add(FUNDING_SAMPLED)}, ledger=quoted),
        "carry of the sum is -1, 0 or 1": lambda: Script(sample, {step: write(leap)}, ledger=quoted),
        "sum of premiums": lambda: Script(sample, {step: add(0)}, ledger=quoted),
        **{
            f"sum limb {k} in range": partial(
                Script, sample, {step: add(k)}, believe=believed(step, k, -1, old=False), ledger=quoted
            )
            for k in range(2)
        },
    }


def apply(forger: Forger, market: int = BTC_PERP, change: int | None = None, left: int | None = None) -> None:
    """The index changes by so much, and so much stays in the sum; by default honestly."""
    memory, leaf, moved = forger.memory, funding_index(market), market_index(market)
    old, record = memory.read(leaf), memory.read(moved)
    whole, rest = divmod(premium_sum(old), FUNDING_DIVISOR)
    change, rest = whole if change is None else change, rest if left is None else left
    new = [*limbs(rest + PREMIUM_BIAS, 3), *old[3:]]
    new[FUNDING_APPLIED] = memory.time
    memory.replace(Step.APPLY_FUNDING, leaf, old, tuple(new))
    index = record[MARKET_FUNDING] + change
    memory.replace(Step.APPLY_MARKET, moved, record, (*record[:MARKET_FUNDING], index, *record[MARKET_FUNDING + 1 :]))
    memory.witness.begin(APPLY, market)


def due(index: int = 0, **funding: int) -> Ledger:
    """Premiums of 100 wait in both markets."""
    ledger = staged()
    for market in (BTC_PERP, ETH_PERP):
        with_funding(ledger, market, index, **{"premiums": 100, **funding})
    return ledger


def over() -> Ledger:
    """BTC-PERP is settled, with premiums that wait."""
    return with_funding(settled(), BTC_PERP, premiums=100)


def elsewhere() -> Script:
    """What reads like a market and its premiums stands where orders are."""
    market = (ORDER_BASE + 104 - INSTRUMENT_BASE) // INSTRUMENT_SLOTS
    leaves = {
        market_index(market): (0, 5, 0, 0, 1, 0, 0, int(Tag.ORDER)),
        funding_index(market): (100, 0, PREMIUM_BIAS // LIMB**2, 0, 0, 0, 0, int(Tag.ORDER)),
    }

    def ledger() -> Ledger:
        made = staged()
        made.store.load((index, record, NO_SALT) for index, record in leaves.items())
        return made

    return Script(partial(apply, market=market), ledger=ledger, time=HOUR)


def unfounded(before: Act) -> Script:
    """An index changes without premiums."""

    def act(forger: Forger) -> None:
        before(forger)
        apply(forger, change=7)

    return Script(act, {Step.APPLY_FUNDING: skip}, ledger=due, time=HOUR)


def applications() -> dict[str, Callable[[], Script]]:
    """Of APPLY_FUNDING and APPLY_MARKET."""
    step, market, element = Step.APPLY_FUNDING, Step.APPLY_MARKET, MARKET_FUNDING
    forged = partial(Script, ledger=due, time=HOUR)

    def index_port(value: int) -> Amend:
        return lambda trace: trace.wide_port(application.INDEX_PORT, trace.at(market), one(FUNDING_START + value))

    def no_rest(trace: ScriptedTrace) -> None:
        trace.port(application.REST_PORT, trace.at(step), one(0))

    fewer = believed(market, element, -2, old=False)
    five = both(setting(APPLY, ALL, **{application.CHANGE: 5}), index_port(5))
    off: Hooks = {market: add(element)}
    return {
        "apply_funding: index": lambda: forged(apply, {step: to(funding_index(ETH_PERP))}),
        "apply_funding: kind of record": elsewhere,
        "apply_funding: an interval has passed": lambda: forged(apply, ledger=partial(due, applied=1)),
        "apply_funding: time of the application": lambda: forged(apply, {step: add(FUNDING_APPLIED)}),
        "apply_funding: change of the index": lambda: forged(partial(apply, change=5), amend=five, believe=fewer),
        "apply_funding: remainder below one": lambda: forged(partial(apply, change=2, left=40), amend=no_rest),
        "apply_funding: what is left, limb 0": lambda: forged(
            apply, {step: add(0)}, believe=believed(step, 0, -1, old=False)
        ),
        "apply_funding: what is left, limb 1": lambda: forged(apply, {step: add(1)}),
        "apply_funding: what is left, limb 2": lambda: forged(apply, {step: add(2)}),
        "apply_funding: index, limb 0": lambda: forged(partial(apply, change=4)),
        "apply_funding: index, limbs 1 and 2": lambda: forged(partial(apply, change=3 + LIMB)),
        "apply_market: index": lambda: forged(apply, {market: to(market_index(ETH_PERP))}),
        "apply_market: the market is not settled": lambda: forged(apply, ledger=over),
        "apply_market: index after the change": lambda: forged(
            apply, off, believe=believed(market, element, -1, old=False), amend=index_port(4)
        ),
        "apply_market: index in range": lambda: forged(apply, ledger=partial(due, FUNDING_START - 1)),
        **{
            label: partial(unfounded, before)
            for label, before in (
                ("apply_funding leads to apply_market", deposit), ("the first row is no apply_market", nothing),
            )
        },
    }  # fmt: skip


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    table = {f"sample_market: {label}": script for label, script in begun().items()}
    table |= {f"sample_order: {label}": script for label, script in {**met(), **parts()}.items()}
    table |= {f"sample_funding: {label}": script for label, script in sums().items()}
    return table | ways() | applications()
