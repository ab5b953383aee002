"""Forgeries of the operator's acts, of what is in transit, and of caps."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from circuits.acts import Parameter
from circuits.bounds import CAP_UNIT
from circuits.records import (
    PENDING_DUE,
    VENUE_ACTS,
    ChainStatus,
    Record,
    Status,
    SystemAccount,
    Tag,
    chain_index,
    key_index,
    parameters_index,
    pending_index,
    record,
    rules_index,
    vault_index,
)
from circuits.statement import Statement
from circuits.steps import STEPS, Kind, Step
from circuits.transitions.act import CHOSEN, DUE_PORT
from circuits.vaults import CAP_PORTS
from state.ledger import Ledger
from state.store import NO_SALT
from state.transitions.announce import Announce
from state.transitions.enact import Enact
from state.transitions.receive import Receive
from state.transitions.register import Register
from state.transitions.send import Send
from state.transitions.set import SetCap, SetChain, SetStatus
from tests.batches import ALICE, BTC_PERP, ETH, ETH_PERP, USDC, default_venue
from tests.mutation.execution_accesses import Act, deposit, withdraw
from tests.mutation.execution_order import UNSAID_ETH, without_eth
from tests.mutation.execution_registers import EVERY, setting
from tests.mutation.matching import one
from tests.mutation.script import (
    Amend,
    BentMemory,
    Hook,
    Hooks,
    Script,
    ScriptedTrace,
    add,
    nothing,
    skip,
    to,
    unchanged,
)
from tests.mutation.stage import DAVE, NOBODY, staged
from tests.tamper.forger import Forger

NOTICE, TIME = default_venue().notice, 100
MARGIN = Announce(BTC_PERP, (Parameter.INITIAL_MARGIN, 600))
ABSENT = 4  # no instrument
ASSET = {Step.SEND_TRANSIT: ETH, Step.RECEIVE_TRANSIT: ETH}  # where the statement keeps quiet about ETH


def with_pending(leaf: int, position: int, value: int, due: int = TIME) -> Ledger:
    """As if it had been announced long ago."""
    ledger = staged()
    pending = record(Tag.PENDING, leaf, position, value, due)
    instrument = (leaf - parameters_index(0)) // 8
    ledger.store.load([(pending_index(instrument), pending, NO_SALT)])
    return ledger


margin_due = partial(with_pending, parameters_index(BTC_PERP), 0, 600)
sent = partial(staged, Send(0, USDC, 5_000_000), Send(2, ETH, 5_000_000))
suspended = partial(staged, SetChain(0, ChainStatus.SUSPENDED))
suspended_after = partial(staged, Send(1, USDC, 5_000_000), SetChain(0, ChainStatus.SUSPENDED))


def halt(forger: Forger) -> None:
    forger.apply(SetStatus(BTC_PERP, Status.HALTED))


def announce(forger: Forger) -> None:
    forger.apply(MARGIN)


def enact(forger: Forger) -> None:
    forger.apply(Enact(BTC_PERP))


ACTS: dict[Kind, tuple[Act, Callable[[], Ledger]]] = {
    Kind.SET: (halt, staged),
    Kind.ANNOUNCE: (announce, staged),
    Kind.ENACT: (enact, margin_due),
    Kind.SEND: (lambda f: f.apply(Send(0, USDC, 1_000_000)), staged),
    Kind.RECEIVE: (lambda f: f.apply(Receive(0, 2, USDC, 1_000_000)), sent),
}
IN_ETH: dict[Kind, Act] = {
    Kind.SEND: lambda f: f.apply(Send(2, ETH, 1_000_000)),
    Kind.RECEIVE: lambda f: f.apply(Receive(2, 3, ETH, 1_000_000)),
}
WRITERS = ((Kind.SET, Step.SET_RECORD), (Kind.ENACT, Step.ENACT_RECORD))


def script(kind: Kind, hooks: Hooks | None = None, amend: Amend = nothing) -> Script:
    """The kind's act, bent."""
    act, ledger = ACTS[kind]
    return Script(act, hooks or {}, amend, ledger=ledger)


