"""The LogUp buses (docs/protocol.md, A4): fingerprints, constraints at a point, and the balance."""

from collections.abc import Sequence
from dataclasses import dataclass

from circuits.air import Bus, Circuit, Interaction, Message
from circuits.expression import Affine, affine
from circuits.field import ONE, ZERO, Extension, P, add, batch_invert, embed, mul, scale, sub
from verifier.errors import Reason, Rejection

MAX_MESSAGES = 1 << 20  # of the verifier: they count towards the error of the lookup challenge


class Fingerprint:
    """Maps a message to its denominator beta + bus number + sum over j of gamma^j * value_j."""

    def __init__(self, beta: Extension, gamma: Extension, circuit: Circuit) -> None:
        self._beta = beta
        self._powers = [gamma]
        for _ in range(1, max(bus.length for bus in circuit.buses)):
            self._powers.append(mul(self._powers[-1], gamma))

    def of_elements(self, bus: Bus, values: Sequence[int]) -> Extension:
        """The denominator of a message of base elements."""
        result = add(self._beta, embed(bus.number))
        for value, gamma_power in zip(values, self._powers, strict=False):
            result = add(result, scale(gamma_power, value))
        return result

    def of_extensions(self, bus: Bus, values: Sequence[Extension]) -> Extension:
        """The denominator polynomial at a point where the values are extension elements."""
        result = add(self._beta, embed(bus.number))
        for value, gamma_power in zip(values, self._powers, strict=False):
            result = add(result, mul(gamma_power, value))
        return result


def affine_at(form: Affine, columns: Sequence[Extension]) -> Extension:
    """An affine form at a point, from the main columns there."""
    result = embed(form.constant)
    for index, coefficient in form.terms:
        result = add(result, columns[index] if coefficient == 1 else scale(columns[index], coefficient))
    return result


def group_fraction(
    group: Sequence[Interaction], fingerprint: Fingerprint, columns: Sequence[Extension]
) -> tuple[Extension, Extension]:
    """M and D of a group of interactions at a point: the sum of multiplicity / denominator is M / D."""
    numerator, denominator = ZERO, ONE
    for interaction in group:
        values = [affine_at(form, columns) for form in interaction.affine_values()]
        d = fingerprint.of_extensions(interaction.bus, values)
        m = affine_at(affine(interaction.multiplicity), columns)
        numerator = add(mul(numerator, d), mul(m, denominator))
        denominator = mul(denominator, d)
    return numerator, denominator


@dataclass(frozen=True)
class LogUpValues:
    """The LogUp constraints of one table at a point: `active` has one for each auxiliary column."""

    active: list[Extension]
    first: Extension
    terminal: Extension


def logup_values(
    groups: Sequence[Sequence[Interaction]],
    fingerprint: Fingerprint,
    main: Sequence[Extension],
    auxiliary: Sequence[Extension],
    next_sum: Extension,
    mask_and_terminal: tuple[Extension, Extension],
) -> LogUpValues:
    """A4.1 to A4.4 from the main and auxiliary columns at a point and the running sum at the next one."""
    *partial, running_sum = auxiliary
    increment = sub(next_sum, running_sum)
    for value in partial:
        increment = sub(increment, value)
    active = []
    for group, value in zip(groups, (*partial, increment), strict=True):
        numerator, denominator = group_fraction(group, fingerprint, main)
        active.append(sub(mul(value, denominator), numerator))
    mask, terminal = mask_and_terminal
    return LogUpValues(active, running_sum, sub(add(running_sum, mask), terminal))


def check_messages(circuit: Circuit, messages: Sequence[Message]) -> None:
    """Raises Rejection unless the messages are not too many, fit their buses, and cannot wrap around P."""
    if len(messages) > MAX_MESSAGES:
        raise Rejection(Reason.STATEMENT, f"{len(messages)} messages of the verifier, more than {MAX_MESSAGES}")
    copies = {bus: circuit.copies(bus) for bus in circuit.buses}
    for message in messages:
        bus = message.bus
        if bus not in copies or len(message.values) != bus.length:
            raise Rejection(Reason.STATEMENT, f"message {message.values} does not fit a bus {bus.name}")
        if any(not 0 <= value < P for value in message.values):
            raise Rejection(Reason.STATEMENT, f"message {message.values} on bus {bus.name} is not of field elements")
        copies[bus] += abs(message.multiplicity)
    for bus, count in copies.items():
        if count >= P:
            raise Rejection(Reason.STATEMENT, f"bus {bus.name}: {count} possible messages reach P = {P}")


def check_balance(messages: Sequence[Message], terminals: Sequence[Extension], fingerprint: Fingerprint) -> None:
    """Raises Rejection unless the masked terminals and the verifier's own messages add up to 0."""
    denominators = [fingerprint.of_elements(message.bus, message.values) for message in messages]
    for message, denominator in zip(messages, denominators, strict=True):
        if denominator == ZERO:
            raise Rejection(
                Reason.VANISHING_DENOMINATOR, f"the verifier's message {message.values} on bus {message.bus.name}"
            )
    balance = ZERO
    for terminal in terminals:
        balance = add(balance, terminal)
    for message, inverse in zip(messages, batch_invert(denominators), strict=True):
        balance = add(balance, scale(inverse, message.multiplicity))
    if balance != ZERO:
        detail = f"{len(terminals)} terminals and {len(messages)} messages of the verifier add up to {balance}, not 0"
        raise Rejection(Reason.BUS_IMBALANCE, detail)
