"""What a transition needs settled first: it is undone, what is missing is applied, and it is tried again."""

from collections.abc import Callable

from state.memory import Behind, Unsettled
from state.transitions import Transition
from state.transitions.apply_event import ApplyEvent
from state.transitions.pay_funding import PayFunding


def apply_settled(apply: Callable[[Transition], None], transition: Transition) -> None:
    """Apply the transition with `apply`, which leaves no trace if it raises, after all that it needs settled.

    Each attempt settles one thing more. If it is refused in the end, what was settled for it stays so: that is right by
    itself, and anyone could have filed it.
    """
    while True:
        try:
            return apply(transition)
        except (Behind, Unsettled) as missing:
            apply_settled(apply, settlement(missing))


def settlement(missing: Behind | Unsettled) -> Transition:
    """The transition that settles it."""
    if isinstance(missing, Behind):
        return ApplyEvent(missing.account)
    return PayFunding(missing.account, missing.market)