def whole(target: int, change: Callable[[Record], Record] | None = None) -> Hook:
    """Hook: the access goes to another leaf, which becomes the new record, or what `change` makes of it."""

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, target, change(memory.read(target)) if change else new)

    return hook


def counted_elsewhere(kind: Kind) -> Script:
    """The act is counted where nobody looks, in the record of a chain."""
    hooks: Hooks = {STEPS[kind][0]: to(chain_index(0))}
    if kind is Kind.ANNOUNCE:
        hooks = {**hooks, Step.ANNOUNCE_PENDING: add(PENDING_DUE, -NOTICE)}
    return script(kind, hooks)


def misnumbered(kind: Kind) -> Script:
    """The statement's number is not the venue's next."""

    def restate(statement: Statement) -> Statement:
        (act,) = statement.acts
        return replace(statement, acts=(replace(act, number=5),))

    return replace(script(kind, amend=setting(kind, EVERY, sequence=5)), restate=restate)


def other_element(kind: Kind, step: Step, k: int) -> Script:
    """Element k is written, not the one that the statement says."""
    honest = {Kind.SET: 0, Kind.ENACT: 0}[kind]
    act, ledger = ACTS[kind]
    if k == 0:  # the statement says the status of a chain, or an announced staleness, and means element 0
        honest = {Kind.SET: 2, Kind.ENACT: 3}[kind]
        act = suspend if kind is Kind.SET else enact
        ledger = staged if kind is Kind.SET else partial(with_pending, parameters_index(BTC_PERP), 3, 600)

    def hook(memory: BentMemory, step: Step, index: int, old: Record, new: Record) -> int:
        return memory.access(step, index, (*old[:k], new[honest], *old[k + 1 :]))

    flags = {name: int(position == k) for position, name in enumerate(CHOSEN)}
    return Script(act, {step: hook}, setting(kind, EVERY, **flags), ledger=ledger)


def suspend(forger: Forger) -> None:
    forger.apply(SetChain(0, ChainStatus.SUSPENDED))


def absent_market(forger: Forger) -> None:
    """A market that the venue does not have is halted."""
    act(forger, Kind.SET, rules_index(ABSENT), Tag.RULES, 0, Status.HALTED)


def absent_margin(forger: Forger) -> None:
    act(forger, Kind.ENACT, parameters_index(ABSENT), Tag.PARAMETERS, 0, 600, ABSENT)


def act(forger: Forger, kind: Kind, leaf: int, tag: int, position: int, value: int, instrument: int = 0) -> None:
    """What the operator sets, or enacts, whatever is pending."""
    forger.act(kind, leaf, tag, position, value, instrument)


def enacted(position: int, value: int, tag: Tag = Tag.PARAMETERS, *, due: int = TIME) -> Script:
    """Of BTC-PERP a staleness of 500 is pending, or at least later on; something else is enacted."""
    leaf = parameters_index(BTC_PERP) if tag is Tag.PARAMETERS else rules_index(BTC_PERP)

    def amend(trace: ScriptedTrace) -> None:
        trace.wide_port(DUE_PORT, trace.at(Step.ENACT_PENDING), one(0))

    return Script(
        lambda f: act(f, Kind.ENACT, leaf, tag, position, value, BTC_PERP),
        amend=amend,
        ledger=partial(with_pending, parameters_index(BTC_PERP), 3, 500, due),
    )


def key_as_announcement() -> Script:
    """A key that reads like an announcement is enacted, and lost."""
    hook = whole(key_index(NOBODY))

    def ledger() -> Ledger:
        return staged(Register(NOBODY, (parameters_index(BTC_PERP), 0, 600, 0, 0, 0, 0)))

    def amend(trace: ScriptedTrace) -> None:
        trace.wide_port(DUE_PORT, trace.at(Step.ENACT_PENDING), one(TIME))

    def act_on_it(forger: Forger) -> None:
        act(forger, Kind.ENACT, parameters_index(BTC_PERP), Tag.PARAMETERS, 0, 600, BTC_PERP)

    return Script(act_on_it, {Step.ENACT_PENDING: hook}, amend, ledger=ledger)


