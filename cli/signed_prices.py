"""Who signed the prices of a batch: the bundles beside a proof, in words and as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from verifier.prices import Bundle
from verifier.text import Names


def bundles_object(bundles: Sequence[Bundle], names: Names, checked: bool) -> dict[str, Any]:
    """For JSON. checked: whether the signatures were found valid."""
    return {
        "checked": checked,
        "bundles": [
            {"time": bundle.time, "signers": bundle.members,
             "prices": {names.instrument(number): names.price(number, price) for number, price in bundle.prices}}
            for bundle in bundles
        ],
    }  # fmt: skip


def bundles_line(bundles: Sequence[Bundle], checked: bool) -> str:
    """For people, under a statement."""
    counts = Counter(member for bundle in bundles for member in bundle.members)
    signers = ", ".join(f"member {member} of {counts[member]}" for member in sorted(counts)) or "nobody"
    note = "" if checked else "; not checked here, a ledger's chain does"
    return f"signed      {len(bundles)} bundles of prices: {signers}{note}"