def written() -> dict[str, Callable[[], Script]]:
    """Forgeries of the element that an act writes, by label."""
    table: dict[str, Callable[[], Script]] = {
        "set_record: kind of record": lambda: Script(absent_market),
        "enact_record: kind of record": lambda: Script(
            absent_margin, ledger=partial(with_pending, parameters_index(ABSENT), 0, 600)
        ),
        "set_record: index": lambda: script(Kind.SET, {Step.SET_RECORD: to(rules_index(ETH_PERP))}),
        "enact_record: index": lambda: script(
            Kind.ENACT,
            {Step.ENACT_RECORD: whole(parameters_index(ETH_PERP), lambda old: (600, *old[1:]))},
        ),
    }
    for kind, step in WRITERS:
        name = step.name.lower()
        none = setting(kind, EVERY, **dict.fromkeys(CHOSEN, 0))
        table[f"{name}: one element is chosen"] = partial(script, kind, {step: unchanged}, none)
        for k in range(len(CHOSEN)):
            table[f"{name}: element {k}"] = partial(script, kind, {step: add(k)})
            table[f"{name}: element {k} is chosen by its position"] = partial(other_element, kind, step, k)
    return table


def pending() -> dict[str, Callable[[], Script]]:
    """Forgeries of announcements, by label."""
    table: dict[str, Callable[[], Script]] = {
        "announce_venue: due after the notice": lambda: script(
            Kind.ANNOUNCE, {Step.ANNOUNCE_PENDING: add(PENDING_DUE, -NOTICE)}
        ),
        "announce_pending: index": lambda: script(
            Kind.ANNOUNCE, {Step.ANNOUNCE_PENDING: whole(pending_index(ETH_PERP))}
        ),
        "enact_pending: index": key_as_announcement,
        "enact_pending: announced leaf": lambda: enacted(3, 500, Tag.RULES),
        "enact_pending: announced position": lambda: enacted(4, 500),
        "enact_pending: announced value": lambda: enacted(3, 501),
        "enact_pending: due": lambda: enacted(3, 500, due=TIME + 1),
    }
    for kind, step in ((Kind.ANNOUNCE, Step.ANNOUNCE_PENDING), (Kind.ENACT, Step.ENACT_PENDING)):
        for k in range(8):
            table[f"{step.name.lower()}: new element {k}"] = partial(script, kind, {step: add(k)})
    announced = "announce_pending: new element 3"  # else the register, which follows it, would be off too
    table[announced] = lambda: replace(
        script(Kind.ANNOUNCE, {Step.ANNOUNCE_PENDING: add(PENDING_DUE, -1)}),
        amend=setting(Kind.ANNOUNCE, EVERY, price=TIME + NOTICE),
    )
    return table


def moved(kind: Kind, *, account: int = SystemAccount.IN_TRANSIT, sequence: int | None = None, off: int = 0) -> Script:
    """What is sent or received, but for an account, a number or a count that is off."""
    first = STEPS[kind][0]
    number = sequence if sequence is not None else 2 if kind is Kind.RECEIVE else 0
    hooks: Hooks = {first: add(int(kind is Kind.SEND), off)} if off else {}
    return Script(
        lambda f: f.underway(kind, 0, number, USDC, 1_000_000, account=account), hooks, ledger=ACTS[kind][1]
    )


def transit() -> dict[str, Callable[[], Script]]:
    """Forgeries of what is in transit, by label."""
    table: dict[str, Callable[[], Script]] = {}
    for kind in (Kind.SEND, Kind.RECEIVE):
        first, vault, under_way = STEPS[kind]
        name, other = first.name.lower(), 1 if kind is Kind.SEND else 2
        wrong = 1 if kind is Kind.SEND else 3  # the number that the other chain has next
        table[f"{name}: index"] = partial(elsewhere, kind, first, chain_index(other), wrong)
        table[f"{vault.name.lower()}: index"] = partial(elsewhere, kind, vault, vault_index(1, USDC))
        table[f"{under_way.name.lower()}: index"] = partial(elsewhere, kind, under_way, vault_index(1, USDC))
        table[f"{name}: number is the next of the chain"] = partial(moved, kind, sequence=5)
        table[f"{name}: movements are counted"] = partial(moved, kind, off=1)
        table[f"{name}: in transit"] = partial(moved, kind, account=DAVE)
    table["send_chain: the chain is active"] = lambda: replace(moved(Kind.SEND), ledger=suspended)
    table["receive_chain: the chain is active"] = lambda: replace(moved(Kind.RECEIVE), ledger=suspended_after)
    return table


def elsewhere(kind: Kind, step: Step, target: int, sequence: int | None = None) -> Script:
    """The step's access goes to another leaf."""
    return replace(moved(kind, sequence=sequence), hooks={step: to(target)})


def above_the_cap() -> Script:
    """A deposit that fills a vault up to its cap, which it must stay below."""

    def amend(trace: ScriptedTrace) -> None:
        trace.wide_port(CAP_PORTS[0], trace.at(Step.DEPOSIT_VAULT), one(0))

    def act(forger: Forger) -> None:
        forger.deposit(2, 3, ALICE, USDC, 3 * CAP_UNIT)

    return Script(act, amend=amend, ledger=partial(staged, SetCap(2, USDC, 3)))


def headless(kind: Kind, step: Step, before: Act) -> Script:
    """A transition that begins with this step."""
    in_eth = step in ASSET
    act, ledger = ACTS[kind]
    act = IN_ETH[kind] if in_eth else act
    hooks: Hooks = {(other, 0): skip for other in STEPS[kind][: STEPS[kind].index(step)]}

    def both(forger: Forger) -> None:
        before(forger)
        act(forger)

    def restate(statement: Statement) -> Statement:
        said = {Kind.SEND: "withdrawals", Kind.RECEIVE: "deposits"}.get(kind, "acts")
        statement = replace(statement, **{said: ()})  # type: ignore[arg-type]
        return without_eth(statement) if in_eth else statement

    return Script(both, {**hooks, **(UNSAID_ETH if in_eth else {})}, restate=restate, ledger=ledger)


def scripts() -> dict[str, Callable[[], Script]]:
    """All forgeries of this file by label."""
    table: dict[str, Callable[[], Script]] = {
        "deposit_chain: the chain is active": lambda: Script(deposit, ledger=suspended),
        "withdraw_chain: the chain is active": lambda: Script(withdraw, ledger=suspended),
        "deposit_chain: not of what is in transit": lambda: Script(
            lambda f: f.deposit(0, 2, SystemAccount.IN_TRANSIT, USDC, 7_000_000)
        ),
        "deposit_vault: the vault stays below its cap": above_the_cap,
    }
    for kind in (Kind.SET, Kind.ANNOUNCE, Kind.ENACT):
        name = STEPS[kind][0].name.lower()
        table[f"{name}: index"] = partial(counted_elsewhere, kind)
        table[f"{name}: acts are numbered"] = partial(misnumbered, kind)
        table[f"{name}: acts are counted"] = partial(script, kind, {STEPS[kind][0]: add(VENUE_ACTS)})
    for kind in ACTS:
        for before, step in zip(STEPS[kind], STEPS[kind][1:], strict=False):
            whole_one = withdraw if kind is Kind.RECEIVE else deposit
            name = step.name.lower()
            table[f"{before.name.lower()} leads to {name}"] = partial(headless, kind, step, whole_one)
            table[f"the first row is no {name}"] = partial(headless, kind, step, nothing)
    return table | written() | pending() | transit()
